package engine

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/huiyin/huiyin/internal/followup"
	"github.com/huiyin/huiyin/internal/measure/study"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/tally"
	"github.com/huiyin/huiyin/internal/program/condition"
	"github.com/huiyin/huiyin/internal/program/program"
	"github.com/huiyin/huiyin/internal/program/segment"
)

const (
	reentryBytesMax = 200 // of a re-entry key kept as it is; a longer one is kept as its hash

	outcomeNotSelected = "not-selected"
)

// seat is one customer's place in one program's comparison.
type seat struct{ program, customer int64 }

// arm is which side of it they are on.
type arm struct {
	name    string
	control bool // held out: the notices and nothing else
	outside bool // not in the sample
}

// trigger judges one event against one program that may begin with it. An event
// that meets the program's condition is a trigger, and ends as exactly one of
// started, merged and not selected. The arm is known before anything is asked that
// a follow-up could have changed, so both arms lose the same customers.
func (b *batch) trigger(s *seen, w *watch) {
	defer func() {
		if p := recover(); p != nil { // in a condition: nothing has been done about the event yet
			b.odd("program %s panicked over event %d: %v", w.Name, s.Seq, p)
			b.notSelected(s, w, codes.TriggerFailed)
		}
	}()
	held, err := w.Trigger.When.Match(condition.Vars{Event: s.Event, EventData: s.data, Customer: s.view.anew()})
	if err != nil || s.view.err != nil || s.data == nil {
		b.notSelected(s, w, codes.TriggerFailed)
		return
	}
	if !held {
		return
	}
	if w.state == program.Stopped {
		b.notSelected(s, w, codes.ProgramStopped)
		return
	}
	side := b.side(s, w)
	if side.outside {
		b.notSelected(s, w, codes.NotSampled)
		return
	}
	if in := s.view.anew().InSegment(w.Audience.Segment); !in || s.view.err != nil {
		if s.view.err != nil {
			b.notSelected(s, w, codes.TriggerFailed)
		} else {
			b.notSelected(s, w, codes.NotInSegment)
		}
		return
	}
	if b.settledBefore(s, w) {
		b.notSelected(s, w, codes.SettledBeforeStart)
		return
	}
	if b.now.After(s.At.Add(w.Deadline)) {
		b.notSelected(s, w, codes.LateTrigger)
		return
	}
	key, err := w.key(s)
	if err != nil || s.view.err != nil {
		b.notSelected(s, w, codes.TriggerFailed)
		return
	}
	if o := s.person.find(w.ID, key); o != nil {
		b.merge(s, w, o)
		return
	}
	b.start(s, w, side, key)
}

// side says in which arm of a program the customer is: where somebody put them, or
// else where chance, drawn once and for all from the names, does.
func (b *batch) side(s *seen, w *watch) arm {
	if a, ok := b.assigned[seat{w.ID, s.person.customer.ID}]; ok {
		return a
	}
	if !segment.Sampled(w.Name, s.Subject, w.Audience.Sample) {
		return arm{outside: true}
	}
	if segment.HeldOut(w.Name, s.Subject, w.Audience.HoldOut) {
		return arm{name: study.HeldOut, control: true}
	}
	return arm{name: study.Treated}
}

// settledBefore says whether an event that cancels the program's follow-ups came
// into the log ahead of its trigger, although it happened after it.
func (b *batch) settledBefore(s *seen, w *watch) bool {
	for _, c := range w.Trigger.CancelOn {
		for _, x := range s.person.facts.Recent(c.Event) {
			if x.At.Before(s.At) {
				break // the newest come first
			}
			e := b.at(x.Seq)
			if e == nil || x.Seq == s.Seq {
				continue
			}
			data, err := condition.Read(e)
			if err == nil && b.settles(c, e, data, s.Event, s.data, s.view) {
				return true
			}
		}
	}
	return false
}

// key is the value of the program's re-entry key. Odd ones, that an index can't hold
// or a database wouldn't take, are kept as their hash: equal keys stay equal.
func (w *watch) key(s *seen) (string, error) {
	if w.Reentry == nil {
		return "", nil
	}
	key, err := w.Reentry.Text(condition.Vars{Trigger: s.Event, TriggerData: s.data, Customer: s.view.anew()})
	if err == nil && (len(key) > reentryBytesMax || !utf8.ValidString(key) || strings.ContainsRune(key, 0)) {
		sum := sha256.Sum256([]byte(key))
		key = "sha256:" + hex.EncodeToString(sum[:])
	}
	return key, err
}

// find gives the open follow-up a trigger merges into.
func (p *person) find(programID int64, reentry string) *open {
	for _, o := range p.open {
		if o.Program == programID && o.Reentry == reentry {
			return o
		}
	}
	return nil
}

