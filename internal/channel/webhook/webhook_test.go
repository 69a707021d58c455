package webhook

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"reflect"
	"sync/atomic"
	"testing"
	"time"

	"github.com/huiyin/huiyin/internal/channel"
	"github.com/huiyin/huiyin/internal/channel/channeltest"
	"github.com/huiyin/huiyin/internal/platform/clock"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/test/fake/gateway"
)

var someDay = time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)

const someSecret = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="

func message() channel.Message {
	return channel.Message{
		Key: "k-1", Attempt: 42, To: "+8613800000000", Language: "zh-CN", Purpose: "survey",
		Subject: "回访", Text: "请告诉我们 <您的意见> & 建议", Link: "https://wallet.example/q/abc?x=1&y=2",
		Headers: map[string]string{"X-Huiyin-At": "1999-02-03T11:12:13Z", "Host": "elsewhere.example"},
	}
}

func connect(t testing.TB, o gateway.Options, s Settings) (*Channel, *gateway.Gateway) {
	t.Helper()
	o.Address = "127.0.0.1:0"
	o.Log = filepath.Join(t.TempDir(), "wire.jsonl")
	g, err := gateway.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	s.Name, s.URL, s.LookUpURL = "sms", g.URL(), g.LookUpURL()
	c, err := New(s, clock.NewVirtual(someDay))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.Close()
		if err := g.Close(); err != nil {
			t.Error(err)
		}
	})
	return c, g
}

func seen(t testing.TB, g *gateway.Gateway) []gateway.Seen {
	t.Helper()
	lines, err := g.Seen()
	if err != nil {
		t.Fatal(err)
	}
	return lines
}

func yes(context.Context) error { return nil }

var gatewayModes = map[channeltest.Mode]gateway.Mode{
	channeltest.Accept: gateway.Accept, channeltest.Refuse: gateway.Refuse, channeltest.Busy: gateway.Busy,
	channeltest.TakeThenHang: gateway.TakeThenHang, channeltest.TakeThenDrop: gateway.TakeThenDrop,
	channeltest.TakeThenFail: gateway.TakeOdd, channeltest.Hang: gateway.Hang, channeltest.Drop: gateway.Drop,
}

func TestWebhookConformsToTheSuiteOfAllChannels(t *testing.T) {
	channeltest.Conformance(t, func(t *testing.T, s channeltest.Settings) *channeltest.Rig {
		c, g := connect(t, gateway.Options{}, Settings{InFlight: s.InFlight, SendTimeout: s.SendTimeout})
		return &channeltest.Rig{
			Channel: c, Message: message(),
			Force: func(m channeltest.Mode) { g.Force(gatewayModes[m]) },
			Wire: func() []channeltest.Line {
				var lines []channeltest.Line
				for _, one := range seen(t, g) {
					lines = append(lines, channeltest.Line{Key: one.Key, Taken: one.Taken})
				}
				return lines
			},
			Stop: func() { _ = g.Close() }, // closed again, without effect, at the end
		}
	})
}

