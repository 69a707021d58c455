package engine

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/huiyin/huiyin/internal/channel"
	"github.com/huiyin/huiyin/internal/contact/attempt"
	"github.com/huiyin/huiyin/internal/decide/policy"
	"github.com/huiyin/huiyin/internal/followup"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/program/condition"
	"github.com/huiyin/huiyin/internal/program/program"
	"github.com/huiyin/huiyin/internal/program/questionnaire"
)

// One follow-up that something is wrong with costs the others of its lane nothing.

func (h *desk) exec(query string, args ...any) {
	h.t.Helper()
	h.write(func(tx *db.Tx) error {
		n, err := tx.Exec(query, args...)
		if err == nil && n == 0 {
			err = fmt.Errorf("%s: no row", query)
		}
		return err
	})
}

func TestAVersionThatCannotRunHoldsItsOwnFollowUpsAlone(t *testing.T) {
	desks(t, keyless, func(h *desk) {
		h.d.Programs = func(context.Context) (*Programs, error) {
			return NewPrograms([]Published{{Live: h.live, State: h.state}}, nil, nil).Under(h.rules, func(*db.Tx, int64) (*program.Live, error) {
				return nil, fmt.Errorf("%w: no field merchant", program.ErrBroken)
			}), nil
		}
		bad, good := h.start(h.person("a", "13800000001"), ""), h.start(h.person("b", "13800000002"), "")
		h.exec(`UPDATE follow_up SET version_id = 71 WHERE id = $1`, bad)
		h.turn()
		h.wantSent(1)
		h.wantState(good, followup.Waiting, "")
		h.wantState(bad, followup.Waiting, codes.ProgramBroken)
		h.clock.Advance(49 * time.Hour)
		h.turn()
		h.wantState(bad, followup.SetAside, codes.AssertionStopped)
		h.wantSent(1)
	})
}

func TestADamagedAllowanceStopsItsOwnPersonAlone(t *testing.T) {
	desks(t, keyless, func(h *desk) {
		a := h.person("a", "13800000001")
		h.exec(`INSERT INTO allowance (key, doc, updated_at) VALUES ($1, '[{"t":', 0)`, attempt.CustomerKey(a))
		bad, good := h.start(a, ""), h.start(h.person("b", "13800000002"), "")
		h.turn()
		h.wantSent(1)
		h.wantState(good, followup.Waiting, "")
		h.wantState(bad, followup.SetAside, codes.AssertionStopped)
	})
}

func TestADamagedCustomerStopsThemselvesAlone(t *testing.T) {
	desks(t, keyless, func(h *desk) {
		a := h.person("a", "13800000001")
		h.exec(`UPDATE customer SET zones = '["Asia/Shang' WHERE id = $1`, a)
		bad, good := h.start(a, "1"), h.start(h.person("b", "13800000002"), "")
		h.turn()
		h.wantSent(1)
		h.wantState(good, followup.Waiting, "")
		h.wantState(bad, followup.SetAside, codes.AssertionStopped)
		h.person("a", "13800000001") // the wallet sends them again
		h.start(a, "2")
		h.turn()
		h.wantSent(2)
	})
}

func TestAProvidersOddWordsAreKeptWithoutTheirOddity(t *testing.T) {
	desks(t, keyless, func(h *desk) {
		h.wire.answer = func(channel.Message) channel.Outcome {
			return channel.Outcome{Result: channel.OK, Ref: "r\x001\xff", Detail: "250 \x00 queued \xfe"}
		}
		f := h.start(h.person("a", "13800000001"), "")
		h.turn()
		h.wantState(f, followup.Waiting, "")
		if a := h.attempts(f)[0]; a.State != attempt.Accepted || a.Ref != "r1" {
			t.Fatalf("attempt is %s, known to the provider as %q", a.State, a.Ref)
		}
		n, err := h.d.Receive(t.Context(), "sms", []channel.Receipt{{Ref: "r\x001\xff", Status: channel.Delivered, At: h.clock.Now()}})
		if n != 1 || err != nil {
			t.Fatalf("the receipt moved %d: %v", n, err)
		}
	})
}

func TestAHeldOutCustomerIsAskedNothingByANoticeEither(t *testing.T) {
	desks(t, keyless, func(h *desk) {
		h.live.Steps = []program.Step{
			{Channel: "sms", Purpose: policy.Notice, Tries: 1, Questionnaire: &questionnaire.Questionnaire{}, QuestionnaireID: 5},
			{Channel: "sms", Purpose: policy.Notice, Tries: 1},
		}
		bad, good := h.start(h.person("a", "13800000001"), ""), h.start(h.person("b", "13800000002"), "")
		h.exec(`UPDATE follow_up SET held_out = true WHERE id = $1`, bad)
		h.turn()
		h.wantSent(2)
		h.wantState(bad, followup.HeldOut, codes.HeldOut)
		if as := h.attempts(bad); len(as) != 1 || as[0].Step != 1 {
			t.Fatalf("held out, they got %+v, want the plain notice alone", as)
		}
		if as := h.attempts(good); len(as) != 1 || as[0].Step != 0 {
			t.Fatalf("the other got %+v, want the notice that asks alone", as)
		}
	})
}

func TestAFaultOfTheProgramIsNoFaultOfTheLane(t *testing.T) {
	desks(t, keyless, func(h *desk) {
		odd := *h.live
		odd.VersionID, odd.Steps = 71, []program.Step{{Channel: "sms", Purpose: policy.Survey, Tries: 1, When: &condition.Condition{}}} // it panics
		h.d.Programs = func(context.Context) (*Programs, error) {
			return NewPrograms([]Published{{Live: h.live, State: h.state}}, []*program.Live{&odd}, nil).Under(h.rules, nil), nil
		}
		bad, good := h.start(h.person("a", "13800000001"), ""), h.start(h.person("b", "13800000002"), "")
		h.exec(`UPDATE follow_up SET version_id = 71 WHERE id = $1`, bad)
		h.turn()
		h.wantSent(1)
		h.wantState(good, followup.Waiting, "")
		h.wantState(bad, followup.SetAside, codes.AssertionStopped)
	})
}

func TestWhatGoesWrongWithOneFollowUpStopsItAlone(t *testing.T) {
	desks(t, keyless, func(h *desk) {
		bad, good := h.start(h.person("a", "13800000001"), ""), h.start(h.person("b", "13800000002"), "")
		h.exec(`UPDATE follow_up SET trigger_data = 'not JSON' WHERE id = $1`, bad)
		h.turn()
		h.wantSent(1)
		h.wantState(good, followup.Waiting, "")
		h.wantState(bad, followup.SetAside, codes.AssertionStopped)
	})
}
