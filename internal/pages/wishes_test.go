package pages_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/huiyin/huiyin/internal/hear/suspicion"
	"github.com/huiyin/huiyin/internal/people/consent"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/db/dbtest"
)

// wishes is the path of a customer's page of preferences.
func (s *site) wishes(customer int64) string {
	return "/w/" + s.links.Preferences(customer, s.inWallet(customer), s.clock.Now().Add(30*24*time.Hour))
}

// ledger is what a customer said, the newest first, without times and numbers.
func (s *site) ledger(customer int64) (said []string) {
	s.t.Helper()
	err := s.answers.DB.Read(context.Background(), func(tx *db.Tx) error {
		all, err := consent.Ledger(tx, customer)
		for _, e := range all {
			said = append(said, strings.TrimSpace(fmt.Sprintf("%s %s/%s %s [%s] %s", e.Kind, e.Channel, e.Purpose, e.Value, e.Wording, e.Source)))
		}
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return said
}

var hiddenInput = regexp.MustCompile(`<input type="hidden" name="([a-z_]+)" value="([^"]*)">`)

// filled is the form as a browser would send it back unchanged.
func filled(html string) url.Values {
	form := url.Values{}
	for _, m := range hiddenInput.FindAllStringSubmatch(html, -1) {
		form.Set(m[1], m[2])
	}
	for _, m := range regexp.MustCompile(`<input type="(?:checkbox|radio)" name="([a-z]+)" id="[^"]+" value="([^"]+)" checked>`).FindAllStringSubmatch(html, -1) {
		form.Add(m[1], m[2])
	}
	for _, m := range regexp.MustCompile(`(?s)<select name="([a-z_]+)">(.*?)</select>`).FindAllStringSubmatch(html, -1) {
		if on := regexp.MustCompile(`value="([^"]*)" selected`).FindStringSubmatch(m[2]); on != nil {
			form.Set(m[1], on[1])
		}
	}
	return form
}

// without takes one value out of a form.
func without(form url.Values, name, value string) url.Values {
	kept := form[name][:0:0]
	for _, v := range form[name] {
		if v != value {
			kept = append(kept, v)
		}
	}
	form[name] = kept
	return form
}

func TestAPageSentBackUnchangedSaysNothing(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := newSite(t, d)
		who := s.customer("ann")
		path := s.wishes(who)
		first := s.get(path, "Accept-Language", "en")
		wants(t, first, http.StatusOK, "How we may reach you", `value="sms.survey" checked`, `value="sms.marketing">`, "Short surveys about our service")
		for range 50 { // a scanner opens it
			s.get(path)
		}
		if w := s.post(path, filled(first.Body.String())); w.Code != http.StatusSeeOther {
			t.Fatalf("%d: %s", w.Code, w.Body)
		}
		if said := s.ledger(who); len(said) != 0 {
			t.Errorf("it said %q", said)
		}
	})
}

func TestEachChangeIsAnEntryWithItsWording(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := newSite(t, d)
		who := s.customer("ann")
		path := s.wishes(who) + "?lang=en"
		form := filled(s.get(path).Body.String())
		form = without(form, "on", "sms.survey")
		form.Add("on", "email.marketing")
		form.Set("hours", "own")
		form.Set("work_from", "19:00")
		form.Set("work_to", "21:00")
		form.Set("language", "zh-CN")
		for range 2 { // sent twice it is said once
			w := s.post(path, form)
			if w.Code != http.StatusSeeOther || !strings.Contains(w.Header().Get("Location"), "saved=1") {
				t.Fatalf("%d %s: %s", w.Code, w.Header().Get("Location"), w.Body)
			}
		}
		after := s.get(path + "&saved=1")
		wants(t, after, http.StatusOK, "Saved.", `value="sms.survey">`, `value="email.marketing" checked`, `<option value="19:00" selected>`, `id="own" value="own" checked`)
		want := map[string]int{
			"consent email/marketing  [huiyin:marketing@1] preferences":                                                    1,
			"refusal sms/survey  [huiyin:survey@1] preferences":                                                            1,
			`own-hours / {"windows":[{"days":["workdays"],"hours":["19:00-21:00"]}]} [When may we reach you?] preferences`: 1,
			"language / zh-CN [In which language?] preferences":                                                            1,
		}
		got := map[string]int{}
		for _, line := range s.ledger(who) {
			got[line]++
		}
		for line, n := range want {
			if got[line] != n {
				t.Errorf("%q stands %d times in %q", line, got[line], s.ledger(who))
			}
		}
		// Taking it all back is the same gesture.
		s.clock.Advance(time.Minute)
		form = filled(after.Body.String())
		form.Add("on", "sms.survey")
		form = without(form, "on", "email.marketing")
		form.Set("hours", "any")
		s.post(path, form)
		wants(t, s.get(path), http.StatusOK, `value="sms.survey" checked`, `value="email.marketing">`, `id="any" value="any" checked`)
	})
}

