package deliver

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/huiyin/huiyin/internal/platform/clock"
	"github.com/huiyin/huiyin/internal/platform/crypt"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/outbox"
)

const (
	// EndpointInFlight bounds what is on its way to one endpoint from one node.
	EndpointInFlight = 8

	shareMost   = 500 // notices shared in one transaction
	sendTimeout = 15 * time.Second
	leaseTime   = time.Minute // longer than a send and the writing down of its outcome
	idle        = 500 * time.Millisecond
	trouble     = time.Second
	stopGrace   = 5 * time.Second
	forgetEvery = time.Hour
	forgetMost  = 1_000
	// Kept is how long notices and what was tried are kept.
	Kept = 30 * 24 * time.Hour
)

// Config is what a Deliverer works with.
type Config struct {
	DB      *db.DB
	Clock   clock.Clock
	Keys    *crypt.Keyring
	Client  *http.Client   // guarded; see platform/outward
	Source  string         // of the events: where this house is found
	Jitter  func() float64 // from 0 to 1, for the time of the next try
	Trouble func(doing string, err error)
	Timeout time.Duration // of one send; 0: sendTimeout
}

// Deliverer tells endpoints. Its methods may be called concurrently.
type Deliverer struct {
	Config
	wake chan struct{}

	mu       sync.Mutex
	flying   map[int64]int // sends in flight by endpoint
	forgetAt time.Time
}

// New makes a Deliverer.
func New(c Config) *Deliverer {
	c.Timeout = cmp.Or(c.Timeout, sendTimeout)
	return &Deliverer{Config: c, wake: make(chan struct{}, 1), flying: map[int64]int{}}
}

// Sending is one delivery in the hands of this node.
type Sending struct {
	Delivery outbox.Delivery
	Endpoint outbox.Endpoint
	ID       string // of the message, for the receiver
	Try      outbox.Try
	Retry    time.Duration // the receiver asked to be left alone so long

	body   []byte
	erased bool // the customer is not there any more
}

// Begun is what one Begin came to.
type Begun struct {
	Sendings []*Sending
	Next     time.Time // when the next delivery is due; zero: none is known
	Busy     bool      // there may be more to begin at once
}