func TestTheGatewayGetsTheWholeMessage(t *testing.T) {
	c, g := connect(t, gateway.Options{Token: "t0ken"}, Settings{Token: "t0ken", SigningSecret: someSecret})
	o := c.Send(t.Context(), message(), yes)
	if o.Result != channel.OK || o.Ref != "ref-k-1" {
		t.Fatalf("%+v", o)
	}
	line := seen(t, g)[0]
	var got map[string]any
	if err := json.Unmarshal(line.Body, &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"key": "k-1", "attempt": 42.0, "channel": "sms", "to": "+8613800000000", "language": "zh-CN", "purpose": "survey",
		"subject": "回访", "text": "请告诉我们 <您的意见> & 建议", "link": "https://wallet.example/q/abc?x=1&y=2",
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if line.Virtual != "1999-02-03T11:12:13Z" {
		t.Errorf("the header X-Huiyin-At did not arrive: %+v", line)
	}
}

func TestAWrongTokenLeavesTheMessageToBeTriedAgain(t *testing.T) {
	c, g := connect(t, gateway.Options{Token: "right"}, Settings{Token: "wrong"})
	o := c.Send(t.Context(), message(), yes)
	if o.Result != channel.Rejected || o.RetryAfter == 0 || o.Reason != codes.LoginRefused {
		t.Errorf("%+v", o)
	}
	if g.Taken() != 0 {
		t.Error("it was taken all the same")
	}
}

func TestAGatewayThatHonoursKeysDeliversARetryOnce(t *testing.T) {
	now := clock.NewVirtual(someDay)
	c, g := connect(t, gateway.Options{Idempotency: time.Hour, Now: now.Now}, Settings{Idempotency: time.Hour})
	g.Force(gateway.TakeThenDrop)
	if o := c.Send(t.Context(), message(), yes); o.Result != channel.Unknown {
		t.Fatalf("%+v", o)
	}
	g.Force(gateway.Accept)
	if o := c.Send(t.Context(), message(), yes); o.Result != channel.OK || o.Ref != "ref-k-1" {
		t.Fatalf("%+v", o)
	}
	if g.Taken() != 1 {
		t.Errorf("delivered %d times inside the window, want once", g.Taken())
	}
	now.Advance(time.Hour)
	c.Send(t.Context(), message(), yes)
	if g.Taken() != 2 {
		t.Errorf("delivered %d times; after the window the gateway should not know the key any more", g.Taken())
	}
}

func TestALookUpTellsWhatBecameOfAKey(t *testing.T) {
	c, g := connect(t, gateway.Options{}, Settings{})
	g.Force(gateway.TakeThenDrop)
	c.Send(t.Context(), message(), yes)
	if o := c.LookUp(t.Context(), "k-1", ""); o.Result != channel.OK || o.Ref != "ref-k-1" {
		t.Errorf("a key that was taken: %+v", o)
	}
	if o := c.LookUp(t.Context(), "k/never", ""); o.Result != channel.Rejected || o.Reason != codes.LookUpNotFound {
		t.Errorf("a key never heard of: %+v", o)
	}
	for _, body := range []string{"", "<h1>404 Not Found</h1>", `{"detail":"no such route"}`} {
		if o := judgeLookUp(channel.HTTPAnswer{Status: http.StatusNotFound, Body: []byte(body)}); o.Result != channel.Unknown {
			t.Errorf("a 404 that doesn't speak of the key, %q: %+v", body, o)
		}
	}
	if err := g.Close(); err != nil {
		t.Fatal(err)
	}
	if o := c.LookUp(t.Context(), "k-1", ""); o.Result != channel.Unknown {
		t.Errorf("a gateway that isn't there: %+v", o)
	}
}

func TestEveryAnswerIsReadAsTheGatewayMeansIt(t *testing.T) {
	c := &Channel{clock: clock.NewVirtual(someDay)}
	header := func(pairs ...string) http.Header {
		h := http.Header{}
		for i := 0; i < len(pairs); i += 2 {
			h.Set(pairs[i], pairs[i+1])
		}
		return h
	}
	for name, test := range map[string]struct {
		answer channel.HTTPAnswer
		want   channel.Result
		reason codes.Reason
		after  time.Duration
	}{
		"202 with a ref":                         {channel.HTTPAnswer{Status: 202, Body: []byte(`{"ref":"a"}`)}, channel.OK, codes.Accepted, 0},
		"204 with nothing":                       {channel.HTTPAnswer{Status: 204}, channel.OK, codes.Accepted, 0},
		"200 with a page":                        {channel.HTTPAnswer{Status: 200, Body: []byte("<html>")}, channel.Unknown, codes.OutcomeUnknown, 0},
		"200 with a list":                        {channel.HTTPAnswer{Status: 200, Body: []byte("[]")}, channel.Unknown, codes.OutcomeUnknown, 0},
		"200 cut short":                          {channel.HTTPAnswer{Status: 200, Cut: true, Body: []byte(`{"re`)}, channel.Unknown, codes.OutcomeUnknown, 0},
		"200 cut before its body":                {channel.HTTPAnswer{Status: 200, Cut: true}, channel.Unknown, codes.OutcomeUnknown, 0},
		"200 that says rejected":                 {channel.HTTPAnswer{Status: 200, Body: []byte(`{"status":"rejected","reason":"mailbox-unknown"}`)}, channel.Rejected, codes.MailboxUnknown, 0},
		"200 that doesn't know":                  {channel.HTTPAnswer{Status: 200, Body: []byte(`{"status":"unknown"}`)}, channel.Unknown, codes.OutcomeUnknown, 0},
		"400":                                    {channel.HTTPAnswer{Status: 400}, channel.Rejected, codes.ProviderRejected, 0},
		"400 with a page cut short":              {channel.HTTPAnswer{Status: 400, Cut: true, Body: []byte("<html>")}, channel.Rejected, codes.ProviderRejected, 0},
		"422 with one of our reasons":            {channel.HTTPAnswer{Status: 422, Body: []byte(`{"reason":"content-rejected"}`)}, channel.Rejected, codes.ContentRejected, 0},
		"422 with a reason of another kind":      {channel.HTTPAnswer{Status: 422, Body: []byte(`{"reason":"allowed"}`)}, channel.Rejected, codes.ProviderRejected, 0},
		"401, which is our fault":                {channel.HTTPAnswer{Status: 401}, channel.Rejected, codes.LoginRefused, retryLogin},
		"408, when it gave up reading":           {channel.HTTPAnswer{Status: 408}, channel.Unknown, codes.OutcomeUnknown, 0},
		"409, when the key is under way":         {channel.HTTPAnswer{Status: 409}, channel.Unknown, codes.OutcomeUnknown, 0},
		"425":                                    {channel.HTTPAnswer{Status: 425}, channel.Rejected, codes.ProviderBusy, retryBusy},
		"429 with seconds":                       {channel.HTTPAnswer{Status: 429, Header: header("Retry-After", "7")}, channel.Rejected, codes.ProviderBusy, 7 * time.Second},
		"429 without":                            {channel.HTTPAnswer{Status: 429}, channel.Rejected, codes.ProviderBusy, retryBusy},
		"429 with nought":                        {channel.HTTPAnswer{Status: 429, Header: header("Retry-After", "0")}, channel.Rejected, codes.ProviderBusy, time.Second},
		"429 with a year":                        {channel.HTTPAnswer{Status: 429, Header: header("Retry-After", "31536000")}, channel.Rejected, codes.ProviderBusy, channel.RetryAfterMost},
		"503 with seconds":                       {channel.HTTPAnswer{Status: 503, Header: header("Retry-After", "120")}, channel.Rejected, codes.ProviderBusy, 2 * time.Minute},
		"503 with a date by the gateway's clock": {channel.HTTPAnswer{Status: 503, Header: header("Retry-After", "Sun, 22 Nov 2026 09:00:30 GMT", "Date", "Sun, 22 Nov 2026 09:00:00 GMT")}, channel.Rejected, codes.ProviderBusy, 30 * time.Second},
		"503 with a date by ours":                {channel.HTTPAnswer{Status: 503, Header: header("Retry-After", "Sun, 22 Nov 2026 08:00:40 GMT")}, channel.Rejected, codes.ProviderBusy, 40 * time.Second},
		"503 without":                            {channel.HTTPAnswer{Status: 503}, channel.Unknown, codes.OutcomeUnknown, 0},
		"503 with words where seconds should be": {channel.HTTPAnswer{Status: 503, Header: header("Retry-After", "soon")}, channel.Unknown, codes.OutcomeUnknown, 0},
		"500":                                    {channel.HTTPAnswer{Status: 500, Body: []byte(`{"status":"rejected"}`)}, channel.Unknown, codes.OutcomeUnknown, 0},
		"502 of a proxy between":                 {channel.HTTPAnswer{Status: 502}, channel.Unknown, codes.OutcomeUnknown, 0},
		"303 after something was done":           {channel.HTTPAnswer{Status: 303}, channel.Unknown, codes.OutcomeUnknown, 0},
		"308, before anything was done":          {channel.HTTPAnswer{Status: 308}, channel.Rejected, codes.ProviderUnreachable, retryMoved},
	} {
		t.Run(name, func(t *testing.T) {
			o := c.judge(test.answer, "+86138")
			if o.Result != test.want || o.Reason != test.reason || o.RetryAfter != test.after {
				t.Errorf("got %+v, want %v, %v, %v", o, test.want, test.reason, test.after)
			}
		})
	}
}

func TestAProvidersWordsAreKeptWithoutTheCustomersAddress(t *testing.T) {
	c, g := connect(t, gateway.Options{}, Settings{})
	g.Force(gateway.Refuse) // it says "no such recipient" and the number
	o := c.Send(t.Context(), message(), yes)
	if want := "422 Unprocessable Entity: no such recipient ‹address›"; o.Detail != want {
		t.Errorf("got %q, want %q", o.Detail, want)
	}
}

func TestSettingsThatCannotWorkAreRefusedWithTheirPlace(t *testing.T) {
	good := Settings{Name: "sms", URL: "https://gateway.example/messages"}
	for path, spoil := range map[string]func(*Settings){
		"name":               func(s *Settings) { s.Name = "" },
		"url":                func(s *Settings) { s.URL = "gateway.example" },
		"lookup_url":         func(s *Settings) { s.LookUpURL = "ftp://gateway.example/{key}" },
		"in_flight":          func(s *Settings) { s.InFlight = -1 },
		"send_timeout":       func(s *Settings) { s.SendTimeout = time.Hour },
		"token":              func(s *Settings) { s.Token = "a\r\nb" },
		"signing_secret":     func(s *Settings) { s.SigningSecret = "whsec_short" },
		"receipt_secrets[1]": func(s *Settings) { s.ReceiptSecrets = []string{someSecret, "x"} },
	} {
		s := good
		spoil(&s)
		_, err := New(s, clock.System{})
		if err == nil || !hasPath(err, path) {
			t.Errorf("%s: got %v", path, err)
		}
	}
	if _, err := New(good, clock.System{}); err != nil {
		t.Error(err)
	}
}

// A connection whose answer was not read to its end holds bytes that would be
// taken for the answer to the next message.
func TestAConnectionWithAnUnreadAnswerIsNotUsedAgain(t *testing.T) {
	release := make(chan struct{})
	var requests atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if requests.Add(1) > 1 {
			return
		}
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		head := "HTTP/1.1 400 No\r\nContent-Length: 1000000\r\n\r\n"
		_, _ = conn.Write(append([]byte(head), make([]byte, channel.HTTPAnswerLimitBytes-len(head))...)) // all that the client reads, and no more yet
		<-release
		_ = conn.Close() // the test is over
	}))
	defer server.Close()
	defer close(release)
	c, err := New(Settings{Name: "sms", URL: server.URL, SendTimeout: 5 * time.Second}, clock.NewVirtual(someDay))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if o := c.Send(t.Context(), message(), yes); o.Result != channel.Rejected {
		t.Errorf("%+v", o)
	}
	if o := c.Send(t.Context(), message(), yes); o.Result != channel.OK {
		t.Errorf("%+v", o)
	}
}
