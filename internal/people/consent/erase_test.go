package consent

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/huiyin/huiyin/internal/decide/policy"
	"github.com/huiyin/huiyin/internal/people/customer"
	"github.com/huiyin/huiyin/internal/people/vault"
	"github.com/huiyin/huiyin/internal/people/vault/vaulttest"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/db/dbtest"
	"github.com/huiyin/huiyin/internal/platform/errs"
)

// erase erases a customer as the house does, and gives the keyed hash of their ref.
func (h *house) erase(n int) []byte {
	h.t.Helper()
	ref := fmt.Sprint("C", n)
	hash := customer.RefKey(keys, ref)
	h.write(func(tx *db.Tx) error {
		if err := vault.Begin(tx, vault.Erasure{Customer: h.person[n], RefHash: hash, At: now, Reason: "asked"}, ref, 0); err != nil {
			return err
		}
		points, err := customer.PointsOf(tx, h.person[n])
		if err != nil {
			return err
		}
		if err := Erase(tx, h.ids, h.person[n], hash, points); err != nil {
			return err
		}
		if err := customer.Erase(tx, h.person[n]); err != nil {
			return err
		}
		return vault.Finish(tx, h.person[n], now)
	})
	return hash
}

// sync writes a customer as the wallet's nightly file does; they take the number's place.
func (h *house) sync(n int, ref, phone string) {
	h.t.Helper()
	c := &customer.Customer{Ref: ref, Points: []customer.Point{{Channel: "phone", Address: phone}, {Channel: "email", Address: ref + "@example.com"}}}
	if err := customer.Normalise(c, keys, now); err != nil {
		h.t.Fatal(err)
	}
	v := vaulttest.New(h.t)
	h.write(func(tx *db.Tx) error {
		_, err := customer.Upsert(tx, v, h.ids, []*customer.Customer{c}, now)
		return err
	})
	h.person[n] = c.ID
}

