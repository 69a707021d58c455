package demo

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io"
	"log"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"strings"
	"sync"
	"time"

	"github.com/emersion/go-smtp"
)

const (
	mailsKept    = 500
	mailBytesMax = 1 << 20
	mailTimeout  = 10 * time.Second
)

// Mail is one message as a customer received it.
type Mail struct {
	Number      int
	At          time.Time
	To, Subject string
	Text        string
	Unsubscribe string // the one-click address, if the mail has one
}

// Mailbox is a mail server that keeps what it is given for all to read. It listens
// on this machine alone.
type Mailbox struct {
	server   *smtp.Server
	listener net.Listener
	now      func() time.Time

	mu    sync.Mutex
	mails []Mail // oldest first
	next  int
	lose  bool // hang up after the next message instead of saying that it was taken
}

// NewMailbox starts a mailbox on a free port.
func NewMailbox(now func() time.Time) (*Mailbox, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	b := &Mailbox{listener: l, now: now, next: 1}
	b.server = smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) { return &delivery{box: b, conn: c}, nil }))
	b.server.ErrorLog = log.New(io.Discard, "", 0) // of clients that were hung up on
	b.server.Domain = "mailbox.example"
	b.server.MaxMessageBytes = mailBytesMax
	b.server.ReadTimeout, b.server.WriteTimeout = mailTimeout, mailTimeout
	return b, nil
}

// Address is where it listens.
func (b *Mailbox) Address() string { return b.listener.Addr().String() }

// Serve takes mail until Close.
func (b *Mailbox) Serve() error {
	if err := b.server.Serve(b.listener); err != nil && !errors.Is(err, smtp.ErrServerClosed) {
		return err
	}
	return nil
}

// Close stops taking mail.
func (b *Mailbox) Close() error { return b.server.Close() }

// Mails gives what arrived for an address ("" = for everyone), newest first.
func (b *Mailbox) Mails(to string, limit int) []Mail {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []Mail
	for i := len(b.mails) - 1; i >= 0 && len(out) < limit; i-- {
		if to == "" || strings.EqualFold(b.mails[i].To, to) {
			out = append(out, b.mails[i])
		}
	}
	return out
}

// Mail gives one message.
func (b *Mailbox) Mail(number int) (Mail, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, m := range b.mails {
		if m.Number == number {
			return m, true
		}
	}
	return Mail{}, false
}

// LoseNext makes the server hang up after the next message, without saying that it
// took it: what the sender can know of such a message is nothing.
func (b *Mailbox) LoseNext() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.lose = true
}

// Losing says whether the next message will be lost.
func (b *Mailbox) Losing() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.lose
}

// keep takes a message and says whether to hang up without a word.
func (b *Mailbox) keep(m Mail) (hangUp bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	hangUp, b.lose = b.lose, false
	m.Number, m.At = b.next, b.now()
	b.next++
	b.mails = append(b.mails, m)
	if n := len(b.mails) - mailsKept; n > 0 {
		b.mails = append([]Mail(nil), b.mails[n:]...)
	}
	return hangUp
}

// delivery is one SMTP conversation.
type delivery struct {
	box  *Mailbox
	conn *smtp.Conn
	to   string
}

var _ smtp.Session = (*delivery)(nil)

func (d *delivery) Mail(string, *smtp.MailOptions) error { return nil }
func (d *delivery) Reset()                               { d.to = "" }
func (d *delivery) Logout() error                        { return nil }

func (d *delivery) Rcpt(to string, _ *smtp.RcptOptions) error {
	d.to = to
	return nil
}

func (d *delivery) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	m, err := read(raw)
	if err != nil {
		return &smtp.SMTPError{Code: 554, EnhancedCode: smtp.EnhancedCode{5, 6, 0}, Message: "this is no mail: " + err.Error()}
	}
	m.To = d.to
	if d.box.keep(m) {
		return d.conn.Conn().Close()
	}
	return nil
}

// read takes a message apart as a mail program would.
func read(raw []byte) (Mail, error) {
	m, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		return Mail{}, err
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	if err != nil {
		return Mail{}, err
	}
	text, err := plainText(m.Header.Get("Content-Type"), m.Header.Get("Content-Transfer-Encoding"), m.Body)
	if err != nil {
		return Mail{}, err
	}
	return Mail{Subject: subject, Text: text, Unsubscribe: strings.Trim(m.Header.Get("List-Unsubscribe"), "<> ")}, nil
}

// plainText is the readable part of a message: itself, or its first text/plain part.
func plainText(contentType, encoding string, body io.Reader) (string, error) {
	media, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		media = "text/plain"
	}
	if strings.HasPrefix(media, "multipart/") {
		parts := multipart.NewReader(body, params["boundary"])
		for {
			p, err := parts.NextRawPart()
			if errors.Is(err, io.EOF) {
				return "", nil
			}
			if err != nil {
				return "", err
			}
			if text, err := plainText(p.Header.Get("Content-Type"), p.Header.Get("Content-Transfer-Encoding"), p); err != nil || text != "" {
				return text, err
			}
		}
	}
	if media != "text/plain" {
		return "", nil
	}
	switch strings.ToLower(encoding) {
	case "base64":
		body = base64.NewDecoder(base64.StdEncoding, body)
	case "quoted-printable":
		body = quotedprintable.NewReader(body)
	}
	text, err := io.ReadAll(body)
	return strings.ReplaceAll(string(text), "\r\n", "\n"), err
}
