package questionnaire

import (
	"slices"

	"github.com/huiyin/huiyin/internal/program/document"
)

// Form is a questionnaire in one language, with what has been said so far: all that an app or
// a page needs to draw it. Its JSON is part of the interface to apps. After each answer ask
// for it anew: what is visible follows from what was said.
type Form struct {
	Name      string         `json:"name"`
	Title     string         `json:"title,omitempty"`
	Language  string         `json:"language"`  // what it is written in: the nearest to the one asked for
	Languages []string       `json:"languages"` // what else it could be
	Questions []FormQuestion `json:"questions"` // all of them, in order; show those that are visible
	Next      string         `json:"next"`      // the first visible question without an answer; "" if each has one
	Answered  int            `json:"answered"`  // visible questions with an answer
	Of        int            `json:"of"`        // visible questions
	Most      int            `json:"most"`      // questions, if all became visible
	Complete  bool           `json:"complete"`  // every visible question that is required has an answer: it may be handed in
}

// FormQuestion is one question of a Form. Which fields are there depends on its type:
// rating, nps and ces have points and may have tags, single and multiple have options,
// text has max_chars.
type FormQuestion struct {
	ID       string       `json:"id"`
	Type     string       `json:"type"` // rating, nps, ces, single, multiple, yes-no, text
	Ask      string       `json:"ask"`
	Visible  bool         `json:"visible"`
	Required bool         `json:"required"`
	Points   []FormPoint  `json:"points,omitempty"`
	Options  []FormOption `json:"options,omitempty"`
	MinPicks int          `json:"min_choices,omitempty"`
	MaxPicks int          `json:"max_choices,omitempty"`
	MaxChars int          `json:"max_chars,omitempty"`
	Said     *FormReply   `json:"said,omitempty"`
}

// FormPoint is one value of a scale. Where only the ends have labels, those between have none.
type FormPoint struct {
	Value int64     `json:"value"`
	Label string    `json:"label,omitempty"`
	Tags  []FormTag `json:"tags,omitempty"` // reasons to offer once this value is chosen
}

// FormTag is one reason to tap; its key is what is sent back.
type FormTag struct {
	Key  string `json:"key"`
	Text string `json:"text"`
}

// FormOption is one choice.
type FormOption struct {
	Value    string `json:"value"`
	Text     string `json:"text"`
	Other    bool   `json:"other,omitempty"`     // offer a text field beside it
	MaxChars int    `json:"max_chars,omitempty"` // of that field
	None     bool   `json:"none,omitempty"`      // choosing it unchooses the others
}

// FormReply is what has been said to a question, and what is sent to answer it: a number on a
// scale, true or false, the value of an option, a list of them, or a text. No value, or null, takes back.
type FormReply struct {
	Value any      `json:"value"`
	Tags  []string `json:"tags,omitempty"`
	Other string   `json:"other,omitempty"`
}

// Form gives the questionnaire in the language nearest to the wanted ones.
func (q *Questionnaire) Form(said map[string]Reply, wanted ...string) Form {
	answers := make(map[string]any, len(said))
	for id, r := range said {
		if r.Given != nil {
			answers[id] = r.Given
		}
	}
	visible := q.Visible(answers)
	lang := document.Choose(q.Languages, wanted...)
	f := Form{
		Name: q.Name, Title: q.Title.In(lang), Language: lang, Languages: slices.Clone(q.Languages),
		Questions: make([]FormQuestion, 0, len(q.Questions)), Of: len(visible), Most: len(q.Questions), Complete: true,
	}
	for i := range q.Questions {
		question := &q.Questions[i]
		one := question.form(lang)
		one.Visible = slices.Contains(visible, question.ID)
		r, given := said[question.ID]
		if given = given && r.Given != nil; given {
			one.Said = &FormReply{Value: r.Given, Tags: r.Tags, Other: r.Other}
		}
		switch {
		case !one.Visible:
		case given:
			f.Answered++
		default:
			f.Complete = f.Complete && !one.Required
			if f.Next == "" {
				f.Next = question.ID
			}
		}
		f.Questions = append(f.Questions, one)
	}
	f.Complete = f.Complete && f.Answered > 0
	return f
}

func (q *Question) form(lang string) FormQuestion {
	f := FormQuestion{ID: q.ID, Type: q.Type, Ask: q.Ask.In(lang), Required: q.Required, MinPicks: q.MinPicks, MaxPicks: q.MaxPicks}
	if q.Type == FreeText {
		f.MaxChars = q.MaxChars
	}
	for _, o := range q.Options {
		one := FormOption{Value: o.Value, Text: o.Text.In(lang), Other: o.Other, None: o.None}
		if o.Other {
			one.MaxChars = OtherCharsMax
		}
		f.Options = append(f.Options, one)
	}
	if !q.Scaled() {
		return f
	}
	for n := q.Min; n <= q.Max; n++ {
		point := FormPoint{Value: n, Label: q.Label(n, lang)}
		if tags := q.TagsAt(n); tags != nil {
			for i, text := range tags.Words.In(lang) {
				point.Tags = append(point.Tags, FormTag{tags.Keys[i], text})
			}
		}
		f.Points = append(f.Points, point)
	}
	return f
}

// Label gives the words for a value of a scale; "" if it has none.
func (q *Question) Label(value int64, language string) string {
	labels := q.Labels.In(language)
	switch {
	case len(labels) == int(q.Max-q.Min+1) && value >= q.Min && value <= q.Max:
		return labels[value-q.Min]
	case len(labels) == 2 && value == q.Min:
		return labels[0]
	case len(labels) == 2 && value == q.Max:
		return labels[1]
	}
	return ""
}
