package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/huiyin/huiyin/internal/acts"
	"github.com/huiyin/huiyin/internal/people/consent"
)

// saidDoc is one thing a customer said, as the wallet tells it.
type saidDoc struct {
	Customer string    `json:"customer" doc:"The wallet's id of the customer"`
	Kind     string    `json:"kind" doc:"consent, withdrawal, refusal, lift (a refusal taken back) or wrong-person (the number or address is somebody else's)"`
	Channel  string    `json:"channel,omitempty" doc:"phone, sms, email …; absent or *: every channel. wrong-person needs one"`
	Purpose  string    `json:"purpose,omitempty" doc:"notice, service, safety, survey, marketing; absent or *: every purpose. consent needs one"`
	At       time.Time `json:"at,omitzero" doc:"When it was said; absent: now. What is told late takes its place by this time"`
	Source   string    `json:"source,omitempty" maxLength:"100" doc:"Where it was said: app, phone, branch …"`
	Wording  string    `json:"wording,omitempty" doc:"What the customer was shown: the words, or a version such as huiyin:marketing@1 (see GET /v1/wordings)"`
	Proof    string    `json:"proof,omitempty" doc:"Where it can be found again, or what was said. consent and lift need it"`
}

type saidIn struct {
	Body struct {
		Entries []saidDoc `json:"entries" nullable:"false" minItems:"1" maxItems:"10000"`
	}
}

type saidOut struct {
	Body struct {
		Recorded int          `json:"recorded" doc:"Those that were there already are among them"`
		Refused  []rowProblem `json:"refused" nullable:"false"`
	}
}

type wrongPersonIn struct {
	Person
	Body struct {
		Channel string    `json:"channel" minLength:"1" doc:"phone, sms, email …"`
		At      time.Time `json:"at,omitzero"`
		Source  string    `json:"source,omitempty" maxLength:"100"`
		Words   string    `json:"words,omitempty" doc:"What was said"`
	}
}

type ledgerOut struct {
	Body struct {
		Entries []ledgerDoc `json:"entries" nullable:"false"`
	}
}

type ledgerDoc struct {
	ID       string            `json:"id"`
	Kind     string            `json:"kind" doc:"consent, withdrawal, refusal, lifted, own-hours, language, not-theirs"`
	Channel  string            `json:"channel,omitempty"`
	Purpose  string            `json:"purpose,omitempty"`
	Value    string            `json:"value,omitempty" doc:"Own hours as JSON, the language, what was taken back, or the kind of contact point"`
	At       time.Time         `json:"at" doc:"When it was said"`
	Recorded time.Time         `json:"recorded" doc:"When we learnt of it"`
	Source   string            `json:"source,omitempty"`
	Wording  string            `json:"wording,omitempty" doc:"What the customer was shown, or which version of it"`
	Text     map[string]string `json:"wording_text,omitempty" doc:"The words of that version, by language"`
	Proof    string            `json:"proof,omitempty"`
	Actor    string            `json:"actor,omitempty" doc:"Who recorded it; absent: the customer"`
	Ended    *time.Time        `json:"ended,omitempty" doc:"When a refusal was taken back"`
	Counts   bool              `json:"counts" doc:"It is what holds now"`
}

type wordingsOut struct {
	Body struct {
		Wordings []wordingDoc `json:"wordings" nullable:"false"`
	}
}

type wordingDoc struct {
	Ref     string            `json:"ref" doc:"What a consent names: huiyin:marketing@1 of the kit, marketing@3 of your own"`
	Purpose string            `json:"purpose"`
	Version int               `json:"version"`
	Kit     bool              `json:"kit" doc:"It ships with the product; a document of kind Wording takes its place"`
	Title   map[string]string `json:"title"`
	Text    map[string]string `json:"text"`
}

