package e2e

import (
	"bufio"
	"bytes"
	"encoding/json"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// appPause is how long the customer's app waits between two looks.
const appPause = 500 * time.Millisecond

// demonstration is a running `huiyin demo`, and a browser that looks at it.
type demonstration struct {
	t        *testing.T
	url      string
	language string // the browser's
	client   *http.Client
	at       string // where the browser is
}

// demo starts a demo and waits until it says where it is.
func (p *place) demo(args ...string) *demonstration {
	p.t.Helper()
	d := &demonstration{t: p.t}
	cmd := exec.Command(huiyin, append([]string{"demo", "--listen", "127.0.0.1:0", "--database", p.database}, args...)...)
	cmd.Dir = p.folder // where it keeps its keys on PostgreSQL
	complaints := &strings.Builder{}
	cmd.Stderr = complaints
	out, err := cmd.StdoutPipe()
	if err != nil {
		p.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	said := make(chan string, 1)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			if text := strings.TrimSpace(lines.Text()); strings.HasPrefix(text, "http://") {
				said <- text
			}
		}
		if err := cmd.Wait(); err != nil {
			p.t.Errorf("the demo ended badly: %v", err)
		}
	}()
	p.t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // it may have ended by itself
		select {
		case <-ended:
		case <-time.After(stopTimeout):
			_ = cmd.Process.Kill() // likewise
			p.t.Error("the demo had to be killed")
		}
		if text := complaints.String(); text != "" {
			p.t.Errorf("the demo complained:\n%s", text)
		}
	})
	select {
	case d.url = <-said:
	case <-ended:
		p.t.Fatalf("the demo ended:\n%s", complaints)
	case <-time.After(readyTimeout):
		p.t.Fatal("the demo did not say where it is")
	}
	return d
}

// in is the same demo in the eyes of a browser of another language.
func (d *demonstration) in(t *testing.T, language string) *demonstration {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &demonstration{t: t, url: d.url, language: language, client: &http.Client{Timeout: commandTimeout, Jar: jar}}
}

func (d *demonstration) send(req *http.Request, want int) string {
	d.t.Helper()
	req.Header.Set("Accept-Language", d.language)
	res, err := d.client.Do(req)
	if err != nil {
		d.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		d.t.Fatal(err)
	}
	if res.StatusCode != want {
		d.t.Fatalf("%s %s: %s, want %d\n%s", req.Method, req.URL, res.Status, want, visible(string(body)))
	}
	d.at = res.Request.URL.String()
	return string(body)
}

// open opens a page, by its path or its whole address.
func (d *demonstration) open(address string) string {
	d.t.Helper()
	if strings.HasPrefix(address, "/") {
		address = d.url + address
	}
	req, err := http.NewRequest(http.MethodGet, address, nil)
	if err != nil {
		d.t.Fatal(err)
	}
	return d.send(req, http.StatusOK)
}

