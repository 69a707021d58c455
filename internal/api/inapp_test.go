package api_test

import (
	"io"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/huiyin/huiyin/internal/contact/attempt"
	"github.com/huiyin/huiyin/internal/followup"
	"github.com/huiyin/huiyin/internal/platform/codes"
)

func TestANoticeSeenInTheAppIsNotSentAgainAndItsQuestionIsAnsweredThere(t *testing.T) {
	eachBox(t, func(t *testing.T, b *box) {
		b.fail("1", "ann")
		list := b.cards("ann", "")
		if len(list.Cards) != 1 {
			t.Fatalf("%+v", list)
		}
		card := list.Cards[0]
		if card.Purpose != "notice" || card.Program != "支付失败回访" || card.Title != "您有一笔付款未成功" || !strings.Contains(card.Text, "茶舍") || card.Form != nil || card.Link != "" || !card.Until.Equal(b.clock.Now().Add(48*time.Hour)) {
			t.Errorf("%+v", card)
		}
		if _, all := b.one("ann"); len(all) != 1 || all[0].State != attempt.Delivered {
			t.Errorf("once fetched: %+v", all)
		}
		said := regexp.MustCompile(`[0-9A-Z]{8}`).FindString(card.Text)
		for who, want := range map[string]string{"ann": "genuine", "bob": "not-yours"} {
			var got struct{ Verdict, Channel string }
			b.say(who, http.MethodPost, "/v1/inapp/check", map[string]any{"reference": said}, http.StatusOK).read(t, &got)
			if got.Verdict != want || (got.Channel == "inapp") != (who == "ann") {
				t.Errorf("%s asks whether %q is ours: %+v", who, said, got)
			}
		}
		b.say("ann", http.MethodPost, "/v1/inapp/cards/"+card.ID+"/shown", nil, http.StatusNoContent)
		b.say("ann", http.MethodPost, "/v1/inapp/cards/"+card.ID+"/shown", nil, http.StatusNoContent)
		if _, all := b.one("ann"); all[0].State != attempt.Seen {
			t.Errorf("once shown: %+v", all)
		}
		b.clock.Advance(31 * time.Minute)
		b.work()
		if len(b.wire.sent) != 0 {
			t.Errorf("a notice that was seen went out by mail too: %+v", b.wire.sent)
		}
		list = b.cards("ann", "?lang=en")
		if len(list.Cards) != 2 || list.Cards[0].Form == nil || list.Cards[0].Form.Next != "stars" || !strings.HasPrefix(list.Cards[0].Link, "https://follow.example/q/") {
			t.Fatalf("%+v", list)
		}
		survey := list.Cards[0]
		if strings.Contains(survey.Text, survey.Link) {
			t.Errorf("the text carries the link too: %s", survey.Text)
		}
		answers := "/v1/inapp/cards/" + survey.ID + "/answers"
		var form struct {
			Form struct {
				Next     string
				Complete bool
			}
			Thanks string
		}
		b.say("ann", http.MethodPut, answers+"/stars", map[string]any{"value": 2, "tags": []string{"1-3.1"}}, http.StatusOK).read(t, &form)
		if form.Form.Next != "better" || !form.Form.Complete {
			t.Errorf("%+v", form)
		}
		if f, _ := b.one("ann"); f.State != followup.Answered {
			t.Errorf("with a score it is %s", f.State)
		}
		b.say("ann", http.MethodPost, answers, map[string]any{"answers": map[string]any{"better": map[string]any{"value": "快一点"}}}, http.StatusOK).read(t, &form)
		if form.Thanks != "谢谢。" {
			t.Errorf("%+v", form)
		}
		if list := b.cards("ann", ""); len(list.Cards) != 1 || list.Cards[0].ID != card.ID {
			t.Errorf("what was answered is still asked: %+v", list)
		}
		b.clock.Advance(24 * time.Hour)
		b.work()
		if len(b.wire.sent) != 0 {
			t.Errorf("an answered question went out by mail: %+v", b.wire.sent)
		}
	})
}

