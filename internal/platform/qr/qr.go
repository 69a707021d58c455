package qr

import (
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/errs"
)

// Bounds.
const (
	BytesMax   = 213
	versionMax = 10
)

// Code is a QR code. Dark tells its modules apart, border not counted.
type Code struct {
	size    int
	version int
	dark    []bool
	fixed   []bool // part of the pattern every code has: holds no data
}

// layout says how the codewords of a version are parted at level M: short blocks, then
// blocks with one byte more, each followed by its correction.
type layout struct{ short, shortBytes, long, correction int }

var layouts = [versionMax + 1]layout{
	1: {1, 16, 0, 10}, 2: {1, 28, 0, 16}, 3: {1, 44, 0, 26}, 4: {2, 32, 0, 18}, 5: {2, 43, 0, 24},
	6: {4, 27, 0, 16}, 7: {4, 31, 0, 18}, 8: {2, 38, 2, 22}, 9: {3, 36, 2, 22}, 10: {4, 43, 1, 26},
}

// alignments are the rows and columns in which the small squares stand.
var alignments = [versionMax + 1][]int{
	2: {6, 18}, 3: {6, 22}, 4: {6, 26}, 5: {6, 30}, 6: {6, 34},
	7: {6, 22, 38}, 8: {6, 24, 42}, 9: {6, 26, 46}, 10: {6, 28, 50},
}

func (l layout) dataBytes() int { return l.short*l.shortBytes + l.long*(l.shortBytes+1) }

// Encode makes the smallest code that holds the text.
func Encode(text string) (*Code, error) {
	for v := 1; v <= versionMax; v++ {
		header := 2 // 4 bits of mode, 8 of length, and the 4 that end it
		if v > 9 {
			header = 3
		}
		if len(text)+header > layouts[v].dataBytes() {
			continue
		}
		c := blank(v)
		words := interleave(pack(text, v), layouts[v])
		best, least := 0, -1
		for mask := range masks {
			c.fill(words, mask)
			if p := c.penalty(); least < 0 || p < least {
				best, least = mask, p
			}
		}
		c.fill(words, best)
		return c, nil
	}
	return nil, errs.New(errs.TooLarge, codes.SettingInvalid, "a QR code holds %d bytes, and this has %d; shorten the address", BytesMax, len(text))
}

// Size is how many modules a side has.
func (c *Code) Size() int { return c.size }

// Dark says whether a module is dark; those outside aren't.
func (c *Code) Dark(x, y int) bool {
	return x >= 0 && y >= 0 && x < c.size && y < c.size && c.dark[y*c.size+x]
}

// pack writes mode, length and text, and fills up what is left.
func pack(text string, version int) []byte {
	var out []byte
	bits, n := uint32(0), 0
	put := func(value uint32, width int) {
		bits, n = bits<<width|value, n+width
		for n >= 8 {
			out = append(out, byte(bits>>(n-8)))
			n -= 8
		}
	}
	const byteMode = 4
	put(byteMode, 4)
	if version > 9 {
		put(uint32(len(text)), 16)
	} else {
		put(uint32(len(text)), 8)
	}
	for i := range len(text) {
		put(uint32(text[i]), 8)
	}
	put(0, 4) // what follows is filling; with the mode's 4 bits it makes a whole byte
	for pad := byte(0xec); len(out) < layouts[version].dataBytes(); pad ^= 0xec ^ 0x11 {
		out = append(out, pad)
	}
	return out
}

// interleave parts the data in blocks, adds the correction of each, and takes from all in turn.
func interleave(data []byte, l layout) []byte {
	var blocks, corrections [][]byte
	for i := range l.short + l.long {
		n := l.shortBytes
		if i >= l.short {
			n++
		}
		blocks, data = append(blocks, data[:n]), data[n:]
		corrections = append(corrections, remainder(blocks[i], l.correction))
	}
	var out []byte
	for _, group := range [][][]byte{blocks, corrections} {
		for i := 0; i <= l.shortBytes || i < l.correction; i++ {
			for _, b := range group {
				if i < len(b) {
					out = append(out, b[i])
				}
			}
		}
	}
	return out
}

// times multiplies in the field of 256 elements that x^8+x^4+x^3+x^2+1 makes.
func times(a, b byte) byte {
	var product byte
	for ; b > 0; b >>= 1 {
		if b&1 == 1 {
			product ^= a
		}
		carry := a&0x80 != 0
		if a <<= 1; carry {
			a ^= 0x1d
		}
	}
	return product
}

// remainder is what a block leaves when divided by the Reed-Solomon generator of a degree.
func remainder(block []byte, degree int) []byte {
	generator := make([]byte, degree) // without its leading 1
	generator[degree-1] = 1
	root := byte(1)
	for range degree {
		for i := range degree {
			generator[i] = times(generator[i], root)
			if i+1 < degree {
				generator[i] ^= generator[i+1]
			}
		}
		root = times(root, 2)
	}
	rest := make([]byte, degree)
	for _, b := range block {
		factor := b ^ rest[0]
		copy(rest, rest[1:])
		rest[degree-1] = 0
		for i := range rest {
			rest[i] ^= times(generator[i], factor)
		}
	}
	return rest
}
