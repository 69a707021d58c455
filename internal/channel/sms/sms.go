package sms

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/huiyin/huiyin/internal/channel"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/errs"
)

// Channel sends through one gateway.
type Channel struct {
	doc       *Document
	gateway   *gateway
	settings  Settings
	approvals map[approvalKey]*approval
	target    channel.HTTPTarget
	lines     *channel.HTTPLines
	asker     *channel.HTTPDialer // nil: the provider can't be asked
	nonces    nonces
}

var (
	_ channel.Channel       = (*Channel)(nil)
	_ channel.LookUper      = (*Channel)(nil)
	_ channel.ReceiptReader = (*Channel)(nil)
	_ channel.ReplyReader   = (*Channel)(nil)
	_ channel.Approver      = (*Channel)(nil)
	_ channel.Acknowledger  = (*Channel)(nil)
	_ channel.Confirmer     = (*Channel)(nil)

	_ channel.SegmentCounter = (*Channel)(nil)
)

// New checks the settings against the gateway's document; it doesn't connect yet.
func New(s Settings) (*Channel, error) {
	s, err := s.complete()
	if err != nil {
		return nil, err
	}
	values, err := s.Gateway.fill(s.Values)
	if err != nil {
		return nil, err
	}
	c := &Channel{doc: s.Gateway, settings: s, nonces: nonces{random: s.Random}}
	if c.gateway, err = s.Gateway.compile(values); err != nil {
		return nil, err
	}
	if had, _ := splitSignature(s.Signature + "x"); s.Signature != "" && had == "" {
		return nil, invalid("sender", "%q is no signature; write it in brackets, such as 【示例钱包】", s.Signature)
	}
	if c.approvals, err = readApprovals(s.Templates); err != nil {
		return nil, err
	}
	if c.target, err = targetOf(&c.gateway.send, "send.url"); err != nil {
		return nil, err
	}
	c.lines = channel.NewHTTPLines(channel.NewHTTPDialer(c.target, s.TLS), s.InFlight, s.IdleTimeout)
	if c.gateway.lookUp != nil {
		t, err := targetOf(c.gateway.lookUp, "lookup.url")
		if err != nil {
			return nil, err
		}
		c.asker = channel.NewHTTPDialer(t, s.TLS)
	}
	return c, nil
}

// place stands for a part of a message when an address is only looked at.
const place = "x-x"

func targetOf(e *exchange, path string) (channel.HTTPTarget, error) {
	t, ok := channel.ParseHTTPTarget(e.url.fill(func(string) string { return place }, nil))
	if !ok || strings.Contains(t.Address, place) || t.URL.Fragment != "" {
		return t, invalid(path, "with its settings filled in, the url is not an http or https address without a login in it")
	}
	return t, nil
}

// Address is host and port of the gateway.
func (c *Channel) Address() string { return c.target.Address }

// Confirms says whether a refusal by reply is to be confirmed.
func (c *Channel) Confirms() bool { return c.settings.Confirm }

// Abilities as document and settings declare them.
func (c *Channel) Abilities() channel.Abilities {
	return channel.Abilities{
		Idempotency: time.Duration(c.doc.Idempotency), LookUp: c.asker != nil, Receipts: c.gateway.receipts != nil,
		InFlight: c.settings.InFlight, SendTimeout: c.settings.SendTimeout,
	}
}

// Close closes the connections that are not in use, the others as they come back.
func (c *Channel) Close() { c.lines.Close() }

// Send sends the message.
func (c *Channel) Send(ctx context.Context, m channel.Message, look channel.LastLook) channel.Outcome {
	ctx, cancel := context.WithTimeout(ctx, c.settings.SendTimeout)
	defer cancel()
	m.Text = c.signed(m.Text)
	if reason, why := c.screen(&m); reason != "" {
		return channel.Refused(reason, channel.Detail(why, m.To))
	}
	request, wire, err := c.gateway.send.request(c.vars(&m), c.target.URL.Host)
	if err != nil {
		return channel.Refused(codes.RenderFailed, channel.Detail(err.Error(), m.To))
	}
	a, o, answered := c.lines.Exchange(ctx, request, wire, m.To, look)
	if !answered {
		return o
	}
	return c.judge(&c.gateway.send.answer, a, m.To)
}

// Preview is the request a message would make, its secrets hidden. Nothing is sent.
func (c *Channel) Preview(m channel.Message) (string, error) {
	m.Text = c.signed(m.Text)
	if reason, why := c.screen(&m); reason != "" {
		return "", errs.New(errs.Invalid, string(reason), "%s", why)
	}
	request, wire, err := c.gateway.send.request(c.vars(&m), c.target.URL.Host)
	if err != nil {
		return "", err
	}
	text := string(wire)
	if given := request.Header.Get("Authorization"); given != "" {
		text = strings.ReplaceAll(text, given, hiddenSecret)
	}
	for name, setting := range c.doc.Settings {
		if value := c.settings.Values[name]; setting.Secret && value != "" {
			text = strings.ReplaceAll(strings.ReplaceAll(text, value, hiddenSecret), percent(value), hiddenSecret)
		}
	}
	return text, nil
}

