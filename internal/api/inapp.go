package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/huiyin/huiyin/internal/acts"
	"github.com/huiyin/huiyin/internal/hear/answer"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/errs"
	"github.com/huiyin/huiyin/internal/program/questionnaire"
	"github.com/huiyin/huiyin/internal/program/template"
)

const (
	cardsDefault = 20
	// lookAgain is how soon one who waits looks again by themselves: another node may have
	// put the card in.
	lookAgain       = 5 * time.Second
	answerBytesMax  = 32 << 10
	answersBytesMax = 128 << 10
)

// cardDoc is one card; its JSON is what apps draw.
type cardDoc struct {
	ID       string              `json:"id" doc:"Names the card in all that is said of it"`
	Purpose  string              `json:"purpose" doc:"notice, service, safety, survey or marketing"`
	Program  string              `json:"program,omitempty" doc:"Why we write, in a few words"`
	Title    string              `json:"title,omitempty"`
	Text     string              `json:"text" doc:"Plain text; line breaks count"`
	Language string              `json:"language" doc:"Of title and text"`
	Ref      string              `json:"reference,omitempty" doc:"By which anyone may ask whether the message is really ours"`
	MadeAt   time.Time           `json:"made_at"`
	Until    time.Time           `json:"until" doc:"Show it no longer than this"`
	Shown    bool                `json:"shown" doc:"It was shown before, here or on another device"`
	Link     string              `json:"link,omitempty" doc:"The questionnaire as a page, for apps that draw none; for this customer alone"`
	Form     *questionnaire.Form `json:"form,omitempty" doc:"The questionnaire with what was said so far; absent: the card asks nothing"`
}

type cardsIn struct {
	Before      string `query:"before" doc:"Where the page before ended: its next"`
	Limit       int    `query:"limit" minimum:"1" maximum:"50" default:"20"`
	Lang        string `query:"lang" maxLength:"35" doc:"For the questionnaire; absent: that of the card"`
	Wait        int    `query:"wait" minimum:"0" maximum:"25" doc:"Seconds to wait for something new when nothing changed since If-None-Match"`
	IfNoneMatch string `header:"If-None-Match" doc:"The ETag of the list the app has"`
}

type cardsOut struct {
	Status int
	ETag   string `header:"ETag"`
	Body   struct {
		Cards []cardDoc `json:"cards" nullable:"false" doc:"The newest first"`
		Next  string    `json:"next,omitempty" doc:"before for the next page; absent: this was the last"`
	}
}

// Card is the card an address speaks of. Exported, as Person is.
type Card struct {
	Card string `path:"card" maxLength:"128"`
}

// Reply is what is said to one question.
type Reply struct {
	Value json.RawMessage `json:"value,omitempty" doc:"A number on a scale, true or false, the value of an option, a list of them, or a text; null or absent takes back"`
	Tags  []string        `json:"tags,omitempty" maxItems:"20" doc:"Keys of the reasons tapped beside a score"`
	Other string          `json:"other,omitempty" doc:"What was written beside a choice marked other"`
}

type saveIn struct {
	Card
	Question string `path:"question" maxLength:"128"`
	Lang     string `query:"lang" maxLength:"35"`
	Body     Reply
}

type handInIn struct {
	Card
	Lang string `query:"lang" maxLength:"35"`
	Body struct {
		Answers map[string]Reply `json:"answers,omitempty" doc:"By question; those saved before need not come again"`
	}
}

type formOut struct {
	Body struct {
		Form   questionnaire.Form `json:"form" doc:"As it is now: what is visible follows from what was said"`
		Thanks string             `json:"thanks,omitempty" doc:"Once it was handed in"`
	}
}

