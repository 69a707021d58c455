package api

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/huiyin/huiyin/internal/people/consent"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/errs"
)

type refusalIn struct {
	Person
	Body struct {
		Channel string    `json:"channel,omitempty" doc:"phone, sms, email …; absent or *: every channel"`
		Purpose string    `json:"purpose,omitempty" doc:"service, survey, marketing …; absent or *: every purpose"`
		Source  string    `json:"source,omitempty" maxLength:"100" doc:"Where it was said: app, phone, branch …"`
		Words   string    `json:"words,omitempty" doc:"What was said"`
		At      time.Time `json:"at,omitzero" doc:"When it was said; absent: now"`
	}
}

type refusalMade struct {
	Body struct {
		ID string `json:"id" doc:"Its number; the same when the same refusal stands already"`
	}
}

type refusalsOut struct {
	Body struct {
		Refusals []refusalDoc `json:"refusals" nullable:"false"`
	}
}

type refusalDoc struct {
	ID      string     `json:"id"`
	Channel string     `json:"channel"`
	Purpose string     `json:"purpose"`
	At      time.Time  `json:"at"`
	Source  string     `json:"source"`
	Words   string     `json:"words,omitempty"`
	Actor   string     `json:"actor,omitempty"`
	Lifted  *time.Time `json:"lifted,omitempty" doc:"When the customer took it back"`
}

type liftIn struct {
	Person
	ID  string `path:"id" doc:"The refusal's number"`
	Why string `query:"why" required:"true" minLength:"1" maxLength:"300" doc:"How the customer took it back; it goes into the audit trail"`
}

type consentIn struct {
	Person
	Body struct {
		Purpose string    `json:"purpose" minLength:"1" doc:"marketing, survey …"`
		Channel string    `json:"channel,omitempty" doc:"Absent or *: every channel"`
		Granted bool      `json:"granted" doc:"false: taken back"`
		At      time.Time `json:"at,omitzero" doc:"When it was given or taken back; absent: now"`
		Source  string    `json:"source,omitempty" maxLength:"100" doc:"Where: app, web, paper …"`
		Wording string    `json:"wording,omitempty" doc:"What the customer was told, or which version of it"`
		Proof   string    `json:"proof,omitempty" doc:"Where it can be found again; a grant needs it"`
	}
}

type nothing struct{}

// wishes registers what customers want of us.
func (a *API) wishes() {
	tags := []string{"Consent and refusal"}
	add(a, huma.Operation{
		OperationID: "refuse", Method: http.MethodPost, Path: "/v1/customers/{ref}/refusals", Tags: tags, DefaultStatus: http.StatusCreated,
		Summary: "Record that a customer refuses", Description: "It holds when the answer comes. A customer we have not met is noted down, so that no refusal is lost.",
	}, a.refuse)
	add(a, huma.Operation{
		OperationID: "list-refusals", Method: http.MethodGet, Path: "/v1/customers/{ref}/refusals", Tags: tags, Summary: "List a customer's refusals",
	}, a.listRefusals)
	add(a, huma.Operation{
		OperationID: "lift-refusal", Method: http.MethodDelete, Path: "/v1/customers/{ref}/refusals/{id}", Tags: tags, DefaultStatus: http.StatusNoContent,
		Summary: "End a refusal because the customer took it back", Description: "The refusal stays in the record, with when and why it ended.",
	}, a.liftRefusal)
	add(a, huma.Operation{
		OperationID: "put-consent", Method: http.MethodPut, Path: "/v1/customers/{ref}/consents", Tags: tags, DefaultStatus: http.StatusNoContent,
		Summary: "Record that consent was given or taken back",
	}, a.putConsent)
}

func (a *API) refuse(ctx context.Context, in *refusalIn) (*refusalMade, error) {
	b := &in.Body
	id, err := a.House.Refuse(ctx, actor(ctx), in.Ref, consent.Refusal{Channel: b.Channel, Purpose: b.Purpose, Source: b.Source, Words: b.Words, At: b.At})
	if err != nil {
		return nil, err
	}
	out := &refusalMade{}
	out.Body.ID = idText(id)
	return out, nil
}

func (a *API) listRefusals(ctx context.Context, in *Person) (*refusalsOut, error) {
	all, err := a.House.Refusals(ctx, in.Ref)
	if err != nil {
		return nil, err
	}
	out := &refusalsOut{}
	out.Body.Refusals = make([]refusalDoc, 0, len(all))
	for _, r := range all {
		d := refusalDoc{ID: idText(r.ID), Channel: r.Channel, Purpose: r.Purpose, At: r.At, Source: r.Source, Words: r.Words, Actor: r.Actor}
		if !r.Lifted.IsZero() {
			lifted := r.Lifted
			d.Lifted = &lifted
		}
		out.Body.Refusals = append(out.Body.Refusals, d)
	}
	return out, nil
}

func (a *API) liftRefusal(ctx context.Context, in *liftIn) (*nothing, error) {
	id, err := strconv.ParseInt(in.ID, 10, 64)
	if err != nil {
		return nil, errs.New(errs.Invalid, codes.FieldInvalid, "%.40q is no number of a refusal", in.ID).At("path.id")
	}
	return &nothing{}, a.House.Lift(ctx, actor(ctx), in.Ref, id, in.Why)
}

func (a *API) putConsent(ctx context.Context, in *consentIn) (*nothing, error) {
	b := &in.Body
	return &nothing{}, a.House.Consent(ctx, actor(ctx), in.Ref, consent.Record{
		Purpose: b.Purpose, Channel: b.Channel, Granted: b.Granted, At: b.At, Source: b.Source, Wording: b.Wording, Proof: b.Proof,
	})
}
