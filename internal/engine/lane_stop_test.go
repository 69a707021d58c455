package engine

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/huiyin/huiyin/internal/channel"
	"github.com/huiyin/huiyin/internal/contact/attempt"
	"github.com/huiyin/huiyin/internal/followup"
	"github.com/huiyin/huiyin/internal/platform/clock"
)

// start runs a lane and gives what stops it and what is closed when it has.
func (h *desk) lane(node *Dispatcher, change func(*Lane)) (stop func(), stopped <-chan struct{}) {
	node.Clock = clock.System{}
	ctx, cancel := context.WithCancel(h.t.Context())
	l := NewLane(node, "sms", func(string, string, error) {})
	change(l)
	done := make(chan struct{})
	go func() {
		defer close(done)
		l.Run(ctx)
	}()
	return cancel, done
}

func (h *desk) within(d time.Duration, what string, done <-chan struct{}) {
	h.t.Helper()
	select {
	case <-done:
	case <-time.After(d):
		h.t.Fatalf("%s, even after %v", what, d)
	}
}

func TestALaneStopsAlthoughTheDatabaseIsGone(t *testing.T) {
	desks(t, keyless, func(h *desk) {
		var gone atomic.Bool
		h.wire.answer = func(channel.Message) channel.Outcome {
			gone.Store(true)
			return channel.Outcome{Result: channel.OK}
		}
		node := h.dispatcher(h.db.Hooked(func(string) error {
			if gone.Load() {
				return errors.New("the database is gone")
			}
			return nil
		}))
		h.start(h.person("a", "13800000001"), "")
		stop, stopped := h.lane(node, func(l *Lane) { l.Grace, l.WriteGrace = 50*time.Millisecond, 50*time.Millisecond })
		for !gone.Load() {
			time.Sleep(time.Millisecond)
		}
		stop()
		h.within(10*time.Second, "the lane goes on", stopped)
	})
}

func TestAStopCutsNoRecordInTwo(t *testing.T) {
	desks(t, keyless, func(h *desk) {
		var stop func()
		node := h.dispatcher(h.db.Hooked(func(point string) error {
			if point == "write:record:commit" {
				stop() // in the middle of it
			}
			return nil
		}))
		f := h.start(h.person("a", "13800000001"), "")
		ready := make(chan struct{})
		var stopped <-chan struct{}
		node.Programs = func(ctx context.Context) (*Programs, error) {
			<-ready
			return h.d.Programs(ctx)
		}
		stop, stopped = h.lane(node, func(*Lane) {})
		close(ready)
		h.within(10*time.Second, "the lane goes on", stopped)
		h.wantState(f, followup.Waiting, "")
		if as := h.attempts(f); len(as) != 1 || as[0].State != attempt.Accepted {
			t.Fatalf("attempts %+v, want the one that was recorded sent and concluded", as)
		}
	})
}

func TestAChannelThatPanicsLosesOneOutcomeAndNoMore(t *testing.T) {
	desks(t, keyless, func(h *desk) {
		n := 0
		h.wire.can.InFlight = 1
		h.wire.answer = func(channel.Message) channel.Outcome {
			if n++; n == 1 {
				panic("an index out of range")
			}
			return channel.Outcome{Result: channel.OK}
		}
		first, second := h.start(h.person("a", "13800000001"), ""), h.start(h.person("b", "13800000002"), "")
		stop, stopped := h.lane(h.d, func(*Lane) {})
		for deadline := time.Now().Add(10 * time.Second); h.followUp(first).State != followup.SetAside || len(h.wire.keys()) < 2; time.Sleep(5 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("the first is %s, %d were sent", h.followUp(first).State, len(h.wire.keys()))
			}
		}
		stop()
		h.within(10*time.Second, "the lane goes on", stopped)
		h.wantState(second, followup.Waiting, "")
	})
}

func TestALaneRestsByTheDatabasesClock(t *testing.T) {
	b := &Batch{Now: dispatchNoon, Next: dispatchNoon.Add(300 * time.Millisecond)} // whatever the node's clock says
	if got := b.pause(); got != 300*time.Millisecond {
		t.Errorf("it rests %v, want 300ms", got)
	}
	b.Next = dispatchNoon.Add(-time.Second) // in another node's hands
	if got := b.pause(); got != pauseLeast {
		t.Errorf("it rests %v, want %v", got, pauseLeast)
	}
	b.Next = time.Time{}
	if got := b.pause(); got != laneIdle {
		t.Errorf("it rests %v, want %v", got, laneIdle)
	}
}
