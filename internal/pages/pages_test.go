package pages_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/huiyin/huiyin/internal/pages"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/db/dbtest"
	"github.com/huiyin/huiyin/internal/program/document"
)

const pageBytesMax = 20 << 10

func TestACustomerAnswersAndIsThanked(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := newSite(t, d)
		id, link := s.invite(short, document.ZhCN)
		first := s.get(link)
		wants(t, first, http.StatusOK, `lang="zh-CN"`, "示例钱包", "您对这次付款问题的处理满意吗?", "第 1 题,最多 2 题", "非常不满意", "退款太慢")

		to, second := s.step(link, url.Values{"question": {"satisfaction"}, "value": {"2"}, "tag": {"1-3.2", "4-5.1"}})
		if to != link+"?at=better" {
			t.Errorf("after a low score the customer is sent to %s", to)
		}
		wants(t, second, http.StatusOK, "哪里可以做得更好?", "<textarea", "返回上一题")

		to, end := s.step(link, url.Values{"question": {"better"}, "value": {"退款\r\n快一点"}})
		if to != link+"/done" {
			t.Errorf("after the last question the customer is sent to %s", to)
		}
		wants(t, end, http.StatusOK, "谢谢您!需要帮助请拨打 400-000-0000。")

		a := s.kept(id)
		if diff := cmp.Diff(map[string]any{"satisfaction": int64(2), "better": "退款\n快一点"}, a.Given()); diff != "" || a.CompletedAt.IsZero() {
			t.Errorf("kept %+v: %s", a, diff)
		}
		if diff := cmp.Diff([]string{"1-3.2"}, a.Values["satisfaction"].Tags); diff != "" {
			t.Errorf("the reasons: %s", diff)
		}
		wants(t, s.get(link), http.StatusGone, "您已经提交过了")
		wants(t, s.post(link, url.Values{"question": {"satisfaction"}, "value": {"5"}}), http.StatusGone, "您已经提交过了")
		if a := s.kept(id); a.Score != 2 {
			t.Errorf("after the end the score became %d", a.Score)
		}
	})
}

func TestAHighScoreEndsItInOneTap(t *testing.T) {
	s := newSite(t, dbtest.Memory(t, db.Options{}))
	id, link := s.invite(short, document.En)
	to, end := s.step(link, url.Values{"question": {"satisfaction"}, "value": {"5"}})
	if to != link+"/done" || s.kept(id).Score != 5 {
		t.Errorf("sent to %s with %+v", to, s.kept(id))
	}
	wants(t, end, http.StatusOK, "Thank you! Call 400-000-0000 if you need help.")
}

func TestWhatWasSaidIsThereOnTheWayBack(t *testing.T) {
	s := newSite(t, dbtest.Memory(t, db.Options{}))
	id, link := s.invite(short, document.ZhCN)
	_, second := s.step(link+"?lang=en", url.Values{"question": {"satisfaction"}, "value": {"3"}, "tag": {"1-3.4"}, "lang": {"en"}})
	wants(t, second, http.StatusOK, `lang="en"`, "What could we have done better?", "?at=satisfaction&amp;lang=en", `name="lang" value="en"`)
	back := s.get(link + "?at=satisfaction&lang=en")
	wants(t, back, http.StatusOK, `value="3" class="g0" checked`, `value="1-3.4" checked`)
	s.step(link, url.Values{"question": {"satisfaction"}, "value": {"4"}})
	if a := s.kept(id); a.Score != 4 || len(a.Values) != 1 || len(a.Values["satisfaction"].Tags) != 0 {
		t.Errorf("after a change of mind there is %+v", a)
	}
}

