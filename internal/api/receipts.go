package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/errs"
)

// takeReceipts registers where providers report what became of messages. What a
// body looks like is the channel's business, so the handler is a plain one.
func (a *API) takeReceipts() {
	a.mux.HandleFunc("POST /v1/receipts/{channel}", a.receive)
	a.huma.OpenAPI().AddOperation(&huma.Operation{
		OperationID: "take-receipts", Method: http.MethodPost, Path: "/v1/receipts/{channel}", Tags: []string{"Receipts"},
		Summary:     "A provider reports what became of messages",
		Description: "Signed as the channel's provider signs (Standard Webhooks on gateways); needs no API key. Receipts may come late, twice and out of order.",
		Parameters:  []*huma.Param{{Name: "channel", In: "path", Required: true, Schema: &huma.Schema{Type: huma.TypeString}}},
		Responses:   map[string]*huma.Response{"204": {Description: "Kept"}},
	})
}

// takeReplies registers where providers post what customers wrote back.
func (a *API) takeReplies() {
	a.mux.HandleFunc("POST /v1/replies/{channel}", a.hear)
	a.huma.OpenAPI().AddOperation(&huma.Operation{
		OperationID: "take-replies", Method: http.MethodPost, Path: "/v1/replies/{channel}", Tags: []string{"Receipts"},
		Summary:     "A provider posts what customers wrote back",
		Description: "Signed as the channel's provider signs; needs no API key. When it is answered, a refusal among the replies holds. A reply that comes twice counts once.",
		Parameters:  []*huma.Param{{Name: "channel", In: "path", Required: true, Schema: &huma.Schema{Type: huma.TypeString}}},
		Responses:   map[string]*huma.Response{"204": {Description: "Kept"}, "200": {Description: "Kept, in the provider's words"}},
	})
}

func (a *API) receive(w http.ResponseWriter, r *http.Request) { a.post(w, r, a.House.Receive, false) }

func (a *API) hear(w http.ResponseWriter, r *http.Request) { a.post(w, r, a.House.Hear, true) }

// post takes a provider's post, and answers once it is kept.
func (a *API) post(w http.ResponseWriter, r *http.Request, keep func(ctx context.Context, channelName string, h http.Header, body []byte) error, replies bool) {
	if !enter(a.receipts) {
		a.fail(w, r, errs.New(errs.Busy, codes.Busy, "%d reports are being taken already; send this again in a moment", receiptsMax))
		return
	}
	defer leave(a.receipts)
	name := r.PathValue("channel")
	body, err := readBody(w, r, receiptBytesMax)
	if err == nil {
		err = keep(r.Context(), name, r.Header, body)
	}
	if err != nil {
		a.fail(w, r, err)
		return
	}
	kind, words := a.House.Acknowledge(name, replies)
	if len(words) == 0 {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	w.Header().Set("Content-Type", kind)
	_, _ = w.Write(words) // who has gone asks again
}
