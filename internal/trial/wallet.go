package trial

import (
	"fmt"
	"time"

	"github.com/huiyin/huiyin/internal/intake/event"
	"github.com/huiyin/huiyin/internal/people/customer"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/errs"
	"github.com/huiyin/huiyin/internal/program/program"
	"github.com/huiyin/huiyin/internal/trial/oracle"
)

const (
	mattersPerDay = 0.6  // of one ordinary customer, over all programs
	atClosing     = 0.12 // the share of matters whose contact falls due as the hours are about to end
	closingWithin = 5 * time.Second
	retryAfter    = 3 * time.Second
	retryMost     = 2 * time.Minute
)

// schedule puts the lives of people and the whims of the world on the agenda.
func (w *world) schedule() {
	for _, p := range w.people {
		w.after(w.gap(mattersPerDay*p.kind.eventful), "matter", p.live)
		if len(p.kind.moves) > 0 {
			w.daily(w.mix.movesPerDay, "move", p.move)
		}
		w.daily(w.mix.wordsPerDay*p.kind.eventful, "words", func() { p.refuse(p.w.lane()) })
		if !p.known {
			w.after(w.between(time.Hour, 8*day), "known", p.becomeKnown)
		}
	}
	w.daily(w.mix.crashPerDay, "crash", w.crash)
	w.daily(w.mix.freezePerDay, "freeze", w.freeze)
	w.daily(w.mix.outagePerDay, "outage", w.lose)
	w.daily(w.mix.opsPerDay, "operate", w.operate)
	w.daily(w.mix.burstPerDay, "burst", w.burst)
	w.after(w.upTo(6*time.Hour), "settle", w.settle)
	w.after(w.upTo(foldEvery), "fold", w.fold)
	w.after(w.end.Sub(w.start), "calm", w.heal)
}

func (w *world) lane() string { return lanes[w.rng.IntN(len(lanes))] }

// heal ends what still ails the world when its people fall silent.
func (w *world) heal() {
	w.downTil = time.Time{}
	for _, n := range w.nodes {
		if n != nil {
			n.doom = 0
			n.frozenUntil = time.Time{}
		}
	}
	for _, r := range w.programs {
		if r.state != program.Running {
			w.publish(r)
		}
	}
	w.wakeRouter()
	w.wake()
}

// live brings a customer the next thing to follow up.
func (p *person) live() {
	w := p.w
	if w.calm() {
		return
	}
	r := w.programs[w.rng.IntN(len(w.programs))]
	if w.chance(atClosing) {
		w.at(p.closing().Add(-r.delay-w.upTo(closingWithin)), "matter at closing", func() {
			if !w.calm() {
				p.happen(r)
			}
		})
	} else {
		p.happen(r)
	}
	w.after(w.gap(mattersPerDay*p.kind.eventful), "matter", p.live)
}

// closing is when the hours of messages next end where the customer is.
func (p *person) closing() time.Time {
	hour := 19
	switch p.kind.country {
	case "CN", "US":
		hour = 21
	case "AU":
		hour = 20
	}
	zone := time.UTC
	if len(p.zones) > 0 {
		if l, err := time.LoadLocation(p.zones[0]); err == nil {
			zone = l
		}
	}
	now := p.w.now().In(zone)
	at := time.Date(now.Year(), now.Month(), now.Day(), hour, 0, 0, 0, zone)
	if at.Sub(now) < 2*time.Hour {
		at = time.Date(now.Year(), now.Month(), now.Day()+1, hour, 0, 0, 0, zone)
	}
	return at
}

// happen is one matter: what begins it, told in time or late, and perhaps what settles it.
func (p *person) happen(r *running) {
	w := p.w
	p.matters++
	matter := fmt.Sprintf("%s-%d", p.Ref, p.matters)
	amount := 1_000 + w.rng.IntN(20_000)
	at := w.now()
	wait := time.Duration(0)
	if w.strikes("late event", w.mix.lateEvent) {
		wait = w.between(time.Minute, 3*day)
	}
	if !r.fussy || amount >= 5_000 {
		r.triggers[matter] = p.Ref
	}
	p.tell(r.on, matter, amount, at, wait)
	if r.cancels == "" || !w.chance(0.4) {
		return
	}
	settled := at.Add(w.between(time.Minute, 8*time.Hour))
	wait = settled.Sub(at)
	if w.strikes("events out of order", w.mix.reordered) {
		wait = w.upTo(wait) // told before it happened, by a clock ahead of ours
	}
	p.tell(r.cancels, matter, amount, at.Add(wait), wait)
}