func TestHoursTheFormCanNotShowStayAsTheyAre(t *testing.T) {
	for name, hours := range map[string]string{
		"on Saturdays alone": `{"windows":[{"days":["sat"],"hours":["10:00-12:00"]}]}`,
		"twice on a day":     `{"windows":[{"days":["workdays"],"hours":["22:00-24:00","08:30-09:15"]}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, dbtest.Memory(t, db.Options{}))
			who := s.customer("ann")
			err := s.answers.DB.Write(t.Context(), db.First, "test", func(tx *db.Tx) error {
				return consent.Say(tx, s.answers.IDs, consent.Wish{Customer: who, What: consent.Hours, Value: hours, At: start, Source: "service"}, start)
			})
			if err != nil {
				t.Fatal(err)
			}
			path := s.wishes(who)
			if w := s.post(path, without(filled(s.get(path).Body.String()), "on", "sms.survey")); w.Code != http.StatusSeeOther {
				t.Fatalf("%d: %s", w.Code, w.Body)
			}
			if said := s.refusals(who); len(said) != 1 || said[0] != "sms survey preferences" {
				t.Errorf("refused %v", said)
			}
			if said := s.ledger(who); len(said) != 2 {
				t.Errorf("it said %q", said)
			}
		})
	}
}

func TestOneButtonTurnsEverythingOff(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := newSite(t, d)
		who := s.customer("ann")
		path := s.wishes(who)
		form := filled(s.get(path).Body.String())
		form.Set("do", "stop")
		s.post(path, form)
		if said := s.refusals(who); len(said) != 1 || said[0] != "* * preferences" {
			t.Errorf("refused %v", said)
		}
		form = filled(s.get(path).Body.String())
		form.Add("on", "sms.notice") // and back on, for one thing alone
		s.post(path, form)
		html := s.get(path).Body.String()
		if strings.Count(html, `type="checkbox"`) < 10 || strings.Count(html, `" checked><label for="notice`) != 1 || strings.Count(html, `name="on"`) == 0 {
			t.Error(html)
		}
		if n := len(regexp.MustCompile(`name="on" id="[^"]+" value="[^"]+" checked`).FindAllString(html, -1)); n != 1 {
			t.Errorf("%d boxes are ticked, not one", n)
		}
	})
}

func TestHoursThatCanNotBeAreSaidOnThePage(t *testing.T) {
	s := newSite(t, dbtest.Memory(t, db.Options{}))
	who := s.customer("ann")
	path := s.wishes(who) + "?lang=en"
	for name, c := range map[string]struct {
		set  url.Values
		want string
	}{
		"they end before they begin": {url.Values{"work_from": {"21:00"}, "work_to": {"09:00"}}, "must end later"},
		"half of them":               {url.Values{"work_from": {"21:00"}, "work_to": {""}}, "must end later"},
		"none":                       {url.Values{}, "choose some hours"},
		"hours there aren't":         {url.Values{"free_from": {"99:99"}, "free_to": {"<b>"}}, "must end later"},
		"a megabyte of them":         {url.Values{"free_from": {strings.Repeat("9", 30_000)}, "free_to": {"10:00"}}, "must end later"},
	} {
		t.Run(name, func(t *testing.T) {
			form := filled(s.get(path).Body.String())
			form.Set("hours", "own")
			for k, v := range c.set {
				form[k] = v
			}
			wants(t, s.post(path, form), http.StatusUnprocessableEntity, c.want, `role="alert"`)
		})
	}
	for name, form := range map[string]url.Values{
		"nothing of ours": {"x": {"1"}}, "boxes there aren't": {"on": {"fax.gossip", "sms.", "."}}, "a language there isn't": {"language": {"tlh"}, "hours": {"any"}, "was_hours": {"any"}},
	} {
		t.Run(name, func(t *testing.T) {
			if w := s.post(path, form); w.Code != http.StatusSeeOther {
				t.Errorf("%d: %s", w.Code, w.Body)
			}
		})
	}
	if said := s.ledger(who); len(said) != 0 {
		t.Errorf("it was taken down: %q", said)
	}
}

func TestALinkOfPreferencesOpensOneCustomersForItsTime(t *testing.T) {
	s := newSite(t, dbtest.Memory(t, db.Options{}))
	ann, bob := s.customer("ann"), s.customer("bob")
	good := s.wishes(ann)
	flipped := []byte(good)
	if flipped[len(flipped)-3]++; flipped[len(flipped)-3] > 'z' {
		flipped[len(flipped)-3] = 'a'
	}
	for name, path := range map[string]string{
		"made up": "/w/" + base64.RawURLEncoding.EncodeToString(make([]byte, 32)), "cut off": good[:len(good)-4], "one letter changed": string(flipped),
		"a refusal's": "/w/" + s.links.Refusal(ann, "sms", nil), "as long as a book": "/w/" + strings.Repeat("a", 5_000),
	} {
		t.Run(name, func(t *testing.T) {
			wants(t, s.get(path), http.StatusGone, "This link doesn&#39;t open")
			wants(t, s.post(path, url.Values{"do": {"stop"}}), http.StatusGone, "This link doesn&#39;t open")
		})
	}
	s.post(good, url.Values{"do": {"stop"}})
	if said := s.refusals(bob); len(said) != 0 {
		t.Errorf("bob refused %v", said)
	}
	body := s.get(good).Body.String()
	for _, secret := range []string{"ann", "@example.com", "1380"} {
		if strings.Contains(styleElement.ReplaceAllString(body, ""), secret) {
			t.Errorf("the page gives away %q", secret)
		}
	}
	s.clock.Advance(31 * 24 * time.Hour)
	wants(t, s.get(good, "Accept-Language", "en"), http.StatusGone, "expired", "last message")
	if w := s.do(http.MethodPost, s.wishes(ann), "do=stop", "Content-Type", "application/x-www-form-urlencoded", "Sec-Fetch-Site", "cross-site"); w.Code != http.StatusForbidden {
		t.Errorf("another site's page was obeyed: %d", w.Code)
	}
}

func TestOnlyWhoHoldsACurrentAddressSwitchesContactOn(t *testing.T) {
	const number, other = "+8613800000001", "+8613800000002"
	exec := func(query string) func(*testing.T, *site, int64) {
		return func(t *testing.T, s *site, who int64) {
			err := s.answers.DB.Write(t.Context(), db.Event, "test", func(tx *db.Tx) error { _, err := tx.Exec(query, who); return err })
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, c := range map[string]struct {
		to     func(*site, int64) []byte
		has    string
		then   func(*testing.T, *site, int64)
		theirs bool
	}{
		"sent to the number they have": {to: func(s *site, _ int64) []byte { return s.phone(number) }, has: number, theirs: true},
		"sent inside the wallet":       {to: (*site).inWallet, has: other, theirs: true},
		"sent to a number of old":      {to: func(s *site, _ int64) []byte { return s.phone(number) }, has: other},
		"sent nowhere that is known":   {to: func(*site, int64) []byte { return nil }, has: number},
		"sent to a number that bounced": {
			to: func(s *site, _ int64) []byte { return s.phone(number) }, has: number, then: exec(`UPDATE contact_point SET bounced_at = 1 WHERE customer_id = $1`),
		},
		"sent to somebody else's number, which the wallet sent again": {
			to: func(s *site, _ int64) []byte { return s.phone(number) }, has: number, then: func(_ *testing.T, s *site, who int64) {
				s.do(http.MethodPost, "/u/"+s.links.Refusal(who, "sms", s.phone(number)), "scope=wrong-person")
				s.reached(who, number)
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, dbtest.Memory(t, db.Options{}))
			who := s.customer("ann")
			s.reached(who, c.has)
			if c.then != nil {
				c.then(t, s, who)
			}
			s.post(s.wishes(who), url.Values{"do": {"stop"}}) // what was refused elsewhere
			before := len(s.ledger(who))
			path := "/w/" + s.links.Preferences(who, c.to(s, who), s.clock.Now().Add(time.Hour)) + "?lang=en"
			html := s.get(path).Body.String()
			if got := strings.Contains(html, `type="checkbox"`); got != c.theirs || strings.Contains(html, "press the button below") == c.theirs || !strings.Contains(html, `value="stop"`) {
				t.Errorf("the page: %s", html)
			}
			on := url.Values{"on": {"sms.marketing", "sms.survey"}, "hours": {"own"}, "work_from": {"00:00"}, "work_to": {"24:00"}, "was_hours": {"any"}, "language": {"en"}}
			w := s.post(path, on)
			if saved := strings.Contains(w.Header().Get("Location"), "saved=1"); w.Code != http.StatusSeeOther || saved != c.theirs {
				t.Errorf("%d %s", w.Code, w.Header().Get("Location"))
			}
			if got := len(s.ledger(who)) > before; got != c.theirs {
				t.Errorf("the ledger: %q", s.ledger(who))
			}
		})
		t.Run(name+", and stops", func(t *testing.T) {
			s := newSite(t, dbtest.Memory(t, db.Options{}))
			who := s.customer("ann")
			s.reached(who, c.has)
			if c.then != nil {
				c.then(t, s, who)
			}
			path := "/w/" + s.links.Preferences(who, c.to(s, who), s.clock.Now().Add(time.Hour))
			if w := s.post(path, url.Values{"do": {"stop"}}); !strings.Contains(w.Header().Get("Location"), "saved=1") {
				t.Errorf("%d %s", w.Code, w.Header().Get("Location"))
			}
			if said := s.refusals(who); len(said) != 1 || said[0] != "* * preferences" {
				t.Errorf("refused %v", said)
			}
		})
	}
}

func TestAWrongPersonSaysSoFromTheMessage(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := newSite(t, d)
		who := s.customer("ann")
		path := "/u/" + s.links.Refusal(who, "sms", s.phone("+8613800000001")) + "?lang=en"
		wants(t, s.get(path), http.StatusOK, "not the person you are looking for")
		w := s.do(http.MethodPost, path, "scope=wrong-person", "Content-Type", "application/x-www-form-urlencoded")
		wants(t, w, http.StatusOK, "nothing from us will be sent here")
		if said := s.ledger(who); len(said) != 1 {
			t.Errorf("it said %q", said)
		}
	})
}

// numbers are the phone numbers a customer has, by key.
func (s *site) numbers(person int64) (keys []string) {
	for _, p := range s.load(person).Points {
		keys = append(keys, fmt.Sprintf("%x", p.Key))
	}
	return keys
}

func TestAWrongPersonSpeaksForTheAddressTheMessageWentTo(t *testing.T) {
	const old, current = "+8613800000001", "+8613800000002"
	for name, c := range map[string]struct {
		to       string // "": the link doesn't say
		has      []string
		kept     []string
		refusals []string
		disowned bool
	}{
		"the number they have is taken from them":        {old, []string{old, current}, []string{current}, nil, true},
		"an old number leaves the new one alone":         {old, []string{current}, []string{current}, nil, true},
		"an unknown one refuses the channel and no more": {"", []string{current}, []string{current}, []string{"sms * page"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			dbtest.Each(t, func(t *testing.T, d *db.DB) {
				s := newSite(t, d)
				who := s.customer("ann")
				s.reached(who, c.has...)
				var key []byte
				if c.to != "" {
					key = s.phone(c.to)
				}
				for range 2 { // pressed twice it is the same
					w := s.do(http.MethodPost, "/u/"+s.links.Refusal(who, "sms", key), "scope=wrong-person", "Content-Type", "application/x-www-form-urlencoded")
					wants(t, w, http.StatusOK)
				}
				var kept []string
				for _, n := range c.kept {
					kept = append(kept, fmt.Sprintf("%x", s.phone(n)))
				}
				if got := s.numbers(who); !slices.Equal(got, kept) {
					t.Errorf("they are left with %v, not %v", got, kept)
				}
				if got := s.refusals(who); !slices.Equal(got, c.refusals) {
					t.Errorf("they refused %v, not %v", got, c.refusals)
				}
				var of []consent.Refusal
				err := d.Read(t.Context(), func(tx *db.Tx) (err error) { of, err = consent.OfAddress(tx, s.phone(old), "*"); return err })
				if err != nil || (len(of) == 1) != c.disowned {
					t.Errorf("of the old number there is %v, %v", of, err)
				}
			})
		})
	}
}

func TestThePageOfDoubtsConfirmsNothingAndTakesReports(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := newSite(t, d)
		wants(t, s.get("/genuine?lang=en"), http.StatusOK, "Did we really send you this?", "sign in and enter it there", `<label for="text">`)
		wants(t, s.get("/genuine?reference=BCDF2345&customer=ann", "Accept-Language", "zh-CN"), http.StatusOK, "这条消息是我们发的吗")
		wants(t, s.post("/genuine?lang=en", url.Values{"text": {" "}}), http.StatusUnprocessableEntity, "fill in the message", `role="alert"`)
		wants(t, s.post("/genuine?lang=en", url.Values{"text": {strings.Repeat("x", 2_001)}}), http.StatusUnprocessableEntity, "too long")
		wants(t, s.post("/genuine", url.Values{"text": {strings.Repeat("x", 1<<20)}}), http.StatusRequestEntityTooLarge)
		wants(t, s.post("/genuine?lang=en", url.Values{"text": {"<b>您中奖了</b>"}, "sender": {"+86 170"}}), http.StatusOK, "Thank you for reporting it")
		var all []suspicion.Report
		err := d.Read(t.Context(), func(tx *db.Tx) (err error) { all, err = suspicion.Page(tx, 0, 10); return err })
		if err != nil || len(all) != 1 || all[0].Text != "<b>您中奖了</b>" || all[0].Sender != "+86 170" {
			t.Errorf("%+v %v", all, err)
		}
	})
}

func FuzzWishesForm(f *testing.F) {
	s := newSite(f, dbtest.Memory(f, db.Options{}))
	path := s.wishes(s.customer("ann"))
	f.Add("on=sms.survey&cells=sms.survey+sms.notice&hours=own&work_from=09:00&work_to=10:00")
	f.Add("do=stop&&&%")
	f.Fuzz(func(t *testing.T, body string) {
		switch w := s.do(http.MethodPost, path, body, "Content-Type", "application/x-www-form-urlencoded"); w.Code {
		case http.StatusSeeOther, http.StatusUnprocessableEntity, http.StatusRequestEntityTooLarge:
		default:
			t.Fatalf("%q gave %d: %s", body, w.Code, w.Body)
		}
	})
}
