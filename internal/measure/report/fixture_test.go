package report

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/huiyin/huiyin/internal/contact/attempt"
	"github.com/huiyin/huiyin/internal/followup"
	"github.com/huiyin/huiyin/internal/hear/answer"
	"github.com/huiyin/huiyin/internal/measure/study"
	"github.com/huiyin/huiyin/internal/platform/clock"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/db/dbtest"
	"github.com/huiyin/huiyin/internal/platform/tally"
	"github.com/huiyin/huiyin/internal/program/document"
	"github.com/huiyin/huiyin/internal/program/questionnaire"
)

const programID = 900

var (
	monday  = time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	tuesday = monday.Add(24 * time.Hour)
	today   = monday.Add(48 * time.Hour)
)

// each runs fn on a fresh database of each engine; its clock stands at today.
func each(t *testing.T, fn func(t *testing.T, d *db.DB)) {
	t.Helper()
	o := db.Options{Clock: clock.NewVirtual(today)}
	t.Run("sqlite", func(t *testing.T) { fn(t, dbtest.SQLite(t, o)) })
	t.Run("postgres", func(t *testing.T) { fn(t, dbtest.Postgres(t, o)) })
}

func write(t testing.TB, d *db.DB, fn func(tx *db.Tx) error) {
	t.Helper()
	if err := d.Write(context.Background(), db.Outcome, "test", fn); err != nil {
		t.Fatal(err)
	}
}

func read(t testing.TB, d *db.DB, fn func(tx *db.Tx) error) {
	t.Helper()
	if err := d.Read(context.Background(), fn); err != nil {
		t.Fatal(err)
	}
}

// the program of the fixture: one step by e-mail that asks, a hold-out of a tenth.
var subjectOfTest = subject{
	id: programID, name: "failed-payment", title: Text{"支付失败回访", "Failed payment"}, state: "running",
	measure: measured{event: "wallet.payment.succeeded", within: 7 * 24 * time.Hour, holdOut: 0.1},
	asks:    map[int]bool{0: true},
	asked: []*questionnaire.Question{{
		ID: "satisfaction", Type: questionnaire.Rating, Score: true, Min: 1, Max: 5,
		Ask: document.Text{"zh-CN": "满意吗?", "en": "Satisfied?"},
	}},
}

// builder writes a program's life by the functions that the engine uses.
type builder struct {
	tx      *db.Tx
	program int64
	counts  tally.Batch
	errs    []error
}

func (b *builder) check(err error) {
	if err != nil {
		b.errs = append(b.errs, err)
	}
}

func (b *builder) trigger(dim string, n int64) {
	b.counts.Add(tally.Key{Program: b.program, Day: tally.Day(monday), Metric: followup.MetricTrigger, Dim: dim}, n)
}

func (b *builder) note(id int64, outcome string, reason codes.Reason, followUp int64) {
	b.check(followup.Notes(b.tx, []followup.Note{{ID: id, Program: b.program, Customer: id, At: monday, Outcome: outcome, Reason: reason, FollowUp: followUp}}))
}

// start starts a follow-up of the customer with the same number.
func (b *builder) start(id int64, heldOut bool) {
	f := followup.FollowUp{
		ID: id, Program: b.program, Version: 1, Customer: id, TriggerType: "wallet.payment.failed", TriggerAt: monday, TriggerData: "{}",
		State: followup.Waiting, Lane: "email", DueAt: monday, Deadline: today, CreatedAt: monday,
	}
	if heldOut {
		f.HeldOut, f.State, f.Reason, f.EndedAt = true, followup.HeldOut, codes.HeldOut, monday
	}
	_, err := followup.Start(b.tx, &b.counts, []followup.FollowUp{f})
	b.check(err)
	arm := study.Treated
	if heldOut {
		arm = study.HeldOut
	}
	b.check(study.Enroll(b.tx, []study.Member{{Program: b.program, Customer: id, Arm: arm, Control: heldOut, At: monday, Until: monday.Add(7 * 24 * time.Hour)}}))
}

func (b *builder) move(id int64, at time.Time, s followup.State, reason codes.Reason) {
	f, err := followup.One(b.tx, id)
	b.check(err)
	held, err := followup.Moves(b.tx, &b.counts, at, []followup.Move{{ID: id, Program: b.program, Epoch: f.Epoch, State: s, Reason: reason, Lane: "email", DueAt: at}})
	b.check(err)
	if err == nil && !held[0] {
		b.check(fmt.Errorf("follow-up %d was not moved", id))
	}
}

func (b *builder) decide(id, followUp int64, at time.Time, v followup.Verdict, reason codes.Reason, until time.Time) {
	b.check(followup.Decide(b.tx, &b.counts, func(int) int64 { return b.program },
		[]followup.Decision{{ID: id, FollowUp: followUp, At: at, Verdict: v, Reason: reason, Until: until}}))
}

// contact makes an attempt of a follow-up and takes it through states, a minute each.
func (b *builder) contact(id, followUp int64, through ...attempt.State) {
	a := attempt.Attempt{
		ID: id, FollowUp: followUp, Program: b.program, Customer: followUp, Try: 1, Channel: "email", Purpose: "survey",
		AddressKey: []byte("k"), Language: "en", IntendedAt: monday.Add(time.Minute),
	}
	b.check(attempt.Intend(b.tx, nil, &b.counts, []attempt.Attempt{a}))
	a.State = attempt.Intended
	for i, s := range through {
		stands, err := attempt.Apply(b.tx, &b.counts, []attempt.Change{{Attempt: &a, To: s, At: monday.Add(time.Duration(i+2) * time.Minute)}})
		b.check(err)
		if err == nil && !stands[0] {
			b.check(fmt.Errorf("attempt %d did not become %s", id, s))
		}
	}
}

