package email

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/textproto"
	"strconv"
	"time"

	gomail "github.com/wneessen/go-mail"

	"github.com/huiyin/huiyin/internal/channel"
)

// longAgo as a deadline wakes whoever waits on a connection.
var longAgo = time.Unix(1, 0)

// errLogin marks a connection that failed because the server doesn't know us.
var errLogin = errors.New("the mail server refuses our login")

// session is one connection to the mail server, greeted, encrypted and logged in.
type session struct {
	raw       net.Conn // beneath TLS: for deadlines and to look into the socket
	r         *bufio.Reader
	w         *bufio.Writer
	pipelines bool // RFC 2920
	sizeLimit int64
	hasSize   bool
	sent      int
	clean     bool // between messages: the server expects a command
}

var _ channel.Line = (*session)(nil)

// Alive reports whether the server still expects a command of us.
func (s *session) Alive() bool { return s.r.Buffered() == 0 && channel.Quiet(s.raw) }

// Close ends the connection, with a QUIT where the conversation allows one; its
// answer is not waited for.
func (s *session) Close() error {
	if s.clean {
		_, _ = s.w.WriteString("QUIT\r\n") // a courtesy
		_ = s.w.Flush()
	}
	return s.raw.Close()
}

// interrupt wakes whoever waits on the connection.
func (s *session) interrupt() { _ = s.raw.SetDeadline(longAgo) }

// dial opens a connection by go-mail, which knows STARTTLS and the ways to log in.
func (c *Channel) dial(ctx context.Context) (*session, error) {
	var raw net.Conn
	stop := func() bool { return true }
	options := []gomail.Option{
		gomail.WithPort(c.port), gomail.WithTimeout(c.settings.SendTimeout),
		gomail.WithDialContextFunc(func(dialling context.Context, network, address string) (net.Conn, error) {
			conn, err := c.dialer.DialContext(dialling, network, address)
			if err != nil {
				return nil, err
			}
			raw = conn
			// go-mail sets deadlines of its own while it dials, so only closing ends that surely.
			stop = context.AfterFunc(ctx, func() { _ = conn.Close() })
			if c.settings.Encryption == Implicit {
				return tls.Client(conn, c.tls), nil
			}
			return conn, nil
		}),
		gomail.WithTLSConfig(c.tls),
		gomail.WithTLSPolicy(c.tlsPolicy()),
	}
	if c.settings.Hello != "" {
		options = append(options, gomail.WithHELO(c.settings.Hello))
	}
	if c.settings.User != "" {
		options = append(options,
			gomail.WithUsername(c.settings.User), gomail.WithPassword(c.settings.Password),
			gomail.WithSMTPAuth(c.login()))
	}
	client, err := gomail.NewClient(c.host, options...)
	if err != nil {
		return nil, fmt.Errorf("set up the connection: %w", err)
	}
	dialled, err := client.DialToSMTPClientWithContext(ctx)
	if err == nil && !stop() {
		err = ctx.Err()
	}
	if err != nil {
		stop()
		if raw != nil {
			_ = raw.Close() // go-mail leaves it open
		}
		return nil, loginError(err)
	}
	if err := raw.SetDeadline(time.Time{}); err != nil {
		_ = raw.Close() // it is broken
		return nil, err
	}
	s := &session{raw: raw, r: dialled.Text.R, w: dialled.Text.W, clean: true}
	s.pipelines, _ = dialled.Extension("PIPELINING")
	var limit string
	if s.hasSize, limit = dialled.Extension("SIZE"); s.hasSize {
		s.sizeLimit, _ = strconv.ParseInt(limit, 10, 64) // 0 = no fixed limit, as RFC 1870 says
	}
	return s, nil
}

func (c *Channel) tlsPolicy() gomail.TLSPolicy {
	switch c.settings.Encryption {
	case Required:
		return gomail.TLSMandatory
	case Plain:
		return gomail.NoTLS
	default: // with Implicit the server offers no STARTTLS and go-mail sees that TLS is there
		return gomail.TLSOpportunistic
	}
}

// login lets go-mail choose; without encryption it would refuse to send the
// password, but a server on the same machine was asked for in so many words.
func (c *Channel) login() gomail.SMTPAuthType {
	if c.settings.Encryption == Plain {
		return gomail.SMTPAuthPlainNoEnc
	}
	return gomail.SMTPAuthAutoDiscover
}

func loginError(err error) error {
	var answer *textproto.Error
	if errors.As(err, &answer) && answer.Code/100 == 5 && needsLogin(reply{code: answer.Code}) {
		return errors.Join(errLogin, err)
	}
	return err
}

// command sends one command and reads its answer.
func (s *session) command(line string) (reply, error) {
	if _, err := s.w.WriteString(line); err != nil {
		return reply{}, err
	}
	if err := s.w.Flush(); err != nil {
		return reply{}, err
	}
	return readReply(s.r)
}

// envelope is how far a transaction has come: whose answer decides it, and whether
// the server waits for the message already.
type envelope struct {
	answer reply
	at     stage
	ready  bool // DATA is accepted
}

// open names sender and recipient. Where the server takes several commands at once,
// DATA goes with them: that names nobody anything yet, and saves one of three ways
// there and back.
func (s *session) open(from, to string, sizeBytes int) (envelope, error) {
	mail := "MAIL FROM:<" + from + ">"
	if s.hasSize {
		mail += " SIZE=" + strconv.Itoa(sizeBytes)
	}
	rcpt := "\r\nRCPT TO:<" + to + ">\r\n"
	if s.pipelines {
		return s.openAtOnce(mail + rcpt + "DATA\r\n")
	}
	e := envelope{at: atSender}
	var err error
	if e.answer, err = s.command(mail + "\r\n"); err != nil || !e.answer.ok() {
		return e, err
	}
	e.at = atRecipient
	e.answer, err = s.command(rcpt[2:])
	return e, err
}

func (s *session) openAtOnce(commands string) (envelope, error) {
	first, err := s.command(commands)
	if err != nil || first.leaving() {
		return envelope{answer: first, at: atSender}, err
	}
	second, err := readReply(s.r)
	if err != nil || second.leaving() {
		return envelope{answer: second, at: atRecipient}, err
	}
	third, err := readReply(s.r)
	if first.ok() && second.ok() {
		return envelope{answer: third, at: atData, ready: err == nil && third.code == 354}, err
	}
	if err == nil && third.code == 354 { // RFC 2920, 3.1: it waits for a message to nobody, and gets an empty one
		_, _ = s.command(".\r\n") // a connection lost here changes nothing about the refusal; the next command finds out
	}
	if !first.ok() {
		return envelope{answer: first, at: atSender}, nil
	}
	return envelope{answer: second, at: atRecipient}, nil
}

// data asks for the message to be sent, unless that is done.
func (s *session) data(e *envelope) error {
	if e.ready {
		return nil
	}
	var err error
	e.answer, err = s.command("DATA\r\n")
	e.at, e.ready = atData, err == nil && e.answer.code == 354
	return err
}
