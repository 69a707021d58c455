package e2e

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/huiyin/huiyin/internal/people/pass"
)

// inappDocuments ask every kind of question there is, in the app.
const inappDocuments = `kind: CapPolicy
name: default
purposes:
  notice: [{n: 60, per: 24h}]
  survey: [{n: 60, per: 24h}]
---
kind: Questionnaire
name: all-kinds
languages: [zh-CN, en]
questions:
  - id: stars
    type: rating
    scale: 5
    score: true
    required: true
    ask: {zh-CN: "您对这次支付问题的处理满意吗?", en: "How satisfied are you with how we handled this payment?"}
    labels: {zh-CN: [非常不满意, 不满意, 一般, 满意, 非常满意], en: [Very dissatisfied, Dissatisfied, Neutral, Satisfied, Very satisfied]}
    tags: {"1-3": {zh-CN: [没说明原因, 退款太慢, 操作复杂], en: [No reason given, Refund too slow, Too complicated]}}
  - id: recommend
    type: nps
    ask: {zh-CN: "您有多大可能把我们推荐给朋友?", en: "How likely are you to recommend us to a friend?"}
    labels: {zh-CN: [完全不会, 一定会], en: [Not at all likely, Extremely likely]}
  - id: effort
    type: ces
    ask: {zh-CN: "解决这个问题费事吗?", en: "How easy was it to get this solved?"}
  - id: device
    type: single
    options:
      - {value: ios, text: {zh-CN: 苹果手机, en: An iPhone}}
      - {value: android, text: {zh-CN: 安卓手机, en: An Android phone}}
    ask: {zh-CN: "您用的是哪种手机?", en: "Which phone do you use?"}
  - id: wishes
    type: multiple
    options:
      - {value: faster, text: {zh-CN: 更快到账, en: Faster refunds}}
      - {value: clearer, text: {zh-CN: 说明更清楚, en: Clearer explanations}}
    ask: {zh-CN: "您希望我们改进什么?", en: "What should we improve?"}
  - id: solved
    type: yes-no
    ask: {zh-CN: "问题解决了吗?", en: "Is it solved?"}
  - id: better
    type: text
    show_if: stars <= 3
    ask: {zh-CN: "请告诉我们哪里没做好。", en: "What could we have done better?"}
thanks: {zh-CN: "谢谢您,我们会改进。", en: "Thank you; we will mend it."}
---
kind: Template
name: told
channels: [inapp]
subject: {zh-CN: 您有一笔付款未成功, en: A payment of yours did not go through}
variants:
  - body:
      zh-CN: "您在{{ trigger.data.merchant }}的一笔付款未成功。我们不会向您索要验证码和密码。"
      en: "Your payment to {{ trigger.data.merchant }} did not go through. We never ask for codes or passwords."
---
kind: Program
name: failed-payment
title: {zh-CN: 支付失败回访, en: Failed payment}
goal: {zh-CN: 说明情况, en: Say what happened}
trigger: {event: wallet.payment.failed}
reentry: {key: trigger.data.order_id}
deadline: 48h
audience: {segment: everyone, sample: 1.0, hold_out: 0.0}
steps:
  - {channel: inapp, purpose: notice, template: told, wait: 0s}
  - {channel: inapp, purpose: survey, questionnaire: all-kinds, wait: 12h}
`

// shop is a wallet's page on another origin, under a strict policy, that shows the inbox.
type shop struct {
	*httptest.Server
	home   string // of the server, once it runs
	secret string
}

