package deliver_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/huiyin/huiyin/internal/engine/deliver"
	"github.com/huiyin/huiyin/internal/people/customer"
	"github.com/huiyin/huiyin/internal/platform/clock"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/db/dbtest"
	"github.com/huiyin/huiyin/internal/platform/outbox"
)

func TestANoticeArrivesSignedWithTheWalletsIdOfTheCustomerAndNothingElseOfThem(t *testing.T) {
	h := memory(t)
	w := newWallet(t, nil)
	e := h.endpoint("wallet", w.URL+"/hook?tenant=1")
	h.reward(1)
	h.turn(h.node(loopback...))
	got := w.all()
	if len(got) != 1 {
		t.Fatalf("%d requests came", len(got))
	}
	var body struct {
		SpecVersion, ID, Source, Type, Subject string
		Time                                   time.Time
		Data                                   struct{ Reward string }
	}
	if err := json.Unmarshal(got[0].body, &body); err != nil {
		t.Fatal(err)
	}
	if body.SpecVersion != "1.0" || body.Type != "huiyin.reward.due" || body.Subject != "W-1" || body.Source != "https://follow.example" || body.Data.Reward != "coupon-5" || !body.Time.Equal(h.clock.Now()) {
		t.Errorf("the body is %s", got[0].body)
	}
	if id := got[0].header.Get(outbox.HeaderID); id != body.ID || !strings.HasPrefix(id, "evt_") {
		t.Errorf("it is called %q in the header and %q in the body", id, body.ID)
	}
	if kind := got[0].header.Get("Content-Type"); kind != "application/cloudevents+json; charset=utf-8" {
		t.Errorf("the content type is %q", kind)
	}
	verify(t, got[0], outbox.Secret(keys, e.ID, 1))
	log, tries := h.log(e)
	if len(log) != 1 || log[0].State != outbox.Delivered || tries[log[0].ID][0].Status != http.StatusNoContent {
		t.Errorf("the log says %+v, %+v", log, tries)
	}
}

// verify checks with the library of the standard, as a receiver would.
func verify(t *testing.T, x taken, key []byte) {
	t.Helper()
	v, err := standardwebhooks.NewWebhook(outbox.SpellSecret(key))
	if err != nil {
		t.Fatal(err)
	}
	if err := v.Verify(x.body, x.header); err != nil {
		t.Errorf("the library doesn't believe it: %v", err)
	}
}

func TestWhileASecretIsChangedReceiversWithTheOldAndWithTheNewOneBelieve(t *testing.T) {
	h := memory(t)
	w := newWallet(t, nil)
	e := h.endpoint("wallet", w.URL)
	h.must(func(tx *db.Tx) error { _, err := outbox.Rotate(tx, "wallet", time.Hour, h.clock.Now()); return err })
	h.reward(1)
	h.turn(h.node(loopback...))
	got := w.all()[0]
	verify(t, got, outbox.Secret(keys, e.ID, 2))
	verify(t, got, outbox.Secret(keys, e.ID, 1))
	if n := len(strings.Fields(got.header.Get(outbox.HeaderSignature))); n != 2 {
		t.Errorf("%d signatures", n)
	}
}

func TestANodeThatDiesBetweenSendingAndWritingDownTellsAgainUnderTheSameId(t *testing.T) {
	onEach(t, func(t *testing.T, h *house) {
		w := newWallet(t, nil)
		e := h.endpoint("wallet", w.URL)
		h.reward(1)
		dies, other := h.node(loopback...), h.node(loopback...)
		b, err := dies.Begin(context.Background())
		if err != nil || len(b.Sendings) != 1 {
			t.Fatalf("began %d, %v", len(b.Sendings), err)
		}
		dies.Send(context.Background(), b.Sendings[0]) // and no Conclude
		h.turn(other)
		if n := len(w.all()); n != 1 {
			t.Fatalf("it was sent %d times while the lease held", n)
		}
		h.clock.Advance(61 * time.Second)
		h.turn(other)
		got := w.all()
		if len(got) != 2 || got[0].header.Get(outbox.HeaderID) != got[1].header.Get(outbox.HeaderID) || !bytes.Equal(got[0].body, got[1].body) {
			t.Fatalf("%d came; the ids %q and %q", len(got), got[0].header.Get(outbox.HeaderID), got[len(got)-1].header.Get(outbox.HeaderID))
		}
		// The first one comes back from the dead: its fence is gone.
		if err := dies.Conclude(context.Background(), b.Sendings[0]); err != nil {
			t.Fatal(err)
		}
		log, tries := h.log(e)
		if log[0].State != outbox.Delivered || log[0].Tries != 1 || len(tries[log[0].ID]) != 2 {
			t.Errorf("it is %s after %d tries, %d in the log", log[0].State, log[0].Tries, len(tries[log[0].ID]))
		}
	})
}

