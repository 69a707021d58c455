package engine

import (
	"fmt"
	"testing"
	"time"

	"github.com/huiyin/huiyin/internal/measure/study"
	"github.com/huiyin/huiyin/internal/people/customer"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/db/dbtest"
	"github.com/huiyin/huiyin/internal/program/program"
)

// fold turns a folder until it has nothing left to do.
func (h *house) fold(f *Folder) {
	h.t.Helper()
	for range 10_000 {
		_, busy, err := f.Turn(h.t.Context())
		if err != nil {
			h.t.Fatal(err)
		}
		if !busy {
			return
		}
	}
	h.t.Fatal("the folder never came to an end")
}

// hit says when the measured event befell a customer, as minutes after noon; "-" for never.
func (h *house) hit(who string) (said string) {
	h.t.Helper()
	said = "-"
	h.read(func(tx *db.Tx) error {
		c, err := customer.Get(tx, who)
		if err != nil {
			return err
		}
		members, err := study.MembersFor(tx, []int64{c.ID})
		if err == nil && len(members) != 1 {
			err = fmt.Errorf("%s is a member of %d studies", who, len(members))
		}
		if err == nil && !members[0].HitAt.IsZero() {
			said = fmt.Sprint(members[0].HitAt.Sub(noon).Minutes())
		}
		return err
	})
	return said
}

func TestAStudyCountsTheMeasuredEventInsideTheWindowInWhateverOrderItIsTold(t *testing.T) {
	minutes := func(m int) time.Time { return noon.Add(time.Duration(m) * time.Minute) }
	cases := []struct {
		name   string
		before []int // minutes at which the measured event happened, told before the trigger
		after  []int // and after it
		want   string
	}{
		{"nothing happened", nil, nil, "-"},
		{"it happened and was told afterwards", nil, []int{20, 10}, "10"},
		{"it was told ahead of the trigger", []int{20, 10}, nil, "10"},
		{"the earliest counts", []int{20}, []int{10}, "10"},
		{"what happened before doesn't count", []int{-1}, nil, "-"},
		{"what happened after the window doesn't count", nil, []int{61}, "-"},
		{"the window's last moment counts", nil, []int{60}, "60"},
	}
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		h.program(func(l *program.Live) { l.Measure = program.Measure{Event: succeeded, Within: time.Hour} })
		r, f := h.router(0), NewFolder(d, h.source(), h.clock.Now)
		for i, c := range cases {
			for _, folding := range []string{"each time", "at the end"} {
				t.Run(c.name+", folded "+folding, func(t *testing.T) {
					h.t = t
					who := fmt.Sprintf("ann-%d-%s", i, folding)
					step := func() {
						h.route(r)
						if folding == "each time" {
							h.fold(f)
						}
					}
					for _, m := range c.before {
						h.log(pay(succeeded, who, minutes(m), nil))
					}
					step()
					h.log(pay(failed, who, noon, nil))
					step()
					for _, m := range c.after {
						h.log(pay(succeeded, who, minutes(m), nil))
					}
					step()
					h.fold(f)
					if got := h.hit(who); got != c.want {
						t.Errorf("hit at minute %s, want %s", got, c.want)
					}
				})
			}
		}
	})
}

func TestTheTriggerItselfIsNoSuccess(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		h.program(func(l *program.Live) { l.Measure = program.Measure{Event: failed, Within: time.Hour} })
		r, f := h.router(0), NewFolder(d, h.source(), h.clock.Now)
		h.log(pay(failed, "ann", noon, nil))
		h.route(r)
		h.fold(f)
		if got := h.hit("ann"); got != "-" {
			t.Errorf("hit at minute %s by the trigger alone", got)
		}
		h.log(pay(failed, "ann", noon.Add(30*time.Minute), nil))
		h.route(r)
		h.fold(f)
		if got := h.hit("ann"); got != "30" {
			t.Errorf("hit at minute %s, want 30", got)
		}
	})
}

func TestTheFolderNeverPassesTheRouter(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		h.program(func(l *program.Live) { l.Measure = program.Measure{Event: succeeded, Within: time.Hour} })
		f := NewFolder(d, h.source(), h.clock.Now)
		h.log(pay(failed, "ann", noon, nil), pay(succeeded, "ann", noon, nil))
		h.fold(f) // nothing is routed yet
		r := h.router(1)
		if _, _, err := r.Turn(t.Context()); err != nil {
			t.Fatal(err)
		}
		h.fold(f)
		h.read(func(tx *db.Tx) error {
			routed, err := readOffset(tx, offsetRoute)
			if err != nil {
				return err
			}
			told, err := readOffset(tx, offsetStudy)
			if err == nil && (told != routed || told == 0) {
				err = fmt.Errorf("the studies are at %d, the router at %d", told, routed)
			}
			return err
		})
		h.route(r)
		h.fold(f)
		if got := h.hit("ann"); got != "0" {
			t.Errorf("hit at minute %s, want 0", got)
		}
	})
}

func TestFoldingChangesNoCount(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		l := h.program(nil)
		r := h.router(3)
		for i := range 20 {
			h.log(pay(failed, fmt.Sprint("c", i%7), noon, nil))
		}
		h.route(r)
		before := fmt.Sprint(h.counted(l.ID))
		h.fold(NewFolder(d, h.source(), h.clock.Now))
		if after := fmt.Sprint(h.counted(l.ID)); after != before {
			t.Errorf("counted %s, after folding %s", before, after)
		}
		h.read(func(tx *db.Tx) error {
			var deltas int64
			err := tx.QueryRow(`SELECT COUNT(*) FROM tally_delta`).Scan(&deltas)
			if err == nil && deltas != 0 {
				err = fmt.Errorf("%d deltas were left", deltas)
			}
			return err
		})
	})
}

func TestTheKeeperGivesASignOfLifeAndForgetsOldKeys(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		node, err := d.ClaimNode(t.Context(), "test")
		if err != nil {
			t.Fatal(err)
		}
		h.log(pay(failed, "ann", noon, nil), pay(failed, "ann", noon.Add(-300*24*time.Hour), nil))
		k := NewKeeper(d, h.clock, node)
		keys := func() (n int64) {
			h.read(func(tx *db.Tx) error { return tx.QueryRow(`SELECT COUNT(*) FROM event_key`).Scan(&n) })
			return n
		}
		for _, step := range []struct {
			days int
			keys int64
		}{{0, 2}, {99, 2}, {103, 1}, {404, 0}} {
			h.clock.Set(noon.Add(time.Duration(step.days) * 24 * time.Hour))
			next, busy, err := k.Turn(t.Context())
			if err != nil || busy || next.Sub(h.clock.Now()) != heartbeatEvery {
				t.Fatalf("next %s, busy %v, %v", next, busy, err)
			}
			if got := keys(); got != step.keys {
				t.Errorf("after %d days %d keys are kept, want %d", step.days, got, step.keys)
			}
		}
	})
}
