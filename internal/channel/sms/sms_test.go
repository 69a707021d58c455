package sms

import (
	"context"
	"crypto/rand"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/huiyin/huiyin/internal/channel"
	"github.com/huiyin/huiyin/internal/channel/channeltest"
	"github.com/huiyin/huiyin/internal/platform/clock"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/test/fake/smsgateway"
)

var someDay = time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)

const (
	someUser   = "AK123"
	someSecret = "s3cret/+="
	hookSecret = "hook s3cret"
	hooksURL   = "https://follow.example/v1"
)

var shapes = []smsgateway.Shape{smsgateway.CNCloud, smsgateway.Twilio, smsgateway.Plain}

var refund = Approval{
	Template: "refund", Language: "zh-CN", Code: "SMS_1001", State: Approved,
	Wording: "您的退款{amount}元已到账,请评价 {link} 拒收请回复R",
}

func message() channel.Message {
	return channel.Message{
		Key: "k-1", Attempt: 42, To: "+8613800000000", Language: "zh-CN", Purpose: "survey", Template: "refund",
		Text: "【示例钱包】您的退款12.30元已到账,请评价 https://w.example/q/abc 拒收请回复R", Link: "https://w.example/q/abc",
	}
}

func valuesFor(shape smsgateway.Shape, endpoint string) map[string]string {
	switch shape {
	case smsgateway.CNCloud:
		return map[string]string{"endpoint": endpoint + "/", "access_key_id": someUser, "access_key_secret": someSecret, "callback_password": hookSecret}
	case smsgateway.Twilio:
		return map[string]string{"endpoint": endpoint, "account_sid": someUser, "auth_token": someSecret, "from": "+15550006789"}
	}
	return map[string]string{"endpoint": endpoint, "token": someSecret, "callback_secret": hookSecret}
}

func settingsFor(t testing.TB, shape smsgateway.Shape, endpoint string) Settings {
	t.Helper()
	d, ok := Named(string(shape))
	if !ok {
		t.Fatalf("there is no ready gateway %s", shape)
	}
	return Settings{
		Gateway: d, Values: valuesFor(shape, endpoint), Templates: []Approval{refund},
		ReceiptsURL: hooksURL + "/receipts/sms", RepliesURL: hooksURL + "/replies/sms", Clock: clock.NewVirtual(someDay), Random: rand.Reader,
	}
}

func hooksFor(shape smsgateway.Shape) smsgateway.Hooks {
	h := smsgateway.Hooks{Receipts: hooksURL + "/receipts/sms", Replies: hooksURL + "/replies/sms", User: "huiyin", Secret: hookSecret, Now: clock.NewVirtual(someDay).Now}
	if shape == smsgateway.Twilio {
		h.Secret = someSecret
	}
	return h
}