func TestMistakesAreSaidOnThePage(t *testing.T) {
	s := newSite(t, dbtest.Memory(t, db.Options{}))
	id, link := s.invite(short, document.En)
	for name, c := range map[string]struct {
		form url.Values
		say  string
	}{
		"nothing chosen":        {url.Values{"question": {"satisfaction"}}, "Please answer this question"},
		"an empty choice":       {url.Values{"question": {"satisfaction"}, "value": {""}}, "Please answer this question"},
		"off the scale":         {url.Values{"question": {"satisfaction"}, "value": {"9"}}, "Please choose from what is offered"},
		"not a number":          {url.Values{"question": {"satisfaction"}, "value": {"<b>5"}}, "Please choose from what is offered"},
		"a question not asked":  {url.Values{"question": {"better"}, "value": {"x"}}, "isn&#39;t needed any more"},
		"far beyond any number": {url.Values{"question": {"satisfaction"}, "value": {strings.Repeat("9", 60)}}, "Please choose from what is offered"},
	} {
		t.Run(name, func(t *testing.T) {
			wants(t, s.post(link, c.form), http.StatusUnprocessableEntity, c.say, `role="alert"`, "How satisfied are you")
		})
	}
	if a := s.kept(id); a != nil {
		t.Errorf("something was kept: %+v", a)
	}
	s.step(link, url.Values{"question": {"satisfaction"}, "value": {"1"}})
	long := strings.Repeat("🙁", 1001)
	w := s.post(link, url.Values{"question": {"better"}, "value": {long}})
	wants(t, w, http.StatusUnprocessableEntity, "within 1000 characters", long)
	if w := s.post(link, url.Values{"question": {"nobody"}, "value": {"1"}}); w.Code != http.StatusSeeOther || w.Header().Get("Location") != link {
		t.Errorf("an unknown question gave %d", w.Code)
	}
}

// Mail programs, scanners and previews fetch every link, often many times.
func TestFetchingChangesNothing(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := newSite(t, d)
		id, link := s.invite(short, document.En)
		refusal := "/u/" + s.links.Refusal(id, "email", nil)
		var wg sync.WaitGroup
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			for _, path := range []string{link, link + "?at=satisfaction", link + "?question=satisfaction&value=1", link + "/done", refusal, refusal + "?scope=all&List-Unsubscribe=One-Click"} {
				wg.Go(func() {
					for range 50 {
						if w := s.do(method, path, "", "Sec-Purpose", "prefetch"); w.Code != http.StatusOK && w.Code != http.StatusSeeOther {
							t.Errorf("%s %s gave %d", method, path, w.Code)
						}
					}
				})
			}
		}
		wg.Wait()
		for _, method := range []string{http.MethodPut, http.MethodDelete, http.MethodPatch, http.MethodOptions} {
			if w := s.do(method, link, "question=satisfaction&value=1"); w.Code != http.StatusMethodNotAllowed {
				t.Errorf("%s gave %d", method, w.Code)
			}
		}
		if a, said := s.kept(id), s.refusals(id); a != nil || len(said) != 0 {
			t.Errorf("fetching left %+v and %v", a, said)
		}
		sheet, err := s.answers.Open(context.Background(), strings.TrimPrefix(link, "/q/"))
		if err != nil || sheet.ID != 0 {
			t.Errorf("afterwards the link opens %+v, %v", sheet, err)
		}
	})
}

// What a link that doesn't work is told apart by is only its words.
func TestLinksThatDoNotWork(t *testing.T) {
	s := newSite(t, dbtest.Memory(t, db.Options{}))
	_, used := s.invite(short, document.En)
	s.step(used, url.Values{"question": {"satisfaction"}, "value": {"5"}})
	_, expired := s.invite(short, document.ZhCN)
	never := "/q/" + s.links.Token(1, 2)
	s.clock.Advance(validity)
	for name, c := range map[string]struct{ path, language, say string }{
		"used":                          {used, "zh-CN", "You have already answered"},
		"used, read in Chinese":         {used + "?lang=zh-CN", "", "您已经提交过了"},
		"expired":                       {expired, "en", "链接已过期"},
		"never issued":                  {never, "de, en;q=0.5", "This link doesn&#39;t open"},
		"never issued, a Chinese phone": {never, "zh-TW, zh;q=0.9", "链接打不开"},
		"misshapen":                     {"/q/" + strings.Repeat("x", 300), "en", "This link doesn&#39;t open"},
		"misshapen refusal":             {"/u/abc", "en", "This link doesn&#39;t open"},
		"thanks of an expired one":      {expired + "/done", "en", "链接已过期"},
	} {
		t.Run(name, func(t *testing.T) {
			wants(t, s.get(c.path, "Accept-Language", c.language), http.StatusGone, c.say)
			if !strings.HasSuffix(c.path, "/done") {
				wants(t, s.do(http.MethodPost, c.path, "question=satisfaction&value=1", "Accept-Language", c.language), http.StatusGone, c.say)
			}
		})
	}
}

