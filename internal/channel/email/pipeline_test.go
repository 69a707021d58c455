package email

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/huiyin/huiyin/internal/channel"
	"github.com/huiyin/huiyin/internal/platform/clock"
	"github.com/huiyin/huiyin/internal/platform/codes"
)

// scripted is a mail server that gives fixed answers and writes down what it hears.
type scripted struct {
	pipelines        bool
	mail, rcpt, data string
	end              string // to the end of a message

	mu    sync.Mutex
	heard []string // on each connection, one line
	whole []string // messages
}

func (s *scripted) start(t *testing.T) *Channel {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var open sync.WaitGroup
	open.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			open.Go(func() { s.talk(conn) })
		}
	})
	c, err := New(Settings{Server: l.Addr().String(), Encryption: Plain, From: "care@wallet.example", InFlight: 1}, clock.NewVirtual(someDay))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.Close()
		_ = l.Close()
		open.Wait()
	})
	return c
}

func (s *scripted) talk(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	s.mu.Lock()
	at := len(s.heard)
	s.heard = append(s.heard, "")
	s.mu.Unlock()
	r := bufio.NewReader(conn)
	say := func(line string) { _, _ = fmt.Fprintf(conn, "%s\r\n", line) } // a client that left shows on the next read
	say("220 here")
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		verb := strings.ToUpper(strings.TrimSpace(line)[:4])
		s.mu.Lock()
		s.heard[at] += verb + " "
		s.mu.Unlock()
		switch verb {
		case "EHLO":
			if s.pipelines {
				say("250-here")
				say("250 PIPELINING")
			} else {
				say("250 here")
			}
		case "MAIL":
			say(s.mail)
		case "RCPT":
			say(s.rcpt)
		case "DATA":
			say(s.data)
			if !strings.HasPrefix(s.data, "354") {
				continue
			}
			var message strings.Builder
			for line = ""; line != ".\r\n"; message.WriteString(line) {
				if line, err = r.ReadString('\n'); err != nil {
					return
				}
			}
			s.mu.Lock()
			s.whole = append(s.whole, message.String())
			s.mu.Unlock()
			say(s.end)
		default:
			say("250 fine")
		}
	}
}

func TestCommandsThatGoTogetherAreJudgedOneByOne(t *testing.T) {
	no := func(context.Context) error { return errors.New("no") }
	for _, c := range []struct {
		name   string
		server *scripted
		look   channel.LastLook
		result channel.Result
		reason codes.Reason
		heard  []string // for two messages
		whole  int      // messages that ended, the empty ones included
	}{
		{
			"everything is accepted", &scripted{pipelines: true, mail: "250 a", rcpt: "250 b", data: "354 c", end: "250 d"},
			yes, channel.OK, codes.Accepted,
			[]string{"EHLO MAIL RCPT DATA MAIL RCPT DATA "},
			2,
		},
		{
			"one after another, where the server asks for that", &scripted{mail: "250 a", rcpt: "250 b", data: "354 c", end: "250 d"},
			yes, channel.OK, codes.Accepted,
			[]string{"EHLO MAIL RCPT DATA MAIL RCPT DATA "},
			2,
		},
		{
			"the recipient is refused, and DATA too", &scripted{pipelines: true, mail: "250 a", rcpt: "550 5.1.1 nobody", data: "503 whom?", end: "554 nobody"},
			yes, channel.Rejected, codes.MailboxUnknown,
			[]string{"EHLO MAIL RCPT DATA RSET MAIL RCPT DATA RSET "},
			0,
		},
		{
			"the recipient is refused, and the server waits for a message nonetheless", &scripted{pipelines: true, mail: "250 a", rcpt: "550 5.1.1 nobody", data: "354 c", end: "554 nobody"},
			yes, channel.Rejected, codes.MailboxUnknown,
			[]string{"EHLO MAIL RCPT DATA RSET MAIL RCPT DATA RSET "},
			2,
		},
		{
			"DATA alone is refused", &scripted{pipelines: true, mail: "250 a", rcpt: "250 b", data: "451 4.3.1 full", end: "250 d"},
			yes, channel.Rejected, codes.ProviderBusy,
			[]string{"EHLO MAIL RCPT DATA RSET MAIL RCPT DATA RSET "},
			0,
		},
		{
			"the last look says no, and hanging up ends it", &scripted{pipelines: true, mail: "250 a", rcpt: "250 b", data: "354 c", end: "250 d"},
			no, channel.Withheld, codes.LastLookRefused,
			[]string{"EHLO MAIL RCPT DATA ", "EHLO MAIL RCPT DATA "},
			0,
		},
		{
			"the last look says no before DATA, and the connection is kept", &scripted{mail: "250 a", rcpt: "250 b", data: "354 c", end: "250 d"},
			no, channel.Withheld, codes.LastLookRefused,
			[]string{"EHLO MAIL RCPT RSET MAIL RCPT RSET "},
			0,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			ch := c.server.start(t)
			for range 2 {
				if o := ch.Send(t.Context(), letterTo("ann@example.com"), c.look); o.Result != c.result || o.Reason != c.reason {
					t.Fatalf("%+v, want %s because %s", o, c.result, c.reason)
				}
			}
			c.server.mu.Lock()
			defer c.server.mu.Unlock()
			if !slices.Equal(c.server.heard, c.heard) {
				t.Errorf("the server heard %q, want %q", c.server.heard, c.heard)
			}
			if len(c.server.whole) != c.whole {
				t.Errorf("%d messages ended, want %d", len(c.server.whole), c.whole)
			}
			for _, m := range c.server.whole {
				if (m == ".\r\n") == (c.result == channel.OK) {
					t.Errorf("the message was %q", m)
				}
			}
		})
	}
}
