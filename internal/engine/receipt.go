package engine

import (
	"context"
	"errors"
	"time"

	"github.com/huiyin/huiyin/internal/channel"
	"github.com/huiyin/huiyin/internal/contact/attempt"
	"github.com/huiyin/huiyin/internal/followup"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/errs"
	"github.com/huiyin/huiyin/internal/platform/tally"
	"github.com/huiyin/huiyin/internal/program/program"
)

const (
	earlyMost  = 2 * time.Minute // how young a receipt is that may have overtaken the answer
	earlyAgain = 5 * time.Second
)

// Receive keeps what a provider reports later, each receipt in its own
// transaction: one that names no attempt of ours costs the others nothing. It says
// how many moved an attempt forward. A receipt for a set-aside attempt answers the
// question it was set aside for.
func (d *Dispatcher) Receive(ctx context.Context, lane string, receipts []channel.Receipt) (moved int, err error) {
	set, err := d.Programs(ctx)
	if err != nil {
		return 0, err
	}
	var early error
	for i := range receipts {
		r := &receipts[i]
		stands := false
		err := d.DB.Write(ctx, db.Outcome, "receipt", func(tx *db.Tx) (err error) {
			stands, err = d.receive(tx, set, lane, r)
			return err
		})
		if errs.KindOf(err) == errs.NotFound && d.early(r) {
			early = errs.New(errs.Busy, codes.Busy, "a receipt names a message whose sending isn't written down yet; send the receipts again in a moment").After(earlyAgain)
			continue
		}
		if errs.KindOf(err) == errs.NotFound || errs.KindOf(err) == errs.Invalid {
			continue // not ours, or long gone: a provider that repeats it would never stop
		}
		if err != nil {
			return moved, err
		}
		if stands {
			moved++
		}
	}
	return moved, early
}

// early says whether a receipt that names no message we know may be of one that is being
// concluded: providers without keys know only their own name for it, and that comes to us
// with their answer.
func (d *Dispatcher) early(r *channel.Receipt) bool {
	age := d.Clock.Now().Sub(r.At)
	return r.Key == "" && r.Ref != "" && age.Abs() < earlyMost
}

func (d *Dispatcher) receive(tx *db.Tx, set *Programs, lane string, r *channel.Receipt) (bool, error) {
	a, err := d.find(tx, lane, r)
	if err != nil {
		return false, err
	}
	// The follow-up first, as everybody locks: else it could be set aside for this very
	// attempt while the receipt, which doesn't see that yet, is written.
	f, err := followup.Lock(tx, a.FollowUp)
	if err != nil {
		return false, err
	}
	if a, err = attempt.Lock(tx, a.ID); err != nil {
		return false, err
	}
	to := map[channel.Status]attempt.State{
		channel.Delivered: attempt.Delivered, channel.Seen: attempt.Seen, channel.Undelivered: attempt.Undelivered,
	}[r.Status]
	if to == "" || !attempt.MayFollow(a.State, to) {
		return false, nil
	}
	now, err := tx.Now()
	if err != nil {
		return false, err
	}
	var counts tally.Batch
	wasOpen := a.State.Open()
	stands, err := attempt.Apply(tx, &counts, []attempt.Change{{Attempt: &a, To: to, Reason: r.Reason, Ref: r.Ref, At: now}})
	if err != nil || !stands[0] {
		return false, err
	}
	if wasOpen {
		if err := d.settle(tx, &counts, set, &f, &a); err != nil {
			return false, err
		}
	}
	return true, counts.Flush(tx)
}

func (d *Dispatcher) find(tx *db.Tx, lane string, r *channel.Receipt) (attempt.Attempt, error) {
	if r.Key == "" {
		return attempt.ByRef(tx, lane, r.Ref)
	}
	id, err := attempt.ParseKey(d.Keys, r.Key)
	if err != nil {
		return attempt.Attempt{}, err
	}
	return attempt.One(tx, id)
}