func TestOtherSitesCannotAnswer(t *testing.T) {
	s := newSite(t, dbtest.Memory(t, db.Options{}))
	for name, c := range map[string]struct {
		headers []string
		code    int
	}{
		"a new browser, our page":                  {[]string{"Sec-Fetch-Site", "same-origin", "Origin", "null"}, http.StatusSeeOther},
		"an old browser, our page":                 {[]string{"Origin", "null"}, http.StatusSeeOther},
		"an old browser that names us":             {[]string{"Origin", "https://example.com"}, http.StatusSeeOther},
		"a program without either":                 {nil, http.StatusSeeOther},
		"a new browser, another site":              {[]string{"Sec-Fetch-Site", "cross-site", "Origin", "null"}, http.StatusForbidden},
		"a new browser, a neighbour of our domain": {[]string{"Sec-Fetch-Site", "same-site"}, http.StatusForbidden},
		"an old browser, another site":             {[]string{"Origin", "https://evil.example"}, http.StatusForbidden},
		"another kind of body":                     {[]string{"Content-Type", "text/plain"}, http.StatusUnsupportedMediaType},
		"no kind of body":                          {[]string{"Content-Type", ""}, http.StatusUnsupportedMediaType},
	} {
		t.Run(name, func(t *testing.T) {
			id, link := s.invite(short, document.En)
			w := s.do(http.MethodPost, link, "question=satisfaction&value=5", c.headers...)
			if w.Code != c.code {
				t.Errorf("gave %d", w.Code)
			}
			if a := s.kept(id); (a != nil) != (c.code == http.StatusSeeOther) {
				t.Errorf("kept %+v", a)
			}
		})
	}
	_, link := s.invite(short, document.En)
	if w := s.do(http.MethodPost, link, "question=better&value="+strings.Repeat("a", 1<<20)); w.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("a megabyte gave %d", w.Code)
	}
}

func TestSayingStop(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := newSite(t, d)
		const form, multipart = "application/x-www-form-urlencoded", "multipart/form-data; boundary=b"
		for name, c := range map[string]struct{ body, kind, want, say string }{
			"our button":                  {"scope=channel&lang=en", form, "sms * page", "by text message"},
			"stop everything":             {"scope=all&lang=en", form, "* * page", "on our own accord"},
			"a mail program":              {"List-Unsubscribe=One-Click", form, "sms * one-click", "短信"},
			"a mail program, as RFC 8058": {"--b\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click\r\n--b--\r\n", multipart, "sms * one-click", "短信"},
			"a body nobody can read":      {"%%%", form, "sms * page", "短信"},
			"an empty body":               {"", "", "sms * page", "短信"},
		} {
			t.Run(name, func(t *testing.T) {
				who := s.customer(name)
				path := "/u/" + s.links.Refusal(who, "sms", nil)
				wants(t, s.get(path, "Accept-Language", "zh-CN"), http.StatusOK, "不想再收到短信?", "不再通过短信联系我", `value="all"`, "<form method=\"post\"")
				if said := s.refusals(who); len(said) != 0 {
					t.Fatalf("opening the page refused %v", said)
				}
				for range 2 { // pressed again, it is the same refusal
					w := s.do(http.MethodPost, path, c.body, "Content-Type", c.kind, "Accept-Language", "zh-CN", "Origin", "https://mail.example")
					wants(t, w, http.StatusOK, c.say)
				}
				if diff := cmp.Diff([]string{c.want}, s.refusals(who)); diff != "" {
					t.Error(diff)
				}
			})
		}
	})
}

func TestARefusalThatCouldNotBeSavedIsNotConfirmed(t *testing.T) {
	d := dbtest.Memory(t, db.Options{})
	s := newSite(t, d)
	who := s.customer("w-1")
	s.answers.DB = d.Hooked(func(point string) error {
		if point == "write:refusal:commit" {
			return errors.New("the disk is full")
		}
		return nil
	})
	w := s.do(http.MethodPost, "/u/"+s.links.Refusal(who, "sms", nil), "scope=channel", "Accept-Language", "en")
	wants(t, w, http.StatusServiceUnavailable, "Please try again shortly")
	if said := s.refusals(who); len(said) != 0 {
		t.Errorf("recorded %v", said)
	}
}

