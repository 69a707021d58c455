package e2e

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const smallPixels = 360

// survey asks with every type of question, of anybody.
const survey = `kind: Questionnaire
name: visit-survey
title: {zh-CN: 到店体验, en: Your visit}
languages: [zh-CN, en]
publish: {public: true, quota: 50}
questions:
  - {id: satisfaction, type: rating, score: true, required: true, ask: {zh-CN: "您对这次服务满意吗?", en: "How satisfied are you with our service?"},
     labels: {zh-CN: [非常不满意, 不满意, 一般, 满意, 非常满意], en: [Very dissatisfied, Dissatisfied, Neutral, Satisfied, Very satisfied]},
     tags: {"1-3": {zh-CN: [等待太久, 没有说清楚], en: [Long wait, Unclear]}, "4-5": {zh-CN: [很快, 很耐心], en: [Quick, Patient]}}}
  - {id: better, type: text, ask: {zh-CN: "哪里可以做得更好?", en: "What could we do better?"}, show_if: satisfaction <= 3}
  - {id: recommend, type: nps, ask: {zh-CN: "您会把我们推荐给朋友吗?", en: "Would you recommend us to a friend?"}}
  - {id: easy, type: ces, ask: {zh-CN: "办理起来容易吗?", en: "How easy was it?"}, labels: {zh-CN: [非常困难, 非常容易], en: [Very difficult, Very easy]}}
  - {id: first, type: yes-no, ask: {zh-CN: "您是第一次来吗?", en: "Is this your first visit?"}}
  - id: used
    type: multiple
    max_choices: 2
    ask: {zh-CN: "您办理了什么?", en: "What did you come for?"}
    options:
      - {value: pay, text: {zh-CN: 付款, en: Paying}}
      - {value: top-up, text: {zh-CN: 充值, en: Topping up}}
      - {value: other, other: true, text: {zh-CN: 其他, en: Something else}}
      - {value: nothing, none: true, text: {zh-CN: 都没有, en: None of these}}
  - id: how
    type: single
    ask: {zh-CN: "您是怎么知道我们的?", en: "How did you hear of us?"}
    options: [{value: friend, text: {zh-CN: 朋友, en: A friend}}, {value: ad, text: {zh-CN: 广告, en: An advert}}]
thanks: {zh-CN: "谢谢您!如需帮助请拨打 {{ hotline }}。", en: "Thank you! Call {{ hotline }} if you need help."}
`

// audit looks at a page as someone does who sees little, uses no mouse, or can't bear motion.
const audit = `(() => {
  const bad = [], shown = e => e.getClientRects().length > 0 && getComputedStyle(e).visibility === "visible";
  const rgb = c => { const m = c.match(/[\d.]+/g).map(Number); return m.length > 3 ? m : [...m, 1]; };
  const behind = e => { for (; e; e = e.parentElement) { const c = rgb(getComputedStyle(e).backgroundColor); if (c[3] === 1) return c; } return [255, 255, 255, 1]; };
  const light = c => { const [r, g, b] = c.map(v => v / 255).map(v => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4); return .2126 * r + .7152 * g + .0722 * b; };
  const ratio = (a, b) => { const [x, y] = [light(a), light(b)].sort((p, q) => q - p); return (x + .05) / (y + .05); };
  const words = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let n = words.nextNode(); n; n = words.nextNode()) {
    const e = n.parentElement, s = getComputedStyle(e), size = parseFloat(s.fontSize);
    if (!n.textContent.trim() || !shown(e)) continue;
    const need = size >= 24 || size >= 18.66 && s.fontWeight >= 700 ? 3 : 4.5, got = ratio(rgb(s.color), behind(e));
    if (got < need) bad.push("contrast " + got.toFixed(2) + " of " + n.textContent.trim().slice(0, 30));
  }
  const ids = [...document.querySelectorAll("[id]")].map(e => e.id);
  if (new Set(ids).size !== ids.length) bad.push("an id stands twice");
  for (const e of document.querySelectorAll("[aria-describedby]")) for (const id of e.getAttribute("aria-describedby").split(" "))
    if (!document.getElementById(id)) bad.push("described by " + id + ", which isn't there");
  for (const e of document.querySelectorAll("input:not([type=hidden]), textarea"))
    if (!(e.getAttribute("aria-label") || [...e.labels].map(l => l.textContent).join("")).trim()) bad.push("no name for " + e.outerHTML.slice(0, 80));
  for (const e of document.querySelectorAll("input[type=radio], input[type=checkbox]")) {
    const f = e.closest("fieldset"); if (!f || !f.querySelector(":scope > legend")) bad.push("no legend over " + e.outerHTML.slice(0, 80));
    const l = e.labels[0]; if (l && shown(l)) { const r = l.getBoundingClientRect(); if (r.height < 44 || r.width < 24) bad.push("too small to tap: " + l.textContent + " " + r.width + "x" + r.height); }
  }
  for (const e of document.querySelectorAll("a, button")) if (shown(e)) {
    const r = e.getBoundingClientRect(); if (!e.textContent.trim()) bad.push("no words on " + e.outerHTML.slice(0, 80));
    if (r.height < 24) bad.push("too low to tap: " + e.textContent);
  }
  for (const e of document.querySelectorAll("*")) { const s = getComputedStyle(e); if (s.animationName !== "none" || parseFloat(s.transitionDuration) > 0) bad.push("it moves: " + e.tagName); }
  if (document.querySelectorAll("h1").length !== 1 || document.querySelectorAll("main").length !== 1 || !document.title.trim()) bad.push("one title, one main part and one heading are wanted");
  if (document.documentElement.scrollWidth > innerWidth) bad.push("the page is " + document.documentElement.scrollWidth + " pixels wide");
  if (document.scripts.length || performance.getEntriesByType("resource").some(r => !r.name.endsWith("/favicon.ico"))) bad.push("it loads something");
  return bad.join("\n");
})()`

