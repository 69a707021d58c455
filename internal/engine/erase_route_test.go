package engine

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/huiyin/huiyin/internal/followup"
	"github.com/huiyin/huiyin/internal/people/customer"
	"github.com/huiyin/huiyin/internal/people/vault"
	"github.com/huiyin/huiyin/internal/platform/crypt"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/db/dbtest"
)

func (h *house) eraser() *Eraser {
	return &Eraser{DB: h.db, Vault: h.vault, Keys: crypt.FromSeed([]byte("test")), Clock: h.clock, Rooms: []vault.Room{
		{Name: "follow_ups", Erase: func(tx *db.Tx, s *vault.Subject) error { return followup.Erase(tx, s.Customer) }},
		{Name: "customer", Erase: func(tx *db.Tx, s *vault.Subject) error { return customer.Erase(tx, s.Customer) }},
	}}
}

// wantGone looks for what an erased customer's events say, and for their wallet id.
func (h *house) wantGone(ref, secret string) {
	h.t.Helper()
	h.read(func(tx *db.Tx) error {
		if c, err := customer.Find(tx, []string{ref}); err != nil || len(c) > 0 {
			h.t.Errorf("the wallet's id is back: %v, %v", c, err)
		}
		told, err := db.All(tx, func(r *db.Rows) (s string, err error) { return s, r.Scan(&s) }, `SELECT trigger_data FROM follow_up`)
		if strings.Contains(strings.Join(told, " "), secret) {
			h.t.Errorf("follow-ups tell %v", told)
		}
		return err
	})
}

func TestWhoIsErasedAfterTheRouterReadTheirEventsStaysErased(t *testing.T) {
	for _, known := range []bool{false, true} { // whether the router has a place in the log yet
		dbtest.Each(t, func(t *testing.T, d *db.DB) {
			h := newHouse(t, d)
			h.program(nil)
			if known {
				h.log(pay(opened, "bob", noon, nil))
				h.route(h.router(0))
			}
			h.write(func(tx *db.Tx) error {
				_, err := customer.Resolve(tx, h.ids, []string{"ann"}, noon)
				return err
			})
			h.log(pay(failed, "ann", noon, map[string]any{"order_id": "PLANTED"}), pay(failed, "cid", noon, nil))
			erased := false
			h.route(h.routerOn(d.Hooked(func(point string) error {
				if point != "write:route:begin" || erased {
					return nil
				}
				erased = true
				_, err := h.eraser().Erase(t.Context(), "test", "ann", "asked")
				return err
			}), 0))
			h.wantGone("ann", "PLANTED")
			if got := h.states("cid"); got != "waiting" {
				t.Errorf("who was read along with them: %q", got)
			}
		})
	}
}

func TestAnErasureWaitsForTheBatchThatIsOfThem(t *testing.T) {
	d := dbtest.Postgres(t, db.Options{}) // on SQLite nobody else writes meanwhile
	h := newHouse(t, d)
	h.program(nil)
	h.log(pay(opened, "ann", noon, nil))
	h.route(h.router(0))
	h.log(pay(failed, "ann", noon, map[string]any{"order_id": "PLANTED"}))
	var erased chan error
	h.route(h.routerOn(d.Watched(func(s db.Statement) {
		if erased != nil || !strings.Contains(s.Query, "FROM follow_up") {
			return
		}
		erased = make(chan error, 1) // the batch knows by now who they are, and has written nothing of them
		go func() {
			_, err := h.eraser().Erase(t.Context(), "test", "ann", "asked")
			erased <- err
		}()
		h.waitsOr(erased)
	}), 0))
	if erased == nil {
		t.Fatal("nobody was erased meanwhile: the test tries nothing")
	}
	if err := <-erased; err != nil {
		t.Fatal(err)
	}
	h.wantGone("ann", "PLANTED")
	h.read(func(tx *db.Tx) error {
		var open, facts int
		err := tx.QueryRow(`SELECT count(*) FROM follow_up WHERE ended_at = 0`).Scan(&open)
		err = errors.Join(err, tx.QueryRow(`SELECT count(*) FROM customer_fact`).Scan(&facts))
		if open+facts > 0 {
			t.Errorf("%d open follow-ups and %d facts of nobody", open, facts)
		}
		return err
	})
}

// waitsOr returns once somebody waits for a lock, or something was done.
func (h *house) waitsOr(done chan error) {
	ctx, stop := context.WithTimeout(h.t.Context(), 20*time.Second)
	defer stop()
	for waiting := 0; waiting == 0; {
		select {
		case err := <-done:
			done <- err
			return
		default:
		}
		if err := h.db.Read(ctx, func(tx *db.Tx) error {
			return tx.QueryRow(`SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`).Scan(&waiting)
		}); err != nil {
			h.t.Error(err)
			return
		}
	}
}
