package study

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"
	"pgregory.net/rapid"

	"github.com/huiyin/huiyin/internal/platform/clock"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/db/dbtest"
	"github.com/huiyin/huiyin/internal/platform/errs"
	"github.com/huiyin/huiyin/internal/platform/ids"
	"github.com/huiyin/huiyin/internal/platform/tally"
)

var start = time.Date(2026, 11, 2, 8, 0, 0, 0, time.UTC)

const (
	program = 7
	day     = 24 * time.Hour
	week    = 7 * day
)

func write(t testing.TB, d *db.DB, fn func(tx *db.Tx) error) {
	t.Helper()
	if err := d.Write(context.Background(), db.Outcome, "test", fn); err != nil {
		t.Fatal(err)
	}
}

func members(t testing.TB, d *db.DB, customers ...int64) []Member {
	t.Helper()
	var all []Member
	if err := d.Read(context.Background(), func(tx *db.Tx) (err error) {
		all, err = MembersFor(tx, customers)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return all
}

// result counts the arms of members who entered on the days from and to, both included.
func result(t testing.TB, d *db.DB, from, to, running int32) []Arm {
	t.Helper()
	var arms []Arm
	if err := d.Read(context.Background(), func(tx *db.Tx) error {
		sums, err := tally.Sum(tx, program, from, to)
		if err != nil {
			return err
		}
		open, err := tally.Sum(tx, program, max(from, running), to)
		arms = Arms(sums, open)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return arms
}

const always, never = 0, daysMax // the first and the last of days

func member(customer int64, arm string) Member {
	return Member{Program: program, Customer: customer, Arm: arm, Control: arm == HeldOut, At: start, Until: start.Add(week)}
}

func TestACustomerBecomesAMemberOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		first := []Member{member(2, HeldOut), member(1, Treated)}
		write(t, d, func(tx *db.Tx) error { return Enroll(tx, first) })
		again := member(1, HeldOut) // a later trigger, and a hold-out share changed meanwhile
		again.At, again.Until = start.Add(day), start.Add(day+week)
		write(t, d, func(tx *db.Tx) error { return Enroll(tx, []Member{again, member(3, Treated), member(3, HeldOut)}) })

		want := []Member{member(1, Treated), member(2, HeldOut), member(3, Treated)}
		if diff := cmp.Diff(want, members(t, d, 1, 2, 3, 4)); diff != "" {
			t.Error(diff)
		}
		if first[0].Customer != 2 {
			t.Error("Enroll reordered the caller's list")
		}
	})
}

func TestOnlyAHitInsideTheWindowCountsAndTheEarliestStays(t *testing.T) {
	cases := []struct {
		name string
		hits []time.Duration // after the start
		want time.Duration   // -1: none
	}{
		{"none", nil, -1},
		{"before the window", []time.Duration{-time.Millisecond}, -1},
		{"after the window", []time.Duration{week + time.Millisecond}, -1},
		{"at its first moment", []time.Duration{0}, 0},
		{"at its last moment", []time.Duration{week}, week},
		{"the later one came first", []time.Duration{3 * day, 2 * day, 5 * day}, 2 * day},
		{"the same one twice", []time.Duration{day, day}, day},
		{"one before, one inside, one after", []time.Duration{-day, day, 8 * day}, day},
	}
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		for i, c := range cases {
			t.Run(c.name, func(t *testing.T) {
				id := int64(i + 1)
				write(t, d, func(tx *db.Tx) error { return Enroll(tx, []Member{member(id, Treated)}) })
				for _, at := range c.hits { // one transaction each, as they come from the log
					hit := Hit{Program: program, Customer: id, At: start.Add(at)}
					other := Hit{Program: program + 1, Customer: id, At: start}
					write(t, d, func(tx *db.Tx) error { return Observe(tx, []Hit{hit, other}) })
				}
				got := members(t, d, id)
				want := time.Time{}
				if c.want >= 0 {
					want = start.Add(c.want)
				}
				if len(got) != 1 || !got[0].HitAt.Equal(want) {
					t.Errorf("got %+v, want a hit at %v", got, want)
				}
			})
		}
	})
}

