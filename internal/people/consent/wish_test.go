package consent

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/huiyin/huiyin/internal/decide/policy"
	"github.com/huiyin/huiyin/internal/people/customer"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/db/dbtest"
	"github.com/huiyin/huiyin/internal/platform/errs"
)

// told is one thing said at a minute of its own, whenever it is told.
type told struct {
	minute           int
	act              string
	channel, purpose string
}

func (h *house) tell(person int64, s told) {
	at := now.Add(time.Duration(s.minute-1000) * time.Minute)
	h.write(func(tx *db.Tx) error {
		r := Record{Customer: person, Purpose: s.purpose, Channel: s.channel, At: at, Source: "app", Proof: "form 1"}
		w := Wish{Customer: person, At: at, Source: "app", Proof: "form 1"}
		switch s.act {
		case "grant":
			return Grant(tx, h.ids, r, now)
		case "withdraw":
			return Withdraw(tx, h.ids, r, now)
		case "lift":
			return LiftAll(tx, h.ids, w, s.channel, s.purpose, now)
		}
		_, err := Refuse(tx, h.ids, Refusal{Customer: person, Channel: s.channel, Purpose: s.purpose, At: at, Source: "app"}, now)
		return err
	})
}

// sorted makes two standings comparable.
func sorted(s Standing) string {
	slices.SortFunc(s.Refusals, func(a, b policy.Refusal) int { return cmpText(a.Channel+" "+a.Purpose, b.Channel+" "+b.Purpose) })
	slices.SortFunc(s.Consents, func(a, b policy.Consent) int { return cmpText(a.Channel+" "+a.Purpose, b.Channel+" "+b.Purpose) })
	return fmt.Sprint(s.Refusals, s.Consents)
}

func cmpText(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

func TestTheOrderInWhichWishesAreToldChangesNothing(t *testing.T) {
	h := newHouse(t, dbtest.Memory(t, db.Options{}))
	act := rapid.SampledFrom([]string{"refuse", "refuse", "lift", "grant", "withdraw"})
	channel, purpose := rapid.SampledFrom([]string{"sms", "email", "*"}), rapid.SampledFrom([]string{"survey", "marketing", "*"})
	rapid.Check(t, func(r *rapid.T) {
		n := rapid.IntRange(1, 8).Draw(r, "n")
		inOrder := make([]told, n)
		for i := range inOrder {
			inOrder[i] = told{i, act.Draw(r, "act"), channel.Draw(r, "channel"), purpose.Draw(r, "purpose")}
		}
		shuffled := rapid.Permutation(inOrder).Draw(r, "told")
		for _, s := range inOrder {
			h.tell(h.person[1], s)
		}
		for _, s := range shuffled {
			h.tell(h.person[3], s)
			if rapid.Bool().Draw(r, "twice") {
				h.tell(h.person[3], s)
			}
		}
		all := h.standing()
		if a, b := sorted(all[h.person[1]]), sorted(all[h.person[3]]); a != b {
			r.Fatalf("%v told as %v stands as\n%s, in order it would be\n%s", inOrder, shuffled, b, a)
		}
		h.write(func(tx *db.Tx) error {
			for _, table := range []string{"refusal", "consent", "wish"} {
				if _, err := tx.Exec("DELETE FROM " + table); err != nil {
					return err
				}
			}
			return nil
		})
	})
}

func TestARefusalThatReachesFurtherIsNotTakenBackInPart(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		h.tell(h.person[1], told{1, "refuse", "*", "*"})
		h.tell(h.person[1], told{2, "refuse", "sms", "survey"})
		h.tell(h.person[1], told{3, "lift", "sms", "*"})
		if got := sorted(h.standing()[h.person[1]]); got != "[{* *}] []" {
			t.Errorf("after text messages were allowed again there stands %s", got)
		}
		h.tell(h.person[1], told{4, "lift", "*", "*"})
		if got := sorted(h.standing()[h.person[1]]); got != "[] []" {
			t.Errorf("after all was allowed again there stands %s", got)
		}
	})
}