// reply answers a follow-up's questionnaire on Tuesday.
func (b *builder) reply(id, followUp, score int64, complete bool) {
	done := int64(0)
	if complete {
		done = db.Millis(tuesday)
		b.counts.Add(tally.Key{Program: b.program, Day: tally.Day(tuesday), Metric: answer.MetricAnswer, Dim: answer.DimCompleted}, 1)
	}
	b.counts.Add(tally.Key{Program: b.program, Day: tally.Day(tuesday), Metric: answer.MetricAnswer, Dim: answer.DimStarted}, 1)
	b.counts.Add(tally.Key{Program: b.program, Day: tally.Day(tuesday), Metric: answer.MetricScore, Dim: fmt.Sprintf("satisfaction:%d", score)}, 1)
	_, err := b.tx.Exec(`INSERT INTO answer (id, follow_up_id, program_id, customer_id, questionnaire_id, channel, language, score, scored, started_at, completed_at)
		VALUES ($1, $2, $3, $2, 1, 'email', 'en', $4, true, $5, $6)`, id, followUp, b.program, score, db.Millis(tuesday), done)
	b.check(err)
	_, err = b.tx.Exec(`INSERT INTO answer_value (answer_id, question, value, saved_at) VALUES ($1, 'satisfaction', $2, $3)`, id, fmt.Sprint(score), db.Millis(tuesday))
	b.check(err)
	_, err = followup.Answer(b.tx, &b.counts, followUp, tuesday)
	b.check(err)
}

// life writes the fixture. Follow-ups 1-36 are treated, 37-40 held out.
func life(t testing.TB, d *db.DB) {
	t.Helper()
	write(t, d, func(tx *db.Tx) error {
		_, err := tx.Exec(`INSERT INTO program (id, name, state, version_id) VALUES ($1, 'failed-payment', 'running', 1)`, int64(programID))
		return err
	})
	lifeOf(t, d, programID)
}

func lifeOf(t testing.TB, d *db.DB, program int64) {
	t.Helper()
	write(t, d, func(tx *db.Tx) error {
		b := &builder{tx: tx, program: program}
		for id := int64(1); id <= 40; id++ {
			b.start(id, id > 36)
		}
		b.trigger(dimStarted, 40)
		b.trigger(dimMerged, 3)
		b.trigger("not-selected:late-trigger", 2)
		b.trigger("not-selected:not-sampled", 5)
		for id := int64(1); id <= 3; id++ { // into follow-up 8
			b.note(id, "merged", codes.Merged, 8)
			_, err := followup.Merge(tx, b.program, 8, "")
			b.check(err)
		}
		b.note(4, "not-selected", codes.LateTrigger, 0)
		b.note(5, "not-selected", codes.LateTrigger, 0)
		b.contacts()
		b.ends()
		for i, score := range []int64{5, 5, 5, 4, 4, 3, 2, 1} {
			b.reply(int64(500+i), int64(8+i), score, i%2 == 0)
		}
		b.check(b.counts.Flush(tx))
		if len(b.errs) > 0 {
			return b.errs[0]
		}
		return nil
	})
}

func (b *builder) contacts() {
	ways := []struct {
		from, to int64
		through  []attempt.State
	}{
		{1, 2, []attempt.State{attempt.Withheld}},
		{3, 5, []attempt.State{attempt.Rejected}},
		{6, 7, []attempt.State{attempt.Unknown}},
		{8, 17, []attempt.State{attempt.Accepted, attempt.Delivered, attempt.Seen}},
		{18, 25, []attempt.State{attempt.Accepted, attempt.Delivered}},
		{26, 26, []attempt.State{attempt.Accepted, attempt.Undelivered}},
		{27, 30, []attempt.State{attempt.Accepted}},
		{31, 31, []attempt.State{attempt.Delivered}}, // the receipt overtook the answer
	}
	for _, w := range ways {
		for id := w.from; id <= w.to; id++ {
			b.contact(2000+id, id, w.through...)
		}
	}
}

func (b *builder) ends() {
	for id := int64(6); id <= 7; id++ {
		b.move(id, monday, followup.SetAside, codes.OutcomeUnknown)
	}
	for id := int64(3); id <= 5; id++ {
		b.move(id, monday, followup.Unreachable, codes.Unreachable)
	}
	for id := int64(32); id <= 34; id++ {
		reason := codes.CapReached
		if id == 34 {
			reason = codes.Refused
		}
		b.decide(3000+id, id, monday, followup.Deny, reason, time.Time{})
		b.move(id, monday, followup.Suppressed, reason)
	}
	b.decide(3100, 36, monday, followup.Defer, codes.LawWindow, tuesday)
	b.move(35, tuesday, followup.Cancelled, codes.CancelledByEvent)
	b.move(16, tuesday, followup.Unanswered, codes.Unanswered)
	b.move(17, tuesday, followup.Unanswered, codes.Unanswered)
}