func TestAnAnswerThatCouldNotBeSavedIsNotThanked(t *testing.T) {
	d := dbtest.Memory(t, db.Options{})
	s := newSite(t, d)
	id, link := s.invite(short, document.En)
	s.answers.DB = d.Hooked(func(point string) error {
		if point == "write:answer:commit" {
			return errors.New("the disk is full")
		}
		return nil
	})
	w := s.post(link, url.Values{"question": {"satisfaction"}, "value": {"5"}})
	wants(t, w, http.StatusServiceUnavailable, "was not saved")
	if w.Header().Get("Retry-After") == "" || strings.Contains(w.Body.String(), "disk") {
		t.Errorf("the page: %v %s", w.Header(), w.Body)
	}
	if a := s.kept(id); a != nil {
		t.Errorf("kept %+v", a)
	}
}

// every fetches each sort of page, in both languages.
func every(s *site) map[string]*httptest.ResponseRecorder {
	all := map[string]*httptest.ResponseRecorder{}
	for _, lang := range []string{document.ZhCN, document.En} {
		_, link := s.invite(long, lang)
		for _, q := range everything().Questions {
			all[lang+" "+q.Type] = s.get(link + "?at=" + q.ID)
		}
		_, small := s.invite(short, lang)
		all[lang+" stars"] = s.get(small)
		all[lang+" stars, wrong"] = s.post(small, url.Values{"question": {"satisfaction"}})
		_, done := s.step(small, url.Values{"question": {"satisfaction"}, "value": {"5"}})
		all[lang+" thanks"] = done
		all[lang+" used"] = s.get(small)
		all[lang+" invalid"] = s.get("/q/abc?lang=" + lang)
		refusal := "/u/" + s.links.Refusal(1, "email", nil) + "?lang=" + lang
		all[lang+" refusal"] = s.get(refusal)
		all[lang+" wishes"] = s.get(s.wishes(1) + "?lang=" + lang)
		all[lang+" wishes, wrong"] = s.post(s.wishes(1)+"?lang="+lang, url.Values{"hours": {"own"}})
		all[lang+" doubt"] = s.get("/genuine?lang=" + lang)
		all[lang+" doubt, wrong"] = s.post("/genuine?lang="+lang, url.Values{"text": {""}})
		all[lang+" refused"] = s.do(http.MethodPost, refusal, "scope=all&lang="+lang)
	}
	return all
}

var (
	styleElement = regexp.MustCompile(`(?s)<style>(.*)</style>`)
	inputID      = regexp.MustCompile(`<(?:input|textarea)[^>]* id="([^"]+)"`)
	anyID        = regexp.MustCompile(` id="([^"]+)"`)
	tagOpen      = regexp.MustCompile(`<(/?)([a-z0-9]+)[^>]*>`)
	foreign      = regexp.MustCompile(`(?i)<script|<link|<img|<iframe|src=|url\(|@import|http-equiv|style="| on[a-z]+="`)
)

func TestEveryPageIsSmallStrictAndWellFormed(t *testing.T) {
	s := newSite(t, dbtest.Memory(t, db.Options{}))
	largest := 0
	for name, w := range every(s) {
		t.Run(name, func(t *testing.T) {
			html := w.Body.String()
			largest = max(largest, len(html))
			if len(html) > pageBytesMax {
				t.Errorf("%d bytes", len(html))
			}
			lang := strings.Fields(name)[0]
			if !strings.HasPrefix(html, "<!doctype html>\n<html lang=\""+lang+"\">") {
				t.Errorf("it begins %.60q", html)
			}
			if w.Header().Get("Content-Language") != lang {
				t.Errorf("Content-Language is %q", w.Header().Get("Content-Language"))
			}
			if found := foreign.FindString(html); found != "" {
				t.Errorf("it holds %q", found)
			}
			balanced(t, html)
			labelled(t, html)
			sum := sha256.Sum256([]byte(styleElement.FindStringSubmatch(html)[1]))
			csp := w.Header().Get("Content-Security-Policy")
			for _, part := range []string{"default-src 'none'", "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'", "form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'"} {
				if !strings.Contains(csp, part) {
					t.Errorf("the policy %q lacks %q", csp, part)
				}
			}
			for header, want := range map[string]string{
				"Referrer-Policy": "no-referrer", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "X-Robots-Tag": "noindex, nofollow, noarchive",
				"Content-Type": "text/html; charset=utf-8", "Content-Length": fmt.Sprint(len(html)),
			} {
				if got := w.Header().Get(header); got != want {
					t.Errorf("%s is %q", header, got)
				}
			}
		})
	}
	t.Logf("the largest page has %d bytes", largest)
}

