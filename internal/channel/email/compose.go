package email

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"net/mail"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/huiyin/huiyin/internal/channel"
)

const (
	subjectLimitChars = 400
	headersMost       = 32
	keyLimitBytes     = 128
	addressLimitBytes = 254 // RFC 5321, 4.5.3.1.3
	lineLimitBytes    = 998 // RFC 5322, 2.1.1

	headerKey           = "X-Huiyin-Key"
	headerAutoSubmitted = "Auto-Submitted"
	headerUnsubscribe   = "List-Unsubscribe"
	headerOneClick      = "List-Unsubscribe-Post"
)

var (
	errControl = errors.New("holds control characters")
	errAddress = errors.New("is not a mail address")
)

// reserved are the headers that a message may not bring itself.
var reserved = map[string]bool{
	"from": true, "to": true, "cc": true, "bcc": true, "sender": true, "reply-to": true, "return-path": true,
	"subject": true, "date": true, "message-id": true, "mime-version": true, "content-type": true,
	"content-transfer-encoding": true, "content-disposition": true, "auto-submitted": true,
	"list-unsubscribe": true, "list-unsubscribe-post": true, "x-huiyin-key": true, "received": true,
}

// letter holds the buffers of one message under way.
type letter struct {
	built bytes.Buffer // headers and parts
	wire  bytes.Buffer // as it goes over the wire
}

// compose builds the whole message as it goes over the wire between DATA's
// answer and the closing dot. Nothing of the message can leave its place: what
// holds control characters is refused, except in the subject, where a template
// may well leave a line break and a blank does as well.
func (c *Channel) compose(l *letter, m *channel.Message) error {
	if !isToken(m.Key) || len(m.Key) > keyLimitBytes {
		return fmt.Errorf("the key %q can't stand in a Message-ID", m.Key)
	}
	b := &l.built
	b.Reset()
	header(b, "Date", c.clock.Now().UTC().Format(time.RFC1123Z))
	header(b, "MIME-Version", "1.0")
	header(b, "Message-ID", "<"+m.Key+"@"+c.settings.IDDomain+">")
	header(b, "From", c.fromHeader)
	if c.replyTo != nil {
		header(b, "Reply-To", c.replyToHeader)
	}
	header(b, "To", "<"+m.To+">")
	header(b, "Subject", words(oneLine(m.Subject)))
	header(b, headerKey, m.Key)
	header(b, headerAutoSubmitted, "auto-generated")
	if err := addUnsubscribe(b, m.Unsubscribe); err != nil {
		return err
	}
	if err := addHeaders(b, m.Headers); err != nil {
		return err
	}
	if m.HTML == "" {
		part(b, "text/plain", m.Text)
	} else {
		between := boundary(m)
		header(b, "Content-Type", `multipart/alternative; boundary="`+between+`"`)
		b.WriteString("\r\n--" + between + "\r\n")
		part(b, "text/plain", m.Text)
		b.WriteString("\r\n--" + between + "\r\n")
		part(b, "text/html", m.HTML)
		b.WriteString("\r\n--" + between + "--\r\n")
	}
	return dotted(&l.wire, b.Bytes())
}

// lineFeeds leaves one kind of line break: after a lone carriage return the
// quoted-printable writer of the standard library drops a later line feed.
func lineFeeds(s string) string {
	if !strings.Contains(s, "\r") {
		return s
	}
	return strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n")
}

// boundary makes a line that neither part holds. It follows from the message
// alone, so that the same attempt is the same mail.
func boundary(m *channel.Message) string {
	b := "huiyin-" + m.Key
	for strings.Contains(m.Text, b) || strings.Contains(m.HTML, b) {
		b += "-" // ends: the texts are finite
	}
	return b
}

