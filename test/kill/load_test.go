package kill

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	batchEvents    = 10
	batchEvery     = 30 * time.Millisecond
	requestTimeout = 5 * time.Second
	retryEvery     = 10 * time.Millisecond
	answerEvery    = 3    // each so-manieth contacted customer answers
	refuseEvery    = 20   // and each so-manieth refuses, about when their event comes
	repliesMax     = 4096 // contacted customers who wait to answer; beyond, they don't
)

// load is what goes on in the wallet meanwhile: events, answers, refusals. It notes what
// the server acknowledged, and asks again until it has, as a wallet would.
type load struct {
	y      *yard
	client http.Client
	events int          // to be posted
	pace   atomic.Int64 // between two batches, in nanoseconds

	mu           sync.Mutex
	acknowledged map[string]bool      // events by id
	answered     map[int]int          // customers' stars
	refused      map[int]time.Time    // when the refusal was acknowledged
	posted       map[string]time.Time // events: when their acknowledgement came
	faults       []string
	resent       int // requests repeated because nobody had answered

	stop   context.CancelFunc
	doings sync.WaitGroup
	poster sync.WaitGroup
}

// begin begins to post events, one for each customer.
func (y *yard) begin(events int, pace time.Duration) *load {
	ctx, stop := context.WithCancel(context.Background())
	l := &load{
		y: y, events: events, stop: stop,
		client: http.Client{
			Timeout:       requestTimeout,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		acknowledged: map[string]bool{}, answered: map[int]int{}, refused: map[int]time.Time{}, posted: map[string]time.Time{},
	}
	l.pace.Store(int64(pace))
	refusers, repliers := make(chan int, repliesMax), make(chan reply, repliesMax)
	l.poster.Go(func() {
		defer close(refusers)
		l.post(ctx, refusers)
	})
	l.doings.Go(func() { l.refuse(ctx, refusers) })
	l.doings.Go(func() {
		defer close(repliers)
		l.listen(ctx, repliers)
	})
	l.doings.Go(func() { l.answer(ctx, repliers) })
	y.t.Cleanup(stop)
	return l
}

// end waits until all events are acknowledged, and then stops the rest.
func (l *load) end() {
	l.poster.Wait()
	l.stop()
	l.doings.Wait()
}

func (l *load) fault(format string, a ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.faults) < 20 {
		l.faults = append(l.faults, fmt.Sprintf(format, a...))
	}
}

// do sends a request until the server answers it; it says no only when the load stops.
// busy answers (429, 503) are asked again too.
func (l *load) do(ctx context.Context, what string, path, contentType string, body []byte) (status int, text []byte, ok bool) {
	for try := 0; ctx.Err() == nil; try++ {
		if try > 0 {
			l.mu.Lock()
			l.resent++
			l.mu.Unlock()
			time.Sleep(retryEvery)
		}
		r, err := http.NewRequest(http.MethodPost, l.y.base+path, bytes.NewReader(body))
		if err != nil {
			l.fault("%s: %v", what, err)
			return 0, nil, false
		}
		r.Header.Set("Content-Type", contentType)
		if strings.HasPrefix(path, "/v1/") {
			r.Header.Set("Authorization", "Bearer "+l.y.key)
		}
		answer, err := l.client.Do(r)
		if err != nil {
			continue
		}
		text, err = io.ReadAll(answer.Body)
		_ = answer.Body.Close() // it was read to its end, or is of no use
		if err != nil || answer.StatusCode == http.StatusTooManyRequests || answer.StatusCode == http.StatusServiceUnavailable {
			continue
		}
		return answer.StatusCode, text, true
	}
	return 0, nil, false
}

// post posts the events in batches and picks who will refuse.
func (l *load) post(ctx context.Context, refusers chan<- int) {
	for first := 0; first < l.events && ctx.Err() == nil; first += batchEvents {
		var events []map[string]any
		for i := first; i < min(first+batchEvents, l.events); i++ {
			events = append(events, map[string]any{
				"specversion": "1.0", "id": "e" + strconv.Itoa(i), "source": "rig", "type": "rig.happened", "subject": ref(i),
				"time": time.Now().UTC().Format(time.RFC3339Nano), "data": map[string]any{"lane": laneOf(i)},
			})
			if i%refuseEvery == refuseEvery/2 {
				select {
				case refusers <- i:
				default:
				}
			}
		}
		body, err := json.Marshal(events)
		if err != nil {
			l.fault("%v", err)
			return
		}
		status, text, ok := l.do(ctx, "events", "/v1/events", "application/cloudevents-batch+json", body)
		if !ok {
			return
		}
		l.noteEvents(status, text, first, len(events))
		time.Sleep(time.Duration(l.pace.Load()))
	}
}

func (l *load) noteEvents(status int, text []byte, first, n int) {
	var taken struct {
		Accepted, Duplicate int
		Rejected            []struct{ Detail string }
	}
	if err := json.Unmarshal(text, &taken); err != nil || status != http.StatusAccepted || taken.Accepted+taken.Duplicate != n {
		l.fault("events from %d: %d %s", first, status, text)
		return
	}
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := first; i < first+n; i++ {
		l.acknowledged["e"+strconv.Itoa(i)] = true
		l.posted["e"+strconv.Itoa(i)] = now
	}
}

func (l *load) refuse(ctx context.Context, who <-chan int) {
	for i := range who {
		status, text, ok := l.do(ctx, "refusal", "/v1/customers/"+ref(i)+"/refusals", "application/json", []byte(`{"channel":"*","purpose":"*","source":"rig"}`))
		switch {
		case !ok:
		case status != http.StatusCreated:
			l.fault("the refusal of %s: %d %s", ref(i), status, text)
		default:
			l.mu.Lock()
			l.refused[i] = time.Now()
			l.mu.Unlock()
		}
	}
}

// reply is a customer who got a message and answers it.
type reply struct {
	customer int
	token    string
}

var link = regexp.MustCompile(`/q/([a-z2-7]+)`)

// listen finds who was contacted, in the gateways' logs.
func (l *load) listen(ctx context.Context, repliers chan<- reply) {
	for ctx.Err() == nil {
		for _, lane := range lanes {
			all, err := l.y.wires[lane].fresh()
			if err != nil {
				l.fault("%v", err)
				return
			}
			for _, s := range all {
				i := l.y.number(s.To)
				token := link.FindSubmatch(s.Body)
				if !s.Taken || i < 0 || (i/len(lanes))%answerEvery != 0 {
					continue
				}
				if token == nil {
					l.fault("a message to %s holds no link: %s", s.To, s.Body)
					continue
				}
				select {
				case repliers <- reply{i, string(token[1])}:
				default:
				}
			}
		}
		time.Sleep(retryEvery)
	}
}

func (l *load) answer(ctx context.Context, repliers <-chan reply) {
	for r := range repliers {
		stars := 1 + r.customer%5
		form := url.Values{"question": {"satisfaction"}, "value": {strconv.Itoa(stars)}}.Encode()
		status, text, ok := l.do(ctx, "answer", "/q/"+r.token, "application/x-www-form-urlencoded", []byte(form))
		switch {
		case !ok:
		case status != http.StatusSeeOther && status != http.StatusGone: // 410: taken before, its thanks were lost
			l.fault("the answer of %s: %d %s", ref(r.customer), status, text)
		default:
			l.mu.Lock()
			l.answered[r.customer] = stars
			l.mu.Unlock()
		}
	}
}
