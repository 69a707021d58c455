package replay

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/huiyin/huiyin/internal/engine"
	"github.com/huiyin/huiyin/internal/followup"
	"github.com/huiyin/huiyin/internal/intake/event"
	"github.com/huiyin/huiyin/internal/platform/clock"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/errs"
)

// placeName is the setting that holds where a replay stands: its clock in
// milliseconds and how many events of the stream are in the log.
const placeName = "replay-place"

// stuckMax bounds how often a moment is gone through again because something is still due in it.
const stuckMax = 100

// restEvery is how many moments go by before the place is kept and counts are folded:
// both cost a transaction, and neither is missed.
const restEvery = 64

// turnsMax bounds the work at one moment: a loop that never comes to rest is a fault of ours.
const turnsMax = 1_000_000

// Parts are the engine a replay drives. All of it reads Clock.
type Parts struct {
	DB         *db.DB
	Clock      *clock.Virtual
	Intake     *event.Intake
	Router     engine.Turner
	Folder     engine.Turner
	Dispatcher *engine.Dispatcher
	// Progress is told now and then how far the replay is. Nil: nobody.
	Progress func(now time.Time, events, of int)
}

// Result is what a replay did since it was started, or started again.
type Result struct {
	Events     int       `json:"events"`    // taken in
	Duplicate  int       `json:"duplicate"` // in the log already
	Rejected   int       `json:"rejected"`  // by the catalogue
	Handled    int       `json:"handled"`   // due follow-ups looked at
	Moments    int       `json:"moments"`   // at which something happened
	From       time.Time `json:"from"`      // the stream's time
	To         time.Time `json:"to"`
	Resumed    bool      `json:"resumed"`
	FirstFault string    `json:"first_fault,omitempty"` // of a rejected event
}

// Place reads where a replay of this database stands; ok is false if there was none.
// The place is kept now and then. The log may be further on, and then the clock is too:
// what is between the two is known again as duplicates.
func Place(ctx context.Context, d *db.DB) (now time.Time, events int, ok bool, err error) {
	var text string
	var last []event.Event
	if err := d.Read(ctx, func(tx *db.Tx) (err error) {
		if text, err = engine.Setting(tx, placeName); err != nil || text == "" {
			return err
		}
		tail, err := event.Tail(tx)
		if err != nil {
			return err
		}
		last, err = event.BySeq(tx, []int64{tail})
		return err
	}); err != nil || text == "" {
		return time.Time{}, 0, false, err
	}
	ms, n, found := strings.Cut(text, " ")
	at, err1 := strconv.ParseInt(ms, 10, 64)
	events, err2 := strconv.Atoi(n)
	if !found || err1 != nil || err2 != nil {
		return time.Time{}, 0, false, errs.New(errs.Internal, "setting-broken", "the place of the replay reads %q; begin with a new database", text)
	}
	now = db.Time(at)
	if len(last) == 1 && last[0].Received.After(now) {
		now = last[0].Received
	}
	return now, events, true, nil
}

// run is one replay under way.
type run struct {
	Parts
	events []event.Event
	next   int // the first event not yet taken in
	res    Result
}

// Run lives the events through until nothing is due any more, or until is reached
// (zero: no end). The events must be sorted by time.
func Run(ctx context.Context, p Parts, events []event.Event, until time.Time) (Result, error) {
	r := &run{Parts: p, events: events}
	now, next, resumed, err := Place(ctx, p.DB)
	switch {
	case err != nil:
		return r.res, err
	case resumed && next > len(events):
		return r.res, errs.New(errs.Conflict, "replay-other-stream", "%d events of a stream are in this database, and this file has only %d; give the same file, or a new database", next, len(events))
	case resumed:
		r.next, r.res.Resumed = next, true
	case len(events) > 0:
		now = events[0].At
	default:
		return r.res, nil
	}
	r.res.From = now
	if now, err = r.through(ctx, now, until); err == nil {
		err = r.rest(ctx, now)
	}
	if err != nil {
		return r.res, fmt.Errorf("at %s: %w", r.res.To.Format(time.RFC3339), err)
	}
	return r.res, nil
}

// through goes from moment to moment, and says at which nothing was left to do.
func (r *run) through(ctx context.Context, now, until time.Time) (time.Time, error) {
	for stuck := 0; stuck < stuckMax; stuck++ {
		r.Clock.Set(now)
		r.res.To = now
		then, err := r.moment(ctx, now)
		switch {
		case err != nil:
			return now, err
		case !until.IsZero() && (then.IsZero() || then.After(until)):
			if until.After(now) {
				now = until
			}
			return now, nil
		case then.IsZero():
			return now, nil
		}
		if then.After(now) {
			now, stuck = then, 0
		}
	}
	return now, errors.New("something stays due and nothing can be done about it")
}

