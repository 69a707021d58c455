package pages_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/huiyin/huiyin/internal/hear/answer"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/db/dbtest"
)

var visitField = regexp.MustCompile(`name="visit" value="([a-z2-7]{26})"`)

// visitor is one browser at a public link.
type visitor struct {
	*site
	path   string
	cookie string
	from   string
}

func (v *visitor) headers(more ...string) []string {
	if v.cookie != "" {
		more = append(more, "Cookie", v.cookie)
	}
	if v.from != "" {
		more = append(more, "X-Forwarded-For", v.from)
	}
	return append(more, "Accept-Language", "en")
}

func (v *visitor) look() *httptest.ResponseRecorder { return v.get(v.path, v.headers()...) }

// say answers the first question.
func (v *visitor) say(form url.Values) *httptest.ResponseRecorder {
	v.t.Helper()
	page := v.look()
	found := visitField.FindStringSubmatch(page.Body.String())
	if found == nil {
		v.t.Fatalf("%s offers nothing to answer: %d %s", v.path, page.Code, page.Body)
	}
	form.Set("visit", found[1])
	return v.send(form)
}

func (v *visitor) send(form url.Values) *httptest.ResponseRecorder {
	v.t.Helper()
	r := httptest.NewRequest(http.MethodPost, v.path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	r.RemoteAddr = "127.0.0.1:4711"
	h := v.headers()
	for i := 0; i+1 < len(h); i += 2 {
		r.Header.Set(h[i], h[i+1])
	}
	w := httptest.NewRecorder()
	v.ServeHTTP(w, r)
	for _, c := range w.Result().Cookies() {
		v.cookie = c.Name + "=" + c.Value
		if !c.HttpOnly || c.Path != v.path || c.SameSite != http.SameSiteLaxMode {
			v.t.Errorf("the cookie is %+v", c)
		}
	}
	return w
}

func rating(n string) url.Values {
	return url.Values{"question": {"satisfaction"}, "value": {n}}
}

// public reads what has come by a public link: the answers, and how many are complete.
func (s *site) public(name string) (all []answer.Answer, complete int64) {
	s.t.Helper()
	err := s.answers.DB.Read(context.Background(), func(tx *db.Tx) error {
		p, err := answer.Published(tx, name)
		if err != nil {
			return err
		}
		complete = p.Complete
		all, err = answer.List(tx, p.ID, 0, 100)
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return all, complete
}

func TestAnybodyAnswersByAPublicLink(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := newSite(t, d)
		v := &visitor{site: s, path: "/p/open"}
		for range 50 { // scanners and the curious
			wants(t, v.look(), http.StatusOK, "How satisfied are you", `name="visit"`)
		}
		if all, _ := s.public("open"); len(all) != 0 {
			t.Errorf("looking left %+v", all)
		}
		w := v.say(rating("2"))
		to := w.Header().Get("Location")
		if w.Code != http.StatusSeeOther || !strings.HasPrefix(to, "/q/") || !strings.HasSuffix(to, "?at=better") {
			t.Fatalf("the first answer gave %d, %s: %s", w.Code, to, w.Body)
		}
		if back := v.look(); back.Code != http.StatusSeeOther || !strings.HasPrefix(to, back.Header().Get("Location")) {
			t.Errorf("coming back midway gave %d, %s", back.Code, back.Header().Get("Location"))
		}
		own, _, _ := strings.Cut(to, "?")
		_, end := s.step(own, url.Values{"question": {"better"}, "value": {"Shorter queues"}})
		wants(t, end, http.StatusOK, "Thank you!")
		wants(t, v.look(), http.StatusGone, "You have already answered")
		wants(t, v.send(rating("5")), http.StatusGone, "You have already answered")

		all, complete := s.public("open")
		if len(all) != 1 || complete != 1 {
			t.Fatalf("%d answers, %d complete", len(all), complete)
		}
		if a := all[0]; a.Customer != 0 || !a.Visitor() || a.Channel != answer.ChannelPublic || a.Language != "en" || a.Score != 2 || a.CompletedAt.IsZero() {
			t.Errorf("the answer reads %+v", a)
		}
	})
}

func TestAVisitorsFirstAnswerSentTwiceIsOne(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := newSite(t, d)
		page := (&visitor{site: s, path: "/p/open"}).look().Body.String()
		form := rating("3")
		form.Set("visit", visitField.FindStringSubmatch(page)[1])
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				if w := (&visitor{site: s, path: "/p/open"}).send(form); w.Code != http.StatusSeeOther {
					t.Errorf("sending gave %d", w.Code)
				}
			})
		}
		wg.Wait()
		if all, _ := s.public("open"); len(all) != 1 {
			t.Errorf("%d answers", len(all))
		}
	})
}

