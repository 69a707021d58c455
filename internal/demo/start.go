package demo

import (
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/huiyin/huiyin/internal/contact/attempt"
	"github.com/huiyin/huiyin/internal/decide/policy"
	"github.com/huiyin/huiyin/internal/measure/report"
	"github.com/huiyin/huiyin/internal/people/customer"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/errs"
	"github.com/huiyin/huiyin/internal/program/document"
)

const (
	othersOffered = 20              // customers in the list beside the guests
	mailsInStory  = 20              // looked through for one customer's
	quietAfter    = 4 * time.Second // an event that has brought about nothing by then won't
	storyReach    = 500 * time.Millisecond
)

// person is a customer to choose.
type person struct {
	Ref, Name string
	Remark    document.Text
}

// startPage is the first page.
type startPage struct {
	Guests, Others []person
	Chosen         string // the customer's ref
	Picked         string // the happening's name
	Happenings     []Happening
	Hours          policy.Decision // what the shipped rules would say to mail in China now
	Now            time.Time
	Story          *startStory // nil: nothing was made to happen yet
}

// startStory is what came of an event.
type startStory struct {
	Customer, Name, Mask string
	What                 Happening
	At                   time.Time
	Lines                []line
	Nothing              bool // no program wanted it
}

// line is one thing that happened, and where to see more of it.
type line struct {
	At    time.Time
	Kind  string // of a moment, or mail
	Text  string
	Href  string
	Label string
}

// inZone gives a time to the clock of a zone; zero stays zero.
func inZone(t time.Time, zone string) time.Time {
	at, err := time.LoadLocation(zone)
	if err != nil || t.IsZero() {
		return t
	}
	return t.In(at)
}

func (d *Demo) start(q *request) (any, error) {
	p := &startPage{Happenings: Happenings, Now: d.Clock.Now(), Picked: Happenings[0].Name}
	p.Hours = d.shipped.Decide(&policy.Facts{Zones: []string{zoneShanghai}, Country: "CN", Channel: customer.Email, Purpose: policy.Notice}, p.Now)
	p.Hours.Until = inZone(p.Hours.Until, zoneShanghai)
	for i := range d.guests {
		g := &d.guests[i]
		p.Guests = append(p.Guests, person{Ref: g.customer.Ref, Name: g.customer.Name, Remark: g.remark})
	}
	for n := range min(d.Customers, othersOffered) {
		c := passerBy(n)
		p.Others = append(p.Others, person{Ref: c.Ref, Name: c.Name})
	}
	p.Chosen = q.URL.Query().Get("customer")
	if h, known := happening(q.URL.Query().Get("event")); known {
		p.Picked = h.Name
		if since, err := strconv.ParseInt(q.URL.Query().Get("since"), 10, 64); err == nil && p.Chosen != "" {
			if p.Story, err = d.startStory(q, h, p.Chosen, db.Time(since)); err != nil {
				return nil, err
			}
		}
	}
	if p.Chosen == "" {
		p.Chosen = d.freshest(q.lang)
	}
	return p, nil
}

// freshest is the guest to begin with: one who is written to in the reader's language.
func (d *Demo) freshest(lang string) string {
	for i := range d.guests {
		if c := &d.guests[i].customer; c.Language == lang {
			return c.Ref
		}
	}
	return d.guests[0].customer.Ref
}

// startStory gathers what an event of a moment ago has brought about.
func (d *Demo) startStory(q *request, h Happening, ref string, at time.Time) (*startStory, error) {
	c, err := d.House.Customer(q.Context(), ref)
	if err != nil {
		return nil, err
	}
	s := &startStory{Customer: ref, Name: c.Name, Mask: c.MaskedName(), What: h, At: at}
	lines, err := d.linesSince(q, c, at.Add(-storyReach))
	if err != nil {
		return nil, err
	}
	s.Lines = lines
	s.Nothing = len(lines) == 0 && d.Clock.Now().Sub(at) > quietAfter
	return s, nil
}

// linesSince is everything that happened between the product and a customer, and the
// mail they got, in the order of time.
func (d *Demo) linesSince(q *request, c *customer.Customer, since time.Time) ([]line, error) {
	var lines []line
	for _, name := range Programs {
		e, err := d.House.Explain(q.Context(), name, c.Ref)
		if err != nil {
			return nil, err
		}
		for i := range e.Moments {
			m := &e.Moments[i]
			if m.At.Before(since) {
				continue
			}
			l := line{At: m.At, Kind: string(m.Kind), Text: q.text(m.Text)}
			if m.FollowUp != 0 && m.Kind == report.AtTrigger {
				l.Href, l.Label = "/follow-ups/"+strconv.FormatInt(m.FollowUp, 10), document.Text{document.ZhCN: "看这张回访单", document.En: "this follow-up"}.In(q.lang)
			}
			if m.Kind == report.AtAttempt && m.Outcome == string(attempt.Unknown) {
				l.Href, l.Label = "/set-aside", document.Text{document.ZhCN: "交给人来确认", document.En: "for a person to find out"}.In(q.lang)
			}
			lines = append(lines, l)
		}
	}
	address, err := d.mailAddress(q.Context(), c.Ref)
	if err != nil {
		return nil, err
	}
	if address != "" {
		for _, m := range d.Mailbox.Mails(address, mailsInStory) {
			if !m.At.Before(since) {
				lines = append(lines, line{
					At: m.At, Kind: "mail", Text: m.Subject, Href: "/mailbox/" + strconv.Itoa(m.Number),
					Label: document.Text{document.ZhCN: "打开邮件", document.En: "open the mail"}.In(q.lang),
				})
			}
		}
	}
	slices.SortStableFunc(lines, func(a, b line) int { return a.At.Compare(b.At) })
	return lines, nil
}

// makeEvent lets something happen, and shows what comes of it.
func (d *Demo) makeEvent(q *request) (string, error) {
	h, known := happening(q.PostFormValue("event"))
	if !known {
		return "", errs.New(errs.Invalid, codes.FieldInvalid, "choose one of the events in the list").At("event")
	}
	at, err := d.happen(q.Context(), h, q.PostFormValue("customer"))
	if err != nil {
		return "", err
	}
	to := url.Values{"customer": {q.PostFormValue("customer")}, "event": {h.Name}, "since": {strconv.FormatInt(db.Millis(at), 10)}}
	return "/?" + to.Encode() + "#story", nil
}
