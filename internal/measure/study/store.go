package study

import (
	"cmp"
	"slices"
	"time"

	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/errs"
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
	for _, n := range touched {
		added += n
	}
	return added, err
}

// Observe keeps the earliest hit of each member inside its window. Hits may come in
// any order and more than once; those of customers who are no members change nothing.
func Observe(tx *db.Tx, hits []Hit) error {
	hits = slices.Clone(hits)
	slices.SortFunc(hits, func(a, b Hit) int {
		return cmp.Or(cmp.Compare(a.Customer, b.Customer), cmp.Compare(a.Program, b.Program), a.At.Compare(b.At))
	})
	_, err := tx.Each(`UPDATE study_member SET hit_at = $3
		WHERE customer_id = $1 AND program_id = $2 AND at <= $3 AND until_at >= $3 AND (hit_at = 0 OR hit_at > $3)`,
		len(hits), func(i int) []any {
			h := &hits[i]
			return []any{h.Customer, h.Program, db.Millis(h.At)}
		})
	return err
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

// Result counts the arms of a program's study: the control first, then by name. Members
// are those who entered from one moment (included) to another (not included); zero times
// bound nothing. now tells whose window is still running.
func Result(tx *db.Tx, program int64, from, to, now time.Time) ([]Arm, error) {
	end := int64(1<<63 - 1)
	if !to.IsZero() {
		end = db.Millis(to)
	}
	arms, err := db.All(tx, func(r *db.Rows) (Arm, error) {
		var a Arm
		err := r.Scan(&a.Name, &a.Control, &a.N, &a.Hits, &a.Running)
		return a, err
	}, `SELECT arm, control, COUNT(*), CAST(SUM(CASE WHEN hit_at > 0 THEN 1 ELSE 0 END) AS BIGINT), CAST(SUM(CASE WHEN until_at >= $4 THEN 1 ELSE 0 END) AS BIGINT)
		FROM study_member WHERE program_id = $1 AND at >= $2 AND at < $3 GROUP BY arm, control ORDER BY control DESC, arm LIMIT $5`,
		program, db.Millis(from), end, db.Millis(now), armsMax+1)
	if err == nil && len(arms) > armsMax {
		err = errs.New(errs.TooLarge, codes.StudyArmsTooMany, "the study of program %d has more than %d arms; import its assignments under fewer names", program, armsMax)
	}
	return arms, err
}
