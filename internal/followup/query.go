package followup

import (
	"fmt"
	"strings"
	"time"

	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/errs"
)

// pageMax bounds what one listing gives.
const pageMax = 500

// Get reads follow-ups by id, in the order of ids.
func Get(tx *db.Tx, ids []int64) ([]FollowUp, error) {
	return db.All(tx, scan, `SELECT `+columns+` FROM follow_up WHERE id = ANY($1) ORDER BY id`, ids)
}

// One reads one follow-up.
func One(tx *db.Tx, id int64) (FollowUp, error) {
	fs, err := Get(tx, []int64{id})
	if err == nil && len(fs) == 0 {
		err = errs.New(errs.NotFound, "follow-up-unknown", "there is no follow-up %d", id)
	}
	if err != nil {
		return FollowUp{}, err
	}
	return fs[0], nil
}

// OpenOf reads the open follow-ups of customers.
func OpenOf(tx *db.Tx, customers []int64) ([]FollowUp, error) {
	return db.All(tx, scan, `SELECT `+columns+` FROM follow_up WHERE customer_id = ANY($1) AND ended_at = 0 ORDER BY id`, customers)
}

// OfCustomer reads a customer's follow-ups, newest first.
func OfCustomer(tx *db.Tx, customer int64, limit int) ([]FollowUp, error) {
	return db.All(tx, scan, `SELECT `+columns+` FROM follow_up WHERE customer_id = $1 ORDER BY id DESC LIMIT $2`, customer, min(limit, pageMax))
}

// ListAside reads set-aside follow-ups after an id, oldest first.
func ListAside(tx *db.Tx, after int64, limit int) ([]FollowUp, error) {
	return db.All(tx, scan, `SELECT `+columns+` FROM follow_up WHERE state = 'set_aside' AND id > $1 ORDER BY id LIMIT $2`, after, min(limit, pageMax))
}

// Decisions reads what was decided about a follow-up, in order.
func Decisions(tx *db.Tx, id int64) ([]Decision, error) {
	return db.All(tx, func(r *db.Rows) (Decision, error) {
		var d Decision
		var at, until int64
		err := r.Scan(&d.ID, &d.FollowUp, &d.Step, &at, &d.Verdict, &d.Reason, &d.Rule, &until)
		d.At, d.Until = db.Time(at), db.Time(until)
		return d, err
	}, `SELECT id, follow_up_id, step, at, verdict, reason, rule, until_at FROM decision WHERE follow_up_id = $1 ORDER BY id LIMIT $2`, id, pageMax)
}

// NotesOf reads a customer's triggers that started nothing of their own, newest first.
func NotesOf(tx *db.Tx, customer int64, limit int) ([]Note, error) {
	return db.All(tx, func(r *db.Rows) (Note, error) {
		var n Note
		var at int64
		err := r.Scan(&n.ID, &n.Program, &n.Customer, &n.EventSeq, &at, &n.Outcome, &n.Reason, &n.FollowUp)
		n.At = db.Time(at)
		return n, err
	}, `SELECT id, program_id, customer_id, event_seq, at, outcome, reason, follow_up_id FROM trigger_note
		WHERE customer_id = $1 ORDER BY id DESC LIMIT $2`, customer, min(limit, pageMax))
}

// nextDueOf asks for one lane; it is a column of NextDueOf's query.
const nextDueOf = `COALESCE((SELECT MIN(due_at) FROM follow_up WHERE lane = $%d AND state IN ('waiting', 'contacting')), 0)`

// NextDueOf is when the next follow-up of each of several lanes is due, in their order,
// asked in one round trip; zero where none is.
func NextDueOf(tx *db.Tx, lanes []string) ([]time.Time, error) {
	columns, args := make([]string, len(lanes)), make([]any, len(lanes))
	at, into := make([]int64, len(lanes)), make([]any, len(lanes))
	for i, lane := range lanes {
		columns[i], args[i], into[i] = fmt.Sprintf(nextDueOf, i+1), lane, &at[i]
	}
	if err := tx.QueryRow(`SELECT `+strings.Join(columns, ", "), args...).Scan(into...); err != nil {
		return nil, err
	}
	out := make([]time.Time, len(lanes))
	for i := range at {
		out[i] = db.Time(at[i])
	}
	return out, nil
}
