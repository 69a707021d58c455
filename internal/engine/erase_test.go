package engine

import (
	"strings"
	"testing"

	"github.com/huiyin/huiyin/internal/contact/attempt"
	"github.com/huiyin/huiyin/internal/followup"
	"github.com/huiyin/huiyin/internal/people/consent"
	"github.com/huiyin/huiyin/internal/people/customer"
	"github.com/huiyin/huiyin/internal/people/vault"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/errs"
)

func (h *desk) eraser() *Eraser {
	return &Eraser{DB: h.db, Vault: h.vault, Keys: h.d.Keys, Clock: h.clock, Rooms: []vault.Room{
		{Name: "follow_ups", Erase: func(tx *db.Tx, s *vault.Subject) error { return followup.Erase(tx, s.Customer) }},
		{Name: "attempts", Erase: func(tx *db.Tx, s *vault.Subject) error { return attempt.Erase(tx, s.Customer) }},
		{Name: "wishes", Erase: func(tx *db.Tx, s *vault.Subject) error {
			return consent.Erase(tx, h.ids, s.Customer, s.RefKey, nil)
		}},
		{Name: "customer", Erase: func(tx *db.Tx, s *vault.Subject) error { return customer.Erase(tx, s.Customer) }},
	}}
}

func TestACustomerErasedBetweenPlanAndSendGetsNothing(t *testing.T) {
	desks(t, keyless, func(h *desk) {
		f := h.start(h.person("a", "13800000001"), "")
		b, err := h.d.Record(t.Context(), "sms", 10)
		if err != nil || len(b.Sendings) != 1 {
			t.Fatalf("%d recorded, %v", len(b.Sendings), err)
		}
		if _, err := h.eraser().Erase(t.Context(), "test", "a", "asked"); err != nil {
			t.Fatal(err)
		}
		h.d.Send(t.Context(), b.Sendings[0])
		if err := h.d.Conclude(t.Context(), b.Sendings); err != nil {
			t.Fatal(err)
		}
		h.turn()
		h.wantSent(0)
		h.wantState(f, followup.Cancelled, codes.CustomerErased)
		if as := h.attempts(f); len(as) != 1 || as[0].State != attempt.Withheld || as[0].Address != "" || as[0].Body != "" {
			t.Errorf("%+v", as)
		}
	})
}

// The key is gone, and the node died before it came to the rows.
func TestACustomerWhoseKeyIsGoneGetsNothing(t *testing.T) {
	desks(t, keyless, func(h *desk) {
		p := h.person("a", "13800000001")
		f := h.start(p, "")
		h.write(func(tx *db.Tx) error {
			_, key, err := customer.Named(tx, p)
			if err != nil {
				return err
			}
			e := vault.Erasure{Customer: p, Key: key, RefHash: customer.RefKey(h.d.Keys, "a"), At: h.clock.Now(), Reason: "asked"}
			if err := h.vault.Destroy(t.Context(), e); err != nil {
				return err
			}
			return vault.Begin(tx, e, "a", 0)
		})
		h.turn()
		h.wantSent(0)
		h.wantState(f, followup.Cancelled, codes.CustomerErased)
	})
}

// An old vault was put back: the key isn't there, and nobody asked for an erasure.
func TestACustomerWhoseKeyIsLostIsSetAsideAndComesBackWithTheirRecord(t *testing.T) {
	desks(t, keyless, func(h *desk) {
		p := h.person("a", "13800000001")
		f := h.start(p, "1")
		h.write(func(tx *db.Tx) error {
			_, key, err := customer.Named(tx, p)
			if err != nil {
				return err
			}
			return h.vault.Destroy(t.Context(), vault.Erasure{Customer: -1, Key: key, RefHash: []byte{}})
		})
		h.turn()
		h.wantSent(0)
		h.wantState(f, followup.SetAside, codes.AssertionStopped)
		h.person("a", "13800000001")
		h.start(p, "2")
		h.turn()
		h.wantSent(1)
	})
}

// A customer who was met in an event and never described has no key yet.
func TestNoKeyIsGivenThatOutlivesAnErasure(t *testing.T) {
	describe := func(h *desk) error {
		c := &customer.Customer{Ref: "a", Country: "CN", Name: "王小明"}
		if err := customer.Normalise(c, h.d.Keys, dispatchNoon); err != nil {
			return err
		}
		return h.db.Write(h.t.Context(), db.Outcome, "test", func(tx *db.Tx) error {
			_, err := customer.Upsert(tx, h.vault, h.ids, []*customer.Customer{c}, dispatchNoon)
			return err
		})
	}
	for point, want := range map[string]string{"before the erasure holds their row": "", "write:erase-rows:begin": codes.ErasureRunning} {
		t.Run(point, func(t *testing.T) {
			desks(t, keyless, func(h *desk) {
				if want == "" && h.db.Engine() == db.SQLite {
					return // nobody else writes meanwhile
				}
				var p, key int64
				h.write(func(tx *db.Tx) error {
					found, err := customer.Resolve(tx, h.ids, []string{"a"}, dispatchNoon)
					p = found["a"]
					return err
				})
				tried := false
				try := func() {
					if tried {
						return
					}
					tried = true
					if err := describe(h); (err == nil) != (want == "") || err != nil && errs.CodeOf(err) != want {
						t.Errorf("%v", err)
					}
					h.write(func(tx *db.Tx) (err error) { _, key, err = customer.Named(tx, p); return err })
				}
				e := h.eraser()
				e.DB = h.db.Hooked(func(at string) error {
					if at == point {
						try()
					}
					return nil
				}).Watched(func(s db.Statement) {
					if want == "" && strings.Contains(s.Query, "FOR UPDATE") {
						try()
					}
				})
				if _, err := e.Erase(t.Context(), "test", "a", "asked"); err != nil || !tried {
					t.Fatalf("tried %v, %v", tried, err)
				}
				keys, err := h.vault.Keys(t.Context(), []int64{key})
				if err != nil || (key != 0) != (want == "") || keys.Has(key) {
					t.Errorf("the key %d is there: %v, %v", key, keys.Has(key), err)
				}
			})
		})
	}
}
