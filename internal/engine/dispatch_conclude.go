package engine

import (
	"context"
	"slices"
	"time"

	"github.com/huiyin/huiyin/internal/channel"
	"github.com/huiyin/huiyin/internal/contact/attempt"
	"github.com/huiyin/huiyin/internal/followup"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/tally"
	"github.com/huiyin/huiyin/internal/program/program"
)

// concluded is what an outcome means: for the attempt (To empty: nothing new) and for its follow-up.
type concluded struct {
	change  attempt.Change
	move    followup.Move
	release bool // known not to have reached the customer: what it counted is given back
}

// Conclude keeps what came of sendings. If the fence was raised meanwhile (an
// answer, a refusal that ended the follow-up, another node after a lost lease), the
// follow-up is left as it is and only the attempt learns its outcome.
func (d *Dispatcher) Conclude(ctx context.Context, all []*Sending) error {
	if len(all) == 0 {
		return nil
	}
	return d.DB.Write(ctx, db.Outcome, "conclude", func(tx *db.Tx) error {
		now, err := tx.Now()
		if err != nil {
			return err
		}
		var changes []attempt.Change
		var moves []followup.Move
		var released []*Sending
		of := map[int64]int{} // the place of an attempt's move
		for i, s := range all {
			c := s.conclude(now)
			moves, of[s.Attempt.ID] = append(moves, c.move), i
			if c.change.To != "" {
				a := s.Attempt // Apply moves its state on; the transaction may run again
				c.change.Attempt = &a
				changes = append(changes, c.change)
			}
			if c.release {
				released = append(released, s)
			}
		}
		var counts tally.Batch
		// The follow-ups first: Record locks in that order too.
		held, err := followup.Moves(tx, &counts, now, moves)
		if err != nil {
			return err
		}
		stands, err := attempt.Apply(tx, &counts, changes)
		if err != nil {
			return err
		}
		for i := range changes {
			at := of[changes[i].Attempt.ID]
			if held[at] || !stands[i] || changes[i].To.Open() {
				continue
			}
			if err := tellLate(tx, &counts, moves[at], now); err != nil {
				return err
			}
		}
		if err := release(tx, known(released, changes, stands), now); err != nil {
			return err
		}
		return counts.Flush(tx)
	})
}

// known leaves of the sendings that reached nobody those of which that holds for the whole
// attempt: when another node took it over meanwhile, its send may have arrived.
func known(released []*Sending, changes []attempt.Change, stands []bool) []*Sending {
	stood := map[int64]bool{}
	for i := range changes {
		stood[changes[i].Attempt.ID] = stands[i]
	}
	return slices.DeleteFunc(released, func(s *Sending) bool { return !stood[s.Attempt.ID] })
}

// tellLate takes a follow-up on its way again that was set aside for want of this outcome:
// the database was away for longer than the lease, say, and another claim came first.
func tellLate(tx *db.Tx, counts *tally.Batch, m followup.Move, now time.Time) error {
	f, err := followup.One(tx, m.ID)
	if err != nil || f.State != followup.SetAside || f.Reason != codes.OutcomeUnknown {
		return err
	}
	return followup.Resume(tx, counts, f.ID, now, m.Step, m.Lane, m.DueAt)
}

