package report

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/huiyin/huiyin/internal/contact/attempt"
	"github.com/huiyin/huiyin/internal/followup"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/errs"
	"github.com/huiyin/huiyin/internal/platform/tally"
)

// plainly leaves out of a comparison what words say and definitions define.
var plainly = cmp.Options{cmpopts.IgnoreTypes(Text{}), cmpopts.EquateEmpty()}

func reportOf(t testing.TB, d *db.DB, from, to time.Time) *Report {
	t.Helper()
	var r *Report
	read(t, d, func(tx *db.Tx) (err error) {
		r, err = build(tx, subjectOfTest, from, to)
		return err
	})
	return r
}

func TestAProgramsWholeAccount(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		life(t, d)
		r := reportOf(t, d, time.Time{}, time.Time{})
		if !r.Balanced || len(r.Check) != 0 {
			t.Fatalf("the account doesn't add up: %q", r.Check)
		}
		wantTriggers := Triggers{Total: 50, Started: 40, Merged: 3, NotSelected: []ReasonCount{{Reason: codes.NotSampled, N: 5}, {Reason: codes.LateTrigger, N: 2}}}
		if diff := cmp.Diff(wantTriggers, r.Triggers, plainly); diff != "" {
			t.Error(diff)
		}
		reasons := func(pairs ...any) (list []ReasonCount) {
			for i := 0; i < len(pairs); i += 2 {
				list = append(list, ReasonCount{Reason: pairs[i].(codes.Reason), N: int64(pairs[i+1].(int))})
			}
			return list
		}
		wantFollowUps := FollowUps{Started: 40, Treated: 36, HeldOut: 4, Open: 19, SetAside: 2, Ended: []EndCount{
			{State: followup.Answered, N: 8, Reasons: reasons(codes.Answered, 8)},
			{State: followup.Told},
			{State: followup.Unanswered, N: 2, Reasons: reasons(codes.Unanswered, 2)},
			{State: followup.Unreachable, N: 3, Reasons: reasons(codes.Unreachable, 3)},
			{State: followup.Declined},
			{State: followup.Cancelled, N: 1, Reasons: reasons(codes.CancelledByEvent, 1)},
			{State: followup.Suppressed, N: 3, Reasons: reasons(codes.CapReached, 2, codes.Refused, 1)},
			{State: followup.Expired},
			{State: followup.HeldOut, N: 4, Reasons: reasons(codes.HeldOut, 4)},
		}}
		if diff := cmp.Diff(wantFollowUps, r.FollowUps, plainly); diff != "" {
			t.Error(diff)
		}
		wantFunnel := []Stage{{
			Step: 1, Channel: "email", Intended: 31, Withheld: 2, Rejected: 3, Taken: 24, Unsettled: 2,
			Delivered: 19, Undelivered: 1, Seen: 10, Unknown: 2, Answered: 8,
		}}
		if diff := cmp.Diff(wantFunnel, r.Funnel, plainly); diff != "" {
			t.Error(diff)
		}
		wantWithheld := []Withheld{
			{Reason: codes.CapReached, Suppressed: 2, Denied: 2},
			{Reason: codes.Refused, Suppressed: 1, Denied: 1},
			{Reason: codes.LawWindow, Deferred: 1},
		}
		if diff := cmp.Diff(wantWithheld, r.Withheld, plainly); diff != "" {
			t.Error(diff)
		}
	})
}

