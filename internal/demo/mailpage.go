package demo

import (
	"context"
	"regexp"
	"strconv"
	"strings"

	"github.com/huiyin/huiyin/internal/people/customer"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/errs"
)

const mailsListed = 100

var anyLink = regexp.MustCompile(`https?://[^\s<>"]+`)

// mailboxPage lists what arrived.
type mailboxPage struct {
	To    string // whose mail; "" for everyone's
	Mails []Mail
	Lose  bool // the next one's acknowledgement will be lost
}

func (d *Demo) mailbox(q *request) (any, error) {
	to := strings.TrimSpace(q.URL.Query().Get("to"))
	if ref := q.URL.Query().Get("customer"); ref != "" {
		address, err := d.mailAddress(q.Context(), ref)
		if err != nil {
			return nil, err
		}
		to = address
	}
	return &mailboxPage{To: to, Mails: d.Mailbox.Mails(to, mailsListed), Lose: d.Mailbox.Losing()}, nil
}

// mailAddress is where a customer gets their mail: the mailbox stands for the world
// outside, which knows its own addresses. "" for those who get none.
func (d *Demo) mailAddress(ctx context.Context, ref string) (address string, err error) {
	err = d.DB.Read(ctx, func(tx *db.Tx) error {
		c, err := customer.Get(tx, ref)
		if err != nil {
			return err
		}
		if err := customer.OpenFor(ctx, d.House.Vault, customer.Email, c); err != nil {
			return err
		}
		if point, has := c.Point(customer.Email); has {
			address = point.Address
		}
		return c.Damaged
	})
	return address, err
}

// mailPage is one message as its reader sees it.
type mailPage struct {
	Mail
	Parts []mailPart
}

// mailPart is a stretch of a message: words, or a link.
type mailPart struct{ Text, Href string }

func (d *Demo) mail(q *request) (any, error) {
	n, err := strconv.Atoi(q.PathValue("number"))
	m, found := d.Mailbox.Mail(n)
	if err != nil || !found {
		return nil, errs.New(errs.NotFound, codes.NotFound, "this mail isn't here any more; the mailbox keeps the last %d, and starts empty with the demo", mailsKept)
	}
	q.title, q.quiet = m.Subject, true
	return &mailPage{Mail: m, Parts: partsOf(m.Text)}, nil
}

// partsOf tells the links of a text apart from its words.
func partsOf(text string) (parts []mailPart) {
	at := 0
	for _, link := range anyLink.FindAllStringIndex(text, -1) {
		parts = append(parts, mailPart{Text: text[at:link[0]]}, mailPart{Text: text[link[0]:link[1]], Href: text[link[0]:link[1]]})
		at = link[1]
	}
	return append(parts, mailPart{Text: text[at:]})
}

// loseNext lets the mail server hang up after the next mail without a word.
func (d *Demo) loseNext(*request) (string, error) {
	d.Mailbox.LoseNext()
	return "/set-aside", nil
}
