package gateway

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/huiyin/huiyin/test/fake/wirelog"
)

const (
	receiptsQueued  = 1 << 16
	receiptsAtOnce  = 100
	receiptTries    = 5
	receiptTimeout  = 5 * time.Second
	receiptInterval = 20 * time.Millisecond
)

// Receipts sets up what the gateway reports on the messages it took.
type Receipts struct {
	URL        string  // where to; empty = none are sent
	Secret     string  // whsec_… of Standard Webhooks
	Doubled    float64 // share of reports sent twice
	OutOfOrder float64 // share of messages whose "seen" comes before "delivered"
	Lost       float64 // share of messages that are never reported on
	Failed     float64 // share of messages reported as undelivered
}

// report is one entry of a receipt's body.
type report struct {
	Key    string    `json:"key"`
	Ref    string    `json:"ref"`
	Status string    `json:"status"`
	Reason string    `json:"reason,omitempty"`
	At     time.Time `json:"at"`
}

// courier posts reports in the background, several at a time.
type courier struct {
	options Receipts
	now     func() time.Time
	seed    uint64
	queue   chan report
	stop    chan struct{}
	ended   sync.WaitGroup
	client  http.Client
}

func newCourier(o Receipts, now func() time.Time, seed uint64) *courier {
	c := &courier{options: o, now: now, seed: seed, stop: make(chan struct{})}
	if o.URL == "" {
		return c
	}
	c.queue = make(chan report, receiptsQueued)
	c.client = http.Client{Timeout: receiptTimeout, Transport: &http.Transport{}}
	c.ended.Go(c.run)
	return c
}

// send queues the reports on one message. What doesn't fit is lost, as receipts are.
func (c *courier) send(key, ref string) {
	if c.queue == nil || c.drawn(c.options.Lost, key, "lost") {
		return
	}
	at := c.now()
	statuses := []string{"delivered", "seen"}
	switch {
	case c.drawn(c.options.Failed, key, "failed"):
		statuses = []string{"undelivered"}
	case c.drawn(c.options.OutOfOrder, key, "order"):
		statuses = []string{"seen", "delivered"}
	}
	for _, status := range statuses {
		r := report{Key: key, Ref: ref, Status: status, At: at}
		if status == "undelivered" {
			r.Reason = "mailbox-full"
		}
		times := 1
		if c.drawn(c.options.Doubled, key, status) {
			times = 2
		}
		for range times {
			select {
			case c.queue <- r:
			default:
			}
		}
	}
}

func (c *courier) drawn(share float64, words ...string) bool {
	const yes, no = "yes", "no"
	return wirelog.Draw(c.seed, []wirelog.Share[string]{{Mode: yes, Of: share}}, no, words...) == yes
}

func (c *courier) run() {
	ticker := time.NewTicker(receiptInterval)
	defer ticker.Stop()
	for n := 0; ; n++ {
		select {
		case <-c.stop:
			return
		case <-ticker.C:
		}
		if batch := c.next(); len(batch) > 0 {
			c.post(n, batch)
		}
	}
}

func (c *courier) next() []report {
	var batch []report
	for len(batch) < receiptsAtOnce {
		select {
		case r := <-c.queue:
			batch = append(batch, r)
		default:
			return batch
		}
	}
	return batch
}

// post delivers a batch, trying again a few times.
func (c *courier) post(n int, batch []report) {
	body, err := json.Marshal(batch)
	if err != nil {
		return // reports are plain data and always encode
	}
	for range receiptTries {
		r, err := http.NewRequest(http.MethodPost, c.options.URL, bytes.NewReader(body))
		if err != nil {
			return // the URL is no URL: nobody gets receipts, which shows
		}
		r.Header.Set("Content-Type", "application/json")
		Sign(r.Header, c.options.Secret, "receipts-"+strconv.Itoa(n), c.now(), body)
		response, err := c.client.Do(r)
		if err == nil {
			_ = response.Body.Close() // its words don't matter
			if response.StatusCode/100 == 2 {
				return
			}
		}
		select {
		case <-c.stop:
			return
		case <-time.After(receiptInterval):
		}
	}
}

func (c *courier) close() {
	close(c.stop)
	c.ended.Wait()
	c.client.CloseIdleConnections()
}

// Sign sets the headers of Standard Webhooks.
func Sign(h http.Header, secret, id string, at time.Time, body []byte) {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil {
		key = []byte(secret) // then the signature won't be believed, which shows
	}
	stamp := strconv.FormatInt(at.Unix(), 10)
	mac := hmac.New(sha256.New, key)
	_, _ = mac.Write([]byte(id + "." + stamp + ".")) // a hash never fails
	_, _ = mac.Write(body)
	h.Set("webhook-id", id)
	h.Set("webhook-timestamp", stamp)
	h.Set("webhook-signature", "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
}