func TestTwoNodesTellEachThingOnce(t *testing.T) {
	onEach(t, func(t *testing.T, h *house) {
		const n = 60
		w := newWallet(t, nil)
		h.endpoint("wallet", w.URL)
		h.reward(n)
		ctx, stop := context.WithCancel(context.Background())
		var nodes sync.WaitGroup
		for range 2 {
			d := h.node(loopback...)
			nodes.Go(func() { d.Run(ctx) })
		}
		w.wait(t, n)
		stop()
		nodes.Wait()
		seen := map[string]int{}
		for _, x := range w.all() {
			seen[x.header.Get(outbox.HeaderID)]++
		}
		if len(seen) != n || len(w.all()) != n {
			t.Errorf("%d requests under %d ids, want %d", len(w.all()), len(seen), n)
		}
	})
}

func TestASlowEndpointHoldsUpNeitherOthersNorTheDatabase(t *testing.T) {
	c := clock.NewVirtual(time.Now())
	h := newHouse(t, dbtest.SQLite(t, db.Options{Clock: c}), c)
	const n = 50
	release := make(chan struct{})
	slow := newWallet(t, func(_ int, _ http.ResponseWriter) { <-release })
	letGo := sync.OnceFunc(func() { close(release) })
	t.Cleanup(letGo)
	fast := newWallet(t, nil)
	h.endpoint("slow", slow.URL)
	h.endpoint("fast", fast.URL)
	h.reward(n)
	d := h.node(loopback...)
	d.Timeout = time.Minute
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { d.Run(ctx) })
	fast.wait(t, n)
	if got := len(slow.all()); got > deliver.EndpointInFlight {
		t.Errorf("%d are on their way to the slow endpoint; %d are the most", got, deliver.EndpointInFlight)
	}
	// While all of the slow endpoint's requests hang, the database takes writes as ever.
	began := time.Now()
	for range 20 {
		h.reward(1)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("20 writes took %v while an endpoint was slow", took)
	}
	fast.wait(t, n+20)
	stop()
	letGo()
	running.Wait()
}

func TestEveryAnswerMeansWhatItSays(t *testing.T) {
	cases := []struct {
		name    string
		status  int
		retry   string
		state   outbox.State
		next    time.Duration // until the next try
		enabled bool
		held    time.Duration
	}{
		{"taken", 200, "", outbox.Delivered, 0, true, 0},
		{"taken, to be worked on", 202, "", outbox.Delivered, 0, true, 0},
		{"a redirect is no success", 302, "", outbox.Waiting, 5 * time.Second, true, 0},
		{"refused is tried again", 400, "", outbox.Waiting, 5 * time.Second, true, 0},
		{"its fault is tried again", 500, "60", outbox.Waiting, 5 * time.Second, true, 0},
		{"gone disables it", 410, "", outbox.Dead, 0, false, 0},
		{"too many, come back in two minutes", 429, "120", outbox.Waiting, 2 * time.Minute, true, 2 * time.Minute},
		{"overloaded, come back in a year, is a day", 503, "31536000", outbox.Waiting, 24 * time.Hour, true, 24 * time.Hour},
		{"too many, without a time", 429, "", outbox.Waiting, 5 * time.Second, true, 0},
		{"too many, with nonsense", 429, "soon", outbox.Waiting, 5 * time.Second, true, 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			h := memory(t)
			w := newWallet(t, func(_ int, rw http.ResponseWriter) {
				rw.Header().Set("Retry-After", c.retry)
				rw.Header().Set("Location", "http://127.0.0.1:1/")
				rw.WriteHeader(c.status)
				_, _ = io.WriteString(rw, "because")
			})
			e := h.endpoint("wallet", w.URL)
			h.reward(1)
			h.turn(h.node(loopback...))
			log, tries := h.log(e)
			x := log[0]
			if x.State != c.state || c.state == outbox.Waiting && x.DueAt.Sub(h.clock.Now()) != c.next {
				t.Errorf("it is %s, due in %v", x.State, x.DueAt.Sub(h.clock.Now()))
			}
			if got := tries[x.ID]; len(got) != 1 || got[0].Status != c.status || got[0].Answer != "because" {
				t.Errorf("the log says %+v", got)
			}
			e = h.named("wallet")
			if (e.State == outbox.Active) != c.enabled || c.held != 0 && e.HeldUntil.Sub(h.clock.Now()) != c.held {
				t.Errorf("the endpoint is %s, held till %v", e.State, e.HeldUntil)
			}
		})
	}
}

