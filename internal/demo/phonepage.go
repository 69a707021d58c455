package demo

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/huiyin/huiyin/internal/people/customer"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/errs"
)

const (
	textsShown = 40
	mailsShown = 10
)

// phonePage is a customer's telephone: the wallet's app, text messages and mail.
type phonePage struct {
	person
	Phone, Email string // "" = the customer has none
	App          bool
	Others       []person
	Texts        []textLine // oldest first
	Mails        []Mail     // newest first
	Suggested    []string   // what one might reply
}

// textLine is a message with its links told apart.
type textLine struct {
	Text
	Parts []mailPart
}

// owner is a customer as the simulated wallet knows them. The product keeps names and
// addresses sealed, and shows them masked; the wallet has its own.
func (d *Demo) owner(ref string) (*customer.Customer, bool) {
	for i := range d.guests {
		if d.guests[i].customer.Ref == ref {
			return &d.guests[i].customer, true
		}
	}
	n, err := strconv.Atoi(strings.TrimPrefix(ref, "W"))
	if n -= passersFrom; err != nil || n < 0 || n >= d.Customers {
		return nil, false
	}
	return passerBy(n), true
}

// addressOf is where the wallet would reach a customer.
func addressOf(c *customer.Customer, kind string) string {
	for _, p := range c.Points {
		if p.Channel == kind {
			return p.Address
		}
	}
	return ""
}

func (d *Demo) phone(q *request) (any, error) {
	ref := q.PathValue("ref")
	if ref == "" {
		ref = d.freshest(q.lang)
	}
	c, known := d.owner(ref)
	if !known {
		return nil, errs.New(errs.NotFound, codes.NotFound, "the simulated wallet has no customer %q", ref)
	}
	p := &phonePage{person: person{Ref: ref, Name: c.Name, Remark: d.remark(ref)}, Phone: addressOf(c, customer.Phone), Email: addressOf(c, customer.Email), App: c.HasThing("app")}
	for i := range d.guests {
		p.Others = append(p.Others, person{Ref: d.guests[i].customer.Ref, Name: d.guests[i].customer.Name})
	}
	if p.Phone != "" {
		all := d.Texts.Thread(p.Phone, textsShown)
		for i := len(all) - 1; i >= 0; i-- {
			p.Texts = append(p.Texts, textLine{all[i], partsOf(all[i].Body)})
		}
	}
	if p.Email != "" {
		p.Mails = d.Mailbox.Mails(p.Email, mailsShown)
	}
	p.Suggested = map[string][]string{"zh-CN": {"5", "TD", "别再发了", "不是本人"}, "en": {"5", "STOP", "please stop texting me", "wrong number"}}[c.Language]
	q.title = c.Name
	return p, nil
}

// writeBack lets a customer reply to the text messages they got.
func (d *Demo) writeBack(q *request) (string, error) {
	ref, words := q.PathValue("ref"), strings.TrimSpace(q.PostFormValue("words"))
	c, known := d.owner(ref)
	if !known || addressOf(c, customer.Phone) == "" {
		return "", errs.New(errs.NotFound, codes.NotFound, "the simulated wallet has no telephone number of %q", ref)
	}
	if words == "" || utf8.RuneCountInString(words) > replyRunesMax {
		return "", errs.New(errs.Invalid, codes.FieldInvalid, "write something, of at most %d characters", replyRunesMax).At("words")
	}
	return "/phone/" + ref + "#texts", d.Texts.reply(q.Context(), d.RepliesURL, addressOf(c, customer.Phone), words)
}
