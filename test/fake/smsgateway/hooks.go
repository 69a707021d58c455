package smsgateway

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/huiyin/huiyin/test/fake/wirelog"
)

const (
	postsQueued  = 1 << 14
	postTries    = 10
	postTimeout  = 5 * time.Second
	postInterval = 20 * time.Millisecond
)

// Hooks sets up what the gateway posts.
type Hooks struct {
	Receipts string  // where to; empty: none are posted
	Replies  string  // likewise
	User     string  // cn-cloud: of the address posted to
	Secret   string  // the password of that, Twilio's auth token, or the signing secret
	Doubled  float64 // share of receipts posted twice
	Failed   float64 // share of messages reported as undelivered
	Now      func() time.Time
}

// Post is a request the gateway makes, ready to be sent as often as one likes.
type Post struct {
	URL    string
	Header http.Header
	Body   []byte
}

// poster posts receipts in the background.
type poster struct {
	shape  Shape
	hooks  Hooks
	seed   uint64
	queue  chan Post
	stop   chan struct{}
	ended  sync.WaitGroup
	client http.Client
}

func newPoster(shape Shape, h Hooks, seed uint64) *poster {
	p := &poster{shape: shape, hooks: h, seed: seed, stop: make(chan struct{})}
	p.client = http.Client{Timeout: postTimeout, Transport: &http.Transport{}}
	if h.Receipts != "" {
		p.queue = make(chan Post, postsQueued)
		p.ended.Go(p.run)
	}
	return p
}

func (h *Hooks) now() time.Time {
	if h.Now == nil {
		return time.Now()
	}
	return h.Now()
}

// receipt queues the report on a message. What doesn't fit is lost, as receipts are.
func (p *poster) receipt(seen Seen) {
	if p.queue == nil {
		return
	}
	post := p.hooks.Receipt(p.shape, seen.Key, seen.Ref, seen.To, !p.drawn(p.hooks.Failed, seen.Ref, "failed"))
	times := 1
	if p.drawn(p.hooks.Doubled, seen.Ref, "doubled") {
		times = 2
	}
	for range times {
		select {
		case p.queue <- post:
		default:
		}
	}
}

func (p *poster) drawn(share float64, words ...string) bool {
	return wirelog.Draw(p.seed, []wirelog.Share[string]{{Mode: "yes", Of: share}}, "no", words...) == "yes"
}

func (p *poster) run() {
	for {
		select {
		case <-p.stop:
			return
		case post := <-p.queue:
			for range postTries {
				if status, _, err := post.Send(&p.client); err == nil && status/100 == 2 {
					break
				}
				select {
				case <-p.stop:
					return
				case <-time.After(postInterval):
				}
			}
		}
	}
}

func (p *poster) close() {
	close(p.stop)
	p.ended.Wait()
	p.client.CloseIdleConnections()
}

// Send makes the request, and gives the status and what was said.
func (p *Post) Send(client *http.Client) (int, string, error) {
	r, err := http.NewRequest(http.MethodPost, p.URL, bytes.NewReader(p.Body))
	if err != nil {
		return 0, "", err
	}
	r.Header = p.Header.Clone()
	response, err := client.Do(r)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = response.Body.Close() }() // read as far as it is wanted
	text, err := io.ReadAll(io.LimitReader(response.Body, bodyLimitBytes))
	return response.StatusCode, string(text), err
}

var beijing = time.FixedZone("+08:00", 8*3600)

// Receipt is the post of a report on a message.
func (h *Hooks) Receipt(shape Shape, key, ref, to string, delivered bool) Post {
	switch shape {
	case CNCloud:
		code := "DELIVERED"
		if !delivered {
			code = "MOBILE_NOT_EXIST"
		}
		return h.cnCloud(h.Receipts, map[string]any{
			"phone_number": to, "success": delivered, "err_code": code, "biz_id": ref, "out_id": key, "sms_size": "1",
			"report_time": h.now().In(beijing).Format(time.DateTime),
		})
	case Twilio:
		form := url.Values{"MessageSid": {ref}, "MessageStatus": {"delivered"}, "To": {to}}
		if !delivered {
			form.Set("MessageStatus", "undelivered")
			form.Set("ErrorCode", "30005")
		}
		return h.twilio(h.Receipts, form)
	}
	one := map[string]any{"id": key, "reference": ref, "state": "delivered", "at": h.now().UTC().Format(time.RFC3339)}
	if !delivered {
		one["state"], one["error"] = "undelivered", "invalid-number"
	}
	return h.plain(h.Receipts, map[string]any{"receipts": []any{one}})
}

// Reply is the post of what somebody wrote back.
func (h *Hooks) Reply(shape Shape, id, from, text string) Post {
	switch shape {
	case CNCloud:
		return h.cnCloud(h.Replies, map[string]any{
			"phone_number": strings.TrimPrefix(from, "+86"), "content": text, "sequence_id": id, "dest_code": "10690001", "sign_name": "示例钱包",
			"send_time": h.now().In(beijing).Format(time.DateTime),
		})
	case Twilio:
		return h.twilio(h.Replies, url.Values{"MessageSid": {id}, "From": {from}, "To": {"+15550006789"}, "Body": {text}, "NumMedia": {"0"}})
	}
	return h.plain(h.Replies, map[string]any{"replies": []any{map[string]any{
		"id": id, "from": from, "to": "10690001", "text": text, "at": h.now().UTC().Format(time.RFC3339),
	}}})
}

func (h *Hooks) cnCloud(address string, one map[string]any) Post {
	r := &http.Request{Header: http.Header{"Content-Type": {"application/json"}}}
	r.SetBasicAuth(h.User, h.Secret)
	return Post{address, r.Header, encoded([]any{one})}
}

func (h *Hooks) twilio(address string, form url.Values) Post {
	return Post{address, http.Header{
		"Content-Type":       {"application/x-www-form-urlencoded"},
		"X-Twilio-Signature": {TwilioSignature(h.Secret, address, form)},
	}, []byte(form.Encode())}
}

func (h *Hooks) plain(address string, body map[string]any) Post {
	text, stamp := encoded(body), strconv.FormatInt(h.now().Unix(), 10)
	m := hmac.New(sha256.New, []byte(h.Secret))
	_, _ = fmt.Fprintf(m, "%s.%s", stamp, text) // a hash never fails
	return Post{address, http.Header{
		"Content-Type": {"application/json"}, "X-Timestamp": {stamp}, "X-Signature": {hex.EncodeToString(m.Sum(nil))},
	}, text}
}

func encoded(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // plain data always encodes
	}
	return text
}