func TestADismissedCardIsShownNoMoreAndIsNoAnswer(t *testing.T) {
	eachBox(t, func(t *testing.T, b *box) {
		b.fail("1", "ann")
		b.say("ann", http.MethodPost, "/v1/inapp/cards/"+b.cards("ann", "").Cards[0].ID+"/shown", nil, http.StatusNoContent)
		b.clock.Advance(31 * time.Minute)
		b.work()
		survey := b.cards("ann", "").Cards[0]
		path := "/v1/inapp/cards/" + survey.ID
		b.say("ann", http.MethodPost, path+"/dismissed", nil, http.StatusNoContent)
		b.say("ann", http.MethodPost, path+"/dismissed", nil, http.StatusNoContent)
		if list := b.cards("ann", ""); len(list.Cards) != 1 || list.Cards[0].ID == survey.ID {
			t.Errorf("%+v", list)
		}
		if f, all := b.one("ann"); f.State != followup.Waiting || all[len(all)-1].State != attempt.Seen {
			t.Errorf("after dismissing: %s, %+v", f.State, all)
		}
		b.clock.Advance(13 * time.Hour)
		b.work()
		if len(b.wire.sent) != 1 {
			t.Errorf("the next step is not taken: %d mails", len(b.wire.sent))
		}
		// A change of mind is worth more than the dismissal.
		b.say("ann", http.MethodPost, path+"/answers", map[string]any{"answers": map[string]any{"stars": map[string]any{"value": 5}}}, http.StatusOK)
		if f, _ := b.one("ann"); f.State != followup.Answered {
			t.Errorf("answered after all it is %s", f.State)
		}
	})
}

