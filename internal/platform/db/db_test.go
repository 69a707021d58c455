package db_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/db/dbtest"
	"github.com/huiyin/huiyin/internal/platform/errs"
)

func count(t *testing.T, d *db.DB) (n int) {
	t.Helper()
	err := d.Read(t.Context(), func(tx *db.Tx) error { return tx.QueryRow(`SELECT COUNT(*) FROM setting`).Scan(&n) })
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func put(name string) func(*db.Tx) error {
	return func(tx *db.Tx) error {
		_, err := tx.Exec(`INSERT INTO setting (name, value) VALUES ($1, $2)`, name, "v")
		return err
	}
}

func TestWriteIsSeenAfterItReturns(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		if err := d.Write(t.Context(), db.Event, "put", put("a")); err != nil {
			t.Fatal(err)
		}
		if n := count(t, d); n != 1 {
			t.Fatalf("%d rows, want 1", n)
		}
	})
}

func TestOneCallersErrorCostsTheOthersNothing(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		var wg sync.WaitGroup
		oops := errors.New("oops")
		wrong := make(chan error, 100)
		for i := range 100 {
			wg.Go(func() {
				err := d.Write(t.Context(), db.Event, "put", func(tx *db.Tx) error {
					if err := put(fmt.Sprint(i))(tx); err != nil {
						return err
					}
					switch i % 4 {
					case 1:
						return oops
					case 2:
						panic("oops")
					case 3: // a statement that fails
						return put(fmt.Sprint(i))(tx)
					}
					return nil
				})
				if (err == nil) != (i%4 == 0) {
					wrong <- fmt.Errorf("caller %d got %v", i, err)
				}
			})
		}
		wg.Wait()
		close(wrong)
		for err := range wrong {
			t.Error(err)
		}
		if n := count(t, d); n != 25 {
			t.Fatalf("%d rows, want the 25 of the callers that succeeded", n)
		}
	})
}

func TestUrgentWritersGoFirst(t *testing.T) {
	d := dbtest.SQLite(t, db.Options{})
	hold, held := make(chan struct{}), make(chan struct{})
	var mu sync.Mutex
	var order []string
	note := func(s string) func(*db.Tx) error {
		return func(*db.Tx) error { mu.Lock(); defer mu.Unlock(); order = append(order, s); return nil }
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		_ = d.Write(t.Context(), db.Event, "hold", func(*db.Tx) error { close(held); <-hold; return nil })
	})
	<-held
	for i, p := range []db.Priority{db.Import, db.Event, db.Outcome, db.First} {
		wg.Go(func() { _ = d.Write(t.Context(), p, "note", note(fmt.Sprint(p))) })
		for d.Queued() < i+1 {
			time.Sleep(time.Millisecond)
		}
	}
	close(hold)
	wg.Wait()
	if got := fmt.Sprint(order); got != "[0 1 2 4]" {
		t.Fatalf("order %s, want refusals and answers (0) first and imports (4) last", got)
	}
}

func TestTheSameTextWorksOnBothEngines(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		err := d.Write(t.Context(), db.Event, "mixed", func(tx *db.Tx) error {
			// arguments out of order, lists, booleans, bytes, upsert, returning
			if _, err := tx.Exec(`INSERT INTO setting (value, name) VALUES ($2, $1)`, "name", "value"); err != nil {
				return err
			}
			var name string
			if err := tx.QueryRow(`UPDATE setting SET value = $2 WHERE name = $1 RETURNING name`, "name", "w").Scan(&name); err != nil || name != "name" {
				return fmt.Errorf("returning: %q %w", name, err)
			}
			if _, err := tx.Each(`INSERT INTO customer (id, ref, known, created_at, updated_at) VALUES ($1, $2, $3, 0, 0)`, 10,
				func(i int) []any { return []any{int64(i), fmt.Sprint("c", i), i%2 == 0} }); err != nil {
				return err
			}
			byID, err := db.All(tx, scanBool, `SELECT known FROM customer WHERE id = ANY($1) ORDER BY id FOR UPDATE`, []int64{2, 3, 99})
			if err != nil || fmt.Sprint(byID) != "[true false]" {
				return fmt.Errorf("by id: %v %w", byID, err)
			}
			byRef, err := db.All(tx, scanBool, `SELECT known FROM customer WHERE ref = ANY($1) AND known = $2`, []string{"c1", "c4", "c'"}, true)
			if err != nil || fmt.Sprint(byRef) != "[true]" {
				return fmt.Errorf("by ref: %v %w", byRef, err)
			}
			if err := tx.QueryRow(`SELECT known FROM customer WHERE id = $1`, int64(77)).Scan(new(bool)); !errors.Is(err, db.ErrNoRows) {
				return fmt.Errorf("no row gives %w", err)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

func scanBool(r *db.Rows) (b bool, err error) { return b, r.Scan(&b) }

func TestANewerDatabaseIsRefusedAndLeftAlone(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		err := d.Write(t.Context(), db.First, "future", func(tx *db.Tx) error {
			_, err := tx.Exec(`INSERT INTO schema_version (version, name, applied_at) VALUES (9999, 'future', 0)`)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Migrate(t.Context()); errs.CodeOf(err) != "database-newer" {
			t.Fatalf("got %v, want a refusal that says the database is newer", err)
		}
	})
}

func TestMigratingTwiceChangesNothing(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		if err := d.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		if v, err := d.Version(t.Context()); err != nil || v != db.SchemaVersion() {
			t.Fatalf("version %d, %v", v, err)
		}
	})
}

func TestTwoProcessesMayUseOneFile(t *testing.T) {
	path := "sqlite:" + t.TempDir() + "/x.db"
	var all []*db.DB
	for range 2 {
		d, err := db.Open(t.Context(), path, db.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = d.Close() }()
		if err := d.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		all = append(all, d)
	}
	var wg sync.WaitGroup
	for i, d := range all {
		for j := range 50 {
			wg.Go(func() {
				if err := d.Write(context.Background(), db.Event, "put", put(fmt.Sprint(i, "-", j))); err != nil {
					t.Error(err)
				}
			})
		}
	}
	wg.Wait()
	if n := count(t, all[0]); n != 100 {
		t.Fatalf("%d rows, want 100", n)
	}
}

func TestNodesLivingTogetherHaveDifferentNumbers(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		seen := map[uint8]bool{}
		for range 40 {
			n, err := d.ClaimNode(t.Context(), "test")
			if err != nil {
				t.Fatal(err)
			}
			if seen[n] {
				t.Fatalf("number %d was given twice", n)
			}
			seen[n] = true
		}
	})
}

func TestAHookStopsTheCallerWhereItSays(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		dead := errors.New("dead")
		for point, rows := range map[string]int{"write:put:begin": 0, "write:put:commit": 0, "write:put:committed": 1} {
			before := count(t, d)
			h := d.Hooked(func(p string) error {
				if p == point {
					return dead
				}
				return nil
			})
			if err := h.Write(t.Context(), db.Event, "put", put(point)); !errors.Is(err, dead) {
				t.Fatalf("%s: %v", point, err)
			}
			if n := count(t, d) - before; n != rows {
				t.Fatalf("%s: %d rows kept, want %d", point, n, rows)
			}
		}
	})
}

func TestAClosedDatabaseSaysSo(t *testing.T) {
	d, err := db.Open(t.Context(), "sqlite:"+t.TempDir()+"/x.db", db.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if err := d.Write(t.Context(), db.First, "put", put("a")); errs.KindOf(err) != errs.Unavailable {
		t.Fatalf("got %v", err)
	}
}
