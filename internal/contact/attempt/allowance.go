package attempt

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/huiyin/huiyin/internal/decide/policy"
	"github.com/huiyin/huiyin/internal/platform/db"
)

// keepCounted is how long a counted contact stays in an allowance row: no cap looks back further.
const keepCounted = 400 * 24 * time.Hour

// countedMax bounds one row; the oldest go first. No cap policy allows so many.
const countedMax = 512

// CustomerKey is the allowance row of a person.
func CustomerKey(id int64) string { return "c:" + strconv.FormatInt(id, 36) }

// PointKey is the allowance row of a contact point, shared by all who share the address.
func PointKey(addressKey []byte) string { return "p:" + hex.EncodeToString(addressKey) }

// Allowance is what counts against the caps of one person or one contact point.
type Allowance struct {
	Key     string
	Counted []policy.Counted
	changed bool
	damaged error // what is stored can't be read; it is never written over
	stored  bool
}

// entry is how a counted contact is stored.
type entry struct {
	At       int64       `json:"t"`
	Purpose  string      `json:"p"`
	Kind     policy.Kind `json:"k"`
	FollowUp int64       `json:"f"`
	Attempt  int64       `json:"a"`
}

// Allowances are the rows a transaction holds, by key.
type Allowances map[string]*Allowance

// LockAllowances locks the rows of keys, in sorted order so that two transactions
// never wait for each other, and reads them. A row that doesn't exist yet can't be
// locked: if two transactions find none, both count from zero, and Save tells the
// slower one to begin again.
func LockAllowances(tx *db.Tx, keys []string) (Allowances, error) {
	keys = slices.Clone(keys)
	sort.Strings(keys)
	rows := Allowances{}
	return rows, rows.read(tx, slices.Compact(keys))
}

func (rows Allowances) read(tx *db.Tx, keys []string) error {
	got, err := db.All(tx, func(r *db.Rows) (*Allowance, error) {
		a := &Allowance{stored: true}
		var doc string
		if err := r.Scan(&a.Key, &doc); err != nil {
			return nil, err
		}
		a.damaged = a.parse(doc)
		return a, nil
	}, `SELECT key, doc FROM allowance WHERE key = ANY($1) ORDER BY key FOR UPDATE`, keys)
	if err != nil {
		return err
	}
	for _, a := range got {
		rows[a.Key] = a
	}
	return nil
}

func (a *Allowance) parse(doc string) error {
	if doc == "" {
		return nil
	}
	var entries []entry
	if err := json.Unmarshal([]byte(doc), &entries); err != nil {
		return fmt.Errorf("the allowance row %s is damaged; restore it from a backup, or delete it to begin counting anew: %w", a.Key, err)
	}
	for _, e := range entries {
		a.Counted = append(a.Counted, policy.Counted{At: db.Time(e.At), Purpose: e.Purpose, Kind: e.Kind, FollowUp: e.FollowUp, Attempt: e.Attempt})
	}
	return nil
}

// Counted is all that counts for a person who is reached at a contact point.
// One contact stands in both rows and names its attempt, so that it counts once.
func (rows Allowances) Counted(keys ...string) []policy.Counted {
	if len(keys) == 2 && rows[keys[0]] != nil && rows[keys[1]] != nil && slices.Equal(rows[keys[0]].Counted, rows[keys[1]].Counted) {
		keys = keys[:1] // the usual case: nobody shares the address
	}
	var all []policy.Counted
	for _, k := range keys {
		if a := rows[k]; a != nil {
			all = append(all, a.Counted...)
		}
	}
	return all
}

// Damaged says whether what is stored under one of the keys can't be read. Nobody knows
// then what the caps have counted, so whoever would be contacted by it is not.
func (rows Allowances) Damaged(keys ...string) error {
	for _, k := range keys {
		if a := rows[k]; a != nil && a.damaged != nil {
			return a.damaged
		}
	}
	return nil
}

// Reserve counts a contact in the rows of keys.
func (rows Allowances) Reserve(c policy.Counted, keys ...string) {
	for _, k := range keys {
		a := rows[k]
		if a == nil {
			a = &Allowance{Key: k}
			rows[k] = a
		}
		a.Counted = append(a.Counted, c)
		a.changed = true
	}
}

// Release takes back what an attempt counted: it is known not to have reached the customer.
func (rows Allowances) Release(attempt int64, keys ...string) {
	for _, k := range keys {
		if a := rows[k]; a != nil {
			n := len(a.Counted)
			a.Counted = slices.DeleteFunc(a.Counted, func(c policy.Counted) bool { return c.Attempt == attempt })
			a.changed = a.changed || len(a.Counted) != n
		}
	}
}

// Renew counts an attempt from now on: it goes to the wire again, and caps look back from
// when a message may have reached somebody, not from when it was first tried.
func (rows Allowances) Renew(attempt int64, now time.Time, keys ...string) {
	for _, k := range keys {
		a := rows[k]
		if a == nil {
			continue
		}
		for i := range a.Counted {
			if c := &a.Counted[i]; c.Attempt == attempt {
				c.At, a.changed = now, true
			}
		}
	}
}

// Save writes the rows that changed.
func (rows Allowances) Save(tx *db.Tx, now time.Time) error {
	var known, fresh []*Allowance
	for _, a := range rows {
		switch {
		case !a.changed:
		case a.stored:
			known = append(known, a)
		default:
			fresh = append(fresh, a)
		}
	}
	args := func(all []*Allowance) func(i int) []any {
		slices.SortFunc(all, func(a, b *Allowance) int { return strings.Compare(a.Key, b.Key) })
		return func(i int) []any { return []any{all[i].Key, all[i].doc(now), db.Millis(now)} }
	}
	if _, err := tx.UpdateEach(`UPDATE allowance SET doc = $2, updated_at = $3 WHERE key = $1`, len(known), args(known)); err != nil {
		return err
	}
	n, err := tx.InsertEach(`INSERT INTO allowance (key, doc, updated_at) VALUES ($1, $2, $3) ON CONFLICT (key) DO NOTHING`, len(fresh), args(fresh))
	if err != nil {
		return err
	}
	if n != int64(len(fresh)) {
		return fmt.Errorf("an allowance row was made meanwhile: %w", db.ErrAgain)
	}
	for _, a := range append(known, fresh...) {
		a.changed, a.stored = false, true
	}
	return nil
}

func (a *Allowance) doc(now time.Time) string {
	a.Counted = slices.DeleteFunc(a.Counted, func(c policy.Counted) bool { return now.Sub(c.At) > keepCounted })
	if n := len(a.Counted); n > countedMax {
		a.Counted = slices.Delete(a.Counted, 0, n-countedMax)
	}
	entries := make([]entry, len(a.Counted))
	for i, c := range a.Counted {
		entries[i] = entry{db.Millis(c.At), c.Purpose, c.Kind, c.FollowUp, c.Attempt}
	}
	b, err := json.Marshal(entries)
	if err != nil {
		panic("attempt: numbers and words can always be written: " + err.Error())
	}
	return string(b)
}
