package attempt_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/huiyin/huiyin/internal/contact/attempt"
	"github.com/huiyin/huiyin/internal/decide/policy"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/db/dbtest"
)

var noon = time.Date(2026, 11, 18, 4, 0, 0, 0, time.UTC)

// reserve counts one attempt of one person at a shared contact point; between runs
// after the rows are read.
func reserve(ctx context.Context, d *db.DB, n int64, between func()) (saw int, err error) {
	keys := []string{attempt.CustomerKey(n), attempt.PointKey([]byte("one telephone"))}
	err = d.Write(ctx, db.Outcome, "reserve", func(tx *db.Tx) error {
		rows, err := attempt.LockAllowances(tx, keys)
		if err != nil {
			return err
		}
		between()
		saw = len(rows.Counted(keys...))
		rows.Reserve(policy.Counted{At: noon, Purpose: policy.Survey, Kind: policy.Message, FollowUp: n, Attempt: n}, keys...)
		return rows.Save(tx, noon)
	})
	return saw, err
}

func TestTwoWhoShareATelephoneAreNeverBothTheFirst(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		var both, wait sync.WaitGroup
		saw := make([]int, 3)
		both.Add(2)
		for i := range 2 {
			wait.Go(func() {
				between := sync.OnceFunc(func() {
					both.Done()
					if d.Engine() == db.Postgres { // SQLite lets them in one after another
						both.Wait()
					}
				})
				var err error
				if saw[i], err = reserve(t.Context(), d, int64(i+1), between); err != nil {
					t.Error(err)
				}
			})
		}
		wait.Wait()
		var err error
		if saw[2], err = reserve(t.Context(), d, 3, func() {}); err != nil {
			t.Fatal(err)
		}
		if saw[0]+saw[1] != 1 || saw[2] != 2 {
			t.Errorf("they saw %v contacts before theirs, want one 0, one 1, and then 2", saw)
		}
	})
}