func (s *shop) token(t *testing.T, who string, valid time.Duration) string {
	t.Helper()
	now := time.Now()
	token, err := pass.Sign(s.secret, pass.Claims{Customer: who, Issued: now.Add(valid - 10*time.Minute), Expires: now.Add(valid), Nonce: fmt.Sprint("nonce-", now.UnixNano())})
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func newShop(t *testing.T) *shop {
	t.Helper()
	s := &shop{}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /token", func(w http.ResponseWriter, r *http.Request) {
		valid := 10 * time.Minute
		if r.FormValue("n") == "1" {
			valid = -time.Second // the first one has expired, so that the widget must ask again
		}
		_, _ = w.Write([]byte(s.token(t, r.FormValue("who"), valid)))
	})
	mux.HandleFunc("GET /", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", "default-src 'none'; base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; "+
			"script-src 'nonce-page' "+s.home+"; connect-src 'self' "+s.home+"; frame-src "+s.home+"; style-src 'none'; img-src data:")
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = fmt.Fprintf(w, `<!doctype html><html lang="%s"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>shop</title>
<link rel="icon" href="data:,"></head><body><h1>Wallet</h1><huiyin-inbox feedback mode="%s"></huiyin-inbox>
<script nonce="page">let n = 0, told = [];
const inbox = document.querySelector("huiyin-inbox");
inbox.addEventListener("huiyin", (e) => told.push(e.detail.what));
inbox.tokenSource = async () => (await fetch("/token?who=%s&n=" + ++n)).text();</script>
<script src="%s/inapp/widget.js"></script></body></html>`, r.FormValue("lang"), r.FormValue("mode"), r.FormValue("who"), s.home)
	})
	s.Server = httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s
}

// inbox is a page's inbox, wherever it is drawn.
type inbox struct {
	*browser
	context int // 0: the page itself
}

// framed enters the page's one frame.
func (b *browser) framed() *inbox {
	b.t.Helper()
	var tree struct {
		FrameTree struct {
			ChildFrames []struct {
				Frame struct{ ID string }
			}
		}
	}
	var world struct {
		ID int `json:"executionContextId"`
	}
	until(b.t, "the frame is there", func() bool {
		b.call("Page.getFrameTree", nil, &tree)
		return len(tree.FrameTree.ChildFrames) == 1
	})
	b.call("Page.createIsolatedWorld", map[string]any{"frameId": tree.FrameTree.ChildFrames[0].Frame.ID}, &world)
	return &inbox{b, world.ID}
}

// ask evaluates an expression over root, the inbox's shadow tree; it is text.
func (i *inbox) ask(script string) string {
	i.t.Helper()
	params := map[string]any{
		"returnByValue": true, "awaitPromise": true,
		"expression": `(async () => { const root = document.querySelector("huiyin-inbox").shadowRoot, all = (s) => [...root.querySelectorAll(s)]; return String(` + script + `) })()`,
	}
	if i.context != 0 {
		params["contextId"] = i.context
	}
	var got struct {
		Result           struct{ Value string }
		ExceptionDetails json.RawMessage
	}
	i.call("Runtime.evaluate", params, &got)
	if got.ExceptionDetails != nil {
		i.t.Fatalf("%s: %s", script, got.ExceptionDetails)
	}
	return got.Result.Value
}

// press presses keys in whatever has the focus.
func (i *inbox) press(keys ...string) {
	i.t.Helper()
	for _, key := range keys {
		code := map[string]int{"Tab": 9, "Enter": 13, " ": 32, "ArrowDown": 40, "ArrowRight": 39}[key]
		text := map[string]string{"Enter": "\r", " ": " "}[key]
		i.call("Input.dispatchKeyEvent", map[string]any{"type": "keyDown", "key": key, "windowsVirtualKeyCode": code, "text": text}, nil)
		i.call("Input.dispatchKeyEvent", map[string]any{"type": "keyUp", "key": key, "windowsVirtualKeyCode": code}, nil)
	}
}

// shoot keeps a picture of the page where HUIYIN_TEST_SHOTS says, for people to look at.
func (b *browser) shoot(name string) {
	b.t.Helper()
	folder := os.Getenv("HUIYIN_TEST_SHOTS")
	if folder == "" {
		return
	}
	var got struct{ Data string }
	b.call("Page.captureScreenshot", map[string]any{"captureBeyondViewport": true}, &got)
	picture, err := base64.StdEncoding.DecodeString(got.Data)
	if err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, name+".png"), picture, 0o600); err != nil {
		b.t.Fatal(err)
	}
}