func connect(t testing.TB, shape smsgateway.Shape, o smsgateway.Options, change func(*Settings)) (*Channel, *smsgateway.Gateway) {
	t.Helper()
	o.Shape, o.Address, o.User, o.Secret = shape, "127.0.0.1:0", someUser, someSecret
	o.Log = filepath.Join(t.TempDir(), "wire.jsonl")
	g, err := smsgateway.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	s := settingsFor(t, shape, g.URL())
	if change != nil {
		change(&s)
	}
	c, err := New(s)
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

func seen(t testing.TB, g *smsgateway.Gateway) []smsgateway.Seen {
	t.Helper()
	lines, err := g.Seen()
	if err != nil {
		t.Fatal(err)
	}
	return lines
}

func yes(context.Context) error { return nil }

// inText carries the key in the text as well, for providers that take no key.
type inText struct{ *Channel }

func (c inText) Send(ctx context.Context, m channel.Message, look channel.LastLook) channel.Outcome {
	m.Text += " #" + m.Key
	return c.Channel.Send(ctx, m, look)
}

var modes = map[channeltest.Mode]smsgateway.Mode{
	channeltest.Accept: smsgateway.Accept, channeltest.Refuse: smsgateway.Refuse, channeltest.Busy: smsgateway.Busy,
	channeltest.TakeThenHang: smsgateway.TakeThenHang, channeltest.TakeThenDrop: smsgateway.TakeThenDrop,
	channeltest.TakeThenFail: smsgateway.TakeThenHTML, channeltest.Hang: smsgateway.Hang, channeltest.Drop: smsgateway.Drop,
}

func TestEveryShapeConformsToTheSuiteOfAllChannels(t *testing.T) {
	for _, shape := range shapes {
		t.Run(string(shape), func(t *testing.T) {
			t.Parallel()
			channeltest.Conformance(t, func(t *testing.T, s channeltest.Settings) *channeltest.Rig {
				c, g := connect(t, shape, smsgateway.Options{}, func(mine *Settings) {
					mine.InFlight, mine.SendTimeout = s.InFlight, s.SendTimeout
				})
				rig := &channeltest.Rig{
					Channel: c, Message: message(),
					Force: func(m channeltest.Mode) { g.Force(modes[m]) },
					Stop:  func() { _ = g.Close() }, // closed again, without effect, at the end
				}
				if shape == smsgateway.Twilio {
					rig.Channel, rig.Message.Template = inText{c}, ""
				}
				rig.Wire = func() []channeltest.Line {
					var lines []channeltest.Line
					for _, one := range seen(t, g) {
						if shape == smsgateway.Twilio {
							_, one.Key, _ = strings.Cut(one.Text, " #")
						}
						lines = append(lines, channeltest.Line{Key: one.Key, Taken: one.Taken})
					}
					return lines
				}
				return rig
			})
		})
	}
}

func TestWhatEachShapePutsOnTheWire(t *testing.T) {
	for shape, want := range map[smsgateway.Shape]map[string]string{
		smsgateway.CNCloud: {
			"PhoneNumbers": "13800000000", "SignName": "示例钱包", "TemplateCode": "SMS_1001", "OutId": "k-1",
			"TemplateParam": `{"amount":"12.30","link":"https://w.example/q/abc"}`, "Timestamp": "2026-11-22T08:00:00Z", "Action": "SendSms",
		},
		smsgateway.Twilio: {
			"To": "+8613800000000", "From": "+15550006789", "Body": message().Text, "StatusCallback": hooksURL + "/receipts/sms",
		},
		smsgateway.Plain: {"id": "k-1", "to": "+8613800000000", "text": message().Text, "language": "zh-CN", "purpose": "survey"},
	} {
		t.Run(string(shape), func(t *testing.T) {
			c, g := connect(t, shape, smsgateway.Options{}, nil)
			if o := c.Send(t.Context(), message(), yes); o.Result != channel.OK || o.Ref != "ref-1" {
				t.Fatalf("%+v", o)
			}
			got := seen(t, g)[0].Fields
			for name, value := range want {
				if got[name] != value {
					t.Errorf("%s is %q, want %q", name, got[name], value)
				}
			}
			if _, there := got["MessagingServiceSid"]; there {
				t.Error("an empty field was sent")
			}
		})
	}
}

func TestNothingButTheProvidersOwnYesCountsAsTaken(t *testing.T) {
	for _, shape := range shapes {
		for mode, want := range map[smsgateway.Mode]channel.Result{
			smsgateway.TakeThenHTML: channel.Unknown, smsgateway.TakeThenVoid: channel.Unknown, smsgateway.TakeThenFail: channel.Unknown,
			smsgateway.ErrorInside: channel.Unknown, smsgateway.TakeThenHang: channel.Unknown, smsgateway.HangThenTake: channel.Unknown,
			smsgateway.Delay: channel.OK, smsgateway.Refuse: channel.Rejected, smsgateway.Busy: channel.Rejected,
		} {
			t.Run(string(shape)+" "+string(mode), func(t *testing.T) {
				t.Parallel()
				c, g := connect(t, shape, smsgateway.Options{Hang: 30 * time.Second, Delay: time.Millisecond}, func(s *Settings) { s.SendTimeout = 250 * time.Millisecond })
				g.Force(mode)
				began := time.Now()
				o := c.Send(t.Context(), message(), yes)
				if o.Result != want || time.Since(began) > 5*time.Second {
					t.Errorf("after %v: %+v", time.Since(began), o)
				}
				if strings.Contains(o.Detail, "13800000000") {
					t.Errorf("the number stands in what is kept: %s", o.Detail)
				}
				if mode == smsgateway.Busy && (o.RetryAfter <= 0 || o.Reason != codes.ProviderBusy) || mode == smsgateway.Refuse && o.Reason != codes.AddressInvalid {
					t.Errorf("%+v", o)
				}
			})
		}
	}
}

func TestAWrongSecretLeavesTheMessageToBeTriedAgain(t *testing.T) {
	for _, shape := range shapes {
		c, g := connect(t, shape, smsgateway.Options{}, func(s *Settings) {
			for _, name := range []string{"access_key_secret", "auth_token", "token"} {
				if s.Values[name] != "" {
					s.Values[name] = "wrong"
				}
			}
		})
		if o := c.Send(t.Context(), message(), yes); o.Result != channel.Rejected || o.RetryAfter == 0 || o.Reason != codes.LoginRefused {
			t.Errorf("%s: %+v", shape, o)
		}
		if g.Taken() != 0 {
			t.Errorf("%s: it was taken all the same", shape)
		}
	}
}

func TestWhatCantBeSentNeverReachesTheWire(t *testing.T) {
	for name, test := range map[string]struct {
		shape  smsgateway.Shape
		change func(*channel.Message)
		reason codes.Reason
	}{
		"a number that is too short":              {smsgateway.Plain, func(m *channel.Message) { m.To = "12345" }, codes.AddressInvalid},
		"a number with spaces":                    {smsgateway.Plain, func(m *channel.Message) { m.To = "+86 138 0000 0000" }, codes.AddressInvalid},
		"a number of a country not served":        {smsgateway.CNCloud, func(m *channel.Message) { m.To = "+15550006789" }, codes.AddressInvalid},
		"a text of a megabyte":                    {smsgateway.Plain, func(m *channel.Message) { m.Text = strings.Repeat("长", 1<<20/3) }, codes.MessageTooLarge},
		"one character more than seven segments":  {smsgateway.Plain, func(m *channel.Message) { m.Text = strings.Repeat("长", 6*67+1) }, codes.MessageTooLarge},
		"a text without a signature":              {smsgateway.CNCloud, func(m *channel.Message) { m.Text = "您好" }, codes.ContentRejected},
		"a template the provider never saw":       {smsgateway.CNCloud, func(m *channel.Message) { m.Template = "other" }, codes.TemplateNotApproved},
		"a text of no template":                   {smsgateway.CNCloud, func(m *channel.Message) { m.Template = "" }, codes.TemplateNotApproved},
		"a language the provider never saw":       {smsgateway.CNCloud, func(m *channel.Message) { m.Language = "en" }, codes.TemplateNotApproved},
		"a text that isn't in the approved words": {smsgateway.CNCloud, func(m *channel.Message) { m.Text = "【示例钱包】您的退款到了" }, codes.TemplateNotApproved},
		"a key with a line break":                 {smsgateway.Plain, func(m *channel.Message) { m.Key = "a\nb" }, codes.RenderFailed},
	} {
		t.Run(name, func(t *testing.T) {
			c, g := connect(t, test.shape, smsgateway.Options{}, nil)
			m := message()
			test.change(&m)
			o := c.Send(t.Context(), m, func(context.Context) error { t.Error("the last look was taken"); return nil })
			if o.Result != channel.Rejected || o.RetryAfter != 0 || o.Reason != test.reason || o.Detail == "" {
				t.Errorf("%+v", o)
			}
			if len(seen(t, g)) != 0 {
				t.Error("it reached the wire")
			}
		})
	}
}

func TestAPreviewShowsTheRequestWithoutItsSecrets(t *testing.T) {
	for _, shape := range shapes {
		text, err := ours(t, shape).Preview(message())
		if err != nil || !strings.Contains(text, "POST /") || strings.Contains(text, someSecret) || strings.Contains(text, percent(someSecret)) ||
			strings.Contains(text, "QUsxMjM6") { // the beginning of the login in Base64
			t.Errorf("%s: %v\n%s", shape, err, text)
		}
		m := message()
		m.To = "12345"
		if _, err := ours(t, shape).Preview(m); err == nil {
			t.Error("a preview of what can't be sent")
		}
	}
}

func TestATemplateIsSentOnlyOnceTheProviderApprovedIt(t *testing.T) {
	for _, state := range []string{Approved, Pending, Declined} {
		c, _ := connect(t, smsgateway.Plain, smsgateway.Options{}, func(s *Settings) {
			a := refund
			a.State = state
			s.Templates = []Approval{a}
		})
		o := c.Send(t.Context(), message(), yes)
		if (o.Result == channel.OK) != (state == Approved) || (c.Approval("refund", "zh-CN") == "") != (state == Approved) {
			t.Errorf("%s: %+v", state, o)
		}
		if c.Approval("unlisted", "en") != "" {
			t.Error("a gateway that asks for no approval withholds a template")
		}
	}
}

func TestAKeyIsHonouredAndCanBeAskedAbout(t *testing.T) {
	c, g := connect(t, smsgateway.Plain, smsgateway.Options{KeyHours: 24}, nil)
	if a := c.Abilities(); a.Idempotency != 24*time.Hour || !a.LookUp || !a.Receipts {
		t.Errorf("%+v", a)
	}
	g.Force(smsgateway.TakeThenDrop)
	if o := c.Send(t.Context(), message(), yes); o.Result != channel.Unknown {
		t.Fatalf("%+v", o)
	}
	if o := c.LookUp(t.Context(), "k-1", ""); o.Result != channel.OK || o.Ref != "ref-1" {
		t.Errorf("a key that was taken: %+v", o)
	}
	if o := c.LookUp(t.Context(), "k-2", ""); o.Result != channel.Rejected || o.Reason != codes.LookUpNotFound {
		t.Errorf("a key nobody knows: %+v", o)
	}
	g.Force(smsgateway.Accept)
	if o := c.Send(t.Context(), message(), yes); o.Result != channel.OK || g.Taken() != 1 {
		t.Errorf("%+v, delivered %d times", o, g.Taken())
	}
	for _, shape := range []smsgateway.Shape{smsgateway.CNCloud, smsgateway.Twilio} {
		c, _ := connect(t, shape, smsgateway.Options{}, nil)
		if a := c.Abilities(); a.Idempotency != 0 || a.LookUp {
			t.Errorf("%s claims what its provider doesn't do: %+v", shape, a)
		}
		if o := c.LookUp(t.Context(), "k", ""); o.Result != channel.Unknown {
			t.Errorf("%+v", o)
		}
	}
}

func TestAQuestionThatIsPutOffSaysNothingOfTheMessage(t *testing.T) {
	for name, test := range map[string]struct {
		status int
		header map[string]string
		body   string
		rules  []rule
	}{
		"the login is refused":           {401, nil, `{}`, nil},
		"a proxy asks for a login":       {407, nil, `{}`, nil},
		"too many questions":             {429, map[string]string{"Retry-After": "7"}, `{}`, nil},
		"away for a while":               {503, map[string]string{"Retry-After": "9"}, `{}`, nil},
		"a transient rule":               {200, nil, `{"state":"busy"}`, []rule{{Rule: Rule{Status: []string{"200"}, Is: "transient"}, reason: codes.Undelivered}}},
		"a login refused by a rule":      {200, nil, `{}`, []rule{{Rule: Rule{Status: []string{"200"}, Is: "rejected"}, reason: codes.LoginRefused}}},
		"a provider that is busy by one": {200, nil, `{}`, []rule{{Rule: Rule{Status: []string{"200"}, Is: "rejected"}, reason: codes.ProviderBusy}}},
	} {
		t.Run(name, func(t *testing.T) {
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				for name, value := range test.header {
					w.Header().Set(name, value)
				}
				w.WriteHeader(test.status)
				_, _ = io.WriteString(w, test.body)
			}))
			defer s.Close()
			c, err := New(settingsFor(t, smsgateway.Plain, s.URL))
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			c.gateway.lookUp.answer.rules = append(test.rules, c.gateway.lookUp.answer.rules...)
			if o := c.LookUp(t.Context(), "k-1", ""); o.Result != channel.Unknown || o.RetryAfter != 0 {
				t.Errorf("%+v", o)
			}
		})
	}
}

