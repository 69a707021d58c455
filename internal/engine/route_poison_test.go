package engine

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/huiyin/huiyin/internal/followup"
	"github.com/huiyin/huiyin/internal/platform/clock"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/db/dbtest"
	"github.com/huiyin/huiyin/internal/program/condition"
	"github.com/huiyin/huiyin/internal/program/program"
)

// What is wrong with one customer, follow-up or program doesn't keep the router from the rest of the log.

func TestARouterGoesOnWhenAVersionCannotRun(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		live := h.program(func(l *program.Live) { l.Trigger.CancelOn = []program.CancelOn{{Event: succeeded}} })
		h.log(pay(failed, "a", noon, nil), pay(failed, "b", noon, nil))
		h.route(h.router(0))
		h.write(func(tx *db.Tx) error {
			_, err := tx.Exec(`UPDATE follow_up SET version_id = 999 WHERE customer_id = (SELECT id FROM customer WHERE ref = 'a')`)
			return err
		})
		r := h.router(0)
		r.Programs = func(context.Context) (*Programs, error) {
			return NewPrograms(h.published, nil, nil).Under(nil, func(*db.Tx, int64) (*program.Live, error) {
				return nil, fmt.Errorf("%w: no field merchant", program.ErrBroken)
			}), nil
		}
		h.log(pay(succeeded, "a", noon.Add(time.Minute), nil), pay(succeeded, "b", noon.Add(time.Minute), nil), pay(failed, "a", noon.Add(2*time.Minute), nil))
		h.route(r)
		if a, b := h.states("a"), h.states("b"); a != "waiting +1" || b != "cancelled:cancelled-by-event" {
			t.Errorf("a is %s, b is %s", a, b)
		}
		if got := h.outcomes(live.ID); got != "merged 1, started 2" {
			t.Errorf("outcomes %s", got)
		}
	})
}

func TestARouterGoesOnWhenFactsAreDamaged(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		live := h.program(nil)
		h.log(pay(failed, "a", noon, nil))
		h.route(h.router(0))
		h.write(func(tx *db.Tx) error {
			_, err := tx.Exec(`UPDATE customer_fact SET doc = $1`, []byte{1, 2, 3})
			return err
		})
		r := h.router(0)
		var told []string
		r.Trouble = func(text string) { told = append(told, text) }
		h.log(pay(failed, "a", noon.Add(time.Minute), nil), pay(failed, "b", noon.Add(time.Minute), nil))
		h.route(r)
		if got := h.outcomes(live.ID); got != "merged 1, started 2" {
			t.Errorf("outcomes %s", got)
		}
		if len(told) != 1 {
			t.Errorf("told %q, want the damage once", told)
		}
		h.log(pay(failed, "a", noon.Add(2*time.Minute), nil))
		h.route(r)
		if len(told) != 1 {
			t.Errorf("told %q, though the row is good again", told)
		}
	})
}

func TestARouterGoesOnWhenAConditionPanics(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		good := h.program(nil)
		bad := h.program(func(l *program.Live) { l.Trigger.When = &condition.Condition{} })
		h.log(pay(failed, "a", noon, nil))
		h.route(h.router(0))
		if got := h.outcomes(good.ID); got != "started 1" {
			t.Errorf("the good program: %s", got)
		}
		if got := h.outcomes(bad.ID); got != "not-selected:trigger-failed 1" {
			t.Errorf("the bad program: %s", got)
		}
		if got := h.followUps("a"); len(got) != 1 || got[0].State != followup.Waiting {
			t.Errorf("follow-ups %+v", got)
		}
	})
}

func TestARouterGoesByTheDatabasesClock(t *testing.T) {
	try := func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		h.program(nil)
		r := h.router(0)
		r.Clock = nil // the machine's stands months away from noon, and every trigger would be late
		h.log(pay(failed, "a", noon.Add(-time.Minute), nil))
		h.route(r)
		if got := h.followUps("a"); len(got) != 1 || !got[0].CreatedAt.Equal(noon) || !got[0].DueAt.Equal(noon.Add(4*time.Minute)) {
			t.Errorf("follow-ups %+v, want one made at %v", got, noon)
		}
	}
	t.Run("sqlite", func(t *testing.T) { try(t, dbtest.SQLite(t, db.Options{Clock: clock.NewVirtual(noon)})) })
	t.Run("postgres", func(t *testing.T) { try(t, dbtest.Postgres(t, db.Options{Clock: clock.NewVirtual(noon)})) })
}
