package audit_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/huiyin/huiyin/internal/platform/audit"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/db/dbtest"
)

const entries = 40

func write(t *testing.T, d *db.DB, fn func(*db.Tx) error) error {
	t.Helper()
	return d.Write(t.Context(), db.Outcome, "test", fn)
}

func fill(t *testing.T, d *db.DB) {
	t.Helper()
	for i := range entries {
		if err := write(t, d, func(tx *db.Tx) error {
			return audit.Append(tx, audit.Entry{Actor: "wang", Act: "program.publish", Object: fmt.Sprint("p", i), Detail: "一"})
		}); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAnUntouchedTrailVerifies(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		fill(t, d)
		if err := write(t, d, func(tx *db.Tx) error {
			n, err := audit.Verify(tx)
			if err == nil && n != entries {
				err = fmt.Errorf("%d entries, want %d", n, entries)
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
	})
}

// tamperings change, remove, add or swap one entry.
var tamperings = []struct{ name, statement string }{
	{"another actor", `UPDATE audit_entry SET actor = 'li' WHERE seq = $1`},
	{"another object", `UPDATE audit_entry SET object = object || '!' WHERE seq = $1`},
	{"another time", `UPDATE audit_entry SET at = at + 1 WHERE seq = $1`},
	{"words moved from one column to the next", `UPDATE audit_entry SET act = act || 'x', object = '' WHERE seq = $1`},
	{"removed", `DELETE FROM audit_entry WHERE seq = $1`},
	{"another hash", `UPDATE audit_entry SET hash = (SELECT hash FROM audit_entry WHERE seq = 1) WHERE seq = $1`},
}

func TestEveryTamperingIsFound(t *testing.T) {
	chance := rand.New(rand.NewPCG(1, 2))
	for i := range 60 {
		tampering := tamperings[i%len(tamperings)]
		seq := int64(2 + chance.IntN(entries-3)) // cutting off the newest shows only against a head kept elsewhere
		t.Run(fmt.Sprint(tampering.name, " ", seq), func(t *testing.T) {
			d := dbtest.Memory(t, db.Options{})
			fill(t, d)
			if err := write(t, d, func(tx *db.Tx) error {
				_, err := tx.Exec(tampering.statement, seq)
				return err
			}); err != nil {
				t.Fatal(err)
			}
			if err := write(t, d, func(tx *db.Tx) error {
				_, err := audit.Verify(tx)
				return err
			}); err == nil {
				t.Fatal("not found")
			}
		})
	}
}

func TestNodesThatAppendAtOnceMakeOneChain(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		done := make(chan error, 4)
		for range 4 {
			go func() {
				var err error
				for i := 0; i < 10 && err == nil; i++ {
					err = d.Write(t.Context(), db.Outcome, "append", func(tx *db.Tx) error {
						return audit.Append(tx, audit.Entry{Actor: "a", Act: "b", Object: "c"})
					})
				}
				done <- err
			}()
		}
		for range 4 {
			if err := <-done; err != nil {
				t.Fatal(err)
			}
		}
		if err := write(t, d, func(tx *db.Tx) error {
			_, err := audit.Verify(tx)
			return err
		}); err != nil {
			t.Fatal(err)
		}
	})
}