func TestAQuestionThatIsPostedArrivesWhole(t *testing.T) {
	asked := make(chan string, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body) // what is missing is seen below
		asked <- r.Method + " " + string(body)
		_, _ = io.WriteString(w, `{"reference":"ref-9","state":"sent"}`)
	}))
	defer server.Close()
	text, _ := Source("plain")
	posted := strings.Replace(string(text), "method: GET\n  url: \"{endpoint}/messages/{key}\"", "method: POST\n  url: \"{endpoint}/asked\"\n  json: {id: \"{key}\"}", 1)
	document, err := Parse([]byte(posted))
	if err != nil {
		t.Fatal(err)
	}
	s := settingsFor(t, smsgateway.Plain, server.URL)
	s.Gateway = document
	c, err := New(s)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if o := c.LookUp(t.Context(), "k-1", ""); o.Result != channel.OK || o.Ref != "ref-9" {
		t.Fatalf("%+v", o)
	}
	if got := <-asked; got != `POST {"id":"k-1"}` {
		t.Error(got)
	}
}

func TestANationalNumberOfNoCountryIsTheWholeOne(t *testing.T) {
	m := message()
	if got := ours(t, smsgateway.Plain).vars(&m).value("to.national"); got != "8613800000000" {
		t.Error(got)
	}
}

