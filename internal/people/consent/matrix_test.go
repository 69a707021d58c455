package consent

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

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