func TestAnswersAndScoresCarryTheirIntervals(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		life(t, d)
		r := reportOf(t, d, time.Time{}, time.Time{})
		if a := r.Answers; a.Started != 8 || a.Completed != 4 || a.Response.Hits != 8 || a.Response.N != 19 || a.Response.Interval == nil {
			t.Errorf("answers: %+v", a)
		}
		if len(r.Scores) != 1 {
			t.Fatalf("%d scores", len(r.Scores))
		}
		s := r.Scores[0]
		if diff := cmp.Diff([]Bin{{1, 1}, {2, 1}, {3, 1}, {4, 2}, {5, 3}}, s.Distribution); diff != "" || s.N != 8 || s.Scale != 5 {
			t.Errorf("%+v %s", s, diff)
		}
		// 29/8 = 3.625; squares about it add up to 15.875, so the standard error is √(15.875/7/8)
		// = 0.53243, and Student's t for seven is 2.36462.
		near := func(what string, got, want float64) {
			if got < want-0.0005 || got > want+0.0005 {
				t.Errorf("%s is %g, want %g", what, got, want)
			}
		}
		near("the mean", s.Mean.Value, 3.625)
		near("its lower limit", s.Mean.Interval.Low, 3.625-2.36462*0.53243)
		near("its upper limit", s.Mean.Interval.High, 3.625+2.36462*0.53243)
		near("the satisfied share", *s.Satisfied.Rate, 5.0/8)
		near("its lower limit", s.Satisfied.Interval.Low, 0.3057) // p with (0.625−p)² = 3.8415·p(1−p)/8
		near("its upper limit", s.Satisfied.Interval.High, 0.8632)
		if s.NetPromoter != nil {
			t.Error("a rating has a net promoter score")
		}
		if s.Satisfied.Definition.Chinese == "" || s.Mean.Definition.English == "" || s.Ask.Chinese != "满意吗?" {
			t.Error("a figure has no definition, or the question no words")
		}
	})
}

func TestADaysAccountAddsUpToo(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		life(t, d)
		for name, c := range map[string]struct {
			from, to                     time.Time
			before, started, ended, open int64
		}{
			"Monday":             {monday, monday, 0, 40, 10, 30},
			"Tuesday":            {tuesday, tuesday, 30, 0, 11, 19},
			"both":               {monday, tuesday, 0, 40, 21, 19},
			"from Tuesday on":    {tuesday, time.Time{}, 30, 0, 11, 19},
			"until Monday":       {time.Time{}, monday, 0, 40, 10, 30},
			"the day before":     {monday.Add(-24 * time.Hour), monday.Add(-24 * time.Hour), 0, 0, 0, 0},
			"any hour of Monday": {monday.Add(14 * time.Hour), monday.Add(-8 * time.Hour), 0, 40, 10, 30},
		} {
			r := reportOf(t, d, c.from, c.to)
			var ended int64
			for _, e := range r.FollowUps.Ended {
				ended += e.N
			}
			got := [4]int64{r.FollowUps.OpenBefore, r.FollowUps.Started, ended, r.FollowUps.Open}
			if got != [4]int64{c.before, c.started, c.ended, c.open} || !r.Balanced {
				t.Errorf("%s: open before, started, ended, open are %v (balanced %v)", name, got, r.Balanced)
			}
		}
		if r := reportOf(t, d, tuesday, tuesday); r.Answers.Response.Interval != nil || r.Answers.Response.Rate != nil || r.Funnel != nil {
			t.Errorf("no invitation went out on Tuesday, and yet: %+v %+v", r.Answers.Response, r.Funnel)
		}
		read(t, d, func(tx *db.Tx) error {
			if _, err := build(tx, subjectOfTest, tuesday, monday); errs.CodeOf(err) != codes.ReportRange {
				t.Errorf("a report that ends before it begins gives %v", err)
			}
			return nil
		})
	})
}

func TestFoldingCountersChangesNoFigure(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		life(t, d)
		before := reportOf(t, d, time.Time{}, time.Time{})
		write(t, d, func(tx *db.Tx) error { _, err := tally.Fold(tx, 7); return err })
		between := reportOf(t, d, time.Time{}, time.Time{})
		write(t, d, func(tx *db.Tx) error { _, err := tally.Fold(tx, 10_000); return err })
		after := reportOf(t, d, time.Time{}, time.Time{})
		if diff := cmp.Diff(before, between) + cmp.Diff(before, after); diff != "" {
			t.Error(diff)
		}
	})
}

