package webhook

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/huiyin/huiyin/internal/channel"
	"github.com/huiyin/huiyin/internal/platform/clock"
	"github.com/huiyin/huiyin/internal/platform/codes"
)

const userAgent = "Huiyin"

// Channel posts messages to one gateway.
type Channel struct {
	settings Settings
	clock    clock.Clock
	send     channel.HTTPTarget
	sign     []byte
	verify   [][]byte
	lines    *channel.HTTPLines
	asker    *channel.HTTPDialer // for look-ups, which may live elsewhere; nil: it can't be asked
}

var (
	_ channel.Channel       = (*Channel)(nil)
	_ channel.LookUper      = (*Channel)(nil)
	_ channel.ReceiptReader = (*Channel)(nil)
)

// New checks the settings; it doesn't connect yet.
func New(s Settings, c clock.Clock) (*Channel, error) {
	s, err := s.complete()
	if err != nil {
		return nil, err
	}
	w := &Channel{settings: s, clock: c}
	if w.send, err = parseTarget(s.URL, "url"); err != nil {
		return nil, err
	}
	w.lines = channel.NewHTTPLines(channel.NewHTTPDialer(w.send, s.TLS), s.InFlight, s.IdleTimeout)
	if s.LookUpURL != "" {
		t, err := parseTarget(strings.ReplaceAll(s.LookUpURL, keyPlace, "key"), "lookup_url")
		if err != nil {
			return nil, err
		}
		w.asker = channel.NewHTTPDialer(t, s.TLS)
	}
	if s.SigningSecret != "" {
		if w.sign, err = secret(s.SigningSecret, "signing_secret"); err != nil {
			return nil, err
		}
	}
	for i, text := range s.ReceiptSecrets {
		key, err := secret(text, fmt.Sprintf("receipt_secrets[%d]", i))
		if err != nil {
			return nil, err
		}
		w.verify = append(w.verify, key)
	}
	return w, nil
}

// Abilities as the settings declare them.
func (c *Channel) Abilities() channel.Abilities {
	return channel.Abilities{
		Idempotency: c.settings.Idempotency, LookUp: c.asker != nil, Receipts: len(c.verify) > 0,
		InFlight: c.settings.InFlight, SendTimeout: c.settings.SendTimeout, TextLimit: c.settings.TextLimit,
	}
}

// Close closes the connections that are not in use, the others as they come back.
func (c *Channel) Close() { c.lines.Close() }

// Send posts the message.
func (c *Channel) Send(ctx context.Context, m channel.Message, look channel.LastLook) channel.Outcome {
	ctx, cancel := context.WithTimeout(ctx, c.settings.SendTimeout)
	defer cancel()
	request, wire, err := c.request(&m)
	if err != nil {
		return channel.Refused(codes.RenderFailed, channel.Detail(err.Error(), m.To))
	}
	a, o, answered := c.lines.Exchange(ctx, request, wire, m.To, look)
	if !answered {
		return o
	}
	return c.judge(a, m.To)
}

// body is what is posted.
type body struct {
	Key         string `json:"key"`
	Attempt     int64  `json:"attempt"`
	Channel     string `json:"channel"`
	To          string `json:"to"`
	Language    string `json:"language"`
	Purpose     string `json:"purpose"`
	Subject     string `json:"subject,omitempty"`
	Text        string `json:"text"`
	Link        string `json:"link,omitempty"`
	Unsubscribe string `json:"unsubscribe,omitempty"`
}

func (c *Channel) request(m *channel.Message) (*http.Request, []byte, error) {
	if m.Key == "" || strings.ContainsFunc(m.Key, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
		return nil, nil, fmt.Errorf("the key %q can't stand in a header", m.Key)
	}
	var payload bytes.Buffer
	encoder := json.NewEncoder(&payload)
	encoder.SetEscapeHTML(false) // links stay readable
	err := encoder.Encode(body{
		Key: m.Key, Attempt: m.Attempt, Channel: c.settings.Name, To: m.To, Language: m.Language,
		Purpose: m.Purpose, Subject: m.Subject, Text: m.Text, Link: m.Link, Unsubscribe: m.Unsubscribe,
	})
	if err != nil {
		return nil, nil, fmt.Errorf("encode the message: %w", err)
	}
	request, err := http.NewRequest(http.MethodPost, c.send.URL.String(), bytes.NewReader(payload.Bytes()))
	if err != nil {
		return nil, nil, err
	}
	for name, value := range m.Headers {
		if strings.HasPrefix(http.CanonicalHeaderKey(name), "X-") { // others mean something to HTTP
			request.Header.Set(name, value)
		}
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Idempotency-Key", m.Key)
	c.authorise(request)
	if c.sign != nil {
		stamp(request.Header, c.sign, m.Key, c.clock.Now(), payload.Bytes())
	}
	wire, err := channel.RenderHTTP(request)
	return request, wire, err
}

func (c *Channel) authorise(request *http.Request) {
	request.Header.Set("User-Agent", userAgent)
	request.Header.Set("Accept", "application/json")
	if c.settings.Token != "" {
		request.Header.Set("Authorization", "Bearer "+c.settings.Token)
	}
}

// LookUp asks the gateway what became of a key. That it doesn't know the key is told as it
// says it; when to believe it, since the request may still be on its way, is the asker's.
func (c *Channel) LookUp(ctx context.Context, key, _ string) channel.Outcome {
	ctx, cancel := context.WithTimeout(ctx, c.settings.SendTimeout)
	defer cancel()
	a, err := c.question(ctx, key)
	if err != nil {
		return channel.Lost("the gateway could not be asked: " + channel.Detail(err.Error(), ""))
	}
	return judgeLookUp(a)
}

func (c *Channel) question(ctx context.Context, key string) (channel.HTTPAnswer, error) {
	if c.asker == nil {
		return channel.HTTPAnswer{}, errors.New("it has no look-up address")
	}
	request, err := http.NewRequest(http.MethodGet, strings.ReplaceAll(c.settings.LookUpURL, keyPlace, url.PathEscape(key)), nil)
	if err != nil {
		return channel.HTTPAnswer{}, err
	}
	c.authorise(request)
	return c.asker.AskOnce(ctx, request)
}
