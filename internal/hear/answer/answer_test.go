package answer_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/huiyin/huiyin/internal/followup"
	"github.com/huiyin/huiyin/internal/hear/answer"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/db/dbtest"
	"github.com/huiyin/huiyin/internal/platform/errs"
	"github.com/huiyin/huiyin/internal/platform/tally"
	"github.com/huiyin/huiyin/internal/program/questionnaire"
)

func TestAnAnswerFromFirstQuestionToThanks(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		id, token := h.invite(scored)

		h.must(h.save(token, "stars", int64(2), "1-3.1"))
		if got := h.state(id); got != followup.Answered {
			t.Errorf("once the score is given the follow-up is %s", got)
		}
		h.must(h.save(token, "why", "回款太慢 🙁"))
		h.must(h.save(token, "app", "ios"))
		if _, err := h.Complete(context.Background(), token); err != nil {
			t.Fatal(err)
		}

		a := h.kept(id)
		want := map[string]any{"stars": int64(2), "why": "回款太慢 🙁", "app": "ios"}
		if diff := cmp.Diff(want, a.Given()); diff != "" {
			t.Errorf("what was kept: %s", diff)
		}
		if !a.Scored || a.Score != 2 || a.Channel != "email" || a.Language != "en" || a.CompletedAt.IsZero() || a.Program != program || a.Customer != id {
			t.Errorf("the answer reads %+v", a)
		}
		sums := map[[2]string]int64{
			{"answer", "started"}: 1, {"answer", "completed"}: 1, {"score", "stars:2"}: 1, {"tag", "stars:1-3.1"}: 1, {"choice", "app:ios"}: 1,
			{"started", "treated"}: 1, {"ended", "answered"}: 1, {"reason", "answered:answered"}: 1,
		}
		if diff := cmp.Diff(sums, h.sums()); diff != "" {
			t.Errorf("the counters: %s", diff)
		}
	})
}

func TestAChangedScoreTakesBackWhatItCountedOnTheDayItCounted(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		id, token := h.invite(scored)
		h.must(h.save(token, "stars", int64(1), "1-3.2"))
		h.clock.Advance(24 * time.Hour)
		h.must(h.save(token, "stars", int64(5)))

		day := tally.Day(start)
		if n := h.sumsOn(day, day)[[2]string{"score", "stars:1"}]; n != 0 {
			t.Errorf("the day of the first score still counts it %d times", n)
		}
		if n := h.sumsOn(day+1, day+1)[[2]string{"score", "stars:5"}]; n != 1 {
			t.Errorf("the day of the second score counts it %d times", n)
		}
		if n := h.sums()[[2]string{"tag", "stars:1-3.2"}]; n != 0 {
			t.Errorf("the reason given with the first score still counts %d", n)
		}
		if a := h.kept(id); a.Score != 5 || len(a.Values["stars"].Tags) != 0 {
			t.Errorf("the answer reads %+v", a)
		}
	})
}

func TestAQuestionHiddenByAChangeOfMindIsNotKept(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		id, token := h.invite(scored)
		h.must(h.save(token, "stars", int64(1)))
		if err := h.save(token, "why", strings.Repeat("长", questionnaire.TextCharsMax+1)); errs.KindOf(err) != errs.TooLarge {
			t.Errorf("a text beyond all bounds: %v", err)
		}
		h.must(h.save(token, "why", "it failed twice"))
		h.must(h.save(token, "stars", int64(4)))
		if err := h.save(token, "why", "still unhappy"); errs.CodeOf(err) != codes.AnswerInvalid {
			t.Errorf("a hidden question was taken: %v", err)
		}
		_, err := h.Complete(context.Background(), token)
		h.must(err)
		if diff := cmp.Diff(map[string]any{"stars": int64(4)}, h.kept(id).Given()); diff != "" {
			t.Error(diff)
		}
	})
}

func TestWithoutAScoreTheEndMakesItAnswered(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		id, token := h.invite(unscored)
		h.must(h.save(token, "stars", int64(5)))
		if got := h.state(id); got != followup.Waiting {
			t.Errorf("before the end the follow-up is %s", got)
		}
		_, err := h.Complete(context.Background(), token)
		h.must(err)
		if got := h.state(id); got != followup.Answered {
			t.Errorf("after the end the follow-up is %s", got)
		}
	})
}

