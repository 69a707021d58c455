package smsgateway

import (
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

const bodyLimitBytes = 1 << 20

// Shape is a provider's way of speaking.
type Shape string

// The shapes, by the names of their documents.
const (
	CNCloud Shape = "cn-cloud"
	Twilio  Shape = "twilio"
	Plain   Shape = "plain"
)

// Mode is how the gateway treats a request.
type Mode string

// The modes.
const (
	Accept       Mode = "accept"
	Refuse       Mode = "refuse"         // not taken, for good
	Busy         Mode = "busy"           // not taken, for now
	TakeThenHang Mode = "take-then-hang" // taken, never answered
	HangThenTake Mode = "hang-then-take" // taken after Options.Hang, when the client has long gone
	TakeThenDrop Mode = "take-then-drop" // taken, connection closed without an answer
	TakeThenFail Mode = "take-then-fail" // taken, answered 500
	TakeThenHTML Mode = "take-then-html" // taken, answered 200 with a page
	TakeThenVoid Mode = "take-then-void" // taken, answered 200 with nothing
	ErrorInside  Mode = "error-inside"   // not taken, and said so inside a 200
	Hang         Mode = "hang"           // not taken, never answered
	Drop         Mode = "drop"           // not taken, connection closed
	Delay        Mode = "delay"          // taken and answered after Options.Delay
)

// Modes lists every mode.
var Modes = []Mode{
	Accept, Refuse, Busy, TakeThenHang, HangThenTake, TakeThenDrop, TakeThenFail, TakeThenHTML, TakeThenVoid, ErrorInside, Hang, Drop, Delay,
}

// Seen is one line of the wire log.
type Seen struct {
	At        time.Time         `json:"at"`
	Key       string            `json:"key,omitempty"` // Twilio has none
	To        string            `json:"to"`
	Text      string            `json:"text"`
	Ref       string            `json:"ref,omitempty"`
	Fields    map[string]string `json:"fields"` // as they came
	Mode      Mode              `json:"mode"`
	Taken     bool              `json:"taken"`
	Duplicate bool              `json:"duplicate,omitempty"` // the key had been taken before
}

// Options sets a gateway up.
type Options struct {
	Shape    Shape
	Address  string // host:port; port 0 takes a free one
	Log      string // path of the wire log; empty: none is kept
	Durable  bool   // sync every line
	Seed     uint64
	Shares   []wirelog.Share[Mode] // what isn't shared out is accepted
	Hang     time.Duration
	Delay    time.Duration
	User     string // access key id or account SID
	Secret   string // access key secret, auth token or bearer token
	Hooks    Hooks
	KeyHours int // plain: how long a key is honoured
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
	poster   *poster

	forced atomic.Pointer[Mode]
	taken  atomic.Int64
	number atomic.Int64

	mu   sync.Mutex
	keys map[string]string // of those taken: the reference
	used map[string]bool   // nonces
}

// Start listens and serves until Close.
func Start(o Options) (*Gateway, error) {
	listener, err := net.Listen("tcp", o.Address)
	if err != nil {
		return nil, fmt.Errorf("the SMS gateway can't listen: %w", err)
	}
	g := &Gateway{options: o, listener: listener, served: make(chan error, 1), done: make(chan struct{}), keys: map[string]string{}, used: map[string]bool{}}
	if o.Log != "" {
		if g.log, err = wirelog.Open(o.Log, o.Durable); err != nil {
			return nil, errors.Join(err, listener.Close())
		}
	}
	g.poster = newPoster(o.Shape, o.Hooks, o.Seed)
	g.server = &http.Server{Handler: http.HandlerFunc(g.serve), ReadHeaderTimeout: time.Minute}
	go func() { g.served <- g.server.Serve(listener) }()
	return g, nil
}

// URL is the gateway's address, without a slash at its end.
func (g *Gateway) URL() string { return "http://" + g.listener.Addr().String() }

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

// Close ends every connection, the posts under way and the log.
func (g *Gateway) Close() error {
	var err error
	g.closing.Do(func() {
		close(g.done)
		err = g.server.Close()
		if serve := <-g.served; !errors.Is(serve, http.ErrServerClosed) {
			err = errors.Join(err, serve)
		}
		g.poster.close()
		if g.log != nil {
			err = errors.Join(err, g.log.Close())
		}
	})
	return err
}

// serve reads a request in the gateway's shape and treats it.
func (g *Gateway) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, bodyLimitBytes))
	if err != nil {
		http.Error(w, "the request could not be read", http.StatusBadRequest)
		return
	}
	if g.options.Shape == Plain && r.Method == http.MethodGet {
		g.lookUp(w, r)
		return
	}
	read := map[Shape]func(*http.Request, []byte) (Seen, *refusal){CNCloud: g.readCNCloud, Twilio: g.readTwilio, Plain: g.readPlain}[g.options.Shape]
	seen, no := read(r, body)
	if no != nil {
		no.write(w)
		return
	}
	seen.Mode = Accept
	if m := g.forced.Load(); m != nil {
		seen.Mode = *m
	} else if len(g.options.Shares) > 0 {
		seen.Mode = wirelog.Draw(g.options.Seed, g.options.Shares, Accept, seen.Key+seen.To+seen.Text)
	}
	g.treat(w, r, seen)
}