func TestWhatIsSaidOfCardsInBadOrder(t *testing.T) {
	eachBox(t, func(t *testing.T, b *box) {
		b.fail("1", "ann")
		notice := b.cards("ann", "").Cards[0]
		b.say("ann", http.MethodPost, "/v1/inapp/cards/"+notice.ID+"/shown", nil, http.StatusNoContent)
		b.clock.Advance(31 * time.Minute)
		b.work()
		card := "/v1/inapp/cards/" + b.cards("ann", "").Cards[0].ID
		for name, c := range map[string]struct {
			who, method, path string
			body              any
			status            int
			code              string
		}{
			"another customer's card shown":          {"bob", http.MethodPost, card + "/shown", nil, http.StatusNotFound, codes.CardUnknown},
			"another customer's card dismissed":      {"bob", http.MethodPost, card + "/dismissed", nil, http.StatusNotFound, codes.CardUnknown},
			"another customer's card answered":       {"bob", http.MethodPut, card + "/answers/stars", map[string]any{"value": 1}, http.StatusNotFound, codes.CardUnknown},
			"another customer's card handed in":      {"bob", http.MethodPost, card + "/answers", map[string]any{}, http.StatusNotFound, codes.CardUnknown},
			"a card for a customer nobody met":       {"carl", http.MethodPost, card + "/shown", nil, http.StatusNotFound, codes.CardUnknown},
			"a card that never was":                  {"ann", http.MethodPost, "/v1/inapp/cards/x/shown", nil, http.StatusNotFound, codes.CardUnknown},
			"a notice answered":                      {"ann", http.MethodPut, "/v1/inapp/cards/" + notice.ID + "/answers/stars", map[string]any{"value": 1}, http.StatusBadRequest, codes.AnswerInvalid},
			"a score off the scale":                  {"ann", http.MethodPut, card + "/answers/stars", map[string]any{"value": 6}, http.StatusBadRequest, codes.AnswerInvalid},
			"half a star":                            {"ann", http.MethodPut, card + "/answers/stars", map[string]any{"value": 2.5}, http.StatusBadRequest, codes.AnswerInvalid},
			"an object for a value":                  {"ann", http.MethodPut, card + "/answers/stars", map[string]any{"value": map[string]any{}}, http.StatusBadRequest, codes.AnswerInvalid},
			"a question nobody asked":                {"ann", http.MethodPut, card + "/answers/iban", map[string]any{"value": "DE00"}, http.StatusBadRequest, codes.AnswerInvalid},
			"a hidden question":                      {"ann", http.MethodPut, card + "/answers/better", map[string]any{"value": "x"}, http.StatusBadRequest, codes.AnswerInvalid},
			"handed in with nothing said":            {"ann", http.MethodPost, card + "/answers", map[string]any{}, http.StatusBadRequest, codes.AnswerIncomplete},
			"handed in with a question nobody asked": {"ann", http.MethodPost, card + "/answers", map[string]any{"answers": map[string]any{"iban": map[string]any{"value": "x"}}}, http.StatusBadRequest, codes.AnswerInvalid},
			"a text of 1 MB":                         {"ann", http.MethodPut, card + "/answers/better", map[string]any{"value": strings.Repeat("x", 1<<20)}, http.StatusRequestEntityTooLarge, codes.BodyTooLarge},
			"a cursor of letters":                    {"ann", http.MethodGet, "/v1/inapp/cards?before=abc", nil, http.StatusBadRequest, codes.CursorInvalid},
			"feedback of 1 MB":                       {"ann", http.MethodPost, "/v1/inapp/feedback", map[string]any{"id": "1", "text": strings.Repeat("x", 1<<20)}, http.StatusRequestEntityTooLarge, codes.BodyTooLarge},
			"feedback of 3,000 characters":           {"ann", http.MethodPost, "/v1/inapp/feedback", map[string]any{"id": "1", "text": strings.Repeat("x", 3000)}, http.StatusRequestEntityTooLarge, codes.FieldInvalid},
			"feedback that says nothing":             {"ann", http.MethodPost, "/v1/inapp/feedback", map[string]any{"id": "1"}, http.StatusBadRequest, codes.FieldMissing},
		} {
			if got := b.say(c.who, c.method, c.path, c.body, c.status).problem(t); got.Code != c.code {
				t.Errorf("%s: %s, want %s: %s", name, got.Code, c.code, got.Detail)
			}
			b.clock.Advance(time.Second) // nobody is metered here
		}
		if f, _ := b.one("ann"); f.State != followup.Waiting {
			t.Errorf("after all that the follow-up is %s", f.State)
		}
		b.say("ann", http.MethodPost, card+"/answers", map[string]any{"answers": map[string]any{"stars": map[string]any{"value": 5}}}, http.StatusOK)
		b.say("ann", http.MethodPost, card+"/answers", map[string]any{}, http.StatusOK)
		b.say("ann", http.MethodPut, card+"/answers/stars", map[string]any{"value": 5}, http.StatusOK)
		if got := b.say("ann", http.MethodPut, card+"/answers/stars", map[string]any{"value": 1}, http.StatusConflict).problem(t); got.Code != codes.LinkUsed {
			t.Errorf("answered twice, another way: %s", got.Code)
		}
	})
}

func TestAfterItsTimeACardTakesNoAnswer(t *testing.T) {
	b := newBox(t, "sqlite::memory:", "")
	b.fail("1", "ann")
	b.clock.Advance(31 * time.Minute)
	b.work() // unseen in the app, so it goes by mail
	if len(b.wire.sent) != 1 {
		t.Fatalf("%d mails", len(b.wire.sent))
	}
	b.clock.Advance(61 * time.Minute)
	b.work()
	card := b.cards("ann", "").Cards[0]
	if card.Form == nil {
		t.Fatalf("%+v", card)
	}
	b.clock.Advance(80 * time.Hour)
	if list := b.cards("ann", ""); len(list.Cards) != 0 {
		t.Errorf("beyond their use: %+v", list)
	}
	b.clock.Advance(32 * 24 * time.Hour)
	path := "/v1/inapp/cards/" + card.ID + "/answers/stars"
	if got := b.say("ann", http.MethodPut, path, map[string]any{"value": 5}, http.StatusNotFound).problem(t); got.Code != codes.LinkExpired {
		t.Errorf("after the deadline: %s", got.Code)
	}
}