func TestWordsOfRefusalsFromAnAddressGoWithTheirCustomer(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		h.refuse(Refusal{Key: h.phone, Channel: "sms", Source: "reply", Words: "this is Li Lei, stop", Wording: "your order", Actor: "Han"})
		mail := customer.PointKey(keys, "email", "c1@example.com")
		h.write(func(tx *db.Tx) error {
			said := Wish{Customer: h.person[1], At: now.Add(-time.Hour), Source: "reply", Proof: "Li Lei moved out"}
			if err := Disown(tx, h.ids, said, customer.Point{Channel: "email", Key: mail}, now); err != nil {
				return err
			}
			return customer.Disown(tx, h.person[1], mail)
		})
		other := h.refuse(Refusal{Key: customer.PointKey(keys, "phone", "+8613800000003"), Channel: "sms", Source: "reply", Words: "TD"})
		h.erase(1)
		err := d.Read(context.Background(), func(tx *db.Tx) error {
			all, err := Page(tx, 0, 10)
			if err != nil || len(all) != 3 {
				t.Fatalf("%d refusals stand, want 3: %v", len(all), err)
			}
			for _, r := range all {
				if want := r.ID == other; (r.Words != "") != want || r.Wording+r.Actor != "" {
					t.Errorf("%+v says %q %q %q", r, r.Words, r.Wording, r.Actor)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

func TestAConsentTakenBackStaysSoAfterAnErasure(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		for i, s := range []told{
			{act: "grant", channel: "*", purpose: policy.Service}, {act: "withdraw", channel: "sms", purpose: policy.Service},
			{act: "withdraw", channel: "*", purpose: policy.Survey},
			{act: "withdraw", channel: "email", purpose: policy.Notice}, {act: "grant", channel: "*", purpose: policy.Notice}, // taken back, and given again
		} {
			s.minute = i + 1
			h.tell(h.person[3], s)
		}
		h.erase(3)
		const phone, another = "+8613800000003", "+8613800000007"
		allows := func(n int) (all string) {
			s := h.standing()[h.person[n]]
			for _, c := range []Cell{{"sms", policy.Service}, {"phone", policy.Service}, {"email", policy.Survey}, {"sms", policy.Survey}, {"email", policy.Notice}} {
				all += fmt.Sprint(s.Allows(c), " ")
			}
			return all
		}
		for _, c := range []struct{ name, ref, phone, want string }{
			{"under the same id", "C3", another, "false true false false true "},
			{"by the same number", "C9", phone, "false true true false true "},
			{"as somebody else", "C8", another, "true true true true true "},
		} {
			if h.sync(3, c.ref, c.phone); allows(3) != c.want {
				t.Errorf("%s: allowed %s, want %s", c.name, allows(3), c.want)
			}
		}
		h.sync(3, "C3", phone)
		h.tell(h.person[3], told{6, "grant", "sms", policy.Survey})
		if got := allows(3); got != "false true false true true " {
			t.Errorf("after a newer consent to surveys by text message: %s", got)
		}
		h.refuse(Refusal{Key: customer.PointKey(keys, "phone", phone), Channel: "sms", Purpose: policy.Service, Source: "reply"})
		h.tell(h.person[3], told{7, "grant", "sms", policy.Service})
		if got := allows(3); got != "false true false true true " {
			t.Errorf("a refusal met a withdrawal left behind and didn't stand: %s", got)
		}
	})
}

// The link in an old mail names a record that was erased; the nightly file has brought the
// customer back meanwhile, or will.
func TestANoInTheNameOfAnErasedRecordHoldsForWhoHasTheWalletsIdNow(t *testing.T) {
	stopMail := func(h *house, tx *db.Tx, old int64) error {
		_, err := Refuse(tx, h.ids, Refusal{Customer: old, Channel: "email", Source: "page", Words: "I am Han Meimei"}, now)
		return err
	}
	for _, c := range []struct {
		name string
		say  func(h *house, tx *db.Tx, old int64) error
		want string
	}{
		{"an unsubscribe", stopMail, "[{email *}] []"},
		{"the page of preferences", func(h *house, tx *db.Tx, old int64) error {
			var off []Cell
			for _, purpose := range Purposes {
				off = append(off, Cell{"email", purpose})
			}
			return Choose(tx, h.ids, old, Choice{Off: off}, func(string) string { return "" }, Wish{Source: "page", Proof: "x"}, now)
		}, "[{email *}] []"},
		{"a consent taken back", func(h *house, tx *db.Tx, old int64) error {
			return Withdraw(tx, h.ids, Record{Customer: old, Purpose: "survey", Channel: "email", Source: "page"}, now)
		}, "[] [{survey email false " + now.Truncate(time.Millisecond).String() + "}]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dbtest.Each(t, func(t *testing.T, d *db.DB) {
				for _, before := range []bool{true, false} {
					h := newHouse(t, d)
					old := h.person[3]
					h.erase(3)
					if before {
						h.sync(3, "C3", "+8613800000008")
					}
					for range 2 {
						h.write(func(tx *db.Tx) error { return c.say(h, tx, old) })
					}
					if !before {
						h.sync(3, "C3", "+8613800000008")
					}
					s := h.standing()[h.person[3]]
					if got := fmt.Sprint(s.Refusals, s.Consents); got != c.want {
						t.Errorf("back before it was said %v: there stands %s, want %s", before, got, c.want)
					}
					h.write(func(tx *db.Tx) error {
						all, err := Page(tx, 0, 10)
						for _, r := range all {
							if r.Customer != 0 || r.Words != "" {
								t.Errorf("kept as %+v", r)
							}
						}
						return err
					})
					h.write(func(tx *db.Tx) error {
						return Choose(tx, h.ids, h.person[3], Choice{On: []Cell{{"email", "survey"}}}, func(string) string { return "" }, Wish{Source: "page", Proof: "x"}, now.Add(time.Minute))
					})
					if s := h.standing()[h.person[3]]; !s.Allows(Cell{"email", "survey"}) {
						t.Errorf("they allowed surveys by mail again, and there stands %+v", s)
					}
					h.clear()
				}
			})
		})
	}
}

// clear empties the house for another.
func (h *house) clear() {
	h.write(func(tx *db.Tx) error {
		for _, table := range []string{"refusal", "consent", "wish", "outbox", "contact_point", "customer", "erased"} {
			if _, err := tx.Exec("DELETE FROM " + table); err != nil {
				return err
			}
		}
		return nil
	})
}

func TestNothingIsAllowedOrWishedInTheNameOfAnErasedRecord(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		old := h.person[3]
		h.erase(3)
		said := Wish{Customer: old, What: Language, Value: "en", Source: "page", Proof: "x"}
		for name, say := range map[string]func(tx *db.Tx) error{
			"a consent": func(tx *db.Tx) error {
				return Grant(tx, h.ids, Record{Customer: old, Purpose: "survey", Proof: "x"}, now)
			},
			"a wish": func(tx *db.Tx) error { return Say(tx, h.ids, said, now) },
			"a tick": func(tx *db.Tx) error {
				return Choose(tx, h.ids, old, Choice{On: []Cell{{"email", "survey"}}}, func(string) string { return "" }, said, now)
			},
		} {
			if err := d.Write(context.Background(), db.First, "test", say); errs.CodeOf(err) != codes.Erased {
				t.Errorf("%s: %v", name, err)
			}
		}
		point := customer.Point{Channel: "email", Key: customer.PointKey(keys, "email", "c3@example.com")}
		h.write(func(tx *db.Tx) error { return Disown(tx, h.ids, said, point, now) }) // a no all the same
	})
}