// rest ends a run: what the folder left for later is done, and the place kept.
func (r *run) rest(ctx context.Context, now time.Time) error {
	r.Clock.Set(now)
	r.res.To = now
	if err := untilIdle(ctx, r.Folder); err != nil {
		return err
	}
	return r.keepPlace(ctx, now)
}

// moment does all that is to be done at one moment, and says when the next one is.
func (r *run) moment(ctx context.Context, now time.Time) (next time.Time, err error) {
	// What else may be in the log was cut off by a kill, or came in over the API.
	route := r.res.Moments%restEvery == 0
	if route {
		if err := r.keepPlace(ctx, now); err != nil {
			return next, err
		}
		if err := untilIdle(ctx, r.Folder); err != nil {
			return next, err
		}
	}
	r.res.Moments++
	for {
		took, err := r.takeIn(ctx, now)
		if err != nil {
			return next, err
		}
		if took || route {
			if err := untilIdle(ctx, r.Router); err != nil {
				return next, err
			}
		}
		if !took {
			break
		}
	}
	for range turnsMax {
		busy, next, err := r.lanes(ctx, now)
		if err != nil || !busy {
			return r.earlier(next), err
		}
	}
	return next, fmt.Errorf("the engine never came to rest in %d turns", turnsMax)
}

// untilIdle gives a loop turns until it has nothing to do.
func untilIdle(ctx context.Context, t engine.Turner) error {
	for range turnsMax {
		if _, busy, err := t.Turn(ctx); err != nil || !busy {
			return err
		}
	}
	return fmt.Errorf("a loop never came to rest in %d turns", turnsMax)
}

func (r *run) keepPlace(ctx context.Context, now time.Time) error {
	return r.DB.Write(ctx, db.Event, "replay", func(tx *db.Tx) error {
		return engine.Keep(tx, placeName, fmt.Sprintf("%d %d", db.Millis(now), r.next))
	})
}

// takeIn gives intake a batch of the events of this moment and before, and says
// whether there was one.
func (r *run) takeIn(ctx context.Context, now time.Time) (took bool, err error) {
	var items []event.Item
	for i := r.next; i < len(r.events) && len(items) < event.BatchEventsMax && !r.events[i].At.After(now); i++ {
		e := r.events[i]
		e.Received = now
		items = append(items, event.Item{Index: i, Event: e})
	}
	if len(items) == 0 {
		return false, nil
	}
	res, err := r.Intake.Accept(ctx, items)
	if err != nil {
		return false, err
	}
	r.next += len(items)
	r.res.Events += res.Accepted
	r.res.Duplicate += res.Duplicate
	r.res.Rejected += len(res.Rejected)
	if r.res.FirstFault == "" && len(res.Rejected) > 0 {
		r.res.FirstFault = fmt.Sprintf("event %d: %s", res.Rejected[0].Index+1, res.Rejected[0].Detail)
	}
	if r.Progress != nil {
		r.Progress(now, r.next, len(r.events))
	}
	return true, nil
}

// lanes gives each lane in which something is due a turn. If there was none, it says
// when the first falls due.
func (r *run) lanes(ctx context.Context, now time.Time) (busy bool, first time.Time, err error) {
	var due []time.Time
	if err := r.DB.Read(ctx, func(tx *db.Tx) error {
		due, err = followup.NextDueOf(tx, engine.Lanes)
		return err
	}); err != nil {
		return false, first, err
	}
	for i, lane := range engine.Lanes {
		switch {
		case due[i].IsZero():
			continue
		case due[i].After(now):
			if first.IsZero() || due[i].Before(first) {
				first = due[i]
			}
			continue
		}
		n, err := r.contact(ctx, lane)
		if err != nil {
			return false, first, err
		}
		r.res.Handled += n
		busy = busy || n > 0
		if n == 0 { // due, and yet nobody's: looked at again, a bounded number of times
			first = now
		}
	}
	return busy, first, nil
}

// contact takes one batch of a lane through: recorded, looked at once more, sent side by
// side as far as the channel bears it, and concluded.
func (r *run) contact(ctx context.Context, lane string) (handled int, err error) {
	b, err := r.Dispatcher.Record(ctx, lane, r.Dispatcher.Capacity(lane))
	if err != nil {
		return 0, err
	}
	// Told to stop, a replay still sees what it recorded to its end: cut off, it would be in doubt.
	ctx = context.WithoutCancel(ctx)
	if err := r.Dispatcher.Look(ctx, b.Sendings); err != nil {
		return 0, err
	}
	var sends sync.WaitGroup
	for _, s := range b.Sendings {
		sends.Go(func() { r.Dispatcher.Send(ctx, s) })
	}
	sends.Wait()
	return b.Handled, r.Dispatcher.Conclude(ctx, b.Sendings)
}

// earlier is the earlier of a moment and the next event's, zero being never.
func (r *run) earlier(t time.Time) time.Time {
	if r.next < len(r.events) && (t.IsZero() || r.events[r.next].At.Before(t)) {
		return r.events[r.next].At
	}
	return t
}
