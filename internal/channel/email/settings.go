package email

import (
	"crypto/tls"
	"net"
	"net/mail"
	"strconv"
	"strings"
	"time"

	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/errs"
)

const (
	defaultInFlight              = 8
	inFlightMost                 = 256
	defaultSendTimeout           = 30 * time.Second
	sendTimeoutMost              = 10 * time.Minute
	defaultIdleTimeout           = 45 * time.Second
	defaultMessagesPerConnection = 500
	perMinuteMost                = 1_000_000
	returnLocalMost              = 30 // the key takes 27 of the 64 characters there may be
)

// Encryption says how the connection to the server is protected.
type Encryption string

// The ways to protect a connection.
const (
	Required      Encryption = "required"      // STARTTLS, or nothing is sent; the default
	Opportunistic Encryption = "opportunistic" // STARTTLS if the server offers it
	Implicit      Encryption = "implicit"      // TLS from the first byte, usually port 465
	Plain         Encryption = "none"          // only for a server on the same machine
)

// Settings is how to reach the mail server and as whom to write.
type Settings struct {
	Server     string // host:port
	Encryption Encryption
	TLS        *tls.Config // nil = the system's roots
	User       string      // empty = no login
	Password   string
	From       string // "Name <address>" or an address
	ReplyTo    string // likewise; empty = From
	Hello      string // our name in EHLO; empty = the machine's
	ReturnPath string // where mail that fails comes back to: bounces@example.com; the key is put in behind a +; empty = From, without it
	IDDomain   string // right of the @ in Message-ID; empty = From's domain

	InFlight              int           // connections at most
	SendTimeout           time.Duration // for one message, waiting for a connection included
	IdleTimeout           time.Duration // after which an unused connection is closed
	MessagesPerConnection int           // after which a connection is replaced
	DomainInFlight        int           // messages at once to one domain of recipients; 0 = InFlight
	MessagesPerMinute     int           // to all of them together; 0 = no bound
}

// complete fills in what is left out and refuses what can't work.
func (s Settings) complete() (Settings, *mail.Address, *mail.Address, error) {
	if s.Encryption == "" {
		s.Encryption = Required
	}
	s.InFlight = orElse(s.InFlight, defaultInFlight)
	s.SendTimeout = orElse(s.SendTimeout, defaultSendTimeout)
	s.IdleTimeout = orElse(s.IdleTimeout, defaultIdleTimeout)
	s.MessagesPerConnection = orElse(s.MessagesPerConnection, defaultMessagesPerConnection)
	if err := s.checkNumbers(); err != nil {
		return s, nil, nil, err
	}
	if _, _, err := s.hostPort(); err != nil {
		return s, nil, nil, err
	}
	from, err := sender(s.From)
	if err != nil {
		return s, nil, nil, errs.New(errs.Invalid, codes.FieldInvalid, "the sender %q is not an address: write it as Name <name@example.com>", s.From).At("from").Because(err)
	}
	var replyTo *mail.Address
	if s.ReplyTo != "" {
		if replyTo, err = sender(s.ReplyTo); err != nil {
			return s, nil, nil, errs.New(errs.Invalid, codes.FieldInvalid, "the reply address %q is not an address: write it as Name <name@example.com>", s.ReplyTo).At("reply_to").Because(err)
		}
	}
	if s.ReturnPath != "" {
		if err := checkReturnPath(s.ReturnPath); err != nil {
			return s, nil, nil, errs.New(errs.Invalid, codes.FieldInvalid, "the return path %q can't be used: write it as bounces@example.com, with at most %d characters before the @ and no + in it", s.ReturnPath, returnLocalMost).At("return_path").Because(err)
		}
	}
	if s.IDDomain == "" {
		s.IDDomain = from.Address[strings.LastIndexByte(from.Address, '@')+1:]
	}
	if !isToken(s.IDDomain) {
		return s, nil, nil, errs.New(errs.Invalid, codes.FieldInvalid, "%q can't stand in a Message-ID: set id_domain to a plain domain name such as example.com", s.IDDomain).At("id_domain")
	}
	if strings.ContainsFunc(s.Hello, isControl) {
		return s, nil, nil, errs.New(errs.Invalid, codes.FieldInvalid, "the name %q for EHLO holds control characters: use this machine's domain name", s.Hello).At("hello")
	}
	return s, from, replyTo, nil
}

func (s Settings) checkNumbers() error {
	switch s.Encryption {
	case Required, Opportunistic, Implicit, Plain:
	default:
		return errs.New(errs.Invalid, codes.FieldInvalid, "there is no encryption %q: choose required, opportunistic, implicit or none", s.Encryption).At("encryption")
	}
	if s.InFlight < 1 || s.InFlight > inFlightMost {
		return errs.New(errs.Invalid, codes.FieldInvalid, "%d connections are not possible: choose from 1 to %d", s.InFlight, inFlightMost).At("in_flight")
	}
	if s.SendTimeout < time.Millisecond || s.SendTimeout > sendTimeoutMost {
		return errs.New(errs.Invalid, codes.FieldInvalid, "a time-out of %v is not possible: choose from 1ms to %v", s.SendTimeout, sendTimeoutMost).At("send_timeout")
	}
	if s.DomainInFlight < 0 || s.DomainInFlight > s.InFlight || s.MessagesPerMinute < 0 || s.MessagesPerMinute > perMinuteMost {
		return errs.New(errs.Invalid, codes.FieldInvalid, "domain_in_flight goes from 1 to in_flight (%d), messages_per_minute from 1 to %d", s.InFlight, perMinuteMost).At("domain_in_flight")
	}
	if s.IdleTimeout < 0 || s.MessagesPerConnection < 1 {
		return errs.New(errs.Invalid, codes.FieldInvalid, "idle_timeout and messages_per_connection must be above zero").At("idle_timeout")
	}
	return nil
}

func (s Settings) hostPort() (host string, port int, err error) {
	host, text, err := net.SplitHostPort(s.Server)
	if err == nil {
		port, err = strconv.Atoi(text)
	}
	if err != nil || host == "" || port < 1 || port > 65535 {
		return "", 0, errs.New(errs.Invalid, codes.FieldInvalid, "the mail server %q is not host:port: write it as mail.example.com:587", s.Server).At("server")
	}
	return host, port, nil
}

func sender(text string) (*mail.Address, error) {
	if err := noControl(text); err != nil {
		return nil, err
	}
	return mail.ParseAddress(text)
}

func orElse[T int | time.Duration](v, otherwise T) T {
	if v == 0 {
		return otherwise
	}
	return v
}

func checkReturnPath(address string) error {
	if err := checkAddress(address); err != nil {
		return err
	}
	local, _, _ := strings.Cut(address, "@")
	if len(local) > returnLocalMost || !isToken(local) {
		return errAddress
	}
	return nil
}
