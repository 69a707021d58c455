package trial

import (
	"fmt"
	"strings"
	"time"

	"github.com/huiyin/huiyin/internal/trial/oracle"
)

// The channels of the trial: each can do something else about an unknown outcome.
const (
	keyed   = "sms"     // the provider honours keys for two hours, and sends receipts
	asked   = "email"   // it can be asked what became of a message
	mute    = "webhook" // neither: a person must find out
	capable = "im"      // both, with a window of keys of ten minutes, and receipts
)

var lanes = []string{keyed, asked, mute, capable}

// spec is a program of the trial. The document the engine reads and what the oracle
// knows are both made from it, but neither from the other.
type spec struct {
	name     string
	on       string // event type
	matter   string // the field that names what it is about
	trigger  string // the rest of the trigger
	delay    time.Duration
	rest     string // reentry, deadline, audience, measure
	steps    []stepSpec
	holdOut  float64
	sample   float64
	cancels  string // event type that settles the matter
	fussy    bool   // only matters of 50.00 and more
	assigned bool   // some customers' arms were drawn elsewhere
	lasting  bool   // never stopped, so that all its accounts can be foreseen
}

type stepSpec struct {
	channel, purpose string
	asks             bool // with the questionnaire
	tries            int
	more             string
}

// wait stands for what a republished program changes.
const wait = "$WAIT"

var specs = []*spec{
	{
		name: "failed-payment", on: "wallet.payment.failed", matter: "order_id", delay: 5 * time.Minute, cancels: "wallet.payment.succeeded", fussy: true, holdOut: 0.2,
		trigger: `, when: event.data.amount_minor >= 5000, delay: 5m, cancel_on: [{event: wallet.payment.succeeded, when: event.data.order_id == trigger.data.order_id}]`,
		rest:    "reentry: {key: trigger.data.order_id}\ndeadline: 48h\naudience: {hold_out: 0.2}\npriority: 80\n",
		steps: []stepSpec{
			{keyed, "notice", false, 1, "wait: 30m"},
			{asked, "notice", false, 1, "wait: 2h"},
			{capable, "service", false, 1, `when: customer.has("app"), wait: 1h`},
			{asked, "survey", true, 1, "wait: " + wait},
		},
	},
	{
		name: "ticket-survey", on: "wallet.ticket.solved", matter: "ticket_id", delay: time.Hour, holdOut: 0.1,
		trigger: `, delay: 1h`,
		rest:    "deadline: 5d\naudience: {hold_out: 0.1}\n",
		steps: []stepSpec{
			{keyed, "survey", true, 2, "gap: 20h, wait: " + wait},
			{asked, "survey", true, 1, "wait: 24h"},
		},
	},
	{
		name: "topup-care", on: "wallet.topup.failed", matter: "order_id",
		trigger: `, cancel_on: [{event: wallet.topup.succeeded, when: event.data.order_id == trigger.data.order_id}]`,
		rest:    "reentry: {key: trigger.data.order_id}\ndeadline: 3d\n", cancels: "wallet.topup.succeeded",
		steps: []stepSpec{
			{mute, "service", false, 1, "wait: 4h"},
			{mute, "survey", true, 1, "wait: " + wait},
			{capable, "survey", true, 1, "wait: 6h"},
		},
	},
	{
		name: "withdrawal-soon", on: "wallet.withdrawal.failed", matter: "order_id", holdOut: 0.5,
		rest:  "deadline: 6h\naudience: {hold_out: 0.5}\n", // shorter than any night
		steps: []stepSpec{{asked, "notice", false, 1, "wait: 20m"}, {keyed, "service", false, 1, "wait: " + wait}},
	},
	{
		name: "lottery", on: "wallet.refund.done", matter: "refund_id", holdOut: 0.3, assigned: true, sample: 0.7, lasting: true,
		rest:  "deadline: 4d\naudience: {segment: app-users, sample: 0.7, hold_out: 0.3}\nmeasure: {event: wallet.payment.succeeded, within: 7d}\n",
		steps: []stepSpec{{capable, "service", false, 1, "wait: 1h"}, {mute, "notice", false, 1, "wait: " + wait}},
	},
	{
		name: "call-notices", on: "wallet.support.call-ended", matter: "call_id", holdOut: 0.4, lasting: true,
		rest:  "reentry: {key: trigger.data.call_id}\ndeadline: 30h\naudience: {hold_out: 0.4}\n",
		steps: []stepSpec{{capable, "notice", false, 1, "wait: " + wait}},
	},
	{
		name: "locked-account", on: "wallet.account.locked", matter: "reason", // no cap holds for safety
		rest:  "reentry: {key: trigger.data.reason}\ndeadline: 4d\npriority: 90\n",
		steps: []stepSpec{{keyed, "safety", true, 1, "wait: 10m"}, {asked, "safety", true, 2, "gap: 3h, wait: 1h"}, {mute, "safety", true, 1, "wait: " + wait}},
	},
}

