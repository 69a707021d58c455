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
	"github.com/huiyin/huiyin/internal/platform/outbox"
)

const overlapDefault = 24 * time.Hour

type webhookDoc struct {
	Name      string           `json:"name"`
	URL       string           `json:"url"`
	Kinds     []string         `json:"kinds" nullable:"false" doc:"What it is told of; none: everything"`
	State     string           `json:"state" enum:"active,disabled"`
	Reason    string           `json:"reason,omitempty" doc:"Why it is disabled"`
	HeldUntil *time.Time       `json:"held_until,omitempty" doc:"It asked to be left alone till then"`
	BothUntil *time.Time       `json:"both_until,omitempty" doc:"Till then the secret before signs too"`
	Created   time.Time        `json:"created_at"`
	Counts    map[string]int64 `json:"deliveries" doc:"How many of the last thirty days are waiting, delivered, dead, dropped"`
}

type webhooksOut struct {
	Body struct {
		Webhooks []webhookDoc `json:"webhooks" nullable:"false"`
	}
}

type webhookIn struct {
	Body struct {
		Name  string   `json:"name" maxLength:"64"`
		URL   string   `json:"url" maxLength:"2000"`
		Kinds []string `json:"kinds,omitempty" maxItems:"50" doc:"None: everything, kinds to come too"`
	}
}

type webhookName struct {
	Name string `path:"name"`
}

type secretOut struct {
	Body struct {
		Name   string `json:"name"`
		Secret string `json:"secret" doc:"whsec_…; shown this once"`
	}
}

type rotateIn struct {
	Name string `path:"name"`
	Body struct {
		OverlapSeconds *int64 `json:"overlap_seconds,omitempty" minimum:"0" maximum:"2592000" doc:"How long the secret before signs too; a day unless said; 0 when it is known to others"`
	}
}

type tryDoc struct {
	At     time.Time `json:"at"`
	Status int       `json:"status" doc:"Of HTTP; 0: there was no answer"`
	Millis int64     `json:"ms"`
	Fault  string    `json:"fault,omitempty" doc:"Why there was no answer"`
	Answer string    `json:"answer,omitempty" doc:"Its first 500 bytes"`
}

type deliveryDoc struct {
	ID      string     `json:"id"`
	Message string     `json:"message" doc:"The id the receiver sees, the same at every try"`
	Kind    string     `json:"kind"`
	At      time.Time  `json:"at" doc:"When it happened"`
	State   string     `json:"state" enum:"waiting,delivered,dead,dropped"`
	Next    *time.Time `json:"next_at,omitempty"`
	Tries   []tryDoc   `json:"tries" nullable:"false"`
}

type webhookLogIn struct {
	Name  string `path:"name"`
	After string `query:"after" doc:"Where the page before ended: its next"`
	Limit int    `query:"limit" minimum:"1" maximum:"500" default:"100"`
	State string `query:"state" enum:"waiting,delivered,dead,dropped" doc:"Only these"`
}

type webhookLogOut struct {
	Body struct {
		Deliveries []deliveryDoc `json:"deliveries" nullable:"false"`
		Next       string        `json:"next,omitempty" doc:"after for the next page; absent: this was the last"`
	}
}

type replayIn struct {
	Name string `path:"name"`
	Body struct {
		Delivery string     `json:"delivery,omitempty" doc:"One, by its number"`
		Since    *time.Time `json:"since,omitempty" doc:"Or everything that happened since"`
		OnlyDead bool       `json:"only_dead,omitempty" doc:"With since: leave out what was delivered"`
	}
}

type countOut struct {
	Body struct {
		Waiting int64 `json:"waiting" doc:"How many are to be sent again"`
	}
}

type testOut struct {
	Body struct {
		Delivery string `json:"delivery" doc:"Its number in the log"`
	}
}

// webhooks registers the endpoints of the wallet's own systems.
func (a *API) webhooks() {
	op := func(id, method, path, summary string, status int) huma.Operation {
		return huma.Operation{OperationID: id, Method: method, Path: path, Tags: []string{"Webhooks"}, Summary: summary, DefaultStatus: status}
	}
	add(a, op("list-webhooks", http.MethodGet, "/v1/webhooks", "List the endpoints", 0), a.listWebhooks)
	add(a, op("create-webhook", http.MethodPost, "/v1/webhooks", "Make an endpoint; the answer holds its secret", http.StatusCreated), a.createWebhook)
	add(a, op("remove-webhook", http.MethodDelete, "/v1/webhooks/{name}", "Remove an endpoint", http.StatusNoContent), func(ctx context.Context, in *webhookName) (*nothing, error) {
		return &nothing{}, a.House.RemoveWebhook(ctx, actor(ctx), in.Name)
	})
	add(a, op("rotate-webhook", http.MethodPost, "/v1/webhooks/{name}/rotate", "Change its secret; both sign for a while", 0), a.rotateWebhook)
	add(a, op("disable-webhook", http.MethodPost, "/v1/webhooks/{name}/disable", "Send it nothing for now", http.StatusNoContent), func(ctx context.Context, in *webhookName) (*nothing, error) {
		return &nothing{}, a.House.TurnWebhook(ctx, actor(ctx), in.Name, false)
	})
	add(a, op("enable-webhook", http.MethodPost, "/v1/webhooks/{name}/enable", "Let it be told again", http.StatusNoContent), func(ctx context.Context, in *webhookName) (*nothing, error) {
		return &nothing{}, a.House.TurnWebhook(ctx, actor(ctx), in.Name, true)
	})
	add(a, op("test-webhook", http.MethodPost, "/v1/webhooks/{name}/test", "Send it a test", http.StatusAccepted), a.testWebhook)
	add(a, op("log-webhook", http.MethodGet, "/v1/webhooks/{name}/log", "What was sent, each try, the newest first", 0), a.logWebhook)
	add(a, op("replay-webhook", http.MethodPost, "/v1/webhooks/{name}/replay", "Send again, under the same ids", http.StatusAccepted), a.replayWebhook)
}

