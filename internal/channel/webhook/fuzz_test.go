package webhook

import (
	"bytes"
	"net"
	"net/http"
	"testing"

	"github.com/huiyin/huiyin/internal/channel"
	"github.com/huiyin/huiyin/internal/platform/clock"
	"github.com/huiyin/huiyin/internal/platform/codes"
)

// The names as http.Header keeps them.
var (
	headerIDKey        = http.CanonicalHeaderKey(headerID)
	headerStampKey     = http.CanonicalHeaderKey(headerStamp)
	headerSignatureKey = http.CanonicalHeaderKey(headerSignature)
)

// canned is a connection that takes everything and answers with given bytes.
type canned struct {
	net.Conn
	answer *bytes.Reader
}

func (c canned) Write(b []byte) (int, error) { return len(b), nil }
func (c canned) Read(b []byte) (int, error)  { return c.answer.Read(b) }

// FuzzAnswer gives the channel any bytes for an answer: it never panics, never
// reads without end, and calls a message taken only on a 2xx it understands.
func FuzzAnswer(f *testing.F) {
	for _, seed := range []string{
		"HTTP/1.1 202 Accepted\r\nContent-Length: 11\r\n\r\n{\"ref\":\"a\"}",
		"HTTP/1.1 204 No Content\r\n\r\n",
		"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
		"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 99999999999999999999\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 503 Away\r\nRetry-After: Sun, 22 Nov 2026 08:00:40 GMT\r\nDate: x\r\n\r\n",
		"HTTP/1.0 500 \r\n\r\n", "HTTP/1.1 422 No\r\nConnection: close\r\n\r\n{\"reason\":\"mailbox-unknown\",\"detail\":\"\u0001\"}",
		"220 mail.example ESMTP\r\n", "",
	} {
		f.Add([]byte(seed))
	}
	c := &Channel{clock: clock.NewVirtual(someDay)}
	f.Fuzz(func(t *testing.T, raw []byte) {
		request, err := http.NewRequest(http.MethodPost, "http://gateway.example/", nil)
		if err != nil {
			t.Fatal(err)
		}
		conn := canned{answer: bytes.NewReader(raw)}
		a, err := channel.NewHTTPLine(conn, conn).Ask(request, []byte("POST"))
		if err != nil {
			return
		}
		if len(a.Body) > channel.HTTPAnswerLimitBytes {
			t.Fatalf("read %d bytes", len(a.Body))
		}
		o := c.judge(a, "+86138")
		if !codes.Known(string(o.Reason)) || len(o.Detail) > channel.DetailLimitBytes+len("…") {
			t.Fatalf("%+v", o)
		}
		if (o.Result == channel.OK) && a.Status/100 != 2 || o.Result == channel.Rejected && a.Status/100 == 5 && a.Status != 503 {
			t.Fatalf("a %d is called %+v", a.Status, o)
		}
		if o.Result != channel.Rejected && o.RetryAfter != 0 || o.RetryAfter > channel.RetryAfterMost {
			t.Fatalf("%+v", o)
		}
	})
}
