package followup

import (
	"strconv"
	"time"

	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/outbox"
)

// tellStart is what the wallet is told of a new follow-up: nothing of one held out, whom
// nobody is to treat differently, and an end too if it has one already.
func tellStart(f *FollowUp) []outbox.Notice {
	if f.HeldOut {
		return nil
	}
	told := []outbox.Notice{{
		Kind: outbox.FollowUpStarted, Customer: f.Customer, FollowUp: f.ID, Program: f.Program, At: f.CreatedAt,
		Data: map[string]any{"follow_up": strconv.FormatInt(f.ID, 10), "trigger": f.TriggerType, "deadline": f.Deadline},
	}}
	if f.State.Final() {
		told = append(told, tellEnd(f.ID, f.Program, f.EndedAt, f.State, f.Reason))
	}
	return told
}

// tellEnd is what the wallet is told of an end.
func tellEnd(id, program int64, at time.Time, s State, reason codes.Reason) outbox.Notice {
	return outbox.Notice{
		Kind: outbox.FollowUpEnded, FollowUp: id, Program: program, At: at,
		Data: map[string]any{"follow_up": strconv.FormatInt(id, 10), "state": string(s), "reason": string(reason)},
	}
}
