package engine

import (
	"context"
	"time"

	"github.com/huiyin/huiyin/internal/channel"
	"github.com/huiyin/huiyin/internal/decide/policy"
	"github.com/huiyin/huiyin/internal/followup"
	"github.com/huiyin/huiyin/internal/people/consent"
	"github.com/huiyin/huiyin/internal/people/customer"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/errs"
	"github.com/huiyin/huiyin/internal/program/program"
)

// lookFacts is what the last look judges again, with refusals and consents read anew.
type lookFacts struct {
	policy policy.Facts
	rules  *policy.Rules
}

// baseFacts are the facts about a person that no step changes.
func baseFacts(c *customer.Customer, st consent.Standing) policy.Facts {
	return policy.Facts{
		Zones: c.Zones, Country: c.Country, Own: st.OwnHours(c.Own), Refusals: st.Refusals, Consents: st.Consents,
	}
}

// Send carries one sending out: the last look, then the wire. It changes nothing
// in the database; Conclude does.
func (d *Dispatcher) Send(ctx context.Context, s *Sending) {
	if s.lookUp {
		s.Outcome = channel.Outcome{Result: channel.Unknown}
		if l, ok := s.channel.(channel.LookUper); ok {
			s.Outcome = l.LookUp(ctx, s.Message.Key, s.Attempt.Ref)
		}
		return
	}
	s.Outcome = s.channel.Send(ctx, s.Message, func(ctx context.Context) error { return d.lastLook(ctx, s) })
}

// lastLook says whether a sending may still leave. A look made for the whole batch
// will do while it is fresh.
func (d *Dispatcher) lastLook(ctx context.Context, s *Sending) error {
	if s.lookedAt.IsZero() || d.Clock.Now().Sub(s.lookedAt) > lookFresh {
		if err := d.lookAgain(ctx, s); err != nil {
			return err
		}
	}
	if left := s.lease - d.Clock.Now().Sub(s.recorded); left < s.channel.Abilities().SendTimeout {
		return errs.New(errs.Conflict, string(codes.LostLease), "the lease on %s has %s left, less than a send may take", s.FollowUp.String(), left.Round(time.Millisecond))
	}
	return s.lookErr
}

func (d *Dispatcher) lookAgain(ctx context.Context, s *Sending) error {
	if s.looks != nil {
		return s.looks.join(ctx, s)
	}
	return d.Look(ctx, []*Sending{s})
}

// Look makes the last look for sendings in one snapshot: the fence, the program,
// refusals and consents, and the rules at this moment by the database's clock.
func (d *Dispatcher) Look(ctx context.Context, all []*Sending) error {
	if len(all) == 0 {
		return nil
	}
	followUps, customers := make([]int64, len(all)), make([]int64, len(all))
	for i, s := range all {
		followUps[i], customers[i] = s.FollowUp.ID, s.FollowUp.Customer
	}
	// Stamped before the snapshot is taken: what is committed later is at most lookFresh old at the wire.
	lookedAt := d.Clock.Now()
	fences, people := make(map[int64]followup.Fence, len(all)), make(map[int64]*customer.Customer, len(all))
	standing := make(map[int64]consent.Standing, len(all))
	return d.DB.Read(ctx, func(tx *db.Tx) error {
		now, err := tx.Now()
		if err != nil {
			return err
		}
		questions := append(consent.Questions(customers, standing), followup.Fences(followUps, fences),
			customer.Rows(customers, people), customer.Points(customers, people))
		if err := tx.Ask(questions...); err != nil {
			return err
		}
		for _, s := range all {
			s.lookedAt = lookedAt
			s.lookErr = s.mayLeave(fences[s.FollowUp.ID], people[s.FollowUp.Customer], standing[s.FollowUp.Customer], now)
		}
		return nil
	})
}

// mayLeave judges one sending by what the last look found.
func (s *Sending) mayLeave(f followup.Fence, c *customer.Customer, st consent.Standing, now time.Time) error {
	no := func(reason codes.Reason) error {
		return errs.New(errs.Conflict, string(reason), "%s", reason.Sentence("en"))
	}
	switch {
	case f.Epoch != s.FollowUp.Epoch || f.State != followup.Contacting || now.After(f.LeaseUntil):
		return no(codes.LostLease)
	case f.Program == program.Paused:
		return no(codes.ProgramPaused)
	case f.Program != program.Running:
		return no(codes.ProgramStopped)
	case s.FollowUp.HeldOut && s.Attempt.Purpose != policy.Notice:
		return no(codes.HeldOut)
	case s.again && now.After(s.keyUntil):
		return no(codes.OutcomeUnknown)
	case c == nil || c.Damaged != nil:
		return no(codes.CustomerUnknown)
	case !c.HasPoint(s.Attempt.Channel, s.Attempt.AddressKey): // it may be somebody else's by now
		return no(codes.NoContactPoint)
	}
	// The customer may have moved since the attempt was recorded.
	facts := s.facts.policy
	facts.Zones, facts.Country, facts.Own = c.Zones, c.Country, st.OwnHours(c.Own)
	facts.Refusals, facts.Consents = st.Refusals, st.Consents
	if dec := s.facts.rules.Decide(&facts, now); dec.Verdict != policy.Allow {
		return no(dec.Reason)
	}
	return nil
}