const hiddenSecret = "‹secret›"

// LookUp asks the gateway what became of a message.
func (c *Channel) LookUp(ctx context.Context, key, ref string) channel.Outcome {
	ctx, cancel := context.WithTimeout(ctx, c.settings.SendTimeout)
	defer cancel()
	if c.asker == nil {
		return channel.Lost("this gateway can't be asked")
	}
	request, _, err := c.gateway.lookUp.request(c.lookUpVars(key, ref), "")
	if err != nil {
		return channel.Lost(channel.Detail(err.Error(), ""))
	}
	a, err := c.asker.AskOnce(ctx, request)
	if err != nil {
		return channel.Lost("the gateway could not be asked: " + channel.Detail(err.Error(), ""))
	}
	o := c.judge(&c.gateway.lookUp.answer, a, "")
	// That the question may be asked again later says nothing of the message it is about.
	if o.RetryAfter > 0 || o.Reason == codes.LoginRefused || o.Reason == codes.ProviderBusy {
		return channel.Lost("the gateway didn't say what became of it: " + o.Detail)
	}
	return o
}

// screen says why a message can't be sent as it is; nothing has left then.
func (c *Channel) screen(m *channel.Message) (codes.Reason, string) {
	if m.Key == "" || strings.ContainsFunc(m.Key, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
		return codes.RenderFailed, "the key can't stand in a request"
	}
	number, ok := strings.CutPrefix(m.To, "+")
	if !ok || len(number) < 7 || len(number) > 15 || strings.Trim(number, "0123456789") != "" {
		return codes.AddressInvalid, "the number isn't written as + and its digits"
	}
	if !c.serves(number) {
		return codes.AddressInvalid, "this gateway serves numbers of +" + strings.Join(c.doc.Numbers.CountryCodes, ", +") + " only"
	}
	if m.Template != "" || c.doc.Limits.Approval == required {
		if reason := c.Approval(m.Template, m.Language); reason != "" {
			return reason, "the provider hasn't approved the template `" + m.Template + "` in " + m.Language
		}
	}
	signature, body := splitSignature(m.Text)
	if signature == "" && c.doc.Limits.Signature == required {
		return codes.ContentRejected, "the text doesn't begin with a signature such as 【示例钱包】; give its template an sms_signature"
	}
	most := orElse(c.doc.Limits.Segments, segmentsDefault)
	if n, alphabet := Segments(m.Text, c.doc.Limits.Alphabet == "ucs2"); n > most {
		return codes.MessageTooLarge, errs.New(errs.TooLarge, codes.GatewayInvalid,
			"the text counts as %d messages (%s); this gateway sends at most %d: shorten the template", n, alphabet, most).Text
	}
	if _, ok := c.approvals[approvalKey{m.Template, m.Language}].parameters(body); !ok {
		return codes.TemplateNotApproved, "the text isn't in the wording the provider approved for " + m.Template
	}
	return "", ""
}

func (c *Channel) serves(number string) bool {
	if len(c.doc.Numbers.CountryCodes) == 0 {
		return true
	}
	for _, code := range c.doc.Numbers.CountryCodes {
		if strings.HasPrefix(number, code) {
			return true
		}
	}
	return false
}

// splitSignature parts 【…】 or […] from the text behind it.
func splitSignature(text string) (signature, body string) {
	for _, pair := range [][2]string{{"【", "】"}, {"[", "]"}} {
		rest, ok := strings.CutPrefix(text, pair[0])
		if !ok {
			continue
		}
		if inside, after, closed := strings.Cut(rest, pair[1]); closed && inside != "" {
			return inside, strings.TrimPrefix(after, " ")
		}
	}
	return "", text
}

// signed puts the channel's own signature before a text that has none.
func (c *Channel) signed(text string) string {
	own := c.settings.Signature
	if had, _ := splitSignature(text); had != "" || own == "" {
		return text
	}
	if strings.HasSuffix(own, "】") {
		return own + text
	}
	return own + " " + text
}

// SegmentsOf is how many messages this gateway counts for a text, and the most it sends as one.
func (c *Channel) SegmentsOf(text string) (n, most int) {
	n, _ = Segments(c.signed(text), c.doc.Limits.Alphabet == "ucs2")
	return n, orElse(c.doc.Limits.Segments, segmentsDefault)
}

// retryAfterOf reads how long the gateway wants to be left alone.
func (c *Channel) retryAfterOf(h http.Header, otherwise time.Duration) time.Duration {
	after, _ := channel.RetryAfter(h, c.settings.Clock.Now(), otherwise)
	return after
}
