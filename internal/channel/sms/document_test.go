package sms

import (
	"strings"
	"testing"

	"github.com/huiyin/huiyin/internal/channel"
	"github.com/huiyin/huiyin/internal/platform/errs"
	"github.com/huiyin/huiyin/test/fake/smsgateway"
)

func TestEveryReadyGatewayIsSound(t *testing.T) {
	if got := strings.Join(Ready(), " "); got != "cn-cloud plain twilio" {
		t.Errorf("ready are %s", got)
	}
	for _, name := range Ready() {
		text, _ := Source(name)
		d, err := Parse(text)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if again, ok := Named(name); d.Name != name || !ok || again.Name != name {
			t.Errorf("%s calls itself %s", name, d.Name)
		}
	}
	for _, name := range []string{"", "nobody", "../doc", "../../../etc/passwd"} {
		if _, ok := Named(name); ok {
			t.Errorf("there is a gateway %q", name)
		}
	}
}

func TestWhatIsWrongWithADocumentIsSaidWithItsPlace(t *testing.T) {
	good, _ := Source("plain")
	for name, test := range map[string]struct{ old, new, path, says string }{
		"another kind":                  {"kind: SMSGateway", "kind: Program", "kind", "SMSGateway"},
		"a key nobody knows":            {"limits:", "limit:", "", "line 15"},
		"a name in capitals":            {"name: plain", "name: Plain", "name", "small letters"},
		"half a title":                  {", en: Plain JSON gateway}", "}", "title", "zh-CN and en"},
		"a setting of a reserved name":  {"  token:\n    about", "  text:\n    about", "settings.text", "can't be called"},
		"a name in braces unknown":      {`to: "{to}"`, `to: "{too}"`, "send.json.to", "{too}"},
		"an open brace":                 {`to: "{to}"`, `to: "{to"`, "send.json.to", "brace"},
		"an unknown filter":             {`to: "{to}"`, `to: "{to|shout}"`, "send.json.to", "shout"},
		"nobody to send to":             {`to: "{to}", `, "", "send", "whom"},
		"nothing to send":               {`text: "{text}", `, "", "send", "no text"},
		"a method it can't do":          {"method: POST", "method: PUT", "send.method", "GET or POST"},
		"a method that may be repeated": {"method: POST", "method: GET", "send", "a GET neither"},
		"a national number only signed": {`sign: {kind: bearer, token: "{token}"}`, `sign: {kind: hmac, hash: sha256, encoding: hex, header: X-S, key: "{token}", text: "{to.national}"}`, "numbers.country_codes", "exactly one"},
		"a national number as the key":  {`sign: {kind: bearer, token: "{token}"}`, `sign: {kind: hmac, hash: sha256, encoding: hex, header: X-S, key: "{to.national}", text: "{body}"}`, "numbers.country_codes", "exactly one"},
		"one in the signature's header": {`sign: {kind: bearer, token: "{token}"}`, `sign: {kind: hmac, hash: sha256, encoding: hex, header: X-S, key: "{token}", text: "{body}", value: "{to.national} {signed}"}`, "numbers.country_codes", "exactly one"},
		"a GET of a message":            {"method: POST\n  url: \"{endpoint}/messages\"\n  headers: {Idempotency-Key: \"{key}\"}\n  json: {id", "method: GET\n  url: \"{endpoint}/messages\"\n  query: {id", "send.method", "write POST"},
		"no address":                    {`url: "{endpoint}/messages"`, `url: ""`, "send.url", "no url"},
		"a header of HTTP's own":        {"headers: {Idempotency-Key:", "headers: {Host:", "send.headers", "Host"},
		"keys honoured and not sent":    {`id: "{key}", `, "", "", ""}, // the header still carries it
		"a status alone for ok":         {"{status: [2xx], path: state, values: [accepted, sent, delivered], is: ok}", "{status: [2xx], is: ok}", "send.answer.rules[0]", "page of a proxy"},
		"ok beyond 2xx":                 {"{status: [2xx], path: state, values: [accepted, sent, delivered], is: ok}", "{status: [4xx], path: state, values: [accepted], is: ok}", "send.answer.rules[0].status", "2xx"},
		"a status that is none":         {"status: [2xx]", "status: [2x]", "send.answer.rules[0].status", "2x"},
		"an outcome that is none":       {"is: transient", "is: maybe", "send.answer.rules[1].is", "maybe"},
		"a reason that is none":         {"reason: address-invalid", "reason: bad-luck", "send.answer.rules[2].reason", "bad-luck"},
		"a hash that is none":           {"hash: sha256", "hash: md5", "receipts.verify.hash", "md5"},
		"receipts that prove nothing":   {"    kind: hmac\n", "    kind: none\n", "receipts.verify", "anybody"},
		"a status of receipts unknown":  {"statuses: {delivered:", "statuses: {arrived:", "receipts.statuses", "arrived"},
		"an unreadable duration":        {"idempotency: 24h", "idempotency: soon", "", "soon"},
		"segments beyond reason":        {"segments: 6", "segments: 99", "limits.segments", "99"},
		"a question that names none":    {`url: "{endpoint}/messages/{key}"`, `url: "{endpoint}/messages"`, "lookup", "{key}"},
		"a question put off":            {"values: [rejected], is: rejected}\n      - {status: [\"404\"]", "values: [rejected], is: transient}\n      - {status: [\"404\"]", "lookup.answer.rules[1].is", "puts the question off"},
		"two documents":                 {"replies:\n", "---\nreplies:\n", "", "more than one"},
		"no rule for ok":                {"values: [accepted, sent, delivered], is: ok", "values: [accepted], is: unknown", "send.answer.rules", "no rule says ok"},
	} {
		t.Run(name, func(t *testing.T) {
			text := strings.Replace(string(good), test.old, test.new, 1)
			if text == string(good) {
				t.Fatal("the document does not hold what is to be spoilt")
			}
			_, err := Parse([]byte(text))
			if test.says == "" {
				if err != nil {
					t.Errorf("it is sound, yet: %v", err)
				}
				return
			}
			e, ours := errs.As(err)
			if !ours || e.Path != test.path || !strings.Contains(e.Text, test.says) {
				t.Errorf("%v", err)
			}
		})
	}
	if _, err := Parse(make([]byte, DocumentBytesMax+1)); errs.KindOf(err) != errs.TooLarge {
		t.Error(err)
	}
	if _, err := Parse(nil); err == nil {
		t.Error("an empty document was taken")
	}
}

