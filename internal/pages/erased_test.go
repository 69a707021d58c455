package pages_test

import (
	"context"
	"net/http"
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/huiyin/huiyin/internal/people/consent"
	"github.com/huiyin/huiyin/internal/people/customer"
	"github.com/huiyin/huiyin/internal/people/vault"
	"github.com/huiyin/huiyin/internal/people/vault/vaulttest"
	"github.com/huiyin/huiyin/internal/platform/crypt"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/db/dbtest"
)

// returned makes a customer who was erased and whom the wallet sent again.
func (s *site) returned(ref string) (old, now int64) {
	s.t.Helper()
	keys := crypt.FromSeed([]byte("a seed for tests"))
	old = s.customer(ref)
	c := &customer.Customer{Ref: ref, Points: []customer.Point{{Channel: "email", Address: "new@example.com"}}}
	if err := customer.Normalise(c, keys, start); err != nil {
		s.t.Fatal(err)
	}
	v := vaulttest.New(s.t)
	err := s.answers.DB.Write(context.Background(), db.Event, "return", func(tx *db.Tx) error {
		if err := vault.Begin(tx, vault.Erasure{Customer: old, RefHash: customer.RefKey(keys, ref), At: start, Reason: "asked"}, ref, 0); err != nil {
			return err
		}
		if err := customer.Erase(tx, old); err != nil {
			return err
		}
		_, err := customer.Upsert(tx, v, s.answers.IDs, []*customer.Customer{c}, start)
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return old, c.ID
}

func (s *site) standing(person int64) consent.Standing {
	s.t.Helper()
	var all map[int64]consent.Standing
	err := s.answers.DB.Read(context.Background(), func(tx *db.Tx) (err error) {
		all, err = consent.StandingOf(tx, []int64{person})
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return all[person]
}

func TestAnOldMailStopsMailsToWhoeverHasTheWalletsIdNow(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := newSite(t, d)
		old, holder := s.returned("u1")
		w := s.do(http.MethodPost, "/u/"+s.links.Refusal(old, "email", nil), "List-Unsubscribe=One-Click", "Content-Type", "application/x-www-form-urlencoded")
		wants(t, w, http.StatusOK, "e-mail")
		cell := consent.Cell{Channel: "email", Purpose: "service"}
		if now := s.standing(holder); !now.Refuses(cell) {
			t.Errorf("it was acknowledged, and there stands %+v", now)
		}

		old, holder = s.returned("u2")
		path := s.wishes(old)
		form := filled(s.get(path).Body.String())
		form = without(form, "on", "email.service")
		form.Add("on", "email.marketing")
		wants(t, s.post(path, form), http.StatusGone, "deleted on request")
		now := s.standing(holder)
		if !now.Refuses(cell) || now.Allows(consent.Cell{Channel: "email", Purpose: "marketing"}) {
			t.Errorf("of a form that stops one thing and allows another there stands %+v", now)
		}
		if w := s.post(path, url.Values{"do": {"stop"}}); w.Code != http.StatusSeeOther {
			t.Errorf("stop everything gave %d", w.Code)
		}
		if now := s.standing(holder); !now.Refuses(consent.Cell{Channel: "phone", Purpose: "notice"}) {
			t.Errorf("after stop everything there stands %+v", now)
		}
		if diff := cmp.Diff([]string(nil), filled(s.get(path).Body.String())["on"]); diff != "" {
			t.Errorf("the old link still shows as allowed: %s", diff)
		}
	})
}
