package tally_test

import (
	"sync"
	"testing"

	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/db/dbtest"
	"github.com/huiyin/huiyin/internal/platform/tally"
)

func sum(t *testing.T, d *db.DB, program int64) (n int64) {
	t.Helper()
	err := d.Read(t.Context(), func(tx *db.Tx) error {
		all, err := tally.Sum(tx, program, 0, 100)
		for _, v := range all {
			n += v
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func add(t *testing.T, d *db.DB, k tally.Key, n int64) {
	t.Helper()
	err := d.Write(t.Context(), db.Outcome, "add", func(tx *db.Tx) error {
		var b tally.Batch
		b.Add(k, n)
		return b.Flush(tx)
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestAFoldChangesNoSumHoweverManyFoldAtOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		want := int64(0)
		for i := range 120 {
			n := int64(i%7) - 2 // some are taken back
			add(t, d, tally.Key{Program: 1, Day: int32(i % 3), Metric: "m", Dim: string(rune('a' + i%5))}, n)
			want += n
		}
		if got := sum(t, d, 1); got != want {
			t.Fatalf("before any fold %d, want %d", got, want)
		}
		var folders sync.WaitGroup
		for range 3 {
			folders.Go(func() {
				for {
					n := 0
					if err := d.Write(t.Context(), db.Count, "fold", func(tx *db.Tx) (err error) {
						n, err = tally.Fold(tx, 17)
						return err
					}); err != nil {
						t.Error(err)
						return
					}
					if n == 0 {
						return
					}
					if got := sum(t, d, 1); got != want {
						t.Errorf("in the middle of folding %d, want %d", got, want)
					}
				}
			})
		}
		folders.Wait()
		if got := sum(t, d, 1); got != want {
			t.Fatalf("after folding %d, want %d", got, want)
		}
	})
}

func TestWhatWasRolledBackIsNotCounted(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		_ = d.Write(t.Context(), db.Outcome, "add", func(tx *db.Tx) error {
			var b tally.Batch
			b.Add(tally.Key{Program: 1, Metric: "m"}, 5)
			if err := b.Flush(tx); err != nil {
				return err
			}
			return t.Context().Err() // nil
		})
		err := d.Write(t.Context(), db.Outcome, "add", func(tx *db.Tx) error {
			var b tally.Batch
			b.Add(tally.Key{Program: 1, Metric: "m"}, 7)
			if err := b.Flush(tx); err != nil {
				return err
			}
			return db.ErrNoRows
		})
		if err == nil {
			t.Fatal("no error")
		}
		if got := sum(t, d, 1); got != 5 {
			t.Fatalf("%d, want 5", got)
		}
	})
}
