package customer

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/errs"
	"github.com/huiyin/huiyin/internal/platform/ids"
)

// BatchMax is how many customers one call may take.
const BatchMax = 10_000

const (
	insertStub     = `INSERT INTO customer (id, ref, known, created_at, updated_at) VALUES ($1, $2, false, $3, $3) ON CONFLICT (ref) DO NOTHING`
	selectRefs     = `SELECT ref, id FROM customer WHERE ref = ANY($1)`
	selectCustomer = `SELECT id, ref, known, key_id, profile, language, country, zones, has, own_hours, revision FROM customer `
	selectPoints   = `SELECT customer_id, channel, address, address_key, verified, bounced_at FROM contact_point WHERE customer_id = ANY($1)`
	lockCustomers  = `SELECT id FROM customer WHERE id = ANY($1) ORDER BY id FOR UPDATE`
	updateCustomer = `UPDATE customer SET known = true, key_id = $2, profile = $3, language = $4, country = $5, zones = $6, has = $7,
own_hours = $8, revision = $9, updated_at = $10 WHERE id = $1`
	upsertPoint = `INSERT INTO contact_point (customer_id, channel, address, address_key, verified) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (customer_id, channel, address_key) DO UPDATE SET address = EXCLUDED.address, verified = EXCLUDED.verified`
	deletePoint = `DELETE FROM contact_point WHERE customer_id = $1 AND channel = $2 AND address_key = $3`
)

// Resolve gives the ids of refs, making a stub for each customer we haven't met.
func Resolve(tx *db.Tx, source *ids.Source, refs []string, at time.Time) (map[string]int64, error) {
	refs = slices.Compact(slices.Sorted(slices.Values(refs)))
	found := make(map[string]int64, len(refs))
	if err := lookUp(tx, refs, found); err != nil || len(found) == len(refs) {
		return found, err
	}
	missing := slices.DeleteFunc(refs, func(ref string) bool { _, ok := found[ref]; return ok })
	// In order of refs, so two nodes that meet the same newcomers don't wait for each other in a circle.
	_, err := tx.Each(insertStub, len(missing), func(i int) []any { return []any{source.Next(), missing[i], db.Millis(at)} })
	if err != nil {
		return nil, err
	}
	if err := lookUp(tx, missing, found); err != nil {
		return nil, err
	}
	return found, nil
}

// Find gives the ids of the refs we know.
func Find(tx *db.Tx, refs []string) (map[string]int64, error) {
	found := make(map[string]int64, len(refs))
	return found, lookUp(tx, refs, found)
}

func lookUp(tx *db.Tx, refs []string, found map[string]int64) error {
	if len(refs) == 0 {
		return nil
	}
	rows, err := tx.Query(selectRefs, refs)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var ref string
		var id int64
		if err := rows.Scan(&ref, &id); err != nil {
			return err
		}
		found[ref] = id
	}
	return rows.Err()
}

// Lock holds the customers' rows until the transaction ends, taken in order of id so that
// two transactions never wait for each other in a circle. Refusing and contacting both lock
// the row first: whichever comes second sees what the first did.
func Lock(tx *db.Tx, customers []int64) error {
	if tx.Engine() == db.SQLite || len(customers) == 0 {
		return nil // one writer: nothing to lock
	}
	rows, err := tx.Query(lockCustomers, customers)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
	}
	return rows.Err()
}

// Load gives customers with their points, by id; those that don't exist are left out.
func Load(tx *db.Tx, customers []int64) (map[int64]*Customer, error) {
	loaded := make(map[int64]*Customer, len(customers))
	if len(customers) == 0 {
		return loaded, nil
	}
	return loaded, tx.Ask(Rows(customers, loaded), Points(customers, loaded))
}

// Rows asks for the customers without their points, into loaded.
func Rows(customers []int64, loaded map[int64]*Customer) db.Question {
	return db.Question{Query: selectCustomer + `WHERE id = ANY($1)`, Args: []any{customers}, Row: into(loaded)}
}

