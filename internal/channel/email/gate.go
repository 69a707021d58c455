package email

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/huiyin/huiyin/internal/platform/clock"
)

// gate keeps to what a provider allows: so many messages a minute, and so many at once to
// one domain of recipients. Who has to wait does so within the time of their send.
type gate struct {
	clock     clock.Clock
	every     time.Duration // between two messages; 0: no bound
	perDomain int           // 0: no bound

	mu      sync.Mutex
	next    time.Time
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
	if !clock.Sleep(ctx, g.turn()) {
		leave()
		return nil, ctx.Err()
	}
	return leave, nil
}

// turn says how long to wait for one's turn.
func (g *gate) turn() time.Duration {
	if g.every == 0 {
		return 0
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.clock.Now()
	if g.next.Before(now) {
		g.next = now
	}
	wait := g.next.Sub(now)
	g.next = g.next.Add(g.every)
	return wait
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
