package app

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/huiyin/huiyin/internal/channel/webhook"
	"github.com/huiyin/huiyin/internal/people/staff"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/db"
)

// Canaries: names, numbers and addresses that are nowhere else. Each is looked for as it
// is and in the spellings it could hide in.
var canaries = []string{
	"欧阳金丝雀", `\u6b27\u9633\u91d1`, "Canary McBird", "1391234567", "canary.one", "canary.two", "canary-mail.example", "canary%40", "139 1234",
}

func hits(text []byte) (all []string) {
	for _, c := range canaries {
		if at := bytes.Index(text, []byte(c)); at >= 0 {
			all = append(all, fmt.Sprintf("%s in …%q…", c, text[max(0, at-60):min(len(text), at+60)]))
		}
	}
	return all
}

const privateDocuments = `
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
  - {id: any-hour, basis: house, channels: [email, sms], days: all, hours: ["00:00-24:00"]}
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
trigger: {event: wallet.payment.failed}
deadline: 48h
audience: {segment: everyone, sample: 1.0, hold_out: 0.0}
steps:
  - {channel: email, purpose: survey, questionnaire: how-was-it, wait: 1s}
  - {channel: sms, purpose: survey, questionnaire: how-was-it, wait: 1h}
`

// provider takes messages and repeats in its words where they went, as providers do.
type provider struct {
	mu    sync.Mutex
	sent  []string // bodies
	links []string
}

var linkForm = regexp.MustCompile(`http://[^\s"\\]+/q/[A-Za-z0-9_-]+`)

func (p *provider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b, _ := io.ReadAll(r.Body) // a broken one is seen by what is missing
	var m struct{ To string }
	_ = json.Unmarshal(b, &m)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sent = append(p.sent, string(b))
	p.links = append(p.links, linkForm.FindAllString(string(b), -1)...)
	w.Header().Set("Content-Type", "application/json")
	if strings.HasSuffix(m.To, "2") || strings.Contains(m.To, "two") {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = fmt.Fprintf(w, `{"status":"rejected","detail":"no such recipient: %s"}`, m.To)
		return
	}
	_, _ = fmt.Fprintf(w, `{"ref":"r%d","detail":"queued for %s"}`, len(p.sent), m.To)
}

// house is a running node.
type house struct {
	*node
	app      *App
	provider *provider
	log      *bytes.Buffer
	url, key string
	stop     func()
}

