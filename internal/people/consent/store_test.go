package consent

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/huiyin/huiyin/internal/decide/policy"
	"github.com/huiyin/huiyin/internal/people/customer"
	"github.com/huiyin/huiyin/internal/people/vault/vaulttest"
	"github.com/huiyin/huiyin/internal/platform/clock"
	"github.com/huiyin/huiyin/internal/platform/crypt"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/db/dbtest"
	"github.com/huiyin/huiyin/internal/platform/errs"
	"github.com/huiyin/huiyin/internal/platform/ids"
)

var (
	now  = time.Date(2026, 11, 22, 9, 30, 0, 0, time.UTC)
	keys = crypt.FromSeed([]byte("a seed for tests, of any length!"))
)

// house is a database with three customers: 1 and 2 share a phone, 3 is apart.
type house struct {
	t      *testing.T
	d      *db.DB
	ids    *ids.Source
	person [4]int64
	phone  []byte
}

func newHouse(t *testing.T, d *db.DB) *house {
	h := &house{t: t, d: d, ids: ids.New(clock.NewVirtual(now), 1, strings.NewReader(""))}
	var all []*customer.Customer
	for i, phone := range []string{"+8613800000001", "+8613800000001", "+8613800000003"} {
		c := &customer.Customer{Ref: fmt.Sprint("C", i+1), Points: []customer.Point{
			{Channel: "phone", Address: phone}, {Channel: "email", Address: fmt.Sprintf("c%d@example.com", i+1)},
		}}
		if err := customer.Normalise(c, keys, now); err != nil {
			t.Fatal(err)
		}
		all = append(all, c)
	}
	v := vaulttest.New(t)
	h.write(func(tx *db.Tx) error {
		_, err := customer.Upsert(tx, v, h.ids, all, now)
		return err
	})
	for i, c := range all {
		h.person[i+1] = c.ID
	}
	h.phone = all[0].Points[0].Key
	return h
}

func (h *house) write(fn func(tx *db.Tx) error) {
	h.t.Helper()
	if err := h.d.Write(context.Background(), db.First, "test", fn); err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) refuse(r Refusal) (id int64) {
	h.t.Helper()
	h.write(func(tx *db.Tx) (err error) {
		id, err = Refuse(tx, h.ids, r, now)
		return err
	})
	return id
}

func (h *house) standing() map[int64]Standing {
	h.t.Helper()
	var s map[int64]Standing
	err := h.d.Read(context.Background(), func(tx *db.Tx) (err error) {
		s, err = StandingOf(tx, h.person[1:])
		return err
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return s
}

func TestARefusalHoldsForThePersonAndForThePoint(t *testing.T) {
	any := policy.Any
	for _, c := range []struct {
		name    string
		refusal func(h *house) Refusal
		want    [3]string // refusals of each customer
	}{
		{"by the person it holds for the person alone", func(h *house) Refusal { return Refusal{Customer: h.person[1], Channel: "sms"} }, [3]string{"[{sms *}]", "[]", "[]"}},
		{"nothing named is everything", func(h *house) Refusal { return Refusal{Customer: h.person[1]} }, [3]string{"[{* *}]", "[]", "[]"}},
		{"from a phone it holds for all who share it", func(h *house) Refusal { return Refusal{Key: h.phone, Channel: "sms"} }, [3]string{"[{sms *}]", "[{sms *}]", "[]"}},
		{
			"of everything from a phone it closes the phone's channels for the others",
			func(h *house) Refusal { return Refusal{Customer: h.person[1], Key: h.phone, Channel: any} },
			[3]string{"[{* *}]", "[{phone *} {sms *}]", "[]"},
		},
		{
			"of a purpose from a phone", func(h *house) Refusal { return Refusal{Key: h.phone, Purpose: "marketing"} },
			[3]string{"[{phone marketing} {sms marketing}]", "[{phone marketing} {sms marketing}]", "[]"},
		},
		{"of e-mail said on a phone isn't about the phone", func(h *house) Refusal { return Refusal{Key: h.phone, Channel: "email"} }, [3]string{"[]", "[]", "[]"}},
		{"of a purpose by the person", func(h *house) Refusal { return Refusal{Customer: h.person[3], Purpose: "survey"} }, [3]string{"[]", "[]", "[{* survey}]"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dbtest.Each(t, func(t *testing.T, d *db.DB) {
				h := newHouse(t, d)
				r := c.refusal(h)
				r.Source, r.Words = "sms", "TD"
				id := h.refuse(r)
				check := func(want [3]string, when string) {
					s := h.standing()
					for i := range want {
						if got := fmt.Sprint(s[h.person[i+1]].Refusals); got != want[i] {
							t.Errorf("%s: customer %d: %s, want %s", when, i+1, got, want[i])
						}
					}
				}
				check(c.want, "refused")
				if again := h.refuse(r); again != id {
					t.Errorf("the same refusal again became another: %d and %d", id, again)
				}
				h.write(func(tx *db.Tx) error { return Lift(tx, id, now) })
				check([3]string{"[]", "[]", "[]"}, "lifted")
				if again := h.refuse(r); again == id {
					t.Error("a refusal after a lifted one is the lifted one")
				}
				check(c.want, "refused again")
			})
		})
	}
}

func TestWhatCameFromAnAddressStandsInTheLedgerOfThoseWhoHaveIt(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		byReply := h.refuse(Refusal{Key: h.phone, Channel: "sms", Source: "reply", Words: "TD"})
		byTwo := h.refuse(Refusal{Customer: h.person[2], Key: h.phone, Channel: "phone", Source: "phone", Words: "no more calls"})
		for person, want := range map[int][]int64{1: {byReply}, 2: {byTwo, byReply}, 3: nil} {
			var got []int64
			h.write(func(tx *db.Tx) error {
				all, err := Ledger(tx, h.person[person])
				got = nil
				for _, e := range all {
					got = append(got, e.ID)
				}
				return err
			})
			if !slices.Equal(got, want) {
				t.Errorf("customer %d: %v, want %v", person, got, want)
			}
		}
	})
}

