package engine

import (
	"testing"
	"time"

	"github.com/huiyin/huiyin/internal/decide/policy"
	"github.com/huiyin/huiyin/internal/followup"
	"github.com/huiyin/huiyin/internal/platform/codes"
)

func TestARuleThatCountsMessagesCountsEveryMessageOfAFollowUp(t *testing.T) {
	desks(t, keyless, func(h *desk) {
		day := 24 * time.Hour
		var err error
		h.rules, err = policy.New(policy.Spec{Home: "CN", Packs: []policy.Pack{{
			Name: "test", Country: "CN", Version: "1",
			Rules: []policy.Rule{{ID: "one-a-day", Basis: "law", Source: "a law", AsOf: "2026-01-01", Channels: []string{"sms"}, Cap: &policy.RuleCap{Cap: policy.Cap{N: 1, Per: day}, Count: policy.CountMessages}}},
		}}})
		if err != nil {
			t.Fatal(err)
		}
		h.twoSteps()
		h.live.Deadline = 10 * day
		a := h.person("a", "13800000001")
		first := h.start(a, "1")
		h.turn()
		h.clock.Advance(time.Hour)
		h.turn()
		h.wantSent(1)
		h.wantState(first, followup.Waiting, codes.CapReached)
		h.clock.Advance(23 * time.Hour)
		h.turn()
		h.wantSent(2) // a day after the first
		second := h.start(a, "2")
		h.clock.Advance(time.Hour)
		h.turn()
		h.wantSent(2)
		h.wantState(second, followup.Waiting, codes.CapReached)
		h.clock.Advance(23 * time.Hour)
		h.turn()
		h.wantSent(3) // a day after the second
	})
}