// wellMade lists what an inbox sticks out with, has no name for, or is too small to tap.
const wellMade = `(() => { const bad = [], seen = (e) => e.getClientRects().length > 0;
if (document.documentElement.scrollWidth > innerWidth) bad.push("the page is " + document.documentElement.scrollWidth + " wide");
for (const e of all("article, fieldset")) if (e.scrollWidth > e.clientWidth + 1) bad.push("cut off: " + e.textContent.slice(0, 40));
for (const e of all("button, .pick, textarea")) if (seen(e) && e.getBoundingClientRect().height < 40) bad.push("too low: " + e.textContent);
for (const e of all("input, textarea")) if (!e.labels.length && !e.ariaLabel) bad.push("no label: " + e.outerHTML);
for (const e of all("fieldset")) if (!e.querySelector("legend")) bad.push("no legend");
for (const e of all("article")) if (!root.getElementById(e.getAttribute("aria-labelledby"))) bad.push("an article without a name");
if (!all("[role=region][aria-label]").length) bad.push("no region");
return bad.join("; ") })()`

func newInboxPlace(t *testing.T) (*place, *server, *shop) {
	t.Helper()
	s := newShop(t)
	p := newPlace(t, "")
	p.settings(map[string]string{"inapp": `{adapter: inbox, origins: ["` + s.URL + `"]}`})
	p.must("apply", "-f", p.write("house.yaml", inappDocuments), "--publish")
	s.secret = p.must("key", "create", "wallet", "--scope", "customers-sign").last()
	key := p.keyFor("admin")
	served := p.serve()
	served.key, s.home = key, served.url
	return p, served, s
}

// arrive makes a customer with the app and lets a payment of theirs fail.
func (s *server) arrive(who, language string) {
	s.t.Helper()
	record := map[string]any{"name": "安娜", "language": language, "country": "CN", "zones": []string{"Asia/Shanghai"}, "has": []string{"app"}}
	if status, text, _ := s.do(http.MethodPut, "/v1/customers/"+who, "application/json", encode(s.t, record)); status != http.StatusOK {
		s.t.Fatalf("%d %s", status, text)
	}
	if status, text, _ := s.do(http.MethodPost, "/v1/events", "application/cloudevents+json", encode(s.t, failed(who, who))); status != http.StatusAccepted {
		s.t.Fatalf("%d %s", status, text)
	}
}

func TestTheInboxWorksInAForeignPageWithAStrictPolicyAndInAFrame(t *testing.T) {
	_, served, s := newInboxPlace(t)
	b := newBrowser(t)
	for n, c := range []struct {
		mode, lang string
		width      int
		thanks     string
	}{
		{"", "zh-CN", phonePixels, "谢谢您,我们会改进。"},
		{"", "en", deskPixels, "Thank you; we will mend it."},
		{"frame", "en", phonePixels, "Thank you; we will mend it."},
		{"frame", "zh-CN", deskPixels, "谢谢您,我们会改进。"},
		{"", "en", 360, "Thank you; we will mend it."},
	} {
		name := fmt.Sprintf("%s%s-%d", c.lang, c.mode, c.width)
		t.Run(name, func(t *testing.T) {
			b.t, b.faults = t, nil
			served.t = t
			who := fmt.Sprint("W", n)
			served.arrive(who, c.lang)
			b.show(fmt.Sprintf("%s/?who=%s&lang=%s&mode=%s", s.URL, who, c.lang, c.mode), c.width)
			i := &inbox{browser: b}
			if c.mode == "frame" {
				i = b.framed()
			}
			until(t, "both cards are drawn", func() bool { return i.ask(`all("article").length`) == "2" })
			b.shoot("inbox-" + name)
			i.looksWell()
			// All by keyboard: the lowest score, its first reason, then on.
			i.ask(`root.querySelector("form input").focus()`)
			i.press(" ")
			until(t, "reasons are offered", func() bool { return i.ask(`all(".tags input").length`) == "3" })
			b.shoot("reasons-" + name)
			i.looksWell()
			i.press("Tab", " ", "Tab", "Tab", "Tab", "Enter")
			for _, kind := range []string{"recommend", "effort", "device", "wishes", "solved"} {
				i.next(kind)
				i.looksWell()
				if kind == "recommend" {
					b.shoot("nps-" + name)
				}
				i.press(" ")
				i.ask(`root.querySelector("form button.main").focus()`)
				i.press("Enter")
			}
			until(t, "the branch is taken to a text", func() bool { return i.ask(`all("textarea").length`) == "1" })
			i.ask(`root.querySelector("form textarea").value = "退款 <b>太慢</b>"`)
			b.shoot("text-" + name)
			i.ask(`root.querySelector("form button.main").click()`)
			until(t, "it is thanked", func() bool { return i.ask(`all("[role=status] p").map((p) => p.textContent).join()`) == c.thanks })
			b.shoot("thanks-" + name)
			i.ask(`all("article").find((a) => a.querySelector("[role=status] p")).querySelector("[role=status] button").click()`)
			i.ask(`root.querySelector("article .do button").click()`)
			until(t, "nothing is left", func() bool { return i.ask(`all("article").length`) == "0" })
			for _, fault := range b.faults {
				if !strings.Contains(fault, "401") { // the token that had expired, on purpose
					t.Errorf("the console says %s", fault)
				}
			}
			told := b.evaluate(`told.join()`)
			for _, want := range []string{"shown", "answered", "dismissed"} {
				if !strings.Contains(told, want) {
					t.Errorf("the page was told %s, not that a card was %s", told, want)
				}
			}
			served.wantAnswered(who)
		})
	}
}

