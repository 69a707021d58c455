package sms

import (
	"crypto/hmac"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/huiyin/huiyin/internal/channel"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/errs"
)

const (
	hookBytesMax     = 2 << 20
	hookItemsMax     = 10_000
	hookTextBytesMax = 16 << 10 // of a reply
	hookNameBytesMax = 200      // of a key, reference or address
	defaultTolerance = 5 * time.Minute
	toleranceMost    = 24 * time.Hour

	passing = "passing" // a status that says nothing new
)

// hook is one kind of post ready for use.
type hook struct {
	Hook
	verify   signer
	statuses map[string]channel.Status // the provider's words; empty: passing
	reasons  map[string]codes.Reason
	zone     *time.Location
}

func (c *compiler) receipts(h *Hook) *hook {
	if h == nil {
		return nil
	}
	out := c.common("receipts", h)
	if h.Key == "" && h.Ref == "" {
		c.wrong("receipts", "say where a receipt names the message: `key`, `ref` or both")
	}
	if h.Status == "" || len(h.Statuses) == 0 {
		c.wrong("receipts.status", "say where the status is, and in `statuses` which words mean what")
	}
	for _, status := range slices.Sorted(maps.Keys(h.Statuses)) {
		ours := channel.Status(status)
		if status == passing {
			ours = ""
		} else if ours != channel.Delivered && ours != channel.Seen && ours != channel.Undelivered {
			c.wrong("receipts.statuses", "there is no status %q; there are delivered, seen, undelivered and passing", status)
		}
		for _, word := range h.Statuses[status] {
			out.statuses[word] = ours
		}
	}
	for _, reason := range slices.Sorted(maps.Keys(h.Reasons)) {
		if !slices.Contains(ruleReasons, codes.Reason(reason)) {
			c.wrong("receipts.reasons", "%q is no reason a document may give; there are %s", reason, joined(ruleReasons))
		}
		for _, code := range h.Reasons[reason] {
			out.reasons[code] = codes.Reason(reason)
		}
	}
	return out
}

func (c *compiler) replies(h *Hook) *hook {
	if h == nil {
		return nil
	}
	out := c.common("replies", h)
	if h.ID == "" || h.From == "" || h.Text == "" {
		c.wrong("replies", "say where a reply has its `id` (by which a second copy is known), its `from` and its `text`")
	}
	return out
}

func (c *compiler) common(path string, h *Hook) *hook {
	out := &hook{Hook: *h, statuses: map[string]channel.Status{}, reasons: map[string]codes.Reason{}, zone: time.UTC}
	if h.Body != "json" && h.Body != "form" {
		c.wrong(path+".body", "the body is %q; write json or form", h.Body)
	}
	if h.Body == "form" && h.List != "" {
		c.wrong(path+".list", "a form holds no list")
	}
	out.verify = c.signer(path+".verify", &h.Verify, nil)
	if out.verify.kind == "none" {
		c.wrong(path+".verify", "say how the provider proves who it is (hmac, basic or bearer): what anybody could post is not believed")
	}
	if out.verify.stampHeader != "" {
		out.verify.tolerance = orElse(out.verify.tolerance, defaultTolerance)
		if !headerForm.MatchString(out.verify.stampHeader) || out.verify.tolerance > toleranceMost {
			c.wrong(path+".verify.timestamp", "name a header, and a tolerance of at most %v", toleranceMost)
		}
	}
	switch h.AtFormat {
	case "", "unix", "milliseconds", "rfc3339":
	default:
		if !layoutForm.MatchString(h.AtFormat) {
			c.wrong(path+".at_format", "%q is no form of time; write unix, milliseconds, rfc3339, or 2006-01-02 15:04:05", h.AtFormat)
		}
	}
	if h.AtOffset != "" {
		t, err := time.Parse("-07:00", h.AtOffset)
		if err != nil {
			c.wrong(path+".at_offset", "%q is no offset; write it as +08:00", h.AtOffset)
		}
		_, seconds := t.Zone()
		out.zone = time.FixedZone(h.AtOffset, seconds)
	}
	return out
}

