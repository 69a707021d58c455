package email

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/huiyin/huiyin/internal/platform/clock"
)

// gate keeps to what a provider allows: so many messages a minute, and so many at once to
// one domain of recipients. Who has to wait does so within half the time of their send: whose
// turn came at its very end would use it up and send nothing.
type gate struct {
	clock     clock.Clock
	every     time.Duration // between two messages; 0: no bound
	perDomain int           // 0: no bound

	mu      sync.Mutex
	next    time.Time
	given   []time.Time      // turns that were given back, the earliest first
	domains map[string]*lane // of those who are at one now
}

// lane is one domain of recipients.
type lane struct {
	slots chan struct{}
	users int
}

func newGate(c clock.Clock, perMinute, perDomain int) *gate {
	g := &gate{clock: c, perDomain: perDomain, domains: map[string]*lane{}}
	if perMinute > 0 {
		g.every = time.Minute / time.Duration(perMinute)
	}
	return g
}

// enter waits for a place; leave gives it back.
func (g *gate) enter(ctx context.Context, to string) (leave func(), err error) {
	leave = func() {}
	if g.perDomain > 0 {
		if leave, err = g.enterDomain(ctx, strings.ToLower(to[strings.LastIndexByte(to, '@')+1:])); err != nil {
			return nil, err
		}
	}
	at, wait, ok := g.turn(ctx)
	if !ok {
		leave()
		return nil, context.DeadlineExceeded
	}
	if !clock.Sleep(ctx, wait) {
		g.giveBack(at)
		leave()
		return nil, ctx.Err()
	}
	return leave, nil
}

// turn reserves one's turn and says how long to wait for it. Where there is none in time,
// nothing is reserved: turns that nobody uses would put off everyone's.
func (g *gate) turn(ctx context.Context) (at time.Time, wait time.Duration, ok bool) {
	if g.every == 0 {
		return time.Time{}, 0, true
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.clock.Now()
	for len(g.given) > 0 && g.given[0].Before(now) {
		g.given = g.given[1:]
	}
	if g.next.Before(now) {
		g.next = now
	}
	at = g.next
	if len(g.given) > 0 {
		at = g.given[0]
	}
	wait = at.Sub(now)
	if deadline, bounded := ctx.Deadline(); bounded && wait > deadline.Sub(clock.System{}.Now())/2 {
		return time.Time{}, 0, false
	}
	if len(g.given) > 0 {
		g.given = g.given[1:]
	} else {
		g.next = at.Add(g.every)
	}
	return at, wait, true
}

// giveBack lets another have a turn whose owner has gone.
func (g *gate) giveBack(at time.Time) {
	if g.every == 0 {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	i, _ := slices.BinarySearchFunc(g.given, at, time.Time.Compare)
	g.given = slices.Insert(g.given, i, at)
}

func (g *gate) enterDomain(ctx context.Context, domain string) (leave func(), err error) {
	g.mu.Lock()
	l := g.domains[domain]
	if l == nil {
		l = &lane{slots: make(chan struct{}, g.perDomain)}
		g.domains[domain] = l
	}
	l.users++
	g.mu.Unlock()
	forget := func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		if l.users--; l.users == 0 {
			delete(g.domains, domain)
		}
	}
	select {
	case l.slots <- struct{}{}:
		return func() { <-l.slots; forget() }, nil
	case <-ctx.Done():
		forget()
		return nil, ctx.Err()
	}
}
