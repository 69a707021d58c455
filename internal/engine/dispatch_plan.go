package engine

import (
	"slices"
	"time"

	"github.com/huiyin/huiyin/internal/channel"
	"github.com/huiyin/huiyin/internal/contact/attempt"
	"github.com/huiyin/huiyin/internal/decide/policy"
	"github.com/huiyin/huiyin/internal/followup"
	"github.com/huiyin/huiyin/internal/people/customer"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/program/condition"
	"github.com/huiyin/huiyin/internal/program/program"
)

// deed is what is to be done about a due follow-up.
type deed uint8

const (
	move   deed = iota // change it as Plan.Move says: put off, on to another lane, or ended
	send               // a new attempt
	resend             // the open attempt once more, under its key
	lookUp             // ask the provider what became of the open attempt
)

// situation is all that is known of a due follow-up when it is planned.
type situation struct {
	f        *followup.FollowUp
	live     *program.Live
	state    string // of the program: running, paused, stopped
	customer *customer.Customer
	view     condition.CustomerView
	facts    policy.Facts // without Channel, Purpose and the rest of the step
	attempts []attempt.Attempt
	counted  func(p customer.Point) (person, address []policy.Counted)
	channel  func(name string) (channel.Channel, bool)
	full     func(step *program.Step) bool // enough have answered what it asks; nil: never
	rules    *policy.Rules
	now      time.Time
}

// plan is what becomes of one due follow-up: decisions on the steps looked at, and the
// deed. An allowed step leaves no decision: the attempt says it.
type plan struct {
	deed      deed
	move      followup.Move
	decisions []followup.Decision
	step      *program.Step
	point     customer.Point
	facts     policy.Facts
	open      *attempt.Attempt // resend and lookUp
}

// decide plans a follow-up. It is a pure function of the situation.
func (s *situation) decide() plan {
	p := plan{move: followup.Move{ID: s.f.ID, Program: s.f.Program, Epoch: s.f.Epoch, Step: s.f.Step, Lane: s.f.Lane}}
	if open := s.openAttempt(); open != nil {
		s.recover(&p, open)
		return p
	}
	if s.resting(&p) {
		return p
	}
	switch s.state {
	case program.Paused:
		s.putOff(&p, s.f.Step, codes.ProgramPaused, "", s.heldUntil())
		return p
	case program.Stopped:
		s.end(&p, followup.Cancelled, codes.ProgramStopped)
		return p
	}
	s.walk(&p)
	return p
}

// resting says whether what was sent is still to be waited for: a receipt told that it
// arrived before whoever sent it came to conclude.
func (s *situation) resting(p *plan) bool {
	if s.f.State != followup.Contacting || len(s.attempts) == 0 {
		return false
	}
	last := s.attempts[len(s.attempts)-1]
	if last.Step != s.f.Step || !last.State.Reached() {
		return false
	}
	sent := Sending{FollowUp: *s.f, Attempt: last}
	sent.accepted(&p.move, s.live, last.ReachedAt())
	if !p.move.DueAt.After(s.now) {
		p.move.Step, p.move.Lane = s.f.Step, s.f.Lane
		return false
	}
	p.deed, p.move.State = move, followup.Waiting
	return true
}

// heldUntil is when a follow-up that is held looks for itself, if nobody wakes it before.
func (s *situation) heldUntil() time.Time {
	until := s.now.Add(min(max(s.now.Sub(s.f.CreatedAt), heldRecheck), heldRecheckMost))
	if s.now.Before(s.f.Deadline) && s.f.Deadline.Before(until) {
		return s.f.Deadline
	}
	return until
}

func (s *situation) openAttempt() *attempt.Attempt {
	for i := range s.attempts {
		if s.attempts[i].State.Open() {
			return &s.attempts[i]
		}
	}
	return nil
}

// walk looks at the steps in order until one can be taken, must wait, or none is left.
func (s *situation) walk(p *plan) {
	var denied codes.Reason
	for i := s.f.Step; i < len(s.live.Steps); i++ {
		step := &s.live.Steps[i]
		if reason, over := s.passOver(step); over {
			s.note(p, i, followup.Pass, reason, "", time.Time{})
			if denied == "" {
				denied = reason
			}
			continue
		}
		if s.tried(i) >= max(1, step.Tries) || s.rejections(i) >= rejectionsMax {
			continue
		}
		if step.Channel != s.f.Lane { // another lane's work, so that its bound on what is in flight holds
			p.move.State, p.move.Step, p.move.Lane, p.move.DueAt = followup.Waiting, i, step.Channel, s.now
			return
		}
		d, point := s.judge(step, p)
		switch d.Verdict {
		case policy.Allow:
			p.deed, p.step, p.point, p.move.Step = send, step, point, i
			return
		case policy.Defer:
			s.putOff(p, i, d.Reason, d.Rule, d.Until)
			return
		}
		s.note(p, i, followup.Deny, d.Reason, d.Rule, time.Time{})
		if denied == "" || d.Reason != codes.NoContactPoint {
			denied = d.Reason
		}
	}
	s.finish(p, denied)
}

