package api_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/outbox"
	"github.com/huiyin/huiyin/internal/platform/outward"
)

func TestAnEndpointIsMadeTestedRotatedReadAndSentAgainOverTheApi(t *testing.T) {
	path := filepath.Join(t.TempDir(), "api.db")
	s := newSite(t, "sqlite:"+path, path+".keys")
	s.app.Deliverer.Client = outward.Client(outward.Options{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	var mu sync.Mutex
	var headers []http.Header
	var bodies []string
	wallet := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		headers, bodies = append(headers, r.Header.Clone()), append(bodies, string(b))
	}))
	defer wallet.Close()
	kind := "application/json"
	post := func(path, body string, want int) *reply {
		t.Helper()
		r := s.ask(http.MethodPost, "/v1/webhooks"+path, kind, []byte(body))
		if r.StatusCode != want {
			t.Fatalf("%s: %d %s", path, r.StatusCode, r.text)
		}
		return r
	}
	turn := func() {
		t.Helper()
		if _, _, err := s.app.Deliverer.Turn(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	var made, turned struct{ Secret string }
	post("", `{"name":"wallet","url":"`+wallet.URL+`","kinds":["refusal.recorded"]}`, http.StatusCreated).read(t, &made)
	post("/wallet/test", "", http.StatusAccepted)
	turn()
	post("/wallet/rotate", `{}`, http.StatusOK).read(t, &turned)
	refusal := s.ask(http.MethodPost, "/v1/customers/W-9/refusals", kind, []byte(`{"channel":"sms","purpose":"*","source":"sms","words":"别再发了"}`))
	if refusal.StatusCode >= 300 {
		t.Fatalf("%d %s", refusal.StatusCode, refusal.text)
	}
	turn()
	if len(bodies) != 2 || !strings.Contains(bodies[0], "huiyin.webhook.test") || !strings.Contains(bodies[1], `"subject":"W-9"`) || strings.Contains(bodies[1], "别再") {
		t.Fatalf("the wallet was told %q", bodies)
	}
	for _, secret := range []string{made.Secret, turned.Secret} {
		v, err := standardwebhooks.NewWebhook(secret)
		if err != nil {
			t.Fatal(err)
		}
		if err := v.Verify([]byte(bodies[1]), headers[1]); err != nil {
			t.Errorf("while the secret is changed: %v", err)
		}
	}
	if made.Secret == turned.Secret {
		t.Error("rotating changed nothing")
	}
	var log struct {
		Deliveries []struct {
			ID, Message, State, Kind string
			Tries                    []struct{ Status int }
		}
	}
	s.ask(http.MethodGet, "/v1/webhooks/wallet/log?state=delivered&limit=5", "", nil).read(t, &log)
	if len(log.Deliveries) != 2 || log.Deliveries[0].Kind != "refusal.recorded" || log.Deliveries[0].Tries[0].Status != 200 || log.Deliveries[0].Message != headers[1].Get(outbox.HeaderID) {
		t.Fatalf("the log says %+v", log)
	}
	post("/wallet/replay", `{"delivery":"`+log.Deliveries[0].ID+`"}`, http.StatusAccepted)
	turn()
	post("/wallet/replay", `{"since":"2020-01-01T00:00:00Z"}`, http.StatusAccepted)
	turn()
	if len(headers) != 4 || headers[2].Get(outbox.HeaderID) != headers[1].Get(outbox.HeaderID) || headers[3].Get(outbox.HeaderID) != headers[1].Get(outbox.HeaderID) {
		t.Errorf("sent again %d times, or under another id", len(headers)-2)
	}
	post("/wallet/replay", `{}`, http.StatusBadRequest)
	post("/wallet/disable", "", http.StatusNoContent)
	var all struct {
		Webhooks []struct{ Name, State, Reason string }
	}
	list := s.ask(http.MethodGet, "/v1/webhooks", "", nil)
	list.read(t, &all)
	if len(all.Webhooks) != 1 || all.Webhooks[0].State != "disabled" || strings.Contains(string(list.text), "whsec_") {
		t.Errorf("the list says %s", list.text)
	}
	weak := s.newKey("reader", codes.WebhooksRead)
	if r := s.askWith(weak, http.MethodPost, "/v1/webhooks/wallet/enable", kind, nil); r.StatusCode != http.StatusForbidden {
		t.Errorf("a key that may only read enabled it: %d", r.StatusCode)
	}
	if r := s.ask(http.MethodGet, "/v1/audit", "", nil); !strings.Contains(string(r.text), "webhook.rotate") || strings.Contains(string(r.text), wallet.URL) {
		t.Errorf("the audit trail says %s", r.text)
	}
}

func TestTheWayOfAFollowUpIsToldWithoutANameOrAnAddress(t *testing.T) {
	path := filepath.Join(t.TempDir(), "api.db")
	s := newSite(t, "sqlite:"+path, path+".keys")
	s.app.Deliverer.Client = outward.Client(outward.Options{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	var mu sync.Mutex
	types := map[string]int{}
	var all strings.Builder
	wallet := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		var e struct{ Type, Subject string }
		_ = json.Unmarshal(b, &e)
		mu.Lock()
		defer mu.Unlock()
		types[e.Type]++
		all.Write(b)
	}))
	defer wallet.Close()
	s.json(http.MethodPost, "/v1/webhooks", map[string]any{"name": "wallet", "url": wallet.URL}, http.StatusCreated)
	s.publish()
	s.json(http.MethodPut, "/v1/customers/c1", ann("ann@example.com"), http.StatusOK)
	if got := s.ask(http.MethodPost, "/v1/events", "application/cloudevents+json", encode(t, failed("a", "c1"))); got.StatusCode != http.StatusAccepted {
		t.Fatalf("%d %s", got.StatusCode, got.text)
	}
	s.work()
	s.ask(http.MethodPost, "/v1/channels/email/bounces", "message/rfc822", []byte("gone "+s.wire.sent[0].Key))
	s.work()
	s.json(http.MethodPost, "/v1/programs/after-payment/pause", nil, http.StatusNoContent)
	for range 3 {
		if _, _, err := s.app.Deliverer.Turn(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []string{"program.published", "program.paused", "follow-up.started", "contact.accepted", "contact.undelivered", "follow-up.ended"} {
		if types["huiyin."+want] == 0 {
			t.Errorf("%s was not told; told were %v", want, types)
		}
	}
	for _, secret := range []string{"ann@example.com", "安娜", "example.com/q/", s.wire.sent[0].Text} {
		if strings.Contains(all.String(), secret) {
			t.Errorf("the wallet was told %q", secret)
		}
	}
	if !strings.Contains(all.String(), `"subject":"c1"`) || !strings.Contains(all.String(), `"program":"after-payment"`) {
		t.Errorf("told: %s", all.String())
	}
}
