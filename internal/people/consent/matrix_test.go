package consent

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/huiyin/huiyin/internal/people/customer"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/db/dbtest"
)

func TestAChoiceChangesTheChosenAndNothingElse(t *testing.T) {
	h := newHouse(t, dbtest.Memory(t, db.Options{}))
	cell := rapid.Custom(func(r *rapid.T) Cell {
		return Cell{rapid.SampledFrom(Lanes).Draw(r, "channel"), rapid.SampledFrom(Purposes).Draw(r, "purpose")}
	})
	at := now
	rapid.Check(t, func(r *rapid.T) {
		for _, s := range rapid.SliceOfN(rapid.SampledFrom([]told{{1, "refuse", "*", "*"}, {2, "refuse", "sms", "*"}, {3, "refuse", "*", "survey"}, {4, "refuse", "email", "notice"}}), 0, 3).Draw(r, "before") {
			h.tell(h.person[1], s)
		}
		before := h.standing()[h.person[1]]
		var choice Choice
		for _, c := range rapid.SliceOfNDistinct(cell, 0, 12, rapid.ID[Cell]).Draw(r, "chosen") {
			if rapid.Bool().Draw(r, "on") {
				choice.On = append(choice.On, c)
			} else {
				choice.Off = append(choice.Off, c)
			}
		}
		at = at.Add(time.Minute)
		h.write(func(tx *db.Tx) error {
			return Choose(tx, h.ids, h.person[1], choice, func(p string) string { return p }, Wish{Source: "page", Proof: "preferences"}, at)
		})
		after := h.standing()[h.person[1]]
		for _, channel := range Lanes {
			for _, purpose := range Purposes {
				c := Cell{channel, purpose}
				want := before.Refuses(c)
				switch {
				case slices.Contains(choice.On, c):
					want = false
					if !after.Allows(c) {
						r.Fatalf("%v was switched on and isn't allowed", c)
					}
				case slices.Contains(choice.Off, c):
					want = true
				}
				if after.Refuses(c) != want {
					r.Fatalf("%v: refused %v, want %v; before %v, chosen %+v, after %v", c, after.Refuses(c), want, before.Refusals, choice, after.Refusals)
				}
			}
		}
		h.write(func(tx *db.Tx) error {
			for _, table := range []string{"refusal", "consent", "wish", "outbox"} {
				if _, err := tx.Exec("DELETE FROM " + table); err != nil {
					return err
				}
			}
			return nil
		})
	})
}

func TestWhoRefusesAllOfTodaysChannelsRefusesTomorrowsToo(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		var choice Choice
		for _, channel := range Lanes {
			choice.Off = append(choice.Off, Cell{channel, "survey"})
		}
		h.write(func(tx *db.Tx) error {
			return Choose(tx, h.ids, h.person[1], choice, func(string) string { return "" }, Wish{Source: "page", Proof: "x"}, now)
		})
		if got := sorted(h.standing()[h.person[1]]); got != "[{* survey}] []" {
			t.Errorf("there stands %s", got)
		}
	})
}

// A form with one tick is on its way while its customer says on the phone that they want no
// contact at all: the tick opens what it is on and nothing else.
func TestATickThatComesWithStopEverythingOpensNothingElse(t *testing.T) {
	d := dbtest.Postgres(t, db.Options{})
	h := newHouse(t, d)
	who, ticked := h.person[3], Cell{"email", "marketing"}
	held, goOn := make(chan struct{}), make(chan struct{})
	var both sync.WaitGroup
	run := func(p db.Priority, fn func(tx *db.Tx) error) {
		both.Go(func() {
			if err := d.Write(context.Background(), p, "test", fn); err != nil {
				t.Error(err)
			}
		})
	}
	var once sync.Once
	run(db.First, func(tx *db.Tx) error {
		if err := customer.Lock(tx, []int64{who}); err != nil {
			return err
		}
		once.Do(func() { close(held) })
		<-goOn
		_, err := Refuse(tx, h.ids, Refusal{Customer: who, Source: "phone"}, now)
		return err
	})
	<-held
	run(db.Outcome, func(tx *db.Tx) error {
		return Choose(tx, h.ids, who, Choice{On: []Cell{ticked}}, func(string) string { return "" }, Wish{Source: "page", Proof: "x"}, now)
	})
	for waiting := 0; waiting == 0; {
		err := d.Read(context.Background(), func(tx *db.Tx) error {
			return tx.QueryRow(`SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
				WHERE NOT l.granted AND a.datname = current_database()`).Scan(&waiting)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	close(goOn)
	both.Wait()
	after := h.standing()[who]
	for _, channel := range Lanes {
		for _, purpose := range Purposes {
			if c := (Cell{channel, purpose}); after.Refuses(c) != (c != ticked) {
				t.Errorf("%v: refused %v; there stands %v", c, after.Refuses(c), after.Refusals)
			}
		}
	}
}
