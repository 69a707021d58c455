package channel

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/huiyin/huiyin/internal/platform/codes"
)

const (
	// HTTPAnswerLimitBytes bounds what is read of an answer, headers and body together.
	HTTPAnswerLimitBytes = 64 << 10
	interimMost          = 4 // 1xx answers before the real one
	retryUnreachable     = time.Minute
)

// longAgo as a deadline wakes whoever waits on a connection.
var longAgo = time.Unix(1, 0)

// HTTPTarget is where a gateway listens.
type HTTPTarget struct {
	URL     *url.URL
	Address string // host:port
	TLS     bool
}

// ParseHTTPTarget reads an http or https address without a login in it; ok is false for any other text.
func ParseHTTPTarget(text string) (t HTTPTarget, ok bool) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") || u.User != nil {
		return t, false
	}
	t = HTTPTarget{URL: u, Address: u.Host, TLS: u.Scheme == "https"}
	if u.Port() == "" {
		port := "80"
		if t.TLS {
			port = "443"
		}
		t.Address = net.JoinHostPort(u.Hostname(), port)
	}
	return t, true
}

// HTTPLine is one connection to a gateway.
type HTTPLine struct {
	raw     net.Conn // beneath TLS: for deadlines and to look into the socket
	conn    net.Conn
	limited io.LimitedReader
	r       *bufio.Reader
}

var _ Line = (*HTTPLine)(nil)

// NewHTTPLine speaks HTTP over conn; raw is what lies beneath its TLS, or conn itself.
func NewHTTPLine(raw, conn net.Conn) *HTTPLine {
	l := &HTTPLine{raw: raw, conn: conn}
	l.limited.R = conn
	l.r = bufio.NewReader(&l.limited)
	return l
}

// Alive reports whether the gateway has neither closed the connection nor sent anything unasked for.
func (l *HTTPLine) Alive() bool { return l.r.Buffered() == 0 && Quiet(l.raw) }

// Close closes the connection.
func (l *HTTPLine) Close() error { return l.raw.Close() }

func (l *HTTPLine) interrupt() { _ = l.raw.SetDeadline(longAgo) }

// HTTPDialer opens connections to one target.
type HTTPDialer struct {
	target HTTPTarget
	config *tls.Config
	net    net.Dialer
}

// NewHTTPDialer makes the dialer of a target; config may be nil.
func NewHTTPDialer(t HTTPTarget, config *tls.Config) *HTTPDialer {
	d := &HTTPDialer{target: t}
	if !t.TLS {
		return d
	}
	if config = config.Clone(); config == nil {
		config = &tls.Config{}
	}
	config.MinVersion = max(config.MinVersion, tls.VersionTLS12)
	config.NextProtos = []string{"http/1.1"}
	if config.ServerName == "" {
		config.ServerName = t.URL.Hostname()
	}
	d.config = config
	return d
}

// Dial opens a connection.
func (d *HTTPDialer) Dial(ctx context.Context) (*HTTPLine, error) {
	raw, err := d.net.DialContext(ctx, "tcp", d.target.Address)
	if err != nil {
		return nil, err
	}
	if !d.target.TLS {
		return NewHTTPLine(raw, raw), nil
	}
	secured := tls.Client(raw, d.config)
	if err := secured.HandshakeContext(ctx); err != nil {
		_ = raw.Close() // of no use without TLS
		return nil, fmt.Errorf("agree on TLS: %w", err)
	}
	return NewHTTPLine(raw, secured), nil
}

// HTTPAnswer is a gateway's whole response.
type HTTPAnswer struct {
	Status int
	Header http.Header
	Body   []byte
	Cut    bool // the body is not whole: too long, or the connection broke in it

	reusable bool // the connection can take another request
}

// errNothingWritten marks a request of which no byte left.
var errNothingWritten = errors.New("the connection broke before the request began")

// Ask writes the request in one go and reads the answer.
func (l *HTTPLine) Ask(request *http.Request, wire []byte) (HTTPAnswer, error) {
	if n, err := l.conn.Write(wire); err != nil {
		if n == 0 && l.conn == l.raw { // beneath TLS a count of zero proves nothing
			return HTTPAnswer{}, errors.Join(errNothingWritten, err)
		}
		return HTTPAnswer{}, err
	}
	l.limited.N = HTTPAnswerLimitBytes
	for range interimMost {
		response, err := http.ReadResponse(l.r, request)
		if err != nil {
			return HTTPAnswer{}, err
		}
		if response.StatusCode/100 == 1 {
			continue
		}
		body, err := io.ReadAll(response.Body)
		_ = response.Body.Close() // read to its end or broken
		return HTTPAnswer{
			Status: response.StatusCode, Header: response.Header, Body: body, Cut: err != nil,
			reusable: err == nil && !response.Close && l.r.Buffered() == 0,
		}, nil
	}
	return HTTPAnswer{}, errors.New("the gateway sends interim answers without end")
}

