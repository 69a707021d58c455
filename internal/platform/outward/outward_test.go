package outward_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/huiyin/huiyin/internal/platform/outward"
)

func TestOnlyAddressesOfTheWorldOutsideArePublic(t *testing.T) {
	cases := map[string]bool{
		"93.184.216.34": true, "8.8.8.8": true, "100.63.255.255": true, "100.128.0.1": true, "172.15.0.1": true, "172.32.0.1": true,
		"2606:4700::1": true, "2400:cb00::1": true, "::ffff:8.8.8.8": true,
		"127.0.0.1": false, "127.8.9.1": false, "0.0.0.0": false, "0.1.2.3": false, "::1": false, "::": false, "::ffff:127.0.0.1": false, "::ffff:10.0.0.1": false,
		"169.254.169.254": false, "fe80::1": false, "fe80::1%eth0": false, "fc00::1": false, "fd00::1": false, "fd12:3456::1": false,
		"10.0.0.1": false, "10.255.255.255": false, "172.16.0.1": false, "172.31.255.255": false, "192.168.0.1": false, "100.64.0.1": false, "100.127.255.255": false,
		"192.0.2.1": false, "198.18.0.1": false, "203.0.113.9": false, "224.0.0.1": false, "255.255.255.255": false, "240.0.0.1": false, "ff02::1": false,
		"64:ff9b::7f00:1": false, "64:ff9b:1::a00:1": false, "2002:7f00:1::": false, "2001::1": false, "2001:db8::1": false, "::7f00:1": false, "100::1": false, "fec0::1": false,
	}
	for text, want := range cases {
		if got := outward.Public(netip.MustParseAddr(text)); got != want {
			t.Errorf("%s: public %v, want %v", text, got, want)
		}
	}
	if outward.Public(netip.Addr{}) {
		t.Error("no address at all is public")
	}
}

func TestMappingAnAddressIntoIPv6ChangesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var b [4]byte
		binary.BigEndian.PutUint32(b[:], rapid.Uint32().Draw(t, "address"))
		a := netip.AddrFrom4(b)
		if outward.Public(a) != outward.Public(netip.AddrFrom16(a.As16())) {
			t.Fatalf("%s is judged otherwise when it is mapped", a)
		}
	})
}

// names is a DNS server on loopback whose answers a test chooses.
type names struct {
	answer func(name string, question int) []string
	asked  atomic.Int64
}

// resolver asks s alone.
func (s *names) resolver(t *testing.T) *net.Resolver {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	go s.serve(conn)
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
}

func (s *names) serve(conn net.PacketConn) {
	buf := make([]byte, 512)
	for {
		n, from, err := conn.ReadFrom(buf)
		if err != nil {
			return
		}
		var labels []string
		at := 12
		for at < n && buf[at] != 0 {
			labels = append(labels, string(buf[at+1:at+1+int(buf[at])]))
			at += 1 + int(buf[at])
		}
		end := at + 5
		kind := binary.BigEndian.Uint16(buf[at+1:])
		reply := append([]byte{}, buf[:end]...)
		var addresses []string
		if kind == 1 {
			addresses = s.answer(strings.Join(labels, "."), int(s.asked.Add(1)))
		}
		binary.BigEndian.PutUint16(reply[2:], 0x8180)
		binary.BigEndian.PutUint16(reply[6:], uint16(len(addresses)))
		binary.BigEndian.PutUint16(reply[10:], 0)
		for _, a := range addresses {
			ip := netip.MustParseAddr(a).As4()
			reply = append(reply, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4)
			reply = append(reply, ip[:]...)
		}
		_, _ = conn.WriteTo(reply, from)
	}
}

// inside is a server on all of loopback that must not be reached, over HTTP and HTTPS.
func inside(t *testing.T, secure bool) (port string, roots *x509.CertPool, reached *atomic.Int64) {
	t.Helper()
	reached = new(atomic.Int64)
	handler := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { reached.Add(1) })
	s := httptest.NewUnstartedServer(handler)
	l, err := net.Listen("tcp4", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = s.Listener.Close()
	s.Listener = l
	roots = x509.NewCertPool()
	if secure {
		s.StartTLS()
		roots.AddCert(s.Certificate())
	} else {
		s.Start()
	}
	t.Cleanup(s.Close)
	_, port, _ = net.SplitHostPort(l.Addr().String())
	return port, roots, reached
}

func get(c *http.Client, address string) (*http.Response, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader("{}"))
	if err != nil {
		return nil, err
	}
	res, err := c.Do(r)
	if err == nil {
		_ = res.Body.Close()
	}
	return res, err
}

