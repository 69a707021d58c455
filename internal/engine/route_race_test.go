package engine

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/huiyin/huiyin/internal/intake/event"
	"github.com/huiyin/huiyin/internal/people/customer"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/db/dbtest"
)

func TestACrashAroundTheCommitLosesNothingAndRepeatsNothing(t *testing.T) {
	for _, point := range []string{"write:route:begin", "write:route:commit", "write:route:committed"} {
		t.Run(point, func(t *testing.T) {
			dbtest.Each(t, func(t *testing.T, d *db.DB) {
				h := newHouse(t, d)
				l := h.program(nil)
				for i := range 25 {
					h.log(pay(failed, fmt.Sprint("c", i%10), noon, nil))
				}
				dead := errors.New("dead")
				seen := 0
				crashing := h.routerOn(d.Hooked(func(p string) error {
					if p != point {
						return nil
					}
					if seen++; seen%2 == 1 {
						return dead
					}
					return nil
				}), 7)
				for range 100 {
					_, busy, err := crashing.Turn(t.Context())
					if err != nil && !errors.Is(err, dead) {
						t.Fatal(err)
					}
					if err == nil && !busy {
						break
					}
				}
				if got := h.outcomes(l.ID); got != "merged 15, started 10" {
					t.Errorf("after crashes: %s", got)
				}
				if got := h.total(failed, 10); got != 25 {
					t.Errorf("facts hold %d of 25 events", got)
				}
			})
		})
	}
}

// total adds up what facts say of the customers c0 to cn.
func (h *house) total(eventType string, n int) (sum int64) {
	h.t.Helper()
	h.read(func(tx *db.Tx) error {
		refs := make([]string, n)
		for i := range refs {
			refs[i] = fmt.Sprint("c", i)
		}
		found, err := customer.Find(tx, refs)
		if err != nil {
			return err
		}
		for _, id := range found {
			facts, err := customer.LoadFacts(tx, []int64{id})
			if err != nil {
				return err
			}
			sum += facts[id].Total(eventType)
		}
		return nil
	})
	return sum
}

func TestTwoRoutersAtOnceRouteEachEventOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		l := h.program(nil)
		const events, people = 600, 40
		var all []event.Event
		for i := range events {
			all = append(all, pay(failed, fmt.Sprint("c", i%people), noon, nil))
		}
		h.log(all...)
		var wg sync.WaitGroup
		for range 3 {
			r := h.routerOn(d, 13)
			wg.Go(func() {
				for range 1000 {
					_, busy, err := r.Turn(t.Context())
					if err != nil {
						t.Error(err)
						return
					}
					if !busy {
						return
					}
				}
			})
		}
		wg.Wait()
		h.route(h.router(13))
		if got, want := h.outcomes(l.ID), fmt.Sprintf("merged %d, started %d", events-people, people); got != want {
			t.Errorf("%s, want %s", got, want)
		}
		if got := h.total(failed, people); got != events {
			t.Errorf("facts hold %d of %d events", got, events)
		}
	})
}

func TestAFollowUpThatEndsWhileABatchIsWorkedOnIsNotMergedInto(t *testing.T) {
	d := dbtest.Postgres(t, db.Options{}) // on SQLite nobody else writes meanwhile
	h := newHouse(t, d)
	l := h.program(nil)
	h.log(pay(failed, "ann", noon, nil))
	h.route(h.router(0))
	h.log(pay(failed, "ann", noon, nil))
	first, ended := h.followUps("ann")[0], false
	watched := d.Watched(func(s db.Statement) {
		if ended || s.Begin || len(s.Query) < 21 || s.Query[:21] != "UPDATE follow_up SET " {
			return
		}
		ended = true // after the router read that it is open, before it writes
		h.write(func(tx *db.Tx) error {
			_, err := tx.Exec(`UPDATE follow_up SET ended_at = 5, state = 'told' WHERE id = $1`, first.ID)
			return err
		})
	})
	h.route(h.routerOn(watched, 0))
	if !ended {
		t.Fatal("nothing ended meanwhile: the test tries nothing")
	}
	if got := h.states("ann"); got != "told, waiting" {
		t.Errorf("follow-ups: %s", got)
	}
	if got := h.outcomes(l.ID); got != "started 2" {
		t.Errorf("triggers: %s", got)
	}
}
