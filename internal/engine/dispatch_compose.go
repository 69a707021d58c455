package engine

import (
	"strconv"
	"sync"
	"time"

	"github.com/huiyin/huiyin/internal/channel"
	"github.com/huiyin/huiyin/internal/contact/attempt"
	"github.com/huiyin/huiyin/internal/followup"
	"github.com/huiyin/huiyin/internal/intake/event"
	"github.com/huiyin/huiyin/internal/program/condition"
	"github.com/huiyin/huiyin/internal/program/program"
	"github.com/huiyin/huiyin/internal/program/template"
)

// zoneCache keeps time zones that were loaded: loading one reads a file. It holds
// no more than there are zones, since only names that can be loaded are kept.
type zoneCache struct{ loaded sync.Map }

// named gives a zone, nil if there is none of the name.
func (z *zoneCache) named(name string) *time.Location {
	if l, ok := z.loaded.Load(name); ok {
		return l.(*time.Location)
	}
	l, err := time.LoadLocation(name)
	if err != nil {
		return nil
	}
	z.loaded.Store(name, l)
	return l
}

// compose finishes an attempt's content. It is durable as sent; the token in its
// link is computed from the follow-up, so a second send carries the same.
func (d *Dispatcher) compose(s *situation, p *plan, a *attempt.Attempt) error {
	t := templateOf(p.step)
	zone := time.UTC
	if len(s.customer.Zones) > 0 {
		if z := d.zones.named(s.customer.Zones[0]); z != nil {
			zone = z
		}
	}
	v := template.Vars{
		Channel: p.step.Channel, Languages: []string{s.customer.Language}, Zone: zone, Name: s.customer.Name,
		Facts: condition.Vars{Trigger: trigger(s.f), Customer: s.view}, Hotline: d.Hotline,
	}
	if p.step.Questionnaire != nil {
		v.Link = d.link(s.f, p.step)
	}
	v.Unsubscribe, v.Reference = d.unsubscribe(a), attempt.Reference(d.Keys, a.ID)
	v.Preferences = d.PublicURL + "/w/" + d.Links.Preferences(a.Customer, a.AddressKey, a.IntendedAt.Add(linkGrace))
	m, err := t.Render(v)
	if err != nil {
		return err
	}
	a.Language, a.Subject, a.Body, a.HTML = m.Language, m.Subject, m.Text, m.HTML
	return nil
}

// templateOf is what a step's message is made from.
func templateOf(step *program.Step) *template.Template {
	if step.Template == nil {
		return template.Invitation()
	}
	return step.Template
}

// link is where a step's questionnaire is answered: the same at every sending.
func (d *Dispatcher) link(f *followup.FollowUp, step *program.Step) string {
	return d.PublicURL + "/q/" + d.Links.Token(f.ID, step.QuestionnaireID)
}

func (d *Dispatcher) unsubscribe(a *attempt.Attempt) string {
	return d.PublicURL + "/u/" + d.Links.Refusal(a.Customer, a.Channel, a.AddressKey)
}

// message is an attempt as its channel takes it. All of it follows from what is durable, so
// that it is the same when it goes out again.
func (d *Dispatcher) message(s *situation, a *attempt.Attempt) channel.Message {
	m := channel.Message{
		Key: attempt.Key(d.Keys, a.ID), Attempt: a.ID, To: a.Address, Language: a.Language, Purpose: a.Purpose,
		Subject: a.Subject, Text: a.Body, HTML: a.HTML, Unsubscribe: d.unsubscribe(a),
		Reference: attempt.Reference(d.Keys, a.ID),
		Headers:   map[string]string{"X-Huiyin-Attempt": strconv.FormatInt(a.ID, 10)},
		Customer:  a.Customer, SealKey: a.KeyID, Program: s.live.Title.In(a.Language), Until: s.f.Deadline,
	}
	if a.Step >= len(s.live.Steps) {
		return m // an older version's; it is only asked about
	}
	step := &s.live.Steps[a.Step]
	m.Template = templateOf(step).Name()
	wait := step.Wait
	if step.Questionnaire != nil {
		m.Link, wait = d.link(s.f, step), max(wait, answerWait)
	}
	if until := a.IntendedAt.Add(wait); until.After(m.Until) {
		m.Until = until
	}
	return m
}

// trigger is the event a follow-up was started by, as its conditions and texts see it.
func trigger(f *followup.FollowUp) *event.Event {
	return &event.Event{Seq: f.TriggerSeq, Type: f.TriggerType, At: f.TriggerAt, Data: []byte(f.TriggerData)}
}
