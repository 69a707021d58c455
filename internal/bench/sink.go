package bench

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
)

// sinkLineMax bounds a line a sink reads.
const sinkLineMax = 64 << 10

// Sink is a mail server or SMS gateway that takes everything and keeps nothing: what is left
// of a bench of messages when the other end costs as little as it can.
type Sink struct {
	listener net.Listener
	converse func(net.Conn) error
	open     sync.WaitGroup
}

// StartSink listens on a free port of this machine and speaks what a channel speaks.
func StartSink(channelName string) (*Sink, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	if channelName == "email" {
		return &Sink{listener: l, converse: converse}, nil
	}
	return &Sink{listener: l, converse: takeTexts}, nil
}

// Address is where it listens.
func (s *Sink) Address() string { return s.listener.Addr().String() }

// Serve answers until ctx ends.
func (s *Sink) Serve(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() { _ = s.listener.Close() })
	defer stop()
	for {
		conn, err := s.listener.Accept()
		if err != nil {
			s.open.Wait()
			if errors.Is(err, net.ErrClosed) {
				return nil
			}
			return err
		}
		s.open.Go(func() {
			cut := context.AfterFunc(ctx, func() { _ = conn.Close() })
			defer cut()
			defer func() { _ = conn.Close() }()
			_ = s.converse(conn) // a client that goes away ends its conversation, no more
		})
	}
}

// converse speaks as much SMTP as a sender needs: commands may come in one packet.
func converse(conn net.Conn) error {
	r, w := bufio.NewReaderSize(conn, sinkLineMax), bufio.NewWriter(conn)
	say := func(line string) error {
		if _, err := io.WriteString(w, line+"\r\n"); err != nil {
			return err
		}
		if r.Buffered() > 0 { // more commands are waiting: answer them together
			return nil
		}
		return w.Flush()
	}
	if err := say("220 sink"); err != nil {
		return err
	}
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return err
		}
		verb := strings.ToUpper(string(bytes.TrimSpace(line[:min(4, len(line))])))
		switch verb {
		case "EHLO":
			err = say("250-sink\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 PIPELINING")
		case "DATA":
			if err = say("354 go on"); err == nil {
				if err = swallow(r); err == nil {
					err = say("250 taken")
				}
			}
		case "QUIT":
			return errors.Join(say("221 bye"), w.Flush())
		default:
			err = say("250 ok")
		}
		if err != nil {
			return err
		}
	}
}

// swallow reads a message up to the line that is a dot alone.
func swallow(r *bufio.Reader) error {
	for begins := true; ; {
		line, err := r.ReadSlice('\n')
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return err
		}
		if begins && (bytes.Equal(line, []byte(".\r\n")) || bytes.Equal(line, []byte(".\n"))) {
			return nil
		}
		begins = err == nil
	}
}

// takenText is the plain gateway's answer to a message it took.
const takenText = "HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nContent-Length: 38\r\n\r\n" + `{"state":"accepted","reference":"r-1"}`

// takeTexts answers one request after another as the plain gateway does.
func takeTexts(conn net.Conn) error {
	r := bufio.NewReaderSize(conn, sinkLineMax)
	for {
		request, err := http.ReadRequest(r)
		if err != nil {
			return err
		}
		if _, err := io.Copy(io.Discard, request.Body); err != nil {
			return err
		}
		if _, err := io.WriteString(conn, takenText); err != nil {
			return err
		}
	}
}
