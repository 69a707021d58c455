package followup

import (
	"time"

	"github.com/huiyin/huiyin/internal/platform/db"
)

// Hurry makes a customer's follow-ups due now that wait for an answer to what went to a contact
// point: nobody there will answer. They go on to their next step, or end.
func Hurry(tx *db.Tx, customer int64, key []byte, now time.Time) error {
	_, err := tx.Exec(`UPDATE follow_up SET due_at = $3 WHERE customer_id = $1 AND state = 'waiting' AND ended_at = 0 AND due_at > $3
		AND id IN (SELECT follow_up_id FROM attempt WHERE customer_id = $1 AND address_key = $2)`, customer, key, db.Millis(now))
	return err
}
