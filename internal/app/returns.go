package app

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"time"

	"github.com/emersion/go-smtp"

	"github.com/huiyin/huiyin/internal/platform/clock"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/errs"
)

const (
	returnBytesMax   = 2 << 20
	returnTimeout    = 30 * time.Second // for one command, and for the message
	returnsAtOnce    = 16               // connections
	returnsOfOne     = 4                // connections from one address
	returnSpan       = 2 * time.Minute  // of one connection, whatever is said on it
	returnRecipients = 1                // each return path is one message's
)

// Answers of the listener for mail that comes back.
var (
	errNoSuchReturn = &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no message of ours has this return path"}
	errReturnLater  = &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 3, 0}, Message: "it can't be kept just now; send it again"}
)

// returns listens for mail that comes back on a channel. It takes mail for return paths that
// we made, and nothing else: it relays to nobody and has no mailboxes.
type returns struct {
	app     *App
	channel string
	server  *smtp.Server
	l       net.Listener
}

// openReturns takes the ports of the channels whose settings ask for it.
func (a *App) openReturns() (all []*returns, err error) {
	for name, c := range a.Config.Channels {
		if c.ReturnsListen == "" {
			continue
		}
		l, err := net.Listen("tcp", c.ReturnsListen)
		if err != nil {
			for _, r := range all {
				err = errors.Join(err, r.l.Close())
			}
			return nil, errs.New(errs.Invalid, codes.SettingInvalid, "can't listen on %s for mail that comes back; choose another address", c.ReturnsListen).At("channels." + name + ".returns_listen").Because(err)
		}
		r := &returns{app: a, channel: name, l: newFewConns(l, returnSpan)}
		r.server = smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &returnSession{returns: r}, nil }))
		r.server.Domain, r.server.ErrorLog = "huiyin", quiet(a.Log)
		r.server.MaxMessageBytes, r.server.MaxRecipients = returnBytesMax, returnRecipients
		r.server.ReadTimeout, r.server.WriteTimeout = returnTimeout, returnTimeout
		all = append(all, r)
	}
	return all, nil
}

// run serves until ctx ends; messages under way have their time to end.
func (r *returns) run(ctx context.Context) {
	served := make(chan struct{})
	var err error // once served
	go func() {
		defer close(served)
		err = r.server.Serve(r.l)
	}()
	select {
	case <-served:
		r.app.troubles.tell(clock.System{}.Now(), "returns "+r.channel, "serve", err)
		return
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), requestGrace)
	defer cancel()
	if err := r.server.Shutdown(grace); err != nil {
		_ = r.server.Close() // they had their grace
	}
	<-served
}

// returnSession is one connection.
type returnSession struct {
	*returns
	to string
}

func (s *returnSession) Mail(string, *smtp.MailOptions) error { return nil }

// Rcpt refuses every address that isn't a return path of ours.
func (s *returnSession) Rcpt(to string, _ *smtp.RcptOptions) error {
	if !s.app.House.OurReturnPath(to) {
		return errNoSuchReturn
	}
	s.to = to
	return nil
}

// Data takes a message in. One that is no report, a holiday note say, is taken and dropped:
// refusing it would send it back once more.
func (s *returnSession) Data(in io.Reader) error {
	raw, err := io.ReadAll(in)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), returnTimeout)
	defer cancel()
	_, err = s.app.House.TakeBounce(ctx, s.channel, raw, s.to)
	switch errs.KindOf(err) {
	case errs.Invalid, errs.NotFound, errs.TooLarge:
		return nil
	}
	if err != nil {
		s.app.troubles.tell(clock.System{}.Now(), "returns "+s.channel, "take", err)
		return errReturnLater
	}
	return nil
}

func (s *returnSession) Reset()        { s.to = "" }
func (s *returnSession) Logout() error { return nil }

// fewConns bounds the connections that are open at once, in all and from one address, and how
// long each may last; one more is closed at once, and its server comes again.
type fewConns struct {
	net.Listener
	span time.Duration

	mu   sync.Mutex
	open int
	from map[string]int // open connections by address
}

func newFewConns(l net.Listener, span time.Duration) *fewConns {
	return &fewConns{Listener: l, span: span, from: map[string]int{}}
}

func (f *fewConns) Accept() (net.Conn, error) {
	for {
		c, err := f.Listener.Accept()
		if err != nil {
			return nil, err
		}
		address, _, err := net.SplitHostPort(c.RemoteAddr().String())
		if err == nil && f.enter(address) {
			return &fewConn{Conn: c, until: clock.System{}.Now().Add(f.span), leave: sync.OnceFunc(func() { f.leave(address) })}, nil
		}
		_ = c.Close() // nothing was said on it
	}
}

func (f *fewConns) enter(address string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.open == returnsAtOnce || f.from[address] == returnsOfOne {
		return false
	}
	f.open++
	f.from[address]++
	return true
}

func (f *fewConns) leave(address string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.open--
	if f.from[address]--; f.from[address] == 0 {
		delete(f.from, address)
	}
}

// fewConn gives its place back when it is closed, and no deadline of it lies after its end.
type fewConn struct {
	net.Conn
	until time.Time
	leave func()
}

func (c *fewConn) Close() error {
	c.leave()
	return c.Conn.Close()
}

func (c *fewConn) SetDeadline(t time.Time) error      { return c.Conn.SetDeadline(c.within(t)) }
func (c *fewConn) SetReadDeadline(t time.Time) error  { return c.Conn.SetReadDeadline(c.within(t)) }
func (c *fewConn) SetWriteDeadline(t time.Time) error { return c.Conn.SetWriteDeadline(c.within(t)) }

func (c *fewConn) within(t time.Time) time.Time {
	if t.IsZero() || t.After(c.until) {
		return c.until
	}
	return t
}
