package demo

import (
	"context"
	"fmt"
	"html"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/huiyin/huiyin/internal/platform/clock"
)

// How the simulated customers read their mail.
const (
	answerShare   = 0.45 // of those asked who answer
	refuseShare   = 0.02 // who press unsubscribe instead
	textShare     = 0.7  // of those asked for words who write some
	readPause     = 250 * time.Millisecond
	thinkFirst    = 2 * time.Second
	thinkMost     = 25 * time.Second
	questionsMost = 12 // of one questionnaire
	pageBytesMax  = 256 << 10
	readersQueue  = 1_000 // answers being thought about
	readerTimeout = 10 * time.Second
)

var (
	askLink    = regexp.MustCompile(`https?://\S+/q/\w+`)
	askedNow   = regexp.MustCompile(`name="question" value="([^"]*)"`)
	radioValue = regexp.MustCompile(`<input type="radio" name="value"[^>]* value="([^"]*)"`)
	tagValue   = regexp.MustCompile(`name="tag" id="[^"]*" value="([^"]*)"`)
)

// What they say, by what they think of it.
var sayings = map[string]map[bool][]string{
	"zh-CN": {
		true: {
			"通知来得很快,说清楚了钱没扣,放心。", "客服小姑娘很耐心,一次就解决了。", "挺好的,比以前快。", "处理及时,谢谢。",
		},
		false: {
			"退款说三天,希望能更快一点。", "提示太笼统,不知道到底是银行的问题还是你们的问题。", "打了两次电话才有人接。",
			"为什么每次都要重新绑卡?", "验证码等了十分钟才来。", "付款失败了三次,差点耽误买票。",
		},
	},
	"en": {
		true: {
			"Told me right away that I wasn't charged. Thanks.", "Quick and clear.", "The person I spoke to knew what to do.", "All good now.",
		},
		false: {
			"I still don't know why the bank said no.", "Three days for a refund is too long.", "Had to explain everything twice.",
			"The code arrived ten minutes late.", "It says solved, but the top-up is still missing.",
		},
	},
}

// due is a mail somebody will act on.
type due struct {
	at   time.Time
	mail Mail
	leap uint64 // the seed of what they do
}

// readers are the simulated customers' eyes and fingers: they open links with a
// browser of their own, as real ones would. Guests are left to whoever tries the demo.
type readers struct {
	d       *Demo
	r       *rand.Rand
	guests  map[string]bool // addresses
	last    int             // number of the last mail looked at
	pending []due
}

func newReaders(d *Demo) *readers {
	rs := &readers{d: d, r: rand.New(rand.NewPCG(d.seed, 3)), guests: map[string]bool{}}
	for i := range d.guests {
		for _, p := range d.guests[i].customer.Points {
			rs.guests[strings.ToLower(p.Address)] = true
		}
	}
	return rs
}

func (rs *readers) run(ctx context.Context) {
	for clock.Sleep(ctx, readPause) {
		rs.look()
		now := rs.d.Clock.Now()
		waiting := rs.pending[:0]
		for _, p := range rs.pending {
			if now.Before(p.at) {
				waiting = append(waiting, p)
				continue
			}
			if err := rs.act(ctx, p); err != nil && ctx.Err() == nil {
				rs.d.Log.Warn("a simulated customer could not answer", slog.Any("error", err))
			}
		}
		rs.pending = waiting
	}
}

// look takes up new mail.
func (rs *readers) look() {
	for _, m := range rs.d.Mailbox.Mails("", mailsKept) {
		if m.Number <= rs.last {
			break
		}
		if rs.guests[strings.ToLower(m.To)] || askLink.FindString(m.Text) == "" || len(rs.pending) >= readersQueue {
			continue
		}
		if rs.r.Float64() > answerShare+refuseShare {
			continue
		}
		think := thinkFirst + time.Duration(rs.r.Int64N(int64(thinkMost-thinkFirst)))
		rs.pending = append(rs.pending, due{at: m.At.Add(think), mail: m, leap: rs.r.Uint64()})
	}
	if newest := rs.d.Mailbox.Mails("", 1); len(newest) > 0 {
		rs.last = newest[0].Number
	}
}

// act answers a mail, or refuses to get more.
func (rs *readers) act(ctx context.Context, p due) error {
	r := rand.New(rand.NewPCG(p.leap, 4))
	jar, err := cookiejar.New(nil)
	if err != nil {
		return err
	}
	b := &browser{client: &http.Client{Jar: jar, Timeout: readerTimeout}}
	if p.mail.Unsubscribe != "" && r.Float64() < refuseShare/(answerShare+refuseShare) {
		_, err := b.post(ctx, p.mail.Unsubscribe, url.Values{"scope": {"channel"}})
		return err
	}
	return b.answer(ctx, askLink.FindString(p.mail.Text), r)
}

// browser opens pages and fills in forms.
type browser struct {
	client *http.Client
	at     string // the address of the page shown
}

func (b *browser) do(req *http.Request) (string, error) {
	res, err := b.client.Do(req)
	if err != nil {
		return "", err
	}
	defer func() { _ = res.Body.Close() }()
	page, err := io.ReadAll(io.LimitReader(res.Body, pageBytesMax))
	b.at = res.Request.URL.String()
	if err == nil && res.StatusCode >= http.StatusBadRequest && res.StatusCode != http.StatusGone {
		err = fmt.Errorf("a page answered %s", res.Status)
	}
	return string(page), err
}

func (b *browser) get(ctx context.Context, address string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return "", err
	}
	return b.do(req)
}

func (b *browser) post(ctx context.Context, address string, form url.Values) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return b.do(req)
}

// answer goes through a questionnaire question by question.
func (b *browser) answer(ctx context.Context, link string, r *rand.Rand) error {
	happy := r.Float64() < 0.68
	page, err := b.get(ctx, link)
	for range questionsMost {
		if err != nil {
			return err
		}
		asked := askedNow.FindStringSubmatch(page)
		if asked == nil {
			return nil // thanked, or the link is used up
		}
		page, err = b.post(ctx, link, reply(page, asked[1], happy, r))
	}
	return err
}

// reply fills in the form of one question.
func reply(page, question string, happy bool, r *rand.Rand) url.Values {
	form := url.Values{"question": {question}}
	options := radioValue.FindAllStringSubmatch(page, -1)
	switch {
	case len(options) == 0:
		language := "en"
		if strings.Contains(page, `<html lang="zh`) {
			language = "zh-CN"
		}
		if all := sayings[language][happy]; r.Float64() < textShare {
			form.Set("value", all[r.IntN(len(all))])
		} else {
			form.Set("value", "")
		}
	case len(options) == 2: // yes or no: yes comes first
		at := 1
		if happy || r.IntN(3) == 0 {
			at = 0
		}
		form.Set("value", html.UnescapeString(options[at][1]))
	default:
		low, high := 0, (len(options)+1)/2 // of five: 1-3 and 4-5
		at := low + r.IntN(high)
		if happy {
			at = high + r.IntN(len(options)-high)
		}
		value := html.UnescapeString(options[at][1])
		form.Set("value", value)
		if tags := tagValue.FindAllStringSubmatch(page, -1); !happy && len(tags) > 0 {
			form.Set("tag", html.UnescapeString(tags[r.IntN(len(tags))][1]))
		}
	}
	return form
}