// press sends a form and gives the page it leads to.
func (d *demonstration) press(address string, form url.Values) string {
	d.t.Helper()
	if strings.HasPrefix(address, "/") {
		address = d.url + address
	}
	req, err := http.NewRequest(http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		d.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return d.send(req, http.StatusOK)
}

var (
	tag      = regexp.MustCompile(`<[^>]*>`)
	unseen   = regexp.MustCompile(`(?s)<(style|script|select)\b.*?</(style|script|select)>`)
	spaces   = regexp.MustCompile(`\s+`)
	mailPath = regexp.MustCompile(`href="(/mailbox/\d+)"`)
	rowPath  = regexp.MustCompile(`href="(/follow-ups/\d+)"`)
	askPath  = regexp.MustCompile(`http://\S+/q/\w+`)
)

// visible is what one can read on a page.
func visible(page string) string {
	return spaces.ReplaceAllString(html.UnescapeString(tag.ReplaceAllString(unseen.ReplaceAllString(page, " "), " ")), " ")
}

// shows checks that a page shows every one of the texts.
func (d *demonstration) shows(page string, texts ...string) {
	d.t.Helper()
	for _, want := range texts {
		if text := visible(page); !strings.Contains(text, want) {
			d.t.Errorf("%s does not show %q:\n%s", d.at, want, text)
		}
	}
}

// mails waits for an address to have n mails and opens them, the oldest first.
func (d *demonstration) mails(to string, n int) (letters []string) {
	d.t.Helper()
	var paths [][]string
	until(d.t, to+" has mail", func() bool {
		paths = mailPath.FindAllStringSubmatch(d.open("/mailbox?to="+url.QueryEscape(to)), -1)
		return len(paths) >= n
	})
	for _, p := range slices.Backward(paths) {
		letters = append(letters, visible(d.open(p[1])))
	}
	return letters
}

// followUp opens the newest follow-up of a customer once its page shows a text.
func (d *demonstration) followUp(ref, text string) string {
	d.t.Helper()
	var page string
	until(d.t, ref+"'s follow-up shows "+text, func() bool {
		path := rowPath.FindStringSubmatch(d.open("/customers/" + ref))
		if path == nil {
			return false
		}
		page = d.open(path[1])
		return strings.Contains(visible(page), text)
	})
	return page
}

// happen makes something happen to a customer.
func (d *demonstration) happen(ref, what string) string {
	d.t.Helper()
	return d.press("/demo/events", url.Values{"customer": {ref}, "event": {what}})
}

// expected is what a customer's way through the demo must show in a language.
type expected struct {
	language, ref, address        string
	taken, never                  string // of the notice
	tag, words                    string // of the answer
	thanks, answered, mean, adds  string
	refused, refusedState, noMail string
	heldOut, cancelled            string
}

func TestTheDemoTakesANewcomerFromAnEventToANumber(t *testing.T) {
	eachEngine(t, func(t *testing.T, p *place) {
		running := p.demo("--customers", "0")
		for _, want := range []expected{
			{
				language: "zh-CN", ref: "W1001", address: "wang.xiulan@example.com",
				taken: "款项已经扣下,预计", never: "我们不会向您索要验证码和密码",
				tag: "退款太慢", words: "三天才退,太慢了",
				thanks: "谢谢您", answered: "已作答", mean: "2.00 平均分", adds: "账目相符",
				refused: "客户已拒绝通过这个渠道联系", refusedState: "被拦截", noMail: "没有该渠道可用的联系方式",
				heldOut: "属于对照组,只发送必达通知", cancelled: "已取消",
			},
			{
				language: "en-GB,en;q=0.8", ref: "W1004", address: "emily.carter@example.com",
				taken: "The money was taken and will be back by", never: "We never ask for codes or passwords",
				tag: "Refund too slow", words: "Three days is too long",
				thanks: "Thank you", answered: "answered", mean: "2.00 mean", adds: "The account adds up",
				refused: "The customer has refused contact on this channel", refusedState: "withheld", noMail: "There is no contact point for this channel",
				heldOut: "Held out for comparison", cancelled: "cancelled",
			},
		} {
			t.Run(want.language[:2], func(t *testing.T) { walk(t, running.in(t, want.language), want) })
		}
	})
}

// walk does what the first page tells newcomers to do.
func walk(t *testing.T, d *demonstration, want expected) {
	page := d.open("/")
	if !strings.Contains(page, `<option value="`+want.ref+`" selected>`) {
		t.Errorf("the first page does not offer %s to begin with", want.ref)
	}
	d.shows(d.happen(want.ref, "charged"), "wallet.payment.failed")
	letters := d.mails(want.address, 2)
	for _, text := range []string{want.taken, want.never} {
		if !strings.Contains(letters[0], text) {
			t.Errorf("the notice does not say %q: %s", text, letters[0])
		}
	}
	link := askPath.FindString(letters[1])
	if link == "" {
		t.Fatalf("the survey has no link: %s", letters[1])
	}
	d.open(link)
	page = d.press(link, url.Values{"question": {"satisfaction"}, "value": {"2"}, "tag": {tagKey(t, d.open(link), want.tag)}})
	d.shows(d.press(link, url.Values{"question": {"better"}, "value": {want.words}}), want.thanks)

	d.shows(d.followUp(want.ref, want.answered), "2 / 5", want.tag, want.words)
	d.shows(d.open("/programs/failed-payment"), want.mean, want.tag+" ", want.adds)

	d.happen("W1006", "failed")
	d.shows(d.followUp("W1006", want.refused), want.refusedState)
	d.happen("W1011", "failed")
	d.shows(d.followUp("W1011", want.noMail), want.refusedState)
	d.happen("W1003", "failed")
	d.followUp("W1003", want.heldOut)
	d.happen("W1005", "failed")
	d.followUp("W1005", "wallet.payment.failed")
	d.happen("W1005", "paid")
	d.followUp("W1005", want.cancelled)
	_ = page
}

// texts waits until a customer's phone shows a text message with some words.
func (d *demonstration) texts(ref, words string) {
	d.t.Helper()
	until(d.t, ref+" gets a text with "+words, func() bool { return strings.Contains(visible(d.open("/phone/"+ref)), words) })
}

// app asks what the wallet's app would ask, with the token its backend signs.
func (d *demonstration) app(ref, method, path string, body any, want int) []byte {
	d.t.Helper()
	req, err := http.NewRequest(method, d.url+path, bytes.NewReader(encode(d.t, body)))
	if err != nil {
		d.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+d.open("/demo/app/"+ref+"/token"))
	req.Header.Set("Content-Type", "application/json")
	return []byte(d.send(req, want))
}

// One follow-up over three channels: who doesn't look at the card gets a text, who answers the
// card gets no mail, and who replies "no more" is believed at once.
func TestTheDemoGoesFromCardToTextAndHearsBoth(t *testing.T) {
	p := newPlace(t, "")
	d := p.demo("--customers", "0").in(t, "en")
	d.happen("W1004", "late")
	d.texts("W1004", "has not arrived yet")
	var due struct {
		Cards []struct {
			ID   string
			Form *struct{ Name string }
		}
	}
	card := ""
	until(t, "the card with the question is due", func() bool {
		if err := json.Unmarshal(d.app("W1004", http.MethodGet, "/v1/inapp/cards?wait=1", nil, http.StatusOK), &due); err != nil {
			t.Fatal(err)
		}
		for _, c := range due.Cards {
			if c.Form != nil {
				card = "/v1/inapp/cards/" + c.ID
				return true
			}
		}
		time.Sleep(appPause) // apps are asked to be patient
		return false
	})
	d.app("W1004", http.MethodPost, card+"/shown", nil, http.StatusNoContent)
	d.app("W1004", http.MethodPut, card+"/answers/clarity", map[string]any{"value": 4}, http.StatusOK)
	d.app("W1004", http.MethodPost, card+"/answers", map[string]any{}, http.StatusOK)
	d.shows(d.followUp("W1004", "answered"), "4 / 5")

	d.press("/demo/phone/W1004", url.Values{"words": {"please stop texting me"}})
	d.texts("W1004", "please stop texting me")
	d.happen("W1004", "late")
	d.followUp("W1004", "The customer has refused contact on this channel")
	d.shows(d.open("/customers/W1004"), "refused", "please stop texting me")
	if page := d.open("/mailbox?to=emily.carter@example.com"); mailPath.MatchString(page) {
		t.Errorf("who had answered the card was asked again by mail: %s", visible(page))
	}

	if held := d.open("/demo/customers/W1004/export"); !strings.Contains(held, "Emily Carter") {
		t.Error("the export doesn't say whom it is about")
	}
	d.press("/demo/customers/W1004/erase", nil)
	if req, err := http.NewRequest(http.MethodGet, d.url+"/customers/W1004", nil); err != nil {
		t.Fatal(err)
	} else {
		d.send(req, http.StatusNotFound)
	}
}

// tagKey finds a reason to tap by its words.
func tagKey(t *testing.T, page, words string) string {
	t.Helper()
	m := regexp.MustCompile(`name="tag" id="([^"]+)" value="([^"]+)"><label for="[^"]+"><span>` + regexp.QuoteMeta(words)).FindStringSubmatch(page)
	if m == nil {
		t.Fatalf("no reason %q to tap:\n%s", words, page)
	}
	return m[2]
}

func TestALostAcknowledgementIsSetAsideUntilAPersonSaysWhatBecameOfIt(t *testing.T) {
	p := newPlace(t, "")
	d := p.demo("--customers", "0").in(t, "en")
	d.press("/demo/mailbox/lose", nil)
	d.happen("W1004", "failed")
	d.followUp("W1004", "set aside")
	if n := len(d.mails("emily.carter@example.com", 1)); n != 1 {
		t.Fatalf("%d mails arrived, want the one whose acknowledgement was lost", n)
	}
	page := d.open("/set-aside")
	d.shows(page, "Nobody can tell whether it was received", "It arrived; go on")
	form := regexp.MustCompile(`action="(/demo/set-aside/\d+)"`).FindStringSubmatch(page)
	if form == nil {
		t.Fatal("nothing to settle it with")
	}
	d.press(form[1], url.Values{"verdict": {"arrived"}, "reason": {"it is in the mailbox"}})
	letters := d.mails("emily.carter@example.com", 2)
	if askPath.FindString(letters[1]) == "" || len(letters) != 2 {
		t.Errorf("after the verdict the survey should follow, once: %q", letters)
	}
	d.shows(d.open("/set-aside"), "Nothing.")
}

func TestTheDemoRefusesWhatMakesNoSense(t *testing.T) {
	p := newPlace(t, "")
	d := p.demo("--customers", "0").in(t, "en")
	for _, c := range []struct {
		name, method, path, origin string
		form                       url.Values
		status                     int
	}{
		{"an unknown page", http.MethodGet, "/nowhere", "", nil, http.StatusNotFound},
		{"an unknown customer", http.MethodGet, "/customers/W9", "", nil, http.StatusNotFound},
		{"an unknown follow-up", http.MethodGet, "/follow-ups/12", "", nil, http.StatusNotFound},
		{"a follow-up that is no number", http.MethodGet, "/follow-ups/x", "", nil, http.StatusNotFound},
		{"an unknown state", http.MethodGet, "/follow-ups?state=lost", "", nil, http.StatusUnprocessableEntity},
		{"a broken place in the list", http.MethodGet, "/follow-ups?before=x", "", nil, http.StatusUnprocessableEntity},
		{"an unknown program", http.MethodGet, "/programs/nothing", "", nil, http.StatusNotFound},
		{"a mail that is gone", http.MethodGet, "/mailbox/99", "", nil, http.StatusNotFound},
		{"an event there isn't", http.MethodPost, "/demo/events", "", url.Values{"customer": {"W1001"}, "event": {"flood"}}, http.StatusUnprocessableEntity},
		{"an event of nobody", http.MethodPost, "/demo/events", "", url.Values{"customer": {"W9"}, "event": {"failed"}}, http.StatusNotFound},
		{"a verdict on nothing", http.MethodPost, "/demo/set-aside/7", "", url.Values{"verdict": {"arrived"}, "reason": {"so"}}, http.StatusNotFound},
		{"a form from another site", http.MethodPost, "/demo/events", "https://elsewhere.example", url.Values{"customer": {"W1001"}, "event": {"failed"}}, http.StatusForbidden},
	} {
		t.Run(c.name, func(t *testing.T) {
			d.t = t
			req, err := http.NewRequest(c.method, d.url+c.path, strings.NewReader(c.form.Encode()))
			if err != nil {
				t.Fatal(err)
			}
			if c.form != nil {
				req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			}
			if c.origin != "" {
				req.Header.Set("Origin", c.origin)
			}
			d.shows(d.send(req, c.status), "Back to the start")
		})
	}
	d.t = t
	d.shows(d.open("/follow-ups"), "No follow-ups yet")
}

func TestSimulatedCustomersLiveByThemselvesAndAFreshStartForgetsThem(t *testing.T) {
	p := newPlace(t, "sqlite:"+filepath.Join(t.TempDir(), "demo.db"))
	t.Run("they pay, get mail and answer", func(t *testing.T) {
		q := *p
		q.t = t
		d := q.demo("--customers", "12").in(t, "en")
		answered := regexp.MustCompile(`<b>([1-9]\d*)</b><span>answers`)
		until(t, "somebody answered", func() bool {
			for _, program := range []string{"failed-payment", "after-ticket", "welcome"} {
				if answered.MatchString(d.open("/programs/" + program)) {
					return true
				}
			}
			return false
		})
	})
	t.Run("the next start finds them", func(t *testing.T) {
		q := *p
		q.t = t
		d := q.demo("--customers", "0").in(t, "en")
		if !rowPath.MatchString(d.open("/follow-ups")) {
			t.Error("the follow-ups of the first run are gone")
		}
	})
	t.Run("a fresh one does not", func(t *testing.T) {
		q := *p
		q.t = t
		d := q.demo("--customers", "0", "--fresh").in(t, "en")
		d.shows(d.open("/follow-ups"), "No follow-ups yet")
	})
}
