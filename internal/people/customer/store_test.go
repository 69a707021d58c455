package customer

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/huiyin/huiyin/internal/people/vault"
	"github.com/huiyin/huiyin/internal/people/vault/vaulttest"
	"github.com/huiyin/huiyin/internal/platform/clock"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/db/dbtest"
	"github.com/huiyin/huiyin/internal/platform/errs"
	"github.com/huiyin/huiyin/internal/platform/ids"
)

func source(node uint8) *ids.Source {
	return ids.New(clock.NewVirtual(now), node, strings.NewReader(""))
}

func inTx(t *testing.T, d *db.DB, fn func(tx *db.Tx) error) {
	t.Helper()
	if err := d.Write(context.Background(), db.Outcome, "test", fn); err != nil {
		t.Fatal(err)
	}
}

func upsert(t *testing.T, d *db.DB, s *ids.Source, customers ...*Customer) (changed int) {
	t.Helper()
	for _, c := range customers {
		if err := Normalise(c, keys, now); err != nil {
			t.Fatal(err)
		}
	}
	inTx(t, d, func(tx *db.Tx) (err error) {
		changed, err = Upsert(tx, vaultOf(t, d), s, customers, now)
		return err
	})
	return changed
}

func get(t *testing.T, d *db.DB, ref string) *Customer {
	t.Helper()
	var c *Customer
	if err := d.Read(context.Background(), func(tx *db.Tx) (err error) {
		c, err = Get(tx, ref)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if err := Open(t.Context(), vaultOf(t, d), c); err != nil {
		t.Fatal(err)
	}
	return c
}

var vaults sync.Map // of the tests' databases

// vaultOf is the vault that goes with a database.
func vaultOf(t *testing.T, d *db.DB) *vault.Vault {
	v, ok := vaults.Load(d)
	if !ok {
		v, _ = vaults.LoadOrStore(d, vaulttest.New(t))
	}
	return v.(*vault.Vault)
}

func zhang() *Customer {
	own, err := (&OwnDoc{Windows: []OwnWindow{{Days: []string{"all"}, Hours: []string{"19:00-21:00"}}}}).Policy()
	if err != nil {
		panic(err)
	}
	return &Customer{
		Ref: "C1", Name: "张三", Language: "zh-CN", Country: "CN", BirthYear: 1960, Zones: []string{"Asia/Shanghai"}, Has: []string{"app"}, Own: own,
		Points: []Point{{Channel: "phone", Address: "13800000000", Verified: true}, {Channel: "email", Address: "z@example.com"}},
	}
}

func TestACustomerMetInAnEventIsFilledInLater(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := source(1)
		var met map[string]int64
		inTx(t, d, func(tx *db.Tx) (err error) {
			met, err = Resolve(tx, s, []string{"C2", "C1", "C2"}, now)
			return err
		})
		if len(met) != 2 || met["C1"] == met["C2"] {
			t.Fatalf("met %v", met)
		}
		if c := get(t, d, "C1"); c.Known || c.ID != met["C1"] {
			t.Errorf("a stub is %+v", c)
		}
		if n := upsert(t, d, s, zhang()); n != 1 {
			t.Errorf("%d changed", n)
		}
		c := get(t, d, "C1")
		if !c.Known || c.ID != met["C1"] || c.Name != "张三" || c.Revision != 1 || len(c.Points) != 3 || c.Own == nil || len(c.Points[0].Key) != pointKeyBytes {
			t.Errorf("filled in, it is %+v", c)
		}
		inTx(t, d, func(tx *db.Tx) error {
			again, err := Resolve(tx, s, []string{"C1", "C2"}, now)
			if again["C1"] != met["C1"] || again["C2"] != met["C2"] {
				t.Errorf("resolved to others: %v, before %v", again, met)
			}
			return err
		})
		err := d.Read(context.Background(), func(tx *db.Tx) error {
			_, err := Get(tx, "C9")
			return err
		})
		if errs.KindOf(err) != errs.NotFound {
			t.Errorf("an unknown customer: %v", err)
		}
	})
}