func TestALateAnswerTurnsTheEndIntoAnswered(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		id, token := h.invite(scored)
		h.end(id, followup.Unanswered, codes.Unanswered)
		h.must(h.save(token, "stars", int64(3)))
		if got := h.state(id); got != followup.Answered {
			t.Errorf("the follow-up is %s", got)
		}
		sums := h.sums()
		if sums[[2]string{"ended", "unanswered"}] != 0 || sums[[2]string{"ended", "answered"}] != 1 {
			t.Errorf("the ends are counted as %v", sums)
		}
	})
}

func TestWhatALinkSays(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		ctx := context.Background()
		_, live := h.invite(scored)
		_, used := h.invite(scored)
		h.must(h.save(used, "stars", int64(5)))
		_, err := h.Complete(ctx, used)
		h.must(err)
		erasedID, erased := h.invite(scored)
		h.end(erasedID, followup.Cancelled, codes.CustomerErased)
		neverIssued := h.links.Token(h.follow(false), scored)
		for name, c := range map[string]struct {
			token, code string
			after       time.Duration
			sheet       bool
		}{
			"a live link opens":                               {live, "", 0, true},
			"a link opens until the last moment":              {live, "", validity - 1, true},
			"an expired link says so":                         {live, codes.LinkExpired, validity, true},
			"a used link says so":                             {used, codes.LinkUsed, 0, true},
			"a used link still says used when expired":        {used, codes.LinkUsed, 2 * validity, true},
			"a token never issued opens nothing":              {neverIssued, codes.LinkInvalid, 0, false},
			"a token one letter off opens nothing":            {"a" + live[:25], codes.LinkInvalid, 0, false},
			"a token in capitals opens nothing":               {strings.ToUpper(live), codes.LinkInvalid, 0, false},
			"an empty token opens nothing":                    {"", codes.LinkInvalid, 0, false},
			"a long token opens nothing":                      {strings.Repeat("a", 100_000), codes.LinkInvalid, 0, false},
			"the link of an erased customer never existed":    {erased, codes.LinkInvalid, 0, false},
			"a link seen before the clock stepped back opens": {live, "", -time.Hour, true},
		} {
			t.Run(name, func(t *testing.T) {
				h.clock.Set(start.Add(c.after))
				sheet, err := h.Open(ctx, c.token)
				code := ""
				if err != nil {
					code = errs.CodeOf(err)
				}
				if code != c.code || (sheet != nil) != c.sheet {
					t.Errorf("opening gave %+v and %v", sheet, err)
				}
				if c.code == "" {
					return
				}
				if err := h.save(c.token, "stars", int64(1)); errs.CodeOf(err) != c.code {
					t.Errorf("saving gave %v", err)
				}
				if _, err := h.Complete(ctx, c.token); errs.CodeOf(err) != c.code && c.code != codes.LinkUsed {
					t.Errorf("completing gave %v", err)
				}
			})
		}
	})
}

func TestALinkIsIssuedOnceAndForTreatedCustomersOnly(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		id, token := h.invite(scored)
		ctx := context.Background()
		h.must(d.Write(ctx, db.Outcome, "again", func(tx *db.Tx) error {
			again, err := h.links.Issue(tx, id, scored, "inapp", "zh-CN", start, time.Hour)
			if again != token {
				t.Errorf("issued again it is %s, not %s", again, token)
			}
			return err
		}))
		sheet, err := h.Open(ctx, token)
		h.must(err)
		if !sheet.ExpiresAt.Equal(start.Add(validity)) || sheet.Language != "zh-CN" || sheet.Channel != "inapp" {
			t.Errorf("issued again for less time it reads %+v", sheet)
		}

		control := h.follow(true)
		h.must(d.Write(ctx, db.Outcome, "batch", func(tx *db.Tx) error {
			tokens, err := h.links.IssueAll(tx, start, []answer.Invitation{
				{FollowUp: control, Questionnaire: scored}, {FollowUp: id, Questionnaire: scored}, {FollowUp: 1, Questionnaire: scored},
			})
			if err == nil && (tokens[0] != "" || tokens[1] != token || tokens[2] != "") {
				t.Errorf("a held-out customer, a treated one and nobody got %q", tokens)
			}
			return err
		}))
		err = d.Write(ctx, db.Outcome, "one", func(tx *db.Tx) error {
			_, err := h.links.Issue(tx, control, scored, "email", "en", start, validity)
			return err
		})
		if errs.CodeOf(err) != string(codes.AssertionStopped) {
			t.Errorf("a held-out customer's link: %v", err)
		}
		if _, err := h.Open(ctx, h.links.Token(control, scored)); errs.CodeOf(err) != codes.LinkInvalid {
			t.Errorf("a held-out customer's token opens: %v", err)
		}
	})
}