func TestACardWhoseMatterIsSettledIsWithdrawn(t *testing.T) {
	eachBox(t, func(t *testing.T, b *box) {
		b.fail("1", "ann")
		if list := b.cards("ann", ""); len(list.Cards) != 1 {
			t.Fatalf("%+v", list)
		}
		b.happen("wallet.payment.succeeded", "1", "ann", "s")
		if list := b.cards("ann", ""); len(list.Cards) != 0 {
			t.Errorf("the payment went through, and the card still says it didn't: %+v", list)
		}
	})
}

func TestPollingIsCheapAndWaitingIsWokenAndBounded(t *testing.T) {
	b := newBox(t, "sqlite::memory:", "")
	poll := func(query, etag string) *reply {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, b.server.URL+"/v1/inapp/cards"+query, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+b.token("ann"))
		r.Header.Set("If-None-Match", etag)
		got, err := b.server.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = got.Body.Close() }()
		text, err := io.ReadAll(got.Body)
		if err != nil {
			t.Fatal(err)
		}
		return &reply{got, text}
	}
	etag := poll("", "").Header.Get("ETag")
	if got := poll("", etag); got.StatusCode != http.StatusNotModified || len(got.text) != 0 {
		t.Errorf("nothing changed: %d %q", got.StatusCode, got.text)
	}
	if got := poll("", `"other", W/`+etag); got.StatusCode != http.StatusNotModified {
		t.Errorf("a weak tag in a list: %d", got.StatusCode)
	}
	began := time.Now()
	if got := poll("?wait=1", etag); got.StatusCode != http.StatusNotModified || time.Since(began) < time.Second {
		t.Errorf("waited in vain: %d after %v", got.StatusCode, time.Since(began))
	}
	if got := poll("?wait=26", etag); got.StatusCode != http.StatusBadRequest {
		t.Errorf("waiting too long: %d", got.StatusCode)
	}
	var waiting sync.WaitGroup
	waiting.Go(func() {
		began := time.Now()
		if got := poll("?wait=25", etag); got.StatusCode != http.StatusOK || time.Since(began) > 4*time.Second {
			t.Errorf("woken by a card: %d after %v", got.StatusCode, time.Since(began))
		}
	})
	time.Sleep(100 * time.Millisecond) // it may come before or after the card: either way it is answered at once
	b.fail("1", "ann")
	waiting.Wait()
	etag = poll("", "").Header.Get("ETag")
	for range 70 {
		if got := poll("", etag); got.StatusCode == http.StatusTooManyRequests {
			if p := got.problem(t); p.Code != codes.RateLimited || got.Header.Get("Retry-After") == "" {
				t.Errorf("%s, Retry-After %q", p.Code, got.Header.Get("Retry-After"))
			}
			if list := b.cards("bob", ""); len(list.Cards) != 0 {
				t.Errorf("another customer: %+v", list)
			}
			b.clock.Advance(10 * time.Second)
			if got := poll("", etag); got.StatusCode != http.StatusNotModified {
				t.Errorf("ten seconds later: %d", got.StatusCode)
			}
			return
		}
	}
	t.Error("seventy requests in no time were all taken")
}

func TestFeedbackIsTakenAtAnyTimeAndFromAnybodyWithAToken(t *testing.T) {
	eachBox(t, func(t *testing.T, b *box) {
		var made, again struct{ ID string }
		said := map[string]any{"id": "f-1", "text": "退款太慢", "score": 2, "topic": "refund", "language": "zh-CN"}
		b.say("zoe", http.MethodPost, "/v1/inapp/feedback", said, http.StatusCreated).read(t, &made)
		b.say("zoe", http.MethodPost, "/v1/inapp/feedback", said, http.StatusCreated).read(t, &again)
		if made.ID == "" || made != again {
			t.Errorf("said twice it is %v and %v", made, again)
		}
		var list struct {
			Feedback []struct {
				ID, Customer, Text, Topic, Source string
				Score                             *int64
			}
		}
		b.json(http.MethodGet, "/v1/feedback", nil, http.StatusOK).read(t, &list)
		if len(list.Feedback) != 1 || list.Feedback[0].Customer != "zoe" || list.Feedback[0].Text != "退款太慢" || *list.Feedback[0].Score != 2 || list.Feedback[0].ID != made.ID {
			t.Errorf("%+v", list)
		}
	})
}

