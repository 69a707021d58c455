package customer

import (
	"time"

	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/errs"
)

// Bounced notes that what was sent to a contact point came back for good: it isn't used
// until it is confirmed. Sending the customer again with the same address confirms nothing,
// since a wallet does that every night.
func Bounced(tx *db.Tx, customer int64, key []byte, at time.Time) error {
	_, err := tx.Exec(`UPDATE contact_point SET bounced_at = $3 WHERE customer_id = $1 AND address_key = $2 AND bounced_at = 0`, customer, key, db.Millis(at))
	return err
}

// Confirm makes a contact point usable again.
func Confirm(tx *db.Tx, customer int64, key []byte) error {
	n, err := tx.Exec(`UPDATE contact_point SET bounced_at = 0 WHERE customer_id = $1 AND address_key = $2`, customer, key)
	if err == nil && n == 0 {
		err = errs.New(errs.NotFound, codes.NotFound, "the customer has no such address: check how it is written, or send the customer with it")
	}
	return err
}
