package webhook

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
	"time"

	"github.com/huiyin/huiyin/internal/channel"
)

const (
	answerLimitBytes = 64 << 10 // headers and body together
	interimMost      = 4        // 1xx answers before the real one
)

// longAgo as a deadline wakes whoever waits on a connection.
var longAgo = time.Unix(1, 0)

// line is one connection to the gateway.
type line struct {
	raw     net.Conn // beneath TLS: for deadlines and to look into the socket
	conn    net.Conn
	limited io.LimitedReader
	r       *bufio.Reader
}

var _ channel.Line = (*line)(nil)

// Alive reports whether the gateway has neither closed the connection nor sent anything unasked for.
func (l *line) Alive() bool { return l.r.Buffered() == 0 && channel.Quiet(l.raw) }

// Close closes the connection.
func (l *line) Close() error { return l.raw.Close() }

func (l *line) interrupt() { _ = l.raw.SetDeadline(longAgo) }

// dialer opens connections to one target.
type dialer struct {
	target target
	config *tls.Config
	net    net.Dialer
}

func (d *dialer) dial(ctx context.Context) (*line, error) {
	raw, err := d.net.DialContext(ctx, "tcp", d.target.address)
	if err != nil {
		return nil, err
	}
	l := &line{raw: raw, conn: raw}
	if d.target.tls {
		secured := tls.Client(raw, d.config)
		if err := secured.HandshakeContext(ctx); err != nil {
			_ = raw.Close() // of no use without TLS
			return nil, fmt.Errorf("agree on TLS: %w", err)
		}
		l.conn = secured
	}
	l.limited.R = l.conn
	l.r = bufio.NewReader(&l.limited)
	return l, nil
}

// answer is a gateway's whole response.
type answer struct {
	status   int
	header   http.Header
	body     []byte
	cut      bool // the body is not whole: too long, or the connection broke in it
	reusable bool // the connection can take another request
}

// errNothingWritten marks a request of which no byte left.
var errNothingWritten = errors.New("the connection broke before the request began")

// ask writes the request in one go and reads the answer.
func (l *line) ask(request *http.Request, wire []byte) (answer, error) {
	if n, err := l.conn.Write(wire); err != nil {
		if n == 0 && l.conn == l.raw { // beneath TLS a count of zero proves nothing
			return answer{}, errors.Join(errNothingWritten, err)
		}
		return answer{}, err
	}
	l.limited.N = answerLimitBytes
	for range interimMost {
		response, err := http.ReadResponse(l.r, request)
		if err != nil {
			return answer{}, err
		}
		if response.StatusCode/100 == 1 {
			continue
		}
		body, err := io.ReadAll(response.Body)
		_ = response.Body.Close() // read to its end or broken
		return answer{
			status: response.StatusCode, header: response.Header, body: body, cut: err != nil,
			reusable: err == nil && !response.Close && l.r.Buffered() == 0,
		}, nil
	}
	return answer{}, errors.New("the gateway sends interim answers without end")
}

// render writes a request as it goes over the wire.
func render(request *http.Request) ([]byte, error) {
	var wire bytes.Buffer
	if err := request.Write(&wire); err != nil {
		return nil, err
	}
	return wire.Bytes(), nil
}
