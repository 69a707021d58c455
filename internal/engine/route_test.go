package engine

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/huiyin/huiyin/internal/followup"
	"github.com/huiyin/huiyin/internal/intake/event"
	"github.com/huiyin/huiyin/internal/measure/study"
	"github.com/huiyin/huiyin/internal/people/consent"
	"github.com/huiyin/huiyin/internal/people/customer"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/db/dbtest"
	"github.com/huiyin/huiyin/internal/program/condition"
	"github.com/huiyin/huiyin/internal/program/program"
)

func TestEachTriggerEndsAsExactlyOneThing(t *testing.T) {
	sameOrder := func(h *house) []program.CancelOn {
		return []program.CancelOn{{Event: succeeded, When: h.compile(`event.data.order_id == trigger.data.order_id`, condition.CancelOn, succeeded)}}
	}
	cases := []struct {
		name      string
		program   func(h *house, l *program.Live)
		state     string
		events    []event.Event
		outcomes  string // of the program's triggers
		followUps string
		notes     string
	}{
		{
			name:     "an event of the type starts a follow-up",
			events:   []event.Event{pay(failed, "ann", noon, nil)},
			outcomes: "started 1", followUps: "waiting",
		},
		{
			name: "an event that doesn't meet the condition is no trigger",
			program: func(h *house, l *program.Live) {
				l.Trigger.When = h.compile(`event.data.amount_minor > 10000`, condition.Trigger, failed)
			},
			events: []event.Event{pay(failed, "ann", noon, nil), pay(opened, "ann", noon, nil)},
		},
		{
			name: "an event the condition can't be judged for is accounted for",
			program: func(h *house, l *program.Live) {
				l.Trigger.When = h.compile(`event.data.amount_minor > 10`, condition.Trigger, failed)
			},
			events: []event.Event{garbled(pay(failed, "ann", noon, nil))}, outcomes: "not-selected:trigger-failed 1", notes: "not-selected:trigger-failed",
		},
		{
			name:    "who isn't in the sample is only counted",
			program: func(_ *house, l *program.Live) { l.Audience.Sample = 0 },
			events:  []event.Event{pay(failed, "ann", noon, nil)}, outcomes: "not-selected:not-sampled 1",
		},
		{
			name: "who isn't in the segment is only counted",
			program: func(h *house, l *program.Live) {
				h.segments["often"] = h.compile(`customer.count("`+failed+`", "7d") >= 2`, condition.Segment, "")
				l.Audience.Segment = "often"
			},
			events:   []event.Event{pay(failed, "ann", noon, nil), pay(failed, "ann", noon, nil)},
			outcomes: "not-selected:not-in-segment 1, started 1", followUps: "waiting",
		},
		{
			name:    "a program that was stopped starts nothing",
			state:   program.Stopped,
			events:  []event.Event{pay(failed, "ann", noon, nil)},
			program: nil, outcomes: "not-selected:program-stopped 1",
		},
		{
			name:     "a program that is paused holds people, it doesn't lose them",
			state:    program.Paused,
			events:   []event.Event{pay(failed, "ann", noon, nil)},
			outcomes: "started 1", followUps: "waiting",
		},
		{
			name:     "a trigger that comes after its deadline is late",
			events:   []event.Event{pay(failed, "ann", noon.Add(-48*time.Hour-time.Millisecond), nil)},
			outcomes: "not-selected:late-trigger 1", notes: "not-selected:late-trigger",
		},
		{
			name:     "a trigger that comes just before its deadline isn't late",
			events:   []event.Event{pay(failed, "ann", noon.Add(-48*time.Hour), nil)},
			outcomes: "started 1", followUps: "waiting",
		},
		{
			name:     "later triggers merge into the open follow-up",
			events:   []event.Event{pay(failed, "ann", noon, nil), pay(failed, "ann", noon, nil), pay(failed, "ann", noon, nil)},
			outcomes: "merged 2, started 1", followUps: "waiting +2", notes: "merged:merged, merged:merged",
		},
		{
			name: "a re-entry key keeps matters apart",
			program: func(h *house, l *program.Live) {
				l.Reentry = h.compile(`trigger.data.order_id`, condition.Reentry, failed)
			},
			events: []event.Event{
				pay(failed, "ann", noon, nil), pay(failed, "ann", noon, map[string]any{"order_id": "o-2"}), pay(failed, "ann", noon, nil),
			},
			outcomes: "merged 1, started 2", followUps: "waiting +1, waiting", notes: "merged:merged",
		},
		{
			name:     "an event that makes it unnecessary ends it",
			program:  func(h *house, l *program.Live) { l.Trigger.CancelOn = sameOrder(h) },
			events:   []event.Event{pay(failed, "ann", noon, nil), pay(succeeded, "ann", noon.Add(time.Minute), nil)},
			outcomes: "started 1", followUps: "cancelled:cancelled-by-event",
		},
		{
			name:    "an event about another matter, or of another customer, ends nothing",
			program: func(h *house, l *program.Live) { l.Trigger.CancelOn = sameOrder(h) },
			events: []event.Event{
				pay(failed, "ann", noon, nil), pay(succeeded, "ann", noon, map[string]any{"order_id": "o-9"}), pay(succeeded, "bob", noon, nil),
			},
			outcomes: "started 1", followUps: "waiting",
		},
		{
			name:     "what happened before the trigger settles nothing, however late it is told",
			program:  func(h *house, l *program.Live) { l.Trigger.CancelOn = sameOrder(h) },
			events:   []event.Event{pay(failed, "ann", noon, nil), pay(succeeded, "ann", noon.Add(-time.Minute), nil)},
			outcomes: "started 1", followUps: "waiting",
		},
		{
			name:     "a trigger told after what settled it starts nothing",
			program:  func(h *house, l *program.Live) { l.Trigger.CancelOn = sameOrder(h) },
			events:   []event.Event{pay(succeeded, "ann", noon.Add(time.Minute), nil), pay(failed, "ann", noon, nil)},
			outcomes: "not-selected:settled-before-start 1", notes: "not-selected:settled-before-start",
		},
		{
			name:     "an earlier success in the log doesn't settle a later failure",
			program:  func(h *house, l *program.Live) { l.Trigger.CancelOn = sameOrder(h) },
			events:   []event.Event{pay(succeeded, "ann", noon.Add(-time.Minute), nil), pay(failed, "ann", noon, nil)},
			outcomes: "started 1", followUps: "waiting",
		},
		{
			name: "a trigger doesn't settle itself",
			program: func(h *house, l *program.Live) {
				l.Trigger.CancelOn = []program.CancelOn{{Event: failed, When: h.compile(`event.data.charged`, condition.CancelOn, failed)}}
			},
			events:   []event.Event{pay(failed, "ann", noon, map[string]any{"charged": true})},
			outcomes: "started 1", followUps: "waiting",
		},
		{
			name:    "after one is cancelled the next trigger starts another",
			program: func(h *house, l *program.Live) { l.Trigger.CancelOn = sameOrder(h) },
			events: []event.Event{
				pay(failed, "ann", noon, nil), pay(failed, "ann", noon, nil), pay(succeeded, "ann", noon.Add(time.Minute), nil),
				pay(failed, "ann", noon.Add(2*time.Minute), nil), pay(failed, "ann", noon.Add(3*time.Minute), nil),
			},
			outcomes: "merged 2, started 2", followUps: "cancelled:cancelled-by-event +1, waiting +1", notes: "merged:merged, merged:merged",
		},
	}
	// One database per engine for all of them, each with people of its own: making one costs more than a case.
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		for i, c := range cases {
			for _, batch := range []int{1, 500} {
				t.Run(fmt.Sprintf("%s, %d at a time", c.name, batch), func(t *testing.T) {
					h.t, h.published = t, nil
					l := h.program(func(l *program.Live) {
						if c.program != nil {
							c.program(h, l)
						}
					})
					if c.state != "" {
						h.published[0].State = c.state
					}
					mark := fmt.Sprintf("-%d-%d", i, batch)
					events := slices.Clone(c.events)
					for j := range events {
						events[j].Subject += mark
					}
					h.log(events...)
					h.route(h.router(batch))
					if got := h.outcomes(l.ID); got != c.outcomes {
						t.Errorf("triggers: %q, want %q", got, c.outcomes)
					}
					if got := h.states("ann" + mark); got != c.followUps {
						t.Errorf("follow-ups: %q, want %q", got, c.followUps)
					}
					if got := h.notes("ann" + mark); got != c.notes {
						t.Errorf("notes: %q, want %q", got, c.notes)
					}
				})
			}
		}
	})
}