func TestWritingTheSameAgainChangesNothingAndLessTakesAway(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := source(1)
		upsert(t, d, s, zhang())
		first := get(t, d, "C1")
		same := zhang()
		if n := upsert(t, d, s, same); n != 0 || same.Revision != 1 || same.ID != first.ID {
			t.Errorf("%d changed, revision %d", n, same.Revision)
		}
		less := zhang()
		less.Points = []Point{{Channel: "email", Address: "z@example.com", Verified: true}}
		less.Has, less.Own, less.Zones = nil, nil, nil
		if n := upsert(t, d, s, less); n != 1 {
			t.Errorf("%d changed", n)
		}
		c := get(t, d, "C1")
		if c.Revision != 2 || len(c.Points) != 1 || !c.Points[0].Verified || c.Own != nil || c.Has != nil || c.Zones != nil {
			t.Errorf("now %+v", c)
		}
		twice := []*Customer{{Ref: "C3", Name: "old"}, {Ref: "C3", Name: "new"}}
		if n := upsert(t, d, s, twice...); n != 1 || get(t, d, "C3").Name != "new" || twice[0].ID != twice[1].ID {
			t.Errorf("%d changed; of two with one id the later holds: %+v", n, get(t, d, "C3"))
		}
	})
}

func TestNodesThatMeetTheSameNewcomersAgree(t *testing.T) {
	const nodes, refs = 6, 40
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		var wg sync.WaitGroup
		found := make([]map[string]int64, nodes)
		for n := range nodes {
			wg.Go(func() {
				s := source(uint8(n))
				list := make([]string, refs)
				for i := range list {
					list[(i*7+n*11)%refs] = fmt.Sprintf("C%d", i)
				}
				err := d.Write(context.Background(), db.Event, "resolve", func(tx *db.Tx) (err error) {
					found[n], err = Resolve(tx, s, list, now)
					return err
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		for n := range nodes {
			if len(found[n]) != refs || fmt.Sprint(found[n]) != fmt.Sprint(found[0]) {
				t.Errorf("node %d found others", n)
			}
		}
	})
}

func TestFactsAreKeptPerCustomerAndType(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		observe := func(customers []int64, eventType string, at time.Time) {
			inTx(t, d, func(tx *db.Tx) error {
				facts, err := LoadFacts(tx, customers, eventType)
				if err != nil {
					return err
				}
				for _, f := range facts {
					f.Observe(eventType, 1, at, []Amount{{"amount_minor", "CNY", 50}})
				}
				return SaveFacts(tx, facts)
			})
		}
		observe([]int64{1, 2, 3}, paid, now)
		observe([]int64{2}, paid, now.AddDate(0, 0, -10))
		observe([]int64{2}, "wallet.app.opened", now)
		err := d.Read(context.Background(), func(tx *db.Tx) error {
			facts, err := LoadFacts(tx, []int64{1, 2, 4})
			if err != nil {
				return err
			}
			two := View{Customer: &Customer{}, Facts: facts[2], Now: now}
			if two.Sum(paid, "amount_minor", "90d") != 100 || two.Count(paid, "5d") != 1 || two.Count("wallet.app.opened", "1d") != 1 {
				t.Errorf("of customer 2: %+v", facts[2].get(paid))
			}
			if facts[1].Total(paid) != 1 || facts[4] == nil || facts[4].Total(paid) != 0 || len(facts) != 3 {
				t.Errorf("loaded %v", facts)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		inTx(t, d, func(tx *db.Tx) error {
			_, err := tx.Exec(`UPDATE customer_fact SET doc = $1 WHERE customer_id = 3`, []byte{9})
			return err
		})
		err = d.Read(context.Background(), func(tx *db.Tx) error {
			loaded, err := LoadFacts(tx, []int64{3})
			if err != nil {
				return err
			}
			if bad := loaded[3].Damaged; len(bad) == 0 || !strings.Contains(bad[0].Error(), "customer 3") {
				t.Errorf("a damaged row: %v", bad)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

func TestLockingKeepsTwoTransactionsApart(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		c := &Customer{Ref: "C1"}
		upsert(t, d, source(1), c)
		// Each adds one by reading and writing: without the lock some would be lost.
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() {
				err := d.Write(context.Background(), db.Outcome, "count", func(tx *db.Tx) error {
					if err := Lock(tx, []int64{c.ID}); err != nil {
						return err
					}
					var n int
					if err := tx.QueryRow(`SELECT revision FROM customer WHERE id = $1`, c.ID).Scan(&n); err != nil {
						return err
					}
					_, err := tx.Exec(`UPDATE customer SET revision = $1 WHERE id = $2`, n+1, c.ID)
					return err
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if n := get(t, d, "C1").Revision; n != 11 {
			t.Errorf("%d of 10 were counted", n)
		}
	})
}