func TestARefusalIsKeptAsItWasSaid(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		h.refuse(Refusal{Customer: h.person[1], Channel: "phone", At: now.Add(time.Hour), Source: "phone", Words: "别打了\x00\xff" + strings.Repeat("!", 600), Actor: "li"})
		err := d.Read(context.Background(), func(tx *db.Tx) error {
			list, err := Refusals(tx, h.person[1])
			if err != nil || len(list) != 1 {
				t.Fatalf("%v %v", list, err)
			}
			r := list[0]
			if !r.At.Equal(now) || !r.Recorded.Equal(now) || r.Purpose != "*" || r.Actor != "li" || !strings.HasPrefix(r.Words, "别打了�!") || len([]rune(r.Words)) != wordsCharsMax {
				t.Errorf("kept as %+v", r)
			}
			page, err := Page(tx, 0, 10)
			if err != nil || len(page) != 1 || page[0].ID != r.ID {
				t.Errorf("page %+v %v", page, err)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		for name, bad := range map[string]Refusal{
			"nobody": {Channel: "sms"}, "a channel in words": {Customer: 1, Channel: "every phone"},
			"a purpose in capitals": {Customer: 1, Purpose: "Marketing"}, "half a key": {Key: []byte{1, 2}},
		} {
			err := d.Write(context.Background(), db.First, "test", func(tx *db.Tx) error {
				_, err := Refuse(tx, h.ids, bad, now)
				return err
			})
			if errs.KindOf(err) != errs.Invalid {
				t.Errorf("%s: %v", name, err)
			}
		}
		err = d.Write(context.Background(), db.First, "test", func(tx *db.Tx) error { return Lift(tx, 5, now) })
		if errs.KindOf(err) != errs.NotFound {
			t.Errorf("lifting what isn't there: %v", err)
		}
	})
}

func TestTheLatestConsentCounts(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		record := func(fn func(*db.Tx, *ids.Source, Record, time.Time) error, purpose, channel string, at time.Time) {
			h.write(func(tx *db.Tx) error {
				return fn(tx, h.ids, Record{Customer: h.person[1], Purpose: purpose, Channel: channel, At: at, Source: "app", Wording: "v3", Proof: "form 7"}, now)
			})
		}
		record(Grant, "marketing", "", now.Add(-3*time.Hour))
		record(Withdraw, "marketing", "", now.Add(-1*time.Hour))
		record(Grant, "marketing", "", now.Add(-2*time.Hour)) // told late: it was before the withdrawal
		record(Grant, "marketing", "email", now.Add(-2*time.Hour))
		record(Grant, "marketing", "email", now.Add(-2*time.Hour)) // told twice
		record(Grant, "survey", "sms", now)
		record(Withdraw, "survey", "sms", now.Add(time.Hour)) // can't be in the future: at the same instant the withdrawal holds
		s := h.standing()[h.person[1]]
		got := map[string]bool{}
		for _, c := range s.Consents {
			got[c.Purpose+" "+c.Channel] = c.Granted
		}
		if fmt.Sprint(got) != "map[marketing *:false marketing email:true survey sms:false]" {
			t.Errorf("standing %v", got)
		}
		err := d.Read(context.Background(), func(tx *db.Tx) error {
			list, err := Records(tx, h.person[1])
			if err != nil || len(list) != 6 || list[0].Proof != "form 7" {
				t.Errorf("%d records, %v", len(list), err)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		for name, bad := range map[string]Record{
			"no customer": {Purpose: "survey", Proof: "x"}, "no purpose": {Customer: 1, Proof: "x"}, "no proof": {Customer: 1, Purpose: "survey"},
		} {
			err := d.Write(context.Background(), db.First, "test", func(tx *db.Tx) error { return Grant(tx, h.ids, bad, now) })
			if errs.KindOf(err) != errs.Invalid {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

// A contact is recorded by a transaction that locks the customer, reads what stands and then
// writes. Once the refusal holds the lock no contact may be added any more, however long
// ago the transaction that would add it began.
func TestNoContactIsRecordedBehindARefusal(t *testing.T) {
	const rounds, contacts = 30, 4
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		who := h.person[2]
		recorded := 0
		for round := range rounds {
			channel := fmt.Sprintf("round-%d", round)
			// Refusals go first in the queue, so every other round waits until a contact is
			// under way: else a quick machine would never let one in before them.
			var wg sync.WaitGroup
			var first sync.Once
			underWay := make(chan struct{})
			if round%2 == 0 {
				first.Do(func() { close(underWay) })
			}
			for n := range contacts {
				wg.Go(func() {
					err := d.Write(context.Background(), db.Outcome, "contact", func(tx *db.Tx) error {
						first.Do(func() { close(underWay) })
						return contact(tx, h, who, channel, n)
					})
					if err != nil && errs.CodeOf(err) != "stopped" {
						t.Error(err)
					}
				})
			}
			var atRefusal, atEnd int
			wg.Go(func() {
				<-underWay
				err := d.Write(context.Background(), db.First, "refuse", func(tx *db.Tx) (err error) {
					if _, err = Refuse(tx, h.ids, Refusal{Customer: who, Channel: channel}, now); err != nil {
						return err
					}
					atRefusal, err = countContacts(tx, channel)
					return err
				})
				if err != nil {
					t.Error(err)
				}
			})
			wg.Wait()
			err := d.Read(context.Background(), func(tx *db.Tx) (err error) {
				atEnd, err = countContacts(tx, channel)
				return err
			})
			if err != nil || atEnd != atRefusal {
				t.Errorf("round %d: %d contacts when it was refused, %d at the end, %v", round, atRefusal, atEnd, err)
			}
			recorded += atEnd
		}
		if recorded == 0 || recorded == rounds*contacts {
			t.Errorf("%d contacts of %d: the race was never run", recorded, rounds*contacts)
		}
	})
}

func contact(tx *db.Tx, h *house, who int64, channel string, n int) error {
	if err := customer.Lock(tx, []int64{who}); err != nil {
		return err
	}
	s, err := StandingOf(tx, []int64{who})
	if err != nil {
		return err
	}
	for _, r := range s[who].Refusals {
		if r.Channel == channel {
			return errs.New(errs.Conflict, "stopped", "the customer has refused")
		}
	}
	// Any row will do for a contact here; the ledger of attempts is another package's.
	_, err = tx.Exec(insertConsent, h.ids.Next(), who, "contacted", channel, true, 1, int64(n), "", "", "", "")
	return err
}

func countContacts(tx *db.Tx, channel string) (n int, err error) {
	err = tx.QueryRow(`SELECT count(*) FROM consent WHERE purpose = 'contacted' AND channel = $1`, channel).Scan(&n)
	return n, err
}
