package engine

import (
	"errors"

	"github.com/huiyin/huiyin/internal/followup"
	"github.com/huiyin/huiyin/internal/measure/study"
	"github.com/huiyin/huiyin/internal/people/customer"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/db"
)

// save writes what the batch came to. The order matters for a customer's program: an
// open follow-up first takes in its triggers, then ends, then the next may begin.
func (b *batch) save() error {
	facts := make(map[int64]*customer.Facts, len(b.people))
	for _, p := range b.people {
		facts[p.customer.ID] = p.facts
	}
	if err := customer.SaveFacts(b.tx, facts); err != nil {
		return err
	}
	if err := b.lock(); err != nil {
		return err
	}
	if err := b.saveWishes(); err != nil {
		return err
	}
	if err := b.saveMerged(); err != nil {
		return err
	}
	for _, o := range b.ended {
		// One that ended meanwhile of itself needs no cancelling.
		if _, err := followup.End(b.tx, &b.counts, o.ID, b.now, followup.Cancelled, codes.CancelledByEvent); err != nil {
			return err
		}
	}
	if err := b.saveStarted(); err != nil {
		return err
	}
	if err := followup.Notes(b.tx, b.notes); err != nil {
		return err
	}
	if err := study.Enroll(b.tx, b.members); err != nil {
		return err
	}
	if err := study.Observe(b.tx, b.hits); err != nil {
		return err
	}
	return b.counts.Flush(b.tx)
}

// lock holds the follow-ups that change, before the customers who wish something: that is
// the order in which contacts are recorded too.
func (b *batch) lock() error {
	var ids idSet
	for _, o := range b.merged {
		ids.add(o.ID)
	}
	for _, o := range b.ended {
		ids.add(o.ID)
	}
	if len(ids) < 2 && len(b.wishes) == 0 {
		return nil // one alone has no order
	}
	return followup.LockAll(b.tx, ids.sorted())
}

func (b *batch) saveMerged() error {
	for _, o := range b.merged {
		id, err := followup.Merge(b.tx, o.Program, o.Customer, o.Reentry)
		if errors.Is(err, db.ErrNoRows) || err == nil && id != o.ID {
			return errOvertaken // it ended meanwhile: the trigger is to start another
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (b *batch) saveStarted() error {
	fs := make([]followup.FollowUp, len(b.started))
	for i, o := range b.started {
		fs[i] = o.FollowUp
	}
	stand, err := followup.Start(b.tx, &b.counts, fs)
	if err != nil {
		return err
	}
	for _, ok := range stand {
		if !ok {
			return errOvertaken // somebody else began one meanwhile: the trigger is to merge into it
		}
	}
	return nil
}
