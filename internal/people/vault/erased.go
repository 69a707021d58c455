package vault

import (
	"encoding/hex"
	"errors"
	"time"

	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/errs"
)

// What follows lies in the house's database: an erasure is begun there, so that it is ended
// whatever happens in between, and remembered there for good, so that an old vault put
// beside a newer database gives nobody back either.

// Begin writes down that a customer is being erased. A legal hold stops it with its reason.
// The customer's row must be locked. Beginning again changes nothing.
func Begin(tx *db.Tx, e Erasure, ref string, logEnd int64) error {
	h, err := HoldOf(tx, e.Customer)
	if err != nil {
		return err
	}
	if h != nil {
		return errs.New(errs.Conflict, codes.LegalHold, "the customer is under a legal hold since %s and can't be erased: %s", h.At.Format(time.DateOnly), h.Reason)
	}
	return write(tx, e, ref, logEnd)
}

// Repeat writes down an erasure the ledger tells of and this database, restored from before
// it, knows nothing of. Holds don't matter: it was done already.
func Repeat(tx *db.Tx, e Erasure, ref string, logEnd int64) error { return write(tx, e, ref, logEnd) }

func write(tx *db.Tx, e Erasure, ref string, logEnd int64) error {
	_, err := tx.Exec(`INSERT INTO erased (customer_id, key_id, ref, ref_key, reason, begun_at, log_end) VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (customer_id) DO NOTHING`, e.Customer, e.Key, ref, hex.EncodeToString(e.RefHash), e.Reason, db.Millis(e.At), logEnd)
	return err
}

// Begun gives those of the customers whose erasure was begun.
func Begun(tx *db.Tx, customers []int64) (map[int64]bool, error) {
	all, err := db.All(tx, scanID, `SELECT customer_id FROM erased WHERE customer_id = ANY($1)`, customers)
	begun := make(map[int64]bool, len(all))
	for _, id := range all {
		begun[id] = true
	}
	return begun, err
}

// Pending is an erasure that isn't done in the house's database.
type Pending struct {
	Erasure
	Ref            string
	LogSeq, LogEnd int64 // the event log is blanked up to LogSeq, and has been up to LogEnd
}

const erasedColumns = `customer_id, key_id, ref, ref_key, reason, begun_at, log_seq, log_end`

func scanPending(r *db.Rows) (p Pending, err error) {
	var hash string
	var at int64
	if err = r.Scan(&p.Customer, &p.Key, &p.Ref, &hash, &p.Reason, &at, &p.LogSeq, &p.LogEnd); err != nil {
		return p, err
	}
	p.At = db.Time(at)
	p.RefHash, err = hex.DecodeString(hash)
	return p, err
}

// Unfinished gives erasures that were begun and aren't done, in order of customer.
func Unfinished(tx *db.Tx, limit int) ([]Pending, error) {
	return db.All(tx, scanPending, `SELECT `+erasedColumns+` FROM erased WHERE done_at = 0 ORDER BY customer_id LIMIT $1`, limit)
}

// Remembered gives all erasures this database knows of, in order of customer, after the given one.
func Remembered(tx *db.Tx, after int64, limit int) ([]Pending, error) {
	return db.All(tx, scanPending, `SELECT `+erasedColumns+` FROM erased WHERE customer_id > $1 ORDER BY customer_id LIMIT $2`, after, limit)
}

// Blanked notes how far the event log is blanked for a customer.
func Blanked(tx *db.Tx, customer, seq int64) error {
	_, err := tx.Exec(`UPDATE erased SET log_seq = $2 WHERE customer_id = $1`, customer, seq)
	return err
}

// Finish notes that nothing of a customer is left here, and forgets the wallet's id.
func Finish(tx *db.Tx, customer int64, at time.Time) error {
	_, err := tx.Exec(`UPDATE erased SET done_at = $2, ref = '' WHERE customer_id = $1`, customer, db.Millis(at))
	return err
}

// Hold keeps a customer's data from being erased.
type Hold struct {
	Reason, Actor string
	At            time.Time
}

// SetHold sets a legal hold, or gives the one there is another reason. Who is being erased
// can't be held any more. The customer's row must be locked.
func SetHold(tx *db.Tx, customer int64, h Hold) error {
	begun, err := Begun(tx, []int64{customer})
	if err != nil {
		return err
	}
	if begun[customer] {
		return errs.New(errs.Conflict, codes.ErasureRunning, "the customer is being erased: it is too late for a legal hold")
	}
	_, err = tx.Exec(`INSERT INTO legal_hold (customer_id, reason, actor, at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (customer_id) DO UPDATE SET reason = excluded.reason, actor = excluded.actor, at = excluded.at`, customer, h.Reason, h.Actor, db.Millis(h.At))
	return err
}

// LiftHold ends a legal hold.
func LiftHold(tx *db.Tx, customer int64) error {
	n, err := tx.Exec(`DELETE FROM legal_hold WHERE customer_id = $1`, customer)
	if err == nil && n == 0 {
		err = errs.New(errs.NotFound, codes.NotFound, "the customer is under no legal hold")
	}
	return err
}

// HoldOf gives a customer's legal hold; nil if there is none.
func HoldOf(tx *db.Tx, customer int64) (*Hold, error) {
	h := &Hold{}
	var at int64
	err := tx.QueryRow(`SELECT reason, actor, at FROM legal_hold WHERE customer_id = $1`, customer).Scan(&h.Reason, &h.Actor, &at)
	if errors.Is(err, db.ErrNoRows) {
		return nil, nil
	}
	h.At = db.Time(at)
	return h, err
}

// PendingOf gives a customer's erasure if it isn't done.
func PendingOf(tx *db.Tx, customer int64) ([]Pending, error) {
	return db.All(tx, scanPending, `SELECT `+erasedColumns+` FROM erased WHERE customer_id = $1 AND done_at = 0`, customer)
}

// Unblanked gives erasures whose customers' rows still say who they were.
func Unblanked(tx *db.Tx, limit int) ([]Pending, error) {
	return db.All(tx, scanPending, `SELECT `+erasedColumns+` FROM erased e WHERE done_at = 0
		AND EXISTS (SELECT 1 FROM customer c WHERE c.id = e.customer_id AND c.ref = e.ref) ORDER BY customer_id LIMIT $1`, limit)
}

// HashOf gives the keyed hash of the wallet's id that an erased customer had; nil: they weren't erased.
func HashOf(tx *db.Tx, customer int64) ([]byte, error) {
	all, err := db.All(tx, scanPending, `SELECT `+erasedColumns+` FROM erased WHERE customer_id = $1`, customer)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	return all[0].RefHash, nil
}

// WasErased says whether somebody was erased who had the wallet's id of this keyed hash.
func WasErased(tx *db.Tx, refHash []byte) (bool, error) {
	var n int
	err := tx.QueryRow(`SELECT COUNT(*) FROM erased WHERE ref_key = $1`, hex.EncodeToString(refHash)).Scan(&n)
	return n > 0, err
}
