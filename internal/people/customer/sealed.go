package customer

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"fmt"

	"github.com/huiyin/huiyin/internal/people/vault"
	"github.com/huiyin/huiyin/internal/platform/crypt"
	"github.com/huiyin/huiyin/internal/platform/db"
)

// What is sealed is bound to its column and to the customer's id.
const (
	profileColumn = "customer.profile"
	addressColumn = "contact_point.address"
)

// RefPoint is the kind of a contact point that reaches nobody: the keyed hash of the
// wallet's id. Someone who was erased and comes again under the same id has it, and by it
// the refusals they left behind. It is no part of Points.
const RefPoint = "ref"

// RefKey is the keyed hash of a wallet's id.
func RefKey(keys *crypt.Keyring, ref string) []byte { return PointKey(keys, RefPoint, ref) }

// Open opens names, years of birth and addresses, which lie sealed: one read of the vault
// for all. Those whose key was destroyed are Gone; those with a damaged value are Damaged.
func Open(ctx context.Context, v *vault.Vault, people ...*Customer) error {
	keys, err := v.Keys(ctx, keysOf(people))
	if err != nil {
		return err
	}
	for _, c := range people {
		c.open(keys)
	}
	return nil
}

func (c *Customer) open(keys *vault.Keys) {
	c.openProfile(keys)
	for i := range c.Points {
		c.openPoint(keys, &c.Points[i])
	}
}

func (c *Customer) openPoint(keys *vault.Keys, p *Point) {
	address, err := keys.Open(c.KeyID, addressColumn, c.ID, p.sealed)
	c.failed(err)
	p.Address = string(address)
}

func keysOf(people []*Customer) []int64 {
	ids := make([]int64, 0, len(people))
	for _, c := range people {
		if c.KeyID != 0 {
			ids = append(ids, c.KeyID)
		}
	}
	return ids
}

// OpenFor opens names and years of birth, and of the addresses those a channel uses.
func OpenFor(ctx context.Context, v *vault.Vault, channel string, people ...*Customer) error {
	keys, err := v.Keys(ctx, keysOf(people))
	if err != nil {
		return err
	}
	kind := PointKind(channel)
	for _, c := range people {
		c.openProfile(keys)
		for i := range c.Points {
			if c.Points[i].Channel == kind {
				c.openPoint(keys, &c.Points[i])
			}
		}
	}
	return nil
}

// OpenProfiles opens names and years of birth alone.
func OpenProfiles(ctx context.Context, v *vault.Vault, people ...*Customer) error {
	keys, err := v.Keys(ctx, keysOf(people))
	if err != nil {
		return err
	}
	for _, c := range people {
		c.openProfile(keys)
	}
	return nil
}

// failed notes that something of the customer couldn't be opened.
func (c *Customer) failed(err error) {
	switch {
	case err == nil:
	case vault.IsErased(err):
		c.Gone = true
	case c.Damaged == nil:
		c.Damaged = fmt.Errorf("what is sealed of customer %d is damaged; send the customer again: %w", c.ID, err)
	}
}

func (c *Customer) openProfile(keys *vault.Keys) {
	if c.KeyID != 0 && !keys.Has(c.KeyID) {
		c.Gone = true
		return
	}
	b, err := keys.Open(c.KeyID, profileColumn, c.ID, c.profile)
	c.failed(err)
	if len(b) >= 2 {
		c.BirthYear, c.Name = int(binary.BigEndian.Uint16(b)), string(b[2:])
	}
}

func (c *Customer) sealProfile(keys *vault.Keys) (err error) {
	if c.Name == "" && c.BirthYear == 0 {
		c.profile = []byte{}
		return nil
	}
	plain := append(binary.BigEndian.AppendUint16(nil, uint16(c.BirthYear)), c.Name...)
	c.profile, err = keys.Seal(c.KeyID, profileColumn, c.ID, plain)
	return err
}

// remembered gives those who were erased once and are written anew the key of their ref,
// so that what they refused then is found again.
func (w *writing) remembered() error {
	newcomers := map[string]int64{}
	var hashes []string
	for _, c := range w.changes {
		if !c.old.Known && c.new.RefKey != "" {
			newcomers[c.new.RefKey] = c.new.ID
			hashes = append(hashes, c.new.RefKey)
		}
	}
	if len(hashes) == 0 {
		return nil
	}
	met, err := db.All(w.tx, func(r *db.Rows) (h string, err error) { return h, r.Scan(&h) }, `SELECT DISTINCT ref_key FROM erased WHERE ref_key = ANY($1)`, hashes)
	if err != nil {
		return err
	}
	_, err = w.tx.Each(upsertPoint, len(met), func(i int) []any {
		key, _ := hex.DecodeString(met[i]) // it equals one that was encoded a moment ago
		return []any{newcomers[met[i]], RefPoint, []byte{}, key, false}
	})
	return err
}
