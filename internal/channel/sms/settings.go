package sms

import (
	"crypto/tls"
	"io"
	"time"

	"github.com/huiyin/huiyin/internal/platform/clock"
	"github.com/huiyin/huiyin/internal/platform/errs"
)

const (
	defaultInFlight    = 16
	inFlightMost       = 1024
	defaultSendTimeout = 15 * time.Second
	sendTimeoutMost    = 10 * time.Minute
	defaultIdleTimeout = 30 * time.Second
	segmentsDefault    = 6
)

// Settings is how a gateway is used here.
type Settings struct {
	Gateway     *Document
	Values      map[string]string // of the document's settings
	Templates   []Approval
	Signature   string // put before texts that have none, such as 【示例钱包】
	Confirm     bool   // a refusal by reply is confirmed, once
	ReceiptsURL string // where the provider is told to post to
	RepliesURL  string
	InFlight    int
	SendTimeout time.Duration
	IdleTimeout time.Duration
	TLS         *tls.Config
	Clock       clock.Clock
	Random      io.Reader // of nonces
}

func (s Settings) complete() (Settings, error) {
	s.InFlight = orElse(s.InFlight, defaultInFlight)
	s.SendTimeout = orElse(s.SendTimeout, defaultSendTimeout)
	s.IdleTimeout = orElse(s.IdleTimeout, defaultIdleTimeout)
	var wrong *errs.Error
	switch {
	case s.Gateway == nil:
		wrong = invalid("gateway", "no gateway is chosen: name a ready one, or a document of your own")
	case s.InFlight < 1 || s.InFlight > inFlightMost:
		wrong = invalid("in_flight", "%d requests at once are not possible: choose from 1 to %d", s.InFlight, inFlightMost)
	case s.SendTimeout < time.Millisecond || s.SendTimeout > sendTimeoutMost:
		wrong = invalid("send_timeout", "a time-out of %v is not possible: choose from 1ms to %v", s.SendTimeout, sendTimeoutMost)
	case s.IdleTimeout < 0:
		wrong = invalid("idle_timeout", "it can't be below zero")
	}
	if wrong != nil {
		return s, wrong
	}
	return s, nil
}

func orElse[T int | time.Duration](v, otherwise T) T {
	if v == 0 {
		return otherwise
	}
	return v
}
