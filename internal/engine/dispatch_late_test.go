package engine

import (
	"context"
	"testing"
	"time"

	"github.com/huiyin/huiyin/internal/channel"
	"github.com/huiyin/huiyin/internal/contact/attempt"
	"github.com/huiyin/huiyin/internal/decide/policy"
	"github.com/huiyin/huiyin/internal/followup"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/errs"
	"github.com/huiyin/huiyin/internal/platform/tally"
	"github.com/huiyin/huiyin/internal/program/program"
)

// What becomes known at another time, or in another order, than one would like.

// twoSteps makes the program one of two messages, an hour apart.
func (h *desk) twoSteps() {
	step := program.Step{Channel: "sms", Purpose: policy.Service, Tries: 1, Wait: time.Hour}
	h.live.Steps = []program.Step{step, step}
}

func (h *desk) delivered(key string) {
	h.t.Helper()
	n, err := h.d.Receive(h.t.Context(), "sms", []channel.Receipt{{Key: key, Status: channel.Delivered, At: h.clock.Now()}})
	if n != 1 || err != nil {
		h.t.Fatalf("the receipt moved %d attempts: %v", n, err)
	}
}

func (h *desk) counted(metric string) map[string]int64 {
	h.t.Helper()
	out := map[string]int64{}
	err := h.db.Read(h.t.Context(), func(tx *db.Tx) error {
		sums, err := tally.Sum(tx, 7, 0, 1<<30)
		for k, n := range sums {
			if k[0] == metric {
				out[k[1]] = n
			}
		}
		return err
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return out
}

func TestAReceiptThatComesBeforeTheProvidersAnswerAnswersForIt(t *testing.T) {
	desks(t, keyless, func(h *desk) {
		h.twoSteps()
		h.wire.answer = func(m channel.Message) channel.Outcome {
			h.wire.answer = nil
			h.delivered(m.Key)
			return channel.Outcome{} // it never answers
		}
		f := h.start(h.person("a", "13800000001"), "")
		h.turn()
		h.wantState(f, followup.Waiting, "")
		h.clock.Advance(50 * time.Minute)
		h.turn()
		h.wantSent(1)
		h.clock.Advance(10 * time.Minute)
		h.turn()
		h.wantSent(2)
		if aside := h.counted(followup.MetricAside); len(aside) != 0 {
			t.Errorf("it was set aside meanwhile: %v", aside)
		}
	})
}

func TestAReceiptThatOvertakesTheAnswerIsAskedForAgain(t *testing.T) {
	desks(t, keyless, func(h *desk) {
		receipt := []channel.Receipt{{Ref: "theirs", Status: channel.Delivered, At: h.clock.Now()}}
		h.wire.answer = func(channel.Message) channel.Outcome {
			if _, err := h.d.Receive(h.t.Context(), "sms", receipt); errs.KindOf(err) != errs.Busy {
				h.t.Errorf("the provider is told %v, want to come again", err)
			}
			return channel.Outcome{Result: channel.OK, Ref: "theirs"}
		}
		f := h.start(h.person("a", "13800000001"), "")
		h.turn()
		if n, err := h.d.Receive(t.Context(), "sms", receipt); n != 1 || err != nil {
			t.Errorf("the second time it moved %d: %v", n, err)
		}
		if a := h.attempts(f)[0]; a.State != attempt.Delivered {
			t.Errorf("the attempt is %s", a.State)
		}
		h.clock.Advance(time.Hour)
		receipt[0].Ref = "nobody's"
		if n, err := h.d.Receive(t.Context(), "sms", receipt); n != 0 || err != nil {
			t.Errorf("an old one of nobody's moved %d: %v", n, err)
		}
	})
}

func TestTheWaitAfterAStepIsKeptWhenOnlyAReceiptTellsOfIt(t *testing.T) {
	desks(t, keyed, func(h *desk) {
		h.twoSteps()
		f := h.start(h.person("a", "13800000001"), "")
		b, err := h.d.Record(t.Context(), "sms", 10)
		if err != nil {
			t.Fatal(err)
		}
		h.d.Send(t.Context(), b.Sendings[0]) // the node dies here
		h.delivered(b.Sendings[0].Message.Key)
		h.clock.Advance(5 * time.Minute) // beyond the lease
		h.turn()
		h.wantSent(1)
		h.wantState(f, followup.Waiting, "")
		h.clock.Advance(54 * time.Minute)
		h.turn()
		h.wantSent(1)
		h.clock.Advance(time.Minute)
		h.turn()
		h.wantSent(2)
	})
}

func TestAnOutcomeWrittenLateTakesBackThatItWasUnknown(t *testing.T) {
	desks(t, keyless, func(h *desk) {
		h.twoSteps()
		f := h.start(h.person("a", "13800000001"), "")
		b, err := h.d.Record(t.Context(), "sms", 10)
		if err != nil {
			t.Fatal(err)
		}
		h.d.Send(t.Context(), b.Sendings[0])
		h.clock.Advance(5 * time.Minute) // the database was away
		h.turn()
		h.wantState(f, followup.SetAside, codes.OutcomeUnknown)
		if err := h.d.Conclude(t.Context(), b.Sendings); err != nil {
			t.Fatal(err)
		}
		h.wantState(f, followup.Waiting, "")
		if got := h.followUp(f); got.Step != 1 || !got.DueAt.Equal(h.clock.Now().Add(time.Hour)) {
			t.Errorf("it goes on with step %d at %v", got.Step, got.DueAt)
		}
		if aside := h.counted(followup.MetricAside); aside["in"] != 1 || aside["out"] != 1 {
			t.Errorf("set aside %v", aside)
		}
	})
}

func TestAProviderThatIsAwayForADayCostsNoContact(t *testing.T) {
	desks(t, keyless, func(h *desk) {
		back := h.clock.Now().Add(24 * time.Hour)
		reason := codes.LoginRefused // our own fault: the password ran out
		h.wire.answer = func(channel.Message) channel.Outcome {
			if h.clock.Now().Before(back) {
				return channel.Outcome{Result: channel.Rejected, Reason: reason, RetryAfter: time.Minute}
			}
			return channel.Outcome{Result: channel.OK}
		}
		f := h.start(h.person("a", "13800000001"), "")
		for range 27 * 60 {
			h.turn()
			h.clock.Advance(time.Minute)
		}
		as := h.attempts(f)
		if last := as[len(as)-1]; last.State != attempt.Accepted {
			t.Fatalf("after %d attempts it is %s (%s)", len(as), h.followUp(f).State, h.followUp(f).Reason)
		}
		if len(as) > 30 {
			t.Errorf("%d attempts in a day", len(as))
		}
	})
}

// looker is a wire whose provider can be asked.
type looker struct {
	*wire
	lookUp func() channel.Outcome
}

func (l *looker) LookUp(context.Context, string, string) channel.Outcome { return l.lookUp() }

func TestANotThereIsNotBelievedRightAfterASecondSend(t *testing.T) {
	desks(t, keyed, func(h *desk) {
		h.wire.can.Idempotency, h.wire.can.LookUp = 30*time.Minute, true
		l := &looker{wire: h.wire, lookUp: func() channel.Outcome {
			return channel.Outcome{Result: channel.Rejected, Reason: codes.LookUpNotFound}
		}}
		reg := channel.NewRegistry()
		if err := reg.Register("sms", l); err != nil {
			t.Fatal(err)
		}
		h.d.Channels = reg
		h.wire.answer = func(channel.Message) channel.Outcome { return channel.Outcome{} }
		f := h.start(h.person("a", "13800000001"), "")
		h.turn()
		h.clock.Advance(28 * time.Minute)
		h.turn()
		h.wantSent(2) // under the same key, while it is good
		for range 14 {
			h.clock.Advance(time.Minute)
			h.turn()
		}
		if as := h.attempts(f); len(as) != 1 || as[0].State != attempt.Unknown {
			t.Fatalf("attempts %+v, want the one still unknown", as)
		}
		h.clock.Advance(2 * time.Minute)
		h.turn()
		if as := h.attempts(f); as[0].State != attempt.Rejected {
			t.Fatalf("it is %s after a quarter of an hour", as[0].State)
		}
	})
}

func TestANotNowToAQuestionSaysNothingOfTheMessage(t *testing.T) {
	desks(t, keyless, func(h *desk) {
		h.wire.can.LookUp = true
		l := &looker{wire: h.wire, lookUp: func() channel.Outcome {
			return channel.Outcome{Result: channel.Rejected, Reason: codes.ProviderBusy, RetryAfter: time.Minute}
		}}
		reg := channel.NewRegistry()
		if err := reg.Register("sms", l); err != nil {
			t.Fatal(err)
		}
		h.d.Channels = reg
		h.wire.answer = func(channel.Message) channel.Outcome { return channel.Outcome{} }
		f := h.start(h.person("a", "13800000001"), "")
		for range 60 {
			h.turn()
			h.clock.Advance(time.Minute)
		}
		h.wantSent(1)
		if as := h.attempts(f); len(as) != 1 || as[0].State != attempt.Unknown {
			t.Fatalf("attempts %+v, want the one still unknown", as)
		}
	})
}

func TestNothingGoesToAnAddressThatIsNotTheCustomersAnyMore(t *testing.T) {
	desks(t, keyed, func(h *desk) {
		h.wire.answer = func(channel.Message) channel.Outcome { return channel.Outcome{} }
		h.start(h.person("a", "13800000001"), "")
		h.turn()
		h.wantSent(1)
		h.person("a", "13900000009")
		h.clock.Advance(askAgain)
		h.turn()
		h.wantSent(1)
	})
}

func TestAMessageDoesNotLeaveForAnAddressGivenUpMeanwhile(t *testing.T) {
	desks(t, keyless, func(h *desk) {
		f := h.start(h.person("a", "13800000001"), "")
		h.wire.before = func() {
			h.wire.before = nil
			h.person("a", "13900000009")
		}
		h.turn()
		h.wantSent(1)
		if as := h.attempts(f); len(as) != 2 || as[0].State != attempt.Withheld || as[1].Address != "+8613900000009" {
			t.Fatalf("attempts %+v, want one withheld and one to the new number", as)
		}
	})
}

func TestANodeThatHasNotNoticedAResumeHoldsNobody(t *testing.T) {
	desks(t, keyless, func(h *desk) {
		f := h.start(h.person("a", "13800000001"), "")
		h.state = program.Paused // what the node knows; it runs again
		h.turn()
		h.wantSent(1)
		h.state = program.Stopped // published again
		h.clock.Advance(time.Hour)
		h.turn()
		h.wantState(f, followup.Told, codes.Told)
	})
}