func TestAFollowUpIsDueAfterTheDelayAndBoundByTheDeadlineOfItsEvent(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		h.program(nil)
		h.log(pay(failed, "ann", noon, nil), pay(failed, "bob", noon.Add(-time.Hour), nil))
		h.route(h.router(0))
		ann, bob := h.followUps("ann")[0], h.followUps("bob")[0]
		if !ann.DueAt.Equal(noon.Add(5*time.Minute)) || !ann.Deadline.Equal(noon.Add(48*time.Hour)) {
			t.Errorf("due %s, deadline %s", ann.DueAt, ann.Deadline)
		}
		if !bob.DueAt.Equal(noon) || !bob.Deadline.Equal(noon.Add(47*time.Hour)) {
			t.Errorf("a late one is due at once, with the deadline of its event: due %s, deadline %s", bob.DueAt, bob.Deadline)
		}
		if ann.Lane != "email" || ann.Priority != 50 || ann.Version != 101 || ann.TriggerType != failed || ann.TriggerSeq == 0 {
			t.Errorf("started as %+v", ann)
		}
	})
}

func TestAHeldOutCustomerGetsTheNoticesAndNothingElse(t *testing.T) {
	notice := program.Step{Channel: "sms", Purpose: "notice"}
	survey := program.Step{Channel: "email", Purpose: "survey"}
	cases := []struct {
		name    string
		steps   []program.Step
		want    string // states
		step    int
		lane    string
		arms    string
		another string // after a second trigger
	}{
		{"with no notice the follow-up is born ended", []program.Step{survey}, "held_out:held-out", 0, "", "started held-out 1, ended held_out 1", "held_out:held-out, held_out:held-out"},
		{"with a notice it waits at the first one", []program.Step{survey, notice, notice}, "waiting", 1, "sms", "started held-out 1, ended held_out 0", "waiting +1"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			dbtest.Each(t, func(t *testing.T, d *db.DB) {
				h := newHouse(t, d)
				l := h.program(func(l *program.Live) { l.Audience.HoldOut, l.Steps = 1, c.steps })
				h.log(pay(failed, "ann", noon, nil))
				r := h.router(0)
				h.route(r)
				f := h.followUps("ann")[0]
				if got := h.states("ann"); got != c.want || !f.HeldOut || f.Step != c.step || f.Lane != c.lane {
					t.Errorf("%s, held out %v, step %d, lane %q", got, f.HeldOut, f.Step, f.Lane)
				}
				sums := h.counted(l.ID)
				got := fmt.Sprintf("started held-out %d, ended held_out %d",
					sums[[2]string{followup.MetricStarted, "held-out"}], sums[[2]string{followup.MetricEnded, "held_out"}])
				if got != c.arms {
					t.Errorf("counted %s, want %s", got, c.arms)
				}
				h.log(pay(failed, "ann", noon, nil))
				h.route(r)
				if got := h.states("ann"); got != c.another {
					t.Errorf("after another trigger: %s, want %s", got, c.another)
				}
			})
		})
	}
}