// treat does what the mode says.
func (g *Gateway) treat(w http.ResponseWriter, r *http.Request, seen Seen) {
	voice := voices[g.options.Shape]
	switch seen.Mode {
	case Refuse:
		g.record(&seen)
		voice.refuse(w, seen.To)
	case Busy:
		g.record(&seen)
		voice.busy(w)
	case ErrorInside:
		g.record(&seen)
		voice.inside(w)
	case Hang:
		g.record(&seen)
		g.hang(r)
	case Drop:
		g.record(&seen)
		panic(http.ErrAbortHandler) // closes the connection
	case HangThenTake:
		g.wait(g.options.Hang)
		g.take(&seen)
		voice.accept(w, seen)
	case Delay:
		g.wait(g.options.Delay)
		g.take(&seen)
		voice.accept(w, seen)
	default:
		g.take(&seen)
		g.afterTaking(w, r, seen)
	}
}

func (g *Gateway) afterTaking(w http.ResponseWriter, r *http.Request, seen Seen) {
	switch seen.Mode {
	case TakeThenHang:
		g.hang(r)
	case TakeThenDrop:
		panic(http.ErrAbortHandler) // closes the connection
	case TakeThenFail:
		http.Error(w, "something broke", http.StatusInternalServerError)
	case TakeThenHTML:
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, "<!doctype html><title>OK</title><p>accepted queued OK</p>") // nobody minds whether it arrives
	case TakeThenVoid:
		w.WriteHeader(http.StatusOK)
	default:
		voices[g.options.Shape].accept(w, seen)
	}
}

// take counts the message as delivered, unless its key is honoured.
func (g *Gateway) take(seen *Seen) {
	g.mu.Lock()
	ref, before := g.keys[seen.Key]
	seen.Duplicate = before && seen.Key != ""
	honoured := seen.Duplicate && g.options.KeyHours > 0
	if !honoured {
		ref = fmt.Sprintf("ref-%d", g.number.Add(1))
		g.keys[seen.Key] = ref
	}
	g.mu.Unlock()
	seen.Ref, seen.Taken = ref, !honoured
	if seen.Taken {
		g.taken.Add(1)
	}
	g.record(seen)
	if seen.Taken {
		g.poster.receipt(*seen)
	}
}

// record writes the line; a gateway that can't write must not answer.
func (g *Gateway) record(seen *Seen) {
	if g.log == nil {
		return
	}
	seen.At = time.Now()
	if err := g.log.Append(seen); err != nil {
		panic(http.ErrAbortHandler)
	}
}

// fresh says whether a nonce is new.
func (g *Gateway) fresh(nonce string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if nonce == "" || g.used[nonce] {
		return false
	}
	g.used[nonce] = true
	return true
}

// hang answers nothing until the client leaves or the gateway is closed.
func (g *Gateway) hang(r *http.Request) {
	select {
	case <-r.Context().Done():
	case <-g.done:
	}
	panic(http.ErrAbortHandler)
}

func (g *Gateway) wait(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-g.done:
	}
}

// lookUp says what became of a key.
func (g *Gateway) lookUp(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	ref, taken := g.keys[r.URL.Path[len("/messages/"):]]
	g.mu.Unlock()
	if !taken {
		answer(w, http.StatusNotFound, map[string]any{"error": "unknown"})
		return
	}
	answer(w, http.StatusOK, map[string]any{"state": "accepted", "reference": ref})
}

func retryAfter(w http.ResponseWriter, seconds int) {
	w.Header().Set("Retry-After", strconv.Itoa(seconds))
}
