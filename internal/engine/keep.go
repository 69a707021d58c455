package engine

import (
	"context"
	"errors"
	"time"

	"github.com/huiyin/huiyin/internal/channel/inapp"
	"github.com/huiyin/huiyin/internal/hear/feedback"
	"github.com/huiyin/huiyin/internal/hear/reply"
	"github.com/huiyin/huiyin/internal/intake/event"
	"github.com/huiyin/huiyin/internal/platform/clock"
	"github.com/huiyin/huiyin/internal/platform/db"
)

const (
	heartbeatEvery = time.Minute // a third of the time after which a node's number may go to another
	forgetEvery    = time.Hour
	forgetKeysMax  = 5_000 // keys in one transaction
	// forgetAfter leaves a day between what intake still takes and what is forgotten,
	// for nodes whose clocks differ.
	forgetAfter = event.PastMax + 24*time.Hour
	// repliesKept is how long what customers wrote back is kept.
	repliesKept = 400 * 24 * time.Hour
)

// Keeper gives the node's sign of life and forgets what has outlived its use.
type Keeper struct {
	db    *db.DB
	clock clock.Clock
	node  uint8

	// Erasing, if set, is taken on where it was cut off.
	Erasing *Eraser

	forgetAt time.Time
}

var _ Turner = (*Keeper)(nil)

// NewKeeper makes the Keeper of a node.
func NewKeeper(d *db.DB, c clock.Clock, node uint8) *Keeper {
	return &Keeper{db: d, clock: c, node: node}
}

// Turn gives a sign of life, and once an hour forgets by what events were known again
// that are too old to come a second time.
func (k *Keeper) Turn(ctx context.Context) (time.Time, bool, error) {
	if err := k.db.KeepNode(ctx, k.node); err != nil {
		return time.Time{}, false, err
	}
	var erasing error // an erasure that fails keeps nothing else from being forgotten
	if k.Erasing != nil {
		var busy bool
		if busy, erasing = k.Erasing.Turn(ctx); busy && erasing == nil {
			return time.Time{}, true, nil
		}
	}
	now := k.clock.Now()
	next := now.Add(heartbeatEvery)
	if now.Before(k.forgetAt) {
		return next, false, erasing
	}
	most, err := k.forget(ctx, now)
	if err = errors.Join(err, erasing); err != nil {
		return time.Time{}, false, err
	}
	if most < forgetKeysMax {
		k.forgetAt = now.Add(forgetEvery)
		return next, false, nil
	}
	return next, true, nil
}

// forget forgets some of each sort, and says of how many there were most: at the limit there
// may be more.
func (k *Keeper) forget(ctx context.Context, now time.Time) (most int64, err error) {
	return most, k.db.Write(ctx, db.Count, "forget", func(tx *db.Tx) error {
		most = 0
		for _, some := range []func() (int64, error){
			func() (int64, error) { return event.Forget(tx, now.Add(-forgetAfter), forgetKeysMax) },
			func() (int64, error) { return reply.Forget(tx, now.Add(-repliesKept), forgetKeysMax) },
			func() (int64, error) { return inapp.Forget(tx, now, forgetKeysMax) },
			func() (int64, error) { return feedback.Forget(tx, now, forgetKeysMax) },
		} {
			n, err := some()
			if err != nil {
				return err
			}
			most = max(most, n)
		}
		return nil
	})
}
