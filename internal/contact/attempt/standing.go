package attempt

import (
	"github.com/huiyin/huiyin/internal/followup"
	"github.com/huiyin/huiyin/internal/platform/db"
)

// Standings gives for attempts how their follow-ups stand; one of an attempt that isn't there is left out.
func Standings(tx *db.Tx, attempts []int64) (map[int64]followup.State, error) {
	found := make(map[int64]followup.State, len(attempts))
	if len(attempts) == 0 {
		return found, nil
	}
	return found, tx.Ask(db.Question{
		Query: `SELECT a.id, f.state FROM attempt a JOIN follow_up f ON f.id = a.follow_up_id WHERE a.id = ANY($1)`, Args: []any{attempts},
		Row: func(r *db.Rows) error {
			var id int64
			var state string
			err := r.Scan(&id, &state)
			found[id] = followup.State(state)
			return err
		},
	})
}
