package event

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/huiyin/huiyin/internal/platform/clock"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/errs"
)

const (
	lagEventsMax   = 200_000 // events the router may be behind before intake says no
	queuedMax      = 2_000   // writers that may wait for the database
	waitingMax     = 100_000 // events that may wait here for their commit
	groupEventsMax = 1_000   // events in one transaction: longer ones would keep refusals waiting
	lagAge         = 200 * time.Millisecond
	routePerSecond = 10_000 // a cautious guess of how fast a backlog shrinks, for Retry-After
	retryAfterMin  = time.Second
	retryAfterMax  = time.Minute
	commitTimeout  = 30 * time.Second
)

// Rejection says why one event of a request wasn't taken.
type Rejection struct {
	Index  int    `json:"index"`
	Code   string `json:"code"`
	Detail string `json:"detail"`
}

// Result is what became of a request.
type Result struct {
	Accepted  int         `json:"accepted"`
	Duplicate int         `json:"duplicate"`
	Rejected  []Rejection `json:"rejected"`
}

// IntakeOptions bound an Intake. The zero value of a field stands for its default.
type IntakeOptions struct {
	LagEvents int64  // lagEventsMax: how far the router may be behind
	Queued    int    // queuedMax: writers that may wait for the database
	Logged    func() // called after events were committed, to wake the router; nil: nobody
}

// Intake takes events in: judged, deduplicated and durable before it answers. It is safe for
// concurrent use; callers that come together share a transaction.
type Intake struct {
	db        *db.DB
	clock     clock.Clock
	options   IntakeOptions
	catalogue atomic.Pointer[Catalogue]

	turn chan struct{} // held by the caller that commits for all who wait

	mu      sync.Mutex
	waiting []*entry
	events  int // in waiting

	lag lagMeter
}

// entry is one caller's events on their way into the log.
type entry struct {
	events              []Event
	accepted, duplicate int
	err                 error
	done                chan struct{}
}

// NewIntake makes an Intake over a database.
func NewIntake(d *db.DB, c clock.Clock, catalogue *Catalogue, o IntakeOptions) *Intake {
	if o.LagEvents == 0 {
		o.LagEvents = lagEventsMax
	}
	if o.Queued == 0 {
		o.Queued = queuedMax
	}
	in := &Intake{db: d, clock: c, options: o, turn: make(chan struct{}, 1)}
	in.catalogue.Store(catalogue)
	return in
}

// SetCatalogue changes what events are judged by from now on.
func (in *Intake) SetCatalogue(c *Catalogue) { in.catalogue.Store(c) }

// Catalogue is what events are judged by.
func (in *Intake) Catalogue() *Catalogue { return in.catalogue.Load() }

// Limits are the bounds for Decode at this moment.
func (in *Intake) Limits() Limits { return Limits{Now: in.clock.Now()} }

// Accept judges the items by the catalogue and appends the good ones. When it returns without
// an error everything it counts is durable. With an error some may be in the log: sending the
// same request again is always right, since what is there counts as a duplicate.
func (in *Intake) Accept(ctx context.Context, items []Item) (Result, error) {
	res := Result{Rejected: []Rejection{}}
	if len(items) > BatchEventsMax {
		return res, errs.New(errs.TooLarge, codes.BatchTooLarge, "%d events came at once; at most %d are allowed: send smaller batches", len(items), BatchEventsMax)
	}
	if err := in.ready(ctx); err != nil {
		return res, err
	}
	events := make([]Event, 0, len(items))
	catalogue := in.catalogue.Load()
	for i := range items {
		bad := items[i].Err
		if bad == nil {
			if e, ok := errs.As(catalogue.Check(&items[i].Event)); ok {
				bad = e
			}
		}
		if bad != nil {
			res.Rejected = append(res.Rejected, Rejection{Index: items[i].Index, Code: bad.Code, Detail: bad.Error()})
			continue
		}
		events = append(events, items[i].Event)
	}
	for part := range chunks(events) {
		e, err := in.commit(ctx, part)
		if err != nil {
			return Result{Rejected: []Rejection{}}, err
		}
		res.Accepted += e.accepted
		res.Duplicate += e.duplicate
	}
	if res.Accepted > 0 && in.options.Logged != nil {
		in.options.Logged()
	}
	return res, nil
}

func chunks(events []Event) func(yield func([]Event) bool) {
	return func(yield func([]Event) bool) {
		for len(events) > 0 {
			n := min(len(events), groupEventsMax)
			if !yield(events[:n]) {
				return
			}
			events = events[n:]
		}
	}
}

