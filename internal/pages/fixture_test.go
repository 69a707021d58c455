package pages_test

import (
	"context"
	"crypto/rand"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/huiyin/huiyin/internal/followup"
	"github.com/huiyin/huiyin/internal/hear/answer"
	"github.com/huiyin/huiyin/internal/intake/event"
	"github.com/huiyin/huiyin/internal/pages"
	"github.com/huiyin/huiyin/internal/people/consent"
	"github.com/huiyin/huiyin/internal/people/customer"
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
	short    = int64(70) // stars, then why
	long     = int64(71) // every type of question, at its largest
	open     = int64(72) // short, for everybody, three answers wanted
	tablet   = int64(73) // short, for everybody, again and again, till the end of the day
	validity = 48 * time.Hour
)

var start = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

// site is the pages on a database with follow-ups in it.
type site struct {
	http.Handler
	t       testing.TB
	answers *answer.Store
	links   *answer.Links
	clock   *clock.Virtual
	keys    *crypt.Keyring
}

func newSite(t testing.TB, d *db.DB) *site {
	t.Helper()
	f, err := shelf()
	if err != nil {
		t.Fatal(err)
	}
	c := clock.NewVirtual(start)
	keys := crypt.FromSeed([]byte("a seed for tests"))
	s := &site{t: t, clock: c, keys: keys, links: answer.NewLinks(keys)}
	s.answers = &answer.Store{DB: d, Clock: c, IDs: ids.New(c, 1, rand.Reader), Forms: f}
	s.Handler, err = pages.Handler(pages.Config{
		Shelf: f, Answers: s.answers, Links: s.links, Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
		Branding: pages.Branding{
			Name: document.Text{document.ZhCN: "示例钱包", document.En: "Example Wallet"}, Hotline: document.Text{document.En: "400-000-0000"},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// invite starts a follow-up and gives its id and the path of its link.
func (s *site) invite(form int64, language string) (int64, string) {
	s.t.Helper()
	id, now := s.answers.IDs.Next(), s.clock.Now()
	var token string
	err := s.answers.DB.Write(context.Background(), db.Outcome, "invite", func(tx *db.Tx) error {
		var counts tally.Batch
		_, err := followup.Start(tx, &counts, []followup.FollowUp{{
			ID: id, Program: program, Customer: id, TriggerType: "t", TriggerData: "{}", TriggerAt: now,
			State: followup.Waiting, Lane: "email", DueAt: now, Deadline: now.Add(validity), CreatedAt: now,
		}})
		if err != nil {
			return err
		}
		token, err = s.links.Issue(tx, id, form, "email", language, now, validity)
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return id, "/q/" + token
}

// kept reads the one answer of a follow-up; nil if there is none.
func (s *site) kept(id int64) *answer.Answer {
	s.t.Helper()
	var all []answer.Answer
	err := s.answers.DB.Read(context.Background(), func(tx *db.Tx) (err error) {
		all, err = answer.Of(tx, []int64{id})
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
	if len(all) == 0 {
		return nil
	}
	return &all[0]
}

// refusals gives what a customer has refused, and where.
func (s *site) refusals(customer int64) (said []string) {
	s.t.Helper()
	err := s.answers.DB.Read(context.Background(), func(tx *db.Tx) error {
		all, err := consent.Refusals(tx, customer)
		for _, r := range all {
			said = append(said, r.Channel+" "+r.Purpose+" "+r.Source)
		}
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return said
}

// customer makes one, known by name only.
func (s *site) customer(ref string) int64 {
	s.t.Helper()
	var found map[string]int64
	err := s.answers.DB.Write(context.Background(), db.Event, "customer", func(tx *db.Tx) (err error) {
		found, err = customer.Resolve(tx, s.answers.IDs, []string{ref}, start)
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return found[ref]
}

// load reads a customer with their contact points, unopened.
func (s *site) load(person int64) *customer.Customer {
	s.t.Helper()
	var all map[int64]*customer.Customer
	err := s.answers.DB.Read(context.Background(), func(tx *db.Tx) (err error) {
		all, err = customer.Load(tx, []int64{person})
		return err
	})
	if err != nil || all[person] == nil {
		s.t.Fatalf("customer %d: %v", person, err)
	}
	return all[person]
}

// inWallet is the key of the customer's own place in the wallet's app; nil for one who was erased.
func (s *site) inWallet(person int64) []byte {
	s.t.Helper()
	var all map[int64]*customer.Customer
	err := s.answers.DB.Read(context.Background(), func(tx *db.Tx) (err error) {
		all, err = customer.Load(tx, []int64{person})
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
	if all[person] == nil {
		return nil
	}
	return customer.PointKey(s.keys, customer.InApp, all[person].Ref)
}

// reached gives a customer these phone numbers, and no other contact point.
func (s *site) reached(person int64, numbers ...string) {
	s.t.Helper()
	err := s.answers.DB.Write(context.Background(), db.Event, "customer", func(tx *db.Tx) error {
		if _, err := tx.Exec(`DELETE FROM contact_point WHERE customer_id = $1`, person); err != nil {
			return err
		}
		for _, n := range numbers {
			_, err := tx.Exec(`INSERT INTO contact_point (customer_id, channel, address, address_key, verified) VALUES ($1, 'phone', $2, $3, TRUE)`, person, []byte{}, s.phone(n))
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

// phone is the key of a number.
func (s *site) phone(number string) []byte { return customer.PointKey(s.keys, customer.Phone, number) }

// do sends a request; headers come in pairs.
func (s *site) do(method, path, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

func (s *site) get(path string, headers ...string) *httptest.ResponseRecorder {
	return s.do(http.MethodGet, path, "", headers...)
}

// post sends a form as a browser does from our own page.
func (s *site) post(path string, form url.Values) *httptest.ResponseRecorder {
	return s.do(http.MethodPost, path, form.Encode(), "Sec-Fetch-Site", "same-origin", "Origin", "null")
}

// step posts a form and wants to be sent on; it gives the page arrived at.
func (s *site) step(path string, form url.Values) (string, *httptest.ResponseRecorder) {
	s.t.Helper()
	w := s.post(path, form)
	if w.Code != http.StatusSeeOther {
		s.t.Fatalf("posting %v gave %d: %s", form, w.Code, w.Body)
	}
	to := w.Header().Get("Location")
	return to, s.get(to)
}

type forms map[int64]*questionnaire.Questionnaire

// Newest finds the questionnaires that have a name of their own.
func (f forms) Newest(_ context.Context, name string) (*questionnaire.Questionnaire, int64, error) {
	for id, q := range f {
		if q.Name == name {
			return q, id, nil
		}
	}
	return nil, 0, errs.New(errs.Invalid, codes.ReferenceUnknown, "there is no Questionnaire %s", name)
}

func (f forms) Questionnaire(_ *db.Tx, id int64) (*questionnaire.Questionnaire, error) {
	if q, ok := f[id]; ok {
		return q, nil
	}
	return nil, errs.New(errs.NotFound, codes.NotFound, "there is no questionnaire %d", id)
}

// environment is what conditions are compiled in.
var environment = sync.OnceValue(func() *condition.Env {
	catalogue, err := event.NewCatalogue()
	if err != nil {
		panic(err)
	}
	env, err := condition.NewEnv(catalogue)
	if err != nil {
		panic(err)
	}
	return env
})

var shelf = sync.OnceValues(func() (f forms, err error) {
	env := environment()
	f = forms{}
	everybody, again := stars(), stars()
	everybody.Publish = &questionnaire.PublishDefinition{Public: true, Quota: 3}
	again.Publish = &questionnaire.PublishDefinition{Public: true, Repeat: true, Until: "2026-03-02T18:00:00Z"}
	for id, definition := range map[int64]*questionnaire.Definition{short: stars(), long: everything(), open: everybody, tablet: again} {
		name := map[int64]string{short: "after-payment", long: "everything", open: "open", tablet: "tablet"}[id]
		if f[id], err = questionnaire.Compile(name, definition, env); err != nil {
			return nil, err
		}
	}
	return f, nil
})

func both(zh, en string) document.Text { return document.Text{document.ZhCN: zh, document.En: en} }

func stars() *questionnaire.Definition {
	return &questionnaire.Definition{
		Languages: []string{document.ZhCN, document.En},
		Questions: []questionnaire.QuestionDefinition{
			{
				ID: "satisfaction", Type: questionnaire.Rating, Score: true, Required: true,
				Ask: both("您对这次付款问题的处理满意吗?", "How satisfied are you with how we handled this payment?"),
				Labels: questionnaire.Words{
					document.ZhCN: {"非常不满意", "不满意", "一般", "满意", "非常满意"},
					document.En:   {"Very dissatisfied", "Dissatisfied", "Neutral", "Satisfied", "Very satisfied"},
				},
				Tags: map[string]questionnaire.Words{
					"1-3": {document.ZhCN: {"没有说明原因", "退款太慢", "操作复杂", "客服态度不好"}, document.En: {"No reason given", "Refund too slow", "Too complicated", "Unfriendly staff"}},
					"4-5": {document.ZhCN: {"处理很快", "说得清楚"}, document.En: {"Quick", "Clear"}},
				},
			},
			{ID: "better", Type: questionnaire.FreeText, Ask: both("哪里可以做得更好?", "What could we have done better?"), ShowIf: "satisfaction <= 3"},
		},
		Thanks: both("谢谢您!需要帮助请拨打 {{ hotline }}。", "Thank you! Call {{ hotline }} if you need help."),
	}
}

// everything has one question of each type, as large as questionnaires allow: its words are made
// longer until they are refused.
func everything() *questionnaire.Definition {
	for chars := 60; ; chars-- {
		d := everythingOf(chars)
		if _, err := questionnaire.Compile("everything", d, environment()); err == nil {
			return d
		}
	}
}

func everythingOf(chars int) *questionnaire.Definition {
	wide := strings.Repeat("很长的问题", 100)
	d := &questionnaire.Definition{Languages: []string{document.ZhCN, document.En}, Title: both("全部题型", "All types")}
	for _, kind := range questionnaire.Types() {
		q := questionnaire.QuestionDefinition{ID: strings.ReplaceAll(kind, "-", "_"), Type: kind, Ask: both(wide, strings.Repeat("a long question & ", 27))}
		switch kind {
		case questionnaire.Single, questionnaire.Multiple:
			for i := range questionnaire.OptionsMax {
				q.Options = append(q.Options, questionnaire.Option{
					Value: strings.Repeat("v", 37) + string(rune('a'+i%26)) + string(rune('a'+i/26)), Text: both(strings.Repeat("选", 3*chars), strings.Repeat("&", 2*chars)), Other: i == 0,
				})
			}
		case questionnaire.NPS, questionnaire.Rating, questionnaire.CES:
			words := questionnaire.Words{}
			for range questionnaire.TagsMax {
				words[document.ZhCN] = append(words[document.ZhCN], strings.Repeat("词", chars))
				words[document.En] = append(words[document.En], strings.Repeat("\"", chars))
			}
			q.Tags = map[string]questionnaire.Words{"1": words, "2": words, "3": words, "4": words, "5": words}
		}
		d.Questions = append(d.Questions, q)
	}
	return d
}