// inapp registers what customers' apps ask and say.
func (a *API) inapp() {
	tags := []string{"In-app"}
	list := huma.Operation{
		OperationID: "list-cards", Method: http.MethodGet, Path: "/v1/inapp/cards", Tags: tags, Summary: "What is due for this customer",
		Description: "Cards that are neither answered nor dismissed nor of no more use. Poll with If-None-Match: 304 says that nothing changed; with wait the answer comes when something does. Having fetched a card for the first time counts as delivered.",
		Responses:   map[string]*huma.Response{"304": {Description: "Nothing changed"}},
	}
	add(a, list, a.listCards)
	add(a, huma.Operation{
		OperationID: "card-shown", Method: http.MethodPost, Path: "/v1/inapp/cards/{card}/shown", Tags: tags, DefaultStatus: http.StatusNoContent,
		Summary: "The customer has the card before their eyes", Description: "Say it when it is really on the screen: a notice that was seen isn't sent on other channels any more.",
	}, a.cardShown)
	add(a, huma.Operation{
		OperationID: "card-dismissed", Method: http.MethodPost, Path: "/v1/inapp/cards/{card}/dismissed", Tags: tags, DefaultStatus: http.StatusNoContent,
		Summary: "The customer doesn't want to see the card any more", Description: "It is shown no more, and counts as seen. It is not an answer.",
	}, a.cardDismissed)
	add(a, huma.Operation{
		OperationID: "save-answer", Method: http.MethodPut, Path: "/v1/inapp/cards/{card}/answers/{question}", Tags: tags, MaxBodyBytes: answerBytesMax,
		Summary: "Keep the answer to one question", Description: "Durable when the answer comes, and the same on the page the link leads to. Draw the form anew from what comes back.",
	}, a.saveAnswer)
	add(a, huma.Operation{
		OperationID: "hand-in-answers", Method: http.MethodPost, Path: "/v1/inapp/cards/{card}/answers", Tags: tags, MaxBodyBytes: answersBytesMax,
		Summary: "Hand the questionnaire in", Description: "With further answers, or without. It ends the follow-up, as handing in the page does. Handing in again changes nothing.",
	}, a.handIn)
}

// person gives our number of the customer who asks; one we never met has no cards.
func (a *API) person(ctx context.Context) (int64, error) {
	id, err := a.House.CustomerID(ctx, customerOf(ctx))
	if err == nil && id == 0 {
		err = errs.New(errs.NotFound, codes.CardUnknown, "this customer has no such card, or has it no more; fetch the list again")
	}
	return id, err
}

// listCards gives the list, at once if it is another than the one the app has.
func (a *API) listCards(ctx context.Context, in *cardsIn) (*cardsOut, error) {
	person, err := a.House.CustomerID(ctx, customerOf(ctx))
	if err != nil {
		return nil, err
	}
	at := page{After: in.Before}
	before, err := at.cursor()
	if err != nil {
		return nil, err
	}
	patience, end := context.WithTimeout(ctx, time.Duration(in.Wait)*time.Second)
	defer end()
	for {
		// Who waits listens before looking, so that nothing comes between the two.
		rung, stop, listening := a.House.Bell.Wait(person)
		out, err := a.cards(ctx, person, before, in)
		if err == nil && out.Status == http.StatusNotModified && listening && patience.Err() == nil {
			again, cancel := context.WithTimeout(patience, lookAgain)
			select {
			case <-rung:
			case <-a.House.Bell.Closed():
				end()
			case <-again.Done():
			}
			cancel()
			stop()
			if patience.Err() == nil {
				continue
			}
			return out, nil
		}
		if listening {
			stop()
		}
		return out, err
	}
}

func (a *API) cards(ctx context.Context, person, before int64, in *cardsIn) (*cardsOut, error) {
	limit := in.Limit
	if limit == 0 {
		limit = cardsDefault
	}
	cards, next, err := a.House.Cards(ctx, person, before, limit)
	if err != nil {
		return nil, err
	}
	out := &cardsOut{Status: http.StatusOK}
	out.Body.Cards = make([]cardDoc, 0, len(cards))
	for i := range cards {
		out.Body.Cards = append(out.Body.Cards, cardDocOf(&cards[i], in.Lang))
	}
	if next != 0 {
		out.Body.Next = idText(next)
	}
	text, err := json.Marshal(out.Body)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(text)
	out.ETag = `"` + base64.RawURLEncoding.EncodeToString(sum[:18]) + `"`
	if matches(in.IfNoneMatch, out.ETag) {
		out.Status = http.StatusNotModified
		return out, nil
	}
	return out, a.House.CardsFetched(ctx, cards)
}

// matches says whether a list of ETags names ours. A proxy that packs answers makes them weak.
func matches(header, tag string) bool {
	for one := range strings.SplitSeq(header, ",") {
		if strings.TrimPrefix(strings.TrimSpace(one), "W/") == tag {
			return true
		}
	}
	return false
}

