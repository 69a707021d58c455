package engine

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/huiyin/huiyin/internal/platform/clock"
)

const (
	laneIdle      = 500 * time.Millisecond // an idle lane looks again at the latest after this
	laneTrouble   = time.Second            // and after trouble with the database, after this
	concludeWait  = 2 * time.Millisecond   // outcomes that come within this are concluded together
	concludeMax   = 256
	stopGrace     = 20 * time.Second // how long sends on the wire may go on after a stop
	recordBatches = 4                // a lane records when a quarter of its capacity is free
)

// Lane runs one lane of a dispatcher in real time: it records while earlier
// sendings are on the wire and concludes them in groups, never having more in
// flight than the channel bears. A channel that hangs holds up its own lane alone.
type Lane struct {
	Dispatcher *Dispatcher
	Name       string
	Trouble    func(lane, doing string, err error) // told of every failure; the lane goes on

	wake     chan struct{}
	freed    chan struct{}
	inFlight atomic.Int64
	sent     atomic.Int64
}

// NewLane makes a lane.
func NewLane(d *Dispatcher, name string, trouble func(lane, doing string, err error)) *Lane {
	return &Lane{Dispatcher: d, Name: name, Trouble: trouble, wake: make(chan struct{}, 1), freed: make(chan struct{}, 1)}
}

// Wake makes an idle lane look at once: there may be new work.
func (l *Lane) Wake() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// InFlight is how many attempts are recorded and not concluded yet; Sent how many were concluded.
func (l *Lane) InFlight() int64 { return l.inFlight.Load() }

// Sent is how many sendings were concluded since the start.
func (l *Lane) Sent() int64 { return l.sent.Load() }

// Run works until ctx ends; then it records nothing new, lets what is on the wire
// come to its end for stopGrace, and concludes it.
func (l *Lane) Run(ctx context.Context) {
	capacity := l.Dispatcher.Capacity(l.Name)
	done := make(chan *Sending, capacity)
	sendCtx, stopSends := context.WithCancel(context.WithoutCancel(ctx))
	defer stopSends()
	var sends, concluding sync.WaitGroup
	concluding.Go(func() { l.conclude(sendCtx, done) })

	l.record(ctx, sendCtx, capacity, &sends, done)

	// A send that is cut off comes back as unknown, so wait first.
	cut := time.AfterFunc(stopGrace, stopSends)
	sends.Wait()
	cut.Stop()
	close(done)
	concluding.Wait()
}

// record is the loop that decides and starts sendings.
func (l *Lane) record(ctx, sendCtx context.Context, capacity int, sends *sync.WaitGroup, done chan<- *Sending) {
	for ctx.Err() == nil {
		free := capacity - int(l.inFlight.Load())
		if free < max(1, capacity/recordBatches) {
			l.rest(ctx, laneIdle)
			continue
		}
		b, err := l.Dispatcher.Record(ctx, l.Name, free)
		if err != nil {
			if ctx.Err() == nil {
				l.Trouble(l.Name, "record", err)
				clock.Sleep(ctx, laneTrouble)
			}
			continue
		}
		l.inFlight.Add(int64(len(b.Sendings)))
		l.start(sendCtx, b.Sendings, sends, done)
		if b.Handled == 0 {
			l.rest(ctx, l.pause(b.Next))
		}
	}
}

// pause is how long to rest when nothing is due before next.
func (l *Lane) pause(next time.Time) time.Duration {
	if next.IsZero() {
		return laneIdle
	}
	return min(laneIdle, max(time.Millisecond, next.Sub(l.Dispatcher.Clock.Now())))
}

func (l *Lane) rest(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	case <-l.wake:
	case <-l.freed:
	}
}

// start makes the last look for all at once and lets each go its way. A look that
// fails as a whole is made again by each sending for itself.
func (l *Lane) start(ctx context.Context, all []*Sending, sends *sync.WaitGroup, done chan<- *Sending) {
	if err := l.Dispatcher.Look(ctx, all); err != nil {
		l.Trouble(l.Name, "look", err)
	}
	for _, s := range all {
		sends.Go(func() {
			one, cancel := context.WithTimeout(ctx, s.channel.Abilities().SendTimeout)
			defer cancel()
			l.Dispatcher.Send(one, s)
			done <- s
		})
	}
}

// conclude gathers outcomes and keeps them; while the database is away it tries on.
func (l *Lane) conclude(ctx context.Context, done <-chan *Sending) {
	for s := range done {
		all := l.gather([]*Sending{s}, done)
		for {
			err := l.Dispatcher.Conclude(context.WithoutCancel(ctx), all)
			if err == nil {
				break
			}
			l.Trouble(l.Name, "conclude", err)
			if !clock.Sleep(ctx, laneTrouble) {
				break // stopping: the leases run out, and the next server finds out what became of them
			}
		}
		l.sent.Add(int64(len(all)))
		l.inFlight.Add(-int64(len(all)))
		select {
		case l.freed <- struct{}{}:
		default:
		}
	}
}

func (l *Lane) gather(all []*Sending, done <-chan *Sending) []*Sending {
	t := time.NewTimer(concludeWait)
	defer t.Stop()
	for len(all) < concludeMax {
		select {
		case s, open := <-done:
			if !open {
				return all
			}
			all = append(all, s)
		case <-t.C:
			return all
		}
	}
	return all
}
