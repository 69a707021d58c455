package event

import (
	"errors"
	"time"

	"github.com/huiyin/huiyin/internal/platform/db"
)

// Forget drops up to limit of the keys by which events from before a time are known
// again, the oldest first, and says how many it dropped. Intake takes no events that
// old any more, so nobody will ask.
func Forget(tx *db.Tx, before time.Time, limit int) (int64, error) {
	var dropped int64
	for dropped < int64(limit) {
		var bucket int64
		err := tx.QueryRow(`SELECT bucket FROM event_key WHERE bucket < $1 ORDER BY bucket LIMIT 1`,
			before.UnixMilli()/dedupeBucket.Milliseconds()).Scan(&bucket)
		if errors.Is(err, db.ErrNoRows) {
			return dropped, nil
		}
		if err != nil {
			return dropped, err
		}
		// Keys of a bucket go in their order, so that a bucket of any size goes in parts.
		n, err := tx.Exec(`DELETE FROM event_key WHERE bucket = $1 AND key <= (
			SELECT key FROM (SELECT key FROM event_key WHERE bucket = $1 ORDER BY key LIMIT $2) AS first ORDER BY key DESC LIMIT 1)`,
			bucket, int64(limit)-dropped)
		if err != nil {
			return dropped, err
		}
		dropped += n
	}
	return dropped, nil
}