func cardDocOf(c *acts.InboxCard, lang string) cardDoc {
	d := cardDoc{
		ID: c.Key, Purpose: c.Purpose, Program: c.Program, Title: c.Title, Text: c.Text, Language: c.Language,
		MadeAt: c.Made, Until: c.Until, Shown: !c.Shown.IsZero(), Link: c.Link, Ref: c.Reference,
	}
	if c.Sheet != nil {
		f := formOf(c.Sheet, lang, c.Language)
		d.Form = &f
	}
	return d
}

// formOf draws a sheet's questionnaire in the language nearest to the wanted ones.
func formOf(s *answer.Sheet, wanted ...string) questionnaire.Form {
	said := make(map[string]questionnaire.Reply, len(s.Values))
	for id, v := range s.Values {
		said[id] = questionnaire.Reply{Given: v.Given, Tags: v.Tags, Other: v.Other}
	}
	return s.Form.Form(said, wanted...)
}

func (a *API) cardShown(ctx context.Context, in *Card) (*nothing, error) {
	person, err := a.person(ctx)
	if err != nil {
		return nil, err
	}
	return &nothing{}, a.House.CardShown(ctx, person, in.Card)
}

func (a *API) cardDismissed(ctx context.Context, in *Card) (*nothing, error) {
	person, err := a.person(ctx)
	if err != nil {
		return nil, err
	}
	return &nothing{}, a.House.CardDismissed(ctx, person, in.Card)
}

func (a *API) saveAnswer(ctx context.Context, in *saveIn) (*formOut, error) {
	person, err := a.person(ctx)
	if err != nil {
		return nil, err
	}
	v, wrong := in.Body.value()
	if wrong != nil {
		return nil, wrong.At(in.Question)
	}
	sheet, err := a.House.SaveOnCard(ctx, person, in.Card.Card, in.Question, v)
	if err != nil {
		return nil, err
	}
	out := &formOut{}
	out.Body.Form = formOf(sheet, in.Lang, sheet.Language)
	return out, nil
}

func (a *API) handIn(ctx context.Context, in *handInIn) (*formOut, error) {
	person, err := a.person(ctx)
	if err != nil {
		return nil, err
	}
	values := make(map[string]answer.Value, len(in.Body.Answers))
	for id, r := range in.Body.Answers {
		v, err := r.value()
		if err != nil {
			return nil, err.At(id)
		}
		values[id] = v
	}
	sheet, err := a.House.HandInCard(ctx, person, in.Card.Card, values)
	if err != nil {
		return nil, err
	}
	out := &formOut{}
	out.Body.Form = formOf(sheet, in.Lang, sheet.Language)
	out.Body.Thanks = a.thanks(sheet, out.Body.Form.Language)
	return out, nil
}

// thanks is the questionnaire's own; one that can't be written without knowing more of the
// customer than an app is told stays away, and the app has words of its own.
func (a *API) thanks(sheet *answer.Sheet, lang string) string {
	if sheet.Form.Thanks == nil {
		return ""
	}
	text, _, err := sheet.Form.Thanks.Render(template.Vars{Languages: []string{lang}, Hotline: a.Hotline})
	if err != nil {
		return ""
	}
	return text
}

// value reads a reply; whether it fits its question is judged where it is kept.
func (r *Reply) value() (answer.Value, *errs.Error) {
	v := answer.Value{Tags: r.Tags, Other: r.Other}
	if len(r.Value) == 0 {
		return v, nil
	}
	decoder := json.NewDecoder(bytes.NewReader(r.Value))
	decoder.UseNumber()
	var given any
	if err := decoder.Decode(&given); err != nil {
		return v, errs.New(errs.Invalid, codes.MalformedJSON, "the value can't be read").Because(err)
	}
	wrong := errs.New(errs.Invalid, codes.AnswerInvalid, "a value is a whole number, true or false, a text, or a list of texts")
	switch g := given.(type) {
	case json.Number:
		n, err := g.Int64()
		if err != nil {
			return v, wrong
		}
		v.Given = n
	case []any:
		list := make([]string, 0, len(g))
		for _, e := range g {
			s, ok := e.(string)
			if !ok {
				return v, wrong
			}
			list = append(list, s)
		}
		v.Given = list
	case nil, bool, string:
		v.Given = given
	default:
		return v, wrong
	}
	return v, nil
}
