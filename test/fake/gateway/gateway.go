package gateway

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/huiyin/huiyin/test/fake/wirelog"
)

const (
	bodyLimitBytes = 1 << 20
	keysMost       = 1 << 20 // beyond, the oldest are forgotten

	// HeaderMode asks for a mode in the request itself.
	HeaderMode = "X-Fake-Mode"
	headerAt   = "X-Huiyin-At"
)

// Mode is how the gateway treats a request.
type Mode string

// The modes.
const (
	Accept       Mode = "accept"
	Refuse       Mode = "refuse"         // 422: not taken, for good
	Busy         Mode = "busy"           // 429 with Retry-After: not taken
	Away         Mode = "away"           // 503 with Retry-After: not taken
	TakeThenHang Mode = "take-then-hang" // taken, never answered
	HangThenTake Mode = "hang-then-take" // taken after Options.Hang, when the client has long gone
	TakeThenFail Mode = "take-then-fail" // taken, answered 500
	TakeThenDrop Mode = "take-then-drop" // taken, connection closed without an answer
	TakeOdd      Mode = "take-odd"       // taken, answered 200 with a page that isn't an answer
	Hang         Mode = "hang"           // not taken, never answered
	Fail         Mode = "fail"           // not taken, answered 500
	Drop         Mode = "drop"           // not taken, connection closed
	Delay        Mode = "delay"          // taken and answered after Options.Delay
	TakeThenKill Mode = "take-then-kill" // taken, then the process in Options.KillPIDFile is killed
)

// Modes lists every mode.
var Modes = []Mode{
	Accept, Refuse, Busy, Away, TakeThenHang, HangThenTake, TakeThenFail, TakeThenDrop, TakeOdd,
	Hang, Fail, Drop, Delay, TakeThenKill,
}

// Request is what is posted to the gateway.
type Request struct {
	Key         string `json:"key"`
	Attempt     int64  `json:"attempt"`
	Channel     string `json:"channel"`
	To          string `json:"to"`
	Language    string `json:"language"`
	Purpose     string `json:"purpose"`
	Subject     string `json:"subject"`
	Text        string `json:"text"`
	Link        string `json:"link"`
	Unsubscribe string `json:"unsubscribe"`
}

// Seen is one line of the wire log: one request as it came in.
type Seen struct {
	At        time.Time       `json:"at"`
	Virtual   string          `json:"virtual,omitempty"` // the header X-Huiyin-At: when it was sent, in the sender's own time
	Key       string          `json:"key"`
	To        string          `json:"to"`
	Channel   string          `json:"channel,omitempty"`
	Purpose   string          `json:"purpose,omitempty"`
	Attempt   int64           `json:"attempt,omitempty"`
	Body      json.RawMessage `json:"body"`
	Mode      Mode            `json:"mode"`
	Taken     bool            `json:"taken"`     // the customer has it (again, if Duplicate)
	Duplicate bool            `json:"duplicate"` // the key had been taken before
	Repeated  bool            `json:"repeated"`  // the key was honoured: the first answer was repeated, nothing was delivered
}

// Options sets a gateway up.
type Options struct {
	Address     string // host:port; port 0 takes a free one
	Log         string // path of the wire log
	Durable     bool   // sync every line
	Seed        uint64
	Shares      []wirelog.Share[Mode] // what isn't shared out is accepted
	Idempotency time.Duration         // how long a key is honoured; 0 = never
	Now         func() time.Time      // by which that window runs; nil = the machine's clock
	Hang        time.Duration         // for HangThenTake
	Delay       time.Duration         // for Delay
	RetryAfter  time.Duration         // told by Busy and Away
	Token       string                // asked for as a bearer token
	KillPIDFile string
	Receipts    Receipts
}

// Gateway is a running provider.
type Gateway struct {
	options  Options
	log      *wirelog.Log
	server   *http.Server
	listener net.Listener
	served   chan error
	done     chan struct{}
	closing  sync.Once
	receipts *courier

	forced atomic.Pointer[Mode]
	taken  atomic.Int64

	mu    sync.Mutex
	keys  map[string]*known
	order []string // keys by age
}

