package engine

import (
	"context"

	"github.com/huiyin/huiyin/internal/followup"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/program/program"
)

// wakeResumed makes the held follow-ups of programs due that were paused as this node
// knew them and run now. Whoever resumes wakes them too, but a node that hasn't noticed
// yet holds them again: each node makes that good when it notices.
func (l *Library) wakeResumed(ctx context.Context, set *program.Set) error {
	var resumed []int64
	for _, p := range set.Published() {
		if p.State == program.Running && l.set.State(p.Live.ID) == program.Paused {
			resumed = append(resumed, p.Live.ID)
		}
	}
	if len(resumed) == 0 {
		return nil
	}
	return l.db.Write(ctx, db.Outcome, "wake-resumed", func(tx *db.Tx) error {
		now, err := tx.Now()
		if err != nil {
			return err
		}
		for _, id := range resumed {
			if _, err := followup.Wake(tx, id, codes.ProgramPaused, now); err != nil {
				return err
			}
		}
		return nil
	})
}