func (b *batch) merge(s *seen, w *watch, o *open) {
	if o.fresh {
		o.Merged++
	} else {
		b.merged = append(b.merged, o)
	}
	b.count(w, string(codes.Merged))
	b.note(s, w, string(codes.Merged), codes.Merged, o.ID)
}

// start begins a follow-up at the step its customer is to get first: the program's
// first, and for one held out the first notice. Without a notice there is nothing to
// do for them, and the follow-up is born ended.
func (b *batch) start(s *seen, w *watch, side arm, key string) {
	step := 0
	if side.control {
		step = w.firstNotice
	}
	o := &open{fresh: true, version: w.Live, trigger: s.Event, triggerData: s.data}
	o.FollowUp = followup.FollowUp{
		ID: b.router.IDs.Next(), Program: w.ID, Version: w.VersionID, Customer: s.person.customer.ID, Reentry: key,
		TriggerSeq: s.Seq, TriggerType: s.Type, TriggerAt: s.At, TriggerData: string(s.Data),
		HeldOut: side.control, State: followup.Waiting, Step: max(step, 0), Priority: w.Priority,
		DueAt: latest(b.now, s.At.Add(w.Trigger.Delay)), Deadline: s.At.Add(w.Deadline), CreatedAt: b.now,
	}
	if step < 0 || step >= len(w.Steps) {
		o.State, o.Reason, o.EndedAt = followup.HeldOut, codes.HeldOut, b.now
	} else {
		o.Lane = w.Steps[step].Channel
		s.person.open = append(s.person.open, o)
	}
	b.started = append(b.started, o)
	b.count(w, string(codes.Started))
	b.enroll(s, w, side)
}

// enroll makes the customer a member of the program's study. Measured events that the
// log already holds are told at once: the folder may have passed them.
func (b *batch) enroll(s *seen, w *watch, side arm) {
	if w.Measure.Event == "" {
		return
	}
	m := study.Member{
		Program: w.ID, Customer: s.person.customer.ID, Arm: side.name, Control: side.control,
		At: s.At, Until: s.At.Add(w.Measure.Within),
	}
	if w.Measure.Event == s.Type {
		m.At = m.At.Add(time.Millisecond) // the trigger itself is no success
	}
	b.members = append(b.members, m)
	for _, x := range s.person.facts.Recent(w.Measure.Event) {
		if !x.At.Before(m.At) && !x.At.After(m.Until) {
			b.hits = append(b.hits, study.Hit{Program: w.ID, Customer: m.Customer, At: x.At})
		}
	}
}

// notSelected accounts for a trigger that comes to nothing. What can't be worked out
// again from the program and the customer gets a note.
func (b *batch) notSelected(s *seen, w *watch, reason codes.Reason) {
	b.count(w, outcomeNotSelected+":"+string(reason))
	switch reason {
	case codes.SettledBeforeStart, codes.LateTrigger, codes.TriggerFailed:
		b.note(s, w, outcomeNotSelected, reason, 0)
	}
}

func (b *batch) note(s *seen, w *watch, outcome string, reason codes.Reason, followUp int64) {
	b.notes = append(b.notes, followup.Note{
		ID: b.router.IDs.Next(), Program: w.ID, Customer: s.person.customer.ID, EventSeq: s.Seq,
		At: s.At, Outcome: outcome, Reason: reason, FollowUp: followUp,
	})
}

func (b *batch) count(w *watch, outcome string) {
	b.counts.Add(tally.Key{Program: w.ID, Day: tally.Day(b.now), Metric: followup.MetricTrigger, Dim: outcome}, 1)
}

// loadAssigned reads who was put in which arm elsewhere; most programs have nobody.
func (b *batch) loadAssigned(n *needs) error {
	if len(n.trigger) == 0 {
		return nil
	}
	programs, err := db.All(b.tx, func(r *db.Rows) (int64, error) {
		var id int64
		return id, r.Scan(&id)
	}, `SELECT id FROM program WHERE id = ANY($1) AND EXISTS (SELECT 1 FROM assignment WHERE assignment.program_id = program.id) ORDER BY id`, n.programs.sorted())
	if err != nil || len(programs) == 0 {
		return err
	}
	rows, err := b.tx.Query(`SELECT program_id, customer_id, arm, control FROM assignment
		WHERE program_id = ANY($1) AND customer_id = ANY($2)`, programs, n.trigger.sorted())
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	b.assigned = map[seat]arm{}
	for rows.Next() {
		var at seat
		var a arm
		if err := rows.Scan(&at.program, &at.customer, &a.name, &a.control); err != nil {
			return err
		}
		b.assigned[at] = a
	}
	return rows.Err()
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