func TestTheShareHeldOutIsAsAskedAndTheSameEachTime(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		l := h.program(func(l *program.Live) { l.Audience.HoldOut, l.Audience.Sample = 0.2, 0.5 })
		const people = 2000
		var events []event.Event
		for i := range people {
			events = append(events, pay(failed, fmt.Sprint("c", i), noon, nil))
		}
		h.log(events...)
		h.route(h.router(0))
		sums := h.counted(l.ID)
		treated, held := sums[[2]string{followup.MetricStarted, "treated"}], sums[[2]string{followup.MetricStarted, "held-out"}]
		// Five standard deviations either side.
		if n := treated + held; n < 888 || n > 1112 {
			t.Errorf("%d of %d in a sample of half", n, people)
		}
		if share := float64(held) / float64(treated+held); share < 0.135 || share > 0.265 {
			t.Errorf("%.3f held out, asked for 0.2", share)
		}
		before := map[int64]bool{}
		h.read(func(tx *db.Tx) error {
			fs, err := db.All(tx, func(r *db.Rows) (f [2]int64, err error) {
				var out bool
				err = r.Scan(&f[0], &out)
				if before[f[0]] = out; out {
					f[1] = 1
				}
				return f, err
			}, `SELECT customer_id, held_out FROM follow_up`)
			if err == nil && len(fs) == 0 {
				err = errors.New("nobody was started")
			}
			return err
		})
		h.write(func(tx *db.Tx) error { // everyone's follow-up ends, and they fail again
			_, err := tx.Exec(`UPDATE follow_up SET ended_at = 1, state = 'told' WHERE ended_at = 0`)
			return err
		})
		for i := range events {
			events[i].ID = ""
		}
		h.log(events...)
		h.route(h.router(0))
		h.read(func(tx *db.Tx) error {
			_, err := db.All(tx, func(r *db.Rows) (int, error) {
				var id int64
				var out bool
				err := r.Scan(&id, &out)
				if was, met := before[id]; !met || was != out {
					err = fmt.Errorf("customer %d changed sides", id)
				}
				return 0, err
			}, `SELECT customer_id, held_out FROM follow_up`)
			return err
		})
	})
}

