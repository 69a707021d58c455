package tally

import (
	"sort"
	"time"

	"github.com/huiyin/huiyin/internal/platform/db"
)

const dayMillis = 24 * 60 * 60 * 1000

// Key names a counter: what is counted (Metric), of which sort (Dim), for a program on a day.
type Key struct {
	Program int64
	Day     int32 // days since 1970 UTC
	Metric  string
	Dim     string
}

// Day is the day a moment belongs to.
func Day(t time.Time) int32 { return int32(t.UnixMilli() / dayMillis) }

// Batch gathers the counts of one transaction. The zero Batch is ready.
type Batch struct{ n map[Key]int64 }

// Add counts n of k.
func (b *Batch) Add(k Key, n int64) {
	if b.n == nil {
		b.n = map[Key]int64{}
	}
	b.n[k] += n
}

// Flush appends the counts in tx and empties the batch.
func (b *Batch) Flush(tx *db.Tx) error {
	keys := make([]Key, 0, len(b.n))
	for k, n := range b.n {
		if n != 0 {
			keys = append(keys, k)
		}
	}
	sort.Slice(keys, func(i, j int) bool { return less(keys[i], keys[j]) }) // the same rows in the same order from the same seed
	counts := b.n
	b.n = nil
	_, err := tx.Each(`INSERT INTO tally_delta (program_id, day, metric, dim, n) VALUES ($1, $2, $3, $4, $5)`,
		len(keys), func(i int) []any {
			k := keys[i]
			return []any{k.Program, k.Day, k.Metric, k.Dim, counts[k]}
		})
	return err
}

func less(a, b Key) bool {
	switch {
	case a.Program != b.Program:
		return a.Program < b.Program
	case a.Day != b.Day:
		return a.Day < b.Day
	case a.Metric != b.Metric:
		return a.Metric < b.Metric
	default:
		return a.Dim < b.Dim
	}
}

// Fold moves up to limit deltas into their counters and says how many it moved.
func Fold(tx *db.Tx, limit int) (int, error) {
	// SKIP LOCKED: two nodes that fold at once share the work instead of counting it twice.
	rows, err := db.All(tx, func(r *db.Rows) (delta, error) {
		var d delta
		return d, r.Scan(&d.id, &d.Program, &d.Day, &d.Metric, &d.Dim, &d.n)
	}, `SELECT id, program_id, day, metric, dim, n FROM tally_delta ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED`, limit)
	if err != nil || len(rows) == 0 {
		return 0, err
	}
	sums := map[Key]int64{}
	ids := make([]int64, len(rows))
	for i, d := range rows {
		ids[i] = d.id
		sums[d.Key] += d.n
	}
	keys := make([]Key, 0, len(sums))
	for k := range sums {
		keys = append(keys, k)
	}
	sort.Slice(keys, func(i, j int) bool { return less(keys[i], keys[j]) }) // a fixed order of locks
	if _, err := tx.Each(`INSERT INTO counter (program_id, day, metric, dim, n) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (program_id, day, metric, dim) DO UPDATE SET n = counter.n + excluded.n`,
		len(keys), func(i int) []any {
			k := keys[i]
			return []any{k.Program, k.Day, k.Metric, k.Dim, sums[k]}
		}); err != nil {
		return 0, err
	}
	_, err = tx.Exec(`DELETE FROM tally_delta WHERE id = ANY($1)`, ids)
	return len(rows), err
}

type delta struct {
	Key
	id, n int64
}

// Sum adds up the counters of a program from one day to another, both included,
// by metric and dim. It counts what is folded and what isn't yet.
func Sum(tx *db.Tx, program int64, from, to int32) (map[[2]string]int64, error) {
	rows, err := tx.Query(`SELECT metric, dim, CAST(SUM(n) AS BIGINT) FROM (
			SELECT metric, dim, n FROM counter WHERE program_id = $1 AND day BETWEEN $2 AND $3
			UNION ALL
			SELECT metric, dim, n FROM tally_delta WHERE program_id = $1 AND day BETWEEN $2 AND $3
		) AS every GROUP BY metric, dim`, program, from, to)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	sums := map[[2]string]int64{}
	for rows.Next() {
		var metric, dim string
		var n int64
		if err := rows.Scan(&metric, &dim, &n); err != nil {
			return nil, err
		}
		sums[[2]string{metric, dim}] = n
	}
	return sums, rows.Err()
}
