package api

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/huiyin/huiyin/internal/acts"
	"github.com/huiyin/huiyin/internal/engine"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/errs"
)

type asideDoc struct {
	ID       string     `json:"id" doc:"The follow-up's number"`
	Program  string     `json:"program"`
	Customer string     `json:"customer" doc:"The wallet's id"`
	Reason   string     `json:"reason"`
	Text     both       `json:"text" doc:"The reason in words"`
	Since    time.Time  `json:"since"`
	Step     int        `json:"step" doc:"From 1"`
	Channel  string     `json:"channel"`
	Attempt  string     `json:"attempt,omitempty" doc:"The attempt whose outcome nobody knows"`
	Ref      string     `json:"ref,omitempty" doc:"The provider's name for it, to ask them by"`
	SentAt   *time.Time `json:"sent_at,omitempty"`
	Said     string     `json:"said,omitempty" doc:"The provider's last words"`
}

type asidesOut struct {
	Body struct {
		SetAside []asideDoc `json:"set_aside" nullable:"false"`
		Next     string     `json:"next,omitempty" doc:"after for the next page; absent: this was the last"`
	}
}

type asideEnd struct {
	ID   string `path:"id" doc:"The follow-up's number"`
	Body struct {
		Verdict string `json:"verdict" enum:"arrived,not-arrived,end" doc:"arrived: go on; not-arrived: the step may be tried again; end: neither"`
		Reason  string `json:"reason" minLength:"1" maxLength:"300" doc:"How you found out; it goes into the audit trail"`
	}
}

// asides registers what waits for a person.
func (a *API) asides() {
	tags := []string{"Set aside"}
	add(a, huma.Operation{
		OperationID: "list-set-aside", Method: http.MethodGet, Path: "/v1/set-aside", Tags: tags,
		Summary: "List follow-ups whose outcome only a person can find out",
	}, a.listAside)
	add(a, huma.Operation{
		OperationID: "end-set-aside", Method: http.MethodPost, Path: "/v1/set-aside/{id}", Tags: tags, DefaultStatus: http.StatusNoContent,
		Summary: "Say what you found out",
	}, a.endAside)
}

func (a *API) listAside(ctx context.Context, in *page) (*asidesOut, error) {
	after, err := in.cursor()
	if err != nil {
		return nil, err
	}
	all, err := a.House.ListAside(ctx, after, in.size())
	if err != nil {
		return nil, err
	}
	out := &asidesOut{}
	out.Body.SetAside = []asideDoc{}
	for i := range all {
		out.Body.SetAside = append(out.Body.SetAside, asideOf(&all[i]))
	}
	if len(all) == in.size() {
		out.Body.Next = idText(all[len(all)-1].FollowUp.ID)
	}
	return out, nil
}

func asideOf(x *acts.Aside) asideDoc {
	d := asideDoc{
		ID: idText(x.FollowUp.ID), Program: x.Program, Customer: x.Customer, Reason: string(x.FollowUp.Reason), Text: sentence(string(x.FollowUp.Reason)),
		Since: x.FollowUp.UpdatedAt, Step: x.FollowUp.Step + 1, Channel: x.FollowUp.Lane,
	}
	if t := x.Attempt; t != nil {
		sent := t.IntendedAt
		d.Attempt, d.Ref, d.Said, d.SentAt, d.Channel = idText(t.ID), t.Ref, t.Detail, &sent, t.Channel
	}
	return d
}

func (a *API) endAside(ctx context.Context, in *asideEnd) (*nothing, error) {
	id, err := strconv.ParseInt(in.ID, 10, 64)
	if err != nil {
		return nil, errs.New(errs.Invalid, codes.FieldInvalid, "%.40q is no number of a follow-up", in.ID).At("path.id")
	}
	return &nothing{}, a.House.EndAside(ctx, actor(ctx), id, engine.Verdict(in.Body.Verdict), in.Body.Reason)
}