func TestWhatIsWrongWithTheSettingsIsSaid(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*Settings)
		path   string
	}{
		"no gateway":            {func(s *Settings) { s.Gateway = nil }, "gateway"},
		"a secret left out":     {func(s *Settings) { delete(s.Values, "token") }, "token"},
		"a setting it lacks":    {func(s *Settings) { s.Values["tokn"] = "x" }, "tokn"},
		"a line break":          {func(s *Settings) { s.Values["token"] = "a\r\nX: y" }, "token"},
		"an address that isn't": {func(s *Settings) { s.Values["endpoint"] = "gateway" }, "send.url"},
		"a login in it":         {func(s *Settings) { s.Values["endpoint"] = "http://a:b@gateway.example" }, "send.url"},
		"too many at once":      {func(s *Settings) { s.InFlight = 5_000 }, "in_flight"},
		"a state that is none":  {func(s *Settings) { s.Templates[0].State = "perhaps" }, "templates[0].state"},
		"a template twice":      {func(s *Settings) { s.Templates = append(s.Templates, refund) }, "templates[1]"},
		"a variable twice":      {func(s *Settings) { s.Templates[0].Wording = "{a}{a}" }, "templates[0].wording"},
	} {
		s := settingsFor(t, smsgateway.Plain, "http://127.0.0.1:1")
		test.change(&s)
		_, err := New(s)
		if e, ours := errs.As(err); !ours || e.Path != test.path || strings.Contains(e.Text, someSecret) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAnApprovedWordingGivesItsParameters(t *testing.T) {
	for wording, test := range map[string]struct{ text, want string }{
		"您的退款{amount}元已到账": {"您的退款12.30元已到账", `{"amount":"12.30"}`},
		"{a}与{b}":          {"甲与乙与丙", `{"a":"甲","b":"乙与丙"}`},
		"没有变量":             {"没有变量", `{}`},
		"价格 (1+1) [{n}] 完": {"价格 (1+1) [2] 完", `{"n":"2"}`},
		"引号{x}":            {"引号\"<&>\n", `{"x":"\"<&>\n"}`},
		"您的退款{amount}元已到账,请评价": {"您的退款12.30元已到账", ""},
		"abc": {"abcd", ""},
	} {
		form, err := wordingForm(wording)
		if err != nil {
			t.Fatal(err)
		}
		got, ok := (&approval{wording: form}).parameters(test.text)
		if ok != (test.want != "") || got != test.want {
			t.Errorf("%s: %q, %v", wording, got, ok)
		}
	}
}

func TestSegmentsAreCountedAsProvidersCount(t *testing.T) {
	for name, test := range map[string]struct {
		text     string
		n        int
		alphabet Alphabet
	}{
		"nothing":                               {"", 0, GSM7},
		"160 of GSM-7":                          {strings.Repeat("a", 160), 1, GSM7},
		"161 of GSM-7":                          {strings.Repeat("a", 161), 2, GSM7},
		"306 of GSM-7":                          {strings.Repeat("a", 306), 2, GSM7},
		"307 of GSM-7":                          {strings.Repeat("a", 307), 3, GSM7},
		"80 euros take 160":                     {strings.Repeat("€", 80), 1, GSM7},
		"81 euros":                              {strings.Repeat("€", 81), 2, GSM7},
		"a brace isn't cut in two":              {strings.Repeat("a", 152) + "{" + strings.Repeat("a", 152), 3, GSM7},
		"70 of UCS-2":                           {strings.Repeat("长", 70), 1, UCS2},
		"71 of UCS-2":                           {strings.Repeat("长", 71), 2, UCS2},
		"134 of UCS-2":                          {strings.Repeat("长", 134), 2, UCS2},
		"135 of UCS-2":                          {strings.Repeat("长", 135), 3, UCS2},
		"one Chinese character changes all":     {strings.Repeat("a", 70) + "长", 2, UCS2},
		"35 faces take 70":                      {strings.Repeat("🙂", 35), 1, UCS2},
		"36 faces":                              {strings.Repeat("🙂", 36), 2, UCS2},
		"a face isn't cut in two":               {strings.Repeat("长", 66) + "🙂" + strings.Repeat("长", 66), 3, UCS2},
		"a backtick is not in GSM-7":            {"`", 1, UCS2},
		"Greek capitals and accents are in it":  {"ΔΦΓ éèù Ñ ß", 1, GSM7},
		"a typographer's apostrophe is not one": {"it’s", 1, UCS2},
	} {
		if n, alphabet := Segments(test.text, false); n != test.n || alphabet != test.alphabet {
			t.Errorf("%s: %d in %s", name, n, alphabet)
		}
	}
	if n, alphabet := Segments(strings.Repeat("a", 71), true); n != 2 || alphabet != UCS2 {
		t.Errorf("where all counts as UCS-2, 71 letters are %d in %s", n, alphabet)
	}
}

func FuzzParse(f *testing.F) {
	for _, name := range Ready() {
		text, _ := Source(name)
		f.Add(string(text))
	}
	f.Add("kind: SMSGateway\nsend: {json: [[[[[[[[[[[{to}]]]]]]]]]]]}")
	f.Add("a: &a [*a, *a]")
	f.Fuzz(func(t *testing.T, text string) {
		d, err := Parse([]byte(text))
		if err != nil {
			return
		}
		values := map[string]string{}
		for name := range d.Settings {
			values[name] = "http://gateway.example"
		}
		c, err := New(Settings{Gateway: d, Values: values, Clock: nil})
		if err == nil {
			c.Close()
		}
	})
}

func FuzzJudge(f *testing.F) {
	f.Add(201, []byte(`{"sid":"SM1","status":"queued"}`), "3")
	f.Add(200, []byte(`<!doctype html>`), "")
	f.Add(429, []byte(`[[[[`), "99999999999999999999")
	c := ours(f, smsgateway.Twilio)
	f.Fuzz(func(t *testing.T, status int, body []byte, after string) {
		if status < 100 || status > 599 {
			return
		}
		o := c.judge(&c.gateway.send.answer, channel.HTTPAnswer{Status: status, Body: body, Header: map[string][]string{"Retry-After": {after}}}, "+8613800000000")
		if o.Result == channel.OK && (status/100 != 2 || o.Ref == "") || o.Result != channel.Rejected && o.RetryAfter != 0 || o.RetryAfter > channel.RetryAfterMost || o.Result == channel.Withheld {
			t.Fatalf("%d %q: %+v", status, body, o)
		}
	})
}

func FuzzHooks(f *testing.F) {
	for _, shape := range shapes {
		h := hooksFor(shape)
		for _, post := range []smsgateway.Post{h.Receipt(shape, "k", "r", "+1", true), h.Reply(shape, "1", "+8613800000000", "TD")} {
			f.Add(string(post.Body))
		}
	}
	f.Add(`{"receipts":[{"id":"a","state":"delivered","at":"x"}],"replies":[null,1,[]]}`)
	var all []*Channel
	for _, shape := range shapes {
		c := ours(f, shape)
		c.gateway.receipts.verify, c.gateway.replies.verify = signer{kind: "basic"}, signer{kind: "basic"} // what stands behind the signature
		all = append(all, c)
	}
	header := map[string][]string{"Authorization": {"Basic Og=="}}
	f.Fuzz(func(t *testing.T, body string) {
		for _, c := range all {
			receipts, _ := c.ReadReceipts(header, []byte(body))
			for _, r := range receipts {
				if r.Key == "" && r.Ref == "" || r.Status == "" {
					t.Fatalf("%+v", r)
				}
			}
			replies, _ := c.ReadReplies(header, []byte(body))
			for _, r := range replies {
				if r.ID == "" || r.From == "" {
					t.Fatalf("%+v", r)
				}
			}
		}
	})
}
