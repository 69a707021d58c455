package deliver_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/huiyin/huiyin/internal/engine/deliver"
	"github.com/huiyin/huiyin/internal/people/customer"
	"github.com/huiyin/huiyin/internal/platform/clock"
	"github.com/huiyin/huiyin/internal/platform/crypt"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/db/dbtest"
	"github.com/huiyin/huiyin/internal/platform/ids"
	"github.com/huiyin/huiyin/internal/platform/outbox"
	"github.com/huiyin/huiyin/internal/platform/outward"
)

var (
	keys     = crypt.FromSeed([]byte("a seed for the tests of this package"))
	loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
)

// house is a database with a customer, and nodes that deliver from it.
type house struct {
	t     *testing.T
	db    *db.DB
	clock *clock.Virtual
	ids   *ids.Source
	wu    int64 // the customer W-1
}

func newHouse(t *testing.T, d *db.DB, c *clock.Virtual) *house {
	t.Helper()
	h := &house{t: t, db: d, clock: c, ids: ids.New(c, 1, bytes.NewReader(make([]byte, 1<<12)))}
	h.must(func(tx *db.Tx) error {
		found, err := customer.Resolve(tx, h.ids, []string{"W-1"}, c.Now())
		h.wu = found["W-1"]
		return err
	})
	return h
}

// memory is a house in memory whose clock stands still, at about the machine's time: the library reads that.
func memory(t *testing.T) *house {
	t.Helper()
	c := clock.NewVirtual(time.Now().UTC().Truncate(time.Millisecond))
	return newHouse(t, dbtest.Memory(t, db.Options{Clock: c}), c)
}

// onEach runs fn on a house of each engine.
func onEach(t *testing.T, fn func(t *testing.T, h *house)) {
	t.Helper()
	for name, open := range map[string]func(testing.TB, db.Options) *db.DB{"sqlite": dbtest.SQLite, "postgres": dbtest.Postgres} {
		t.Run(name, func(t *testing.T) {
			c := clock.NewVirtual(time.Now().UTC().Truncate(time.Millisecond))
			fn(t, newHouse(t, open(t, db.Options{Clock: c}), c))
		})
	}
}

func (h *house) must(fn func(tx *db.Tx) error) {
	h.t.Helper()
	if err := h.db.Write(context.Background(), db.Outcome, "test", fn); err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) node(allow ...netip.Prefix) *deliver.Deliverer {
	return deliver.New(deliver.Config{
		DB: h.db, Clock: h.clock, Keys: keys, Client: outward.Client(outward.Options{Allow: allow, KeepPerHost: deliver.EndpointInFlight}),
		Source: "https://follow.example", Jitter: func() float64 { return 0 }, Timeout: 5 * time.Second,
		Trouble: func(doing string, err error) { h.t.Errorf("%s: %v", doing, err) },
	})
}

func (h *house) endpoint(name, url string) (e outbox.Endpoint) {
	h.t.Helper()
	h.must(func(tx *db.Tx) (err error) {
		e, err = outbox.Create(tx, h.ids, outbox.Endpoint{Name: name, URL: url}, h.clock.Now())
		return err
	})
	return e
}

func (h *house) named(name string) (e outbox.Endpoint) {
	h.t.Helper()
	h.must(func(tx *db.Tx) (err error) { e, err = outbox.Named(tx, name); return err })
	return e
}

// reward tells n times that a reward is due.
func (h *house) reward(n int) {
	h.t.Helper()
	h.must(func(tx *db.Tx) error {
		all := make([]outbox.Notice, n)
		for i := range all {
			all[i] = outbox.Notice{Kind: outbox.RewardDue, Customer: h.wu, At: h.clock.Now(), Data: map[string]any{"reward": "coupon-5", "n": i}}
		}
		return outbox.Tell(tx, all...)
	})
}

func (h *house) log(e outbox.Endpoint) (all []outbox.Delivery, tries map[int64][]outbox.Try) {
	h.t.Helper()
	h.must(func(tx *db.Tx) (err error) {
		if all, err = outbox.Log(tx, e.ID, 0, "", 500); err != nil {
			return err
		}
		var deliveries []int64
		for _, d := range all {
			deliveries = append(deliveries, d.ID)
		}
		tries, err = outbox.Tries(tx, deliveries)
		return err
	})
	return all, tries
}

func (h *house) turn(d *deliver.Deliverer) {
	h.t.Helper()
	for {
		_, busy, err := d.Turn(context.Background())
		if err != nil {
			h.t.Fatal(err)
		}
		if !busy {
			return
		}
	}
}

// taken is one request as the wallet saw it.
type taken struct {
	header http.Header
	body   []byte
}

// wallet is a receiver on loopback.
type wallet struct {
	*httptest.Server
	mu     sync.Mutex
	taken  []taken
	answer func(n int, w http.ResponseWriter) // n from 1; nil: 204
	came   chan struct{}
}

func newWallet(t *testing.T, answer func(n int, w http.ResponseWriter)) *wallet {
	t.Helper()
	w := &wallet{answer: answer, came: make(chan struct{}, 10_000)}
	w.Server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		w.mu.Lock()
		w.taken = append(w.taken, taken{r.Header.Clone(), body})
		n := len(w.taken)
		w.mu.Unlock()
		w.came <- struct{}{}
		if w.answer == nil {
			rw.WriteHeader(http.StatusNoContent)
			return
		}
		w.answer(n, rw)
	}))
	t.Cleanup(w.Close)
	return w
}

func (w *wallet) all() []taken {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]taken(nil), w.taken...)
}

// wait waits until n requests came.
func (w *wallet) wait(t *testing.T, n int) {
	t.Helper()
	late := time.After(30 * time.Second)
	for len(w.all()) < n {
		select {
		case <-w.came:
		case <-late:
			t.Fatalf("%d requests came, want %d", len(w.all()), n)
		}
	}
}
