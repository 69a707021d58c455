package engine

import (
	"context"
	"errors"
	"time"

	"github.com/huiyin/huiyin/internal/intake/event"
	"github.com/huiyin/huiyin/internal/measure/study"
	"github.com/huiyin/huiyin/internal/people/customer"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/tally"
)

const (
	foldDeltasMax  = 5_000 // deltas in one transaction
	studyEventsMax = 2_000 // events in one transaction
	foldEvery      = 2 * time.Second
)

// Folder gathers the counts others appended, and tells the studies of the events
// that programs are judged by. Nobody waits for it: reports add up what isn't
// folded yet, and a study is only as new as its place in the log.
type Folder struct {
	db       *db.DB
	programs Source
	now      func() time.Time
	batch    int
}

var _ Turner = (*Folder)(nil)

// Fresh is a source that asks the database each time, for a Folder: were it a moment
// behind the router of another node, it would pass by the successes of a program that
// was published in that moment, and never come back to them.
func Fresh(l *Library) Source {
	return func(ctx context.Context) (*Programs, error) {
		l.Stale()
		return l.Programs(ctx)
	}
}

// NewFolder makes a Folder. programs must not be older than the log it reads: see
// Fresh. now is the engine's time.
func NewFolder(d *db.DB, programs Source, now func() time.Time) *Folder {
	return &Folder{db: d, programs: programs, now: now, batch: studyEventsMax}
}

// Turn folds some deltas and reads some events. It is busy while there may be more of either.
func (f *Folder) Turn(ctx context.Context) (time.Time, bool, error) {
	var folded int
	err := f.db.Write(ctx, db.Count, "fold", func(tx *db.Tx) (err error) {
		folded, err = tally.Fold(tx, foldDeltasMax)
		return err
	})
	if err != nil {
		return time.Time{}, false, err
	}
	read, err := f.study(ctx)
	if err != nil {
		return time.Time{}, false, err
	}
	return f.now().Add(foldEvery), folded >= foldDeltasMax || read >= f.batch, nil
}

// study tells the studies of the next events and says how many it read.
func (f *Folder) study(ctx context.Context) (int, error) {
	var from place
	var events []event.Event
	err := f.db.Read(ctx, func(tx *db.Tx) (err error) {
		if from, err = readPlace(tx, offsetStudy); err != nil {
			return err
		}
		routed, err := readOffset(tx, offsetRoute)
		if err != nil || routed <= from.seq {
			return err
		}
		if events, err = event.Read(tx, from.seq, f.batch); err != nil {
			return err
		}
		// Not beyond the router: only once it has been there are all who entered
		// a study by these events members.
		for len(events) > 0 && events[len(events)-1].Seq > routed {
			events = events[:len(events)-1]
		}
		return nil
	})
	if err != nil || len(events) == 0 {
		return 0, err
	}
	// Asked only now: whatever program the router knew when it was there is known here too.
	programs, err := f.programs(ctx)
	if err != nil {
		return 0, err
	}
	err = f.db.Write(ctx, db.Count, "study", func(tx *db.Tx) error {
		ours, err := moveOffset(tx, offsetStudy, from, events[len(events)-1].Seq)
		if err != nil {
			return err
		}
		if !ours {
			return errTaken
		}
		hits, err := hitsOf(tx, programs, events)
		if err != nil {
			return err
		}
		return study.Observe(tx, hits)
	})
	if errors.Is(err, errTaken) {
		err = nil
	}
	return len(events), err
}

// hitsOf finds the members whom an event of their study's kind befell in their time.
func hitsOf(tx *db.Tx, programs *Programs, events []event.Event) ([]study.Hit, error) {
	refs := map[string]bool{}
	for i := range events {
		if len(programs.byMeasure[events[i].Type]) > 0 {
			refs[events[i].Subject] = true
		}
	}
	if len(refs) == 0 {
		return nil, nil
	}
	found, err := customer.Find(tx, sorted(refs))
	if err != nil {
		return nil, err
	}
	customers := map[int64]bool{}
	for _, id := range found {
		customers[id] = true
	}
	members, err := study.MembersFor(tx, sorted(customers))
	if err != nil {
		return nil, err
	}
	in := make(map[seat]*study.Member, len(members))
	for i := range members {
		in[seat{members[i].Program, members[i].Customer}] = &members[i]
	}
	var hits []study.Hit
	for i := range events {
		e := &events[i]
		for _, w := range programs.byMeasure[e.Type] {
			m := in[seat{w.ID, found[e.Subject]}]
			if m == nil || e.At.Before(m.At) || e.At.After(m.Until) {
				continue
			}
			hits = append(hits, study.Hit{Program: w.ID, Customer: m.Customer, At: e.At})
		}
	}
	return hits, nil
}
