package pages

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"

	"github.com/huiyin/huiyin/internal/hear/answer"
	"github.com/huiyin/huiyin/internal/program/document"
	"github.com/huiyin/huiyin/internal/program/questionnaire"
)

// page is all that page.html shows.
type page struct {
	*house
	W       *words
	Lang    string
	Title   string
	Say     []string // paragraphs, on a page without a form
	Ask     *question
	Refusal *refusal
	Wishes  *wishes
	Doubt   *doubt
	Others  []language // what else it can be read in
}

// language is a link to the same page in another language.
type language struct{ Lang, Name, Href string }

// question is one question in one language, with what has been said to it.
type question struct {
	ID, Action, Lang    string // Lang: chosen on the page; "": that of the invitation
	Visit               string // the token a visitor will have
	Ask, Need           string
	Progress            string
	Number, Of          int
	Required            bool
	Shape               string // text, pick
	Row, Multi          bool
	Low, High           string // what the ends of a scale mean
	Options             []option
	Tags                []tagGroup
	TagsAsk             string
	Text, Hint          string
	Picks               string // how many may be chosen; "": as many as one likes
	Other               *other
	Max                 int
	Error, Button, Back string
	BackText            string
}

// option is one thing to tap.
type option struct {
	N                  int
	Value, Mark, Label string
	Spoken             string // for ears, where eyes have the ends of the scale
	Group              string // which reasons it reveals
	On                 bool
}

// other is what can be written beside a choice that stands for something else.
type other struct {
	Ask, Text string
	Max       int
}

// tagGroup is the reasons offered beside some scores.
type tagGroup struct {
	Group string
	Tags  []option
}

// refusal is the page on which a customer says stop.
type refusal struct{ Ask, Explain, Effect, Action, Lang, One, All, Wrong string }

// asked draws one question of a sheet.
func asked(sheet *answer.Sheet, q *questionnaire.Question, said answer.Value, w *words, lang string) *question {
	v := &question{ID: q.ID, Ask: q.Ask.In(lang), Required: q.Required, Need: w.Optional, Button: w.Submit, BackText: w.Back, Shape: "pick", TagsAsk: w.OptionalTag}
	if q.Required {
		v.Need = w.Required
	}
	all := sheet.Form.Questions
	at := slices.IndexFunc(all, func(x questionnaire.Question) bool { return x.ID == q.ID })
	if at+1 < len(all) {
		v.Button = w.Next
	}
	v.Number, v.Of = at+1, len(all)
	v.Progress = fmt.Sprintf(w.Progress, v.Number, v.Of)
	switch q.Type {
	case questionnaire.FreeText:
		v.Shape, v.Max, v.Hint = "text", q.MaxChars, fmt.Sprintf(w.TextHint, q.MaxChars)
		v.Text, _ = said.Given.(string)
	case questionnaire.YesNo:
		yes, given := said.Given.(bool)
		v.Options = []option{{N: 1, Value: "yes", Label: w.Yes, On: given && yes}, {N: 2, Value: "no", Label: w.No, On: given && !yes}}
	case questionnaire.Single, questionnaire.Multiple:
		v.Multi = q.Type == questionnaire.Multiple
		for i, o := range q.Options {
			one := option{N: i + 1, Value: o.Value, Label: o.Text.In(lang), On: chosen(said, o.Value)}
			if o.Other {
				one.Group = "o"
				v.Other = &other{Ask: w.OtherAsk, Text: said.Other, Max: questionnaire.OtherCharsMax}
			}
			v.Options = append(v.Options, one)
		}
		if v.Multi {
			v.Picks = w.pickHint(q)
		}
	default:
		v.scale(q, said, w, lang)
	}
	return v
}

func chosen(said answer.Value, value string) bool {
	switch g := said.Given.(type) {
	case string:
		return g == value
	case []string:
		return slices.Contains(g, value)
	default:
		return false
	}
}

// scale draws the points of a scale: one below the other with a label each, else in a row.
func (v *question) scale(q *questionnaire.Question, said answer.Value, w *words, lang string) {
	labels := q.Labels.In(lang)
	each := len(labels) == int(q.Max-q.Min+1)
	v.Row = !each
	switch {
	case len(labels) == 2:
		v.Low, v.High = labels[0], labels[1]
	case q.Type == questionnaire.NPS:
		v.Low, v.High = w.NPSLow, w.NPSHigh
	}
	for n := q.Min; n <= q.Max; n++ {
		mark := strconv.FormatInt(n, 10)
		o := option{N: int(n), Value: mark, Mark: mark, On: said.Given == n}
		switch {
		case each:
			o.Label = labels[n-q.Min]
		case n == q.Min && v.Low != "":
			o.Spoken = mark + ", " + v.Low
		case n == q.Max && v.High != "":
			o.Spoken = mark + ", " + v.High
		}
		for g := range q.Tags {
			if n >= q.Tags[g].From && n <= q.Tags[g].To {
				o.Group = fmt.Sprintf("g%d", g)
			}
		}
		v.Options = append(v.Options, o)
	}
	for g, tags := range q.Tags {
		group := tagGroup{Group: fmt.Sprintf("t%d", g)}
		for i, word := range tags.Words.In(lang) {
			group.Tags = append(group.Tags, option{N: i, Value: tags.Keys[i], Label: word, On: slices.Contains(said.Tags, tags.Keys[i])})
		}
		v.Tags = append(v.Tags, group)
	}
}

// endonyms are languages by their own names.
var endonyms = map[string]string{document.ZhCN: chinese.LangName, document.En: english.LangName}

// others links the page in its other languages, keeping the rest of its address.
func others(have []string, lang string, at url.Values) []language {
	var list []language
	for _, l := range have {
		if l == lang {
			continue
		}
		q := url.Values{"lang": {l}}
		if id := at.Get("at"); id != "" {
			q.Set("at", id)
		}
		name := endonyms[l]
		if name == "" {
			name = l
		}
		list = append(list, language{l, name, "?" + q.Encode()})
	}
	return list
}
