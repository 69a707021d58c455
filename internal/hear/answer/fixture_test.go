package answer_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/huiyin/huiyin/internal/followup"
	"github.com/huiyin/huiyin/internal/hear/answer"
	"github.com/huiyin/huiyin/internal/intake/event"
	"github.com/huiyin/huiyin/internal/platform/clock"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/crypt"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/errs"
	"github.com/huiyin/huiyin/internal/platform/ids"
	"github.com/huiyin/huiyin/internal/platform/tally"
	"github.com/huiyin/huiyin/internal/program/condition"
	"github.com/huiyin/huiyin/internal/program/document"
	"github.com/huiyin/huiyin/internal/program/questionnaire"
)

const (
	program  = int64(7)
	scored   = int64(70)
	unscored = int64(71)
	rewarded = int64(72) // with a score, a quota and a reward
	validity = 48 * time.Hour
)

var start = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

// house is a database with follow-ups in it and a store to answer them.
type house struct {
	*answer.Store
	t     *testing.T
	clock *clock.Virtual
	links *answer.Links
}

func newHouse(t *testing.T, d *db.DB) *house {
	t.Helper()
	f, err := shelf()
	if err != nil {
		t.Fatal(err)
	}
	c := clock.NewVirtual(start)
	return &house{
		t: t, clock: c, links: answer.NewLinks(crypt.FromSeed([]byte("a seed for tests"))),
		Store: &answer.Store{DB: d, Clock: c, IDs: ids.New(c, 1, zeros{}), Forms: f},
	}
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

// invite starts a follow-up of a customer of its own and issues its link.
func (h *house) invite(form int64) (id int64, token string) {
	h.t.Helper()
	return h.link(h.follow(false), form)
}

// inviteFor starts another follow-up of a customer, under another key, and issues its link.
func (h *house) inviteFor(customer, form int64) (id int64, token string) {
	h.t.Helper()
	return h.link(h.followFor(customer, false), form)
}

func (h *house) link(id, form int64) (followUp int64, token string) {
	h.t.Helper()
	err := h.DB.Write(context.Background(), db.Outcome, "invite", func(tx *db.Tx) (err error) {
		token, err = h.links.Issue(tx, id, form, "email", "en", h.clock.Now(), validity)
		return err
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return id, token
}

func (h *house) follow(heldOut bool) int64 {
	h.t.Helper()
	return h.followFor(0, heldOut)
}

func (h *house) followFor(customer int64, heldOut bool) int64 {
	h.t.Helper()
	id, now := h.IDs.Next(), h.clock.Now()
	if customer == 0 {
		customer = id
	}
	err := h.DB.Write(context.Background(), db.Outcome, "start", func(tx *db.Tx) error {
		var counts tally.Batch
		_, err := followup.Start(tx, &counts, []followup.FollowUp{{
			ID: id, Program: program, Customer: customer, TriggerType: "t", TriggerData: "{}", TriggerAt: now, HeldOut: heldOut,
			State: followup.Waiting, Lane: "email", DueAt: now, Deadline: now.Add(validity), CreatedAt: now,
		}})
		if err != nil {
			return err
		}
		return counts.Flush(tx)
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return id
}

// end ends a follow-up from outside.
func (h *house) end(id int64, s followup.State, reason codes.Reason) {
	h.t.Helper()
	err := h.DB.Write(context.Background(), db.Outcome, "end", func(tx *db.Tx) error {
		var counts tally.Batch
		if _, err := followup.End(tx, &counts, id, h.clock.Now(), s, reason); err != nil {
			return err
		}
		return counts.Flush(tx)
	})
	if err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) state(id int64) followup.State {
	h.t.Helper()
	var f followup.FollowUp
	err := h.DB.Read(context.Background(), func(tx *db.Tx) (err error) {
		f, err = followup.One(tx, id)
		return err
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return f.State
}

// sums gives the counters over all days, those at zero left out.
func (h *house) sums() map[[2]string]int64 {
	return h.sumsOn(0, 1<<30)
}

func (h *house) sumsOn(from, to int32) map[[2]string]int64 {
	h.t.Helper()
	var sums map[[2]string]int64
	err := h.DB.Read(context.Background(), func(tx *db.Tx) (err error) {
		sums, err = tally.Sum(tx, program, from, to)
		return err
	})
	if err != nil {
		h.t.Fatal(err)
	}
	for k, n := range sums {
		if n == 0 {
			delete(sums, k)
		}
	}
	return sums
}

// kept reads the one answer of a follow-up; nil if there is none.
func (h *house) kept(id int64) *answer.Answer {
	h.t.Helper()
	var all []answer.Answer
	err := h.DB.Read(context.Background(), func(tx *db.Tx) (err error) {
		all, err = answer.Of(tx, []int64{id})
		return err
	})
	if err != nil {
		h.t.Fatal(err)
	}
	switch len(all) {
	case 0:
		return nil
	case 1:
		return &all[0]
	}
	h.t.Fatalf("follow-up %d has %d answers", id, len(all))
	return nil
}

func (h *house) save(token, question string, given any, tags ...string) error {
	_, err := h.Save(context.Background(), token, question, answer.Value{Given: given, Tags: tags})
	return err
}

func (h *house) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

// forms holds two small questionnaires, the same but that one has a score.
type forms map[int64]*questionnaire.Questionnaire

func (f forms) Questionnaire(_ *db.Tx, id int64) (*questionnaire.Questionnaire, error) {
	if q, ok := f[id]; ok {
		return q, nil
	}
	return nil, errs.New(errs.NotFound, codes.NotFound, "there is no questionnaire %d", id)
}

var shelf = sync.OnceValues(func() (forms, error) {
	catalogue, err := event.NewCatalogue()
	if err != nil {
		return nil, err
	}
	env, err := condition.NewEnv(catalogue)
	if err != nil {
		return nil, err
	}
	f := forms{}
	for id, score := range map[int64]bool{scored: true, unscored: false} {
		if f[id], err = questionnaire.Compile("after-payment", define(score), env); err != nil {
			return nil, err
		}
	}
	prized := define(true)
	prized.Quota = 5
	prized.Reward = &questionnaire.RewardDefinition{ID: "coupon-5", Note: document.Text{document.En: "A coupon is on its way."}}
	if f[rewarded], err = questionnaire.Compile("prized", prized, env); err != nil {
		return nil, err
	}
	return f, nil
})

// define asks for stars, then why (if there are few) and which app.
func define(score bool) *questionnaire.Definition {
	text := func(s string) document.Text { return document.Text{document.En: s} }
	return &questionnaire.Definition{
		Languages: []string{document.En},
		Questions: []questionnaire.QuestionDefinition{
			{
				ID: "stars", Type: questionnaire.Rating, Score: score, Required: true, Ask: text("How was it?"),
				Tags: map[string]questionnaire.Words{"1-3": {document.En: {"too slow", "rude", "unclear"}}},
			},
			{ID: "why", Type: questionnaire.FreeText, Ask: text("Why?"), ShowIf: "stars <= 3"},
			{ID: "app", Type: questionnaire.Single, Ask: text("Which app?"), Options: []questionnaire.Option{
				{Value: "ios", Text: text("iOS")}, {Value: "android", Text: text("Android")},
			}},
		},
	}
}
