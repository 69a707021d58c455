package study

import (
	"cmp"
	"slices"
	"time"

	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/tally"
)

// Enroll makes members of customers who aren't yet; those who are stay as they are.
func Enroll(tx *db.Tx, members []Member) error {
	_, err := enroll(tx, members)
	return err
}

func enroll(tx *db.Tx, members []Member) (added int64, err error) {
	members = slices.Clone(members)
	slices.SortStableFunc(members, func(a, b Member) int { // a fixed order of locks
		return cmp.Or(cmp.Compare(a.Customer, b.Customer), cmp.Compare(a.Program, b.Program))
	})
	touched, err := tx.Each(`INSERT INTO study_member (program_id, customer_id, arm, control, at, until_at) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (customer_id, program_id) DO NOTHING`, len(members), func(i int) []any {
		m := &members[i]
		return []any{m.Program, m.Customer, m.Arm, m.Control, db.Millis(m.At), db.Millis(m.Until)}
	})
	if err != nil {
		return 0, err
	}
	var counts tally.Batch
	for i, n := range touched {
		count(&counts, &members[i], MetricMember, n)
		added += n
	}
	return added, counts.Flush(tx)
}

// count adds n members or hits on the day the member entered.
func count(counts *tally.Batch, m *Member, metric string, n int64) {
	counts.Add(tally.Key{Program: m.Program, Day: tally.Day(m.At), Metric: metric, Dim: dim(m.Arm, m.Control)}, n)
}

// Observe keeps the earliest hit of each member inside its window. Hits may come in
// any order and more than once; those of customers who are no members change nothing.
func Observe(tx *db.Tx, hits []Hit) error {
	found, err := earliest(tx, hits)
	if err != nil || len(found) == 0 {
		return err
	}
	args := func(i int) []any { return []any{found[i].Customer, found[i].Program, db.Millis(found[i].HitAt)} }
	first, err := tx.Each(`UPDATE study_member SET hit_at = $3 WHERE customer_id = $1 AND program_id = $2 AND hit_at = 0`, len(found), args)
	if err != nil {
		return err
	}
	var counts tally.Batch
	for i, n := range first {
		count(&counts, &found[i], MetricHit, n)
	}
	if _, err := tx.Each(`UPDATE study_member SET hit_at = $3 WHERE customer_id = $1 AND program_id = $2 AND hit_at > $3`, len(found), args); err != nil {
		return err
	}
	return counts.Flush(tx)
}

// earliest gives the members whose windows the hits fall into, HitAt being the earliest of
// those hits; members who are known to have had an earlier one are left out.
func earliest(tx *db.Tx, hits []Hit) ([]Member, error) {
	hits = slices.Clone(hits)
	slices.SortFunc(hits, func(a, b Hit) int {
		return cmp.Or(cmp.Compare(a.Customer, b.Customer), cmp.Compare(a.Program, b.Program), a.At.Compare(b.At))
	})
	customers := make([]int64, len(hits))
	for i := range hits {
		customers[i] = hits[i].Customer
	}
	members, err := MembersFor(tx, slices.Compact(customers))
	if err != nil {
		return nil, err
	}
	var found []Member
	i := 0
	for _, m := range members { // in the same order as hits
		for ; i < len(hits) && cmp.Or(cmp.Compare(hits[i].Customer, m.Customer), cmp.Compare(hits[i].Program, m.Program)) < 0; i++ {
		}
		for j := i; j < len(hits) && hits[j].Customer == m.Customer && hits[j].Program == m.Program; j++ {
			at := hits[j].At.Truncate(time.Millisecond)
			if at.Before(m.At) || at.After(m.Until) {
				continue
			}
			if m.HitAt.IsZero() || at.Before(m.HitAt) {
				m.HitAt = at
				found = append(found, m)
			}
			break
		}
	}
	return found, nil
}

const columns = `program_id, customer_id, arm, control, at, until_at, hit_at`

func scan(r *db.Rows) (Member, error) {
	var m Member
	var at, until, hit int64
	err := r.Scan(&m.Program, &m.Customer, &m.Arm, &m.Control, &at, &until, &hit)
	m.At, m.Until, m.HitAt = db.Time(at), db.Time(until), db.Time(hit)
	return m, err
}

// MembersFor reads in which studies customers are, by customer and program.
func MembersFor(tx *db.Tx, customers []int64) ([]Member, error) {
	if len(customers) == 0 {
		return nil, nil
	}
	return db.All(tx, scan, `SELECT `+columns+` FROM study_member WHERE customer_id = ANY($1) ORDER BY customer_id, program_id`, customers)
}
