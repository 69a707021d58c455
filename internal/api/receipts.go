package api

import (
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

func (a *API) receive(w http.ResponseWriter, r *http.Request) {
	if !enter(a.receipts) {
		a.fail(w, r, errs.New(errs.Busy, codes.Busy, "%d reports are being taken already; send this again in a moment", receiptsMax))
		return
	}
	defer leave(a.receipts)
	body, err := readBody(w, r, receiptBytesMax)
	if err == nil {
		err = a.House.Receive(r.Context(), r.PathValue("channel"), r.Header, body)
	}
	if err != nil {
		a.fail(w, r, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}
