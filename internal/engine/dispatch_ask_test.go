package engine

import (
	"strings"
	"testing"
	"time"

	"github.com/huiyin/huiyin/internal/followup"
	"github.com/huiyin/huiyin/internal/hear/answer"
	"github.com/huiyin/huiyin/internal/intake/event"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/errs"
	"github.com/huiyin/huiyin/internal/program/condition"
	"github.com/huiyin/huiyin/internal/program/document"
	"github.com/huiyin/huiyin/internal/program/questionnaire"
)

// oneForm answers for every version with the same questionnaire.
type oneForm struct{ q *questionnaire.Questionnaire }

func (o oneForm) Questionnaire(*db.Tx, int64) (*questionnaire.Questionnaire, error) { return o.q, nil }

// asks makes the desk's one step ask for stars, of so many customers, and gives the way to answer.
func (h *desk) asks(quota int64) *answer.Store {
	h.t.Helper()
	catalogue, err := event.NewCatalogue()
	if err != nil {
		h.t.Fatal(err)
	}
	env, err := condition.NewEnv(catalogue)
	if err != nil {
		h.t.Fatal(err)
	}
	q, err := questionnaire.Compile("stars", &questionnaire.Definition{
		Languages: []string{document.En}, Quota: quota,
		Questions: []questionnaire.QuestionDefinition{{ID: "stars", Type: questionnaire.Rating, Score: true, Ask: document.Text{document.En: "How was it?"}}},
	}, env)
	if err != nil {
		h.t.Fatal(err)
	}
	h.exec(`INSERT INTO document (id, kind, name, version, body, created_at, created_by) VALUES (700, 'Questionnaire', 'stars', 1, '', 0, '')`)
	h.live.Steps[0].Questionnaire, h.live.Steps[0].QuestionnaireID = q, 700
	return &answer.Store{DB: h.db, Clock: h.clock, IDs: h.ids, Forms: oneForm{q}}
}

// token is the link of the last message.
func (h *desk) token() string {
	h.t.Helper()
	h.wire.mu.Lock()
	defer h.wire.mu.Unlock()
	_, token, found := strings.Cut(h.wire.sent[len(h.wire.sent)-1].Link, "/q/")
	if !found {
		h.t.Fatal("the message holds no link")
	}
	return token
}

func TestNobodyIsAskedOnceEnoughHaveAnswered(t *testing.T) {
	desks(t, keyless, func(h *desk) {
		answers := h.asks(1)
		first := h.start(h.person("a", "13800000001"), "")
		h.turn()
		early := h.start(h.person("b", "13800000002"), "")
		h.turn()
		h.wantSent(2) // asked before anybody had answered
		late := h.token()
		ctx := h.t.Context()
		for _, id := range []int64{first, early} {
			token := h.d.Links.Token(id, 700)
			if _, err := answers.Save(ctx, token, "stars", answer.Value{Given: int64(5)}); err != nil {
				t.Fatal(err)
			}
			if id == first {
				if _, err := answers.Complete(ctx, token); err != nil {
					t.Fatal(err)
				}
			}
		}
		third := h.start(h.person("c", "13800000003"), "")
		h.turn()
		h.wantSent(2)
		h.wantState(third, followup.Suppressed, codes.QuotaReached)
		if _, err := answers.Complete(ctx, late); err != nil { // who was asked is heard
			t.Errorf("an answer beyond the quota: %v", err)
		}
		h.wantState(early, followup.Answered, codes.Answered)
	})
}

func TestALinkIsGoodForAMonthBeyondTheDeadline(t *testing.T) {
	desks(t, keyless, func(h *desk) {
		answers := h.asks(0)
		h.live.Deadline = 60 * 24 * time.Hour // longer than a month: the link must not close before
		f := h.start(h.person("a", "13800000001"), "")
		deadline := h.clock.Now().Add(h.live.Deadline)
		h.turn()
		token := h.token()
		h.clock.Set(deadline.Add(time.Hour))
		h.turn()
		h.wantState(f, followup.Unanswered, codes.Unanswered)

		h.clock.Set(deadline.Add(linkGrace - time.Millisecond))
		if _, err := answers.Save(h.t.Context(), token, "stars", answer.Value{Given: int64(2)}); err != nil {
			t.Fatalf("after the deadline, within the month: %v", err)
		}
		h.wantState(f, followup.Answered, codes.Answered)
		h.clock.Set(deadline.Add(linkGrace))
		if _, err := answers.Save(h.t.Context(), token, "stars", answer.Value{Given: int64(1)}); errs.CodeOf(err) != codes.LinkExpired {
			t.Errorf("after the month: %v", err)
		}
	})
}
