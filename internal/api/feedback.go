package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/huiyin/huiyin/internal/hear/feedback"
)

const sourceInApp = "inapp"

type feedbackIn struct {
	Body struct {
		ID       string `json:"id" minLength:"1" maxLength:"64" doc:"The app's own name for it: sent twice it is kept once"`
		Text     string `json:"text,omitempty" doc:"At most 2,000 characters"`
		Score    *int64 `json:"score,omitempty" minimum:"1" maximum:"5" doc:"1 bad, 5 good"`
		Topic    string `json:"topic,omitempty" maxLength:"64" doc:"A word the app offered: refund, transfer …"`
		Language string `json:"language,omitempty" maxLength:"35"`
	}
}

type feedbackMade struct {
	Body struct {
		ID string `json:"id" doc:"Our number of it; the same when it was sent before"`
	}
}

type feedbackOut struct {
	Body struct {
		Feedback []feedbackDoc `json:"feedback" nullable:"false"`
		Next     string        `json:"next,omitempty" doc:"after for the next page; absent: this was the last"`
	}
}

type feedbackDoc struct {
	ID       string    `json:"id"`
	Customer string    `json:"customer" doc:"The wallet's id"`
	At       time.Time `json:"at"`
	Source   string    `json:"source"`
	Language string    `json:"language,omitempty"`
	Topic    string    `json:"topic,omitempty"`
	Score    *int64    `json:"score,omitempty"`
	Text     string    `json:"text,omitempty"`
}

// feedback registers what customers say unasked.
func (a *API) feedback() {
	add(a, huma.Operation{
		OperationID: "give-feedback", Method: http.MethodPost, Path: "/v1/inapp/feedback", Tags: []string{"In-app"}, DefaultStatus: http.StatusCreated,
		MaxBodyBytes: answerBytesMax,
		Summary:      "Say something at any time", Description: "A text, a score or both; nothing need be due. Durable when the answer comes, so that it may be thanked for.",
	}, a.giveFeedback)
	add(a, huma.Operation{
		OperationID: "list-feedback", Method: http.MethodGet, Path: "/v1/feedback", Tags: []string{"Answers"},
		Summary: "What customers said unasked", Description: "In the order in which it was said.",
	}, a.listFeedback)
}

func (a *API) giveFeedback(ctx context.Context, in *feedbackIn) (*feedbackMade, error) {
	b := &in.Body
	f := feedback.Feedback{Key: b.ID, Source: sourceInApp, Language: b.Language, Topic: b.Topic, Text: b.Text}
	if b.Score != nil {
		f.Scored, f.Score = true, *b.Score
	}
	id, err := a.House.TakeFeedback(ctx, customerOf(ctx), f)
	if err != nil {
		return nil, err
	}
	out := &feedbackMade{}
	out.Body.ID = idText(id)
	return out, nil
}

func (a *API) listFeedback(ctx context.Context, in *page) (*feedbackOut, error) {
	after, err := in.cursor()
	if err != nil {
		return nil, err
	}
	all, err := a.House.ListFeedback(ctx, after, in.size())
	if err != nil {
		return nil, err
	}
	out := &feedbackOut{}
	out.Body.Feedback = make([]feedbackDoc, 0, len(all))
	for _, f := range all {
		d := feedbackDoc{ID: idText(f.ID), Customer: f.Ref, At: f.At, Source: f.Source, Language: f.Language, Topic: f.Topic, Text: f.Text}
		if f.Scored {
			score := f.Score
			d.Score = &score
		}
		out.Body.Feedback = append(out.Body.Feedback, d)
	}
	if len(all) == in.size() {
		out.Body.Next = out.Body.Feedback[len(all)-1].ID
	}
	return out, nil
}
