package email

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"net/textproto"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/huiyin/huiyin/internal/channel"
	"github.com/huiyin/huiyin/internal/platform/clock"
)

func composer(t testing.TB) *Channel {
	t.Helper()
	c, err := New(Settings{Server: "127.0.0.1:25", From: "示例钱包 <care@wallet.example>", ReplyTo: "help@wallet.example"}, clock.NewVirtual(someDay))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// parse reads what went over the wire as a mail server and a mail program would.
func parse(t interface{ Fatalf(string, ...any) }, wire []byte) (*mail.Message, string) {
	r := textproto.NewReader(bufio.NewReader(bytes.NewReader(wire)))
	plain, err := io.ReadAll(r.DotReader())
	if err != nil {
		t.Fatalf("the message has no end: %v", err)
	}
	if rest, _ := io.ReadAll(r.R); len(rest) != 0 {
		t.Fatalf("the message ends too early; %q comes after its end", rest)
	}
	m, err := mail.ReadMessage(bytes.NewReader(plain))
	if err != nil {
		t.Fatalf("not a message: %v\n%s", err, plain)
	}
	return m, string(plain)
}

func decoded(t interface{ Fatalf(string, ...any) }, encoding string, r io.Reader) string {
	switch encoding {
	case "base64":
		r = base64.NewDecoder(base64.StdEncoding, r)
	case "quoted-printable":
		r = quotedprintable.NewReader(r)
	}
	all, err := io.ReadAll(r)
	if err != nil {
		t.Fatalf("the body can't be decoded: %v", err)
	}
	return strings.ReplaceAll(string(all), "\r\n", "\n")
}

func TestAMailCarriesWhatItShould(t *testing.T) {
	m := letterTo("ann@example.com")
	m.Subject = "您有一笔付款未成功,已扣款项预计三个工作日内原路退回,请您放心,如有疑问请随时联系我们的客服人员"
	m.Unsubscribe = "https://wallet.example/u/abc?x=1"
	m.Headers = map[string]string{"X-Huiyin-At": "1999-02-03T09:12:13Z"}
	var l letter
	if err := composer(t).compose(&l, &m); err != nil {
		t.Fatal(err)
	}
	got, plain := parse(t, l.wire.Bytes())
	for name, want := range map[string]string{
		"To": "<ann@example.com>", "Reply-To": "<help@wallet.example>", "Date": "Wed, 03 Feb 1999 09:12:13 +0000",
		"Message-Id": "<k-1@wallet.example>", "X-Huiyin-Key": "k-1", "Auto-Submitted": "auto-generated", "X-Huiyin-At": "1999-02-03T09:12:13Z",
		"List-Unsubscribe": "<https://wallet.example/u/abc?x=1>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click", "Mime-Version": "1.0",
	} {
		if values := got.Header[name]; len(values) != 1 || values[0] != want {
			t.Errorf("%s: got %q, want %q once", name, values, want)
		}
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(got.Header.Get("Subject"))
	if err != nil || subject != m.Subject {
		t.Errorf("the subject reads %q (%v)", subject, err)
	}
	from, err := mail.ParseAddress(got.Header.Get("From"))
	if err != nil || from.Name != "示例钱包" || from.Address != "care@wallet.example" {
		t.Errorf("from %v (%v)", from, err)
	}
	if text := decoded(t, got.Header.Get("Content-Transfer-Encoding"), got.Body); text != m.Text {
		t.Errorf("the text reads %q", text)
	}
	for line := range strings.SplitSeq(plain, "\n") {
		if len(line) > 998 {
			t.Errorf("a line of %d bytes", len(line))
		}
	}
}

func TestAMailWithHTMLHoldsBothParts(t *testing.T) {
	m := letterTo("ann@example.com")
	m.Text = "--huiyin-k-1\nhello\n--huiyin-k-1--\n" // as if somebody knew the boundary
	m.HTML = "<p>您好 &amp; hello</p>\n"
	var l letter
	if err := composer(t).compose(&l, &m); err != nil {
		t.Fatal(err)
	}
	got, _ := parse(t, l.wire.Bytes())
	kind, parameters, err := mime.ParseMediaType(got.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/alternative" {
		t.Fatalf("%s, %v", kind, err)
	}
	parts := multipart.NewReader(got.Body, parameters["boundary"])
	for _, want := range []struct{ kind, text string }{{"text/plain; charset=UTF-8", m.Text}, {"text/html; charset=UTF-8", m.HTML}} {
		part, err := parts.NextRawPart()
		if err != nil {
			t.Fatal(err)
		}
		if got := part.Header.Get("Content-Type"); got != want.kind {
			t.Errorf("got a part %s, want %s", got, want.kind)
		}
		if text := decoded(t, part.Header.Get("Content-Transfer-Encoding"), part); text != want.text {
			t.Errorf("the part reads %q", text)
		}
	}
	if _, err := parts.NextRawPart(); !errors.Is(err, io.EOF) {
		t.Errorf("another part: %v", err)
	}
}

func TestARefusalLinkWithoutHTTPSGetsNoOneClick(t *testing.T) {
	m := letterTo("ann@example.com")
	m.Unsubscribe = "http://localhost:8080/u/abc"
	var l letter
	if err := composer(t).compose(&l, &m); err != nil {
		t.Fatal(err)
	}
	got, _ := parse(t, l.wire.Bytes())
	if got.Header.Get("List-Unsubscribe") == "" || got.Header.Get("List-Unsubscribe-Post") != "" {
		t.Errorf("%v", got.Header)
	}
}

func TestNothingCanBeSmuggledIntoAMail(t *testing.T) {
	for name, spoil := range map[string]func(*channel.Message){
		"a line break in the key":            func(m *channel.Message) { m.Key = "k\r\nBcc: eve@example.com" },
		"an empty key":                       func(m *channel.Message) { m.Key = "" },
		"a line break in a header":           func(m *channel.Message) { m.Headers = map[string]string{"X-A": "a\r\nBcc: eve@example.com"} },
		"a lone line feed in a header":       func(m *channel.Message) { m.Headers = map[string]string{"X-A": "a\nBcc: eve@example.com"} },
		"a line break in a header's name":    func(m *channel.Message) { m.Headers = map[string]string{"X-A: a\r\nBcc": "eve@example.com"} },
		"a recipient as a header":            func(m *channel.Message) { m.Headers = map[string]string{"bCC": "eve@example.com"} },
		"a line longer than a server takes":  func(m *channel.Message) { m.Headers = map[string]string{"X-A": strings.Repeat("a", 2_000)} },
		"another content type":               func(m *channel.Message) { m.Headers = map[string]string{"Content-Type": "text/html"} },
		"a line break in the refusal link":   func(m *channel.Message) { m.Unsubscribe = "https://a.example/\r\nBcc: eve@example.com" },
		"an angle bracket in the link":       func(m *channel.Message) { m.Unsubscribe = "https://a.example/>,<mailto:eve@example.com" },
		"a refusal link that is no web link": func(m *channel.Message) { m.Unsubscribe = "javascript:alert(1)" },
	} {
		t.Run(name, func(t *testing.T) {
			m := letterTo("ann@example.com")
			spoil(&m)
			var l letter
			if err := composer(t).compose(&l, &m); err == nil {
				t.Errorf("it was let through:\n%s", l.wire.String())
			}
		})
	}
}

func TestAddressesThatAreNotOneBareAddressAreRefused(t *testing.T) {
	for _, bad := range []string{
		"", "ann", "ann@", "@example.com", "ann@example.com\r\nRCPT TO:<eve@example.com>", "ann@example.com\n", "Ann <ann@example.com>", "<ann@example.com>",
		"ann@example.com, eve@example.com", "ann@example.com>\r\nDATA", "安@example.com", "ann@例子.中国", "ann @example.com", "ann@example.com SIZE=1",
		strings.Repeat("a", 250) + "@example.com", "\x00ann@example.com", "ann(comment)@example.com",
	} {
		if checkAddress(bad) == nil {
			t.Errorf("%q was let through", bad)
		}
	}
	for _, good := range []string{"ann@example.com", "a.b+c_d-e@mail.example.co", "o'neill@example.com"} {
		if err := checkAddress(good); err != nil {
			t.Errorf("%q was refused: %v", good, err)
		}
	}
}

// Whatever the texts hold, the message has one end, exactly our headers, and says what it was given.
func TestAnyTextArrivesAsItWasWritten(t *testing.T) {
	c := composer(t)
	line := rapid.OneOf(rapid.String(), rapid.StringMatching(`[. \r\n=-]{0,80}`), rapid.SampledFrom([]string{".", "\r\n.\r\n", "\n.\n", "\r.\r", "\r\n.\r\nMAIL FROM:<e@e>\r\n", "From here", "--huiyin-k-1", "--huiyin-k-1--"}))
	rapid.Check(t, func(t *rapid.T) {
		m := channel.Message{
			Key: "k-1", To: "ann@example.com", Subject: line.Draw(t, "subject"),
			Text: strings.Join(rapid.SliceOfN(line, 1, 5).Draw(t, "text"), "\n"),
		}
		if rapid.Bool().Draw(t, "html") {
			m.HTML = "<p>" + line.Draw(t, "html text")
		}
		var l letter
		if err := c.compose(&l, &m); err != nil {
			t.Fatalf("refused: %v", err)
		}
		got, plain := parse(t, l.wire.Bytes())
		if len(got.Header) < 10 || len(got.Header) > 11 {
			t.Fatalf("headers that nobody set, or too few: %v\n%s", got.Header, plain)
		}
		if m.HTML != "" {
			return
		}
		text := decoded(t, got.Header.Get("Content-Transfer-Encoding"), got.Body)
		if got.Header.Get("Content-Transfer-Encoding") == "base64" {
			text = strings.TrimSuffix(text, "\n")
		}
		if want := lines(m.Text); lines(text) != want {
			t.Fatalf("got %q, want %q", text, want)
		}
	})
}

// lines takes away what a text loses on its way: the kind of its line breaks, and the last one.
func lines(s string) string {
	s = strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n")
	return strings.TrimRight(s, "\n")
}

func FuzzDotted(f *testing.F) {
	for _, seed := range []string{"", ".", "a\r\n", ".\r\n", "a\r\n.\r\nb", "a\n.\n", "a\r.\r", "\r\n..\r\n\r\n"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, message []byte) {
		var wire bytes.Buffer
		if dotted(&wire, message) != nil {
			return
		}
		r := textproto.NewReader(bufio.NewReader(&wire))
		got, err := io.ReadAll(r.DotReader())
		if err != nil {
			t.Fatal(err)
		}
		if rest, _ := io.ReadAll(r.R); len(rest) != 0 {
			t.Fatalf("%q comes after the end", rest)
		}
		want := strings.ReplaceAll(string(message), "\r\n", "\n")
		if want != "" && !strings.HasSuffix(want, "\n") {
			want += "\n"
		}
		if string(got) != want {
			t.Fatalf("got %q, want %q", got, want)
		}
	})
}

func TestTheDateIsTheClocks(t *testing.T) {
	now := clock.NewVirtual(someDay)
	c, err := New(Settings{Server: "127.0.0.1:25", From: "care@wallet.example"}, now)
	if err != nil {
		t.Fatal(err)
	}
	now.Advance(48 * time.Hour)
	m := letterTo("ann@example.com")
	var l letter
	if err := c.compose(&l, &m); err != nil {
		t.Fatal(err)
	}
	if got, _ := parse(t, l.wire.Bytes()); got.Header.Get("Date") != "Fri, 05 Feb 1999 09:12:13 +0000" {
		t.Error(got.Header.Get("Date"))
	}
}