// passOver says whether a step is passed over: not for this customer, or not needed any more.
func (s *situation) passOver(step *program.Step) (codes.Reason, bool) {
	if s.f.HeldOut && (step.Purpose != policy.Notice || step.Questionnaire != nil) { // they are told, and asked nothing
		return codes.HeldOut, true
	}
	if s.fulfilled(step.Purpose) {
		return codes.PurposeFulfilled, true
	}
	if step.Purpose != policy.Notice && s.full != nil && s.full(step) { // what must be told is told, even if it asks as well
		return codes.QuotaReached, true
	}
	if step.When == nil {
		return "", false
	}
	holds, err := step.When.Match(condition.Vars{Trigger: trigger(s.f), Customer: s.view})
	if err != nil || !holds { // a condition that can't be worked out for this customer doesn't hold
		return codes.ConditionFalse, true
	}
	return "", false
}

// fulfilled says whether a notice has arrived: seen in the app, delivered as a
// message. Where a channel tells no more than that it took the message, that must do.
// Other purposes are fulfilled by an answer, which ends the follow-up.
func (s *situation) fulfilled(purpose string) bool {
	if purpose != policy.Notice {
		return false
	}
	for i := range s.attempts {
		a := &s.attempts[i]
		if a.Purpose != purpose || !a.State.Reached() {
			continue
		}
		if a.State == attempt.Seen || (a.State == attempt.Delivered && a.Channel != "inapp") {
			return true
		}
		if c, ok := s.channel(a.Channel); ok && a.Channel != "inapp" && !c.Abilities().Receipts {
			return true
		}
	}
	return false
}

// tried is how often a step's message was taken.
func (s *situation) tried(step int) int {
	n := 0
	for i := range s.attempts {
		if a := &s.attempts[i]; a.Step == step && (a.State.Reached() || a.State == attempt.Undelivered) {
			n++
		}
	}
	return n
}

// rejections is how often a step was rejected for the time being. A rejection for good
// moves the follow-up past the step at once.
func (s *situation) rejections(step int) int {
	n := 0
	for i := range s.attempts {
		if a := &s.attempts[i]; a.Step == step && a.State == attempt.Rejected {
			n++
		}
	}
	return n
}

// judge asks the policy about one step, after the questions only the engine can answer.
func (s *situation) judge(step *program.Step, p *plan) (policy.Decision, customer.Point) {
	c, ok := s.channel(step.Channel)
	if !ok {
		return policy.Decision{Verdict: policy.Deny, Reason: codes.ChannelNotConnected}, customer.Point{}
	}
	if approver, ok := c.(channel.Approver); ok {
		t := templateOf(step)
		if reason := approver.Approval(t.Name(), t.LanguageFor(s.customer.Language)); reason != "" {
			return policy.Decision{Verdict: policy.Deny, Reason: reason}, customer.Point{}
		}
	}
	point, ok := s.customer.Point(step.Channel)
	if !ok {
		if !s.customer.Known && s.now.Before(s.f.Deadline) {
			return policy.Decision{Verdict: policy.Defer, Reason: codes.CustomerUnknown, Until: s.heldUntil()}, point
		}
		return policy.Decision{Verdict: policy.Deny, Reason: codes.NoContactPoint}, point
	}
	p.facts = s.facts
	p.facts.Channel, p.facts.Purpose = step.Channel, step.Purpose
	p.facts.Prefer, p.facts.Ring = step.Prefer, step.Ring
	p.facts.FollowUp, p.facts.Deadline = s.f.ID, s.f.Deadline
	person, address := s.counted(point)
	p.facts.Counted = person
	d := s.rules.Decide(&p.facts, s.now)
	if d.Verdict == policy.Allow && !within(address, person) {
		// The caps hold for the address too: others may share it, and a follow-up reaches
		// it later than it first reached its customer elsewhere.
		p.facts.Counted = address
		d = s.rules.Decide(&p.facts, s.now)
	}
	return d, point
}

