package followup

import (
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/db"
)

// Erase takes out of a customer's follow-ups what their triggers told. They have ended;
// that they were, and how they ended, is counted still. Their links are dead from now on.
func Erase(tx *db.Tx, customer int64) error {
	if _, err := tx.Exec(`UPDATE decision SET rule = '' WHERE follow_up_id IN (SELECT id FROM follow_up WHERE customer_id = $1)`, customer); err != nil {
		return err
	}
	_, err := tx.Exec(`UPDATE follow_up SET trigger_data = '{}', reentry = '', reason = $2 WHERE customer_id = $1`, customer, string(codes.CustomerErased))
	return err
}
