package engine

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/huiyin/huiyin/internal/channel"
	"github.com/huiyin/huiyin/internal/contact/attempt"
	"github.com/huiyin/huiyin/internal/decide/policy"
	"github.com/huiyin/huiyin/internal/people/consent"
	"github.com/huiyin/huiyin/internal/platform/clock"
	"github.com/huiyin/huiyin/internal/platform/db"
)

// laneTestTimeout bounds what a test waits for a lane.
const laneTestTimeout = 30 * time.Second

// runLane runs the lane of text messages until it has concluded n sendings.
func (h *desk) runLane(n int64) *Lane {
	h.t.Helper()
	h.d.Clock = clock.System{}
	ctx, cancel := context.WithTimeout(h.t.Context(), laneTestTimeout)
	defer cancel()
	l := NewLane(h.d, "sms", func(lane, doing string, err error) { h.t.Errorf("%s %s: %v", lane, doing, err) })
	done := make(chan struct{})
	go func() {
		defer close(done)
		l.Run(ctx)
	}()
	for l.Sent() < n && clock.Sleep(ctx, time.Millisecond) {
	}
	cancel()
	<-done
	if l.Sent() != n || l.InFlight() != 0 {
		h.t.Fatalf("%d sendings concluded and %d not, want %d and none", l.Sent(), l.InFlight(), n)
	}
	return l
}

func TestALaneSendsToEveryoneOnceAndNoMoreAtATimeThanTheChannelBears(t *testing.T) {
	desks(t, channel.Abilities{InFlight: 3, SendTimeout: 10 * time.Second}, func(h *desk) {
		var on, most atomic.Int64
		h.wire.before = func() {
			if n := on.Add(1); n > most.Load() {
				most.Store(n)
			}
		}
		h.wire.answer = func(m channel.Message) channel.Outcome {
			clock.Sleep(h.t.Context(), time.Millisecond)
			on.Add(-1)
			return channel.Outcome{Result: channel.OK, Ref: m.Key}
		}
		var all []int64
		for i := range 60 {
			all = append(all, h.start(h.person(fmt.Sprint("p", i), fmt.Sprintf("138%08d", i)), ""))
		}
		h.runLane(60)
		keys := map[string]bool{}
		for _, k := range h.wire.keys() {
			keys[k] = true
		}
		if len(keys) != 60 || len(h.wire.keys()) != 60 {
			h.t.Fatalf("%d messages under %d keys, want 60 under 60", len(h.wire.keys()), len(keys))
		}
		if most.Load() > 3 {
			h.t.Fatalf("%d were on the wire at a time, and the channel bears 3", most.Load())
		}
		for _, f := range all {
			if as := h.attempts(f); len(as) != 1 || as[0].State != attempt.Accepted {
				h.t.Fatalf("attempts %+v, want one accepted", as)
			}
		}
	})
}

func TestARefusalIsHeardByWhoeverWaitsForTheWire(t *testing.T) {
	desks(t, channel.Abilities{InFlight: 2, SendTimeout: 10 * time.Second}, func(h *desk) {
		var people []int64
		for i := range 8 {
			p := h.person(fmt.Sprint("p", i), fmt.Sprintf("138%08d", i))
			people = append(people, p)
			h.start(p, "")
		}
		var once sync.Once
		h.wire.before = func() {
			once.Do(func() { // everybody refuses while the first connections are being made
				h.write(func(tx *db.Tx) error {
					for _, p := range people {
						if _, err := consent.Refuse(tx, h.ids, consent.Refusal{Customer: p, Channel: "sms", Purpose: policy.Any, Source: "reply"}, h.clock.Now()); err != nil {
							return err
						}
					}
					return nil
				})
			})
			clock.Sleep(h.t.Context(), lookFresh+50*time.Millisecond)
		}
		h.runLane(2) // the two that were recorded first; the others are decided after the refusal
		h.wantSent(0)
	})
}

func TestLooksThatComeTogetherAreMadeTogether(t *testing.T) {
	first, go1 := make(chan struct{}), make(chan struct{})
	var sizes []int
	g := lookGroup{look: func(_ context.Context, all []*Sending) error {
		sizes = append(sizes, len(all)) // one look at a time: nobody else writes
		if len(sizes) == 1 {
			close(first)
			<-go1
			return nil
		}
		return context.DeadlineExceeded
	}}
	var wait sync.WaitGroup
	wait.Go(func() {
		if err := g.join(t.Context(), &Sending{}); err != nil {
			t.Error(err)
		}
	})
	<-first
	var failed, left atomic.Int64
	for range 9 {
		wait.Go(func() {
			if g.join(t.Context(), &Sending{}) != nil {
				failed.Add(1)
			}
		})
	}
	gone, leave := context.WithCancel(t.Context())
	leave()
	wait.Go(func() {
		if g.join(gone, &Sending{}) != nil {
			left.Add(1)
		}
	})
	for gathered := 0; gathered < 10; {
		g.mu.Lock()
		if g.waiting != nil {
			gathered = len(g.waiting.all)
		}
		g.mu.Unlock()
	}
	close(go1)
	wait.Wait()
	if len(sizes) != 2 || sizes[1] != 10 || failed.Load() != 9 || left.Load() != 1 {
		t.Fatalf("looks of %v, %d heard of the failure of theirs, %d left; want looks of [1 10], 9 and 1", sizes, failed.Load(), left.Load())
	}
}

func TestALaneRecordsAheadWhatTheWireTakesInAMoment(t *testing.T) {
	at := func(ms int) time.Time { return dispatchNoon.Add(time.Duration(ms) * time.Millisecond) }
	var p pace
	for _, c := range []struct {
		name  string
		now   int
		sent  int64
		ahead int
	}{
		{"nothing before anything was sent", 0, 0, 0},
		{"nothing before there is a pace", 100, 300, 0},
		{"a tenth of a second's work", 1000, 3000, 300},
		{"as much until the pace is measured anew", 1100, 3000, 300},
		{"nothing after a pause", 3000, 3002, 0},
	} {
		if got := p.ahead(at(c.now), c.sent); got != c.ahead {
			t.Errorf("%s: %d, want %d", c.name, got, c.ahead)
		}
	}
}
