package outward

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"syscall"
	"time"
)

const (
	dialTimeout      = 5 * time.Second
	handshakeTimeout = 5 * time.Second
	idleTimeout      = 30 * time.Second
	idleConnections  = 64
	headerBytesMost  = 16 << 10
)

// ErrInward says that an address leads inside.
var ErrInward = errors.New("the address leads into our own network")

// Options say what the client may reach beside the world outside.
type Options struct {
	Allow       []netip.Prefix // inward addresses that may be dialled, with plain HTTP too
	KeepPerHost int            // idle connections kept to one host; 2 are the least
	Resolver    *net.Resolver  // nil: the machine's
	TLS         *tls.Config    // nil: the machine's roots
	DialTimeout time.Duration  // 0: dialTimeout
}

// Client makes a client whose connections go through the guard. It has one pool.
func Client(o Options) *http.Client {
	if o.DialTimeout == 0 {
		o.DialTimeout = dialTimeout
	}
	transport := &http.Transport{
		Proxy: nil, // a proxy would dial for us, unguarded
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			d := o.dialer(false)
			return d.DialContext(ctx, network, address)
		},
		DialTLSContext: o.dialTLS,
		// An own DialTLSContext leaves HTTP/1.1, which is all a webhook needs.
		TLSHandshakeTimeout: handshakeTimeout, IdleConnTimeout: idleTimeout, MaxIdleConns: idleConnections,
		// How much is under way, who sends bounds: a bound by host would let one hanging path
		// of it use up the time of all others.
		MaxIdleConnsPerHost:    max(o.KeepPerHost, 2),
		MaxResponseHeaderBytes: headerBytesMost, DisableCompression: true,
	}
	return &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// dialer judges the address the socket is about to be connected to.
func (o *Options) dialer(secure bool) *net.Dialer {
	return &net.Dialer{
		Timeout: o.DialTimeout, Resolver: o.Resolver,
		Control: func(_, address string, _ syscall.RawConn) error {
			to, err := netip.ParseAddrPort(address)
			if err != nil {
				return fmt.Errorf("%w: %s", ErrInward, address)
			}
			a := to.Addr().Unmap().WithZone("")
			if within(o.Allow, a) || secure && Public(a) {
				return nil
			}
			return fmt.Errorf("%w: %s", ErrInward, to.Addr())
		},
	}
}

func (o *Options) dialTLS(ctx context.Context, network, address string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	raw, err := o.dialer(true).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if o.TLS != nil {
		config = o.TLS.Clone()
	}
	if config.ServerName == "" {
		config.ServerName = strings.TrimSuffix(host, ".")
	}
	conn := tls.Client(raw, config)
	shaking, cancel := context.WithTimeout(ctx, handshakeTimeout)
	defer cancel()
	if err := conn.HandshakeContext(shaking); err != nil {
		return nil, errors.Join(err, raw.Close())
	}
	return conn, nil
}