// A recount in plain Go of everything that was enrolled and observed.
func recount(ms []Member, hits []Hit, from, to, running int32) map[string][3]int64 {
	out := map[string][3]int64{}
	seen := map[int64]bool{}
	for _, m := range ms {
		entered := tally.Day(m.At)
		if seen[m.Customer] {
			continue
		}
		seen[m.Customer] = true
		if entered < from || entered > to {
			continue
		}
		c := out[m.Arm]
		c[0]++
		for _, h := range hits {
			if h.Customer == m.Customer && h.Program == m.Program && !h.At.Before(m.At) && !h.At.After(m.Until) {
				c[1]++
				break
			}
		}
		if entered >= running {
			c[2]++
		}
		out[m.Arm] = c
	}
	return out
}

func TestResultsEqualARecountWhateverTheOrder(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		rapid.Check(t, func(rt *rapid.T) {
			write(t, d, func(tx *db.Tx) error {
				for _, table := range []string{"study_member", "tally_delta", "counter"} {
					if _, err := tx.Exec(`DELETE FROM ` + table); err != nil {
						return err
					}
				}
				return nil
			})
			hours := func(label string, n int) time.Time {
				return start.Add(time.Duration(rapid.IntRange(0, n).Draw(rt, label)) * time.Hour)
			}
			var ms []Member
			for range rapid.IntRange(0, 25).Draw(rt, "members") {
				m := member(rapid.Int64Range(1, 20).Draw(rt, "customer"), rapid.SampledFrom([]string{Treated, HeldOut}).Draw(rt, "arm"))
				m.At = hours("at", 200)
				m.Until = m.At.Add(72 * time.Hour)
				ms = append(ms, m)
			}
			var hits []Hit
			for range rapid.IntRange(0, 40).Draw(rt, "hits") {
				hits = append(hits, Hit{program, rapid.Int64Range(1, 22).Draw(rt, "hit customer"), hours("hit", 300)})
			}
			shuffled := append([]Hit(nil), hits...)
			rand.New(rand.NewPCG(1, uint64(len(hits)))).Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
			half := len(shuffled) / 2
			write(t, d, func(tx *db.Tx) error {
				if err := Enroll(tx, ms); err != nil {
					return err
				}
				if err := Observe(tx, shuffled[half:]); err != nil {
					return err
				}
				return Observe(tx, slices.Concat(shuffled[:half], shuffled)) // some are read twice
			})
			from := tally.Day(hours("from", 100))
			to := from + rapid.Int32Range(0, 10).Draw(rt, "days")
			running := tally.Day(hours("running", 300))
			got := map[string][3]int64{}
			for _, a := range result(t, d, from, to, running) {
				got[a.Name] = [3]int64{a.N, a.Hits, a.Running}
			}
			if diff := cmp.Diff(recount(ms, hits, from, to, running), got); diff != "" {
				rt.Fatal(diff)
			}
			sameAsRows(rt, d)
		})
	})
}

