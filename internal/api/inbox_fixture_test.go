package api_test

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"github.com/huiyin/huiyin/internal/app"
	"github.com/huiyin/huiyin/internal/contact/attempt"
	"github.com/huiyin/huiyin/internal/followup"
	"github.com/huiyin/huiyin/internal/people/customer"
	"github.com/huiyin/huiyin/internal/people/pass"
	"github.com/huiyin/huiyin/internal/platform/clock"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/db/dbtest"
)

// box is a site whose customers have an inbox, at a time that stands still until moved.
type box struct {
	*site
	clock  *clock.Virtual
	secret string
}

func eachBox(t *testing.T, fn func(t *testing.T, b *box)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "inapp.db")
		fn(t, newBox(t, "sqlite:"+path, path+".keys"))
	})
	t.Run("postgres", func(t *testing.T) {
		fn(t, newBox(t, dbtest.PostgresURL(t), filepath.Join(t.TempDir(), "keys")))
	})
}

const boxDocuments = `
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
    required: true
    ask: {zh-CN: "您满意吗?", en: "Were you satisfied?"}
    tags: {"1-3": {zh-CN: [太慢], en: [Too slow]}}
  - id: better
    type: text
    ask: {zh-CN: "哪里可以更好?", en: "What could be better?"}
    show_if: stars <= 3
thanks: {zh-CN: "谢谢。", en: "Thank you."}
---
kind: Template
name: told
channels: [inapp, email]
subject: {zh-CN: 您有一笔付款未成功, en: A payment of yours did not go through}
variants:
  - body: {zh-CN: "尊敬的{{ customer.masked_name }}:您在{{ trigger.data.merchant }}的一笔付款未成功。", en: "Your payment to {{ trigger.data.merchant }} did not go through."}
---
kind: Program
name: failed-payment
title: {zh-CN: 支付失败回访, en: Failed payment}
goal: {zh-CN: 说明情况, en: Say what happened}
trigger:
  event: wallet.payment.failed
  cancel_on: [{event: wallet.payment.succeeded, when: event.data.order_id == trigger.data.order_id}]
reentry: {key: trigger.data.order_id}
deadline: 48h
audience: {segment: everyone, sample: 1.0, hold_out: 0.0}
steps:
  - {channel: inapp, purpose: notice, template: told, when: customer.has("app"), wait: 30m}
  - {channel: email, purpose: notice, template: told, wait: 1h}
  - {channel: inapp, purpose: survey, questionnaire: how-was-it, wait: 12h}
  - {channel: email, purpose: survey, questionnaire: how-was-it, wait: 12h}
`

func newBox(t *testing.T, database, keys string) *box {
	t.Helper()
	cfg, err := app.Load("", []string{
		"HUIYIN_DATABASE=" + database, "HUIYIN_KEYS_FILE=" + keys, "HUIYIN_WALLET__COUNTRY=CN", "HUIYIN_PUBLIC_URL=https://follow.example",
		"HUIYIN_CHANNELS__INAPP__ADAPTER=inbox", "HUIYIN_CHANNELS__INAPP__ORIGINS=https://shop.example",
	})
	if err != nil {
		t.Fatal(err)
	}
	b := &box{clock: clock.NewVirtual(time.Date(2026, 11, 23, 3, 0, 0, 0, time.UTC))}
	a, err := app.New(t.Context(), cfg, app.Options{Version: "test", Clock: b.clock, Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err != nil {
		t.Fatal(err)
	}
	b.site = &site{t: t, app: a, wire: &wire{}}
	if err := a.Channels.Register("email", b.wire); err != nil {
		t.Fatal(err)
	}
	b.server = httptest.NewServer(a.API)
	t.Cleanup(func() {
		a.Bell.Close()
		b.server.Close()
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	b.key, b.secret = b.newKey("all", codes.Admin), b.newKey("wallet backend", codes.CustomersSign)
	if got := b.ask(http.MethodPost, "/v1/documents?publish=true", "application/yaml", []byte(boxDocuments)); got.StatusCode != http.StatusOK {
		t.Fatalf("%d: %s", got.StatusCode, got.text)
	}
	for _, who := range []string{"ann", "bob"} {
		b.json(http.MethodPut, "/v1/customers/"+who, ann(who+"@example.com"), http.StatusOK)
	}
	return b
}

// fail is a failed payment of a customer's; succeed is the same one, gone through.
func (b *box) fail(id, who string) { b.happen("wallet.payment.failed", id, who, "f") }

func (b *box) happen(kind, id, who, mark string) {
	b.t.Helper()
	e := failed(id, who)
	e["time"], e["type"], e["id"] = b.clock.Now().Format(time.RFC3339Nano), kind, mark+id
	if kind == "wallet.payment.succeeded" {
		delete(e["data"].(map[string]any), "reason")
		delete(e["data"].(map[string]any), "charged")
	}
	taken(b.t, b.ask(http.MethodPost, "/v1/events", single, encode(b.t, e)))
	b.work()
}

// token speaks for a customer for the next ten minutes.
func (b *box) token(who string) string {
	b.t.Helper()
	now := b.clock.Now()
	token, err := pass.Sign(b.secret, pass.Claims{Customer: who, Issued: now, Expires: now.Add(10 * time.Minute), Nonce: fmt.Sprint("nonce-", now.UnixNano())})
	if err != nil {
		b.t.Fatal(err)
	}
	return token
}

type cardsAnswer struct {
	Cards []struct {
		ID, Purpose, Program, Title, Text, Language, Link string
		Shown                                             bool
		Until                                             time.Time
		Form                                              *struct {
			Next      string
			Complete  bool
			Questions []struct {
				ID      string
				Visible bool
			}
		}
	}
	Next string
}

func (b *box) cards(who, query string) (list cardsAnswer) {
	b.t.Helper()
	got := b.askWith(b.token(who), http.MethodGet, "/v1/inapp/cards"+query, "", nil)
	if got.StatusCode != http.StatusOK || got.Header.Get("ETag") == "" {
		b.t.Fatalf("%d %s", got.StatusCode, got.text)
	}
	got.read(b.t, &list)
	return list
}

// say is a request by a customer's app, and the status it wants.
func (b *box) say(who, method, path string, body any, want int) *reply {
	b.t.Helper()
	got := b.askWith(b.token(who), method, path, "application/json", encode(b.t, body))
	if got.StatusCode != want {
		b.t.Fatalf("%s %s: %d, want %d: %s", method, path, got.StatusCode, want, got.text)
	}
	return got
}

// one is the customer's one follow-up and its attempts.
func (b *box) one(who string) (f followup.FollowUp, all []attempt.Attempt) {
	b.t.Helper()
	err := b.app.DB.Read(b.t.Context(), func(tx *db.Tx) error {
		found, err := customer.Find(tx, []string{who})
		if err != nil {
			return err
		}
		list, err := followup.OfCustomer(tx, found[who], 1)
		if err != nil || len(list) == 0 {
			return err
		}
		f = list[0]
		of, err := attempt.OfFollowUps(tx, []int64{f.ID})
		all = of[f.ID]
		return err
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return f, all
}