// balanced checks that every element is closed in order.
func balanced(t *testing.T, html string) {
	t.Helper()
	html = styleElement.ReplaceAllString(html, "")
	var open []string
	for _, m := range tagOpen.FindAllStringSubmatch(html, -1) {
		switch {
		case m[2] == "meta" || m[2] == "input":
		case m[1] == "":
			open = append(open, m[2])
		case len(open) == 0 || open[len(open)-1] != m[2]:
			t.Fatalf("</%s> closes %v", m[2], open)
		default:
			open = open[:len(open)-1]
		}
	}
	if len(open) != 0 {
		t.Errorf("%v is never closed", open)
	}
}

// labelled checks that every input has a label, and no id stands twice.
func labelled(t *testing.T, html string) {
	t.Helper()
	for _, m := range inputID.FindAllStringSubmatch(html, -1) {
		if strings.Count(html, `<label for="`+m[1]+`">`) != 1 {
			t.Errorf("input %s has no label of its own", m[1])
		}
	}
	seen := map[string]bool{}
	for _, m := range anyID.FindAllStringSubmatch(html, -1) {
		if seen[m[1]] {
			t.Errorf("the id %s stands twice", m[1])
		}
		seen[m[1]] = true
	}
	for _, input := range regexp.MustCompile(`<input[^>]*>`).FindAllString(html, -1) {
		if !strings.Contains(input, `type="hidden"`) && !strings.Contains(input, ` id="`) {
			t.Errorf("%s has no id to be labelled by", input)
		}
	}
}

func TestAColourThatIsNoneIsRefused(t *testing.T) {
	for _, colour := range []string{"red", "#fff", "#12345g", "#123456;}body{display:none", "#1234567"} {
		if _, err := pages.Handler(pages.Config{Branding: pages.Branding{Colour: colour}}); err == nil {
			t.Errorf("%q was taken", colour)
		}
	}
}

func FuzzAnswerForm(f *testing.F) {
	d := dbtest.Memory(f, db.Options{})
	s := newSite(f, d)
	_, small := s.invite(short, document.ZhCN)
	_, large := s.invite(long, document.En)
	f.Add("question=satisfaction&value=2&tag=1-3.1&lang=en", false)
	f.Add("question=satisfaction&value=2&tag=1-3.1&tag=1-3.1&tag=4-5.1", false)
	f.Add("question=multiple&value=vaa&value=vba", true)
	f.Add("question=yes_no&value=yes", true)
	f.Add("question=text&value=%E4%BD%A0%0D%0A%00%FF", true)
	f.Add("question=%00&value=;&&==%", true)
	f.Fuzz(func(t *testing.T, body string, wide bool) {
		link := small
		if wide {
			link = large
		}
		w := s.do(http.MethodPost, link, body)
		switch w.Code {
		case http.StatusSeeOther, http.StatusUnprocessableEntity, http.StatusGone, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType:
		default:
			t.Fatalf("%q gave %d: %s", body, w.Code, w.Body)
		}
		if w.Code == http.StatusUnprocessableEntity {
			if len(styleElement.ReplaceAllString(w.Body.String(), "")) > 200<<10 || strings.Contains(w.Body.String(), "<script") {
				t.Fatalf("%q gave a page of %d bytes: %s", body, w.Body.Len(), w.Body)
			}
		}
	})
}

// wants checks a response's status and that its page holds what is wanted.
func wants(t *testing.T, w *httptest.ResponseRecorder, code int, texts ...string) {
	t.Helper()
	if w.Code != code {
		t.Errorf("status %d, not %d: %s", w.Code, code, styleElement.ReplaceAllString(w.Body.String(), ""))
	}
	for _, text := range texts {
		if !strings.Contains(w.Body.String(), text) {
			t.Errorf("the page lacks %q: %s", text, styleElement.ReplaceAllString(w.Body.String(), ""))
		}
	}
}
