package app

import (
	"bufio"
	"fmt"
	"io"
	"log"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
)

// bringing serves SMTP on fewConns; each connection may last for span.
func bringing(t *testing.T, span time.Duration) (dial func(from string) (net.Conn, string)) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &returnSession{}, nil }))
	server.ReadTimeout, server.WriteTimeout, server.ErrorLog = returnTimeout, returnTimeout, log.New(io.Discard, "", 0)
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = server.Serve(newFewConns(l, span)) // ends by Close
	}()
	t.Cleanup(func() {
		_ = server.Close()
		<-served
	})
	return func(from string) (net.Conn, string) {
		t.Helper()
		d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}, Timeout: 10 * time.Second}
		c, err := d.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		if err := c.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
			t.Fatal(err)
		}
		greeting, _ := bufio.NewReader(c).ReadString('\n') // closed at once: none
		return c, greeting
	}
}

func TestOneAddressCanNotShutOutTheMailServersOfOthers(t *testing.T) {
	dial := bringing(t, time.Minute)
	var first net.Conn
	for i := range 20 {
		c, greeting := dial("127.0.0.1")
		if took := strings.HasPrefix(greeting, "220"); took != (i < returnsOfOne) {
			t.Errorf("connection %d from one address: %q", i, greeting)
		}
		if i == 0 {
			first = c
		}
	}
	if _, greeting := dial("127.0.0.2"); !strings.HasPrefix(greeting, "220") {
		t.Errorf("another address is shut out: %q", greeting)
	}
	if _, err := fmt.Fprint(first, "QUIT\r\n"); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(first); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(10 * time.Second); ; {
		if _, greeting := dial("127.0.0.1"); greeting != "" {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("a connection that ended keeps its place")
		}
	}
}

func TestAConnectionForReturnsEndsHoweverItIsKeptBusy(t *testing.T) {
	const span = 200 * time.Millisecond
	dial := bringing(t, span)
	began := time.Now()
	c, _ := dial("127.0.0.1")
	for time.Since(began) < 10*time.Second {
		if _, err := fmt.Fprint(c, "NOOP\r\n"); err != nil {
			return // it was ended
		}
		time.Sleep(span / 20)
	}
	t.Error("it goes on as long as something is said")
}
