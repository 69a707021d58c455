package event

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/db/dbtest"
)

func sample(id string, at time.Time) Event {
	return Event{ID: id, Source: "/wallet/payments", Type: "wallet.app.opened", Subject: "C-" + id, At: at, Received: now, Data: []byte(`{"platform":"面馆"}`)}
}

func appendAll(t *testing.T, d *db.DB, events ...Event) (accepted, duplicates int) {
	t.Helper()
	err := d.Write(context.Background(), db.Event, "append", func(tx *db.Tx) (err error) {
		accepted, duplicates, err = Append(tx, events)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return accepted, duplicates
}

func readLog(t *testing.T, d *db.DB, after int64, limit int) []Event {
	t.Helper()
	var events []Event
	err := d.Read(context.Background(), func(tx *db.Tx) (err error) {
		events, err = Read(tx, after, limit)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return events
}

func TestAnEventIsLoggedOnceAndReadBackAsItCame(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		other := sample("a", now)
		other.Source = "/wallet/support"
		if n, dup := appendAll(t, d, sample("a", now), sample("b", now), sample("a", now), other); n != 3 || dup != 1 {
			t.Errorf("first batch: %d new, %d duplicates", n, dup)
		}
		if n, dup := appendAll(t, d, sample("c", now), sample("b", now), sample("b", now.Add(-2*time.Hour))); n != 2 || dup != 1 {
			t.Errorf("second batch: %d new, %d duplicates; the same id at another hour is another event", n, dup)
		}
		if n, dup := appendAll(t, d, sample("c", now)); n != 0 || dup != 1 {
			t.Errorf("third batch: %d new, %d duplicates", n, dup)
		}
		log := readLog(t, d, 0, 100)
		var got string
		for i, e := range log {
			if i > 0 && e.Seq <= log[i-1].Seq {
				t.Errorf("place %d follows %d", e.Seq, log[i-1].Seq)
			}
			got += e.ID + e.Source[8:9] + " "
		}
		if got != "ap bp as cp bp " {
			t.Errorf("the log holds %s, in another order than they came", got)
		}
		e := log[0]
		e.Seq = 0
		if fmt.Sprint(e) != fmt.Sprint(sample("a", now)) {
			t.Errorf("read back\n%+v, want\n%+v", e, sample("a", now))
		}
		if rest := readLog(t, d, log[2].Seq, 1); len(rest) != 1 || rest[0].ID != "c" {
			t.Errorf("after the third: %+v", rest)
		}
		err := d.Read(context.Background(), func(tx *db.Tx) error {
			some, err := BySeq(tx, []int64{log[3].Seq, log[1].Seq, 1 << 40})
			if err != nil || len(some) != 2 || some[0].ID != "b" || some[1].ID != "c" {
				t.Errorf("by place: %+v %v", some, err)
			}
			if tail, err := Tail(tx); err != nil || tail != log[4].Seq {
				t.Errorf("the tail is %d, %v", tail, err)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

// A reader that goes forward only must meet every event, however many write at once.
func TestAReaderThatGoesForwardMissesNothing(t *testing.T) {
	const writers, batches, size = 8, 25, 7
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		var wg sync.WaitGroup
		for w := range writers {
			wg.Go(func() {
				for b := range batches {
					events := make([]Event, size)
					for i := range events {
						events[i] = sample(fmt.Sprintf("%d-%d-%d", w, b, i), now)
					}
					err := d.Write(context.Background(), db.Event, "append", func(tx *db.Tx) error {
						_, _, err := Append(tx, events)
						return err
					})
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
		done := make(chan struct{})
		go func() { wg.Wait(); close(done) }()
		met := map[string]bool{}
		var after int64
		read := func() int {
			events := readLog(t, d, after, 50)
			for _, e := range events {
				met[e.ID] = true
				after = e.Seq
			}
			return len(events)
		}
		for running := true; running; {
			select {
			case <-done:
				running = false
			default:
				read()
			}
		}
		for read() > 0 {
		}
		if len(met) != writers*batches*size {
			t.Errorf("met %d events of %d", len(met), writers*batches*size)
		}
	})
}