var errUndo = errors.New("undo")

// tamper changes a counter, lets fn look, and takes the change back.
func tamper(t *testing.T, d *db.DB, metric, dim string, n int64, fn func(tx *db.Tx) error) {
	t.Helper()
	err := d.Write(context.Background(), db.Outcome, "test", func(tx *db.Tx) error {
		var b tally.Batch
		b.Add(tally.Key{Program: programID, Day: tally.Day(monday), Metric: metric, Dim: dim}, n)
		if err := b.Flush(tx); err != nil {
			return err
		}
		if err := fn(tx); err != nil {
			return err
		}
		return errUndo
	})
	if !errors.Is(err, errUndo) {
		t.Fatal(err)
	}
}

func TestATamperedCounterUnbalancesTheReport(t *testing.T) {
	cases := []struct {
		name, metric, dim string
		n                 int64
		says              string
	}{
		{"one more trigger that started", "trigger", "started", 1, "follow-ups started: 41 against 40"},
		{"one start less", "started", "treated", -1, "ended + open: 39 against 40"},
		{"a start of a third sort", "started", "half-treated", 1, "treated + held out: 41 against 40"},
		{"one more end", "ended", "answered", 1, "answered = their reasons: 9 against 8"},
		{"an end in no final state", "ended", "asleep", 1, "each final state: 22 against 21"},
		{"a reason without an end", "reason", "told:told", 1, "told = their reasons: 0 against 1"},
		{"a reason for no final state", "reason", "asleep:told", 1, "\"asleep\""},
		{"more held out at the end than at the start", "ended", "held_out", 1, "5 against 4"},
		{"one settled that nobody settled", "aside", "out", 1, "1 against 2"},
		{"a trigger of no known sort", "trigger", "vanished", 1, "\"vanished\""},
		{"a trigger not selected for no known reason", "trigger", "not-selected:bad-mood", 1, "bad-mood"},
		{"a count below zero", "trigger", "merged", -4, "trigger merged is -1"},
		{"more rejected than intended", "attempt", "0:email:rejected", 4, "31 against 33"},
		{"more unknown than intended", "attempt", "0:email:unknown", 30, "32 against 31"},
		{"more hits than members", "study-hit", "control:held-out", 5, "5 against 4"},
		{"an attempt in no state", "attempt", "0:email:lost", 1, "0:email:lost"},
		{"an attempt at no step", "attempt", "first:email:intended", 1, "first:email:intended"},
	}
	each(t, func(t *testing.T, d *db.DB) {
		life(t, d)
		for _, c := range cases {
			t.Run(c.name, func(t *testing.T) {
				tamper(t, d, c.metric, c.dim, c.n, func(tx *db.Tx) error {
					r, err := build(tx, subjectOfTest, time.Time{}, time.Time{})
					if err != nil {
						return err
					}
					if r.Balanced || !slices.ContainsFunc(r.Check, func(s string) bool { return strings.Contains(s, c.says) }) {
						t.Errorf("balanced %v; %q doesn't say %q", r.Balanced, r.Check, c.says)
					}
					return nil
				})
			})
		}
		if r := reportOf(t, d, time.Time{}, time.Time{}); !r.Balanced {
			t.Errorf("after all was taken back: %q", r.Check)
		}
	})
}

// Only what rows tell can be recounted: why a trigger that left no note was not selected
// can't, nor can states that an attempt passed through without leaving a time.
func recountable(metric, dim string) bool {
	return metric != followup.MetricAside && dim != "not-selected:not-sampled" && !strings.HasSuffix(dim, ":unknown") && !strings.HasSuffix(dim, ":undelivered")
}

