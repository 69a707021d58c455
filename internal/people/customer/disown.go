package customer

import "github.com/huiyin/huiyin/internal/platform/db"

// Disown takes a contact point away from a customer: it belongs to somebody else.
func Disown(tx *db.Tx, customer int64, key []byte) error {
	_, err := tx.Exec(`DELETE FROM contact_point WHERE customer_id = $1 AND address_key = $2`, customer, key)
	return err
}
