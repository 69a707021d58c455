package engine

import (
	"github.com/huiyin/huiyin/internal/followup"
	"github.com/huiyin/huiyin/internal/intake/event"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/program/condition"
	"github.com/huiyin/huiyin/internal/program/program"
)

// seen is one event with its data read, and the customer as conditions see them.
type seen struct {
	*event.Event
	data   *condition.Data // nil if it can't be read: conditions then fail and say so
	person *person
	view   *view
}

// take does in memory what follows from one event.
func (b *batch) take(e *event.Event) {
	s := &seen{Event: e, person: b.people[e.Subject]}
	s.person.facts.Observe(e.Type, e.Seq, e.At, b.types.Amounts(e))
	if !b.matters(e.Type) {
		return
	}
	if data, err := condition.Read(e); err == nil {
		s.data = data
	}
	s.view = b.viewOf(s.person, e)
	b.hear(s)
	b.cancel(s)
	for _, w := range b.programs.byTrigger[e.Type] {
		b.trigger(s, w)
	}
}

// matters says whether an event of a type does anything but add to the facts.
func (b *batch) matters(eventType string) bool {
	return b.programs.cancels[eventType] || len(b.programs.byTrigger[eventType]) > 0 || isWish(eventType)
}

// cancel ends the customer's open follow-ups that the event makes unnecessary. Each
// goes by the version it was started under, and by event times: what happened
// before the trigger settles nothing.
func (b *batch) cancel(s *seen) {
	if !b.programs.cancels[s.Type] {
		return
	}
	still := s.person.open[:0:0]
	for _, o := range s.person.open {
		if !b.cancelledBy(s, o) {
			still = append(still, o)
			continue
		}
		if o.fresh { // not yet written: it is born ended
			o.State, o.Reason, o.EndedAt = followup.Cancelled, codes.CancelledByEvent, b.now
		} else {
			b.ended = append(b.ended, o)
		}
	}
	s.person.open = still
}

func (b *batch) cancelledBy(s *seen, o *open) bool {
	if s.At.Before(o.TriggerAt) || s.Seq == o.TriggerSeq {
		return false
	}
	for _, c := range o.version.Trigger.CancelOn {
		if c.Event != s.Type {
			continue
		}
		trigger, data := o.rebuilt(s.Subject)
		if b.settles(c, s.Event, s.data, trigger, data, s.view) {
			return true
		}
	}
	return false
}

// settles judges a cancelling event against a trigger. A condition that can't be
// judged settles nothing: the customer is rather followed up than forgotten.
func (b *batch) settles(c program.CancelOn, e *event.Event, data *condition.Data, trigger *event.Event, triggerData *condition.Data, v *view) (settled bool) {
	defer func() {
		if p := recover(); p != nil {
			b.odd("cancelling by %s panicked over event %d: %v", c.Event, e.Seq, p)
			settled = false
		}
	}()
	held, err := c.When.Match(condition.Vars{
		Event: e, EventData: data, Trigger: trigger, TriggerData: triggerData, Customer: v.anew(),
	})
	return err == nil && v.err == nil && held
}

// rebuilt is the trigger of a follow-up as far as the follow-up holds it.
func (o *open) rebuilt(subject string) (*event.Event, *condition.Data) {
	if o.trigger == nil {
		o.trigger = &event.Event{
			Seq: o.TriggerSeq, Type: o.TriggerType, Subject: subject, At: o.TriggerAt, Data: []byte(o.TriggerData),
		}
		if data, err := condition.Read(o.trigger); err == nil {
			o.triggerData = data
		}
	}
	return o.trigger, o.triggerData
}