func TestWhatIsRefused(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		id, token := h.invite(scored)
		for name, c := range map[string]struct {
			question string
			given    any
		}{
			"a score off the scale":           {"stars", int64(6)},
			"a word for a number":             {"stars", "five"},
			"a question hidden so far":        {"why", "because"},
			"a question nobody asked":         {"iban", "DE00"},
			"nothing for a required question": {"stars", nil},
			"a choice not offered":            {"app", "windows"},
			"a list where one is wanted":      {"app", []string{"ios"}},
			"a value of a kind we don't keep": {"stars", 2.5},
		} {
			t.Run(name, func(t *testing.T) {
				err := h.save(token, c.question, c.given)
				if e, ok := errs.As(err); !ok || e.Code != codes.AnswerInvalid || e.Path != c.question {
					t.Errorf("got %v", err)
				}
			})
		}
		if _, err := h.Complete(context.Background(), token); errs.CodeOf(err) != codes.AnswerIncomplete {
			t.Errorf("completing without the required question: %v", err)
		}
		if a := h.kept(id); a != nil {
			t.Errorf("something was kept: %+v", a)
		}
		if n := h.sums()[[2]string{"answer", "started"}]; n != 0 {
			t.Errorf("%d answers are counted as started", n)
		}
	})
}

func TestAnEmptyValueTakesBack(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		id, token := h.invite(scored)
		h.must(h.save(token, "app", ""))
		if h.kept(id) != nil {
			t.Error("saying nothing began an answer")
		}
		h.must(h.save(token, "app", "ios"))
		h.must(h.save(token, "app", nil))
		if a := h.kept(id); len(a.Values) != 0 {
			t.Errorf("what was taken back is still there: %+v", a)
		}
		if n := h.sums()[[2]string{"choice", "app:ios"}]; n != 0 {
			t.Errorf("what was taken back is still counted %d times", n)
		}
	})
}

// A crash after the commit and before the thanks: the answer is there, and
// saying it again does no harm.
func TestACrashAfterTheCommitLosesNothing(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		crash := errors.New("the machine stops here")
		for _, point := range []string{"write:answer:begin", "write:answer:commit", "write:answer:committed", "write:answer-complete:committed"} {
			t.Run(point, func(t *testing.T) {
				id, token := h.invite(scored)
				before := h.sums()
				h.DB = d.Hooked(func(at string) error {
					if at == point {
						return crash
					}
					return nil
				})
				err := h.save(token, "stars", int64(4))
				if err == nil {
					_, err = h.Complete(context.Background(), token)
				}
				h.DB = d
				if !errors.Is(err, crash) {
					t.Fatalf("the crash gave %v", err)
				}
				durable := strings.HasSuffix(point, "committed")
				if a := h.kept(id); (a != nil) != durable {
					t.Fatalf("after a crash at %s there is %+v", point, a)
				}
				for range 3 { // the customer taps again, and again
					h.must(h.save(token, "stars", int64(4)))
					_, err := h.Complete(context.Background(), token)
					h.must(err)
				}
				a, after := h.kept(id), h.sums()
				if a.Score != 4 || a.CompletedAt.IsZero() || h.state(id) != followup.Answered {
					t.Errorf("in the end there is %+v", a)
				}
				for _, k := range [][2]string{{"score", "stars:4"}, {"answer", "started"}, {"answer", "completed"}, {"ended", "answered"}} {
					if n := after[k] - before[k]; n != 1 {
						t.Errorf("%s is counted %d times", k, n)
					}
				}
			})
		}
	})
}

