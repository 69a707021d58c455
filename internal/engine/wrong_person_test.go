package engine

import (
	"testing"
	"time"

	"github.com/huiyin/huiyin/internal/channel"
	"github.com/huiyin/huiyin/internal/contact/attempt"
	"github.com/huiyin/huiyin/internal/decide/policy"
	"github.com/huiyin/huiyin/internal/followup"
	"github.com/huiyin/huiyin/internal/people/consent"
	"github.com/huiyin/huiyin/internal/people/customer"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/program/program"
)

// disown says that the number of a customer is somebody else's.
func (h *desk) disown(person int64) {
	h.t.Helper()
	h.write(func(tx *db.Tx) error {
		return Disown(tx, h.ids, consent.Wish{Customer: person, At: h.clock.Now(), Source: "sms", Proof: "你打错了"}, "sms", nil, h.clock.Now())
	})
}

func TestAWrongPersonEndsItAllForTheNumber(t *testing.T) {
	desks(t, keyless, func(h *desk) {
		p := h.person("a", "13800000001")
		other := h.person("b", "13800000001") // who shares the number is left alone too
		first := h.start(p, "1")
		h.turn()
		h.wantSent(1)
		h.disown(p)
		h.turn() // it waited an hour for an answer; nobody there will answer
		if f := h.followUp(first); f.State != followup.Told {
			t.Fatalf("the follow-up is %s (%s) and should have ended", f.State, f.Reason)
		}
		second, third := h.start(p, "2"), h.start(other, "")
		h.turn()
		h.wantSent(1)
		h.wantState(second, followup.Suppressed, codes.NoContactPoint)
		h.wantState(third, followup.Suppressed, codes.RefusedChannel)

		h.person("a", "13800000001") // the wallet's record still says so
		again := h.start(p, "3")
		h.turn()
		h.wantSent(1)
		h.wantState(again, followup.Suppressed, codes.RefusedChannel)
	})
}

func TestAWrongNumberLeavesTheOtherWays(t *testing.T) {
	desks(t, keyless, func(h *desk) {
		h.live.Steps = append(h.live.Steps, program.Step{Channel: "email", Purpose: policy.Notice, Tries: 1})
		mail := &wire{can: keyless}
		if err := h.d.Channels.Register("email", mail); err != nil {
			t.Fatal(err)
		}
		c := &customer.Customer{Ref: "a", Known: true, Country: "CN", Language: "zh-CN", Zones: []string{"Asia/Shanghai"}, Points: []customer.Point{
			{Channel: "phone", Address: "13800000001"}, {Channel: "email", Address: "a@example.com"},
		}}
		h.write(func(tx *db.Tx) error {
			if err := customer.Normalise(c, h.d.Keys, dispatchNoon); err != nil {
				return err
			}
			_, err := customer.Upsert(tx, h.vault, h.ids, []*customer.Customer{c}, dispatchNoon)
			return err
		})
		f := h.start(c.ID, "")
		h.turn()
		h.wantSent(1)
		h.disown(c.ID)
		h.turn()
		if _, _, err := h.d.Turn(t.Context(), "email", 10); err != nil {
			t.Fatal(err)
		}
		if len(mail.sent) != 1 || mail.sent[0].To != "a@example.com" {
			t.Fatalf("%d mails, and the follow-up is %+v", len(mail.sent), h.followUp(f))
		}
	})
}

func TestAWrongPersonToldBetweenRecordAndWireStopsTheMessage(t *testing.T) {
	desks(t, keyless, func(h *desk) {
		p := h.person("a", "13800000001")
		f := h.start(p, "")
		h.wire.before = func() {
			h.wire.before = nil
			h.disown(p)
		}
		h.turn()
		h.wantSent(0)
		if as := h.attempts(f); len(as) != 1 || as[0].State != attempt.Withheld {
			t.Fatalf("attempts %+v, want one withheld", as)
		}
	})
}

func TestTheHoursACustomerChoseHoldForTheVeryNextDecision(t *testing.T) {
	desks(t, keyless, func(h *desk) {
		p := h.person("a", "13800000001")
		f := h.start(p, "")
		h.write(func(tx *db.Tx) error {
			return consent.Say(tx, h.ids, consent.Wish{
				Customer: p, What: consent.Hours, Value: `{"windows":[{"days":["all"],"hours":["19:00-20:00"]}]}`, At: h.clock.Now(), Source: "page",
			}, h.clock.Now())
		})
		h.turn() // noon in Shanghai
		h.wantSent(0)
		h.wantState(f, followup.Waiting, codes.OwnHours)
		if due := h.followUp(f).DueAt; !due.Equal(time.Date(2026, 11, 18, 11, 0, 0, 0, time.UTC)) {
			t.Errorf("it is due at %s", due)
		}
		h.clock.Set(time.Date(2026, 11, 18, 11, 0, 0, 0, time.UTC))
		h.turn()
		h.wantSent(1)
	})
}

func TestTheLanguageACustomerChoseIsWrittenIn(t *testing.T) {
	desks(t, keyless, func(h *desk) {
		p := h.person("a", "13800000001")
		h.write(func(tx *db.Tx) error {
			return consent.Say(tx, h.ids, consent.Wish{Customer: p, What: consent.Language, Value: "en", At: h.clock.Now(), Source: "page"}, h.clock.Now())
		})
		h.start(p, "")
		h.turn()
		h.wantSent(1)
		if got := h.wire.sent[0].Language; got != "en" {
			t.Errorf("written in %s", got)
		}
	})
}

func TestSomebodyElseWhoWritesBackIsLeftAlone(t *testing.T) {
	desks(t, keyless, func(h *desk) {
		p := h.person("a", "13800000001")
		first := h.start(p, "1")
		h.turn()
		h.wantSent(1)
		hearer := &Hearer{Dispatcher: h.d}
		for range 2 { // the provider posts it twice
			if _, err := hearer.Hear(t.Context(), "sms", []channel.Reply{{ID: "r1", From: "+8613800000001", Text: "你打错了，我不是王先生", At: h.clock.Now()}}); err != nil {
				t.Fatal(err)
			}
		}
		h.turn()
		if f := h.followUp(first); !f.State.Final() {
			t.Errorf("the follow-up is still %s", f.State)
		}
		second := h.start(p, "2")
		h.turn()
		h.wantSent(1)
		h.wantState(second, followup.Suppressed, codes.NoContactPoint)
	})
}
