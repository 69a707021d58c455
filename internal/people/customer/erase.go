package customer

import (
	"strconv"

	"github.com/huiyin/huiyin/internal/platform/db"
)

// ErasedRef stands in the place of the wallet's id of somebody who was erased.
func ErasedRef(customer int64) string { return "erased-" + strconv.FormatInt(customer, 10) }

// PointsOf gives the kinds and keyed hashes of a customer's points, in their order.
func PointsOf(tx *db.Tx, customer int64) ([]Point, error) {
	return db.All(tx, func(r *db.Rows) (p Point, err error) { return p, r.Scan(&p.Channel, &p.Key) },
		`SELECT channel, address_key FROM contact_point WHERE customer_id = $1 ORDER BY channel, address_key`, customer)
}

// Erase takes away all that is known of a customer. The row stays, so that what was counted
// of it still adds up, and says nothing of anyone.
func Erase(tx *db.Tx, customer int64) error {
	if _, err := tx.Exec(`DELETE FROM contact_point WHERE customer_id = $1`, customer); err != nil {
		return err
	}
	if _, err := tx.Exec(`DELETE FROM customer_fact WHERE customer_id = $1`, customer); err != nil {
		return err
	}
	_, err := tx.Exec(`UPDATE customer SET ref = $2, known = false, key_id = 0, profile = $3, language = '', country = '', zones = '[]', has = '[]', own_hours = '',
		revision = revision + 1 WHERE id = $1`, customer, ErasedRef(customer), []byte{})
	return err
}

// Named gives a customer's ref and key as they stand; "" when there is none.
func Named(tx *db.Tx, customer int64) (ref string, key int64, err error) {
	rows, err := db.All(tx, func(r *db.Rows) (c Customer, err error) { return c, r.Scan(&c.Ref, &c.KeyID) }, `SELECT ref, key_id FROM customer WHERE id = $1`, customer)
	if err != nil || len(rows) == 0 {
		return "", 0, err
	}
	return rows[0].Ref, rows[0].KeyID, nil
}