func TestAfterTheEndNothingChanges(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		id, token := h.invite(scored)
		h.must(h.save(token, "stars", int64(5)))
		_, err := h.Complete(context.Background(), token)
		h.must(err)
		h.must(h.save(token, "stars", int64(5))) // a second tab, the same tap
		if err := h.save(token, "stars", int64(1)); errs.CodeOf(err) != codes.LinkUsed {
			t.Errorf("another score after the end: %v", err)
		}
		if err := h.save(token, "app", "ios"); errs.CodeOf(err) != codes.LinkUsed {
			t.Errorf("another question after the end: %v", err)
		}
		if a := h.kept(id); a.Score != 5 || len(a.Values) != 1 {
			t.Errorf("the answer reads %+v", a)
		}
	})
}

// Fifty taps at once, on two links, from tabs that don't know of each other.
func TestManyTabsAtOnceCountOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		one, first := h.invite(scored)
		two, second := h.invite(scored)
		var wg sync.WaitGroup
		for i := range 50 {
			wg.Go(func() {
				token := first
				if i%2 == 0 {
					token = second
				}
				if err := h.save(token, "stars", int64(i%3+1), fmt.Sprint("1-3.", i%2+1)); err != nil {
					t.Errorf("tap %d: %v", i, err)
				}
			})
		}
		wg.Wait()
		want := map[[2]string]int64{
			{"answer", "started"}: 2, {"started", "treated"}: 2, {"ended", "answered"}: 2, {"reason", "answered:answered"}: 2,
		}
		for _, id := range []int64{one, two} {
			a := h.kept(id)
			want[[2]string{"score", fmt.Sprint("stars:", a.Score)}]++
			want[[2]string{"tag", "stars:" + a.Values["stars"].Tags[0]}]++
			if a.Values["stars"].Given != a.Score {
				t.Errorf("the score %d isn't the value kept, %v", a.Score, a.Values["stars"])
			}
		}
		if diff := cmp.Diff(want, h.sums()); diff != "" {
			t.Errorf("the counters: %s", diff)
		}
	})
}

func TestOpeningLeavesNothingBehind(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		id, token := h.invite(scored)
		before := h.sums()
		for range 200 {
			_, err := h.Open(context.Background(), token)
			h.must(err)
		}
		if a := h.kept(id); a != nil || h.state(id) != followup.Waiting {
			t.Errorf("opening left %+v, %s", a, h.state(id))
		}
		if diff := cmp.Diff(before, h.sums()); diff != "" {
			t.Error(diff)
		}
	})
}

func TestAnErasedCustomersWordsAreGone(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		id, token := h.invite(scored)
		other, kept := h.invite(scored)
		for _, link := range []string{token, kept} {
			h.must(h.save(link, "stars", int64(1)))
			h.must(h.save(link, "why", "my secret"))
		}
		h.must(d.Write(context.Background(), db.Outcome, "erase", func(tx *db.Tx) error { return answer.Erase(tx, id) }))
		if h.kept(id) != nil {
			t.Error("the erased answer is still there")
		}
		if a := h.kept(other); a == nil || len(a.Values) != 2 {
			t.Errorf("somebody else's answer reads %+v", a)
		}
		var left int
		h.must(d.Read(context.Background(), func(tx *db.Tx) error {
			return tx.QueryRow(`SELECT COUNT(*) FROM answer_value`).Scan(&left)
		}))
		if left != 2 {
			t.Errorf("%d values are left, not the 2 of somebody else", left)
		}
	})
}

func TestAnswersAreListedInOrder(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		var want []int64
		for i := range 5 {
			h.clock.Advance(time.Minute)
			id, token := h.invite(scored)
			h.must(h.save(token, "stars", int64(i+1)))
			want = append(want, id)
		}
		var got []int64
		h.must(d.Read(context.Background(), func(tx *db.Tx) error {
			for after := int64(0); ; {
				page, err := answer.List(tx, program, after, 2)
				if err != nil || len(page) == 0 {
					return err
				}
				for _, a := range page {
					got, after = append(got, a.FollowUp), a.ID
				}
			}
		}))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		h.must(d.Read(context.Background(), func(tx *db.Tx) error {
			own, err := answer.OfCustomer(tx, want[2], 10)
			if err == nil && (len(own) != 1 || own[0].Score != 3) {
				t.Errorf("one customer's answers read %+v", own)
			}
			return err
		}))
	})
}