func TestAPublicQuotaIsExact(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := newSite(t, d)
		const came, wanted = 8, 3
		var paths []string
		for range came { // all of them begin before anybody is at the end
			to := (&visitor{site: s, path: "/p/open"}).say(rating("1")).Header().Get("Location")
			own, _, _ := strings.Cut(to, "?")
			paths = append(paths, own)
		}
		got := make(chan string, came)
		var wg sync.WaitGroup
		for _, own := range paths {
			wg.Go(func() {
				w := s.post(own, url.Values{"question": {"better"}, "value": {"x"}})
				got <- fmt.Sprint(w.Code, strings.Contains(w.Body.String(), "问卷已结束") || strings.Contains(w.Body.String(), "is closed"))
			})
		}
		wg.Wait()
		close(got)
		counts := map[string]int{}
		for g := range got {
			counts[g]++
		}
		if counts["303 false"] != wanted || counts["410 true"] != came-wanted {
			t.Errorf("they were told %v", counts)
		}
		if _, complete := s.public("open"); complete != wanted {
			t.Errorf("%d are complete", complete)
		}
		wants(t, (&visitor{site: s, path: "/p/open"}).look(), http.StatusGone, "This questionnaire is closed")
	})
}

func TestASharedTabletAnswersAgainUntilItCloses(t *testing.T) {
	s := newSite(t, dbtest.Memory(t, db.Options{}))
	v := &visitor{site: s, path: "/p/tablet"}
	for range 5 {
		if w := v.say(rating("5")); !strings.HasSuffix(w.Header().Get("Location"), "/done") {
			t.Fatalf("an answer gave %d: %s", w.Code, w.Body)
		}
	}
	if all, complete := s.public("tablet"); len(all) != 5 || complete != 5 {
		t.Errorf("%d answers, %d complete", len(all), complete)
	}
	midway := strings.Split(v.say(rating("1")).Header().Get("Location"), "?")[0]
	s.clock.Set(time.Date(2026, 3, 2, 18, 0, 0, 0, time.UTC))
	wants(t, (&visitor{site: s, path: "/p/tablet"}).look(), http.StatusGone, "This questionnaire is closed")
	wants(t, s.get(midway, "Accept-Language", "en"), http.StatusGone, "expired")
}