// focused says what the keyboard is on, and whether that can be seen.
const focused = `(() => {
  const e = document.activeElement, on = e.type === "radio" || e.type === "checkbox" ? e.nextElementSibling : e, s = getComputedStyle(on);
  return e === document.body ? "" : (s.outlineStyle !== "none" && parseFloat(s.outlineWidth) >= 2 ? "" : "unseen ") + (e.id || e.tagName.toLowerCase());
})()`

func (b *browser) press(key string, code int, text string) {
	for _, kind := range []string{"keyDown", "keyUp"} {
		params := map[string]any{"type": kind, "key": key, "code": key, "windowsVirtualKeyCode": code}
		if kind == "keyDown" && text != "" {
			params["text"] = text
		}
		b.call("Input.dispatchKeyEvent", params, nil)
	}
}

// scheme makes the page what it is by day or by night.
func (b *browser) scheme(name string) {
	b.call("Emulation.setEmulatedMedia", map[string]any{"features": []map[string]string{{"name": "prefers-color-scheme", "value": name}, {"name": "prefers-reduced-motion", "value": "reduce"}}}, nil)
}

// keep writes a picture of the page where HUIYIN_TEST_SHOTS says, if it does.
func (b *browser) keep(name string) {
	folder := os.Getenv("HUIYIN_TEST_SHOTS")
	if folder == "" {
		return
	}
	var shot struct{ Data string }
	b.call("Page.captureScreenshot", map[string]any{"format": "png", "captureBeyondViewport": true}, &shot)
	picture, err := base64.StdEncoding.DecodeString(shot.Data)
	if err == nil {
		err = os.WriteFile(filepath.Join(folder, name+".png"), picture, 0o600)
	}
	if err != nil {
		b.t.Error(err)
	}
}

