package questionnaire

import (
	"slices"
	"time"

	"github.com/huiyin/huiyin/internal/intake/event"
	"github.com/huiyin/huiyin/internal/program/condition"
	"github.com/huiyin/huiyin/internal/program/document"
	"github.com/huiyin/huiyin/internal/program/template"
)

// Questionnaire is compiled; it is safe for concurrent use.
type Questionnaire struct {
	Name      string
	Title     document.Text
	Languages []string
	Questions []Question
	Thanks    *template.Text // nil: none
	Quota     int64          // complete answers after which a program stops asking; 0: none
	Reward    *Reward        // nil: none
	Publish   *Publish       // nil: only those who are invited answer it

	byID  map[string]int
	score string
}

// Question is one question, ready to be shown.
type Question struct {
	ID, Type string
	Score    bool
	Required bool
	Ask      document.Text
	Min, Max int64    // of a value on a scale
	Labels   Words    // of the values from Min to Max, or of the two ends; may be empty
	Tags     []Tags   // reasons to tap, by score
	Options  []Option // of single and multiple
	MaxChars int      // of text
	MinPicks int      // of multiple: choices, if any are made; 0: as many as one likes
	MaxPicks int      // of multiple; 0: all

	showIf *condition.Condition
}

// Publish says how everybody may answer.
type Publish struct {
	Quota  int64     // complete answers; 0: any number
	Until  time.Time // zero: for good
	Repeat bool
}

// Reward is what the wallet gives for an answer that is handed in and looks meant.
type Reward struct {
	ID   string
	Note document.Text // may be empty
}

// Tags are the reasons offered beside some scores.
type Tags struct {
	From, To int64
	Keys     []string // how they are kept
	Words    Words    // how they are shown, in the order of Keys
}

// Scaled says whether a question is answered by a number on a scale.
func (q *Question) Scaled() bool { return q.Type == Rating || q.Type == NPS || q.Type == CES }

// TagsAt gives the reasons offered beside a value; nil if there are none.
func (q *Question) TagsAt(value int64) *Tags {
	for i := range q.Tags {
		if t := &q.Tags[i]; value >= t.From && value <= t.To {
			return t
		}
	}
	return nil
}

// TagWords gives a kept tag in words; a key that isn't known is given back.
func (q *Question) TagWords(key, language string) string {
	for _, t := range q.Tags {
		if i := slices.Index(t.Keys, key); i >= 0 {
			return t.Words.In(language)[i]
		}
	}
	return key
}

// Option finds a choice by its value.
func (q *Question) Option(value string) (Option, bool) {
	for _, o := range q.Options {
		if o.Value == value {
			return o, true
		}
	}
	return Option{}, false
}

// OptionText gives a kept choice in words; a value that isn't known is given back.
func (q *Question) OptionText(value, language string) string {
	if o, ok := q.Option(value); ok {
		return o.Text.In(language)
	}
	return value
}

// In gives the words in the language nearest to the wanted one.
func (w Words) In(language string) []string {
	if list, ok := w[language]; ok {
		return list
	}
	languages := make([]string, 0, len(w))
	for l := range w {
		languages = append(languages, l)
	}
	slices.Sort(languages)
	return w[document.Choose(languages, language)]
}

// Score names the question that gives the follow-up's score; "" if there is none.
func (q *Questionnaire) Score() string { return q.score }

// Question finds a question by its id.
func (q *Questionnaire) Question(id string) (*Question, bool) {
	i, ok := q.byID[id]
	if !ok {
		return nil, false
	}
	return &q.Questions[i], true
}

// Required says whether a question, when visible, must be answered.
func (q *Questionnaire) Required(id string) bool {
	question, ok := q.Question(id)
	return ok && question.Required
}

// Visible lists the questions asked of someone who gave these answers, in order. Answers to
// questions that are hidden don't count for those after them.
func (q *Questionnaire) Visible(answers map[string]any) []string {
	visible := make([]string, 0, len(q.Questions))
	counted := make(map[string]any, len(answers))
	for i := range q.Questions {
		question := &q.Questions[i]
		shown, err := question.showIf.Match(condition.Vars{Answers: counted})
		if err != nil || !shown {
			continue // answers that don't fit the condition's types can't call for the question
		}
		visible = append(visible, question.ID)
		if value, given := answers[question.ID]; given {
			counted[question.ID] = value
		}
	}
	return visible
}

// Fields gives the questions as conditions on answers see them.
func (q *Questionnaire) Fields() []event.Field { return fields(q.Questions) }

func fields(questions []Question) []event.Field {
	list := make([]event.Field, len(questions))
	for i, q := range questions {
		f := event.Field{Name: q.ID, Kind: event.Int}
		switch q.Type {
		case Single, FreeText:
			f.Kind = event.String
		case Multiple:
			f.Kind, f.Of = event.List, event.String
		case YesNo:
			f.Kind = event.Bool
		}
		list[i] = f
	}
	return list
}
