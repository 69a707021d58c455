package engine

import (
	"cmp"
	"errors"
	"fmt"
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

// broken stands for a version that can't run any more: nothing it says cancels
// anything, and later triggers still merge into those who follow it.
var broken = &program.Live{}

func newBatch(r *Router, tx *db.Tx, p *Programs, now time.Time, events []event.Event) *batch {
	return &batch{router: r, tx: tx, programs: p, types: r.Catalogue(), now: now, events: events}
}

// odd takes note of what is wrong with one customer or program and keeps nobody waiting.
func (b *batch) odd(format string, a ...any) {
	if len(b.router.odd) < oddMax {
		b.router.odd = append(b.router.odd, fmt.Sprintf(format, a...))
	}
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

// needs is what a batch looks at.
type needs struct {
	people   idSet    // everyone an event is of
	records  idSet    // of whom conditions may ask what the wallet told us
	open     idSet    // whose open follow-ups matter
	trigger  idSet    // who may get one
	programs idSet    // of which programs
	types    []string // of which events facts are asked for
}

// idSet gathers identifiers; sorted gives each once and in order, since what reaches
// the database, or draws identifiers, must not hang on the order of a map.
type idSet []int64

func (s *idSet) add(id int64) { *s = append(*s, id) }

func (s idSet) sorted() []int64 {
	slices.Sort(s)
	return slices.Compact(s)
}

// interest is what events of one type make a batch look at.
type interest struct{ record, open, trigger bool }

func (b *batch) needs() *needs {
	n := &needs{}
	byType := map[string]interest{}
	for i := range b.events {
		e := &b.events[i]
		w, met := byType[e.Type]
		if !met {
			w = n.ofType(b.programs, e.Type)
			byType[e.Type] = w
		}
		id := b.people[e.Subject].customer.ID
		n.people.add(id)
		if w.record {
			n.records.add(id)
		}
		if w.open {
			n.open.add(id)
		}
		if w.trigger {
			n.trigger.add(id)
		}
	}
	return n
}

// ofType adds what events of a type make the batch look at, whoever they are of.
func (n *needs) ofType(p *Programs, eventType string) interest {
	n.types = append(n.types, eventType)
	w := interest{open: p.cancels[eventType]}
	for _, x := range p.byTrigger[eventType] {
		w.trigger, w.open, w.record = true, true, w.record || x.asks
		n.types = append(n.types, x.factTypes...)
		n.programs.add(x.ID)
	}
	return w
}

// loadOpen reads the open follow-ups, and adds what their cancelling conditions want.
func (b *batch) loadOpen(n *needs) error {
	if len(n.open) == 0 {
		return nil
	}
	fs, err := followup.OpenOf(b.tx, n.open.sorted())
	if err != nil {
		return err
	}
	byID := make(map[int64]*person, len(b.people))
	for _, p := range b.people {
		byID[p.customer.ID] = p
	}
	for i := range fs {
		version, _, err := b.programs.Version(b.tx, fs[i].Version)
		if errors.Is(err, program.ErrBroken) {
			version = broken
		} else if err != nil {
			return err
		}
		p := byID[fs[i].Customer]
		p.open = append(p.open, &open{FollowUp: fs[i], version: version})
		for _, c := range version.Trigger.CancelOn {
			if asks(c.When) {
				n.records.add(fs[i].Customer)
			}
			n.types = append(n.types, b.programs.factTypes(c.When)...)
		}
	}
	return nil
}

func (b *batch) loadPeople(n *needs) error {
	records, err := customer.Load(b.tx, n.records.sorted())
	if err != nil {
		return err
	}
	people := make([]*customer.Customer, 0, len(records))
	for _, c := range records {
		people = append(people, c)
	}
	if len(people) > 0 {
		if err := customer.OpenProfiles(b.tx.Context(), b.router.Vault, people...); err != nil {
			return err
		}
	}
	slices.Sort(n.types) // never none: an event has a type
	facts, err := customer.LoadFacts(b.tx, n.people.sorted(), slices.Compact(n.types)...)
	if err != nil {
		return err
	}
	for _, p := range b.people {
		p.facts = facts[p.customer.ID]
		for _, bad := range p.facts.Damaged {
			b.odd("%v", bad)
		}
		if c := records[p.customer.ID]; c != nil {
			p.customer = c
		}
	}
	return nil
}

// loadLogged reads the events already in the log that may have settled a matter
// before its trigger came: of the types it is cancelled by, no older than it.
func (b *batch) loadLogged() error {
	var seqs idSet
	for i := range b.events {
		e := &b.events[i]
		facts := b.people[e.Subject].facts
		for _, w := range b.programs.byTrigger[e.Type] {
			for _, c := range w.Trigger.CancelOn {
				for _, s := range facts.Recent(c.Event) {
					if !s.At.Before(e.At) {
						seqs.add(s.Seq)
					}
				}
			}
		}
	}
	if len(seqs) == 0 {
		return nil
	}
	events, err := event.BySeq(b.tx, seqs.sorted())
	b.logged = make(map[int64]*event.Event, len(events))
	for i := range events {
		b.logged[events[i].Seq] = &events[i]
	}
	return err
}

// at gives an event of the log that was read, or is of this batch.
func (b *batch) at(seq int64) *event.Event {
	if e := b.logged[seq]; e != nil {
		return e
	}
	i, found := slices.BinarySearchFunc(b.events, seq, func(e event.Event, seq int64) int { return cmp.Compare(e.Seq, seq) })
	if !found {
		return nil
	}
	return &b.events[i]
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