func TestWhoWasAssignedElsewhereIsInThatArm(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		l := h.program(func(l *program.Live) {
			l.Audience.Sample = 0 // chance would take nobody
			l.Measure = program.Measure{Event: succeeded, Within: 24 * time.Hour}
		})
		h.write(func(tx *db.Tx) error {
			_, err := study.ImportAssignments(tx, h.ids, study.Plan{Program: l.ID, Within: time.Hour}, []study.Assignment{
				{Ref: "ann", Arm: "letter", At: noon}, {Ref: "bob", Arm: "nothing", Control: true, At: noon},
			}, noon)
			return err
		})
		h.log(pay(failed, "ann", noon, nil), pay(failed, "bob", noon, nil), pay(failed, "eve", noon, nil))
		h.route(h.router(0))
		if got := h.outcomes(l.ID); got != "not-selected:not-sampled 1, started 2" {
			t.Error(got)
		}
		if got := h.states("ann") + "; " + h.states("bob") + "; " + h.states("eve"); got != "waiting; held_out:held-out; " {
			t.Error(got)
		}
	})
}

func TestOneBatchMergesIntoAFollowUpEndsItAndStartsTheNext(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		l := h.program(func(l *program.Live) { l.Trigger.CancelOn = []program.CancelOn{{Event: succeeded}} })
		r := h.router(0)
		h.log(pay(failed, "ann", noon, nil))
		h.route(r)
		h.log(
			pay(failed, "ann", noon.Add(time.Minute), nil), pay(succeeded, "ann", noon.Add(2*time.Minute), nil),
			pay(failed, "ann", noon.Add(3*time.Minute), nil), pay(failed, "ann", noon.Add(4*time.Minute), nil),
		)
		h.route(r)
		if got := h.states("ann"); got != "cancelled:cancelled-by-event +1, waiting +1" {
			t.Errorf("follow-ups: %s", got)
		}
		if got := h.outcomes(l.ID); got != "merged 2, started 2" {
			t.Errorf("triggers: %s", got)
		}
	})
}

func TestWhatTheCustomerWantsIsKeptInTheSameTransaction(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		say := func(kind, who, data string) event.Event {
			return event.Event{Source: "/wallet/settings", Type: kind, Subject: who, At: noon, Received: noon, Data: []byte(data)}
		}
		h.log(
			say(typeRefused, "ann", `{"channel":"sms","words":"TD"}`),
			say(typeRefused, "bob", `{}`),
			say(typeRefused, "cleo", `{"channel":"No Such Thing!"}`),
			say(typeConsented, "dan", `{"purpose":"marketing","proof":"form 7"}`),
			say(typeConsented, "eve", `{"purpose":"marketing"}`),
		)
		h.route(h.router(0))
		got := map[string]string{}
		h.read(func(tx *db.Tx) error {
			for _, who := range []string{"ann", "bob", "cleo", "dan", "eve"} {
				c, err := customer.Get(tx, who)
				if err != nil {
					return err
				}
				s, err := consent.StandingOf(tx, []int64{c.ID})
				if err != nil {
					return err
				}
				got[who] = fmt.Sprint(s[c.ID].Refusals, len(s[c.ID].Consents))
			}
			return nil
		})
		want := map[string]string{"ann": "[{sms *}] 0", "bob": "[{* *}] 0", "cleo": "[{* *}] 0", "dan": "[] 1", "eve": "[] 0"}
		for who, w := range want {
			if got[who] != w {
				t.Errorf("%s: %s, want %s", who, got[who], w)
			}
		}
	})
}

func TestAnOddReentryKeyIsKeptAsItsHash(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		l := h.program(func(l *program.Live) { l.Reentry = h.compile(`trigger.data.order_id`, condition.Reentry, failed) })
		long := string(slices.Repeat([]byte("x"), 30_000))
		odd := []string{long, long + "y", long, "a\x00b", "a\x00c", "a\x00b"}
		for _, key := range odd {
			h.log(pay(failed, "ann", noon, map[string]any{"order_id": key}))
		}
		h.route(h.router(0))
		if got := h.outcomes(l.ID); got != "merged 2, started 4" {
			t.Error(got)
		}
	})
}
