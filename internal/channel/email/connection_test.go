package email

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"math/big"
	"net"
	"path/filepath"
	"testing"
	"time"

	"github.com/huiyin/huiyin/internal/channel"
	"github.com/huiyin/huiyin/internal/platform/clock"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/errs"
	"github.com/huiyin/huiyin/test/fake/mailsink"
)

// certificate makes one for 127.0.0.1 and the roots that trust it.
func certificate(t *testing.T) (*tls.Config, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(parsed)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}, roots
}

func TestTheConnectionIsAsSafeAsTheSettingsSay(t *testing.T) {
	server, roots := certificate(t)
	for name, test := range map[string]struct {
		offered    *tls.Config
		encryption Encryption
		roots      *x509.CertPool
		want       channel.Result
	}{
		"required and offered":                 {server, Required, roots, channel.OK},
		"required and not offered":             {nil, Required, roots, channel.Rejected},
		"required, of a server nobody vouches": {server, Required, x509.NewCertPool(), channel.Rejected},
		"opportunistic and offered":            {server, Opportunistic, roots, channel.OK},
		"opportunistic and not offered":        {nil, Opportunistic, roots, channel.OK},
		"none though offered":                  {server, Plain, roots, channel.OK},
	} {
		t.Run(name, func(t *testing.T) {
			c, sink := connect(t, mailsink.Options{TLS: test.offered},
				Settings{Encryption: test.encryption, TLS: &tls.Config{RootCAs: test.roots}, SendTimeout: 5 * time.Second})
			o := c.Send(t.Context(), letterTo("ann@example.com"), yes)
			if o.Result != test.want {
				t.Errorf("%+v", o)
			}
			if o.Result == channel.Rejected && (o.RetryAfter == 0 || sink.Taken() != 0) {
				t.Errorf("%+v, taken %d", o, sink.Taken())
			}
		})
	}
}

func TestImplicitTLSSpeaksTLSFromTheFirstByte(t *testing.T) {
	server, roots := certificate(t)
	_, sink := connect(t, mailsink.Options{User: "huiyin", Password: "secret"}, Settings{})
	front, err := tls.Listen("tcp", "127.0.0.1:0", server)
	if err != nil {
		t.Fatal(err)
	}
	go relay(front, sink.Address())
	c, err := New(Settings{
		Server: front.Addr().String(), Encryption: Implicit, TLS: &tls.Config{RootCAs: roots},
		User: "huiyin", Password: "secret", From: "care@wallet.example",
	}, clock.NewVirtual(someDay))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if o := c.Send(t.Context(), letterTo("ann@example.com"), yes); o.Result != channel.OK {
			t.Errorf("%+v", o)
		}
	}
	c.Close()
	_ = front.Close() // ends relay
	if sink.Taken() != 2 {
		t.Errorf("taken %d", sink.Taken())
	}
}

// relay passes connections on to an address until the listener is closed.
func relay(from net.Listener, to string) {
	for {
		in, err := from.Accept()
		if err != nil {
			return
		}
		out, err := net.Dial("tcp", to)
		if err != nil {
			_ = in.Close()
			continue
		}
		go pass(in, out)
		go pass(out, in)
	}
}

func pass(from, to net.Conn) {
	buffer := make([]byte, 4096)
	for {
		n, err := from.Read(buffer)
		if n > 0 {
			_, _ = to.Write(buffer[:n]) // a break shows on the next read
		}
		if err != nil {
			_, _ = from.Close(), to.Close()
			return
		}
	}
}

func TestALoginThatFailsLeavesTheMessageToBeTriedAgain(t *testing.T) {
	for _, test := range []struct {
		name, user, password string
		want                 channel.Result
		reason               codes.Reason
	}{
		{"right", "huiyin", "secret", channel.OK, codes.Accepted},
		{"wrong", "huiyin", "guess", channel.Rejected, codes.LoginRefused},
		{"missing", "", "", channel.Rejected, codes.LoginRefused},
	} {
		t.Run(test.name, func(t *testing.T) {
			c, sink := connect(t, mailsink.Options{User: "huiyin", Password: "secret"}, Settings{User: test.user, Password: test.password})
			o := c.Send(t.Context(), letterTo("ann@example.com"), yes)
			if o.Result != test.want || o.Reason != test.reason || (o.RetryAfter > 0) != (test.want == channel.Rejected) {
				t.Errorf("%+v", o)
			}
			if (sink.Taken() == 1) != (test.want == channel.OK) {
				t.Errorf("taken %d", sink.Taken())
			}
		})
	}
}