func (n *node) run() *house {
	n.t.Helper()
	h := &house{node: n, provider: &provider{}, log: &bytes.Buffer{}}
	gateway := httptest.NewServer(h.provider)
	n.t.Cleanup(gateway.Close)
	n.cfg.Channels = map[string]Channel{}
	for _, name := range []string{"email", "sms"} {
		n.cfg.Channels[name] = Channel{Adapter: adapterWebhook, Webhook: webhook.Settings{URL: gateway.URL + "/" + name, Idempotency: time.Hour}}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	n.must(err)
	n.cfg.Listen = "127.0.0.1:0"
	n.cfg.PublicURL = "http://" + l.Addr().String()
	var mu sync.Mutex
	h.app, err = New(n.t.Context(), n.cfg, Options{Log: Logger(writerFunc(func(p []byte) (int, error) {
		mu.Lock()
		defer mu.Unlock()
		return h.log.Write(p)
	}))})
	n.must(err)
	h.key, _, err = h.app.House.CreateKey(n.t.Context(), "test", staff.Key{Name: "all", Scopes: []codes.Scope{codes.Admin}})
	n.must(err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- h.app.Run(ctx, l) }()
	h.url = n.cfg.PublicURL
	h.stop = sync.OnceFunc(func() { cancel(); n.must(<-ended) })
	n.t.Cleanup(h.stop)
	return h
}

// ask sends a request and gives the answer; masked ones must hold no canary.
func (h *house) ask(method, path, contentType, body string, masked bool) (status int, text []byte) {
	h.t.Helper()
	r, err := http.NewRequestWithContext(h.t.Context(), method, h.url+path, strings.NewReader(body))
	h.must(err)
	r.Header.Set("Authorization", "Bearer "+h.key)
	r.Header.Set("Content-Type", contentType)
	res, err := http.DefaultClient.Do(r)
	h.must(err)
	defer func() { _ = res.Body.Close() }()
	text, err = io.ReadAll(res.Body)
	h.must(err)
	if found := hits(text); masked && len(found) > 0 {
		h.t.Errorf("%s %s answers %v", method, path, found)
	}
	return res.StatusCode, text
}

func (h *house) json(method, path, body string, want int) {
	h.t.Helper()
	if status, text := h.ask(method, path, "application/json", body, true); status != want {
		h.t.Fatalf("%s %s: %d %s", method, path, status, text)
	}
}

// life lets everything happen that touches names and addresses.
func (h *house) life() {
	h.t.Helper()
	if status, text := h.ask(http.MethodPost, "/v1/documents?publish=true", "application/yaml", privateDocuments, true); status != http.StatusOK {
		h.t.Fatalf("%d %s", status, text)
	}
	h.app.Library.Stale()
	for i, c := range []string{
		`{"name":"欧阳金丝雀","country":"CN","zones":["Asia/Shanghai"],"birth_year":1977,"has":["app"],"points":[{"channel":"email","address":"canary.one@canary-mail.example"},{"channel":"phone","address":"13912345671"}]}`,
		`{"name":"Canary McBird","country":"CN","zones":["Asia/Shanghai"],"language":"en","points":[{"channel":"email","address":"canary.two@canary-mail.example"},{"channel":"phone","address":"+86 139 1234 5672"}]}`,
	} {
		ref := fmt.Sprintf("/v1/customers/u%d", i+1)
		h.json(http.MethodPut, ref, c, http.StatusOK)
		h.json(http.MethodGet, ref, "", http.StatusOK)
	}
	// Wrong ones are answered to whoever sent them; they must go nowhere else.
	_, _ = h.ask(http.MethodPut, "/v1/customers/u3", "application/json", `{"name":"Canary McBird","points":[{"channel":"phone","address":"1391234567x"}]}`, false)
	_, _ = h.ask(http.MethodPost, "/v1/customers/batch", "application/json", `{"customers":[{"id":"u4","name":"欧阳金丝雀","points":[{"channel":"email","address":"canary.one"}]}]}`, false)
	for i := range 2 {
		h.json(http.MethodPost, "/v1/customers/u"+fmt.Sprint(i+1)+"/refusals", `{"channel":"phone","source":"app"}`, http.StatusCreated)
		if status, text := h.ask(http.MethodPost, "/v1/events", "application/cloudevents+json", fmt.Sprintf(`{"specversion":"1.0","id":"e%d","source":"/w","type":"wallet.payment.failed",
			"subject":"u%d","time":%q,"data":{"order_id":"o","amount_minor":1200,"currency":"CNY","merchant":"m","reason":"r","charged":false}}`,
			i, i+1, time.Now().UTC().Format(time.RFC3339Nano)), true); status != http.StatusAccepted {
			h.t.Fatalf("%d %s", status, text)
		}
	}
	h.until("both customers are written to by mail and text", func() bool { return len(h.provider.sent) >= 4 && len(h.provider.links) > 0 })
	link := strings.TrimPrefix(h.provider.links[0], h.url)
	if status, text := h.ask(http.MethodGet, link, "", "", true); status != http.StatusOK {
		h.t.Fatalf("%s: %d %s", link, status, text)
	}
	h.ask(http.MethodPost, link, "application/x-www-form-urlencoded", "stars=5", true)
	for _, path := range []string{
		"/v1/customers/u1/may-contact?channel=sms&purpose=survey", "/v1/programs/after-payment/explain?customer=u1", "/v1/programs/after-payment/explain?customer=u2",
		"/v1/programs/after-payment/report", "/v1/set-aside", "/v1/customers/u2/refusals",
	} {
		h.json(http.MethodGet, path, "", http.StatusOK)
	}
	for path, body := range map[string]string{"/v1/customers/u1/reveal": `{"reason":"a complaint"}`, "/v1/customers/u1/export": ""} {
		method := http.MethodPost
		if body == "" {
			method = http.MethodGet
		}
		status, text := h.ask(method, path, "application/json", body, false)
		if status != http.StatusOK || len(hits(text)) < 3 {
			h.t.Errorf("%s gives %d %s, and should give what is sealed", path, status, text)
		}
	}
	h.json(http.MethodGet, "/v1/audit", "", http.StatusOK)
}

func (h *house) until(what string, is func() bool) {
	h.t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		h.provider.mu.Lock()
		ok := is()
		h.provider.mu.Unlock()
		if ok {
			return
		}
		if time.Now().After(deadline) {
			_, why := h.ask(http.MethodGet, "/v1/programs/after-payment/explain?customer=u1", "", "", true)
			h.t.Fatalf("never: %s; sent %v; log %s; %s", what, h.provider.sent, h.log, why)
		}
	}
}

