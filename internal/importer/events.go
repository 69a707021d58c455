package importer

import (
	"context"
	"errors"
	"time"

	"github.com/huiyin/huiyin/internal/intake/event"
	"github.com/huiyin/huiyin/internal/platform/clock"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/errs"
)

// busyWaitMost bounds how long an import waits for a database that says "not now".
const busyWaitMost = 5 * time.Minute

// Events imports events: NDJSON, one CloudEvent in each line.
func Events(ctx context.Context, intake *event.Intake, j *Job) error {
	return eachEvent(ctx, j, func(items []event.Item) (event.Result, error) {
		began := clock.System{}.Now()
		for {
			res, err := intake.Accept(ctx, items)
			e, ours := errs.As(err)
			if waited := (clock.System{}).Now().Sub(began); !ours || e.Kind != errs.Busy || waited > busyWaitMost {
				return res, err
			}
			if !clock.Sleep(ctx, max(e.RetryAfter, time.Second)) {
				return res, ctx.Err()
			}
		}
	}, intake.Limits())
}

// CheckEvents judges events by the catalogue and takes none.
func CheckEvents(ctx context.Context, catalogue *event.Catalogue, j *Job, now time.Time) error {
	return eachEvent(ctx, j, func(items []event.Item) (event.Result, error) {
		var res event.Result
		for i := range items {
			if err := catalogue.Check(&items[i].Event); err != nil {
				e, ours := errs.As(err)
				if !ours {
					return res, err
				}
				res.Rejected = append(res.Rejected, event.Rejection{Index: i, Code: e.Code, Detail: e.Error()})
				continue
			}
			res.Accepted++
		}
		return res, nil
	}, event.Limits{Now: now})
}

func eachEvent(ctx context.Context, j *Job, take func([]event.Item) (event.Result, error), limits event.Limits) error {
	if j.Reader.Format != NDJSON {
		return errs.New(errs.Invalid, codes.FileUnreadable, "events are read from NDJSON, one CloudEvent in each line; a CSV has no place for their data")
	}
	read := func(row Row) (event.Item, *errs.Error) {
		item := event.DecodeOne(row.JSON, limits)
		return item, item.Err
	}
	return run(ctx, j, read, func(b *batch[event.Item], refuse func(int, *errs.Error) error) (int, int, error) {
		for i := range b.rows {
			b.rows[i].Index = i
		}
		res, err := take(b.rows)
		if err != nil {
			return 0, 0, err
		}
		var all error
		for _, r := range res.Rejected {
			all = errors.Join(all, refuse(r.Index, errs.New(errs.Invalid, r.Code, "%s", r.Detail)))
		}
		return res.Accepted, res.Duplicate, all
	})
}
