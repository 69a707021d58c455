package customer

import (
	"bytes"
	"cmp"
	"errors"
	"slices"
	"time"

	"github.com/huiyin/huiyin/internal/people/vault"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/errs"
	"github.com/huiyin/huiyin/internal/platform/ids"
)

// Upsert writes customers as the wallet describes them now, whole records that replace what
// was there, and seals what identifies them. Writing the same again changes nothing. It
// gives each its ID and Revision and says how many were changed. They must have been
// normalised; of two with one ref the later holds. Newcomers take their keys from what
// v.Prepare made ready before the transaction.
func Upsert(tx *db.Tx, v *vault.Vault, source *ids.Source, customers []*Customer, at time.Time) (changed int, err error) {
	if len(customers) > BatchMax {
		return 0, errs.New(errs.TooLarge, codes.BatchTooLarge, "%d customers came at once; at most %d are allowed: send smaller batches", len(customers), BatchMax)
	}
	last := make(map[string]*Customer, len(customers))
	refs := make([]string, len(customers))
	for i, c := range customers {
		last[c.Ref] = c
		refs[i] = c.Ref
	}
	found, err := Resolve(tx, source, refs, at)
	if err != nil {
		return 0, err
	}
	before, keys, err := lockAndOpen(tx, v, found)
	if err != nil {
		return 0, err
	}
	w := writing{tx: tx, v: v, keys: keys, at: at}
	for ref, c := range last {
		old := before[found[ref]]
		if old == nil || old.Ref != ref { // erased while we waited for the lock
			return 0, db.ErrAgain
		}
		if old.Gone {
			if err := lost(tx, old); err != nil {
				return 0, err
			}
		}
		c.ID, c.Known, c.Revision, c.KeyID = old.ID, true, old.Revision, old.KeyID
		if !same(old, c) {
			c.Revision++
			w.changes = append(w.changes, change{old, c})
		}
	}
	slices.SortFunc(w.changes, func(a, b change) int { return cmp.Compare(a.new.ID, b.new.ID) })
	if err := w.run(); err != nil {
		return 0, err
	}
	for _, c := range customers { // an earlier record of the same ref tells what the later one became
		*c = *last[c.Ref]
	}
	return len(w.changes), nil
}

func lockAndOpen(tx *db.Tx, v *vault.Vault, found map[string]int64) (map[int64]*Customer, *vault.Keys, error) {
	all := make([]int64, 0, len(found))
	for _, id := range found {
		all = append(all, id)
	}
	if err := Lock(tx, all); err != nil {
		return nil, nil, err
	}
	before, err := Load(tx, all)
	if err != nil {
		return nil, nil, err
	}
	people := make([]*Customer, 0, len(before))
	for _, c := range before {
		people = append(people, c)
	}
	keys, err := v.Keys(tx.Context(), keysOf(people))
	if err != nil {
		return nil, nil, err
	}
	for _, c := range people {
		c.open(keys)
	}
	return before, keys, nil
}

// lost takes away a key that isn't in the vault any more, so that a new one is given: an old
// vault was put back. Of those who are being erased nothing new is taken.
func lost(tx *db.Tx, c *Customer) error {
	c.KeyID, c.Damaged = 0, errLost
	return notErasing(tx, []int64{c.ID})
}

func notErasing(tx *db.Tx, customers []int64) error {
	erased, err := vault.Begun(tx, customers)
	if err == nil && len(erased) > 0 {
		err = errs.New(errs.Conflict, codes.ErasureRunning, "one of these customers is being erased at this moment: send them again in a minute")
	}
	return err
}

var errLost = errors.New("the customer's key is not in the vault")

type change struct{ old, new *Customer }

type pointRow struct {
	id int64
	p  Point
}

// writing is the changes of one Upsert.
type writing struct {
	tx      *db.Tx
	v       *vault.Vault
	keys    *vault.Keys
	at      time.Time
	changes []change
}

func (w *writing) run() error {
	if err := w.giveKeys(); err != nil {
		return err
	}
	for _, c := range w.changes {
		if err := c.new.sealProfile(w.keys); err != nil {
			return err
		}
	}
	_, err := w.tx.Each(updateCustomer, len(w.changes), func(i int) []any {
		c := w.changes[i].new
		return []any{
			c.ID, c.KeyID, c.profile, c.Language, c.Country, wordsText(c.Zones), wordsText(c.Has), ownText(c.Own), c.Revision, db.Millis(w.at),
		}
	})
	if err != nil {
		return err
	}
	if err := w.points(); err != nil {
		return err
	}
	return w.remembered()
}

// giveKeys gives a key to those who have none. Nobody who is being erased gets one: the
// erasure doesn't know of it, and it would outlive them.
func (w *writing) giveKeys() error {
	var keyless, given []int64
	for _, c := range w.changes {
		if c.new.KeyID == 0 {
			keyless = append(keyless, c.new.ID)
		}
	}
	if len(keyless) == 0 {
		return nil
	}
	if err := notErasing(w.tx, keyless); err != nil {
		return err
	}
	for _, c := range w.changes {
		if c.new.KeyID != 0 {
			continue
		}
		key, err := w.v.Take(w.tx.Context())
		if err != nil {
			return err
		}
		c.new.KeyID = key
		given = append(given, key)
	}
	return w.keys.Add(w.tx.Context(), given)
}

func (w *writing) points() error {
	var gone, kept []pointRow
	for _, c := range w.changes {
		for _, p := range c.old.Points {
			if !slices.ContainsFunc(c.new.Points, func(q Point) bool { return q.Channel == p.Channel && bytes.Equal(q.Key, p.Key) }) {
				gone = append(gone, pointRow{c.new.ID, p})
			}
		}
		for _, p := range c.new.Points {
			if c.old.Damaged == nil && slices.ContainsFunc(c.old.Points, func(q Point) bool { return samePoint(p, q) }) {
				continue
			}
			var err error
			if p.sealed, err = w.keys.Seal(c.new.KeyID, addressColumn, c.new.ID, []byte(p.Address)); err != nil {
				return err
			}
			kept = append(kept, pointRow{c.new.ID, p})
		}
	}
	_, err := w.tx.Each(deletePoint, len(gone), func(i int) []any { return []any{gone[i].id, gone[i].p.Channel, gone[i].p.Key} })
	if err != nil {
		return err
	}
	_, err = w.tx.Each(upsertPoint, len(kept), func(i int) []any {
		r := kept[i]
		return []any{r.id, r.p.Channel, r.p.sealed, r.p.Key, r.p.Verified}
	})
	return err
}

func same(a, b *Customer) bool {
	if a.Damaged != nil || a.Known != b.Known || a.Name != b.Name || a.Language != b.Language || a.Country != b.Country || a.BirthYear != b.BirthYear ||
		!slices.Equal(a.Zones, b.Zones) || !slices.Equal(a.Has, b.Has) || ownText(a.Own) != ownText(b.Own) || len(a.Points) != len(b.Points) {
		return false
	}
	for _, p := range b.Points {
		if !slices.ContainsFunc(a.Points, func(q Point) bool { return samePoint(p, q) }) {
			return false
		}
	}
	return true
}

func samePoint(a, b Point) bool {
	return a.Channel == b.Channel && a.Address == b.Address && a.Verified == b.Verified && bytes.Equal(a.Key, b.Key)
}
