package vault

import (
	"context"
	"errors"
	"time"

	"github.com/huiyin/huiyin/internal/platform/db"
)

// Erasure is one line of the ledger.
type Erasure struct {
	Seq           int64
	Customer, Key int64  // in the house's database; Key 0: nothing was ever sealed for them
	RefHash       []byte // keyed hash of the wallet's id
	At            time.Time
	Reason        string
}

// Destroy destroys a customer's key and writes it down, durable together when it returns.
// Doing it again changes nothing.
func (v *Vault) Destroy(ctx context.Context, e Erasure) error {
	err := v.db.Write(ctx, db.First, "vault-destroy", func(tx *db.Tx) error {
		if _, err := tx.Exec(`DELETE FROM vault_key WHERE id = $1`, e.Key); err != nil {
			return err
		}
		var last int64
		if tx.Engine() == db.Postgres { // one after another, so that whoever has read to a line has read all before it
			if err := tx.QueryRow(`SELECT n FROM vault_state WHERE name = 'kek' FOR UPDATE`).Scan(&last); err != nil {
				return err
			}
		}
		if err := tx.QueryRow(`SELECT COALESCE(MAX(seq), 0) FROM erasure`).Scan(&last); err != nil {
			return err
		}
		_, err := tx.Exec(`INSERT INTO erasure (seq, customer_id, key_id, ref_hash, at, reason) VALUES ($1, $2, $3, $4, $5, $6)
			ON CONFLICT (customer_id) DO NOTHING`, last+1, e.Customer, e.Key, e.RefHash, db.Millis(e.At), e.Reason)
		return err
	})
	v.Forget(e.Key)
	return err
}

// Erased reads the ledger after a line, in order.
func (v *Vault) Erased(ctx context.Context, after int64, limit int) (all []Erasure, err error) {
	err = v.db.Read(ctx, func(tx *db.Tx) error {
		all, err = db.All(tx, scanErasure, `SELECT seq, customer_id, key_id, ref_hash, at, reason FROM erasure WHERE seq > $1 ORDER BY seq LIMIT $2`, after, limit)
		return err
	})
	return all, err
}

func scanErasure(r *db.Rows) (e Erasure, err error) {
	var at int64
	err = r.Scan(&e.Seq, &e.Customer, &e.Key, &e.RefHash, &at, &e.Reason)
	e.At = db.Time(at)
	return e, err
}

// LedgerEnd is the number of the ledger's last line.
func (v *Vault) LedgerEnd(ctx context.Context) (n int64, err error) {
	err = v.db.Read(ctx, func(tx *db.Tx) error {
		return tx.QueryRow(`SELECT COALESCE(MAX(seq), 0) FROM erasure`).Scan(&n)
	})
	return n, err
}

// Unwritten gives of the customers those the ledger doesn't name.
func (v *Vault) Unwritten(ctx context.Context, customers []int64) (missing []int64, err error) {
	there := map[int64]bool{}
	err = v.db.Read(ctx, func(tx *db.Tx) error {
		all, err := db.All(tx, scanID, `SELECT customer_id FROM erasure WHERE customer_id = ANY($1)`, customers)
		for _, id := range all {
			there[id] = true
		}
		return err
	})
	for _, id := range customers {
		if !there[id] {
			missing = append(missing, id)
		}
	}
	return missing, err
}

func scanID(r *db.Rows) (id int64, err error) { return id, r.Scan(&id) }

// Scrub makes destroyed keys vanish from the disk too, as far as the engine can now.
func (v *Vault) Scrub(ctx context.Context) (bool, error) { return v.db.Scrub(ctx) }

// IsErased says whether an error means that the customer was erased.
func IsErased(err error) bool { return errors.Is(err, ErrErased) }
