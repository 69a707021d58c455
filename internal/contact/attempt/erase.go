package attempt

import "github.com/huiyin/huiyin/internal/platform/db"

// Erase takes out of a customer's attempts where they went, what they said and what the
// provider said about them. That there were some, when and with what outcome, stays.
func Erase(tx *db.Tx, customer int64) error {
	if _, err := tx.Exec(`DELETE FROM allowance WHERE key = $1`, CustomerKey(customer)); err != nil {
		return err
	}
	_, err := tx.Exec(`UPDATE attempt SET key_id = 0, content = $2, address_key = $2, detail = '', language = '' WHERE customer_id = $1`, customer, []byte{})
	return err
}
