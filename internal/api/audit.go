package api

import (
	"context"
	"encoding/hex"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

type auditOut struct {
	Body struct {
		Entries []auditDoc `json:"entries" nullable:"false"`
	}
}

type auditDoc struct {
	Seq    int64     `json:"seq"`
	At     time.Time `json:"at"`
	Actor  string    `json:"actor"`
	Act    string    `json:"act"`
	Object string    `json:"object"`
	Detail string    `json:"detail"`
}

type auditIn struct {
	Limit int `query:"limit" minimum:"1" maximum:"500" default:"100"`
}

type verifiedOut struct {
	Body struct {
		Entries int64  `json:"entries" doc:"How many stand, each with the hash of the one before"`
		Head    string `json:"head" doc:"The newest entry's hash; keep both elsewhere, and a trail cut short is found"`
	}
}

// audits registers the trail of privileged acts.
func (a *API) audits() {
	tags := []string{"Audit"}
	add(a, huma.Operation{
		OperationID: "list-audit", Method: http.MethodGet, Path: "/v1/audit", Tags: tags, Summary: "The newest privileged acts",
	}, a.listAudit)
	add(a, huma.Operation{
		OperationID: "verify-audit", Method: http.MethodGet, Path: "/v1/audit/verify", Tags: tags,
		Summary: "Walk the whole trail", Description: "409 names the first entry that was changed, removed or added.",
	}, a.verifyAudit)
}

func (a *API) listAudit(ctx context.Context, in *auditIn) (*auditOut, error) {
	all, err := a.House.AuditTrail(ctx, in.Limit)
	if err != nil {
		return nil, err
	}
	out := &auditOut{}
	out.Body.Entries = []auditDoc{}
	for _, e := range all {
		out.Body.Entries = append(out.Body.Entries, auditDoc{e.Seq, time.UnixMilli(e.At).UTC(), e.Actor, e.Act, e.Object, e.Detail})
	}
	return out, nil
}

func (a *API) verifyAudit(ctx context.Context, _ *nothing) (*verifiedOut, error) {
	t, err := a.House.VerifyAudit(ctx)
	out := &verifiedOut{}
	out.Body.Entries, out.Body.Head = t.Entries, hex.EncodeToString(t.Head)
	return out, err
}
