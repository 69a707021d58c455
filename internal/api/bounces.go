package api

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/huiyin/huiyin/internal/channel"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/errs"
)

const bounceBytesMax = 2 << 20

// bounceWords name what a message that came back was taken for.
var bounceWords = map[channel.BounceKind]string{
	channel.Arrived: "delivered", channel.Delayed: "delayed", channel.Failed: "failed", channel.NoSuchAddress: "no-such-address", channel.Complained: "complaint",
}

type bounceDoc struct {
	Kind    string `json:"kind" enum:"delivered,delayed,failed,no-such-address,complaint"`
	Reason  string `json:"reason"`
	Contact string `json:"contact" doc:"The attempt it is about"`
}

type confirmIn struct {
	Ref  string `path:"ref" doc:"The wallet's id"`
	Body struct {
		Channel string `json:"channel" enum:"email,phone,inapp,push,im"`
		Address string `json:"address" maxLength:"254"`
	}
}

// bounces registers where a mail server hands on what came back. The body is the message
// itself, so the handler is a plain one.
func (a *API) bounces() {
	a.mux.HandleFunc("POST /v1/channels/{channel}/bounces", a.takeBounce)
	text := &huma.Schema{Type: huma.TypeString}
	a.huma.OpenAPI().AddOperation(&huma.Operation{
		OperationID: "take-bounce", Method: http.MethodPost, Path: "/v1/channels/{channel}/bounces", Tags: []string{"Receipts"},
		Summary:     "A message came back: a report of delivery or a complaint",
		Description: "The whole mail as it came (RFC 3464 or RFC 5965). It counts only if the address it came to, or the message in it, holds a key we made.",
		Security:    []map[string][]string{{bearer: {string(codes.ReceiptsWrite)}}},
		Parameters: []*huma.Param{
			{Name: "channel", In: "path", Required: true, Schema: text},
			{Name: "recipient", In: "query", Schema: text, Description: "The address it came to, if the mail server tells"},
		},
		RequestBody: &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{"message/rfc822": {Schema: text}}},
		Responses:   map[string]*huma.Response{"200": {Description: "Taken in; says as what"}},
	})
	add(a, huma.Operation{
		OperationID: "confirm-point", Method: http.MethodPost, Path: "/v1/customers/{ref}/points/confirm", Tags: []string{"Customers"}, DefaultStatus: http.StatusNoContent,
		Summary: "An address that messages came back from is right after all",
	}, func(ctx context.Context, in *confirmIn) (*nothing, error) {
		return &nothing{}, a.House.ConfirmPoint(ctx, actor(ctx), in.Ref, in.Body.Channel, in.Body.Address)
	})
}

func (a *API) takeBounce(w http.ResponseWriter, r *http.Request) {
	if !enter(a.receipts) {
		a.fail(w, r, errs.New(errs.Busy, codes.Busy, "%d reports are being taken already; send this again in a moment", receiptsMax))
		return
	}
	defer leave(a.receipts)
	body, err := readBody(w, r, bounceBytesMax)
	if err != nil {
		a.fail(w, r, err)
		return
	}
	done, err := a.House.TakeBounce(r.Context(), r.PathValue("channel"), body, r.URL.Query().Get("recipient"))
	if err != nil {
		a.fail(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(bounceDoc{bounceWords[done.Kind], string(done.Reason), idText(done.Attempt)}) // the caller may have gone
}
