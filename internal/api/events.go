package api

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"reflect"
	"sync/atomic"

	"github.com/danielgtaylor/huma/v2"

	"github.com/huiyin/huiyin/internal/intake/event"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/errs"
)

// CloudEvent is an event as the wallet sends it.
type CloudEvent struct {
	SpecVersion     string         `json:"specversion" enum:"1.0"`
	ID              string         `json:"id" maxLength:"256" doc:"Never used again by its source"`
	Source          string         `json:"source" maxLength:"256" example:"/wallet/payments"`
	Type            string         `json:"type" doc:"One of the event catalogue" example:"wallet.payment.failed"`
	Subject         string         `json:"subject" maxLength:"128" doc:"The wallet's id of the customer"`
	Time            string         `json:"time" format:"date-time" doc:"When it happened; the same event always carries the same time"`
	DataContentType string         `json:"datacontenttype,omitempty" example:"application/json"`
	Data            map[string]any `json:"data,omitempty" doc:"As the catalogue says for its type, at most 64 KB"`
}

// Counts is what became of events since the start.
type Counts struct {
	Accepted, Duplicate, Rejected int64
	Refused                       int64 // sent back whole, to come again
}

type counts struct{ accepted, duplicate, rejected, refused atomic.Int64 }

// Counts tells what this node has taken in.
func (a *API) Counts() Counts {
	c := &a.counts
	return Counts{c.accepted.Load(), c.duplicate.Load(), c.rejected.Load(), c.refused.Load()}
}

const eventsPattern = "POST /v1/events"

// events registers intake: a plain handler, and its description.
func (a *API) events() {
	a.mux.HandleFunc(eventsPattern, a.takeEvents)
	registry := a.huma.OpenAPI().Components.Schemas
	one := registry.Schema(reflect.TypeFor[CloudEvent](), true, "CloudEvent")
	done := registry.Schema(reflect.TypeFor[event.Result](), true, "Taken")
	problem := &huma.Response{Description: "Problem", Content: map[string]*huma.MediaType{problemType: {Schema: registry.Schema(reflect.TypeFor[Problem](), true, "Problem")}}}
	a.huma.OpenAPI().AddOperation(&huma.Operation{
		OperationID: "take-events", Method: http.MethodPost, Path: "/v1/events", Tags: []string{"Events"},
		Summary:     "Take in events",
		Description: "CloudEvents 1.0, one or a batch of at most 10,000. What is accepted is durable when the answer comes. One bad event never costs the good ones; an event sent again is counted as a duplicate and changes nothing.",
		Security:    []map[string][]string{{bearer: {string(codes.EventsWrite)}}},
		RequestBody: &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{
			event.ContentSingle: {Schema: one},
			event.ContentBatch:  {Schema: &huma.Schema{Type: huma.TypeArray, Items: one}},
		}},
		Responses: map[string]*huma.Response{
			"202":     {Description: "What became of them", Content: map[string]*huma.MediaType{"application/json": {Schema: done}}},
			"429":     {Description: "Too much waits to be worked on; nothing was taken. Come back after Retry-After."},
			"503":     {Description: "The database is away; nothing was acknowledged. Come back after Retry-After."},
			"default": problem,
		},
	})
}

// takeEvents answers only when what it counts as accepted is durable.
func (a *API) takeEvents(w http.ResponseWriter, r *http.Request) {
	if !enter(a.intakes) {
		a.fail(w, r, errs.New(errs.Busy, codes.Busy, "%d batches are being taken in already; send this again in a moment", intakesMax))
		return
	}
	defer leave(a.intakes)
	body, err := readBody(w, r, batchBytesMax)
	if err != nil {
		a.fail(w, r, err)
		return
	}
	items, err := event.Decode(body, r.Header.Get("Content-Type"), a.Intake.Limits())
	if err != nil {
		a.fail(w, r, err)
		return
	}
	result, err := a.Intake.Accept(r.Context(), items)
	if err != nil {
		a.counts.refused.Add(int64(len(items)))
		a.fail(w, r, err)
		return
	}
	a.counts.accepted.Add(int64(result.Accepted))
	a.counts.duplicate.Add(int64(result.Duplicate))
	a.counts.rejected.Add(int64(len(result.Rejected)))
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusAccepted)
	_ = json.NewEncoder(w).Encode(result) // what was taken is durable, whether or not the caller hears it
}

// enter takes one of a bounded number of places.
func enter(places chan struct{}) bool {
	select {
	case places <- struct{}{}:
		return true
	default:
		return false
	}
}

func leave(places chan struct{}) { <-places }

// readBody reads a bounded body.
func readBody(w http.ResponseWriter, r *http.Request, most int64) ([]byte, error) {
	tooLarge := errs.New(errs.TooLarge, codes.BodyTooLarge, "the body is larger than %d MB: send smaller parts", most>>20)
	if r.ContentLength > most {
		return nil, tooLarge
	}
	var body []byte
	reader := http.MaxBytesReader(w, r.Body, most)
	var err error
	if r.ContentLength > 0 {
		body = make([]byte, r.ContentLength)
		_, err = io.ReadFull(reader, body)
	} else {
		body, err = io.ReadAll(reader)
	}
	var over *http.MaxBytesError
	switch {
	case errors.As(err, &over):
		return nil, tooLarge
	case err != nil:
		return nil, errs.New(errs.Invalid, codes.MalformedJSON, "the body broke off before its end; nothing of it was taken: send it again").Because(err)
	}
	return body, nil
}
