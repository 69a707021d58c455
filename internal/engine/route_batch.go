package engine

import (
	"slices"
	"time"

	"github.com/huiyin/huiyin/internal/followup"
	"github.com/huiyin/huiyin/internal/intake/event"
	"github.com/huiyin/huiyin/internal/measure/study"
	"github.com/huiyin/huiyin/internal/people/customer"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/tally"
	"github.com/huiyin/huiyin/internal/program/condition"
	"github.com/huiyin/huiyin/internal/program/program"
)

// batch is one transaction of the router: what it read, and what is to be written.
// Events are worked on in memory, so later ones see what earlier ones did.
type batch struct {
	router   *Router
	tx       *db.Tx
	programs *Programs
	types    *event.Catalogue
	now      time.Time
	events   []event.Event

	people   map[string]*person     // by subject
	logged   map[int64]*event.Event // events that may have settled a matter before it began
	assigned map[seat]arm           // by whoever randomised elsewhere

	counts  tally.Batch
	started []*open // in order; followup.Start takes them all
	merged  []*open // open before this batch, once per trigger taken in
	ended   []*open // open before this batch
	notes   []followup.Note
	members []study.Member
	hits    []study.Hit
	wishes  []wish
}

// person is one customer of the batch.
type person struct {
	customer *customer.Customer
	facts    *customer.Facts
	open     []*open
}

// open is a follow-up that is open as far as the batch has got.
type open struct {
	followup.FollowUp
	version     *program.Live
	fresh       bool         // it began in this batch and isn't written yet
	trigger     *event.Event // rebuilt when first asked for
	triggerData *condition.Data
}

func newBatch(r *Router, tx *db.Tx, p *Programs, now time.Time, events []event.Event) *batch {
	return &batch{router: r, tx: tx, programs: p, types: r.Catalogue(), now: now, events: events}
}

// load reads all that the events may need, each sort of thing at once.
func (b *batch) load() error {
	refs := make([]string, len(b.events))
	for i := range b.events {
		refs[i] = b.events[i].Subject
	}
	byRef, err := customer.Resolve(b.tx, b.router.IDs, refs, b.now)
	if err != nil {
		return err
	}
	b.people = make(map[string]*person, len(byRef))
	for ref, id := range byRef {
		b.people[ref] = &person{customer: &customer.Customer{ID: id, Ref: ref}}
	}
	need := b.needs()
	if err := b.loadOpen(need); err != nil {
		return err
	}
	if err := b.loadPeople(need); err != nil {
		return err
	}
	if err := b.loadAssigned(need); err != nil {
		return err
	}
	return b.loadLogged()
}

// needs is what a batch looks at. What is read by it comes in the order of ids.
type needs struct {
	people   map[int64]bool  // everyone an event is of
	records  map[int64]bool  // of whom conditions may ask what the wallet told us
	open     map[int64]bool  // whose open follow-ups matter
	trigger  map[int64]bool  // who may get one
	programs map[int64]bool  // of which programs
	types    map[string]bool // of which events facts are asked for
}

func (b *batch) needs() needs {
	n := needs{map[int64]bool{}, map[int64]bool{}, map[int64]bool{}, map[int64]bool{}, map[int64]bool{}, map[string]bool{}}
	for i := range b.events {
		e := &b.events[i]
		id := b.people[e.Subject].customer.ID
		n.people[id], n.types[e.Type] = true, true
		for _, w := range b.programs.byTrigger[e.Type] {
			n.trigger[id], n.open[id], n.programs[w.ID] = true, true, true
			n.wants(id, w.asks, w.factTypes)
		}
		if b.programs.cancels[e.Type] {
			n.open[id] = true
		}
	}
	return n
}

// wants adds what conditions want of a customer.
func (n *needs) wants(id int64, record bool, factTypes []string) {
	if record {
		n.records[id] = true
	}
	for _, t := range factTypes {
		n.types[t] = true
	}
}

// loadOpen reads the open follow-ups, and adds what their cancelling conditions want.
func (b *batch) loadOpen(n needs) error {
	if len(n.open) == 0 {
		return nil
	}
	fs, err := followup.OpenOf(b.tx, sorted(n.open))
	if err != nil {
		return err
	}
	byID := make(map[int64]*person, len(b.people))
	for _, p := range b.people {
		byID[p.customer.ID] = p
	}
	for i := range fs {
		version, _, err := b.programs.Version(b.tx, fs[i].Version)
		if err != nil {
			return err
		}
		p := byID[fs[i].Customer]
		p.open = append(p.open, &open{FollowUp: fs[i], version: version})
		for _, c := range version.Trigger.CancelOn {
			n.wants(fs[i].Customer, asks(c.When), b.programs.factTypes(c.When))
		}
	}
	return nil
}

func (b *batch) loadPeople(n needs) error {
	records, err := customer.Load(b.tx, sorted(n.records))
	if err != nil {
		return err
	}
	facts, err := customer.LoadFacts(b.tx, sorted(n.people), sorted(n.types)...) // an event has a type, so types are never none
	if err != nil {
		return err
	}
	for _, p := range b.people {
		p.facts = facts[p.customer.ID]
		if c := records[p.customer.ID]; c != nil {
			p.customer = c
		}
	}
	return nil
}

// loadLogged reads the events already in the log that may have settled a matter
// before its trigger came: of the types it is cancelled by, no older than it.
func (b *batch) loadLogged() error {
	seqs := map[int64]bool{}
	for i := range b.events {
		e := &b.events[i]
		facts := b.people[e.Subject].facts
		for _, w := range b.programs.byTrigger[e.Type] {
			for _, c := range w.Trigger.CancelOn {
				for _, s := range facts.Recent(c.Event) {
					if !s.At.Before(e.At) {
						seqs[s.Seq] = true
					}
				}
			}
		}
	}
	b.logged = make(map[int64]*event.Event, len(seqs)+len(b.events))
	for i := range b.events { // those of this batch, once they are observed
		b.logged[b.events[i].Seq] = &b.events[i]
	}
	if len(seqs) == 0 {
		return nil
	}
	events, err := event.BySeq(b.tx, sorted(seqs))
	for i := range events {
		b.logged[events[i].Seq] = &events[i]
	}
	return err
}

// sorted gives the keys of a set in order: what reaches the database, or draws
// identifiers, must not hang on the order of a map.
func sorted[K int64 | string](set map[K]bool) []K {
	keys := make([]K, 0, len(set))
	for k := range set {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
