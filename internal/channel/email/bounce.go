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

	"github.com/huiyin/huiyin/internal/channel"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/errs"
)

const (
	bounceBytesMost = 2 << 20
	partBytesMost   = 256 << 10 // read of one part; a returned message may be longer
	partsMost       = 32
	depthMost       = 4
	groupsMost      = 32 // recipients of one report
	keysMost        = 8
)

var _ channel.BounceReader = (*Channel)(nil)

// ReadBounce reads a mail that came back: a report of delivery (RFC 3464) or a complaint
// (RFC 5965). to is the address it was sent to, if that is known: the return path we gave.
// It believes nothing: what is found under a key counts only if the key is one of ours.
func (c *Channel) ReadBounce(raw []byte, to string) (channel.Bounce, error) {
	if len(raw) > bounceBytesMost {
		return channel.Bounce{}, errs.New(errs.TooLarge, codes.BodyTooLarge, "the mail has %d bytes; %d are the most", len(raw), bounceBytesMost)
	}
	m, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		return channel.Bounce{}, errs.New(errs.Invalid, codes.BounceUnreadable, "this is no mail; post the whole message as it came, headers first").Because(err)
	}
	r := &bounceReader{}
	r.address(to)
	for _, name := range []string{"X-Original-To", "Delivered-To", "To"} {
		r.address(m.Header.Get(name))
	}
	r.part(textproto.MIMEHeader(m.Header), m.Body, 0)
	b := r.bounce()
	if b.Kind == channel.NoBounce {
		return b, errs.New(errs.Invalid, codes.BounceUnreadable, "this mail is neither a report of delivery nor a complaint")
	}
	return b, nil
}

// bounceReader gathers what a mail says as its parts are walked.
type bounceReader struct {
	keys      []string
	parts     int
	found     recipient
	complains bool
}

// recipient is what a report says of one address.
type recipient struct {
	action     string
	status     [3]int
	diagnostic string
}

// address takes the key out of a return path of ours: what stands between + and @.
func (r *bounceReader) address(text string) {
	local, _, ok := strings.Cut(text, "@")
	if _, key, plus := strings.Cut(local, "+"); ok && plus {
		r.key(key)
	}
}

func (r *bounceReader) key(key string) {
	key = strings.ToLower(strings.TrimSpace(key)) // a server on the way may have changed its case
	if isToken(key) && len(key) <= keyLimitBytes && len(r.keys) < keysMost {
		r.keys = append(r.keys, key)
	}
}

func (r *bounceReader) part(h textproto.MIMEHeader, body io.Reader, depth int) {
	if r.parts++; r.parts > partsMost || depth > depthMost {
		return
	}
	kind, params, err := mime.ParseMediaType(h.Get("Content-Type"))
	if err != nil {
		return
	}
	body = transferred(h.Get("Content-Transfer-Encoding"), body)
	switch kind {
	case "message/delivery-status", "message/global-delivery-status":
		r.report(body)
	case "message/feedback-report":
		r.feedback(body)
	case "message/rfc822", "message/global", "text/rfc822-headers", "message/rfc822-headers", "message/global-headers":
		r.returned(body)
	default:
		if !strings.HasPrefix(kind, "multipart/") || params["boundary"] == "" {
			return
		}
		for all := multipart.NewReader(body, params["boundary"]); ; {
			p, err := all.NextRawPart()
			if err != nil || r.parts > partsMost {
				return // a report that breaks off counts by what came before
			}
			r.part(p.Header, p, depth+1)
		}
	}
}

func transferred(encoding string, body io.Reader) io.Reader {
	switch strings.ToLower(strings.TrimSpace(encoding)) {
	case "base64":
		return base64.NewDecoder(base64.StdEncoding, body)
	case "quoted-printable":
		return quotedprintable.NewReader(body)
	default:
		return body
	}
}

