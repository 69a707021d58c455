package e2e

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

const (
	browserProgram = "chromium"
	browserTimeout = 30 * time.Second // for one command
	phonePixels    = 390
	deskPixels     = 1440
)

// browser is a real one, spoken to over a pipe.
type browser struct {
	t       *testing.T
	to      io.Writer
	from    *bufio.Reader
	session string
	last    int
	loads   int      // pages that came to their end
	faults  []string // what its console complained of
}

// message is what goes over the pipe, either way.
type message struct {
	ID      int             `json:"id,omitempty"`
	Session string          `json:"sessionId,omitempty"`
	Method  string          `json:"method,omitempty"`
	Params  json.RawMessage `json:"params,omitempty"`
	Result  json.RawMessage `json:"result,omitempty"`
	Error   json.RawMessage `json:"error,omitempty"`
}

// newBrowser starts a browser with one empty page.
func newBrowser(t *testing.T) *browser {
	t.Helper()
	path, err := exec.LookPath(browserProgram)
	if err != nil {
		t.Fatalf("there is no %s; scripts/setup.sh says how to get it", browserProgram)
	}
	theirIn, toThem, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	fromThem, theirOut, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--hide-scrollbars",
		"--remote-debugging-pipe", "--user-data-dir="+t.TempDir())
	cmd.ExtraFiles = []*os.File{theirIn, theirOut}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_, _ = theirIn.Close(), theirOut.Close() // the browser has its own
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait() // it may be killed below
		close(ended)
	}()
	t.Cleanup(func() {
		_ = toThem.Close() // it ends when the pipe does
		select {
		case <-ended:
		case <-time.After(browserTimeout):
			_ = cmd.Process.Kill() // likewise
		}
		_ = fromThem.Close() // nothing more comes
	})
	b := &browser{t: t, to: toThem, from: bufio.NewReader(fromThem)}
	watchdog := time.AfterFunc(5*browserTimeout, func() { _ = cmd.Process.Kill() }) // a browser that hangs must not hang the test
	t.Cleanup(func() { watchdog.Stop() })
	var target struct {
		TargetID  string `json:"targetId"`
		SessionID string `json:"sessionId"`
	}
	b.call("Target.createTarget", map[string]any{"url": "about:blank"}, &target)
	b.call("Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &target)
	b.session = target.SessionID
	for _, domain := range []string{"Page", "Runtime", "Log"} {
		b.call(domain+".enable", nil, nil)
	}
	return b
}

// call gives a command and waits for its answer; complaints that come meanwhile are kept.
func (b *browser) call(method string, params, into any) {
	b.t.Helper()
	b.last++
	raw, err := json.Marshal(params)
	if err != nil {
		b.t.Fatal(err)
	}
	if params == nil {
		raw = []byte("{}")
	}
	text, err := json.Marshal(message{ID: b.last, Session: b.session, Method: method, Params: raw})
	if err != nil {
		b.t.Fatal(err)
	}
	if _, err := b.to.Write(append(text, 0)); err != nil {
		b.t.Fatalf("the browser is gone: %v", err)
	}
	for {
		m := b.receive()
		if m.ID != b.last {
			continue
		}
		if m.Error != nil {
			b.t.Fatalf("%s: %s", method, m.Error)
		}
		if into != nil {
			if err := json.Unmarshal(m.Result, into); err != nil {
				b.t.Fatalf("%s: %v in %s", method, err, m.Result)
			}
		}
		return
	}
}

func (b *browser) receive() message {
	b.t.Helper()
	text, err := b.from.ReadBytes(0)
	if err != nil {
		b.t.Fatalf("the browser said no more: %v", err)
	}
	var m message
	if err := json.Unmarshal(text[:len(text)-1], &m); err != nil {
		b.t.Fatalf("%v in %s", err, text)
	}
	switch m.Method {
	case "Runtime.exceptionThrown", "Log.entryAdded":
		b.faults = append(b.faults, string(m.Params))
	case "Page.loadEventFired":
		b.loads++
	}
	return m
}

// show opens a page at a width and waits until it is loaded.
func (b *browser) show(address string, width int) {
	b.t.Helper()
	b.call("Emulation.setDeviceMetricsOverride", map[string]any{"width": width, "height": 844, "deviceScaleFactor": 1, "mobile": false}, nil)
	b.call("Page.navigate", map[string]any{"url": address}, nil)
	for b.receive().Method != "Page.loadEventFired" {
	}
}

// follow does what leads to another page, and waits until that is loaded.
func (b *browser) follow(act func()) {
	b.t.Helper()
	for before := b.loads; b.loads == before; {
		if act != nil {
			act()
			act = nil
			continue // it may be there already
		}
		b.receive()
	}
}