// settle takes a follow-up that was set aside for an attempt on its way again, now
// that the attempt's outcome is known. One that waits or is contacting finds the
// attempt closed when it is next due.
func (d *Dispatcher) settle(tx *db.Tx, counts *tally.Batch, set *Programs, f *followup.FollowUp, a *attempt.Attempt) error {
	if f.State != followup.SetAside || f.Reason != codes.OutcomeUnknown {
		return nil
	}
	live, _, err := set.Version(tx, f.Version)
	if errors.Is(err, program.ErrBroken) {
		return nil // it stays with the person it was set aside for; what became of the attempt is kept
	}
	if err != nil {
		return err
	}
	now, err := tx.Now()
	if err != nil {
		return err
	}
	s := Sending{FollowUp: *f, Attempt: *a, Outcome: channel.Outcome{Result: channel.OK}}
	var m followup.Move
	m.Step, m.Lane = f.Step, f.Lane
	if a.State.Reached() {
		s.accepted(&m, live, now)
	} else {
		s.onward(&m, live, now)
	}
	return followup.Resume(tx, counts, f.ID, now, m.Step, m.Lane, m.DueAt)
}

// Verdict is what a person found out about a set-aside follow-up.
type Verdict string

// The verdicts.
const (
	Arrived    Verdict = "arrived"     // the contact reached the customer: go on to the next step
	NotArrived Verdict = "not-arrived" // it didn't: the step may be tried again
	EndIt      Verdict = "end"         // neither: end the follow-up
)

// EndAside carries out what a person found out. It says so in the follow-up's decisions through the audit trail of the caller.
func (d *Dispatcher) EndAside(tx *db.Tx, set *Programs, id int64, v Verdict) error {
	f, err := followup.Lock(tx, id)
	if err != nil {
		return err
	}
	if f.State != followup.SetAside {
		return errs.New(errs.Conflict, "follow-up-not-set-aside", "%s is not set aside; somebody has ended it already", f.String())
	}
	now, err := tx.Now()
	if err != nil {
		return err
	}
	var counts tally.Batch
	switch v {
	case EndIt:
		_, err = followup.End(tx, &counts, id, now, followup.Cancelled, codes.EndedByPerson)
	case Arrived, NotArrived:
		err = d.resumeAside(tx, &counts, set, &f, v)
	default:
		return errs.New(errs.Invalid, "verdict-unknown", "%q is no verdict; say arrived, not-arrived or end", v)
	}
	if err != nil {
		return err
	}
	return counts.Flush(tx)
}

func (d *Dispatcher) resumeAside(tx *db.Tx, counts *tally.Batch, set *Programs, f *followup.FollowUp, v Verdict) error {
	now, err := tx.Now()
	if err != nil {
		return err
	}
	attempts, err := attempt.OfFollowUps(tx, []int64{f.ID})
	if err != nil {
		return err
	}
	to, reason := attempt.Accepted, codes.EndedByPerson
	if v == NotArrived {
		to = attempt.Rejected
	}
	resumed := false
	for _, a := range attempts[f.ID] {
		if !a.State.Open() {
			continue
		}
		stands, err := attempt.Apply(tx, counts, []attempt.Change{{Attempt: &a, To: to, Reason: reason, At: now}})
		if err != nil {
			return err
		}
		if !stands[0] {
			return errs.New(errs.Conflict, "follow-up-not-set-aside", "what became of %s was just found out; look at it again", f.String())
		}
		if v == NotArrived {
			if err := release(tx, []*Sending{{Attempt: a}}, now); err != nil {
				return err
			}
		} else if err := d.settle(tx, counts, set, f, &a); err != nil {
			return err
		}
		resumed = v == Arrived
	}
	if resumed {
		return nil
	}
	return followup.Resume(tx, counts, f.ID, now, f.Step, f.Lane, now)
}