// open verifies a post and gives its items.
func (c *Channel) open(k *hook, address string, h http.Header, body []byte) ([]any, error) {
	if k == nil {
		return nil, errs.New(errs.NotFound, codes.NotFound, "the gateway %s posts nothing of this kind", c.doc.Name)
	}
	if len(body) > hookBytesMax {
		return nil, errs.New(errs.TooLarge, codes.BodyTooLarge, "the post takes %d bytes: send at most %d at a time", len(body), hookBytesMax)
	}
	form, err := c.prove(k, address, h, body)
	if err != nil {
		return nil, err
	}
	if k.Body == "form" {
		item := map[string]any{}
		for name := range form {
			item[name] = form.Get(name)
		}
		return []any{item}, nil
	}
	v, ok := readJSON(body)
	if !ok {
		return nil, errs.New(errs.Invalid, codes.MalformedJSON, "the body is not whole JSON")
	}
	v = at(v, k.List)
	list, isList := v.([]any)
	if _, isOne := v.(map[string]any); isOne {
		list, isList = []any{v}, true
	}
	if !isList {
		return nil, errs.New(errs.Invalid, codes.FieldInvalid, "there is no list where the gateway's document says").At(k.List)
	}
	if len(list) > hookItemsMax {
		return nil, errs.New(errs.TooLarge, codes.BatchTooLarge, "%d at once: send at most %d", len(list), hookItemsMax)
	}
	return list, nil
}

// prove checks that the post is the provider's own, and gives a form's fields.
func (c *Channel) prove(k *hook, address string, h http.Header, body []byte) (url.Values, error) {
	forged := errs.New(errs.Unauthorized, codes.SignatureInvalid, "the post doesn't prove that it comes from the provider: check the secrets here and there")
	var form url.Values
	if k.Body == "form" {
		var err error
		if form, err = url.ParseQuery(string(body)); err != nil {
			return nil, errs.New(errs.Invalid, codes.FieldInvalid, "the body is not a form")
		}
	}
	s := &k.verify
	none := func(string) string { return "" }
	switch s.kind {
	case "bearer":
		if !same(h.Get("Authorization"), "Bearer "+s.token.fill(none, nil)) {
			return nil, forged
		}
		return form, nil
	case "basic":
		user, pass, ok := (&http.Request{Header: h}).BasicAuth()
		if !ok || !same(user, s.user.fill(none, nil)) || !same(pass, s.pass.fill(none, nil)) {
			return nil, forged
		}
		return form, nil
	}
	if s.stampHeader != "" {
		seconds, err := strconv.ParseInt(h.Get(s.stampHeader), 10, 64)
		now, most := c.settings.Clock.Now().Unix(), int64(s.tolerance/time.Second)
		if err != nil || seconds < now-most || seconds > now+most {
			return nil, errs.New(errs.Unauthorized, codes.SignatureInvalid, "the post was not signed within %v of now: set the clocks right and sign each sending anew", s.tolerance)
		}
	}
	want := s.mac(s.key.fill(none, nil), s.text.fill(func(name string) string {
		switch name {
		case "url":
			return address
		case "body":
			return string(body)
		case "fields":
			return concatenated(form)
		}
		return h.Get(strings.TrimPrefix(name, "header."))
	}, nil))
	given := h.Get(s.header)
	if !same(given, want) && (!s.hex || !same(strings.ToLower(given), want)) {
		return nil, forged
	}
	return form, nil
}

func same(a, b string) bool { return hmac.Equal([]byte(a), []byte(b)) }

// concatenated is a form's fields in the order of their names, name and value joined without
// anything between, as Twilio signs them.
func concatenated(form url.Values) string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(form)) {
		for _, value := range form[name] {
			b.WriteString(name)
			b.WriteString(value)
		}
	}
	return b.String()
}

