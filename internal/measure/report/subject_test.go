package report

import (
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/huiyin/huiyin/internal/contact/attempt"
	"github.com/huiyin/huiyin/internal/followup"
	"github.com/huiyin/huiyin/internal/people/customer"
	"github.com/huiyin/huiyin/internal/people/vault"
	"github.com/huiyin/huiyin/internal/people/vault/vaulttest"
	"github.com/huiyin/huiyin/internal/platform/clock"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/errs"
	"github.com/huiyin/huiyin/internal/platform/ids"
	"github.com/huiyin/huiyin/internal/program/document"
	"github.com/huiyin/huiyin/internal/program/program"
)

const documents = `
kind: Program
name: failed-payment
title: {zh-CN: 支付失败回访, en: Failed payment}
trigger: {event: wallet.payment.failed, when: event.data.amount_minor >= 5000}
deadline: 48h
audience: {segment: elders, sample: 0.5, hold_out: 0.1}
steps:
  - {channel: email, purpose: survey, questionnaire: short, wait: 1h}
measure: {event: wallet.payment.succeeded, within: 7d}
---
kind: Program
name: only-a-draft
title: {zh-CN: 草稿, en: A draft}
trigger: {event: wallet.payment.failed}
deadline: 48h
steps:
  - {channel: email, purpose: survey, questionnaire: short}
---
kind: Segment
name: elders
title: {zh-CN: 长者, en: Elders}
when: customer.age >= 60
---
kind: Questionnaire
name: short
languages: [zh-CN, en]
questions:
  - {id: satisfaction, type: rating, scale: 5, score: true, ask: {zh-CN: "满意吗?", en: "Satisfied?"}}
---
kind: CapPolicy
name: default
purposes: {survey: [{n: 1, per: 30d}]}
`

// source makes the identifiers of these tests; its clock stands still, so it counts on.
var source = ids.New(clock.NewVirtual(monday), 1, rand.Reader)

// publish takes the documents in and publishes the first program.
func publish(t testing.TB, d *db.DB, text string) *program.Set {
	t.Helper()
	docs, err := document.Parse(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	o := program.Options{IDs: source, Now: monday, By: "test", Channels: []string{"email"}}
	write(t, d, func(tx *db.Tx) error {
		if _, err := program.Apply(tx, docs, o, false); err != nil {
			return err
		}
		_, err := program.Publish(tx, "failed-payment", o)
		return err
	})
	return load(t, d)
}

func load(t testing.TB, d *db.DB) (set *program.Set) {
	t.Helper()
	read(t, d, func(tx *db.Tx) (err error) {
		set, err = program.Load(tx, program.Options{Now: today})
		return err
	})
	return set
}

func TestAPublishedProgramIsReportedInItsOwnWords(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		set := publish(t, d, documents)
		id, ok := set.ID("failed-payment")
		if !ok {
			t.Fatal("the program wasn't published")
		}
		lifeOf(t, d, id)
		read(t, d, func(tx *db.Tx) error {
			r, err := Program(tx, set, "failed-payment", time.Time{}, time.Time{})
			if err != nil {
				return err
			}
			if !r.Balanced || r.Title.Chinese != "支付失败回访" || r.State != program.Running || r.Effect.Event != "wallet.payment.succeeded" || r.Effect.WithinHours != 168 {
				t.Errorf("%+v", r)
			}
			if len(r.Scores) != 1 || r.Scores[0].Type != "rating" || r.Scores[0].Ask.English != "Satisfied?" || r.Scores[0].Satisfied == nil || r.Answers.Response.N != 19 {
				t.Errorf("%+v %+v", r.Scores, r.Answers)
			}
			if !r.Effect.Sizes.Checked || !r.Effect.Sizes.Good { // 36 and 4, for 0.9 and 0.1
				t.Errorf("%+v", r.Effect.Sizes)
			}
			return nil
		})
	})
}

