package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/huiyin/huiyin/internal/acts"
)

type whyIn struct {
	Person
	Body struct {
		Reason string `json:"reason" minLength:"1" maxLength:"300" doc:"Why; it goes into the audit trail, so write no name or number"`
	}
}

type exportOut struct {
	Body map[string]any
}

type erasedOut struct {
	Body struct {
		Already bool `json:"already" doc:"They were erased before"`
	}
}

// personalData registers what is done with everything held on one customer.
func (a *API) personalData() {
	tags := []string{"Personal data"}
	add(a, huma.Operation{
		OperationID: "reveal-customer", Method: http.MethodPost, Path: "/v1/customers/{ref}/reveal", Tags: tags,
		Summary: "See a customer's name and addresses in clear", Description: "For a stated reason, which is written down with who asked. Everywhere else they are masked.",
	}, a.reveal)
	add(a, huma.Operation{
		OperationID: "export-customer", Method: http.MethodGet, Path: "/v1/customers/{ref}/export", Tags: tags,
		Summary: "Everything held on a customer", Description: "Profile, addresses, consents and refusals, events, follow-ups with their decisions, messages as sent, answers.",
	}, a.export)
	add(a, huma.Operation{
		OperationID: "erase-customer", Method: http.MethodPost, Path: "/v1/customers/{ref}/erase", Tags: tags,
		Summary: "Erase a customer", Description: "Their key is destroyed first, so that no backup says who they were; then their rows are blanked. Refusals stay behind as keyed hashes. A legal hold stops it. It can't be undone.",
	}, a.erase)
	add(a, huma.Operation{
		OperationID: "hold-customer", Method: http.MethodPut, Path: "/v1/customers/{ref}/legal-hold", Tags: tags, DefaultStatus: http.StatusNoContent,
		Summary: "Keep a customer from being erased", Description: "The reason is what whoever asks for the erasure is told.",
	}, a.hold)
	add(a, huma.Operation{
		OperationID: "lift-hold", Method: http.MethodPost, Path: "/v1/customers/{ref}/legal-hold/lift", Tags: tags, DefaultStatus: http.StatusNoContent,
		Summary: "End a legal hold",
	}, a.liftHold)
}

func (a *API) reveal(ctx context.Context, in *whyIn) (*customerOut, error) {
	c, err := a.House.Reveal(ctx, actor(ctx), in.Ref, in.Body.Reason)
	if err != nil {
		return nil, err
	}
	out := &customerOut{}
	out.Body.CustomerDoc, out.Body.Known, out.Body.Revision = acts.CustomerDocOf(c), c.Known, c.Revision
	return out, nil
}

func (a *API) export(ctx context.Context, in *Person) (*exportOut, error) {
	all, err := a.House.Export(ctx, actor(ctx), in.Ref)
	if err != nil {
		return nil, err
	}
	return &exportOut{Body: all}, nil
}

func (a *API) erase(ctx context.Context, in *whyIn) (*erasedOut, error) {
	already, err := a.House.Erase(ctx, actor(ctx), in.Ref, in.Body.Reason)
	if err != nil {
		return nil, err
	}
	out := &erasedOut{}
	out.Body.Already = already
	return out, nil
}

func (a *API) hold(ctx context.Context, in *whyIn) (*nothing, error) {
	return &nothing{}, a.House.HoldData(ctx, actor(ctx), in.Ref, in.Body.Reason)
}

func (a *API) liftHold(ctx context.Context, in *whyIn) (*nothing, error) {
	return &nothing{}, a.House.LiftHold(ctx, actor(ctx), in.Ref, in.Body.Reason)
}
