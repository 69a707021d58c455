package customer

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/huiyin/huiyin/internal/platform/db"
)

const (
	selectFacts      = `SELECT customer_id, type, doc FROM customer_fact WHERE customer_id = ANY($1)`
	selectFactsTypes = `SELECT customer_id, type, doc FROM customer_fact WHERE customer_id = ANY($1) AND type = ANY($2)`
	upsertFact       = `INSERT INTO customer_fact (customer_id, type, doc) VALUES ($1, $2, $3)
ON CONFLICT (customer_id, type) DO UPDATE SET doc = EXCLUDED.doc`
	upsertFacts = `INSERT INTO customer_fact (customer_id, type, doc) SELECT id, type, doc
FROM unnest($1::bigint[], $2::text[], $3::bytea[]) AS f(id, type, doc)
ON CONFLICT (customer_id, type) DO UPDATE SET doc = EXCLUDED.doc`
)

// LoadFacts gives the facts of customers: of the given event types, or of all when none is
// given. Each customer gets one, be it empty.
func LoadFacts(tx *db.Tx, customers []int64, types ...string) (map[int64]*Facts, error) {
	loaded := make(map[int64]*Facts, len(customers))
	for _, id := range customers {
		loaded[id] = NewFacts()
	}
	if len(customers) == 0 {
		return loaded, nil
	}
	query, args := selectFacts, []any{customers}
	if len(types) > 0 {
		query, args = selectFactsTypes, []any{customers, types}
	}
	rows, err := tx.Query(query, args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var id int64
		var eventType string
		var doc []byte
		if err := rows.Scan(&id, &eventType, &doc); err != nil {
			return nil, err
		}
		known, err := decodeFact(doc)
		if err != nil { // their own loss: those read along with them lose nothing
			known = &fact{}
			loaded[id].Damaged = append(loaded[id].Damaged, fmt.Errorf("facts of customer %d about %s: %w", id, eventType, err))
		}
		loaded[id].types = append(loaded[id].types, typeFact{name: eventType, fact: known})
	}
	return loaded, rows.Err()
}

// SaveFacts writes what was observed since the facts were loaded, in order of customers. It
// may be called again when the transaction is run again.
func SaveFacts(tx *db.Tx, facts map[int64]*Facts) error {
	type row struct {
		id        int64
		eventType string
		doc       []byte
	}
	var rows []row
	for id, f := range facts {
		for _, t := range f.types {
			if t.dirty {
				rows = append(rows, row{id, t.name, t.fact.encode()})
			}
		}
	}
	slices.SortFunc(rows, func(a, b row) int {
		return cmp.Or(cmp.Compare(a.id, b.id), strings.Compare(a.eventType, b.eventType))
	})
	if tx.Engine() == db.SQLite || len(rows) < 2 {
		_, err := tx.Each(upsertFact, len(rows), func(i int) []any { return []any{rows[i].id, rows[i].eventType, rows[i].doc} })
		return err
	}
	customers, types, docs := make([]int64, len(rows)), make([]string, len(rows)), make([][]byte, len(rows))
	for i, r := range rows {
		customers[i], types[i], docs[i] = r.id, r.eventType, r.doc
	}
	_, err := tx.Exec(upsertFacts, customers, types, docs)
	return err
}