func TestAProgramThatNeverRanIsReportedAndOneThatIsNotThereRefused(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		set := publish(t, d, documents)
		read(t, d, func(tx *db.Tx) error {
			r, err := Program(tx, set, "only-a-draft", time.Time{}, time.Time{})
			if err != nil {
				return err
			}
			if !r.Balanced || r.State != program.Draft || r.Triggers.Total != 0 || r.Title.English != "A draft" {
				t.Errorf("%+v", r)
			}
			if _, err := Program(tx, set, "unheard-of", time.Time{}, time.Time{}); errs.KindOf(err) != errs.NotFound {
				t.Errorf("got %v", err)
			}
			if _, err := Explain(tx, set, nil, "unheard-of", "c1"); errs.KindOf(err) != errs.NotFound {
				t.Errorf("got %v", err)
			}
			return nil
		})
	})
}

func TestAHoldOutThatWasChangedIsNotCheckedAgainstItsLastShare(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		publish(t, d, documents)
		set := publish(t, d, strings.Replace(documents, "hold_out: 0.1", "hold_out: 0.2", 1))
		id, _ := set.ID("failed-payment")
		lifeOf(t, d, id)
		read(t, d, func(tx *db.Tx) error {
			r, err := Program(tx, set, "failed-payment", time.Time{}, time.Time{})
			if err == nil && r.Effect.Sizes.Checked {
				t.Errorf("%+v", r.Effect.Sizes)
			}
			return err
		})
	})
}

func explain(t testing.TB, d *db.DB, set *program.Set, v *vault.Vault, ref string) *Explanation {
	t.Helper()
	var e *Explanation
	read(t, d, func(tx *db.Tx) (err error) {
		e, err = Explain(tx, set, v, "failed-payment", ref)
		return err
	})
	return e
}

func TestACustomersStoryIsToldInOrderOfTime(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		set := publish(t, d, documents)
		id, _ := set.ID("failed-payment")
		lifeOf(t, d, id)
		write(t, d, func(tx *db.Tx) error { // the fixture's customers get their rows
			b := &builder{tx: tx, program: id}
			for c := 1; c <= 40; c++ {
				_, err := tx.Exec(`INSERT INTO customer (id, ref, known, created_at, updated_at) VALUES ($1, $2, false, 0, 0)`, int64(c), fmt.Sprint("c", c))
				b.check(err)
			}
			b.decide(5000, 36, tuesday, followup.Pass, codes.ConditionFalse, time.Time{})
			if len(b.errs) > 0 {
				return b.errs[0]
			}
			return b.counts.Flush(tx)
		})
		cases := []struct {
			ref  string
			want []string
		}{
			{"c8", []string{
				"11-02 09:00 trigger 0 started started", "11-02 09:01 attempt 1 intended ",
				"11-02 09:02 attempt 1 accepted ", "11-02 09:03 attempt 1 delivered ", "11-02 09:04 attempt 1 seen ",
				"11-03 09:00 answer 0 started ", "11-03 09:00 answer 0 completed ", "11-03 09:00 end 0 answered answered",
			}},
			{"c4", []string{
				"11-02 09:00 trigger 0 not-selected late-trigger", "11-02 09:00 trigger 0 started started",
				"11-02 09:00 end 0 unreachable unreachable", "11-02 09:01 attempt 1 rejected ",
			}},
			{"c34", []string{"11-02 09:00 trigger 0 started started", "11-02 09:00 decision 1 deny refused", "11-02 09:00 end 0 suppressed refused"}},
			{"c36", []string{"11-02 09:00 trigger 0 started started", "11-02 09:00 decision 1 defer law-window", "11-03 09:00 decision 1 pass condition-false"}},
			{"c40", []string{"11-02 09:00 trigger 0 started held-out", "11-02 09:00 end 0 held_out held-out"}},
			{"c26", []string{
				"11-02 09:00 trigger 0 started started", "11-02 09:01 attempt 1 intended ",
				"11-02 09:02 attempt 1 accepted ", "11-02 09:02 attempt 1 undelivered ",
			}},
		}
		for _, c := range cases {
			var got []string
			for _, m := range explain(t, d, set, nil, c.ref).Moments {
				got = append(got, fmt.Sprintf("%s %s %d %s %s", m.At.Format("01-02 15:04"), m.Kind, m.Step, m.Outcome, m.Reason))
				if m.Text.Chinese == "" || !strings.HasSuffix(m.Text.English, ".") || strings.Contains(m.Text.English, "this version has no words") {
					t.Errorf("%s: %q %q", c.ref, m.Text.English, m.Text.Chinese)
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("%s: %s", c.ref, diff)
			}
		}
	})
}