// house is what holds for all programs. The oracle has the same written down by itself.
const house = `
kind: CapPolicy
name: default
purposes:
  notice: [{n: 3, per: 24h}]
  service: [{n: 2, per: 7d}]
  survey: [{n: 1, per: 9d}]
---
kind: RulePack
name: strict
country: other
version: "1"
rules:
  - {id: messages, basis: house, channels: [sms, email, im, webhook], days: [mon, tue, wed, thu, fri], hours: ["10:00-19:00"]}
---
kind: RulePack
name: au
country: AU
version: "1"
rules:
  - {id: messages, basis: law, source: a law made up for the trial, as_of: "2026-01-01", channels: [sms, email, im, webhook], days: all, hours: ["09:00-20:00"]}
---
kind: RulePack
name: np
country: NP
version: "1"
rules:
  - {id: messages, basis: house, channels: [sms, email, im, webhook], days: [sun, mon, tue, wed, thu, fri], hours: ["10:00-12:00", "14:00-19:00"]}
---
kind: Segment
name: app-users
title: {en: Has the app}
when: customer.has("app")
---
kind: Questionnaire
name: short
languages: [en]
questions:
  - {id: satisfaction, type: rating, scale: 5, score: true, required: true, ask: {en: "How satisfied are you?"}, labels: {en: [Not at all, Not much, So so, Much, Very much]}}
  - {id: better, type: text, ask: {en: "What could have been better?"}, show_if: satisfaction <= 3}
`

var houseCaps = []oracle.Cap{
	{Purpose: "notice", N: 3, Per: 24 * time.Hour},
	{Purpose: "service", N: 2, Per: 7 * 24 * time.Hour},
	{Purpose: "survey", N: 1, Per: 9 * 24 * time.Hour},
}

// document writes a program with its templates. Each text carries a tag that says what it belongs to.
func (s *spec) document(waitHours int) string {
	var b strings.Builder
	_, _ = fmt.Fprintf(&b, "kind: Program\nname: %s\ntitle: {en: %s}\ntrigger: {event: %s%s}\n%ssteps:\n", s.name, s.name, s.on, s.trigger, s.rest)
	for i, st := range s.steps {
		_, _ = fmt.Fprintf(&b, "  - {channel: %s, purpose: %s, template: %s-%d", st.channel, st.purpose, s.name, i)
		if st.asks {
			b.WriteString(", questionnaire: short")
		}
		if st.tries > 1 {
			_, _ = fmt.Fprintf(&b, ", tries: %d", st.tries)
		}
		_, _ = fmt.Fprintf(&b, ", %s}\n", strings.ReplaceAll(st.more, wait, fmt.Sprintf("%dh", waitHours)))
	}
	for i, st := range s.steps {
		link := ""
		if st.asks {
			link = " {{ link }}"
		}
		_, _ = fmt.Fprintf(&b, "---\nkind: Template\nname: %s-%d\nchannels: [%s]\nsubject: {en: News}\nvariants: [{body: {en: \"Dear {{ customer.masked_name }}: [%s/%d/{{ trigger.data.%s }}]%s\"}}]\n",
			s.name, i, st.channel, s.name, i, s.matter, link)
	}
	return b.String()
}

// truth is what the oracle knows of the program.
func (s *spec) truth() *oracle.Program {
	p := &oracle.Program{Name: s.name, HoldOut: s.holdOut, Assigned: map[string]bool{}}
	for _, st := range s.steps {
		p.Steps = append(p.Steps, oracle.Step{Purpose: st.purpose, Tries: st.tries})
	}
	return p
}

// data is an event's data about a matter.
func data(eventType, matter string, amountMinor int) string {
	switch eventType {
	case "wallet.ticket.solved":
		return fmt.Sprintf(`{"ticket_id":%q}`, matter)
	case "wallet.account.locked":
		return fmt.Sprintf(`{"reason":%q}`, matter)
	case "wallet.support.call-ended":
		return fmt.Sprintf(`{"call_id":%q}`, matter)
	case "wallet.refund.done":
		return fmt.Sprintf(`{"refund_id":%q,"order_id":%q,"amount_minor":%d,"currency":"CNY"}`, matter, matter, amountMinor)
	case "wallet.payment.succeeded", "wallet.topup.succeeded":
		return fmt.Sprintf(`{"order_id":%q,"amount_minor":%d,"currency":"CNY"}`, matter, amountMinor)
	case "wallet.payment.failed":
		return fmt.Sprintf(`{"order_id":%q,"amount_minor":%d,"currency":"CNY","merchant":"Tea House","reason":"card-declined","charged":false}`, matter, amountMinor)
	default:
		return fmt.Sprintf(`{"order_id":%q,"amount_minor":%d,"currency":"CNY","reason":"card-declined","charged":false}`, matter, amountMinor)
	}
}