// ready refuses work before any of it is done: an event that was acknowledged is a promise,
// and promises are only made when they can be kept in time.
func (in *Intake) ready(ctx context.Context) error {
	if n := in.db.Queued(); n > in.options.Queued {
		return errs.New(errs.Busy, codes.Busy, "%d writers wait for the database; send this again a little later", n).After(retryAfterMin)
	}
	lag, err := in.lag.events(ctx, in.db, in.clock.Now(), in.options.LagEvents)
	if err != nil {
		return err
	}
	if lag > in.options.LagEvents {
		after := time.Duration(lag-in.options.LagEvents) * time.Second / routePerSecond
		after = min(max(after, retryAfterMin), retryAfterMax)
		return errs.New(errs.Busy, codes.BacklogTooLong,
			"%d events wait to be worked on; send this again in %s", lag, after.Round(time.Second)).After(after)
	}
	return nil
}

// commit puts events into the next shared transaction and waits until it is durable.
func (in *Intake) commit(ctx context.Context, events []Event) (*entry, error) {
	e := &entry{events: events, done: make(chan struct{})}
	if err := in.join(e); err != nil {
		return nil, err
	}
	for {
		select {
		case <-e.done:
			return e, e.err
		case in.turn <- struct{}{}:
			in.commitGroup(ctx)
			<-in.turn
		case <-ctx.Done():
			if in.leave(e) {
				return nil, ctx.Err()
			}
			<-e.done // it is being written, and its data may be the caller's buffer
			return e, e.err
		}
	}
}

func (in *Intake) join(e *entry) error {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.events+len(e.events) > waitingMax {
		return errs.New(errs.Busy, codes.Busy, "%d events wait to be written; send this again a little later", in.events).After(retryAfterMin)
	}
	in.waiting = append(in.waiting, e)
	in.events += len(e.events)
	return nil
}

// leave takes back an entry nobody has begun to write.
func (in *Intake) leave(e *entry) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	for i, w := range in.waiting {
		if w == e {
			in.waiting = append(in.waiting[:i], in.waiting[i+1:]...)
			in.events -= len(e.events)
			return true
		}
	}
	return false
}

// take removes the entries of the next transaction, first come first served.
func (in *Intake) take() []*entry {
	in.mu.Lock()
	defer in.mu.Unlock()
	n, events := 0, 0
	for n < len(in.waiting) && (n == 0 || events+len(in.waiting[n].events) <= groupEventsMax) {
		events += len(in.waiting[n].events)
		n++
	}
	group := append([]*entry(nil), in.waiting[:n]...)
	in.waiting = append(in.waiting[:0], in.waiting[n:]...)
	in.events -= events
	return group
}

// commitGroup writes the next group in one transaction. Should that fail for a reason that may
// lie in one caller's events, each is tried alone, so that nobody fails for another's.
func (in *Intake) commitGroup(ctx context.Context) {
	group := in.take()
	if len(group) == 0 {
		return
	}
	// The group outlives the request of whoever happens to write it.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), commitTimeout)
	defer cancel()
	err := in.write(ctx, group)
	for _, e := range group {
		e.err = err
		if err != nil && len(group) > 1 && errs.KindOf(err) == errs.Internal && !errors.Is(err, context.DeadlineExceeded) {
			e.err = in.write(ctx, []*entry{e})
		}
		close(e.done)
	}
}

func (in *Intake) write(ctx context.Context, group []*entry) error {
	total := 0
	err := in.db.Write(ctx, db.Event, "intake", func(tx *db.Tx) error {
		total = 0
		for _, e := range group {
			var err error
			if e.accepted, e.duplicate, err = Append(tx, e.events); err != nil {
				return err
			}
			total += e.accepted
		}
		return nil
	})
	if err == nil {
		in.lag.add(int64(total))
	}
	return err
}

// lagMeter knows how far the router is behind. Measuring reads the database, so it is done
// now and then, and what was accepted since is added.
type lagMeter struct {
	mu       sync.Mutex
	measured int64
	since    int64
	at       time.Time
}

func (l *lagMeter) add(n int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.since += n
}

func (l *lagMeter) events(ctx context.Context, d *db.DB, now time.Time, limit int64) (int64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	age := now.Sub(l.at)
	if !l.at.IsZero() && age >= 0 && age < lagAge && l.since <= limit/10 && l.measured+l.since <= limit {
		return l.measured + l.since, nil
	}
	var tail, offset int64
	err := d.Read(ctx, func(tx *db.Tx) (err error) {
		if tail, err = Tail(tx); err != nil {
			return err
		}
		err = tx.QueryRow(`SELECT seq FROM log_offset WHERE name = 'route'`).Scan(&offset)
		if errors.Is(err, db.ErrNoRows) {
			return nil
		}
		return err
	})
	if err != nil {
		return 0, err
	}
	l.measured, l.since, l.at = max(tail-offset, 0), 0, now
	return l.measured, nil
}