// conclude says what an outcome means. It is pure.
func (s *Sending) conclude(now time.Time) concluded {
	live := s.live
	o := &s.Outcome
	c := concluded{move: followup.Move{
		ID: s.FollowUp.ID, Program: s.FollowUp.Program, Epoch: s.FollowUp.Epoch,
		State: followup.Waiting, Step: s.FollowUp.Step, Lane: s.FollowUp.Lane, DueAt: now,
		Raise: true, // the claim is over: concluding it twice, when a commit wasn't heard of, changes nothing
	}}
	c.change = attempt.Change{Reason: o.Reason, Detail: o.Detail, Ref: o.Ref, At: now}
	switch {
	case s.lookUp && o.Result == channel.Rejected && !s.settled:
		// The provider doesn't know it yet; it may still be chewing on the last send.
		c.change.To = ""
		c.move.State, c.move.DueAt = followup.Contacting, now.Add(askAgain)
	case o.Result == channel.OK:
		c.change.To = attempt.Accepted
		s.accepted(&c.move, live, now)
	case o.Result == channel.Rejected && (s.again || s.lookUp) && o.RetryAfter > 0:
		// "Not now" to a second send, or to a question, says nothing about the first.
		c.change.To = attempt.Unknown
		c.move.State, c.move.DueAt = followup.Contacting, now.Add(max(o.RetryAfter, askAgain))
	case o.Result == channel.Rejected:
		c.change.To, c.release = attempt.Rejected, true
		c.move.DueAt = now.Add(max(o.RetryAfter, notNow(s.rejected)))
		if s.lookUp { // it never got there, so the step may be tried again
			c.change.Reason = codes.ProviderUnreachable
		}
		if o.RetryAfter == 0 && !s.lookUp {
			s.onward(&c.move, live, now)
		}
	case o.Result == channel.Withheld && !s.again:
		c.change.To, c.change.Reason, c.release = attempt.Withheld, withheldReason(s, o), true
		c.move.DueAt = now
	case o.Result == channel.Withheld:
		// This send was stopped; the one before may have arrived.
		c.change.To = ""
		c.move.State, c.move.DueAt = followup.Contacting, now.Add(askAgain)
	default:
		c.change.To, c.change.Reason = attempt.Unknown, codes.OutcomeUnknown
		c.move.State, c.move.DueAt = followup.Contacting, now.Add(askAgain)
		if can := s.channel.Abilities(); can.Idempotency == 0 && !can.LookUp {
			c.move.DueAt = now // there is nothing to wait for; unless a receipt has come already it is set aside
		}
	}
	return c
}

// notNow is how long a step waits after a provider said "not now" once more.
func notNow(before int) time.Duration {
	if before > 10 {
		return notNowMost
	}
	return min(notNowFirst<<before, notNowMost)
}

// withheldReason is the reason the last look gave.
func withheldReason(s *Sending, o *channel.Outcome) codes.Reason {
	if o.Reason != "" {
		return o.Reason
	}
	return codes.LostLease
}

// accepted moves a follow-up on after the provider took the message.
func (s *Sending) accepted(m *followup.Move, live *program.Live, now time.Time) {
	step := &live.Steps[s.FollowUp.Step]
	wait := step.Wait
	last := s.FollowUp.Step == len(live.Steps)-1
	if wait == 0 && last && step.Questionnaire != nil {
		wait = answerWait
	}
	if s.Attempt.Try < step.Tries {
		m.DueAt = now.Add(max(wait, step.Gap))
		return
	}
	s.onward(m, live, now)
	m.DueAt = now.Add(wait)
}

// onward goes to the next step, or past the last: then the follow-up ends when it is next due.
func (s *Sending) onward(m *followup.Move, live *program.Live, now time.Time) {
	m.Step, m.DueAt = s.FollowUp.Step+1, now
	if m.Step < len(live.Steps) {
		m.Lane = live.Steps[m.Step].Channel
	}
}

// release gives back the allowance of attempts that are known not to have reached anyone.
func release(tx *db.Tx, all []*Sending, now time.Time) error {
	if len(all) == 0 {
		return nil
	}
	var keys []string
	for _, s := range all {
		keys = append(keys, attempt.CustomerKey(s.Attempt.Customer), attempt.PointKey(s.Attempt.AddressKey))
	}
	rows, err := attempt.LockAllowances(tx, keys)
	if err != nil {
		return err
	}
	for i, s := range all {
		rows.Release(s.Attempt.ID, keys[2*i], keys[2*i+1])
	}
	return rows.Save(tx, now)
}
