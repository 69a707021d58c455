package event

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/huiyin/huiyin/internal/platform/clock"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/db/dbtest"
	"github.com/huiyin/huiyin/internal/platform/errs"
)

func items(events ...Event) []Item {
	list := make([]Item, len(events))
	for i, e := range events {
		list[i] = Item{Index: i, Event: e}
	}
	return list
}

func TestIntakeCountsWhatItTookAndSaysWhyNot(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		woken := 0
		in := NewIntake(d, clock.NewVirtual(now), catalogue(t), IntakeOptions{Logged: func() { woken++ }})
		unknown := sample("x", now)
		unknown.Type = "wallet.app.opend"
		list := append(items(sample("a", now), unknown, sample("b", now), sample("a", now)), Item{Index: 4, Err: missingAttribute("id", "why")})
		res, err := in.Accept(context.Background(), list)
		if err != nil || res.Accepted != 2 || res.Duplicate != 1 || len(res.Rejected) != 2 || woken != 1 {
			t.Fatalf("%+v %v, woken %d times", res, err, woken)
		}
		if r := res.Rejected[0]; r.Index != 1 || r.Code != "event-type-unknown" {
			t.Errorf("first rejection: %+v", r)
		}
		if r := res.Rejected[1]; r.Index != 4 || r.Code != "field-missing" || r.Detail != "id: id is missing: why" {
			t.Errorf("second rejection: %+v", r)
		}
		if res, err = in.Accept(context.Background(), items(sample("a", now), sample("b", now))); err != nil || res.Duplicate != 2 || woken != 1 {
			t.Errorf("again: %+v %v, woken %d times", res, err, woken)
		}
	})
}

func TestIntakeSaysNoBeforeItTakesAnythingWhenTheRouterIsFarBehind(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		c := clock.NewVirtual(now)
		in := NewIntake(d, c, catalogue(t), IntakeOptions{LagEvents: 20})
		taken := 0
		var refused error
		for i := 0; i < 10 && refused == nil; i++ {
			batch := make([]Event, 5)
			for j := range batch {
				batch[j] = sample(fmt.Sprintf("%d-%d", i, j), now)
			}
			var res Result
			if res, refused = in.Accept(context.Background(), items(batch...)); refused == nil {
				taken += res.Accepted
			}
		}
		e, ok := errs.As(refused)
		if !ok || e.Kind != errs.Busy || e.Code != "backlog-too-long" || e.RetryAfter < time.Second {
			t.Fatalf("refused with %v", refused)
		}
		if logged := len(readLog(t, d, 0, 100)); logged != taken || taken != 25 {
			t.Errorf("%d acknowledged, %d logged; the limit of 20 is judged before each batch of 5", taken, logged)
		}
		setOffset(t, d, readLog(t, d, 0, 100)[10].Seq)
		c.Advance(time.Second)
		if _, err := in.Accept(context.Background(), items(sample("later", now))); err != nil {
			t.Errorf("the router has caught up, yet: %v", err)
		}
	})
}

func setOffset(t *testing.T, d *db.DB, seq int64) {
	t.Helper()
	err := d.Write(context.Background(), db.Outcome, "offset", func(tx *db.Tx) error {
		_, err := tx.Exec(`INSERT INTO log_offset (name, seq) VALUES ('route', $1)`, seq)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestCallersWhoComeTogetherShareTransactionsAndEachIsToldItsOwn(t *testing.T) {
	const callers, each = 40, 5
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		var writes atomic.Int64
		hooked := d.Hooked(func(point string) error {
			if point == "write:intake:begin" {
				writes.Add(1)
				time.Sleep(5 * time.Millisecond) // long enough for the others to gather
			}
			return nil
		})
		in := NewIntake(hooked, clock.NewVirtual(now), catalogue(t), IntakeOptions{})
		var wg sync.WaitGroup
		for i := range callers {
			wg.Go(func() {
				batch := make([]Event, each)
				for j := range batch {
					batch[j] = sample(fmt.Sprintf("%d-%d", i, j), now)
				}
				batch[0] = batch[1]
				res, err := in.Accept(context.Background(), items(batch...))
				if err != nil || res.Accepted != each-1 || res.Duplicate != 1 {
					t.Errorf("caller %d: %+v %v", i, res, err)
				}
			})
		}
		wg.Wait()
		if n := len(readLog(t, d, 0, 1_000)); n != callers*(each-1) {
			t.Errorf("%d logged", n)
		}
		if writes.Load() >= callers/2 {
			t.Errorf("%d callers needed %d transactions", callers, writes.Load())
		}
	})
}

func TestACrashAtTheCommitAcknowledgesNothingAndSendingAgainMends(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		crash := errors.New("crash")
		for _, point := range []string{"write:intake:begin", "write:intake:commit", "write:intake:committed"} {
			in := NewIntake(d.Hooked(func(p string) error {
				if p == point {
					return crash
				}
				return nil
			}), clock.NewVirtual(now), catalogue(t), IntakeOptions{})
			if res, err := in.Accept(context.Background(), items(sample(point, now))); !errors.Is(err, crash) || res.Accepted != 0 {
				t.Errorf("crash at %s: %+v %v", point, res, err)
			}
			in = NewIntake(d, clock.NewVirtual(now), catalogue(t), IntakeOptions{})
			res, err := in.Accept(context.Background(), items(sample(point, now)))
			if err != nil || res.Accepted+res.Duplicate != 1 {
				t.Errorf("after the crash at %s: %+v %v", point, res, err)
			}
		}
		if n := len(readLog(t, d, 0, 100)); n != 3 {
			t.Errorf("%d logged, want each once", n)
		}
	})
}

func TestTenThousandEventsAreCommittedInPartsAndMoreAreRefused(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		in := NewIntake(d, clock.NewVirtual(now), catalogue(t), IntakeOptions{})
		batch := make([]Event, BatchEventsMax+1)
		for i := range batch {
			batch[i] = sample(fmt.Sprint(i), now)
		}
		if _, err := in.Accept(context.Background(), items(batch...)); errs.KindOf(err) != errs.TooLarge {
			t.Errorf("10,001 events: %v", err)
		}
		if res, err := in.Accept(context.Background(), items(batch[1:]...)); err != nil || res.Accepted != BatchEventsMax {
			t.Errorf("10,000 events: %+v %v", res, err)
		}
	})
}
