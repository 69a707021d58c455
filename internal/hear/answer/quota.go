package answer

import (
	"cmp"
	"slices"

	"github.com/huiyin/huiyin/internal/platform/db"
)

// Quota names the count of complete answers to a questionnaire in a program.
type Quota struct {
	Program       int64
	Questionnaire string // by name: versions count together
}

// Filled says how many complete answers there are, and keeps others from completing one until
// the transaction ends: what it asks on the strength of that comes before the next answer.
func Filled(tx *db.Tx, quotas []Quota) (map[Quota]int64, error) {
	quotas = slices.SortedFunc(slices.Values(quotas), func(a, b Quota) int {
		return cmp.Or(cmp.Compare(a.Program, b.Program), cmp.Compare(a.Questionnaire, b.Questionnaire))
	})
	filled := make(map[Quota]int64, len(quotas))
	for _, q := range slices.Compact(quotas) {
		if err := q.open(tx, 0); err != nil {
			return nil, err
		}
		var n int64
		if err := tx.QueryRow(`SELECT complete FROM answer_quota WHERE program_id = $1 AND questionnaire = $2 FOR SHARE`, q.Program, q.Questionnaire).Scan(&n); err != nil {
			return nil, err
		}
		filled[q] = n
	}
	return filled, nil
}

// open begins the count with the answers that are there already, but for one. Whoever opens it
// at the same time waits.
func (q Quota) open(tx *db.Tx, but int64) error {
	_, err := tx.Exec(`INSERT INTO answer_quota (program_id, questionnaire, complete)
		SELECT CAST($1 AS BIGINT), CAST($2 AS TEXT), (SELECT COUNT(*) FROM answer a JOIN document d ON d.id = a.questionnaire_id
			WHERE a.program_id = $1 AND d.name = $2 AND a.completed_at > 0 AND a.id <> $3)
		WHERE NOT EXISTS (SELECT 1 FROM answer_quota WHERE program_id = $1 AND questionnaire = $2)
		ON CONFLICT (program_id, questionnaire) DO NOTHING`, q.Program, q.Questionnaire, but)
	return err
}

// fill counts a complete answer towards the quota, if there is one.
func (c *change) fill() error {
	if c.Form.Quota > 0 {
		if err := (Quota{c.Program, c.Form.Name}).open(c.tx, c.ID); err != nil {
			return err
		}
	}
	_, err := c.tx.Exec(`UPDATE answer_quota SET complete = complete + 1 WHERE program_id = $1 AND questionnaire = $2`, c.Program, c.Form.Name)
	return err
}
