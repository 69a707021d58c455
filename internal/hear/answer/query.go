package answer

import (
	"strings"

	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/db"
)

// pageMax bounds what one listing gives.
const pageMax = 500

const columns = `a.id, a.follow_up_id, a.program_id, a.customer_id, a.questionnaire_id, a.channel, a.language, a.score, a.scored, a.started_at, a.completed_at, a.careless, a.rewarded`

func scan(r *db.Rows) (Answer, error) {
	var a Answer
	var started, completed int64
	var careless string
	err := r.Scan(&a.ID, &a.FollowUp, &a.Program, &a.Customer, &a.Questionnaire, &a.Channel, &a.Language, &a.Score, &a.Scored, &started, &completed, &careless, &a.Rewarded)
	a.Careless = reasons(careless)
	a.StartedAt, a.CompletedAt = db.Time(started), db.Time(completed)
	return a, err
}

// reasons reads codes with spaces between.
func reasons(text string) []codes.Reason {
	var list []codes.Reason
	for _, code := range strings.Fields(text) {
		list = append(list, codes.Reason(code))
	}
	return list
}

// Of reads the answers of follow-ups, values included, in the order they were begun.
func Of(tx *db.Tx, followUps []int64) ([]Answer, error) {
	return filled(tx, `SELECT `+columns+` FROM answer a WHERE a.follow_up_id = ANY($1) ORDER BY a.id`, followUps)
}

// OfCustomer reads a customer's answers, newest first.
func OfCustomer(tx *db.Tx, customer int64, limit int) ([]Answer, error) {
	return filled(tx, `SELECT `+columns+` FROM answer a JOIN follow_up f ON f.id = a.follow_up_id WHERE f.customer_id = $1 ORDER BY a.id DESC LIMIT $2`,
		customer, min(limit, pageMax))
}

// List reads a program's answers after an id, in the order they were begun.
func List(tx *db.Tx, program, after int64, limit int) ([]Answer, error) {
	return filled(tx, `SELECT `+columns+` FROM answer a WHERE a.program_id = $1 AND a.id > $2 ORDER BY a.id LIMIT $3`, program, after, min(limit, pageMax))
}

// Erase removes all a customer ever replied; counters, which name nobody, stay.
// Their links die when their follow-ups are marked as erased.
func Erase(tx *db.Tx, customer int64) error {
	if _, err := tx.Exec(`DELETE FROM answer_value WHERE answer_id IN (
			SELECT a.id FROM answer a JOIN follow_up f ON f.id = a.follow_up_id WHERE f.customer_id = $1)`, customer); err != nil {
		return err
	}
	if _, err := tx.Exec(`DELETE FROM answer WHERE follow_up_id IN (SELECT id FROM follow_up WHERE customer_id = $1)`, customer); err != nil {
		return err
	}
	_, err := tx.Exec(`DELETE FROM reward WHERE customer_id = $1`, customer)
	return err
}

func filled(tx *db.Tx, query string, args ...any) ([]Answer, error) {
	all, err := db.All(tx, scan, query, args...)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	ids := make([]int64, len(all))
	at := make(map[int64]int, len(all))
	for i := range all {
		ids[i], at[all[i].ID] = all[i].ID, i
		all[i].Values = map[string]Value{}
	}
	rows, err := tx.Query(`SELECT answer_id, question, value, saved_at FROM answer_value WHERE answer_id = ANY($1)`, ids)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var id, saved int64
		var question, text string
		if err := rows.Scan(&id, &question, &text, &saved); err != nil {
			return nil, err
		}
		v, err := decode(text)
		if err != nil {
			return nil, err
		}
		v.At = db.Time(saved)
		all[at[id]].Values[question] = v
	}
	return all, rows.Err()
}
