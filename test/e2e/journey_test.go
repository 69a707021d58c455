package e2e

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/mail"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/huiyin/huiyin/test/fake/mailsink"
)

// noticed is how long a server takes to notice what a command changed: it looks every second.
const noticed = 2 * time.Second

var linkForm = regexp.MustCompile(`http://[0-9.:]+/q/[a-z2-7]{26}`)

// linkOf finds the personal link in a mail's plain text.
func linkOf(t *testing.T, m mailsink.Seen) string {
	t.Helper()
	letter, err := mail.ReadMessage(strings.NewReader(m.Body))
	if err != nil {
		t.Fatalf("%v in %s", err, m.Body)
	}
	_, params, err := mime.ParseMediaType(letter.Header.Get("Content-Type"))
	if err != nil {
		t.Fatalf("%v in %s", err, m.Body)
	}
	part, err := multipart.NewReader(letter.Body, params["boundary"]).NextPart()
	if err != nil {
		t.Fatalf("%v in %s", err, m.Body)
	}
	plain, err := io.ReadAll(base64.NewDecoder(base64.StdEncoding, part))
	if err != nil {
		t.Fatalf("%v in %s", err, m.Body)
	}
	return linkForm.FindString(string(plain))
}

func TestAnEventBecomesAMailAnAnswerAndANumber(t *testing.T) {
	eachEngine(t, func(t *testing.T, p *place) {
		mails := p.mailServer()
		p.publish("email")
		s := p.serve()
		s.key = p.keyFor("events-write,customers-write,reports-read")
		for _, who := range []string{"ann", "bob"} {
			body := encode(t, map[string]any{
				"name": "安娜", "language": "zh-CN", "country": "CN", "zones": []string{"Asia/Shanghai"},
				"points": []map[string]any{{"channel": "email", "address": who + "@example.com", "verified": true}},
			})
			if status, answer, _ := s.do(http.MethodPut, "/v1/customers/"+who, "application/json", body); status != http.StatusOK {
				t.Fatalf("%d %s", status, answer)
			}
		}
		status, answer, _ := s.do(http.MethodPost, "/v1/events", "application/cloudevents-batch+json", encode(t, []any{failed("1", "ann"), failed("2", "bob")}))
		if status != http.StatusAccepted || !strings.Contains(string(answer), `"accepted":2`) {
			t.Fatalf("%d %s", status, answer)
		}
		until(t, "four mails", func() bool { return len(mails()) == 4 })
		told, link := 0, ""
		for _, m := range mails() {
			if m.Subject == "您有一笔付款未成功" {
				told++
			} else if m.To == "ann@example.com" {
				link = linkOf(t, m)
			}
		}
		if told != 2 || link == "" {
			t.Fatalf("%d were told; ann's link is %q: %+v", told, link, mails())
		}
		answerBy(t, link)
		r := p.must("report", "failed-payment", "--json")
		checkReport(t, []byte(r.last()))
		status, answer, _ = s.do(http.MethodGet, "/v1/programs/failed-payment/report", "", nil)
		if status != http.StatusOK {
			t.Fatalf("%d %s", status, answer)
		}
		checkReport(t, answer)
		story := p.must("program", "explain", "failed-payment", "ann", "--lang", "zh-CN").out
		for _, want := range []string{"触发", "服务商已受理", "评分 2", "提交了问卷"} {
			if !strings.Contains(story, want) {
				t.Errorf("the story says nothing of %s:\n%s", want, story)
			}
		}
		if code := s.signal(15); code != 0 {
			t.Errorf("exit %d:\n%s", code, s.said())
		}
		for _, secret := range []string{"ann@example.com", "安娜", link[len(link)-26:], s.key} {
			if strings.Contains(s.said(), secret) {
				t.Errorf("the log holds %q", secret)
			}
		}
	})
}

// answerBy answers two stars and a word in a browser that follows redirects.
func answerBy(t *testing.T, link string) {
	t.Helper()
	for _, form := range []url.Values{
		{"question": {"stars"}, "value": {"2"}},
		{"question": {"better"}, "value": {"说清楚退款时间"}},
	} {
		got, err := client.PostForm(link, form)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(got.Body)
		_ = got.Body.Close() // it has been read
		if err != nil || got.StatusCode != http.StatusOK {
			t.Fatalf("%d %v %s", got.StatusCode, err, text)
		}
	}
	got, err := client.Get(link)
	if err != nil {
		t.Fatal(err)
	}
	_ = got.Body.Close() // its status says enough
	if got.StatusCode != http.StatusGone {
		t.Errorf("the link still opens with %d after the answer", got.StatusCode)
	}
}

func checkReport(t *testing.T, text []byte) {
	t.Helper()
	var r struct {
		Balanced bool
		Check    []string
		Triggers struct{ Total, Started int64 }
		Funnel   []struct {
			Step            int
			Intended, Taken int64
			Answered        int64
		}
		Scores []struct {
			Question string
			N        int64
			Mean     struct{ Value float64 }
		}
	}
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	if !r.Balanced || r.Triggers.Total != 2 || r.Triggers.Started != 2 {
		t.Errorf("%+v", r)
	}
	if len(r.Funnel) != 2 || r.Funnel[0].Taken != 2 || r.Funnel[1].Taken != 2 || r.Funnel[1].Answered != 1 {
		t.Errorf("funnel %+v", r.Funnel)
	}
	if len(r.Scores) != 1 || r.Scores[0].N != 1 || r.Scores[0].Mean.Value != 2 {
		t.Errorf("scores %+v", r.Scores)
	}
}

func TestACommandBesideARunningServerIsHeardWithinSeconds(t *testing.T) {
	eachEngine(t, func(t *testing.T, p *place) {
		mails := p.mailServer()
		s := p.serve()
		s.key = p.keyFor("events-write")
		p.publish("email") // after the server has started
		p.feed("id,name,country,zones,email\nann,Anna,CN,Asia/Shanghai,ann@example.com\n", "import", "customers", "-", "--json")
		time.Sleep(noticed)
		began := time.Now()
		if status, answer, _ := s.do(http.MethodPost, "/v1/events", "application/cloudevents+json", encode(t, failed("1", "ann"))); status != http.StatusAccepted {
			t.Fatalf("%d %s", status, answer)
		}
		until(t, "two mails", func() bool { return len(mails()) == 2 })
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("it took %s", took)
		}
		p.must("program", "pause", "failed-payment")
		time.Sleep(noticed)
		if status, _, _ := s.do(http.MethodPost, "/v1/events", "application/cloudevents+json", encode(t, failed("2", "ann"))); status != http.StatusAccepted {
			t.Fatal(status)
		}
		time.Sleep(noticed) // long enough for two mails that must not come
		if n := len(mails()); n != 2 {
			t.Errorf("a paused program wrote %d mails", n-2)
		}
		p.must("program", "resume", "failed-payment")
		until(t, "two more mails", func() bool { return len(mails()) == 4 })
	})
}
