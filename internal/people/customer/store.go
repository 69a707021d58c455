package customer

import (
	"cmp"
	"encoding/json"
	"errors"
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
	selectCustomer = `SELECT id, ref, known, name, language, country, birth_year, zones, has, own_hours, revision FROM customer `
	selectPoints   = `SELECT customer_id, channel, address, address_key, verified FROM contact_point WHERE customer_id = ANY($1)`
	lockCustomers  = `SELECT id FROM customer WHERE id = ANY($1) ORDER BY id FOR UPDATE`
	updateCustomer = `UPDATE customer SET known = true, name = $2, language = $3, country = $4, birth_year = $5, zones = $6, has = $7,
own_hours = $8, revision = $9, updated_at = $10 WHERE id = $1`
	upsertPoint = `INSERT INTO contact_point (customer_id, channel, address, address_key, verified) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (customer_id, channel, address) DO UPDATE SET address_key = EXCLUDED.address_key, verified = EXCLUDED.verified`
	deletePoint = `DELETE FROM contact_point WHERE customer_id = $1 AND channel = $2 AND address = $3`
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
// address; the database isn't asked for the order, since it would then read all points there are.
func Points(customers []int64, loaded map[int64]*Customer) db.Question {
	return db.Question{Query: selectPoints, Args: []any{customers}, Row: func(r *db.Rows) error {
		var id int64
		var p Point
		if err := r.Scan(&id, &p.Channel, &p.Address, &p.Key, &p.Verified); err != nil {
			return err
		}
		if c := loaded[id]; c != nil {
			at, _ := slices.BinarySearchFunc(c.Points, p, byPlace)
			c.Points = slices.Insert(c.Points, at, p)
		}
		return nil
	}}
}

func byPlace(a, b Point) int {
	return cmp.Or(cmp.Compare(a.Channel, b.Channel), cmp.Compare(a.Address, b.Address))
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
	err := r.Scan(&c.ID, &c.Ref, &c.Known, &c.Name, &c.Language, &c.Country, &c.BirthYear, &zones, &has, &own, &c.Revision)
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

// Upsert writes customers as the wallet describes them now, whole records that replace what
// was there. Writing the same again changes nothing. It gives each its ID and Revision and
// says how many were changed. They must have been normalised; of two with one ref the later holds.
func Upsert(tx *db.Tx, source *ids.Source, customers []*Customer, at time.Time) (changed int, err error) {
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
	all := make([]int64, 0, len(found))
	for _, id := range found {
		all = append(all, id)
	}
	if err := Lock(tx, all); err != nil {
		return 0, err
	}
	before, err := Load(tx, all)
	if err != nil {
		return 0, err
	}
	var changes []change
	for ref, c := range last {
		old := before[found[ref]]
		if old == nil {
			return 0, errors.New("a customer vanished while it was being written: send it again")
		}
		c.ID, c.Known, c.Revision = old.ID, true, old.Revision
		if !same(old, c) {
			c.Revision++
			changes = append(changes, change{old, c})
		}
	}
	for _, c := range customers { // an earlier record of the same ref tells what the later one became
		*c = *last[c.Ref]
	}
	slices.SortFunc(changes, func(a, b change) int { return cmp.Compare(a.new.ID, b.new.ID) })
	return len(changes), write(tx, changes, at)
}

type change struct{ old, new *Customer }

func write(tx *db.Tx, changes []change, at time.Time) error {
	_, err := tx.Each(updateCustomer, len(changes), func(i int) []any {
		c := changes[i].new
		return []any{
			c.ID, c.Name, c.Language, c.Country, c.BirthYear, wordsText(c.Zones), wordsText(c.Has), ownText(c.Own), c.Revision, db.Millis(at),
		}
	})
	if err != nil {
		return err
	}
	type row struct {
		id int64
		p  Point
	}
	var gone, kept []row
	for _, c := range changes {
		for _, p := range c.old.Points {
			if !slices.ContainsFunc(c.new.Points, func(q Point) bool { return q.Channel == p.Channel && q.Address == p.Address }) {
				gone = append(gone, row{c.new.ID, p})
			}
		}
		for _, p := range c.new.Points {
			if !slices.ContainsFunc(c.old.Points, func(q Point) bool { return samePoint(p, q) }) {
				kept = append(kept, row{c.new.ID, p})
			}
		}
	}
	_, err = tx.Each(deletePoint, len(gone), func(i int) []any { return []any{gone[i].id, gone[i].p.Channel, gone[i].p.Address} })
	if err != nil {
		return err
	}
	_, err = tx.Each(upsertPoint, len(kept), func(i int) []any {
		r := kept[i]
		return []any{r.id, r.p.Channel, r.p.Address, r.p.Key, r.p.Verified}
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
	return a.Channel == b.Channel && a.Address == b.Address && a.Verified == b.Verified && string(a.Key) == string(b.Key)
}