// sameAsRows holds the counters against the rows.
func sameAsRows(t rapid.TB, d *db.DB) {
	t.Helper()
	if err := d.Read(context.Background(), func(tx *db.Tx) error {
		counted, err := tally.Sum(tx, program, 0, daysMax)
		if err != nil {
			return err
		}
		rows, err := Recount(tx, program)
		for k, n := range rows {
			if counted[k] != n {
				t.Fatalf("%v: %d in the rows, %d counted", k, n, counted[k])
			}
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

func TestTheControlComesFirst(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		write(t, d, func(tx *db.Tx) error { return Enroll(tx, []Member{member(1, Treated), member(2, HeldOut)}) })
		want := []Arm{{Name: HeldOut, Control: true, N: 1, Running: 1}, {Name: Treated, N: 1, Running: 1}}
		if diff := cmp.Diff(want, result(t, d, always, never, tally.Day(start))); diff != "" {
			t.Error(diff)
		}
	})
}

func newSource() *ids.Source {
	return ids.New(clock.NewVirtual(start), 1, bytes.NewReader(make([]byte, 1024)))
}

func importRows(t testing.TB, d *db.DB, source *ids.Source, rows []Assignment) Imported {
	t.Helper()
	var out Imported
	write(t, d, func(tx *db.Tx) (err error) {
		out, err = ImportAssignments(tx, source, Plan{program, week}, rows, start)
		return err
	})
	return out
}

func TestImportedAssignmentsStandAndBadRowsCostOnlyThemselves(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		source := newSource()
		first := importRows(t, d, source, []Assignment{
			{"a", "letter", false, start},
			{"b", "none", true, start},
			{"a", "letter", false, start},                   // twice the same
			{"b", "letter", false, start},                   // and here not the same
			{"", "letter", false, start},                    // no customer
			{"c", "", false, start},                         // no arm
			{"d", "letter", true, start},                    // suddenly a control
			{"e", "letter", false, time.Time{}},             // no time
			{"f", "let\nter", false, start},                 // a control character
			{strings.Repeat("x", 200), "none", true, start}, // no id of a wallet
			{"g", "none", true, start},
		})
		var rows []string
		for _, r := range first.Refused {
			rows = append(rows, fmt.Sprintf("%d %s %s", r.Row, r.Err.Code, r.Err.Path))
		}
		want := []string{
			"3 assignment-fixed ", "4 field-invalid customer", "5 field-invalid arm", "6 field-invalid control",
			"7 field-missing at", "8 field-invalid arm", "9 field-invalid customer",
		}
		if diff := cmp.Diff(want, rows); diff != "" || first.New != 3 || first.Same != 1 {
			t.Errorf("new %d, same %d, refused %s", first.New, first.Same, diff)
		}

		second := importRows(t, d, source, []Assignment{{"a", "letter", false, start.Add(day)}, {"b", "letter", false, start}, {"h", "none", false, start}})
		if second.New != 0 || second.Same != 1 || len(second.Refused) != 2 || second.Refused[0].Err.Code != codes.AssignmentFixed || second.Refused[1].Err.Path != "control" {
			t.Errorf("again: %+v", second)
		}
		var kept int64
		if err := d.Read(context.Background(), func(tx *db.Tx) error {
			return tx.QueryRow(`SELECT COUNT(*) FROM assignment a JOIN customer c ON c.id = a.customer_id
				WHERE a.program_id = $1 AND a.at = $2 AND a.control = (a.arm = 'none') AND NOT c.known`, program, db.Millis(start)).Scan(&kept)
		}); err != nil || kept != 3 {
			t.Errorf("%d assignments are kept, want 3 (%v)", kept, err)
		}
		arms := result(t, d, always, never, tally.Day(start))
		if diff := cmp.Diff([]Arm{{"none", true, 2, 0, 2}, {"letter", false, 1, 0, 1}}, arms); diff != "" {
			t.Error(diff)
		}
	})
}

func TestAnImportThatCannotBeRightIsRefusedWhole(t *testing.T) {
	many := make([]Assignment, armsMax+1)
	for i := range many {
		many[i] = Assignment{fmt.Sprint("c", i), fmt.Sprint("arm", i), i == 0, start}
	}
	cases := []struct {
		name string
		plan Plan
		rows []Assignment
		kind errs.Kind
	}{
		{"a program that measures nothing", Plan{program, 0}, many[:2], errs.Conflict},
		{"more arms than a study may have", Plan{program, week}, many, errs.TooLarge},
		{"more rows than one import may have", Plan{program, week}, make([]Assignment, assignmentsMax+1), errs.TooLarge},
	}
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		for _, c := range cases {
			t.Run(c.name, func(t *testing.T) {
				err := d.Write(context.Background(), db.Import, "import", func(tx *db.Tx) error {
					_, err := ImportAssignments(tx, newSource(), c.plan, c.rows, start)
					return err
				})
				if errs.KindOf(err) != c.kind {
					t.Errorf("got %v, want %s", err, c.kind)
				}
			})
		}
	})
}

func TestAHitToldByManyAtOnceIsCountedOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		write(t, d, func(tx *db.Tx) error { return Enroll(tx, []Member{member(1, Treated), member(2, HeldOut)}) })
		var all errgroup.Group
		for i := range 20 {
			all.Go(func() error {
				return d.Write(context.Background(), db.Outcome, "test", func(tx *db.Tx) error {
					return Observe(tx, []Hit{{program, 2, start.Add(time.Hour)}, {program, 1, start.Add(time.Duration(i+1) * time.Hour)}})
				})
			})
		}
		if err := all.Wait(); err != nil {
			t.Fatal(err)
		}
		want := []Arm{{HeldOut, true, 1, 1, 1}, {Treated, false, 1, 1, 1}}
		if diff := cmp.Diff(want, result(t, d, always, never, tally.Day(start))); diff != "" {
			t.Error(diff)
		}
		for _, m := range members(t, d, 1, 2) {
			if !m.HitAt.Equal(start.Add(time.Hour)) {
				t.Errorf("%+v: the earliest hit is an hour after the start", m)
			}
		}
	})
}
