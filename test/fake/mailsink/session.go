package mailsink

import (
	"bytes"
	"io"
	"mime"
	"strings"
	"time"

	"github.com/emersion/go-smtp"

	"github.com/huiyin/huiyin/test/fake/wirelog"
)

// leavingDelay lets the last answer reach the client before the connection closes.
const leavingDelay = 20 * time.Millisecond

var (
	errUnknownMailbox = &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "No such mailbox here"}
	errRefusedForNow  = &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 7, 1}, Message: "Greylisted, come back later"}
	errBusy           = &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 3, 0}, Message: "Try again later"}
	errContent        = &smtp.SMTPError{Code: 554, EnhancedCode: smtp.EnhancedCode{5, 7, 1}, Message: "Message content not accepted"}
	errLeaving        = &smtp.SMTPError{Code: 421, EnhancedCode: smtp.EnhancedCode{4, 7, 0}, Message: "Too many messages on this connection"}
	errNoLogin        = &smtp.SMTPError{Code: 530, EnhancedCode: smtp.EnhancedCode{5, 7, 0}, Message: "Authentication required"}
)

// session is one connection's conversation.
type session struct {
	sink     *Sink
	conn     *smtp.Conn
	trusted  bool
	messages int
	from     string
	to       []string
}

// Reset forgets the message under way.
func (s *session) Reset() { s.from, s.to = "", s.to[:0] }

// Logout ends the session.
func (s *session) Logout() error { return nil }

// Mail takes the sender.
func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	if !s.trusted {
		return errNoLogin
	}
	if most := s.sink.options.PerConnection; most > 0 && s.messages >= most {
		time.AfterFunc(leavingDelay, func() { _ = s.conn.Conn().Close() }) // it may be closed already
		return errLeaving
	}
	s.messages++
	s.from = from
	if m := s.sink.forced.Load(); m != nil {
		switch *m {
		case DropAtMail:
			_ = s.conn.Conn().Close() // that is the misbehaviour asked for
		case HangAtMail:
			<-s.sink.done
		}
	}
	return nil
}

// Rcpt takes or refuses a recipient.
func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	mode := s.sink.mode(to)
	switch {
	case mode == Refuse:
		return s.refuse(to, mode, errUnknownMailbox)
	case mode == RefuseForNow && s.sink.refuseForNow(to):
		return s.refuse(to, mode, errRefusedForNow)
	}
	s.to = append(s.to, to)
	return nil
}

func (s *session) refuse(to string, m Mode, answer error) error {
	if err := s.sink.log.Append(Seen{At: time.Now(), From: s.from, To: to, Mode: m}); err != nil {
		return err
	}
	return answer
}

// Data takes the message and treats it as its mode says. Shares of refusals are
// drawn by address, all others by address and key: a customer isn't unlucky with
// every message, and the same message always fares the same.
func (s *session) Data(r io.Reader) error {
	buffer := s.sink.buffers.Get().(*bytes.Buffer)
	defer s.sink.buffers.Put(buffer)
	buffer.Reset()
	forced := s.sink.forced.Load()
	if forced != nil && *forced == Drop {
		_ = s.conn.Conn().Close() // that is the misbehaviour asked for
		return io.ErrUnexpectedEOF
	}
	if _, err := buffer.ReadFrom(r); err != nil {
		return err // cut off before its end: not taken
	}
	seen := read(buffer.Bytes())
	seen.From, seen.Size = s.from, buffer.Len()
	if s.sink.options.Bodies {
		seen.Body = buffer.String()
	}
	var answer error
	for _, to := range s.to {
		seen.To = to
		seen.Mode = s.sink.mode(to, seen.Key)
		if err := s.treat(seen); err != nil {
			answer = err
		}
	}
	return answer
}

func (s *session) treat(seen Seen) error {
	if d := s.sink.options.Delay; d > 0 {
		s.wait(d)
	}
	switch seen.Mode {
	case BusyAtEnd:
		return s.record(seen, false, errBusy)
	case RefuseAtEnd:
		return s.record(seen, false, errContent)
	case Hang:
		err := s.record(seen, false, errBusy)
		<-s.sink.done
		return err
	case Drop, DropAtMail, HangAtMail: // drawn by share: the message is here already
		err := s.record(seen, false, errBusy)
		_ = s.conn.Conn().Close() // that is the misbehaviour asked for
		return err
	case HangThenTake:
		s.wait(s.sink.options.Hang)
		return s.record(seen, true, nil)
	case TakeThenHang:
		err := s.record(seen, true, nil)
		<-s.sink.done
		return err
	case TakeThenDrop:
		err := s.record(seen, true, nil)
		_ = s.conn.Conn().Close() // that is the misbehaviour asked for
		return err
	case Refuse, RefuseForNow: // drawn for the message though the address was good
		seen.Mode = Accept
		return s.record(seen, true, nil)
	case TakeThenKill:
		if err := s.record(seen, true, nil); err != nil {
			return err
		}
		return wirelog.Kill(s.sink.options.KillPIDFile)
	case TakeOddAnswer:
		err := s.record(seen, true, nil)
		_, _ = s.conn.Conn().Write([]byte("<html>It works!</html>\r\n")) // nobody minds whether it arrives
		_ = s.conn.Conn().Close()                                        // so that the true answer doesn't follow
		return err
	default:
		return s.record(seen, true, nil)
	}
}

// record writes the line and gives back the answer, unless the line can't be written.
func (s *session) record(seen Seen, taken bool, answer error) error {
	seen.At, seen.Taken = time.Now(), taken
	if taken {
		s.sink.taken.Add(1)
	}
	if err := s.sink.log.Append(seen); err != nil {
		return err
	}
	return answer
}

// wait waits out d, or less if the sink is closed.
func (s *session) wait(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-s.sink.done:
	}
}

// read finds the headers that the wire log holds. It doesn't unfold: the
// product writes these headers on one line each, subjects aside.
func read(message []byte) Seen {
	var seen Seen
	for len(message) > 0 {
		end := bytes.IndexByte(message, '\n')
		if end < 0 {
			break
		}
		line := bytes.TrimRight(message[:end], "\r")
		message = message[end+1:]
		if len(line) == 0 {
			break
		}
		name, value, found := bytes.Cut(line, []byte(": "))
		if !found {
			continue
		}
		switch string(name) { // compiled without an allocation
		case "X-Huiyin-Key":
			seen.Key = string(value)
		case "X-Huiyin-At":
			seen.Virtual = string(value)
		case "Message-ID":
			seen.ID = string(value)
		case "Subject":
			seen.Subject = subject(value, message)
		}
	}
	return seen
}

// subject joins the continuation lines of a subject and decodes it.
func subject(first, rest []byte) string {
	folded := string(first)
	for len(rest) > 0 && (rest[0] == ' ' || rest[0] == '\t') {
		end := bytes.IndexByte(rest, '\n')
		if end < 0 {
			break
		}
		folded += " " + strings.TrimSpace(string(rest[:end]))
		rest = rest[end+1:]
	}
	if !strings.Contains(folded, "=?") {
		return folded
	}
	decoded, err := new(mime.WordDecoder).DecodeHeader(folded)
	if err != nil {
		return folded // the log then shows what stood there
	}
	return decoded
}