func TestOnlyTheWalletsPagesMayAsk(t *testing.T) {
	b := newBox(t, "sqlite::memory:", "")
	ask := func(method, origin, wants string) *http.Response {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, b.server.URL+"/v1/inapp/cards", nil)
		if err != nil {
			t.Fatal(err)
		}
		if origin != "" {
			r.Header.Set("Origin", origin)
		}
		if wants != "" {
			r.Header.Set("Access-Control-Request-Method", wants)
		} else {
			r.Header.Set("Authorization", "Bearer "+b.token("ann"))
		}
		got, err := b.server.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = got.Body.Close()
		return got
	}
	for name, c := range map[string]struct {
		method, origin, wants string
		status                int
		allowed               string
	}{
		"an app, without an origin":             {http.MethodGet, "", "", 200, ""},
		"the wallet's page":                     {http.MethodGet, "https://shop.example", "", 200, "https://shop.example"},
		"our own frame":                         {http.MethodGet, "https://follow.example", "", 200, "https://follow.example"},
		"the wallet's page asks first":          {http.MethodOptions, "https://shop.example", "PUT", 204, "https://shop.example"},
		"another page":                          {http.MethodGet, "https://evil.example", "", 403, ""},
		"another page asks first":               {http.MethodOptions, "https://evil.example", "GET", 403, ""},
		"a page from nowhere":                   {http.MethodGet, "null", "", 403, ""},
		"a page whose name begins like ours":    {http.MethodGet, "https://shop.example.evil.example", "", 403, ""},
		"the wallet's page without encryption":  {http.MethodGet, "http://shop.example", "", 403, ""},
		"the wallet's host on another port":     {http.MethodGet, "https://shop.example:8443", "", 403, ""},
		"a page under another of the wallet's":  {http.MethodGet, "https://sub.shop.example", "", 403, ""},
		"an origin somebody typed with a slash": {http.MethodGet, "https://shop.example/", "", 403, ""},
	} {
		got := ask(c.method, c.origin, c.wants)
		if got.StatusCode != c.status || got.Header.Get("Access-Control-Allow-Origin") != c.allowed || got.Header.Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("%s: %d, allowed %q", name, got.StatusCode, got.Header.Get("Access-Control-Allow-Origin"))
		}
	}
}

func TestACardIsExportedWithWhatItSaysAndErasedWithItsCustomer(t *testing.T) {
	b := newBox(t, "sqlite:"+filepath.Join(t.TempDir(), "e.db"), filepath.Join(t.TempDir(), "keys"))
	b.fail("1", "ann")
	b.say("ann", http.MethodPost, "/v1/inapp/feedback", map[string]any{"id": "1", "text": "太慢了"}, http.StatusCreated)
	all, err := b.app.House.Export(t.Context(), "test", "ann")
	if err != nil {
		t.Fatal(err)
	}
	text := string(encode(t, all))
	for _, want := range []string{"您有一笔付款未成功", "茶舍的一笔付款", "太慢了"} {
		if !strings.Contains(text, want) {
			t.Errorf("the export lacks %s", want)
		}
	}
	card := b.cards("ann", "").Cards[0].ID
	if _, err := b.app.House.Erase(t.Context(), "test", "ann", "asked in writing"); err != nil {
		t.Fatal(err)
	}
	if list := b.cards("ann", ""); len(list.Cards) != 0 {
		t.Errorf("after erasing: %+v", list)
	}
	b.say("ann", http.MethodPost, "/v1/inapp/cards/"+card+"/shown", nil, http.StatusNotFound)
}
