package webhook

import (
	"crypto/tls"
	"encoding/base64"
	"strings"
	"time"

	"github.com/huiyin/huiyin/internal/channel"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/errs"
)

const (
	defaultInFlight    = 16
	inFlightMost       = 1024
	defaultSendTimeout = 15 * time.Second
	sendTimeoutMost    = 10 * time.Minute
	defaultIdleTimeout = 30 * time.Second
	secretBytesLeast   = 24 // as Standard Webhooks asks
	secretPrefix       = "whsec_"
	keyPlace           = "{key}"
)

// Settings is how to reach a gateway and what it can do.
type Settings struct {
	Name           string        // the channel it serves: sms, push, im, webhook
	URL            string        // where messages are posted
	LookUpURL      string        // GET with {key} replaced says what became of a key; empty = it can't be asked
	Token          string        // sent as a bearer token; empty = none
	SigningSecret  string        // whsec_…: requests are signed; empty = not
	ReceiptSecrets []string      // whsec_…: any of these signs receipts (several while they change); empty = no receipts
	Idempotency    time.Duration // how long the gateway repeats its answer for the same key; 0 = it doesn't
	InFlight       int
	SendTimeout    time.Duration
	IdleTimeout    time.Duration
	TextLimit      int // characters; 0 = none
	TLS            *tls.Config
}

func (s Settings) complete() (Settings, error) {
	s.InFlight = orElse(s.InFlight, defaultInFlight)
	s.SendTimeout = orElse(s.SendTimeout, defaultSendTimeout)
	s.IdleTimeout = orElse(s.IdleTimeout, defaultIdleTimeout)
	switch {
	case s.Name == "":
		return s, errs.New(errs.Invalid, codes.FieldMissing, "the gateway serves no channel: set name to sms, push, im or webhook").At("name")
	case s.InFlight < 1 || s.InFlight > inFlightMost:
		return s, errs.New(errs.Invalid, codes.FieldInvalid, "%d requests at once are not possible: choose from 1 to %d", s.InFlight, inFlightMost).At("in_flight")
	case s.SendTimeout < time.Millisecond || s.SendTimeout > sendTimeoutMost:
		return s, errs.New(errs.Invalid, codes.FieldInvalid, "a time-out of %v is not possible: choose from 1ms to %v", s.SendTimeout, sendTimeoutMost).At("send_timeout")
	case s.Idempotency < 0 || s.TextLimit < 0 || s.IdleTimeout < 0:
		return s, errs.New(errs.Invalid, codes.FieldInvalid, "idempotency, text_limit and idle_timeout can't be below zero").At("idempotency")
	case strings.ContainsFunc(s.Token, func(r rune) bool { return r <= ' ' || r >= 0x7f }):
		return s, errs.New(errs.Invalid, codes.FieldInvalid, "the token holds characters that can't stand in a header: copy it again").At("token")
	}
	return s, nil
}

func parseTarget(text, path string) (channel.HTTPTarget, error) {
	t, ok := channel.ParseHTTPTarget(text)
	if !ok {
		return t, errs.New(errs.Invalid, codes.FieldInvalid, "%q is not an http or https address without a login in it: write it as https://gateway.example/messages", text).At(path)
	}
	return t, nil
}

// secret decodes whsec_… into the key of the MAC.
func secret(text, path string) ([]byte, error) {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(text, secretPrefix))
	if err != nil || len(key) < secretBytesLeast {
		return nil, errs.New(errs.Invalid, codes.FieldInvalid, "the secret is not whsec_ followed by at least %d bytes in base64: copy it again from the gateway", secretBytesLeast).At(path)
	}
	return key, nil
}

func orElse[T int | time.Duration](v, otherwise T) T {
	if v == 0 {
		return otherwise
	}
	return v
}