func (i *inbox) looksWell() {
	i.t.Helper()
	if bad := i.ask(wellMade); bad != "" {
		i.t.Errorf("%s", bad)
	}
}

// next waits for a question and checks that the focus went to it.
func (i *inbox) next(question string) {
	i.t.Helper()
	count := map[string]string{"recommend": "11", "effort": "7", "device": "2", "wishes": "2", "solved": "2"}[question]
	kind := map[string]string{"wishes": "checkbox"}[question]
	if kind == "" {
		kind = "radio"
	}
	until(i.t, "the question "+question+" is asked", func() bool {
		return i.ask(`all("form > fieldset > div > .pick input[type=`+kind+`]").length`) == count && i.ask(`root.activeElement && root.activeElement.type`) == kind
	})
}

// wantAnswered wants the customer's follow-up answered, with all that was said.
func (s *server) wantAnswered(who string) {
	s.t.Helper()
	until(s.t, "the follow-up is answered", func() bool {
		status, text, _ := s.do(http.MethodGet, "/v1/programs/failed-payment/explain?customer="+who, "", nil)
		if status != http.StatusOK {
			s.t.Fatalf("%d %s", status, text)
		}
		return strings.Contains(string(text), `"answered"`)
	})
}

func TestTheFrameSpeaksToNobodyWhoWasNotNamed(t *testing.T) {
	_, served, s := newInboxPlace(t)
	b := newBrowser(t)
	served.arrive("W1", "en")
	stranger := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = fmt.Fprintf(w, `<!doctype html><link rel="icon" href="data:,"><iframe src="%s/inapp/frame"></iframe><script>let heard = 0; addEventListener("message", () => heard++);</script>`, s.home)
	}))
	t.Cleanup(stranger.Close)
	b.show(stranger.URL, phonePixels)
	if len(b.faults) == 0 || !strings.Contains(strings.Join(b.faults, ""), "frame-ancestors") {
		t.Errorf("a stranger's page framed the inbox: %v", b.faults)
	}
	b.faults = nil
	// A named page, whose messages come from a window that isn't the parent: a popup's, or another frame's.
	b.show(s.URL+"/?who=W1&lang=en&mode=frame", phonePixels)
	i := b.framed()
	until(t, "the cards are drawn", func() bool { return i.ask(`all("article").length`) == "2" })
	// From the frame itself, a message that pretends to be the page's: its source is not the parent.
	if got := i.ask(`await new Promise((done) => { addEventListener("message", () => setTimeout(() => done(document.documentElement.lang))); postMessage({huiyin: "token", token: "stolen", lang: "zh-CN"}, "*"); })`); got != "en" {
		t.Errorf("the frame listened to itself: %s", got)
	}
	// And to the page, from a window that is not the frame.
	b.evaluate(`(() => { dispatchEvent(new MessageEvent("message", {data: {huiyin: "height", height: 4321}, origin: "` + s.home + `", source: window})); dispatchEvent(new MessageEvent("message", {data: {huiyin: "height", height: 4321}, origin: "https://evil.example", source: document.querySelector("huiyin-inbox").shadowRoot.querySelector("iframe").contentWindow})); return "sent" })()`)
	if got := b.evaluate(`document.querySelector("huiyin-inbox").shadowRoot.querySelector("iframe").style.height`); got == "4321px" {
		t.Error("the page listened to a window that isn't its frame")
	}
}
