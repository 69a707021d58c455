package engine

import (
	"cmp"
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/huiyin/huiyin/internal/channel"
	"github.com/huiyin/huiyin/internal/platform/clock"
)

const (
	laneIdle      = 500 * time.Millisecond // an idle lane looks again at the latest after this
	laneTrouble   = time.Second            // and after trouble with the database, after this
	concludeWait  = 2 * time.Millisecond   // outcomes that come within this are concluded together
	concludeMax   = 256
	stopGrace     = 20 * time.Second // how long sends on the wire may go on after a stop
	concludeGrace = 5 * time.Second  // how long after that outcomes may still be written
	pauseLeast    = 10 * time.Millisecond
	recordBatches = 4 // a lane records when a quarter of its bound is free

	// aheadTime is how much of the wire's work is recorded before the wire is free, so
	// that recording and concluding don't keep it waiting. It is short, because what is
	// recorded and not concluded when a node dies is in doubt: a lane that sends two
	// messages a second has none ahead, one that sends 2,000 has 200.
	aheadTime = 100 * time.Millisecond
	aheadMost = 7 // times what the channel bears at once
	paceOver  = 250 * time.Millisecond
)

// Lane runs one lane of a dispatcher in real time: it records while earlier
// sendings are on the wire and concludes them in groups. No more are on the wire
// than the channel bears, and few more are recorded. A channel that hangs holds up
// its own lane alone.
type Lane struct {
	Dispatcher *Dispatcher
	Name       string
	Trouble    func(lane, doing string, err error) // told of every failure; the lane goes on
	Grace      time.Duration                       // 0: stopGrace
	WriteGrace time.Duration                       // 0: concludeGrace

	wake     chan struct{}
	freed    chan struct{}
	inFlight atomic.Int64
	sent     atomic.Int64
	looks    lookGroup
}

// NewLane makes a lane.
func NewLane(d *Dispatcher, name string, trouble func(lane, doing string, err error)) *Lane {
	l := &Lane{Dispatcher: d, Name: name, Trouble: trouble, wake: make(chan struct{}, 1), freed: make(chan struct{}, 1)}
	l.looks.look = d.Look
	return l
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

// Run works until ctx ends; then it records nothing new, lets what is recorded
// come to its end for stopGrace, and concludes it.
func (l *Lane) Run(ctx context.Context) {
	wires := l.Dispatcher.Capacity(l.Name)
	most := wires * (1 + aheadMost)
	recorded, done := make(chan []*Sending, most), make(chan *Sending, most) // they never block: most bounds what is in flight
	// A send that is cut off comes back as unknown, and a record that is cut off leaves
	// attempts nobody knows of, so neither ends with ctx. Nor may they last for ever: the
	// database may be gone for good.
	grace := cmp.Or(l.Grace, stopGrace)
	sendCtx, stopSends := outlast(ctx, grace)
	defer stopSends()
	writeCtx, stopWrites := outlast(ctx, grace+cmp.Or(l.WriteGrace, concludeGrace))
	defer stopWrites()
	var sending, concluding sync.WaitGroup
	concluding.Go(func() { l.conclude(writeCtx, done) })
	sending.Go(func() { l.start(sendCtx, wires, recorded, done) })

	l.record(ctx, sendCtx, wires, recorded)
	close(recorded)
	sending.Wait()
	close(done)
	concluding.Wait()
}

// outlast gives a context that ends when stop is called, or a while after ctx ended.
func outlast(ctx context.Context, by time.Duration) (longer context.Context, stop func()) {
	longer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	forget := context.AfterFunc(ctx, func() {
		clock.Sleep(longer, by)
		cancel()
	})
	return longer, func() {
		forget()
		cancel()
	}
}

// record is the loop that decides what is sent.
func (l *Lane) record(ctx, writeCtx context.Context, wires int, recorded chan<- []*Sending) {
	var p pace
	for ctx.Err() == nil {
		bound := wires + min(p.ahead(l.Dispatcher.Clock.Now(), l.sent.Load()), aheadMost*wires)
		free := bound - int(l.inFlight.Load())
		if free < max(1, bound/recordBatches) {
			l.rest(ctx, laneIdle)
			continue
		}
		b, err := l.Dispatcher.Record(writeCtx, l.Name, free)
		if err != nil {
			if ctx.Err() == nil {
				l.Trouble(l.Name, "record", err)
				clock.Sleep(ctx, laneTrouble)
			}
			continue
		}
		if len(b.Sendings) > 0 {
			l.inFlight.Add(int64(len(b.Sendings)))
			recorded <- b.Sendings
		}
		if b.Handled == 0 {
			l.rest(ctx, b.pause())
		}
	}
}

// pace measures how fast a lane sends.
type pace struct {
	since     time.Time
	sent      int64
	perSecond float64
}

// ahead is how many sendings the wire takes in aheadTime at the pace measured last.
func (p *pace) ahead(now time.Time, sent int64) int {
	if over := now.Sub(p.since); over >= paceOver {
		p.perSecond = float64(sent-p.sent) / over.Seconds()
		p.since, p.sent = now, sent
	}
	return int(p.perSecond * aheadTime.Seconds())
}

// pause is how long to rest when nothing was due. Both times are the database's. What
// is due already is in another node's hands.
func (b *Batch) pause() time.Duration {
	if b.Next.IsZero() {
		return laneIdle
	}
	return min(laneIdle, max(pauseLeast, b.Next.Sub(b.Now)))
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

// start makes the last look for all that was recorded together, and hands each to a
// wire as one is free. A look that fails as a whole is made again by each sending.
func (l *Lane) start(ctx context.Context, wires int, recorded <-chan []*Sending, done chan<- *Sending) {
	ready := make(chan *Sending)
	var working sync.WaitGroup
	workers := 0
	for all := range recorded {
		if err := l.Dispatcher.Look(ctx, all); err != nil {
			l.Trouble(l.Name, "look", err)
		}
		for _, s := range all {
			s.looks = &l.looks
			select {
			case ready <- s:
				continue
			default:
			}
			if workers < wires {
				workers++
				working.Go(func() { l.send(ctx, ready, done) })
			}
			ready <- s
		}
	}
	close(ready)
	working.Wait()
}

// send carries out one sending after another.
func (l *Lane) send(ctx context.Context, ready <-chan *Sending, done chan<- *Sending) {
	for s := range ready {
		one, cancel := context.WithTimeout(ctx, s.channel.Abilities().SendTimeout)
		if err := guarded(func() error { l.Dispatcher.Send(one, s); return nil }); err != nil {
			s.Outcome = channel.Lost(err.Error())
			l.Trouble(l.Name, "send", err)
		}
		cancel()
		done <- s
	}
}

// conclude gathers outcomes and keeps them; while the database is away it tries on.
func (l *Lane) conclude(ctx context.Context, done <-chan *Sending) {
	for s := range done {
		all := l.gather([]*Sending{s}, done)
		for {
			err := l.Dispatcher.Conclude(ctx, all)
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