// within says whether all that counts at an address counts for the person in the same way.
func within(address, person []policy.Counted) bool {
	for i := range address {
		if !slices.ContainsFunc(person, func(c policy.Counted) bool {
			return c == address[i]
		}) {
			return false
		}
	}
	return true
}

// note keeps a decision, unless it repeats what the follow-up already waits for.
func (s *situation) note(p *plan, step int, v followup.Verdict, reason codes.Reason, rule string, until time.Time) {
	if v == followup.Defer && reason == s.f.Reason {
		return
	}
	p.decisions = append(p.decisions, followup.Decision{
		FollowUp: s.f.ID, Step: step, At: s.now, Verdict: v, Reason: reason, Rule: rule, Until: until,
	})
}

func (s *situation) putOff(p *plan, step int, reason codes.Reason, rule string, until time.Time) {
	s.note(p, step, followup.Defer, reason, rule, until)
	p.deed = move
	p.move.State, p.move.Reason, p.move.Step, p.move.DueAt = followup.Waiting, reason, step, until
}

func (s *situation) end(p *plan, state followup.State, reason codes.Reason) {
	p.deed = move
	p.move.State, p.move.Reason = state, reason
}

// finish gives the final state of a follow-up that has no step left.
func (s *situation) finish(p *plan, denied codes.Reason) {
	p.move.Step = len(s.live.Steps)
	reached, asked := 0, false
	for i := range s.attempts {
		if a := &s.attempts[i]; a.State.Reached() {
			reached++
			asked = asked || (a.Step < len(s.live.Steps) && s.live.Steps[a.Step].Questionnaire != nil)
		}
	}
	switch {
	case s.f.HeldOut:
		s.end(p, followup.HeldOut, codes.HeldOut)
	case reached > 0 && refusal(denied):
		s.end(p, followup.Declined, denied)
	case asked:
		s.end(p, followup.Unanswered, codes.Unanswered)
	case reached > 0:
		s.end(p, followup.Told, codes.Told)
	case len(s.attempts) > 0:
		s.end(p, followup.Unreachable, codes.Unreachable)
	case denied == codes.DeadlinePassed:
		s.end(p, followup.Expired, denied)
	case denied == "":
		s.end(p, followup.Expired, codes.DeadlinePassed)
	default:
		s.end(p, followup.Suppressed, denied)
	}
}

func refusal(r codes.Reason) bool {
	return r == codes.Refused || r == codes.RefusedChannel || r == codes.RefusedPurpose
}

// recover plans a follow-up whose last attempt has no known outcome: its node died
// or lost its lease, or the provider never answered. It goes out again only under
// the same key while the provider honours it, and only if it may go out at all;
// else the provider is asked; else a person must find out. The key comes first: a
// provider that hangs and accepts later makes a look-up lie, and a key not.
func (s *situation) recover(p *plan, open *attempt.Attempt) {
	p.open, p.move.Step = open, open.Step
	c, connected := s.channel(open.Channel)
	if !connected || open.Step >= len(s.live.Steps) {
		s.aside(p)
		return
	}
	can := c.Abilities()
	if s.customer.HasPoint(open.Channel, open.AddressKey) && can.Idempotency > 0 && s.now.Add(can.SendTimeout+keyMargin).Before(open.IntendedAt.Add(can.Idempotency)) && s.state == program.Running {
		p.step = &s.live.Steps[open.Step]
		facts := s.facts
		facts.Channel, facts.Purpose, facts.Ring = open.Channel, open.Purpose, p.step.Ring
		facts.FollowUp, facts.Deadline = s.f.ID, s.f.Deadline
		switch d := s.rules.Decide(&facts, s.now); {
		case d.Verdict == policy.Allow:
			p.deed, p.facts = resend, facts
			return
		case d.Verdict == policy.Defer && d.Until.Add(can.SendTimeout+keyMargin).Before(open.IntendedAt.Add(can.Idempotency)):
			p.deed = move
			p.move.State, p.move.Reason, p.move.DueAt = followup.Contacting, d.Reason, d.Until
			return
		}
	}
	if can.LookUp && s.now.Sub(open.IntendedAt) < lookUpMax {
		p.deed = lookUp
		return
	}
	s.aside(p)
}

func (s *situation) aside(p *plan) {
	p.deed = move
	p.move.State, p.move.Reason, p.move.DueAt = followup.SetAside, codes.OutcomeUnknown, s.now
	p.move.Raise = true // whoever slept over its lease may no longer move it
}
