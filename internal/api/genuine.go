package api

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/huiyin/huiyin/internal/acts"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/errs"
)

type checkIn struct {
	Body struct {
		Customer  string `json:"customer" minLength:"1" maxLength:"128" doc:"The wallet's id of the customer who asks, after the wallet has made sure that it is them"`
		Reference string `json:"reference" minLength:"1" maxLength:"128" doc:"What the message is called by, as the customer typed it; blanks, dashes and small letters do no harm"`
	}
}

type ownCheckIn struct {
	Body struct {
		Reference string `json:"reference" minLength:"1" maxLength:"128" doc:"What the message is called by, as the customer typed it"`
	}
}

// actorCustomer stands in the audit trail for customers who ask for themselves.
const actorCustomer = "customer"

type checkOut struct {
	Body checkedDoc
}

// checkedDoc is what a customer learns of a message.
type checkedDoc struct {
	Verdict string            `json:"verdict" enum:"genuine,not-yours,unknown" doc:"genuine: we sent it to this customer. not-yours: it wasn't for this customer. unknown: we sent no such message"`
	Purpose string            `json:"purpose,omitempty" doc:"With genuine alone, as all that follows"`
	Channel string            `json:"channel,omitempty"`
	At      *time.Time        `json:"at,omitempty" doc:"When it was sent"`
	Title   map[string]string `json:"title,omitempty" doc:"What it was about, by language"`
}

type suspicionsIn struct {
	Before string `query:"before" doc:"The id of the last one of the page before"`
	Limit  int    `query:"limit" minimum:"1" maximum:"500" default:"100"`
}

type suspicionsOut struct {
	Body struct {
		Reports []suspicionDoc `json:"reports" nullable:"false"`
	}
}

type suspicionDoc struct {
	ID       string    `json:"id"`
	At       time.Time `json:"at"`
	Text     string    `json:"text"`
	Sender   string    `json:"sender,omitempty"`
	Language string    `json:"language,omitempty"`
}

// genuine registers how it is found out whether a message is really ours.
func (a *API) genuine() {
	tags := []string{"Genuine messages"}
	add(a, huma.Operation{
		OperationID: "check-contact", Method: http.MethodPost, Path: "/v1/contacts/check", Tags: tags,
		Summary:     "Did you really write to me?",
		Description: "Whether a message was sent to this customer by us, and why. To anybody else it says nothing but that it isn't theirs. A customer may ask 10 times in 10 minutes; each question is in the audit trail.",
	}, a.checkContact)
	add(a, huma.Operation{
		OperationID: "check-own-contact", Method: http.MethodPost, Path: "/v1/inapp/check", Tags: []string{"In-app"},
		Summary: "Did you really write to me? Asked from the app", Description: "As /v1/contacts/check, by the token of the customer who asks.",
	}, a.checkOwnContact)
	add(a, huma.Operation{
		OperationID: "list-suspicions", Method: http.MethodGet, Path: "/v1/suspicions", Tags: tags, Summary: "Read what was reported of messages that may not be ours, the newest first",
	}, a.listSuspicions)
}

func (a *API) checkContact(ctx context.Context, in *checkIn) (*checkOut, error) {
	c, err := a.House.CheckContact(ctx, actor(ctx), in.Body.Customer, in.Body.Reference)
	if err != nil {
		return nil, err
	}
	return &checkOut{Body: checkedOf(&c)}, nil
}

func (a *API) checkOwnContact(ctx context.Context, in *ownCheckIn) (*checkOut, error) {
	c, err := a.House.CheckContact(ctx, actorCustomer, customerOf(ctx), in.Body.Reference)
	if err != nil {
		return nil, err
	}
	return &checkOut{Body: checkedOf(&c)}, nil
}

func checkedOf(c *acts.Checked) checkedDoc {
	d := checkedDoc{Verdict: c.Verdict, Purpose: c.Purpose, Channel: c.Channel, Title: c.Program}
	if c.Verdict == acts.Genuine {
		at := c.At
		d.At = &at
	}
	return d
}

func (a *API) listSuspicions(ctx context.Context, in *suspicionsIn) (*suspicionsOut, error) {
	var before int64
	if in.Before != "" {
		var err error
		if before, err = strconv.ParseInt(in.Before, 10, 64); err != nil || before < 0 {
			return nil, errs.New(errs.Invalid, codes.CursorInvalid, "before is %.40q and no report's id: start again without it", in.Before).At("query.before")
		}
	}
	all, err := a.House.Suspicions(ctx, before, in.Limit)
	if err != nil {
		return nil, err
	}
	out := &suspicionsOut{}
	out.Body.Reports = make([]suspicionDoc, 0, len(all))
	for _, r := range all {
		out.Body.Reports = append(out.Body.Reports, suspicionDoc{ID: idText(r.ID), At: r.At, Text: r.Text, Sender: r.Sender, Language: r.Language})
	}
	return out, nil
}
