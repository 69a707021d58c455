package answer_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/huiyin/huiyin/internal/hear/answer"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/db/dbtest"
	"github.com/huiyin/huiyin/internal/platform/errs"
	"github.com/huiyin/huiyin/internal/platform/outbox"
)

// filled reads a quota as the engine does.
func (h *house) filled(q answer.Quota) int64 {
	h.t.Helper()
	var n int64
	h.must(h.DB.Write(context.Background(), db.Outcome, "filled", func(tx *db.Tx) error {
		all, err := answer.Filled(tx, []answer.Quota{q, q})
		n = all[q]
		return err
	}))
	return n
}

func TestAQuotaCountsEveryCompleteAnswerOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		quota := answer.Quota{Program: program, Questionnaire: "prized"}
		if n := h.filled(quota); n != 0 {
			t.Errorf("at first %d are counted", n)
		}
		const many = 8
		var wg sync.WaitGroup
		for range many {
			_, token := h.invite(rewarded)
			for range 2 { // each twice at once
				wg.Go(func() {
					_ = h.save(token, "stars", int64(4)) // the other may have handed in
					if _, err := h.Complete(context.Background(), token); err != nil && errors.Is(err, context.Canceled) {
						t.Error(err)
					}
				})
			}
		}
		wg.Wait()
		if n := h.filled(quota); n != many {
			t.Errorf("%d are counted of %d", n, many)
		}
		if n := h.filled(answer.Quota{Program: program + 1, Questionnaire: "prized"}); n != 0 {
			t.Errorf("another program's count is %d", n)
		}
	})
}

// What is asked while a quota is looked at is asked before the next answer is in.
func TestALookAtAQuotaHoldsAnswersBack(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		quota := answer.Quota{Program: program, Questionnaire: "prized"}
		_, token := h.invite(rewarded)
		h.must(h.save(token, "stars", int64(4)))
		var order []string
		looked := make(chan struct{})
		var wg sync.WaitGroup
		wg.Go(func() {
			<-looked
			_, err := h.Complete(context.Background(), token)
			if err != nil {
				t.Error(err)
			}
			order = append(order, "answered")
		})
		once := sync.OnceFunc(func() { close(looked) })
		h.must(d.Write(context.Background(), db.Outcome, "look", func(tx *db.Tx) error {
			if _, err := answer.Filled(tx, []answer.Quota{quota}); err != nil {
				return err
			}
			once()
			time.Sleep(50 * time.Millisecond) // long enough for the other to try
			order = append(order, "asked")
			return nil
		}))
		wg.Wait()
		if !slices.Equal(order, []string{"asked", "answered"}) {
			t.Errorf("in this order: %v", order)
		}
	})
}

// told lists what an endpoint that wants to hear of rewards would be told, as it lies in the outbox.
func (h *house) told() []string {
	h.t.Helper()
	var all []string
	h.must(h.DB.Read(context.Background(), func(tx *db.Tx) (err error) {
		all, err = db.All(tx, func(r *db.Rows) (string, error) {
			var kind, data string
			var customer int64
			err := r.Scan(&kind, &customer, &data)
			return fmt.Sprint(kind, " ", customer, " ", data), err
		}, `SELECT kind, customer_id, data FROM outbox ORDER BY id`)
		return err
	}))
	return all
}

func (h *house) listen() {
	h.t.Helper()
	h.must(h.DB.Write(context.Background(), db.Outcome, "endpoint", func(tx *db.Tx) error {
		_, err := outbox.Create(tx, h.IDs, outbox.Endpoint{Name: "wallet", URL: "https://wallet.example/hear", Kinds: []outbox.Kind{outbox.RewardDue}}, start)
		return err
	}))
}

func TestARewardIsEarnedOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		h.listen()
		id, token := h.invite(rewarded)
		h.must(h.save(token, "stars", int64(4)))
		crash := errors.New("the machine stops here")
		h.DB = d.Hooked(func(at string) error {
			if at == "write:answer-complete:commit" {
				return crash
			}
			return nil
		})
		if _, err := h.Complete(context.Background(), token); !errors.Is(err, crash) {
			t.Fatalf("the crash gave %v", err)
		}
		h.DB = d
		if told := h.told(); len(told) != 0 || h.kept(id).Rewarded {
			t.Errorf("before it is durable the wallet is told %q", told)
		}
		for range 3 {
			_, err := h.Complete(context.Background(), token)
			h.must(err)
		}
		a := h.kept(id)
		want := fmt.Sprintf(`reward.due %d {"answer":"%d","follow_up":"%d","questionnaire":"prized","reward":"coupon-5"}`, id, a.ID, id)
		if told := h.told(); !a.Rewarded || !slices.Equal(told, []string{want}) {
			t.Errorf("the wallet is told %q, want %q", told, want)
		}
		sheet, err := h.Open(context.Background(), token)
		if sheet == nil || !sheet.Rewarded {
			t.Errorf("the thanks can't tell of it: %+v, %v", sheet, err)
		}

		// The same customer, the same program, another follow-up.
		second, again := h.inviteFor(id, rewarded)
		h.must(h.save(again, "stars", int64(5)))
		_, err = h.Complete(context.Background(), again)
		h.must(err)
		if told := h.told(); len(told) != 1 || h.kept(second).Rewarded {
			t.Errorf("a second answer earned one more: %q", told)
		}
	})
}

func TestADoubtedAnswerIsKeptCountedApartAndEarnsNothing(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		h.listen()
		id, token := h.invite(rewarded)
		h.must(h.save(token, "stars", int64(1)))
		h.must(h.save(token, "why", "asdfghjkl"))
		_, err := h.CompletePaced(context.Background(), token)
		h.must(err)
		a := h.kept(id)
		if !slices.Equal(a.Careless, []codes.Reason{codes.Gibberish}) || a.Rewarded || a.Values["why"].Given != "asdfghjkl" || a.Score != 1 {
			t.Errorf("the answer reads %+v", a)
		}
		if told := h.told(); len(told) != 0 {
			t.Errorf("it earned %q", told)
		}
		sums := h.sums()
		for k, want := range map[[2]string]int64{{"answer", "completed"}: 1, {"answer", "careless"}: 1, {"doubt", "gibberish"}: 1, {"ended", "answered"}: 1} {
			if sums[k] != want {
				t.Errorf("%s is counted %d times", k, sums[k])
			}
		}
	})
}

func TestThePaceIsJudgedWhereItCanBeKnown(t *testing.T) {
	for name, c := range map[string]struct {
		paced bool
		gap   time.Duration
		want  []codes.Reason
	}{
		"page by page at a reader's pace": {true, 3 * time.Second, nil},
		"page by page in no time":         {true, 10 * time.Millisecond, []codes.Reason{codes.TooFast}},
		"all at once from an app":         {false, 0, nil},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t, dbtest.Memory(t, db.Options{}))
			id, token := h.invite(scored)
			for _, said := range []struct {
				question string
				given    any
			}{{"stars", int64(2)}, {"why", "it failed twice"}, {"app", "ios"}} {
				h.must(h.save(token, said.question, said.given))
				h.clock.Advance(c.gap)
			}
			complete := h.Complete
			if c.paced {
				complete = h.CompletePaced
			}
			_, err := complete(context.Background(), token)
			h.must(err)
			if got := h.kept(id).Careless; !slices.Equal(got, c.want) {
				t.Errorf("got %v", got)
			}
		})
	}
}

// An answer keeps the version it was asked with, whatever is published meanwhile.
func TestANewVersionLeavesOpenLinksAlone(t *testing.T) {
	h := newHouse(t, dbtest.Memory(t, db.Options{}))
	ctx := context.Background()
	id, old := h.invite(scored)
	h.must(h.save(old, "stars", int64(2)))
	_, token := h.link(id, unscored) // the program asks the same customer once more, with its newer version
	if _, err := h.Open(ctx, token); errs.CodeOf(err) != codes.LinkUsed {
		t.Errorf("a follow-up under way opens another version: %v", err)
	}
	h.must(h.save(old, "why", "it failed twice"))
	_, err := h.Complete(ctx, old)
	h.must(err)
	if a := h.kept(id); a.Questionnaire != scored || a.CompletedAt.IsZero() || len(a.Values) != 2 {
		t.Errorf("the answer reads %+v", a)
	}
}