// known is a key the gateway has heard of.
type known struct {
	ref      string
	to       string
	requests int
	takenAt  time.Time // zero: not taken
}

// Start listens and serves until Close.
func Start(o Options) (*Gateway, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	wire, err := wirelog.Open(o.Log, o.Durable)
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", o.Address)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start the gateway: %w", err), wire.Close())
	}
	g := &Gateway{
		options: o, log: wire, listener: listener, served: make(chan error, 1),
		done: make(chan struct{}), keys: map[string]*known{},
	}
	g.receipts = newCourier(o.Receipts, o.Now, o.Seed)
	mux := http.NewServeMux()
	mux.HandleFunc("POST /messages", g.post)
	mux.HandleFunc("GET /messages/{key}", g.lookUp)
	g.server = &http.Server{Handler: mux, ReadHeaderTimeout: time.Minute}
	go func() { g.served <- g.server.Serve(listener) }()
	return g, nil
}

// URL is where messages are posted.
func (g *Gateway) URL() string { return "http://" + g.listener.Addr().String() + "/messages" }

// LookUpURL is where the gateway is asked what became of a key.
func (g *Gateway) LookUpURL() string { return g.URL() + "/{key}" }

// Force treats every request from now on in one mode; "" goes back to the shares.
func (g *Gateway) Force(m Mode) {
	if m == "" {
		g.forced.Store(nil)
		return
	}
	g.forced.Store(&m)
}

// Taken is how many messages were taken for delivery, duplicates included.
func (g *Gateway) Taken() int64 { return g.taken.Load() }

// Seen reads the wire log.
func (g *Gateway) Seen() ([]Seen, error) { return wirelog.Read[Seen](g.options.Log) }

// Close ends every connection, the receipts under way and the log.
func (g *Gateway) Close() error {
	var err error
	g.closing.Do(func() {
		close(g.done)
		err = g.server.Close()
		if serve := <-g.served; !errors.Is(serve, http.ErrServerClosed) {
			err = errors.Join(err, serve)
		}
		g.receipts.close()
		err = errors.Join(err, g.log.Close())
	})
	return err
}

func (g *Gateway) mode(r *http.Request, key string, nth int) Mode {
	if m := g.forced.Load(); m != nil {
		return *m
	}
	if m := Mode(r.Header.Get(HeaderMode)); m != "" {
		return m
	}
	if len(g.options.Shares) == 0 {
		return Accept
	}
	return wirelog.Draw(g.options.Seed, g.options.Shares, Accept, key, strconv.Itoa(nth))
}

// post takes a message, or doesn't.
func (g *Gateway) post(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, bodyLimitBytes))
	if err != nil {
		http.Error(w, "the request could not be read", http.StatusBadRequest)
		return
	}
	if g.options.Token != "" && r.Header.Get("Authorization") != "Bearer "+g.options.Token {
		http.Error(w, "who are you?", http.StatusUnauthorized)
		return
	}
	var m Request
	if err := json.Unmarshal(body, &m); err != nil || m.Key == "" || r.Header.Get("Idempotency-Key") != m.Key {
		http.Error(w, "not a message", http.StatusBadRequest)
		return
	}
	g.mu.Lock()
	k := g.know(m.Key)
	k.requests++
	nth := k.requests
	g.mu.Unlock()
	seen := Seen{
		At: time.Now(), Virtual: r.Header.Get(headerAt), Key: m.Key, To: m.To, Channel: m.Channel,
		Purpose: m.Purpose, Attempt: m.Attempt, Body: body, Mode: g.mode(r, m.Key, nth),
	}
	g.treat(w, r, k, seen)
}

// know finds or makes the entry of a key; it is called with the lock held.
func (g *Gateway) know(key string) *known {
	k, ok := g.keys[key]
	if ok {
		return k
	}
	if len(g.order) >= keysMost {
		delete(g.keys, g.order[0])
		g.order = g.order[1:]
	}
	k = &known{ref: "ref-" + key}
	g.keys[key] = k
	g.order = append(g.order, key)
	return k
}
