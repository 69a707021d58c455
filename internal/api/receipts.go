package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/huiyin/huiyin/internal/platform/clock"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/errs"
)

// strangersWithin is how long the body of a post may take whose sender isn't known yet.
const strangersWithin = 10 * time.Second

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

// post takes a provider's post, and answers once it is kept. Anybody may post: who sends
// slowly holds nothing but their own connection, and takes no place from the providers.
func (a *API) post(w http.ResponseWriter, r *http.Request, keep func(ctx context.Context, channelName string, h http.Header, body []byte) error, replies bool) {
	name := r.PathValue("channel")
	err := a.House.Takes(name, replies)
	var body []byte
	if err == nil {
		body, err = readStrangers(w, r, receiptBytesMax, strangersWithin)
	}
	if err != nil {
		a.fail(w, r, err)
		return
	}
	places := a.receipts
	if replies {
		places = a.replies
	}
	if !enter(places) {
		a.fail(w, r, errs.New(errs.Busy, codes.Busy, "%d reports are being taken already; send this again in a moment", receiptsMax))
		return
	}
	defer leave(places)
	if err := keep(r.Context(), name, r.Header, body); err != nil {
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

// readStrangers reads the body of one who hasn't shown yet who they are: it has to come soon, and
// memory is taken for what has come, not for what is announced.
func readStrangers(w http.ResponseWriter, r *http.Request, most int64, within time.Duration) ([]byte, error) {
	if r.ContentLength <= most {
		r.ContentLength = -1
	}
	c := http.NewResponseController(w)
	_ = c.SetReadDeadline(clock.System{}.Now().Add(within)) // a writer without one has the server's
	body, err := readBody(w, r, most)
	if err == nil {
		_ = c.SetReadDeadline(time.Time{}) // passing later, it would cut the keeping short
	}
	return body, err
}