func TestADeliveryThatAlwaysFailsIsTriedTenTimesInAboutThreeDaysThenDeadAndCanBeSentAgain(t *testing.T) {
	h := memory(t)
	w := newWallet(t, func(n int, rw http.ResponseWriter) {
		if n <= 10 {
			rw.WriteHeader(http.StatusInternalServerError)
		}
	})
	e := h.endpoint("wallet", w.URL)
	h.reward(1)
	d := h.node(loopback...)
	began := h.clock.Now()
	var last time.Time
	for range 20 {
		h.turn(d)
		log, _ := h.log(e)
		if log[0].State != outbox.Waiting {
			break
		}
		last = log[0].DueAt
		h.clock.Set(last)
	}
	log, tries := h.log(e)
	if span := last.Sub(began); log[0].State != outbox.Dead || len(tries[log[0].ID]) != 10 || span < 70*time.Hour || span > 80*time.Hour {
		t.Fatalf("it is %s after %d tries in %v", log[0].State, len(tries[log[0].ID]), span)
	}
	h.must(func(tx *db.Tx) error { return outbox.Again(tx, e.ID, log[0].ID, h.clock.Now()) })
	h.turn(d)
	if log, _ = h.log(e); log[0].State != outbox.Delivered {
		t.Errorf("sent again it is %s", log[0].State)
	}
	got := w.all()
	if len(got) != 11 || got[0].header.Get(outbox.HeaderID) != got[10].header.Get(outbox.HeaderID) {
		t.Errorf("%d came; the last is called otherwise", len(got))
	}
}

func TestAnEndpointInsideIsNotReachedAndTheLogSaysWhy(t *testing.T) {
	h := memory(t)
	w := newWallet(t, nil)
	e := h.endpoint("inside", w.URL)
	h.reward(1)
	h.turn(h.node())
	log, tries := h.log(e)
	if len(w.all()) != 0 || log[0].State != outbox.Waiting || !strings.Contains(tries[log[0].ID][0].Fault, "our own network") {
		t.Errorf("%d came; the log says %+v", len(w.all()), tries)
	}
}

func TestNoAnswerABrokenOneAndAnEndlessOneAreBounded(t *testing.T) {
	var hang chan struct{}
	cases := map[string]struct {
		answer func(n int, w http.ResponseWriter)
		state  outbox.State
		fault  string
	}{
		"none in time":    {func(_ int, _ http.ResponseWriter) { <-hang }, outbox.Waiting, "no answer in time"},
		"connection lost": {func(_ int, _ http.ResponseWriter) { panic(http.ErrAbortHandler) }, outbox.Waiting, "EOF"},
		"an endless body": {func(_ int, w http.ResponseWriter) {
			for {
				if _, err := w.Write(bytes.Repeat([]byte("x"), 1<<16)); err != nil {
					return
				}
			}
		}, outbox.Delivered, ""},
		"headers without end": {func(_ int, w http.ResponseWriter) { w.Header().Set("X", strings.Repeat("x", 1<<20)) }, outbox.Waiting, "headers"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			hang = make(chan struct{})
			h := memory(t)
			w := newWallet(t, c.answer)
			t.Cleanup(func() { close(hang) })
			e := h.endpoint("wallet", w.URL)
			h.reward(1)
			d := h.node(loopback...)
			d.Timeout = 300 * time.Millisecond
			h.turn(d)
			log, tries := h.log(e)
			got := tries[log[0].ID][0]
			if log[0].State != c.state || !strings.Contains(got.Fault, c.fault) || len(got.Answer) > 500 {
				t.Errorf("it is %s: %q, %d bytes kept", log[0].State, got.Fault, len(got.Answer))
			}
			w.CloseClientConnections()
		})
	}
}

func TestOfAnErasedCustomerNothingIsToldButTheErasure(t *testing.T) {
	h := memory(t)
	w := newWallet(t, nil)
	e := h.endpoint("wallet", w.URL)
	h.must(func(tx *db.Tx) error {
		return outbox.Tell(tx,
			outbox.Notice{Kind: outbox.RewardDue, Customer: 404, At: h.clock.Now()}, // nobody of that number is there any more
			outbox.Notice{Kind: outbox.FollowUpEnded, Customer: h.wu, At: h.clock.Now()},
			outbox.Notice{Kind: outbox.CustomerErased, Subject: "W-404", At: h.clock.Now()})
	})
	h.must(func(tx *db.Tx) error { return customer.Erase(tx, h.wu) })
	h.turn(h.node(loopback...))
	got := w.all()
	if len(got) != 1 || !strings.Contains(string(got[0].body), `"subject":"W-404"`) || !strings.Contains(string(got[0].body), "customer.erased") {
		t.Fatalf("%d came: %s", len(got), fmt.Sprint(got))
	}
	log, _ := h.log(e)
	states := map[outbox.State]int{}
	for _, x := range log {
		states[x.State]++
	}
	if states[outbox.Dropped] != 2 || states[outbox.Delivered] != 1 {
		t.Errorf("the log says %v", states)
	}
}
