package acts

import (
	"bytes"
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/huiyin/huiyin/internal/followup"
	"github.com/huiyin/huiyin/internal/people/customer"
	"github.com/huiyin/huiyin/internal/people/vault/vaulttest"
	"github.com/huiyin/huiyin/internal/platform/clock"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/crypt"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/db/dbtest"
	"github.com/huiyin/huiyin/internal/platform/ids"
	"github.com/huiyin/huiyin/internal/platform/tally"
)

// held makes a follow-up that waits because its customer isn't known.
func held(t *testing.T, d *db.DB, source *ids.Source, ref string, id int64) {
	t.Helper()
	err := d.Write(t.Context(), db.Import, "test", func(tx *db.Tx) error {
		found, err := customer.Resolve(tx, source, []string{ref}, time.Now())
		if err != nil {
			return err
		}
		var counts tally.Batch
		_, err = followup.Start(tx, &counts, []followup.FollowUp{{
			ID: id, Program: id, Version: 1, Customer: found[ref], TriggerType: "x", TriggerData: "{}",
			State: followup.Waiting, Reason: codes.CustomerUnknown, Lane: "sms", DueAt: time.Now().Add(time.Hour), Deadline: time.Now().Add(48 * time.Hour),
		}})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestCustomersAndContactsTakeTheirLocksInOneOrder(t *testing.T) {
	d := dbtest.Postgres(t, db.Options{})
	source := ids.New(clock.System{}, 1, bytes.NewReader(make([]byte, 1<<16)))
	held(t, d, source, "a", 1)
	var begun, recorded atomic.Int64
	h := &House{DB: d.Watched(func(s db.Statement) {
		if s.Begin {
			begun.Add(1)
		}
	}), Clock: clock.System{}, Vault: vaulttest.New(t), IDs: source, Keys: crypt.FromSeed([]byte("test"))}
	put := make(chan error, 1)
	// What recording a contact does: the follow-up is locked, then its customer.
	err := d.Write(t.Context(), db.Outcome, "record", func(tx *db.Tx) error {
		again := recorded.Add(1) > 1
		due, err := followup.Due(tx, "sms", time.Now().Add(2*time.Hour), 10)
		if err != nil || again {
			return err
		}
		go func() {
			_, err := h.PutCustomers(context.Background(), db.Event, []*customer.Customer{{Ref: "a", Country: "CN"}})
			put <- err
		}()
		time.Sleep(300 * time.Millisecond) // until it waits for what is locked here
		return customer.Lock(tx, []int64{due[0].Customer})
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := <-put; err != nil {
		t.Fatal(err)
	}
	if begun.Load() != 1 || recorded.Load() != 1 {
		t.Errorf("putting the customer took %d tries and recording %d: they waited for each other", begun.Load(), recorded.Load())
	}
}

func TestWhoIsPutIsWokenWhateverHeldThemMeanwhile(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		source := ids.New(clock.System{}, 1, bytes.NewReader(make([]byte, 1<<16)))
		held(t, d, source, "a", 1)
		held(t, d, source, "b", 2)
		h := &House{DB: d, Clock: clock.System{}, Vault: vaulttest.New(t), IDs: source, Keys: crypt.FromSeed([]byte("test"))}
		if _, err := h.PutCustomers(t.Context(), db.Event, []*customer.Customer{{Ref: "a", Country: "CN"}}); err != nil {
			t.Fatal(err)
		}
		var due []followup.FollowUp
		err := d.Write(t.Context(), db.Import, "test", func(tx *db.Tx) (err error) {
			due, err = followup.Due(tx, "sms", time.Now().Add(time.Second), 10)
			return err
		})
		if err != nil || len(due) != 1 || due[0].ID != 1 {
			t.Errorf("due are %+v, %v; want the follow-up of the one who was put", due, err)
		}
	})
}

func TestAllWhoWereHeldAreWokenSomeAtATime(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		now := time.Now()
		err := d.Write(t.Context(), db.Import, "test", func(tx *db.Tx) error {
			var counts tally.Batch
			var fs []followup.FollowUp
			for i := range int64(25) {
				reason := codes.ProgramPaused
				if i%5 == 4 {
					reason = codes.CapReached
				}
				fs = append(fs, followup.FollowUp{
					ID: i + 1, Program: 7, Version: 1, Customer: 100 + i/2, Reentry: string(rune('a' + i%2)), TriggerType: "x", TriggerData: "{}",
					State: followup.Waiting, Reason: reason, Lane: "sms", DueAt: now.Add(time.Hour), Deadline: now.Add(48 * time.Hour),
				})
			}
			_, err := followup.Start(tx, &counts, fs)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		turns := 0
		for after := int64(0); ; turns++ {
			var last int64
			err := d.Write(t.Context(), db.Import, "test", func(tx *db.Tx) (err error) {
				last, err = followup.WakeSome(tx, 7, codes.ProgramPaused, now, after, 4)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			if after = last; last == 0 {
				break
			}
		}
		var due []followup.FollowUp
		err = d.Write(t.Context(), db.Import, "test", func(tx *db.Tx) (err error) {
			due, err = followup.Due(tx, "sms", now, 100)
			return err
		})
		if err != nil || len(due) != 20 || turns < 4 {
			t.Errorf("%d are due after %d turns, %v; want 20 after several", len(due), turns, err)
		}
	})
}