// will registers the ledger of what customers allow and refuse.
func (a *API) will() {
	tags := []string{"Consent and refusal"}
	add(a, huma.Operation{
		OperationID: "list-consents", Method: http.MethodGet, Path: "/v1/customers/{ref}/consents", Tags: tags,
		Summary: "Read all that a customer allowed, refused and wished", Description: "A ledger, the newest first: each entry with when it was said and learnt of, where, in answer to which words, and by whom it was recorded.",
	}, a.listConsents)
	add(a, huma.Operation{
		OperationID: "say-many", Method: http.MethodPost, Path: "/v1/consents/batch", Tags: tags, MaxBodyBytes: batchBytesMax,
		Summary: "Record what many customers allowed or refused", Description: "At most 10,000, in any order: each takes its place by its own time. A wrong one costs only itself.",
	}, a.sayMany)
	add(a, huma.Operation{
		OperationID: "wrong-person", Method: http.MethodPost, Path: "/v1/customers/{ref}/wrong-person", Tags: tags, DefaultStatus: http.StatusNoContent,
		Summary: "A number or address belongs to somebody else", Description: "It is taken from the customer and refused for all; follow-ups that wait for an answer from there go on another way, or end.",
	}, a.wrongPerson)
	add(a, huma.Operation{
		OperationID: "list-wordings", Method: http.MethodGet, Path: "/v1/wordings", Tags: tags,
		Summary: "List what customers are told about each purpose", Description: "The kit's words, or your own where a document of kind Wording is named after the purpose.",
	}, a.listWordings)
}

func (a *API) listConsents(ctx context.Context, in *Person) (*ledgerOut, error) {
	all, err := a.House.Ledger(ctx, in.Ref)
	if err != nil {
		return nil, err
	}
	out := &ledgerOut{}
	out.Body.Entries = make([]ledgerDoc, 0, len(all))
	for _, e := range all {
		d := ledgerDoc{
			ID: idText(e.ID), Kind: e.Kind, Channel: e.Channel, Purpose: e.Purpose, Value: e.Value, At: e.At, Recorded: e.Recorded,
			Source: e.Source, Wording: e.Wording, Proof: e.Proof, Actor: e.Actor, Counts: e.Counts,
		}
		if e.Text != nil {
			d.Text = e.Text.Text
		}
		if e.Kind == consent.Refused && !e.Ended.IsZero() {
			ended := e.Ended
			d.Ended = &ended
		}
		out.Body.Entries = append(out.Body.Entries, d)
	}
	return out, nil
}

func (a *API) sayMany(ctx context.Context, in *saidIn) (*saidOut, error) {
	all := make([]acts.Said, len(in.Body.Entries))
	for i, e := range in.Body.Entries {
		all[i] = acts.Said{Ref: e.Customer, Kind: e.Kind, Channel: e.Channel, Purpose: e.Purpose, At: e.At, Source: e.Source, Wording: e.Wording, Proof: e.Proof}
	}
	recorded, refused, err := a.House.Say(ctx, actor(ctx), all)
	if err != nil {
		return nil, err
	}
	out := &saidOut{}
	out.Body.Recorded, out.Body.Refused = recorded, make([]rowProblem, 0, len(refused))
	for _, r := range refused {
		out.Body.Refused = append(out.Body.Refused, rowProblemOf(r.Index, r.Err))
	}
	return out, nil
}

func (a *API) wrongPerson(ctx context.Context, in *wrongPersonIn) (*nothing, error) {
	b := &in.Body
	_, refused, err := a.House.Say(ctx, actor(ctx), []acts.Said{{Ref: in.Ref, Kind: acts.SaidWrongPerson, Channel: b.Channel, At: b.At, Source: b.Source, Proof: b.Words}})
	if err == nil && len(refused) > 0 {
		err = refused[0].Err
	}
	return &nothing{}, err
}

func (a *API) listWordings(ctx context.Context, _ *struct{}) (*wordingsOut, error) {
	all, err := a.House.Wordings(ctx)
	if err != nil {
		return nil, err
	}
	out := &wordingsOut{}
	for i := range all {
		w := &all[i]
		out.Body.Wordings = append(out.Body.Wordings, wordingDoc{Ref: w.Ref(), Purpose: w.Purpose, Version: w.Version, Kit: w.Ours, Title: w.Title, Text: w.Text})
	}
	return out, nil
}
