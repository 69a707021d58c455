package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"github.com/huiyin/huiyin/internal/app"
	"github.com/huiyin/huiyin/internal/channel"
	"github.com/huiyin/huiyin/internal/engine"
	"github.com/huiyin/huiyin/internal/people/staff"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/db/dbtest"
)

// site is a node that serves its API, and turns its loops only when told to.
type site struct {
	t      *testing.T
	app    *app.App
	server *httptest.Server
	key    string // of somebody who may do everything
	wire   *wire
}

// eachEngine runs fn on a node over each engine.
func eachEngine(t *testing.T, fn func(t *testing.T, s *site)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "api.db")
		fn(t, newSite(t, "sqlite:"+path, path+".keys"))
	})
	t.Run("postgres", func(t *testing.T) {
		fn(t, newSite(t, dbtest.PostgresURL(t), filepath.Join(t.TempDir(), "keys")))
	})
}

func newSite(t *testing.T, database, keys string) *site {
	t.Helper()
	cfg, err := app.Load("", []string{"HUIYIN_DATABASE=" + database, "HUIYIN_KEYS_FILE=" + keys, "HUIYIN_WALLET__COUNTRY=CN"})
	if err != nil {
		t.Fatal(err)
	}
	a, err := app.New(t.Context(), cfg, app.Options{Version: "test", Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err != nil {
		t.Fatal(err)
	}
	s := &site{t: t, app: a, wire: &wire{}}
	for _, name := range []string{"email", "inapp"} {
		if err := a.Channels.Register(name, s.wire); err != nil {
			t.Fatal(err)
		}
	}
	s.server = httptest.NewServer(a.API)
	t.Cleanup(func() {
		s.server.Close()
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	s.key = s.newKey("all", codes.Admin)
	return s
}

func (s *site) newKey(name string, scopes ...codes.Scope) string {
	s.t.Helper()
	secret, _, err := s.app.House.CreateKey(context.Background(), "test", staff.Key{Name: name, Scopes: scopes})
	if err != nil {
		s.t.Fatal(err)
	}
	return secret
}

// wire is a channel that takes everything, or says that nobody can tell.
type wire struct {
	sent    []channel.Message
	unknown bool
}

func (w *wire) Abilities() channel.Abilities {
	return channel.Abilities{InFlight: 8, SendTimeout: time.Second, HTML: true}
}

func (w *wire) Send(ctx context.Context, m channel.Message, look channel.LastLook) channel.Outcome {
	if err := look(ctx); err != nil {
		return channel.Held(err)
	}
	w.sent = append(w.sent, m)
	if w.unknown {
		return channel.Lost("hung up")
	}
	return channel.Accepted("ref", "")
}

// reply is an answer, its body read.
type reply struct {
	*http.Response
	text []byte
}

// problem reads a reply as problem details.
func (r *reply) problem(t *testing.T) (p struct {
	Type, Title, Code, Detail, Path string
	Status                          int
	Errors                          []struct{ Code, Detail, Path string }
},
) {
	t.Helper()
	if got := r.Header.Get("Content-Type"); got != "application/problem+json" {
		t.Errorf("content type %q of %s", got, r.text)
	}
	r.read(t, &p)
	if p.Status != r.StatusCode || p.Code == "" || p.Detail == "" || p.Type != "urn:huiyin:problem:"+p.Code {
		t.Errorf("status %d: %s", r.StatusCode, r.text)
	}
	return p
}

func (r *reply) read(t *testing.T, into any) {
	t.Helper()
	if err := json.Unmarshal(r.text, into); err != nil {
		t.Fatalf("%v in %s", err, r.text)
	}
}

// ask sends a request with the key of somebody who may do everything.
func (s *site) ask(method, path, contentType string, body []byte) *reply {
	s.t.Helper()
	return s.askWith(s.key, method, path, contentType, body)
}

func (s *site) askWith(key, method, path, contentType string, body []byte) *reply {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.server.URL+path, bytes.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	if key != "" {
		r.Header.Set("Authorization", "Bearer "+key)
	}
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	got, err := s.server.Client().Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = got.Body.Close() }()
	text, err := io.ReadAll(got.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return &reply{got, text}
}

// json sends an object and wants a status.
func (s *site) json(method, path string, body any, want int) *reply {
	s.t.Helper()
	var text []byte
	if body != nil {
		var err error
		if text, err = json.Marshal(body); err != nil {
			s.t.Fatal(err)
		}
	}
	got := s.ask(method, path, "application/json", text)
	if got.StatusCode != want {
		s.t.Fatalf("%s %s: %d, want %d: %s", method, path, got.StatusCode, want, got.text)
	}
	return got
}

// work turns the loops until nothing is left to do now.
func (s *site) work() {
	s.t.Helper()
	s.app.Library.Stale()
	s.turn(s.app.Router)
	for range 20 {
		handled := 0
		for _, lane := range engine.Lanes {
			n, _, err := s.app.Dispatcher.Turn(s.t.Context(), lane, 100)
			if err != nil {
				s.t.Fatal(err)
			}
			handled += n
		}
		if handled == 0 {
			break
		}
	}
	s.turn(s.app.Folder)
}

func (s *site) turn(t engine.Turner) {
	s.t.Helper()
	for range 100 {
		_, busy, err := t.Turn(s.t.Context())
		if err != nil {
			s.t.Fatal(err)
		}
		if !busy {
			return
		}
	}
}

// documents is a house in which anything may be sent at any hour.
const documents = `
kind: CapPolicy
name: default
purposes:
  notice: [{n: 60, per: 24h}]
  survey: [{n: 60, per: 24h}]
---
kind: RulePack
name: cn
country: CN
version: "2026-11-01"
rules:
  - {id: any-hour, basis: house, channels: [email, inapp], days: all, hours: ["00:00-24:00"]}
---
kind: Questionnaire
name: how-was-it
languages: [zh-CN, en]
questions:
  - id: stars
    type: rating
    scale: 5
    score: true
    ask: {zh-CN: "您满意吗?", en: "Were you satisfied?"}
thanks: {zh-CN: 谢谢。, en: Thank you.}
---
kind: Program
name: after-payment
title: {zh-CN: 支付回访, en: After a payment}
goal: {zh-CN: 问一问, en: Ask}
trigger: {event: wallet.payment.failed, when: event.data.amount_minor >= 100}
deadline: 48h
audience: {segment: everyone, sample: 1.0, hold_out: 0.0}
steps:
  - {channel: email, purpose: survey, questionnaire: how-was-it, wait: 1h}
---
kind: Program
name: called-up
title: {zh-CN: 名单回访, en: By list}
goal: {zh-CN: 问一问, en: Ask}
trigger: {list: true}
deadline: 48h
audience: {segment: everyone, sample: 1.0, hold_out: 0.0}
steps:
  - {channel: email, purpose: survey, questionnaire: how-was-it, wait: 1h}
measure: {event: wallet.payment.succeeded, within: 7d}
`

func (s *site) publish() {
	s.t.Helper()
	got := s.ask(http.MethodPost, "/v1/documents?publish=true", "application/yaml", []byte(documents))
	if got.StatusCode != http.StatusOK {
		s.t.Fatalf("%d: %s", got.StatusCode, got.text)
	}
}

// failed is a failed payment of a customer, now.
func failed(id, who string) map[string]any {
	return map[string]any{
		"specversion": "1.0", "id": id, "source": "/wallet/payments", "type": "wallet.payment.failed", "subject": who,
		"time": time.Now().UTC().Format(time.RFC3339Nano),
		"data": map[string]any{"order_id": "o-" + id, "amount_minor": 1200, "currency": "CNY", "merchant": "茶舍", "reason": "insufficient-funds", "charged": false},
	}
}