func (a *API) listWebhooks(ctx context.Context, _ *struct{}) (*webhooksOut, error) {
	all, err := a.House.Webhooks(ctx)
	if err != nil {
		return nil, err
	}
	out := &webhooksOut{}
	out.Body.Webhooks = []webhookDoc{}
	for i := range all {
		out.Body.Webhooks = append(out.Body.Webhooks, webhookOf(&all[i]))
	}
	return out, nil
}

func webhookOf(w *acts.Webhook) webhookDoc {
	d := webhookDoc{
		Name: w.Name, URL: w.URL, Kinds: []string{}, State: w.State, Reason: string(w.Reason),
		HeldUntil: known(w.HeldUntil), BothUntil: known(w.PreviousUntil), Created: w.CreatedAt, Counts: map[string]int64{},
	}
	for _, k := range w.Kinds {
		d.Kinds = append(d.Kinds, string(k))
	}
	for s, n := range w.Counts {
		d.Counts[string(s)] = n
	}
	return d
}

func known(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func (a *API) createWebhook(ctx context.Context, in *webhookIn) (*secretOut, error) {
	e := outbox.Endpoint{Name: in.Body.Name, URL: in.Body.URL}
	for _, k := range in.Body.Kinds {
		e.Kinds = append(e.Kinds, outbox.Kind(k))
	}
	made, secret, err := a.House.CreateWebhook(ctx, actor(ctx), e)
	out := &secretOut{}
	out.Body.Name, out.Body.Secret = made.Name, secret
	return out, err
}

func (a *API) rotateWebhook(ctx context.Context, in *rotateIn) (*secretOut, error) {
	overlap := overlapDefault
	if s := in.Body.OverlapSeconds; s != nil {
		overlap = time.Duration(*s) * time.Second
	}
	e, secret, err := a.House.RotateWebhook(ctx, actor(ctx), in.Name, overlap)
	out := &secretOut{}
	out.Body.Name, out.Body.Secret = e.Name, secret
	return out, err
}

func (a *API) testWebhook(ctx context.Context, in *webhookName) (*testOut, error) {
	id, err := a.House.TestWebhook(ctx, actor(ctx), in.Name)
	out := &testOut{}
	out.Body.Delivery = idText(id)
	return out, err
}

func (a *API) logWebhook(ctx context.Context, in *webhookLogIn) (*webhookLogOut, error) {
	at := page{After: in.After, Limit: in.Limit}
	before, err := at.cursor()
	if err != nil {
		return nil, err
	}
	all, err := a.House.WebhookLog(ctx, in.Name, before, outbox.State(in.State), at.size())
	if err != nil {
		return nil, err
	}
	out := &webhookLogOut{}
	out.Body.Deliveries = []deliveryDoc{}
	for i := range all {
		x := &all[i]
		d := deliveryDoc{ID: idText(x.ID), Message: x.Message, Kind: string(x.Kind), At: x.At, State: string(x.State), Tries: []tryDoc{}}
		if x.State == outbox.Waiting {
			d.Next = known(x.DueAt)
		}
		for _, t := range x.Tries {
			d.Tries = append(d.Tries, tryDoc{At: t.At, Status: t.Status, Millis: t.Millis, Fault: t.Fault, Answer: t.Answer})
		}
		out.Body.Deliveries = append(out.Body.Deliveries, d)
	}
	if len(all) == at.size() {
		out.Body.Next = idText(all[len(all)-1].ID)
	}
	return out, nil
}

func (a *API) replayWebhook(ctx context.Context, in *replayIn) (*countOut, error) {
	out := &countOut{}
	b := &in.Body
	if (b.Delivery == "") == (b.Since == nil) {
		return nil, errs.New(errs.Invalid, codes.FieldInvalid, "say which to send again: either delivery, a number of the log, or since, a time")
	}
	if b.Since != nil {
		n, err := a.House.ResendWebhookSince(ctx, actor(ctx), in.Name, *b.Since, b.OnlyDead)
		out.Body.Waiting = n
		return out, err
	}
	id, err := strconv.ParseInt(b.Delivery, 10, 64)
	if err != nil {
		return nil, errs.New(errs.Invalid, codes.FieldInvalid, "%.40q is no number of a delivery", b.Delivery).At("body.delivery")
	}
	out.Body.Waiting = 1
	return out, a.House.ResendWebhook(ctx, actor(ctx), in.Name, id)
}