// However it is spelled, resolved or hidden, nothing reaches a server inside.
func TestNoSpellingOfAnInwardAddressReachesTheServerThere(t *testing.T) {
	dns := &names{answer: func(name string, _ int) []string {
		if strings.HasPrefix(name, "mixed") {
			return []string{"10.1.2.3", "127.0.0.1"}
		}
		return []string{"127.0.0.1"}
	}}
	resolver := dns.resolver(t)
	hosts := []string{
		"127.0.0.1", "127.1", "0.0.0.0", "0", "[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]",
		"2130706433", "017700000001", "0x7f000001", "0177.0.0.1", "0x7f.0.0.1", "127.0.0.1.", "localhost", "LOCALHOST", "localhost.",
		"inward.example", "mixed.example", "①②⑦.0.0.1", "127.0.0.1%00.example",
		"169.254.169.254", "[fd00::1]", "10.0.0.1", "192.168.0.1", "100.64.0.1", "[fe80::1%25lo]",
	}
	for _, secure := range []bool{false, true} {
		port, roots, reached := inside(t, secure)
		scheme := map[bool]string{false: "http", true: "https"}[secure]
		c := outward.Client(outward.Options{Resolver: resolver, TLS: &tls.Config{RootCAs: roots, ServerName: "example.com"}, DialTimeout: 2 * time.Second})
		for _, host := range hosts {
			for _, login := range []string{"", "user:pass@", "8.8.8.8@", "wallet.example:443@"} {
				_, err := get(c, scheme+"://"+login+host+":"+port+"/")
				if err == nil {
					t.Errorf("%s://%s%s was reached", scheme, login, host)
				}
			}
		}
		if reached.Load() != 0 {
			t.Errorf("%s: the server inside was reached %d times", scheme, reached.Load())
		}
		// The server is there: with leave, the same client reaches it.
		allowed := outward.Client(outward.Options{Resolver: resolver, TLS: &tls.Config{RootCAs: roots, ServerName: "example.com"}, Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
		if _, err := get(allowed, scheme+"://inward.example:"+port+"/"); err != nil || reached.Load() != 1 {
			t.Errorf("%s: what is allowed was not reached: %v", scheme, err)
		}
	}
}

func TestAnInwardAddressIsSaidToBeOne(t *testing.T) {
	_, err := get(outward.Client(outward.Options{}), "https://127.0.0.1:1/")
	if !errors.Is(err, outward.ErrInward) {
		t.Errorf("got %v", err)
	}
	_, err = get(outward.Client(outward.Options{}), "http://192.0.2.1:1/")
	if !errors.Is(err, outward.ErrInward) {
		t.Errorf("plain HTTP: got %v", err)
	}
}

// A name that is good when it is looked up and leads inside when it is dialled.
func TestANameThatChangesBetweenTwoLookUpsIsJudgedByWhereItLeadsNow(t *testing.T) {
	port, _, reached := inside(t, false)
	dns := &names{answer: func(_ string, question int) []string {
		if question == 1 {
			return []string{"127.0.0.2"}
		}
		return []string{"127.0.0.1"}
	}}
	c := outward.Client(outward.Options{Resolver: dns.resolver(t), Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.2/32")}})
	if _, err := get(c, "http://changing.example:"+port+"/"); err != nil || reached.Load() != 1 {
		t.Fatalf("the first address is allowed: %v", err)
	}
	c.CloseIdleConnections()
	if _, err := get(c, "http://changing.example:"+port+"/"); !errors.Is(err, outward.ErrInward) || reached.Load() != 1 {
		t.Fatalf("the second isn't: %v, reached %d times", err, reached.Load())
	}
}

func TestARedirectInwardIsNotFollowedAndProxiesOfTheEnvironmentAreNotAsked(t *testing.T) {
	port, _, reached := inside(t, false)
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:"+port)
	t.Setenv("http_proxy", "http://127.0.0.1:"+port)
	t.Setenv("HTTPS_PROXY", "http://127.0.0.1:"+port)
	turning := httptest.NewServer(http.RedirectHandler("http://127.0.0.1:"+port+"/", http.StatusTemporaryRedirect))
	defer turning.Close()
	u, err := url.Parse(turning.URL)
	if err != nil {
		t.Fatal(err)
	}
	c := outward.Client(outward.Options{
		Allow:    []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
		Resolver: (&names{answer: func(string, int) []string { return []string{"127.0.0.1"} }}).resolver(t),
	})
	res, err := get(c, "http://turning.example:"+u.Port()+"/")
	if err != nil || res.StatusCode != http.StatusTemporaryRedirect {
		t.Fatalf("got %v, %v; want the redirect itself", res, err)
	}
	if reached.Load() != 0 {
		t.Errorf("the server inside was reached %d times", reached.Load())
	}
}

func TestAPathThatHangsHoldsUpNoOtherPathOfItsHost(t *testing.T) {
	const hanging = 8
	came, release := make(chan struct{}, hanging), make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/hangs" {
			came <- struct{}{}
			<-release
		}
	}))
	defer server.Close()
	c := outward.Client(outward.Options{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, KeepPerHost: hanging})
	var all sync.WaitGroup
	defer all.Wait()
	defer close(release)
	for range hanging {
		all.Go(func() {
			res, err := c.Post(server.URL+"/hangs", "application/json", nil)
			if err != nil {
				t.Error(err)
				return
			}
			_ = res.Body.Close()
		})
	}
	for range hanging {
		<-came
	}
	if _, err := get(c, server.URL+"/answers"); err != nil {
		t.Error(err)
	}
}