func TestARecountFindsEveryTamperedCounterThatRowsTell(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		life(t, d)
		var counted map[[2]string]int64
		read(t, d, func(tx *db.Tx) (err error) {
			if broken, err := Recount(tx, "failed-payment"); err != nil || len(broken) > 0 {
				t.Fatalf("%v %q", err, broken)
			}
			counted, err = tally.Sum(tx, programID, 0, forever)
			return err
		})
		if len(counted) < 28 {
			t.Fatalf("only %d counters: the fixture is broken", len(counted))
		}
		found := 0
		for k := range counted {
			if !recountable(k[0], k[1]) {
				continue
			}
			tamper(t, d, k[0], k[1], 1, func(tx *db.Tx) error {
				broken, err := Recount(tx, "failed-payment")
				want := fmt.Sprintf("%s %s: %d in the rows, %d counted", k[0], k[1], counted[k], counted[k]+1)
				if len(broken) != 1 || broken[0] != want {
					t.Errorf("got %q, want %q", broken, want)
				}
				return err
			})
			found++
		}
		t.Logf("%d of %d counters tampered with, each found", found, len(counted))
		if found < 25 {
			t.Errorf("only %d counters were tried", found)
		}
	})
}

func TestAReportIsOneObjectOfJSON(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		life(t, d)
		b, err := json.Marshal(reportOf(t, d, monday, tuesday))
		if err != nil {
			t.Fatal(err)
		}
		var doc map[string]any
		if err := json.Unmarshal(b, &doc); err != nil {
			t.Fatal(err)
		}
		for _, key := range []string{"program", "title", "from", "to", "balanced", "triggers", "follow_ups", "funnel", "withheld", "answers", "scores", "choices", "effect"} {
			if doc[key] == nil {
				t.Errorf("%s is missing in %s", key, b)
			}
		}
		if doc["from"] != "2026-11-02" || doc["to"] != "2026-11-03" || doc["balanced"] != true {
			t.Errorf("%s", b)
		}
	})
}

func TestAnAnswerIsPutToTheMessageThatBroughtIt(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		life(t, d)
		write(t, d, func(tx *db.Tx) error {
			b := &builder{tx: tx, program: programID}
			for _, a := range []attempt.Attempt{ // later messages to two who answered: one by the e-mail, one by this
				{ID: 7001, FollowUp: 8, Step: 1, Channel: "sms", IntendedAt: monday.Add(time.Hour)},
				{ID: 7002, FollowUp: 9, Step: 1, Channel: "sms", IntendedAt: monday.Add(time.Hour)},
				{ID: 7003, FollowUp: 10, Step: 2, Channel: "email", IntendedAt: monday.Add(time.Hour)},
				{ID: 7004, FollowUp: 11, Step: 2, Channel: "email", IntendedAt: tuesday.Add(time.Hour)}, // too late to have brought it
			} {
				a.Program, a.Customer, a.Try, a.AddressKey = programID, a.FollowUp, 1, []byte("k")
				b.check(attempt.Intend(tx, nil, &b.counts, []attempt.Attempt{a}))
			}
			_, err := tx.Exec(`UPDATE answer SET channel = 'sms' WHERE follow_up_id = 9`)
			b.check(err)
			b.check(b.counts.Flush(tx))
			if len(b.errs) > 0 {
				return b.errs[0]
			}
			return nil
		})
		s := subjectOfTest
		s.asks = map[int]bool{0: true, 1: true, 2: true}
		read(t, d, func(tx *db.Tx) error {
			r, err := build(tx, s, time.Time{}, time.Time{})
			if err != nil {
				return err
			}
			var got []string
			for _, f := range r.Funnel {
				got = append(got, fmt.Sprintf("%d %s %d", f.Step, f.Channel, f.Answered))
			}
			if diff := cmp.Diff([]string{"1 email 6", "2 sms 1", "3 email 1"}, got); diff != "" || !r.Balanced {
				t.Errorf("%s %q", diff, r.Check)
			}
			return nil
		})
	})
}