// tell has the wallet tell an event after a while, until it is acknowledged.
func (p *person) tell(eventType, matter string, amount int, at time.Time, wait time.Duration) {
	w := p.w
	w.events++
	e := event.Event{
		ID: eventID(w.events), Source: "/wallet", Type: eventType, Subject: p.Ref,
		At: at.UTC().Truncate(time.Millisecond), Data: []byte(data(eventType, matter, amount)),
	}
	p.say("event %s about %s at %s, told after %s", eventType, matter, at.UTC().Format(stampForm), wait.Round(time.Second))
	times := 1
	if w.strikes("event told twice", w.mix.twiceEvent) {
		times = 2
	}
	for range times {
		p.busy++
		w.after(wait+w.upTo(time.Second), "event", func() { p.post(e) })
	}
}

func eventID(n int) string { return fmt.Sprintf("e%d", n) }

// post is one try of the wallet to hand an event over.
func (p *person) post(e event.Event) {
	w := p.w
	n := w.alive()
	again := func() { w.after(w.between(retryAfter, retryMost), "event again", func() { p.post(e) }) }
	if n == nil || n.takingIn {
		again()
		return
	}
	n.takingIn = true
	t := w.spawn(n, " takes in", 0, func(t *task) {
		acknowledged := false
		defer func() {
			n.takingIn = false
			if !acknowledged {
				again()
			}
		}()
		x := e
		x.Received = n.clock.Now()
		res, err := n.intake.Accept(w.ctx, []event.Item{{Event: x}})
		if err != nil || t.cut || n.dead {
			return
		}
		if len(res.Rejected) > 0 {
			panic(fmt.Sprintf("trial: an event of the trial was rejected: %+v", res.Rejected[0]))
		}
		acknowledged = true
		p.busy--
		w.promised = append(w.promised, "event "+e.ID)
	})
	t.unbegun = again
}

// errand has a customer, or the wallet for them, do something at some node until it works.
func (p *person) errand(name string, do func(t *task, n *node) error) {
	p.busy++
	p.run(name, do)
}

func (p *person) run(name string, do func(t *task, n *node) error) {
	w := p.w
	again := func() {
		w.after(w.between(retryAfter, retryMost), name+" again", func() { p.run(name, do) })
	}
	n := w.alive()
	if n == nil {
		again()
		return
	}
	t := w.spawn(n, " "+name, 0, func(t *task) {
		done := false
		defer func() {
			if done {
				p.busy--
			} else {
				again()
			}
		}()
		err := do(t, n)
		if t.cut || n.dead {
			return
		}
		done = err == nil || final(err)
	})
	t.unbegun = again
}

// final says that trying again is no use: the answer is no.
func final(err error) bool {
	switch errs.KindOf(err) {
	case errs.Invalid, errs.NotFound, errs.Conflict:
		return true
	}
	return false
}

// move takes a customer to another zone, and the wallet tells us.
func (p *person) move() {
	zone := p.kind.moves[p.w.rng.IntN(len(p.kind.moves))]
	p.errand("moves", func(t *task, n *node) error {
		zones := []string{zone}
		t.committed = func() {
			p.zones = zones
			p.Places = append(p.Places, oracle.Place{From: p.w.now(), Country: p.country, Zones: zones})
			p.say("is in %s now", zone)
		}
		c := p.record()
		c.Zones = zones
		return n.putCustomer(c)
	})
}

// becomeKnown has the wallet tell who a customer is of whom there were only events.
func (p *person) becomeKnown() {
	p.errand("is told of", func(t *task, n *node) error {
		t.committed = func() {
			p.known = true
			p.say("is known to us now")
		}
		return n.putCustomer(p.record())
	})
}

// putCustomer writes a customer as the wallet describes them, and wakes what waited to know them.
func (n *node) putCustomer(c *customer.Customer) error {
	w := n.w
	if err := customer.Normalise(c, w.keys, w.now()); err != nil {
		return err
	}
	return n.db.Write(w.ctx, db.Event, "put-customers", func(tx *db.Tx) error {
		now, err := tx.Now()
		if err != nil {
			return err
		}
		own := *c
		if _, err := customer.Upsert(tx, n.vault, n.ids, []*customer.Customer{&own}, now); err != nil {
			return err
		}
		return wakeUnknown(tx, own.ID, now)
	})
}

// burst is an outage of the wallet's: many customers' payments fail at once.
func (w *world) burst() {
	w.res.Faults["burst"]++
	r := w.programs[w.rng.IntN(len(w.programs))]
	for _, p := range w.people {
		if w.chance(0.3) {
			p.happen(r)
		}
	}
}