// evaluate runs a script on the page and gives what it returns as text.
func (b *browser) evaluate(script string) string {
	b.t.Helper()
	var got struct {
		Result struct {
			Value string `json:"value"`
		} `json:"result"`
		ExceptionDetails json.RawMessage `json:"exceptionDetails"`
	}
	b.call("Runtime.evaluate", map[string]any{"expression": script, "returnByValue": true, "awaitPromise": true}, &got)
	if got.ExceptionDetails != nil {
		b.t.Fatalf("%s: %s", script, got.ExceptionDetails)
	}
	return got.Result.Value
}

// measured lists what a page sticks out with, has no name for, or is too small to tap.
const measured = `(() => {
  const bad = [], seen = e => e.getClientRects().length > 0;
  if (document.documentElement.scrollWidth > innerWidth) bad.push("the page is " + document.documentElement.scrollWidth + " pixels wide");
  for (const e of document.querySelectorAll("section, article"))
    if (e.scrollWidth > e.clientWidth + 1) bad.push("cut off at the side: " + e.textContent.trim().slice(0, 40));
  for (const e of document.querySelectorAll("button, input:not([type=radio]):not([type=hidden]), select"))
    if (seen(e) && e.getBoundingClientRect().height < 36) bad.push(e.tagName + " is too low to tap: " + e.textContent.slice(0, 40));
  for (const e of document.querySelectorAll("input:not([type=hidden]), select"))
    if (!e.labels.length) bad.push("no label for " + e.outerHTML.slice(0, 80));
  for (const e of document.querySelectorAll("a, button")) if (!e.textContent.trim()) bad.push("no words on " + e.outerHTML.slice(0, 80));
  if (document.querySelectorAll("h1").length !== 1) bad.push(document.querySelectorAll("h1").length + " headings of the first rank");
  return bad.join("\n");
})()`

func TestEveryDemoPageFitsAPhoneAndADeskInBothLanguages(t *testing.T) {
	p := newPlace(t, "")
	d := p.demo("--customers", "8").in(t, "en")
	d.happen("W1004", "charged")
	d.followUp("W1004", "taken") // so that there is something to see
	letters := d.mails("emily.carter@example.com", 2)
	pages := []string{
		"/?customer=W1004&event=charged&since=1", "/phone/W1004", "/phone/W1011", "/mailbox", "/mailbox/1", "/follow-ups", rowPath.FindStringSubmatch(d.open("/customers/W1004"))[1],
		"/programs/failed-payment", "/programs/after-ticket", "/customers", "/customers/W1004", "/customers/W1010", "/set-aside", "/nowhere",
		strings.TrimPrefix(askPath.FindString(letters[1]), d.url),
	}
	b := newBrowser(t)
	for _, language := range []string{"zh-CN", "en"} {
		for _, width := range []int{deskPixels, phonePixels} {
			for _, path := range pages {
				address, err := url.Parse(d.url + path)
				if err != nil {
					t.Fatal(err)
				}
				query := address.Query()
				query.Set("lang", language)
				address.RawQuery = query.Encode()
				b.show(address.String(), width)
				where := fmt.Sprintf("%s in %s at %d pixels", path, language, width)
				if bad := b.evaluate(measured); bad != "" {
					t.Errorf("%s:\n%s", where, bad)
				}
				if got := b.evaluate("document.documentElement.lang"); got != language {
					t.Errorf("%s: the page says it is in %q", where, got)
				}
				for _, fault := range b.faults {
					if path != "/nowhere" { // its status is a fault to the console
						t.Errorf("%s: the console says %s", where, fault)
					}
				}
				b.faults = nil
			}
		}
	}
}

func TestAPageThatIsOpenIsBroughtUpToDateWithoutMoving(t *testing.T) {
	p := newPlace(t, "")
	d := p.demo("--customers", "0").in(t, "en")
	b := newBrowser(t)
	b.show(d.url+"/?lang=en", deskPixels)
	b.evaluate(`document.querySelector("[name=event][value=solved]").click()
document.querySelector("#customer").value = "W1004"; "chosen"`)
	b.evaluate(`document.querySelector("form").submit(); "sent"`)
	for b.receive().Method != "Page.loadEventFired" {
	}
	until(t, "the open page shows the mail", func() bool {
		return strings.Contains(b.evaluate(`document.querySelector("#story").textContent`), "Is your problem solved?")
	})
	if got := b.evaluate(`document.querySelector("[name=event]:checked").value`); got != "solved" {
		t.Errorf("the form was touched: %q is chosen now", got)
	}
}