// ReadReceipts verifies a post and reads its receipts. Statuses the document doesn't know are
// passed over, and so is a receipt that can't be read: neither may stop the others. A post of
// which nothing can be read is refused.
func (c *Channel) ReadReceipts(h http.Header, body []byte) ([]channel.Receipt, error) {
	k := c.gateway.receipts
	items, err := c.open(k, c.settings.ReceiptsURL, h, body)
	if err != nil {
		return nil, err
	}
	var receipts []channel.Receipt
	unread, first := 0, 0
	for i, item := range items {
		status := k.statuses[textAt(item, k.Status)]
		if status == "" {
			continue
		}
		r := channel.Receipt{
			Key: nameAt(item, k.Key), Ref: nameAt(item, k.Ref), Status: status, Reason: codes.Reason(status), At: k.when(item, c.settings.Clock.Now()),
		}
		if r.Key == "" && r.Ref == "" {
			if unread++; unread == 1 {
				first = i
			}
			continue
		}
		if status == channel.Undelivered {
			r.Reason = codes.Undelivered
			if reason, ok := k.reasons[textAt(item, k.Code)]; ok {
				r.Reason = reason
			}
		}
		receipts = append(receipts, r)
	}
	if unread > 0 && unread == len(items) {
		return nil, errs.New(errs.Invalid, codes.FieldMissing, "the receipt names no message, or at too great length").At(fmt.Sprintf("[%d]", first))
	}
	return receipts, nil
}

// ReadReplies verifies a post and reads what customers wrote. One that can't be read is passed
// over: the refusals beside it must not be lost. A post of which nothing can be read is refused.
func (c *Channel) ReadReplies(h http.Header, body []byte) ([]channel.Reply, error) {
	k := c.gateway.replies
	items, err := c.open(k, c.settings.RepliesURL, h, body)
	if err != nil {
		return nil, err
	}
	replies := make([]channel.Reply, 0, len(items))
	for _, item := range items {
		r := channel.Reply{
			ID: nameAt(item, k.ID), From: c.international(nameAt(item, k.From)), To: nameAt(item, k.To), Ref: nameAt(item, k.Ref),
			Text: textAt(item, k.Text), At: k.when(item, c.settings.Clock.Now()),
		}
		if r.ID == "" || r.From == "" {
			continue
		}
		if len(r.Text) > hookTextBytesMax {
			r.Text = strings.ToValidUTF8(r.Text[:hookTextBytesMax], "") // a refusal in it must not be lost
		}
		replies = append(replies, r)
	}
	if len(items) > 0 && len(replies) == 0 {
		return nil, errs.New(errs.Invalid, codes.FieldMissing, "the reply has no id or doesn't say whom it is from, or at more than %d bytes", hookNameBytesMax).At("[0]")
	}
	return replies, nil
}

// nameAt reads a key, reference or address; one that is too long is none.
func nameAt(item any, path string) string {
	if text := textAt(item, path); len(text) <= hookNameBytesMax {
		return text
	}
	return ""
}

// when reads an item's time; now if it says none that can be read.
func (k *hook) when(item any, now time.Time) time.Time {
	text := textAt(item, k.At)
	switch k.AtFormat {
	case "unix", "milliseconds":
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n < 0 || n > 1<<42 {
			return now
		}
		if k.AtFormat == "unix" {
			return time.Unix(n, 0)
		}
		return time.UnixMilli(n)
	case "", "rfc3339":
		if t, err := time.Parse(time.RFC3339, text); err == nil {
			return t
		}
		return now
	}
	if t, err := time.ParseInLocation(k.AtFormat, text, k.zone); err == nil {
		return t
	}
	return now
}

// Acknowledge gives what the provider wants to hear once a post is kept.
func (c *Channel) Acknowledge(replies bool) (contentType string, body []byte) {
	k := c.gateway.receipts
	if replies {
		k = c.gateway.replies
	}
	if k == nil {
		return "", nil
	}
	return k.Answer.ContentType, []byte(k.Answer.Body)
}