// Begin shares what is new and claims what is due, no more than each endpoint bears.
// Who was given Sendings must Conclude each.
func (d *Deliverer) Begin(ctx context.Context) (Begun, error) {
	var b Begun
	if work, next, err := d.work(ctx); err != nil || !work {
		b.Next = next
		return b, err
	}
	free := d.free()
	err := d.DB.Write(ctx, db.Outcome, "webhook-claim", func(tx *db.Tx) error {
		b = Begun{}
		now, err := tx.Now()
		if err != nil {
			return err
		}
		all, err := outbox.Endpoints(tx)
		if err != nil {
			return err
		}
		shared, err := outbox.Share(tx, all, now, shareMost)
		if err != nil {
			return err
		}
		b.Busy = shared == shareMost
		for i := range all {
			e := &all[i]
			room := EndpointInFlight - free[e.ID]
			if e.State != outbox.Active || now.Before(e.HeldUntil) || room <= 0 {
				continue
			}
			claimed, err := outbox.Claim(tx, e.ID, now, leaseTime, room)
			if err != nil {
				return err
			}
			for _, x := range claimed {
				b.Sendings = append(b.Sendings, &Sending{Delivery: x, Endpoint: *e})
			}
		}
		return d.compose(tx, b.Sendings)
	})
	if err != nil {
		return Begun{}, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, s := range b.Sendings {
		d.flying[s.Endpoint.ID]++
	}
	return b, nil
}

func (d *Deliverer) free() map[int64]int {
	d.mu.Lock()
	defer d.mu.Unlock()
	flying := make(map[int64]int, len(d.flying))
	for id, n := range d.flying {
		flying[id] = n
	}
	return flying
}

// work says whether there is something to share or to send now, and else when there will be.
func (d *Deliverer) work(ctx context.Context) (work bool, next time.Time, err error) {
	err = d.DB.Read(ctx, func(tx *db.Tx) error {
		work, next = false, time.Time{}
		all, err := outbox.Endpoints(tx)
		if err != nil || len(all) == 0 {
			return err
		}
		if work, err = outbox.Pending(tx); err != nil || work {
			return err
		}
		now, err := tx.Now()
		if err != nil {
			return err
		}
		for i := range all {
			if all[i].State != outbox.Active {
				continue
			}
			due, err := outbox.NextDue(tx, all[i].ID)
			if err != nil {
				return err
			}
			if due.IsZero() {
				continue
			}
			if due.Before(all[i].HeldUntil) {
				due = all[i].HeldUntil
			}
			work = work || !due.After(now)
			if next.IsZero() || due.Before(next) {
				next = due
			}
		}
		return nil
	})
	return work, next, err
}

// Conclude keeps what came of a sending, however it went.
func (d *Deliverer) Conclude(ctx context.Context, s *Sending) error {
	d.mu.Lock()
	d.flying[s.Endpoint.ID]--
	d.mu.Unlock()
	chance := d.Jitter()
	return d.DB.Write(ctx, db.Outcome, "webhook-conclude", func(tx *db.Tx) error {
		now, err := tx.Now()
		if err != nil {
			return err
		}
		if s.erased {
			_, err := outbox.Drop(tx, s.Delivery, now)
			return err
		}
		v := judge(s, now, chance)
		if _, err := outbox.Conclude(tx, s.Delivery, s.Try, v.state, v.due, now); err != nil {
			return err
		}
		if v.gone {
			return outbox.DisableGone(tx, s.Endpoint.ID)
		}
		if !v.hold.IsZero() {
			return outbox.Hold(tx, s.Endpoint.ID, v.hold)
		}
		return nil
	})
}

// Turn begins what is due, sends it and keeps what came of it, one after another.
func (d *Deliverer) Turn(ctx context.Context) (next time.Time, busy bool, err error) {
	if err := d.forget(ctx); err != nil {
		return time.Time{}, false, err
	}
	b, err := d.Begin(ctx)
	if err != nil {
		return time.Time{}, false, err
	}
	for _, s := range b.Sendings {
		d.Send(ctx, s)
		err = errors.Join(err, d.Conclude(ctx, s))
	}
	return b.Next, b.Busy || len(b.Sendings) > 0, err
}

// Wake makes an idle Run look at once.
func (d *Deliverer) Wake() {
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

// Run works in real time until ctx ends; then what is on its way has stopGrace to arrive.
// What is cut off is told again when its lease ends.
func (d *Deliverer) Run(ctx context.Context) {
	sending, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var flying sync.WaitGroup
	for ctx.Err() == nil {
		b, err := d.Begin(ctx)
		if err == nil {
			err = d.forget(ctx)
		}
		for _, s := range b.Sendings {
			flying.Go(func() { d.carry(sending, s) })
		}
		if err != nil && ctx.Err() == nil {
			d.Trouble("webhook-claim", err)
			clock.Sleep(ctx, trouble)
			continue
		}
		if !b.Busy {
			d.rest(ctx)
		}
	}
	graceful := context.AfterFunc(ctx, func() {
		clock.Sleep(sending, stopGrace)
		stop()
	})
	defer graceful()
	flying.Wait()
}

// carry sends one and keeps what came of it; while the database is away it tries on.
func (d *Deliverer) carry(ctx context.Context, s *Sending) {
	d.Send(ctx, s)
	if ctx.Err() != nil {
		return // cut off: nobody knows whether it arrived, so it is told again
	}
	if err := d.Conclude(ctx, s); err != nil {
		d.Trouble("webhook-conclude", err) // told again when the lease ends
	}
	d.Wake()
}

func (d *Deliverer) rest(ctx context.Context) {
	t := time.NewTimer(idle)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	case <-d.wake:
	}
}

// forget deletes what was kept long enough, once an hour.
func (d *Deliverer) forget(ctx context.Context) error {
	now := d.Clock.Now()
	d.mu.Lock()
	early := now.Before(d.forgetAt)
	d.mu.Unlock()
	if early {
		return nil
	}
	n := 0
	err := d.DB.Write(ctx, db.Count, "webhook-forget", func(tx *db.Tx) (err error) {
		n, err = outbox.Forget(tx, now.Add(-Kept), forgetMost)
		return err
	})
	if err == nil && n < forgetMost {
		d.mu.Lock()
		d.forgetAt = now.Add(forgetEvery)
		d.mu.Unlock()
	}
	return err
}