func TestAPublicQuestionnaireIsFoundByItsCodeAndAnsweredByKeyboard(t *testing.T) {
	p := newPlace(t, "")
	p.must("apply", "-f", p.write("survey.yaml", survey))
	s := p.serve()
	link := strings.TrimSpace(p.must("questionnaire", "link", "visit-survey").last())
	code := filepath.Join(t.TempDir(), "code.png")
	p.must("questionnaire", "qr", "visit-survey", "-o", code)
	reader, err := exec.LookPath("zbarimg")
	if err != nil {
		t.Fatal("there is no zbarimg; scripts/setup.sh says how to get it")
	}
	read, err := exec.Command(reader, "-q", "--raw", code).Output() //nolint:gosec // found above
	if err != nil || strings.TrimSpace(string(read)) != link || !strings.HasSuffix(link, "/p/visit-survey") {
		t.Errorf("the code reads %q, the link is %q: %v", read, link, err)
	}

	at := s.url + "/p/visit-survey"
	b := newBrowser(t)
	b.show(at+"?lang=en", smallPixels)
	for step, keys := range [][]string{{" "}, {}, {" "}, {" "}, {" "}, {" "}, {" "}} {
		for _, key := range keys { // onto the first choice: the first radio, and so the lowest score
			b.press("Tab", 9, "")
			if got := b.evaluate(focused); got == "" || strings.HasPrefix(got, "unseen") {
				t.Errorf("step %d: the keyboard is on %q", step, got)
			}
			b.press(key, 32, key)
		}
		b.evaluate(`document.querySelector("form button").focus(); ""`)
		if got := b.evaluate(focused); strings.HasPrefix(got, "unseen") {
			t.Errorf("step %d: the button's focus can't be seen", step)
		}
		b.follow(func() { b.press("Enter", 13, "\r") })
	}
	if said := b.evaluate(`document.querySelector("main").textContent`); !strings.Contains(said, "Thank you!") {
		t.Fatalf("at the end stands %s at %s", said, b.evaluate("location.href"))
	}
	var report struct {
		Complete int
		Open     bool
		Answers  struct{ Completed, Careless int }
		Check    []string
	}
	if err := json.Unmarshal([]byte(p.must("questionnaire", "report", "visit-survey", "--json").last()), &report); err != nil {
		t.Fatal(err)
	}
	if report.Complete != 1 || report.Answers.Completed != 1 || !report.Open || len(report.Check) != 0 {
		t.Errorf("the report says %+v", report)
	}
	b.show(at+"?lang=en", smallPixels)
	if said := b.evaluate(`document.querySelector("h1").textContent`); said != "You have already answered" {
		t.Errorf("the same browser is told %q", said)
	}
}

func TestEveryQuestionCanBeReadAndUsedByAnyoneAtAnyWidth(t *testing.T) {
	p := newPlace(t, "")
	p.must("apply", "-f", p.write("survey.yaml", survey))
	s := p.serve()
	for _, language := range []string{"zh-CN", "en"} {
		pages := map[string]string{"first": s.url + "/p/visit-survey", "closed": s.url + "/p/nobody"}
		first := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
		got, err := first.PostForm(pages["first"], map[string][]string{"question": {"satisfaction"}, "value": {"2"}, "visit": {strings.Repeat(map[string]string{"en": "e", "zh-CN": "z"}[language], 26)}})
		if err != nil {
			t.Fatal(err)
		}
		_ = got.Body.Close() // the address is all of it
		own, _, _ := strings.Cut(got.Header.Get("Location"), "?")
		for _, id := range []string{"satisfaction", "better", "recommend", "easy", "first", "used", "how"} {
			pages["the question "+id] = s.url + own + "?at=" + id
		}
		for _, width := range []int{smallPixels, phonePixels, deskPixels} {
			b := newBrowser(t)
			for name, address := range pages {
				for _, scheme := range []string{"light", "dark"} {
					if scheme == "dark" && width != smallPixels {
						continue // the colours are the same
					}
					b.scheme(scheme)
					joint := "?"
					if strings.Contains(address, "?") {
						joint = "&"
					}
					b.show(address+joint+"lang="+language, width)
					where := fmt.Sprintf("%s in %s at %d pixels, %s", name, language, width, scheme)
					if bad := b.evaluate(audit); bad != "" {
						t.Errorf("%s:\n%s", where, bad)
					}
					b.evaluate(`for (const e of document.querySelectorAll("input[value='2'], input[value=other], input[value='1-3.1']")) e.checked = true; ""`)
					if bad := b.evaluate(audit); bad != "" {
						t.Errorf("%s, something chosen:\n%s", where, bad)
					}
					b.keep(strings.NewReplacer(" ", "-", ",", "").Replace(where))
				}
			}
			b.show(pages["first"]+"?lang="+language, width)
			b.follow(func() {
				b.evaluate(`document.querySelector("form").noValidate = true; document.querySelector("form button").click(); ""`)
			})
			if bad := b.evaluate(audit); bad != "" {
				t.Errorf("a mistake in %s at %d pixels:\n%s", language, width, bad)
			}
			if said := b.evaluate(`document.querySelector("[role=alert] a").getAttribute("href") + " " + document.title`); !strings.HasPrefix(said, "#v1 ") || !strings.Contains(said, map[string]string{"en": "To correct: ", "zh-CN": "需要更正:"}[language]) {
				t.Errorf("a mistake is said as %q", said)
			}
			b.keep(fmt.Sprintf("a-mistake-%s-%d", language, width))
		}
	}
}
