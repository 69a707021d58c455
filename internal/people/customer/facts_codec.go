package customer

import (
	"encoding/binary"
	"errors"
)

const (
	factVersion  = 1
	fieldNameMax = 256
)

var errFactBroken = errors.New("a customer_fact row is damaged: counting begins anew; restore the row from a backup to keep what was counted")

// encode writes a fact as variable-length integers; days as steps from the one before.
func (f *fact) encode() []byte {
	b := make([]byte, 0, 32+len(f.recent)*8+len(f.fields)*20+len(f.days)*(3+4*len(f.fields)))
	b = append(b, factVersion)
	b = binary.AppendUvarint(b, uint64(f.total))
	b = binary.AppendVarint(b, f.last)
	b = binary.AppendUvarint(b, uint64(len(f.recent)))
	for _, s := range f.recent {
		b = binary.AppendVarint(b, s.seq)
		b = binary.AppendVarint(b, f.last-s.at)
	}
	b = binary.AppendUvarint(b, uint64(len(f.fields)))
	for _, x := range f.fields {
		b = binary.AppendUvarint(b, uint64(len(x.name)))
		b = append(b, x.name...)
		b = binary.AppendUvarint(b, uint64(x.n))
	}
	b = binary.AppendUvarint(b, uint64(len(f.days)))
	before := int64(0)
	for _, d := range f.days {
		b = binary.AppendVarint(b, d.number-before)
		before = d.number
		b = binary.AppendUvarint(b, uint64(d.count))
		for _, s := range d.sums {
			b = binary.AppendVarint(b, s)
		}
	}
	return b
}

// cursor reads what encode wrote and remembers that something was wrong.
type cursor struct {
	b      []byte
	broken bool
}

func (c *cursor) unsigned() int64 {
	v, n := binary.Uvarint(c.b)
	return c.step(int64(v), n)
}

func (c *cursor) signed() int64 {
	v, n := binary.Varint(c.b)
	return c.step(v, n)
}

func (c *cursor) step(v int64, n int) int64 {
	if n <= 0 || c.broken {
		c.broken = true
		return 0
	}
	c.b = c.b[n:]
	return v
}

// length reads a count that must not exceed most, so that a damaged row can't ask for memory.
func (c *cursor) length(most int) int {
	n := c.unsigned()
	if n < 0 || n > int64(most) {
		c.broken = true
		return 0
	}
	return int(n)
}

func (c *cursor) text(n int) string {
	if n > len(c.b) {
		c.broken = true
		return ""
	}
	s := string(c.b[:n])
	c.b = c.b[n:]
	return s
}

func decodeFact(b []byte) (*fact, error) {
	if len(b) == 0 || b[0] != factVersion {
		return nil, errFactBroken
	}
	c := &cursor{b: b[1:]}
	f := &fact{total: c.unsigned(), last: c.signed()}
	f.recent = make([]seenAt, c.length(recentMax))
	for i := range f.recent {
		f.recent[i] = seenAt{c.signed(), f.last - c.signed()}
	}
	f.fields = make([]field, c.length(fieldsMax))
	for i := range f.fields {
		f.fields[i] = field{c.text(c.length(fieldNameMax)), c.unsigned()}
	}
	f.days = make([]day, c.length(FactDays))
	sums := make([]int64, len(f.days)*len(f.fields))
	before := int64(0)
	for i := range f.days {
		before += c.signed()
		f.days[i] = day{number: before, count: c.unsigned(), sums: sums[:len(f.fields):len(f.fields)]}
		sums = sums[len(f.fields):]
		for j := range f.days[i].sums {
			f.days[i].sums[j] = c.signed()
		}
		if i > 0 && before <= f.days[i-1].number {
			c.broken = true
		}
	}
	if c.broken || len(c.b) > 0 {
		return nil, errFactBroken
	}
	return f, nil
}