func TestWhyNothingHappenedIsWorkedOutAgain(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		set := publish(t, d, documents)
		id, _ := set.ID("failed-payment")
		drawn, passed := "", "" // customers in the sample and outside of it
		for i := 0; drawn == "" || passed == ""; i++ {
			ref := fmt.Sprint("w", i)
			if sampledByHand(ref) {
				drawn = ref
			} else {
				passed = ref
			}
		}
		v := vaulttest.New(t)
		write(t, d, func(tx *db.Tx) error {
			var all []*customer.Customer
			for ref, year := range map[string]int{drawn: 1999, passed: 1950} {
				all = append(all, &customer.Customer{Ref: ref, BirthYear: year})
			}
			if _, err := customer.Upsert(tx, v, source, all, monday); err != nil {
				return err
			}
			found, err := customer.Resolve(tx, source, []string{drawn, passed}, monday)
			if err != nil {
				return err
			}
			facts := map[int64]*customer.Facts{found[passed]: customer.NewFacts()}
			facts[found[passed]].Observe("wallet.payment.failed", 1, monday, nil)
			return customer.SaveFacts(tx, facts)
		})
		says := func(ref string, want ...string) {
			t.Helper()
			e := explain(t, d, set, v, ref)
			var got []string
			for _, w := range e.Why {
				got = append(got, w.English)
			}
			if diff := cmp.Diff(want, got); diff != "" || len(e.Moments) != 0 {
				t.Errorf("%s: %s %v", ref, diff, e.Moments)
			}
		}
		says("nobody", "There is no such customer: neither a record nor an event has been received.")
		says(drawn, "No wallet.payment.failed event of this customer has been received.",
			"The customer is not in the program's segment (elders, judged as things stand now).")
		says(passed, "wallet.payment.failed events of this customer received: 1.", "Not drawn into the sample (50.0% are drawn).")
		write(t, d, func(tx *db.Tx) error { // whoever was put in an arm is not asked about the sample
			found, err := customer.Find(tx, []string{passed})
			if err != nil {
				return err
			}
			_, err = tx.Exec(`INSERT INTO assignment (program_id, customer_id, arm, control, at) VALUES ($1, $2, 'letter', false, 1)`, id, found[passed])
			return err
		})
		says(passed, "wallet.payment.failed events of this customer received: 1.", "None of them met the program's condition, or they came before it was published.")
	})
}

func TestEveryStateOfAnAttemptHasItsWords(t *testing.T) {
	for _, s := range []attempt.State{
		attempt.Intended, attempt.Withheld, attempt.Rejected, attempt.Unknown, attempt.Accepted, attempt.Undelivered, attempt.Delivered, attempt.Seen,
	} {
		if states[s].Chinese == "" || states[s].English == "" {
			t.Errorf("%s has no words", s)
		}
		if (&Stage{}).of(s) == nil {
			t.Errorf("%s has no place in the funnel", s)
		}
	}
	for _, s := range followup.Finals {
		if strings.Contains(stateName(s).English, "no words") {
			t.Errorf("%s has no words", s)
		}
	}
}

// sampledByHand draws the lot as the documentation of the sample says it is drawn: the
// first 53 bits of SHA-256 over the salt's length, the salt and the customer.
func sampledByHand(ref string) bool {
	salt := "sample:failed-payment"
	h := sha256.Sum256(append(append([]byte{0, 0, 0, 0, 0, 0, 0, byte(len(salt))}, salt...), ref...))
	return h[0] < 0x80 // the first bit tells below and above a half
}