func TestPublicLinksThatLeadNowhere(t *testing.T) {
	s := newSite(t, dbtest.Memory(t, db.Options{}))
	_, personal := s.invite(short, "en")
	token := strings.TrimPrefix(personal, "/q/")
	for name, path := range map[string]string{"no such questionnaire": "/p/nobody", "one that isn't public": "/p/after-payment", "no name": "/p/%00", "a long one": "/p/" + strings.Repeat("x", 5000)} {
		v := &visitor{site: s, path: path}
		t.Run(name, func(t *testing.T) {
			wants(t, v.look(), http.StatusGone, "This link doesn&#39;t open")
			wants(t, v.send(rating("1")), http.StatusGone, "This link doesn&#39;t open")
		})
	}
	open := &visitor{site: s, path: "/p/open"}
	for name, c := range map[string]struct {
		form url.Values
		code int
	}{
		"a token cut short":      {url.Values{"question": {"satisfaction"}, "value": {"5"}, "visit": {"abc"}}, http.StatusGone},
		"no token":               {rating("5"), http.StatusGone},
		"nothing chosen":         {url.Values{"question": {"satisfaction"}, "visit": {strings.Repeat("a", 26)}}, http.StatusUnprocessableEntity},
		"off the scale":          {url.Values{"question": {"satisfaction"}, "value": {"77"}, "visit": {strings.Repeat("a", 26)}}, http.StatusUnprocessableEntity},
		"a later question first": {url.Values{"question": {"better"}, "value": {"x"}, "visit": {strings.Repeat("a", 26)}}, http.StatusUnprocessableEntity},
		"a question nobody asks": {url.Values{"question": {"iban"}, "value": {"x"}}, http.StatusSeeOther},
		"a cookie of nobody":     {rating("5"), http.StatusGone},
	} {
		t.Run(name, func(t *testing.T) {
			open.cookie = "huiyin_visit=" + strings.Repeat("q", 26)
			if w := open.send(c.form); w.Code != c.code {
				t.Errorf("gave %d: %s", w.Code, w.Body)
			}
		})
	}
	if all, _ := s.public("open"); len(all) != 0 {
		t.Errorf("something was kept: %+v", all)
	}
	// A personal link's token is that link, here too.
	form := rating("4")
	form.Set("visit", token)
	open.cookie = ""
	open.send(form)
	if all, _ := s.public("open"); len(all) != 0 {
		t.Errorf("a personal answer became a visitor's: %+v", all)
	}
	open.cookie = "huiyin_visit=" + token
	wants(t, open.look(), http.StatusOK, "How satisfied are you") // it says nothing of whose link that is
}

func TestOneAddressCannotFillAQuestionnaire(t *testing.T) {
	s := newSite(t, dbtest.Memory(t, db.Options{}))
	codes := map[string]map[int]int{}
	for i := range 70 {
		for _, from := range []string{"203.0.113.7", "2001:db8:1:2::" + fmt.Sprintf("%x", i+1), fmt.Sprintf("198.51.100.%d", i+1)} {
			v := &visitor{site: s, path: "/p/tablet", from: from}
			kind := strings.SplitN(from, ".", 2)[0]
			if strings.Contains(from, ":") {
				kind = "one IPv6 network"
			}
			if codes[kind] == nil {
				codes[kind] = map[int]int{}
			}
			codes[kind][v.say(rating("5")).Code]++
		}
	}
	for kind, want := range map[string]int{"203": 60, "one IPv6 network": 60, "198": 70} {
		if codes[kind][http.StatusSeeOther] != want || codes[kind][http.StatusTooManyRequests] != 70-want {
			t.Errorf("%s: %v", kind, codes[kind])
		}
	}
	s.clock.Advance(10 * time.Minute)
	if w := (&visitor{site: s, path: "/p/tablet", from: "203.0.113.7"}).say(rating("5")); w.Code != http.StatusSeeOther {
		t.Errorf("ten minutes later: %d", w.Code)
	}
}

func TestAMegabyteOfTextIsKindlyRefused(t *testing.T) {
	s := newSite(t, dbtest.Memory(t, db.Options{}))
	id, link := s.invite(short, "en")
	s.step(link, rating("1"))
	w := s.do(http.MethodPost, link+"?lang=en", url.Values{"question": {"better"}, "value": {strings.Repeat("长", 1<<20/3)}}.Encode(), "Sec-Fetch-Site", "same-origin")
	wants(t, w, http.StatusRequestEntityTooLarge, "That is too long", "was not saved")
	if a := s.kept(id); len(a.Values) != 1 {
		t.Errorf("something was kept: %+v", a.Values)
	}
}
