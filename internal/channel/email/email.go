package email

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/mail"
	"strings"
	"sync"

	"github.com/huiyin/huiyin/internal/channel"
	"github.com/huiyin/huiyin/internal/platform/clock"
	"github.com/huiyin/huiyin/internal/platform/codes"
)

const textLimitChars = 100_000

// Channel sends mail through one SMTP server.
type Channel struct {
	settings Settings
	clock    clock.Clock
	host     string
	port     int
	from     *mail.Address
	replyTo  *mail.Address

	fromHeader, replyToHeader string // as they stand in every message

	tls     *tls.Config
	dialer  net.Dialer
	pool    *channel.Pool[*session]
	letters sync.Pool
	gate    *gate
}

var _ channel.Channel = (*Channel)(nil)

// New checks the settings; it doesn't connect yet.
func New(s Settings, c clock.Clock) (*Channel, error) {
	s, from, replyTo, err := s.complete()
	if err != nil {
		return nil, err
	}
	host, port, err := s.hostPort()
	if err != nil {
		return nil, err
	}
	config := s.TLS.Clone()
	if config == nil {
		config = &tls.Config{}
	}
	config.MinVersion = max(config.MinVersion, tls.VersionTLS12)
	if config.ServerName == "" {
		config.ServerName = host
	}
	ch := &Channel{
		settings: s, clock: c, host: host, port: port, from: from, replyTo: replyTo, tls: config,
		pool:       channel.NewPool[*session](s.InFlight, s.IdleTimeout),
		letters:    sync.Pool{New: func() any { return new(letter) }},
		fromHeader: addressHeader(from),
		gate:       newGate(c, s.MessagesPerMinute, s.DomainInFlight),
	}
	if replyTo != nil {
		ch.replyToHeader = addressHeader(replyTo)
	}
	return ch, nil
}

// Abilities of SMTP: neither keys nor questions nor receipts.
func (c *Channel) Abilities() channel.Abilities {
	return channel.Abilities{
		InFlight: c.settings.InFlight, SendTimeout: c.settings.SendTimeout,
		HTML: true, TextLimit: textLimitChars,
	}
}

// Close closes the connections that are not in use, the others as they come back.
func (c *Channel) Close() { c.pool.Close() }

// Send hands the message to the mail server.
func (c *Channel) Send(ctx context.Context, m channel.Message, look channel.LastLook) channel.Outcome {
	if err := checkAddress(m.To); err != nil {
		return channel.Refused(codes.AddressInvalid, "the address "+err.Error())
	}
	l := c.letters.Get().(*letter)
	defer c.letters.Put(l)
	if err := c.compose(l, &m); err != nil {
		return channel.Refused(codes.RenderFailed, channel.Detail(err.Error(), m.To))
	}
	ctx, cancel := context.WithTimeout(ctx, c.settings.SendTimeout)
	defer cancel()
	leave, err := c.gate.enter(ctx, m.To)
	if err != nil {
		return notSent(ctx, err)
	}
	defer leave()
	for {
		s, kept, err := c.pool.Get(ctx, c.dial)
		if err != nil {
			return notSent(ctx, err)
		}
		outcome, stale := c.deliver(ctx, s, &m, l, look)
		if stale && kept && ctx.Err() == nil {
			continue // the server had closed the kept connection; nothing has been said on it, the look not taken
		}
		return outcome
	}
}

// returnPath is where the message comes back to if it fails: an address of its own, whose
// key shows whose failure it is, however the report is written.
func (c *Channel) returnPath(key string) string {
	if c.settings.ReturnPath == "" {
		return c.from.Address
	}
	local, domain, _ := strings.Cut(c.settings.ReturnPath, "@")
	return local + "+" + key + "@" + domain
}

// deliver runs one transaction and gives the session back. Stale means that the
// connection turned out dead before anything was decided.
func (c *Channel) deliver(ctx context.Context, s *session, m *channel.Message, l *letter, look channel.LastLook) (outcome channel.Outcome, stale bool) {
	stop := context.AfterFunc(ctx, s.interrupt)
	s.clean = false
	defer func() {
		s.sent++
		switch interrupted := !stop(); {
		case interrupted:
			s.clean = false
			c.pool.Drop(s)
		case !s.clean || s.sent >= c.settings.MessagesPerConnection:
			c.pool.Drop(s)
		default:
			c.pool.Put(s)
		}
	}()
	if s.sizeLimit > 0 && int64(l.wire.Len()) > s.sizeLimit {
		s.clean = true
		return channel.Refused(codes.MessageTooLarge, "larger than the mail server takes"), false
	}
	e, err := s.open(c.returnPath(m.Key), m.To, l.wire.Len())
	switch {
	case err != nil:
		return notSent(ctx, err), true
	case e.answer.leaving():
		return judge(e.at, e.answer, m.To), true
	case !e.ready && (e.at == atData || !e.answer.ok()):
		s.reset()
		return judge(e.at, e.answer, m.To), false
	}
	if err := look(ctx); err != nil {
		if !e.ready { // else the only way not to send is to hang up
			s.reset()
		}
		return channel.Held(err), false
	}
	return s.message(ctx, m, l, &e), false
}

// message sends the message itself. Its first byte is the border: a connection
// lost before it loses nothing, one lost after it leaves the outcome unknown.
func (s *session) message(ctx context.Context, m *channel.Message, l *letter, e *envelope) channel.Outcome {
	if err := s.data(e); err != nil {
		return notSent(ctx, err)
	}
	if !e.ready {
		s.reset()
		return judge(e.at, e.answer, m.To)
	}
	if ctx.Err() != nil {
		return notSent(ctx, ctx.Err())
	}
	if _, err := s.w.Write(l.wire.Bytes()); err != nil {
		return channel.Lost("the connection was lost while the message was being sent: " + channel.Detail(err.Error(), m.To))
	}
	if err := s.w.Flush(); err != nil {
		return channel.Lost("the connection was lost while the message was being sent: " + channel.Detail(err.Error(), m.To))
	}
	answer, err := readReply(s.r)
	if err != nil {
		return channel.Lost("the mail server has the message but did not answer: " + channel.Detail(err.Error(), m.To))
	}
	s.clean = !answer.leaving()
	if answer.ok() {
		return channel.Accepted(queueID(answer.text), channel.Detail(answer.text, m.To))
	}
	return judge(atEnd, answer, m.To)
}

// reset ends a transaction that won't be finished, so that the session can be kept.
func (s *session) reset() {
	answer, err := s.command("RSET\r\n")
	s.clean = err == nil && answer.ok()
}

// notSent is the outcome of whatever fails before the first byte of the message.
func notSent(ctx context.Context, err error) channel.Outcome {
	switch {
	case errors.Is(err, errLogin):
		return channel.Later(codes.LoginRefused, retryLogin, channel.Detail(err.Error(), ""))
	case errors.Is(err, channel.ErrPoolClosed), errors.Is(ctx.Err(), context.Canceled):
		return channel.Later(codes.CutShort, 0, channel.Detail(err.Error(), ""))
	default:
		return channel.Later(codes.ProviderUnreachable, retryUnreachable, channel.Detail(err.Error(), ""))
	}
}