func TestTheLedgerProvesWhatWasSaid(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		earlier := now.Add(-24 * time.Hour)
		h.write(func(tx *db.Tx) error {
			if err := Grant(tx, h.ids, Record{
				Customer: h.person[1], Purpose: "marketing", At: earlier, Source: "app", Wording: "huiyin:marketing@1", Proof: "screen 3 of 5", Actor: "key:wallet",
			}, now); err != nil {
				return err
			}
			if err := Withdraw(tx, h.ids, Record{Customer: h.person[1], Purpose: "marketing", Source: "page"}, now); err != nil {
				return err
			}
			if _, err := Refuse(tx, h.ids, Refusal{Customer: h.person[1], Channel: "sms", Words: "别再发了", Source: "sms"}, now); err != nil {
				return err
			}
			return Say(tx, h.ids, Wish{Customer: h.person[1], What: Language, Value: "en", Source: "page", Wording: "Language"}, now)
		})
		var all []Entry
		if err := h.d.Read(t.Context(), func(tx *db.Tx) (err error) { all, err = Ledger(tx, h.person[1]); return err }); err != nil {
			t.Fatal(err)
		}
		for i := range all {
			all[i].ID = 0
		}
		want := []Entry{
			{Kind: Language, Value: "en", At: now, Recorded: now, Source: "page", Wording: "Language", Counts: true},
			{Kind: Refused, Channel: "sms", Purpose: "*", At: now, Recorded: now, Source: "sms", Proof: "别再发了", Counts: true},
			{Kind: Withdrawn, Channel: "*", Purpose: "marketing", At: now, Recorded: now, Source: "page", Counts: true},
			{Kind: Consented, Channel: "*", Purpose: "marketing", At: earlier, Recorded: now, Source: "app", Wording: "huiyin:marketing@1", Proof: "screen 3 of 5", Actor: "key:wallet"},
		}
		if diff := cmp.Diff(want, all); diff != "" {
			t.Error(diff)
		}
	})
}

func TestTheCustomersOwnWordsGoOverTheWalletsRecord(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		say := func(what, value string, at time.Time) {
			h.write(func(tx *db.Tx) error {
				return Say(tx, h.ids, Wish{Customer: h.person[1], What: what, Value: value, At: at, Source: "page"}, now)
			})
		}
		say(Hours, `{"windows":[{"days":["workdays"],"hours":["19:00-21:00"]}]}`, now.Add(-time.Minute))
		say(Hours, `{"windows":[{"days":["all"],"hours":["08:00-09:00"]}]}`, now.Add(-time.Hour)) // told late
		say(Language, "en", now)
		s := h.standing()[h.person[1]]
		if got := customer.OwnDocOf(s.OwnHours(nil)); got == nil || got.Windows[0].Hours[0] != "19:00-21:00" || s.Language != "en" {
			t.Errorf("%+v, %q", got, s.Language)
		}
		say(Hours, "", now)
		s = h.standing()[h.person[1]]
		if known := (&policy.OwnHours{Zone: "Asia/Shanghai"}); s.OwnHours(known) != nil {
			t.Error("any hour is no wish")
		}
		other := h.standing()[h.person[3]]
		if known := (&policy.OwnHours{Zone: "Asia/Shanghai"}); other.OwnHours(known) != known {
			t.Error("what the wallet knows was passed over")
		}
	})
}

func TestHoursNobodyCanKeepAreRefused(t *testing.T) {
	h := newHouse(t, dbtest.Memory(t, db.Options{}))
	for name, value := range map[string]string{
		"no object": `[]`, "no windows": `{"windows":[]}`, "an hour there isn't": `{"windows":[{"days":["all"],"hours":["25:00-26:00"]}]}`,
		"no days": `{"windows":[{"days":[],"hours":["08:00-09:00"]}]}`, "a zone there isn't": `{"zone":"Mars/Base","windows":[{"days":["all"],"hours":["08:00-09:00"]}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			err := h.d.Write(t.Context(), db.First, "test", func(tx *db.Tx) error {
				return Say(tx, h.ids, Wish{Customer: h.person[1], What: Hours, Value: value}, now)
			})
			if errs.KindOf(err) != errs.Invalid {
				t.Errorf("%s was taken: %v", value, err)
			}
		})
	}
}
