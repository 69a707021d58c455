package engine

import (
	"context"
	"time"

	"github.com/huiyin/huiyin/internal/platform/db"
)

// Turner is one loop of the engine. Turn does one bounded step and says when to
// come back: at once if busy, else at next at the latest; a zero next means that
// nothing is known to fall due, so whoever has work to give wakes the loop.
type Turner interface {
	Turn(ctx context.Context) (next time.Time, busy bool, err error)
}

// The names of the places in the event log.
const (
	offsetRoute = "route" // up to here events have become facts and follow-ups; intake measures its lag by it
	offsetStudy = "study" // up to here events have been told to the studies; never beyond route
)

// place is where a loop stands in the log. An erasure that blanks events beyond it changes it too.
type place struct{ seq, blanked int64 }

// readOffset says how far the loop of a name has read the log; 0 before its first turn.
func readOffset(tx *db.Tx, name string) (int64, error) {
	p, err := readPlace(tx, name)
	return p.seq, err
}

// readPlace is to be asked for before the events beyond it are read: what is blanked in
// between then counts as not seen.
func readPlace(tx *db.Tx, name string) (place, error) {
	all, err := db.All(tx, func(r *db.Rows) (p place, err error) { return p, r.Scan(&p.seq, &p.blanked) },
		`SELECT seq, blanked FROM log_offset WHERE name = $1`, name)
	if err != nil || len(all) == 0 {
		return place{}, err
	}
	return all[0], nil
}

// holdOffset keeps the loop of a name from moving until the transaction ends, and says
// where it stands. It comes before all other locks, as in the loop's own transaction.
func holdOffset(tx *db.Tx, name string) (seq int64, err error) {
	err = tx.QueryRow(`INSERT INTO log_offset (name, seq) VALUES ($1, 0)
		ON CONFLICT (name) DO UPDATE SET seq = log_offset.seq RETURNING seq`, name).Scan(&seq)
	return seq, err
}

// outdate makes what the loop of a name has read beyond its place come to nothing.
func outdate(tx *db.Tx, name string) error {
	_, err := tx.Exec(`UPDATE log_offset SET blanked = blanked + 1 WHERE name = $1`, name)
	return err
}

// moveOffset takes a loop from one place of the log to another. It says no if
// somebody else has moved it meanwhile: whoever moves it first has done the work
// between the two places, and everyone else's transaction must come to nothing. It
// says no as well if an erasure has blanked events that were read as they had been.
func moveOffset(tx *db.Tx, name string, from place, to int64) (bool, error) {
	if from.seq == 0 {
		if _, err := tx.Exec(`INSERT INTO log_offset (name, seq) VALUES ($1, 0) ON CONFLICT (name) DO NOTHING`, name); err != nil {
			return false, err
		}
	}
	n, err := tx.Exec(`UPDATE log_offset SET seq = $4 WHERE name = $1 AND seq = $2 AND blanked = $3`, name, from.seq, from.blanked, to)
	return n == 1, err
}

// Setting reads what was kept under a name; "" if nothing was.
func Setting(tx *db.Tx, name string) (string, error) {
	all, err := db.All(tx, func(r *db.Rows) (string, error) {
		var v string
		return v, r.Scan(&v)
	}, `SELECT value FROM setting WHERE name = $1`, name)
	if err != nil || len(all) == 0 {
		return "", err
	}
	return all[0], nil
}

// Keep keeps a value under a name, in the place of what was there.
func Keep(tx *db.Tx, name, value string) error {
	_, err := tx.Exec(`INSERT INTO setting (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value`, name, value)
	return err
}
