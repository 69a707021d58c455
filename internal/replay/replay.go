package replay

import (
	"context"
	"fmt"
	"strconv"
	"strings"
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
func Place(ctx context.Context, d *db.DB) (now time.Time, events int, ok bool, err error) {
	var text string
	if err := d.Read(ctx, func(tx *db.Tx) (err error) {
		text, err = engine.Setting(tx, placeName)
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
	return db.Time(at), events, true, nil
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
	for stuck := 0; stuck < stuckMax; stuck++ {
		r.Clock.Set(now)
		r.res.To = now
		if err := r.moment(ctx, now); err != nil {
			return r.res, fmt.Errorf("at %s: %w", now.Format(time.RFC3339), err)
		}
		then, err := r.nextMoment(ctx)
		if err != nil || then.IsZero() || (!until.IsZero() && then.After(until)) {
			return r.res, err
		}
		if then.After(now) {
			now, stuck = then, 0
		}
	}
	return r.res, fmt.Errorf("at %s: something stays due and nothing can be done about it", now.Format(time.RFC3339))
}

// moment does all that is to be done at one moment. Where the replay stands is kept
// first: whoever goes on after a kill goes on at this moment, and what was done of
// it already is in the tables.
func (r *run) moment(ctx context.Context, now time.Time) error {
	r.res.Moments++
	if err := r.keepPlace(ctx, now); err != nil {
		return err
	}
	took, err := r.takeIn(ctx, now)
	if err != nil {
		return err
	}
	if took {
		if err := r.keepPlace(ctx, now); err != nil {
			return err
		}
	}
	for range turnsMax {
		busy, err := r.turns(ctx, now)
		if err != nil {
			return err
		}
		if !busy {
			return nil
		}
	}
	return fmt.Errorf("the engine never came to rest in %d turns", turnsMax)
}

func (r *run) keepPlace(ctx context.Context, now time.Time) error {
	return r.DB.Write(ctx, db.Event, "replay", func(tx *db.Tx) error {
		return engine.Keep(tx, placeName, fmt.Sprintf("%d %d", db.Millis(now), r.next))
	})
}

// takeIn gives intake the events of this moment and before.
func (r *run) takeIn(ctx context.Context, now time.Time) (bool, error) {
	took := false
	for r.next < len(r.events) && !r.events[r.next].At.After(now) {
		var items []event.Item
		for i := r.next; i < len(r.events) && len(items) < event.BatchEventsMax && !r.events[i].At.After(now); i++ {
			e := r.events[i]
			e.Received = now
			items = append(items, event.Item{Index: i, Event: e})
		}
		res, err := r.Intake.Accept(ctx, items)
		if err != nil {
			return took, err
		}
		took = true
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
	}
	return took, nil
}

// turns gives each loop one turn, the lanes only where something is due.
func (r *run) turns(ctx context.Context, now time.Time) (busy bool, err error) {
	for _, t := range []engine.Turner{r.Router, r.Folder} {
		_, more, err := t.Turn(ctx)
		if err != nil {
			return false, err
		}
		busy = busy || more
	}
	due, err := r.due(ctx)
	if err != nil {
		return false, err
	}
	for i, lane := range engine.Lanes {
		if due[i].IsZero() || due[i].After(now) {
			continue
		}
		n, _, err := r.Dispatcher.Turn(ctx, lane, r.Dispatcher.Capacity(lane))
		if err != nil {
			return false, err
		}
		r.res.Handled += n
		busy = busy || n > 0
	}
	return busy, nil
}

func (r *run) due(ctx context.Context) (due []time.Time, err error) {
	err = r.DB.Read(ctx, func(tx *db.Tx) error {
		due, err = followup.NextDueOf(tx, engine.Lanes)
		return err
	})
	return due, err
}

// nextMoment is when something happens next: an event, or a follow-up that falls due.
func (r *run) nextMoment(ctx context.Context) (time.Time, error) {
	due, err := r.due(ctx)
	if err != nil {
		return time.Time{}, err
	}
	if r.next < len(r.events) {
		due = append(due, r.events[r.next].At)
	}
	var first time.Time
	for _, t := range due {
		if !t.IsZero() && (first.IsZero() || t.Before(first)) {
			first = t
		}
	}
	return first, nil
}
