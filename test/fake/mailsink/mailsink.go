package mailsink

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"github.com/huiyin/huiyin/test/fake/wirelog"
)

const (
	messageLimitBytes = 16 << 20
	idleTimeout       = 5 * time.Minute
)

// Mode is how the sink treats a message.
type Mode string

// The modes.
const (
	Accept        Mode = "accept"
	RefuseForNow  Mode = "refuse-for-now"  // 451 to RCPT, the first Options.RefusalsForNow times per address
	Refuse        Mode = "refuse"          // 550 5.1.1 to RCPT
	BusyAtEnd     Mode = "busy-at-end"     // 451 after the message: not taken
	RefuseAtEnd   Mode = "refuse-at-end"   // 554 5.7.1 after the message: not taken
	TakeThenHang  Mode = "take-then-hang"  // taken, never answered
	TakeThenDrop  Mode = "take-then-drop"  // taken, connection closed without an answer
	HangThenTake  Mode = "hang-then-take"  // taken after Options.Hang, when the client has long gone
	Hang          Mode = "hang"            // never taken, never answered
	Drop          Mode = "drop"            // connection closed in the middle of the message: not taken
	DropAtMail    Mode = "drop-at-mail"    // connection closed before any address: not taken
	HangAtMail    Mode = "hang-at-mail"    // no answer to MAIL: not taken
	TakeThenKill  Mode = "take-then-kill"  // taken, then the process in Options.KillPIDFile is killed
	TakeOddAnswer Mode = "take-odd-answer" // taken, answered with something that is not SMTP
)

// Modes lists every mode.
var Modes = []Mode{
	Accept, RefuseForNow, Refuse, BusyAtEnd, RefuseAtEnd, TakeThenHang, TakeThenDrop,
	HangThenTake, Hang, Drop, DropAtMail, HangAtMail, TakeThenKill, TakeOddAnswer,
}

// Seen is one line of the wire log: one message, or one address refused.
type Seen struct {
	At      time.Time `json:"at"`
	Virtual string    `json:"virtual,omitempty"` // the header X-Huiyin-At: when it was sent, in the sender's own time
	From    string    `json:"from"`
	To      string    `json:"to"`
	Key     string    `json:"key,omitempty"` // the header X-Huiyin-Key
	ID      string    `json:"message_id,omitempty"`
	Subject string    `json:"subject,omitempty"`
	Size    int       `json:"size"`
	Mode    Mode      `json:"mode"`
	Taken   bool      `json:"taken"` // the customer has it
	Body    string    `json:"body,omitempty"`
}

// Options sets a sink up.
type Options struct {
	Address        string // host:port; port 0 takes a free one
	Log            string // path of the wire log
	Durable        bool   // sync every line
	Bodies         bool   // keep whole messages in the log
	Seed           uint64
	Shares         []wirelog.Share[Mode] // what isn't shared out is accepted
	RefusalsForNow int                   // how often RefuseForNow refuses an address; 0 = always
	Hang           time.Duration         // for HangThenTake
	Delay          time.Duration         // before every answer to a message
	PerConnection  int                   // messages after which a connection is ended with 421; 0 = never
	KillPIDFile    string
	TLS            *tls.Config // offers STARTTLS
	User, Password string      // asks for AUTH
	Problems       io.Writer   // where the server's own troubles go; nil = nowhere
}

// Sink is a running mail server.
type Sink struct {
	options  Options
	log      *wirelog.Log
	server   *smtp.Server
	address  string
	listener net.Listener
	served   chan error
	done     chan struct{}
	close    sync.Once

	forced   atomic.Pointer[Mode]
	taken    atomic.Int64
	sessions atomic.Int64
	mu       sync.Mutex
	refusals map[string]int // RefuseForNow: by address
	buffers  sync.Pool
}

// Start listens and serves until Close.
func Start(o Options) (*Sink, error) {
	wire, err := wirelog.Open(o.Log, o.Durable)
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", o.Address)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start the mail sink: %w", err), wire.Close())
	}
	s := &Sink{
		options: o, log: wire, address: listener.Addr().String(), listener: listener,
		served: make(chan error, 1), done: make(chan struct{}),
		refusals: map[string]int{},
		buffers:  sync.Pool{New: func() any { return new(bytes.Buffer) }},
	}
	s.server = smtp.NewServer(smtp.BackendFunc(s.newSession))
	s.server.Domain = "mailsink.test"
	s.server.MaxMessageBytes = messageLimitBytes
	s.server.ReadTimeout, s.server.WriteTimeout = idleTimeout, idleTimeout
	s.server.TLSConfig, s.server.AllowInsecureAuth = o.TLS, true
	s.server.EnableSMTPUTF8 = true
	problems := o.Problems
	if problems == nil {
		problems = io.Discard
	}
	s.server.ErrorLog = log.New(problems, "mailsink: ", 0)
	go func() { s.served <- s.server.Serve(listener) }()
	return s, nil
}

// Address is where the sink listens, host:port.
func (s *Sink) Address() string { return s.address }

// Force treats every message from now on in one mode; "" goes back to the shares.
func (s *Sink) Force(m Mode) {
	if m == "" {
		s.forced.Store(nil)
		return
	}
	s.forced.Store(&m)
}

// Taken is how many messages the sink has taken.
func (s *Sink) Taken() int64 { return s.taken.Load() }

// Sessions is how many connections have been opened so far.
func (s *Sink) Sessions() int64 { return s.sessions.Load() }

// Seen reads the wire log.
func (s *Sink) Seen() ([]Seen, error) { return wirelog.Read[Seen](s.options.Log) }

// Close ends every session and the log.
func (s *Sink) Close() error {
	var err error
	s.close.Do(func() {
		close(s.done)
		err = s.server.Close()
		_ = s.listener.Close() // the server closes it too, unless it hadn't begun to serve
		err = errors.Join(ignoreClosed(err), ignoreClosed(<-s.served), s.log.Close())
	})
	return err
}

// ignoreClosed drops what closing something twice says.
func ignoreClosed(err error) error {
	if errors.Is(err, net.ErrClosed) || errors.Is(err, smtp.ErrServerClosed) {
		return nil
	}
	return err
}

func (s *Sink) mode(words ...string) Mode {
	if m := s.forced.Load(); m != nil {
		return *m
	}
	if len(s.options.Shares) == 0 {
		return Accept
	}
	return wirelog.Draw(s.options.Seed, s.options.Shares, Accept, words...)
}

// refuseForNow counts a refusal of the address and says whether it is (still) refused.
func (s *Sink) refuseForNow(address string) bool {
	if s.options.RefusalsForNow == 0 {
		return true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refusals[address]++
	return s.refusals[address] <= s.options.RefusalsForNow
}

func (s *Sink) newSession(c *smtp.Conn) (smtp.Session, error) {
	s.sessions.Add(1)
	return &session{sink: s, conn: c, trusted: s.options.User == ""}, nil
}

func (s *Sink) checkLogin(user, password string) error {
	if user != s.options.User || password != s.options.Password {
		return smtp.ErrAuthFailed
	}
	return nil
}

var _ smtp.AuthSession = (*session)(nil)

// AuthMechanisms lists what the sink takes.
func (s *session) AuthMechanisms() []string { return []string{sasl.Plain} }

// Auth begins a login.
func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		err := s.sink.checkLogin(user, password)
		s.trusted = err == nil
		return err
	}), nil
}
