package engine

import (
	"context"
	"errors"
	"time"

	"github.com/huiyin/huiyin/internal/intake/event"
	"github.com/huiyin/huiyin/internal/people/vault"
	"github.com/huiyin/huiyin/internal/platform/clock"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/ids"
)

const (
	routeBatchEvents = 500 // events in one transaction of the router, unless told otherwise
	oddMax           = 20  // of what is wrong with single customers told of one turn
	overtakenMax     = 100 // turns in a row that come to nothing before somebody hears of it
)

// RouterConfig is what a Router works with.
type RouterConfig struct {
	DB        *db.DB
	Vault     *vault.Vault
	Clock     clock.Clock // nil: the database's, by which all that waits falls due
	IDs       *ids.Source
	Programs  Source
	Catalogue func() *event.Catalogue // as it stands now: says which fields facts add up
	Batch     int                     // events in one transaction; 0: 500
	Trouble   func(text string)       // told of what was wrong with one customer and kept nobody waiting; nil: nobody
}

// Router turns the event log into facts and follow-ups. One turn takes the next
// events of the log in their order and does all that follows from them in one
// transaction, its own place in the log included: whatever kills it, each event
// has taken effect exactly once.
type Router struct {
	RouterConfig
	overtaken int      // turns in a row
	odd       []string // what was wrong with single customers, in the transaction at hand
}

var _ Turner = (*Router)(nil)

// NewRouter makes a Router.
func NewRouter(c RouterConfig) *Router {
	if c.Batch <= 0 {
		c.Batch = routeBatchEvents
	}
	return &Router{RouterConfig: c}
}

// What makes a turn come to nothing, to be begun anew from what holds now.
var (
	errTaken     = errors.New("another node has routed these events, or an erasure has blanked some of them")
	errOvertaken = errors.New("an open follow-up ended, or another began, while this batch was worked on")
)

// Turn routes the next events of the log. It is busy while there may be more.
func (r *Router) Turn(ctx context.Context) (time.Time, bool, error) {
	programs, err := r.Programs(ctx)
	if err != nil {
		return time.Time{}, false, err
	}
	var from place
	var events []event.Event
	err = r.DB.Read(ctx, func(tx *db.Tx) (err error) {
		if from, err = readPlace(tx, offsetRoute); err != nil {
			return err
		}
		events, err = event.Read(tx, from.seq, r.Batch)
		return err
	})
	if err != nil || len(events) == 0 {
		return time.Time{}, false, err
	}
	err = r.DB.Write(ctx, db.Outcome, "route", func(tx *db.Tx) error {
		ours, err := moveOffset(tx, offsetRoute, from, events[len(events)-1].Seq)
		if err != nil {
			return err
		}
		if !ours {
			return errTaken
		}
		now, err := r.now(tx)
		if err != nil {
			return err
		}
		return r.route(tx, programs, now, events)
	})
	if errors.Is(err, errTaken) {
		return time.Time{}, true, nil
	}
	if errors.Is(err, errOvertaken) && r.overtaken < overtakenMax {
		r.overtaken++
		return time.Time{}, true, nil
	}
	r.overtaken = 0
	if err == nil && r.Trouble != nil {
		for _, text := range r.odd {
			r.Trouble(text)
		}
	}
	return time.Time{}, len(events) == r.Batch, err
}

// now is the time by which triggers are late and follow-ups begin. On a node whose clock
// is ahead they would begin late, and a withdrawal of consent would not hold at once; so
// it is the database's, unless told otherwise.
func (r *Router) now(tx *db.Tx) (time.Time, error) {
	if r.Clock == nil {
		return tx.Now()
	}
	return r.Clock.Now().UTC().Truncate(time.Millisecond), nil
}

// route does what follows from the events. It begins from nothing each time it is run.
func (r *Router) route(tx *db.Tx, programs *Programs, now time.Time, events []event.Event) error {
	r.odd = nil
	b := newBatch(r, tx, programs, now, events)
	if err := b.load(); err != nil {
		return err
	}
	for i := range events {
		b.take(&events[i])
	}
	return b.save()
}