// groups reads blocks of header fields parted by empty lines.
func groups(body io.Reader) []textproto.MIMEHeader {
	in := textproto.NewReader(bufio.NewReader(io.LimitReader(body, partBytesMost)))
	var all []textproto.MIMEHeader
	for len(all) < groupsMost {
		h, err := in.ReadMIMEHeader()
		if len(h) > 0 {
			all = append(all, h)
		}
		if err != nil {
			return all
		}
	}
	return all
}

// report keeps the worst that is said of a recipient: a failure before a delay before a success.
func (r *bounceReader) report(body io.Reader) {
	rank := map[string]int{"delivered": 1, "delayed": 2, "failed": 3}
	for _, g := range groups(body) {
		one := recipient{action: strings.ToLower(firstWord(g.Get("Action"))), diagnostic: g.Get("Diagnostic-Code")}
		if rank[one.action] <= rank[r.found.action] {
			continue
		}
		one.status = statusOf(firstWord(g.Get("Status")), one.diagnostic)
		r.found = one
	}
}

func firstWord(s string) string {
	word, _, _ := strings.Cut(strings.TrimSpace(s), " ")
	word, _, _ = strings.Cut(word, ";")
	return strings.TrimSpace(word)
}

// statusOf reads the enhanced code; where the report says only that it failed (5.0.0), the
// server's own words may say more.
func statusOf(text, diagnostic string) [3]int {
	_, status := cutEnhanced(text, leading(text), [3]int{})
	if status[1] != 0 || status[2] != 0 {
		return status
	}
	_, said, _ := strings.Cut(diagnostic, ";")
	said = strings.TrimSpace(said)
	code, rest, _, ok := cutReply(said)
	if !ok {
		return status
	}
	if _, better := cutEnhanced(rest, code, [3]int{}); better != [3]int{} {
		return better
	}
	if (code == 550 || code == 551) && namesMailbox(rest) {
		return [3]int{5, 1, 1}
	}
	return status
}

// leading makes of 5.1.1 a code that cutEnhanced takes it for.
func leading(text string) int {
	if text == "" || text[0] < '2' || text[0] > '5' {
		return 0
	}
	return int(text[0]-'0') * 100
}

func (r *bounceReader) feedback(body io.Reader) {
	for _, g := range groups(body) {
		switch strings.ToLower(firstWord(g.Get("Feedback-Type"))) {
		case "abuse", "fraud", "opt-out", "opt-out-list", "miscategorized", "other", "virus":
			r.complains = true
		}
		for _, name := range []string{"Original-Mail-From", "Original-Rcpt-To"} {
			r.address(strings.Trim(g.Get(name), "<> "))
		}
	}
}

// returned finds our key in the headers of the message that came back.
func (r *bounceReader) returned(body io.Reader) {
	h, err := textproto.NewReader(bufio.NewReader(io.LimitReader(body, partBytesMost))).ReadMIMEHeader()
	if err != nil && !errors.Is(err, io.EOF) && len(h) == 0 {
		return
	}
	r.address(strings.Trim(h.Get("Return-Path"), "<> "))
	r.key(h.Get(headerKey))
	local, _, _ := strings.Cut(strings.Trim(h.Get("Message-Id"), "<> "), "@")
	r.key(local)
}

func (r *bounceReader) bounce() channel.Bounce {
	b := channel.Bounce{Keys: r.keys, Detail: channel.Detail(r.found.diagnostic, "")}
	switch {
	case r.complains:
		b.Kind, b.Reason = channel.Complained, codes.MarkedAsSpam
	case r.found.action == "failed":
		b.Kind, b.Reason = channel.Failed, reasonForGood(atRecipient, reply{code: 550, enhanced: r.found.status})
		if r.found.status[0] == 4 || r.found.status == [3]int{} {
			b.Reason = codes.Undelivered // it was tried until the server gave up
		} else if b.Reason == codes.MailboxUnknown || b.Reason == codes.AddressInvalid {
			b.Kind = channel.NoSuchAddress
		}
	case r.found.action == "delayed":
		b.Kind, b.Reason = channel.Delayed, codes.ProviderBusy
	case r.found.action == "delivered":
		b.Kind, b.Reason = channel.Arrived, codes.Delivered
	}
	return b
}