// LockRows asks likewise, and holds the rows as Lock does.
func LockRows(customers []int64, loaded map[int64]*Customer) db.Question {
	return db.Question{Query: selectCustomer + `WHERE id = ANY($1) ORDER BY id FOR UPDATE`, Args: []any{customers}, Row: into(loaded)}
}

func into(loaded map[int64]*Customer) func(*db.Rows) error {
	return func(r *db.Rows) error {
		c, err := scanCustomer(r)
		if err == nil {
			loaded[c.ID] = c
		}
		return err
	}
}

// Points asks for the points of loaded customers. They stand in order of channel and
// key; the database isn't asked for the order, since it would then read all points there are.
func Points(customers []int64, loaded map[int64]*Customer) db.Question {
	return db.Question{Query: selectPoints, Args: []any{customers}, Row: func(r *db.Rows) error {
		var id, bounced int64
		var p Point
		if err := r.Scan(&id, &p.Channel, &p.sealed, &p.Key, &p.Verified, &bounced); err != nil {
			return err
		}
		p.Bounced = bounced != 0
		if c := loaded[id]; c != nil && p.Channel != RefPoint {
			at, _ := slices.BinarySearchFunc(c.Points, p, byPlace)
			c.Points = slices.Insert(c.Points, at, p)
		}
		return nil
	}}
}

func byPlace(a, b Point) int {
	return cmp.Or(cmp.Compare(a.Channel, b.Channel), bytes.Compare(a.Key, b.Key))
}

// Get gives one customer by ref.
func Get(tx *db.Tx, ref string) (*Customer, error) {
	found, err := Find(tx, []string{ref})
	if err != nil {
		return nil, err
	}
	id, ok := found[ref]
	if !ok {
		return nil, errs.New(errs.NotFound, codes.NotFound, "there is no customer %q: check the wallet's id", ref)
	}
	loaded, err := Load(tx, []int64{id})
	if err != nil {
		return nil, err
	}
	c := loaded[id]
	if c == nil {
		return nil, errs.New(errs.NotFound, codes.NotFound, "the customer %q vanished meanwhile: ask again", ref)
	}
	return c, c.Damaged
}

// Page lists customers in order of id, after the given one.
func Page(tx *db.Tx, after int64, limit int) ([]*Customer, error) {
	return db.All(tx, scanCustomer, selectCustomer+`WHERE id > $1 ORDER BY id LIMIT $2`, after, min(limit, BatchMax))
}

func scanCustomer(r *db.Rows) (*Customer, error) {
	c := &Customer{}
	var zones, has, own string
	err := r.Scan(&c.ID, &c.Ref, &c.Known, &c.KeyID, &c.profile, &c.Language, &c.Country, &zones, &has, &own, &c.Revision)
	if err != nil {
		return nil, err
	}
	if c.Zones, err = wordsFrom(zones); err == nil {
		c.Has, err = wordsFrom(has)
	}
	if err == nil {
		c.Own, err = ownFrom(own)
	}
	if err != nil { // their own fault: those read along with them lose nothing
		c.Damaged = fmt.Errorf("the row of customer %d is damaged; send the customer again: %w", c.ID, err)
	}
	return c, nil
}

func wordsFrom(text string) ([]string, error) {
	if text == "[]" {
		return nil, nil
	}
	if plain, ok := plainWords(text); ok {
		return plain, nil
	}
	var words []string
	return words, json.Unmarshal([]byte(text), &words)
}

// plainWords reads a list without anything escaped, as nearly all are: every contact reads two.
func plainWords(text string) ([]string, bool) {
	inner, ok := strings.CutPrefix(text, `["`)
	if ok {
		inner, ok = strings.CutSuffix(inner, `"]`)
	}
	if !ok || !utf8.ValidString(inner) || strings.ContainsFunc(inner, func(r rune) bool { return r == '\\' || r < ' ' }) {
		return nil, false
	}
	words := strings.Split(inner, `","`)
	return words, !slices.ContainsFunc(words, func(w string) bool { return strings.Contains(w, `"`) })
}

func wordsText(words []string) string {
	if len(words) == 0 {
		return "[]"
	}
	b, err := json.Marshal(words)
	if err != nil {
		panic("customer: words can always be written: " + err.Error())
	}
	return string(b)
}
