package answer_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/huiyin/huiyin/internal/followup"
	"github.com/huiyin/huiyin/internal/hear/answer"
	"github.com/huiyin/huiyin/internal/platform/clock"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/crypt"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/errs"
	"github.com/huiyin/huiyin/internal/platform/ids"
	"github.com/huiyin/huiyin/internal/platform/tally"
)

const (
	program       = int64(7)
	questionnaire = int64(70)
	unscored      = int64(71)
	validity      = 48 * time.Hour
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
	c := clock.NewVirtual(start)
	return &house{
		t: t, clock: c, links: answer.NewLinks(crypt.FromSeed([]byte("a seed for tests"))),
		Store: &answer.Store{DB: d, Clock: c, IDs: ids.New(c, 1, zeros{}), Forms: forms{}},
	}
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

// invite starts a follow-up and issues its link.
func (h *house) invite(form int64) (id int64, token string) {
	h.t.Helper()
	id = h.follow(false)
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
	id, now := h.IDs.Next(), h.clock.Now()
	err := h.DB.Write(context.Background(), db.Outcome, "start", func(tx *db.Tx) error {
		var counts tally.Batch
		_, err := followup.Start(tx, &counts, []followup.FollowUp{{
			ID: id, Program: program, Customer: id, TriggerType: "t", TriggerData: "{}", TriggerAt: now, HeldOut: heldOut,
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

// forms holds two small questionnaires: one with a score, one without.
type forms struct{}

func (forms) Form(_ *db.Tx, id int64) (answer.Form, error) {
	switch id {
	case questionnaire:
		return form{score: "stars"}, nil
	case unscored:
		return form{}, nil
	}
	return nil, errs.New(errs.NotFound, codes.NotFound, "there is no questionnaire %d", id)
}

// form asks for stars (1-5, required), why (text, up to 3 stars) and app (one of two).
type form struct{ score string }

func (f form) Score() string { return f.score }

func (f form) Check(question string, v answer.Value) (answer.Value, error) {
	bad := errs.New(errs.Invalid, codes.AnswerInvalid, "not one of the answers offered").At(question)
	switch n, isNumber := v.Given.(int64); {
	case question == "stars" && (!isNumber || n < 1 || n > 5):
		return v, bad
	case question == "app" && v.Given != "ios" && v.Given != "android":
		return v, bad
	}
	return v, nil
}

func (f form) Visible(answers map[string]any) []string {
	asked := []string{"stars", "app"}
	if n, ok := answers["stars"].(int64); ok && n <= 3 {
		asked = slices.Insert(asked, 1, "why")
	}
	return asked
}

func (f form) Required(question string) bool { return question == "stars" }

func (f form) Metric(question string) string {
	switch question {
	case "stars":
		return answer.MetricScore
	case "app":
		return answer.MetricChoice
	}
	return ""
}