func TestEveryAnswerIsReadAsTheDocumentSays(t *testing.T) {
	c, _ := connect(t, smsgateway.Twilio, smsgateway.Options{}, nil)
	for name, test := range map[string]struct {
		answer channel.HTTPAnswer
		want   channel.Result
		reason codes.Reason
		after  time.Duration
	}{
		"201 with sid and status":     {channel.HTTPAnswer{Status: 201, Body: []byte(`{"sid":"SM1","status":"queued"}`)}, channel.OK, codes.Accepted, 0},
		"201 without a sid":           {channel.HTTPAnswer{Status: 201, Body: []byte(`{"status":"queued"}`)}, channel.Unknown, codes.OutcomeUnknown, 0},
		"201 with half a body":        {channel.HTTPAnswer{Status: 201, Cut: true, Body: []byte(`{"sid":"SM1","status":"queued"}`)}, channel.Unknown, codes.OutcomeUnknown, 0},
		"201 with two bodies":         {channel.HTTPAnswer{Status: 201, Body: []byte(`{"sid":"SM1","status":"queued"}{}`)}, channel.Unknown, codes.OutcomeUnknown, 0},
		"200 with a failed status":    {channel.HTTPAnswer{Status: 200, Body: []byte(`{"sid":"SM1","status":"failed"}`)}, channel.Rejected, codes.ProviderRejected, 0},
		"200 with a status of theirs": {channel.HTTPAnswer{Status: 200, Body: []byte(`{"sid":"SM1","status":"pondering"}`)}, channel.Unknown, codes.OutcomeUnknown, 0},
		"400 with a known code":       {channel.HTTPAnswer{Status: 400, Body: []byte(`{"code":21610}`)}, channel.Rejected, codes.RefusedChannel, 0},
		"400 with a page":             {channel.HTTPAnswer{Status: 400, Body: []byte(`<html>`)}, channel.Rejected, codes.ProviderRejected, 0},
		"401":                         {channel.HTTPAnswer{Status: 401}, channel.Rejected, codes.LoginRefused, retryLogin},
		"429 with seconds":            {channel.HTTPAnswer{Status: 429, Header: http.Header{"Retry-After": {"7"}}}, channel.Rejected, codes.ProviderBusy, 7 * time.Second},
		"429 with a year":             {channel.HTTPAnswer{Status: 429, Header: http.Header{"Retry-After": {"31536000"}}}, channel.Rejected, codes.ProviderBusy, channel.RetryAfterMost},
		"503 with seconds":            {channel.HTTPAnswer{Status: 503, Header: http.Header{"Retry-After": {"9"}}}, channel.Rejected, codes.ProviderBusy, 9 * time.Second},
		"503 without":                 {channel.HTTPAnswer{Status: 503}, channel.Unknown, codes.OutcomeUnknown, 0},
		"302":                         {channel.HTTPAnswer{Status: 302}, channel.Unknown, codes.OutcomeUnknown, 0},
		"409":                         {channel.HTTPAnswer{Status: 409}, channel.Unknown, codes.OutcomeUnknown, 0},
		"200 and nothing":             {channel.HTTPAnswer{Status: 200}, channel.Unknown, codes.OutcomeUnknown, 0},
		"500 that says queued":        {channel.HTTPAnswer{Status: 500, Body: []byte(`{"sid":"SM1","status":"queued"}`)}, channel.Unknown, codes.OutcomeUnknown, 0},
	} {
		o := c.judge(&c.gateway.send.answer, test.answer, "+86138")
		if o.Result != test.want || o.Reason != test.reason || o.RetryAfter != test.after {
			t.Errorf("%s: %+v", name, o)
		}
	}
}
