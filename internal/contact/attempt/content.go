package attempt

import (
	"context"
	"encoding/binary"
	"errors"

	"github.com/huiyin/huiyin/internal/people/vault"
)

// contentColumn is what a sealed content is bound to, with the attempt's id.
const contentColumn = "attempt.content"

// Content is where an attempt went and what it said.
type Content struct {
	Address             string
	Subject, Body, HTML string // as sent
}

// encode writes the parts one after another, each with its length before it.
func (c *Content) encode() []byte {
	if *c == (Content{}) {
		return nil
	}
	var b []byte
	for _, part := range []string{c.Address, c.Subject, c.Body, c.HTML} {
		b = append(binary.AppendUvarint(b, uint64(len(part))), part...)
	}
	return b
}

var errContent = errors.New("a content isn't built as we build them")

func decode(b []byte) (c Content, err error) {
	if len(b) == 0 {
		return c, nil
	}
	for _, part := range []*string{&c.Address, &c.Subject, &c.Body, &c.HTML} {
		n, used := binary.Uvarint(b)
		if used <= 0 || n > uint64(len(b)-used) {
			return Content{}, errContent
		}
		*part, b = string(b[used:used+int(n)]), b[used+int(n):]
	}
	if len(b) > 0 {
		return Content{}, errContent
	}
	return c, nil
}

// Open opens the contents of attempts, with one read of the vault. Those of customers who
// were erased stay empty.
func Open(ctx context.Context, v *vault.Vault, as ...*Attempt) error {
	keys, err := v.Keys(ctx, keysOf(as))
	if err != nil {
		return err
	}
	for _, a := range as {
		plain, err := keys.Open(a.KeyID, contentColumn, a.ID, a.sealed)
		if vault.IsErased(err) {
			continue
		}
		if err == nil {
			a.Content, err = decode(plain)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func keysOf(as []*Attempt) []int64 {
	ids := make([]int64, len(as))
	for i, a := range as {
		ids[i] = a.KeyID
	}
	return ids
}

// seal seals the contents of attempts.
func seal(ctx context.Context, v *vault.Vault, as []Attempt) error {
	pointers := make([]*Attempt, len(as))
	for i := range as {
		pointers[i] = &as[i]
	}
	keys, err := v.Keys(ctx, keysOf(pointers))
	if err != nil {
		return err
	}
	for i := range as {
		a := &as[i]
		if a.sealed, err = keys.Seal(a.KeyID, contentColumn, a.ID, a.encode()); err != nil {
			return err
		}
	}
	return nil
}