func TestConnectionsAreKeptAndReplacedAsSet(t *testing.T) {
	c, sink := connect(t, mailsink.Options{}, Settings{MessagesPerConnection: 5})
	for n := range 12 {
		m := letterTo("ann@example.com")
		m.Key = fmt.Sprintf("kept-%d", n)
		if o := c.Send(t.Context(), m, yes); o.Result != channel.OK {
			t.Fatalf("%+v", o)
		}
	}
	if got := sink.Sessions(); got != 3 {
		t.Errorf("12 messages took %d connections, want 3 of at most 5 messages each", got)
	}
}

func TestAKeptConnectionThatTheServerClosedCostsNothing(t *testing.T) {
	log := filepath.Join(t.TempDir(), "wire.jsonl")
	c, sink := connect(t, mailsink.Options{Log: log}, Settings{})
	if o := c.Send(t.Context(), letterTo("ann@example.com"), yes); o.Result != channel.OK {
		t.Fatalf("%+v", o)
	}
	if err := sink.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := mailsink.Start(mailsink.Options{Address: sink.Address(), Log: log})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = again.Close() }()
	looks := 0
	o := c.Send(t.Context(), letterTo("ann@example.com"), func(context.Context) error { looks++; return nil })
	if o.Result != channel.OK || looks != 1 || again.Taken() != 1 {
		t.Errorf("%+v after %d looks, taken %d", o, looks, again.Taken())
	}
}

func TestAServerThatEndsBusyConnectionsDelaysNothing(t *testing.T) {
	c, sink := connect(t, mailsink.Options{PerConnection: 2}, Settings{})
	looks := 0
	for range 7 {
		o := c.Send(t.Context(), letterTo("ann@example.com"), func(context.Context) error { looks++; return nil })
		if o.Result != channel.OK {
			t.Errorf("%+v", o)
		}
	}
	if sink.Taken() != 7 || looks != 7 || sink.Sessions() != 4 {
		t.Errorf("7 messages: taken %d, %d looks, %d connections", sink.Taken(), looks, sink.Sessions())
	}
}

func TestAServerLostBeforeTheMessageLosesNothing(t *testing.T) {
	for _, mode := range []mailsink.Mode{mailsink.DropAtMail, mailsink.HangAtMail} {
		t.Run(string(mode), func(t *testing.T) {
			c, sink := connect(t, mailsink.Options{}, Settings{SendTimeout: 300 * time.Millisecond})
			sink.Force(mode)
			looks := 0
			o := c.Send(t.Context(), letterTo("ann@example.com"), func(context.Context) error { looks++; return nil })
			if o.Result != channel.Rejected || o.RetryAfter == 0 || looks != 0 {
				t.Errorf("%+v after %d looks", o, looks)
			}
		})
	}
}

func TestRefusalsOfAnAddressAreToldApart(t *testing.T) {
	for mode, want := range map[mailsink.Mode]codes.Reason{
		mailsink.Refuse: codes.MailboxUnknown, mailsink.RefuseForNow: codes.ProviderBusy,
		mailsink.BusyAtEnd: codes.ProviderBusy, mailsink.RefuseAtEnd: codes.ContentRejected,
	} {
		t.Run(string(mode), func(t *testing.T) {
			c, sink := connect(t, mailsink.Options{}, Settings{})
			sink.Force(mode)
			for range 4 { // more than the three errors after which the server hangs up
				o := c.Send(t.Context(), letterTo("ann@example.com"), yes)
				if o.Result != channel.Rejected || o.Reason != want {
					t.Errorf("%+v", o)
				}
			}
			if sink.Taken() != 0 {
				t.Errorf("taken %d", sink.Taken())
			}
		})
	}
}

func TestSettingsThatCannotWorkAreRefusedWithTheirPlace(t *testing.T) {
	good := Settings{Server: "mail.example.com:587", From: "Care <care@wallet.example>"}
	for path, spoil := range map[string]func(*Settings){
		"server":       func(s *Settings) { s.Server = "mail.example.com" },
		"from":         func(s *Settings) { s.From = "Care\r\n <care@wallet.example>" },
		"reply_to":     func(s *Settings) { s.ReplyTo = "nobody" },
		"id_domain":    func(s *Settings) { s.IDDomain = "a b" },
		"hello":        func(s *Settings) { s.Hello = "a\r\nMAIL FROM:<>" },
		"encryption":   func(s *Settings) { s.Encryption = "tls" },
		"in_flight":    func(s *Settings) { s.InFlight = 1000 },
		"send_timeout": func(s *Settings) { s.SendTimeout = -time.Second },
		"idle_timeout": func(s *Settings) { s.MessagesPerConnection = -1 },
	} {
		s := good
		spoil(&s)
		_, err := New(s, clock.System{})
		var e *errs.Error
		if !errors.As(err, &e) || e.Path != path || e.Kind != errs.Invalid {
			t.Errorf("%s: got %v", path, err)
		}
	}
	if _, err := New(good, clock.System{}); err != nil {
		t.Error(err)
	}
}