// dump is every row of every table of a database as text.
func dump(t *testing.T, d *db.DB) []byte {
	t.Helper()
	var out bytes.Buffer
	tables, columns := `SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'`, `t::text`
	if d.Engine() == db.SQLite {
		tables = `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'`
	}
	err := d.Read(context.Background(), func(tx *db.Tx) error {
		word := func(r *db.Rows) (s string, err error) { return s, r.Scan(&s) }
		names, err := db.All(tx, word, tables)
		if err != nil || len(names) == 0 {
			return fmt.Errorf("%d tables: %w", len(names), err)
		}
		for _, name := range names {
			columns := columns
			if d.Engine() == db.SQLite {
				parts, err := db.All(tx, word, `SELECT 'coalesce(cast(t.' || name || ' AS text), '''')' FROM pragma_table_info('`+name+`')`)
				if err != nil {
					return err
				}
				columns = strings.Join(parts, ` || ' | ' || `)
			}
			rows, err := db.All(tx, word, `SELECT `+columns+` FROM `+name+` t`)
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			fmt.Fprintf(&out, "%s: %d\n%s\n", name, len(rows), strings.Join(rows, "\n"))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestNothingPersonalIsInLogsMetricsAddressesOrPlainColumns(t *testing.T) {
	each(t, func(n *node) {
		h := n.run()
		h.life()
		if status, text := h.ask(http.MethodGet, "/metrics", "", "", true); status != http.StatusOK || !bytes.Contains(text, []byte("huiyin_")) {
			n.t.Errorf("metrics: %d", status)
		}
		house, keys := dump(n.t, h.app.DB), dump(n.t, h.app.Vault.DB())
		for _, table := range []string{"\ncustomer: 2\n", "\ncontact_point: 5\n"} {
			if !bytes.Contains(house, []byte(table)) {
				n.t.Errorf("the dump has no line %q: it would find nothing", table)
			}
		}
		h.stop()
		for what, text := range map[string][]byte{"the log": h.log.Bytes(), "the house's database": house, "the vault": keys} {
			if len(text) < 100 {
				n.t.Errorf("%s has %d bytes: nothing was looked through", what, len(text))
			}
			for _, hit := range hits(text) {
				n.t.Errorf("%s: %s", what, hit)
			}
		}
		files, err := filepath.Glob(n.file("h.db*"))
		n.must(err)
		for _, f := range files {
			b, err := os.ReadFile(f)
			n.must(err)
			for _, hit := range hits(b) {
				n.t.Errorf("%s: %s", filepath.Base(f), hit)
			}
		}
	})
}