// addUnsubscribe sets the headers of a one-click refusal. RFC 8058 allows the
// one click only on https.
func addUnsubscribe(b *bytes.Buffer, address string) error {
	if address == "" {
		return nil
	}
	u, err := url.Parse(address)
	if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" || strings.ContainsAny(address, "<> ,") {
		return errors.New("the address for refusals is not a web address")
	}
	header(b, headerUnsubscribe, "<"+u.String()+">")
	if u.Scheme == "https" {
		header(b, headerOneClick, "List-Unsubscribe=One-Click")
	}
	return nil
}

func addHeaders(b *bytes.Buffer, headers map[string]string) error {
	if len(headers) > headersMost {
		return fmt.Errorf("%d further headers; at most %d are possible", len(headers), headersMost)
	}
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		if !isToken(name) || reserved[strings.ToLower(name)] {
			return fmt.Errorf("the header %q can't be set by a message", name)
		}
		if err := noControl(headers[name]); err != nil {
			return fmt.Errorf("the header %q %w", name, err)
		}
		header(b, name, words(headers[name]))
	}
	return nil
}

// checkAddress refuses what isn't exactly one bare address in ASCII: addresses in
// other scripts need SMTPUTF8 on every server along the way, which nobody can promise.
func checkAddress(to string) error {
	if len(to) > addressLimitBytes || strings.ContainsAny(to, "<> ") {
		return errAddress
	}
	for i := range len(to) {
		if to[i] <= ' ' || to[i] >= 0x7f {
			return errAddress
		}
	}
	parsed, err := mail.ParseAddress(to)
	if err != nil || parsed.Name != "" || parsed.Address != to {
		return errAddress
	}
	return nil
}

// dotted doubles the dots at the beginnings of lines and adds the end of the
// message. It refuses line breaks other than CRLF and bytes above 127: they would
// let a text end its own message on servers that are lenient about line breaks.
func dotted(into *bytes.Buffer, message []byte) error {
	into.Reset()
	into.Grow(len(message) + len(message)/64 + 8)
	for len(message) > 0 {
		line, rest, ended := bytes.Cut(message, []byte{'\n'})
		if ended {
			if len(line) == 0 || line[len(line)-1] != '\r' {
				return errors.New("the message built holds a line that doesn't end as SMTP asks")
			}
			line = line[:len(line)-1]
		}
		if len(line) > lineLimitBytes {
			return fmt.Errorf("the message built holds a line of %d bytes; SMTP allows %d", len(line), lineLimitBytes)
		}
		for _, b := range line {
			if b >= 0x80 || b == '\r' || b == 0 {
				return errors.New("the message built holds a byte that SMTP doesn't allow")
			}
		}
		if len(line) > 0 && line[0] == '.' {
			into.WriteByte('.')
		}
		into.Write(line)
		into.WriteString("\r\n")
		message = rest
	}
	into.WriteString(".\r\n")
	return nil
}

// mostlyForeign reports whether base64 is shorter than quoted-printable: a
// Chinese text triples in the latter.
func mostlyForeign(text string) bool {
	foreign := 0
	for i := range len(text) {
		if text[i] >= 0x80 {
			foreign++
		}
	}
	return foreign*6 > len(text)
}

func oneLine(s string) string {
	s = strings.ToValidUTF8(s, "?")
	s = strings.Map(func(r rune) rune {
		if isControl(r) {
			return ' '
		}
		return r
	}, s)
	s = strings.TrimSpace(s)
	if chars := []rune(s); len(chars) > subjectLimitChars {
		return string(chars[:subjectLimitChars])
	}
	return s
}

func noControl(s string) error {
	if strings.ContainsFunc(s, isControl) {
		return errControl
	}
	return nil
}

func isControl(r rune) bool {
	return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' || r == unicode.ReplacementChar
}

// isToken reports whether s is made of characters that are safe in any header.
func isToken(s string) bool {
	for i := range len(s) {
		b := s[i]
		switch {
		case b >= 'a' && b <= 'z', b >= 'A' && b <= 'Z', b >= '0' && b <= '9', b == '-', b == '.', b == '_':
		default:
			return false
		}
	}
	return s != ""
}