// RenderHTTP writes a request as it goes over the wire.
func RenderHTTP(request *http.Request) ([]byte, error) {
	var wire bytes.Buffer
	if err := request.Write(&wire); err != nil {
		return nil, err
	}
	return wire.Bytes(), nil
}

// HTTPLines exchanges messages with one gateway over kept connections. It writes requests
// itself rather than by net/http's client: that one repeats a POST by its own decision when
// a kept connection breaks, and offers no moment between the connection and the first byte
// at which to stop. There are no proxies, redirects or HTTP/2 here for the same reason.
type HTTPLines struct {
	dialer *HTTPDialer
	pool   *Pool[*HTTPLine]
}

// NewHTTPLines keeps at most size connections, and closes one unused for idle.
func NewHTTPLines(d *HTTPDialer, size int, idle time.Duration) *HTTPLines {
	return &HTTPLines{dialer: d, pool: NewPool[*HTTPLine](size, idle)}
}

// Close closes the connections that are not in use, the others as they come back.
func (h *HTTPLines) Close() { h.pool.Close() }

// Exchange takes the last look and sends a message's request, to be judged by its answer.
// Where there is none the outcome says why, and answered is false.
func (h *HTTPLines) Exchange(ctx context.Context, request *http.Request, wire []byte, to string, look LastLook) (a HTTPAnswer, o Outcome, answered bool) {
	l, _, err := h.pool.Get(ctx, h.dialer.Dial)
	if err != nil {
		return a, notSent(ctx, err), false
	}
	reusable := false
	stop := context.AfterFunc(ctx, l.interrupt)
	defer func() {
		if stop() && reusable {
			h.pool.Put(l)
		} else {
			h.pool.Drop(l)
		}
	}()
	if err := look(ctx); err != nil {
		reusable = true // nothing was said on it
		return a, Held(err), false
	}
	if ctx.Err() != nil {
		return a, notSent(ctx, ctx.Err()), false
	}
	a, err = l.Ask(request, wire)
	switch {
	case errors.Is(err, errNothingWritten):
		return a, notSent(ctx, err), false
	case err != nil:
		return a, Lost("no answer to the request: " + Detail(err.Error(), to)), false
	}
	reusable = a.reusable
	return a, o, true
}

// AskOnce asks a gateway a question that sends nothing, over a connection of its own.
func (d *HTTPDialer) AskOnce(ctx context.Context, request *http.Request) (HTTPAnswer, error) {
	request.Close = true        // rare enough for a connection each
	if request.GetBody != nil { // it may have been written before
		body, err := request.GetBody()
		if err != nil {
			return HTTPAnswer{}, err
		}
		request.Body = body
	}
	wire, err := RenderHTTP(request)
	if err != nil {
		return HTTPAnswer{}, err
	}
	l, err := d.Dial(ctx)
	if err != nil {
		return HTTPAnswer{}, err
	}
	defer func() { _ = l.Close() }() // nothing more is said on it
	defer context.AfterFunc(ctx, l.interrupt)()
	return l.Ask(request, wire)
}

// notSent is the outcome of whatever fails before the first byte of the request.
func notSent(ctx context.Context, err error) Outcome {
	if errors.Is(err, ErrPoolClosed) || errors.Is(ctx.Err(), context.Canceled) {
		return Later(codes.CutShort, 0, Detail(err.Error(), ""))
	}
	return Later(codes.ProviderUnreachable, retryUnreachable, Detail(err.Error(), ""))
}

// RetryAfter reads how long a gateway wants to be left alone: seconds or a date,
// which is taken against the gateway's own Date where it gives one, since its clock is
// not ours. Said is false, and after is otherwise, if it says nothing that can be read.
func RetryAfter(h http.Header, now time.Time, otherwise time.Duration) (after time.Duration, said bool) {
	text := h.Get("Retry-After")
	if seconds, err := strconv.ParseUint(text, 10, 31); err == nil {
		return min(time.Duration(seconds)*time.Second, RetryAfterMost), true
	}
	until, err := http.ParseTime(text)
	if err != nil {
		return otherwise, false
	}
	if theirs, err := http.ParseTime(h.Get("Date")); err == nil {
		now = theirs
	}
	return min(max(until.Sub(now), 0), RetryAfterMost), true
}
