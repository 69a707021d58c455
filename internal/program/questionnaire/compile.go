package questionnaire

import (
	"fmt"
	"html"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/errs"
	"github.com/huiyin/huiyin/internal/program/condition"
	"github.com/huiyin/huiyin/internal/program/document"
	"github.com/huiyin/huiyin/internal/program/template"
)

const codeShape = codes.QuestionnaireInvalid

var (
	idForm    = regexp.MustCompile(`^[a-z][a-z0-9_]{0,39}$`)
	valueForm = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,39}$`)
	rangeForm = regexp.MustCompile(`^([0-9]{1,2})(?:-([0-9]{1,2}))?$`)
	quoted    = regexp.MustCompile(`"[^"]*"|'[^']*'`)

	// words conditions already have a meaning for
	reservedIDs = []string{"event", "trigger", "customer", "score", "answers", "true", "false", "null", "in", "has", "size"}
)

// Compile checks a questionnaire.
func Compile(name string, def *Definition, env *condition.Env) (*Questionnaire, error) {
	var p document.Problems
	q := &Questionnaire{Name: name, Title: def.Title, Languages: def.Languages, byID: map[string]int{}}
	checkLanguages(def, &p)
	if !p.None() {
		return nil, p.Err()
	}
	for i := range def.Questions {
		at := fmt.Sprintf("questions[%d]", i)
		one := compileQuestion(&def.Questions[i], def.Languages, at, &p)
		if _, twice := q.byID[one.ID]; twice {
			p.Addf(at+".id", codeShape, "the id `%s` stands twice; rename one", one.ID)
		}
		if one.Score {
			if q.score != "" {
				p.Addf(at+".score", codeShape, "`%s` gives the score already; only one question can", q.score)
			}
			q.score = one.ID
		}
		if show := def.Questions[i].ShowIf; show != "" {
			p.AddAt(at+".show_if", one.compileShow(show, q.Questions, def.Questions[i:], env))
		}
		q.byID[one.ID] = i
		q.Questions = append(q.Questions, *one)
	}
	q.setLimits(def, &p)
	if len(def.Thanks) > 0 {
		inEach(def.Thanks, def.Languages, "thanks", TextCharsMax, &p)
		scope, err := template.NewScope(env.Catalogue(), "")
		p.Add(err)
		if err == nil {
			q.Thanks, err = template.CompileText(def.Thanks, scope)
			p.AddAt("thanks", err)
		}
	}
	return q, p.Err()
}

// setLimits takes over how many answers are wanted and what one earns.
func (q *Questionnaire) setLimits(def *Definition, p *document.Problems) {
	if q.Quota = def.Quota; q.Quota < 0 || q.Quota > QuotaMax {
		p.Addf("quota", codeShape, "a quota is between 1 and %d complete answers; leave it out to take all", int64(QuotaMax))
	}
	q.setPublish(def.Publish, p)
	r := def.Reward
	if r == nil {
		return
	}
	if !valueForm.MatchString(r.ID) {
		p.Addf("reward.id", codeShape, "`%s` can't name a reward; use the wallet's name for it in small letters, digits, - and _, such as coupon-5", shown(r.ID))
	}
	if len(r.Note) > 0 {
		inEach(r.Note, def.Languages, "reward.note", noteCharsMax, p)
		for _, l := range r.Note.Languages() {
			p.AddAt("reward.note."+l, template.Lint(r.Note[l]))
		}
	}
	q.Reward = &Reward{ID: r.ID, Note: r.Note}
}

// setPublish takes over how everybody may answer. A day named as the last is that day to its end
// everywhere: till noon of the next by UTC.
func (q *Questionnaire) setPublish(def *PublishDefinition, p *document.Problems) {
	if def == nil || !def.Public {
		return
	}
	pub := Publish{Quota: def.Quota, Repeat: def.Repeat}
	if pub.Quota < 0 || pub.Quota > QuotaMax {
		p.Addf("publish.quota", codeShape, "a quota is between 1 and %d complete answers; leave it out to take all", int64(QuotaMax))
	}
	if def.Until != "" {
		day, err := time.Parse(time.DateOnly, def.Until)
		pub.Until = day.Add(36 * time.Hour)
		if err != nil {
			pub.Until, err = time.Parse(time.RFC3339, def.Until)
		}
		if err != nil {
			p.Addf("publish.until", codeShape, "`%s` is no day; write the last one as \"2026-12-31\", or a moment as \"2026-12-31T18:00:00+08:00\"", shown(def.Until))
		}
	}
	q.Publish = &pub
}

func checkLanguages(def *Definition, p *document.Problems) {
	if len(def.Languages) == 0 || len(def.Languages) > document.LanguagesMax {
		p.Addf("languages", codeShape, "name the languages it is written in, such as `languages: [zh-CN, en]`")
	}
	for i, l := range def.Languages {
		if !document.LanguageOK(l) {
			p.Addf(fmt.Sprintf("languages[%d]", i), codeShape, "`%s` isn't a language%s", l, document.DidYouMean(l, []string{document.ZhCN, document.En}))
		}
	}
	if n := len(def.Questions); n == 0 || n > QuestionsMax {
		p.Addf("questions", codeShape, "a questionnaire has between 1 and %d questions; this one has %d", QuestionsMax, n)
	}
	if len(def.Title) > 0 {
		inEach(def.Title, def.Languages, "title", askCharsMax, p)
	}
}

// inEach wants a text in each of the questionnaire's languages and in no other.
func inEach(text document.Text, languages []string, at string, charsMax int, p *document.Problems) {
	for _, l := range languages {
		switch n := utf8.RuneCountInString(text[l]); {
		case strings.TrimSpace(text[l]) == "":
			p.Addf(at, codeShape, "it isn't written in %s; add it, or take %s out of `languages`", l, l)
		case n > charsMax:
			p.Addf(at+"."+l, codeShape, "it has %d characters, and %d are allowed; shorten it", n, charsMax)
		}
	}
	for _, l := range text.Languages() {
		if !slices.Contains(languages, l) {
			p.Addf(at+"."+l, codeShape, "%s isn't among the questionnaire's languages; add it to `languages`", l)
		}
	}
}

func compileQuestion(def *QuestionDefinition, languages []string, at string, p *document.Problems) *Question {
	q := &Question{ID: def.ID, Type: def.Type, Score: def.Score, Required: def.Required, Ask: def.Ask, Options: def.Options}
	if !idForm.MatchString(def.ID) || slices.Contains(reservedIDs, def.ID) {
		p.Addf(at+".id", codeShape, "`%s` can't be an id, since conditions speak of it; use small letters, digits and _, such as satisfaction", shown(def.ID))
	}
	if !slices.Contains(Types(), def.Type) {
		p.Addf(at+".type", codeShape, "there is no type `%s`%s", shown(def.Type), document.DidYouMean(def.Type, Types()))
		return q
	}
	inEach(def.Ask, languages, at+".ask", askCharsMax, p)
	for _, l := range def.Ask.Languages() {
		p.AddAt(at+".ask."+l, template.Lint(def.Ask[l]))
	}
	q.setScale(def, at, p)
	q.setLabels(def, languages, at, p)
	q.setTags(def, languages, at, p)
	q.checkOptions(languages, at, p)
	q.setPicks(def, at, p)
	for _, l := range languages {
		if n := q.weight(l); n > weightBytesMax {
			p.Addf(at, codeShape, "in %s the question has %d bytes of text and of what it takes to show it, and %d fit on a page for slow phones; shorten it, or offer less", l, n, weightBytesMax)
		}
	}
	q.MaxChars = int(def.MaxChars)
	switch {
	case q.Type != FreeText && def.MaxChars != 0:
		p.Addf(at+".max_chars", codeShape, "only a text has max_chars; leave it out")
	case q.MaxChars == 0:
		q.MaxChars = defaultChars
	case q.MaxChars < 1 || q.MaxChars > TextCharsMax:
		p.Addf(at+".max_chars", codeShape, "max_chars is between 1 and %d", TextCharsMax)
	}
	if q.Score && !q.Scaled() {
		p.Addf(at+".score", codeShape, "only a rating, nps or ces question can give the score")
	}
	return q
}

func (q *Question) setScale(def *QuestionDefinition, at string, p *document.Problems) {
	if !q.Scaled() {
		if def.Scale != 0 {
			p.Addf(at+".scale", codeShape, "only rating, nps and ces questions have a scale; leave it out")
		}
		return
	}
	q.Min, q.Max = 1, def.Scale
	switch {
	case q.Type == NPS:
		q.Min = 0
		if q.Max == 0 {
			q.Max = npsScale
		}
		if q.Max != npsScale {
			p.Addf(at+".scale", codeShape, "an nps question is always from 0 to %d; leave `scale` out", npsScale)
		}
		return
	case q.Max == 0 && q.Type == CES:
		q.Max = cesScale
	case q.Max == 0:
		q.Max = ratingScale
	}
	if q.Max < scaleMin || q.Max > scaleMax {
		p.Addf(at+".scale", codeShape, "a scale has between %d and %d points; this one has %d", scaleMin, scaleMax, q.Max)
	}
}

func (q *Question) setLabels(def *QuestionDefinition, languages []string, at string, p *document.Problems) {
	if len(def.Labels) == 0 {
		return
	}
	if !q.Scaled() {
		p.Addf(at+".labels", codeShape, "only rating, nps and ces questions have labels; write `options` instead")
		return
	}
	q.Labels = def.Labels
	points := int(q.Max - q.Min + 1)
	for _, l := range slices.Sorted(maps.Keys(def.Labels)) {
		n := len(def.Labels[l])
		if n != points && n != 2 {
			p.Addf(at+".labels."+l, codeShape, "there are %d labels for %d points; write one for each, or one for each end", n, points)
		}
	}
	sameWords(def.Labels, languages, at+".labels", p)
}

// sameWords wants the same number of words in each language.
func sameWords(w Words, languages []string, at string, p *document.Problems) {
	n := -1
	for _, l := range languages {
		list, ok := w[l]
		if !ok {
			p.Addf(at, codeShape, "it isn't written in %s; add it", l)
			continue
		}
		if n >= 0 && len(list) != n {
			p.Addf(at+"."+l, codeShape, "there are %d words here and %d in another language; write as many in each", len(list), n)
		}
		n = len(list)
		for i, word := range list {
			if c := utf8.RuneCountInString(word); c == 0 || c > labelCharsMax {
				p.Addf(fmt.Sprintf("%s.%s[%d]", at, l, i), codeShape, "it has %d characters; write between 1 and %d", c, labelCharsMax)
			}
		}
	}
	for l := range w {
		if !slices.Contains(languages, l) {
			p.Addf(at+"."+l, codeShape, "%s isn't among the questionnaire's languages", l)
		}
	}
}

func (q *Question) setTags(def *QuestionDefinition, languages []string, at string, p *document.Problems) {
	if len(def.Tags) == 0 {
		return
	}
	if !q.Scaled() || len(def.Tags) > TagGroupsMax {
		p.Addf(at+".tags", codeShape, "tags stand beside the scores of a rating, nps or ces question, in at most %d ranges", TagGroupsMax)
		return
	}
	for _, span := range slices.Sorted(maps.Keys(def.Tags)) {
		where := at + ".tags." + span
		m := rangeForm.FindStringSubmatch(span)
		if m == nil {
			p.Addf(where, codeShape, "`%s` isn't a range of scores; write \"1-3\" or \"5\"", shown(span))
			continue
		}
		t := Tags{Words: def.Tags[span]}
		t.From, _ = strconv.ParseInt(m[1], 10, 64)
		t.To = t.From
		if m[2] != "" {
			t.To, _ = strconv.ParseInt(m[2], 10, 64)
		}
		if t.From > t.To || t.From < q.Min || t.To > q.Max {
			p.Addf(where, codeShape, "the scores run from %d to %d", q.Min, q.Max)
		}
		for _, other := range q.Tags {
			if t.From <= other.To && other.From <= t.To {
				p.Addf(where, codeShape, "the ranges %d-%d and %d-%d overlap; each score has one list of tags", other.From, other.To, t.From, t.To)
			}
		}
		sameWords(t.Words, languages, where, p)
		count := len(t.Words.In(languages[0]))
		if count == 0 || count > TagsMax {
			p.Addf(where, codeShape, "a range has between 1 and %d tags; this one has %d", TagsMax, count)
		}
		for i := range count {
			t.Keys = append(t.Keys, fmt.Sprintf("%s.%d", span, i+1))
		}
		q.Tags = append(q.Tags, t)
	}
}

func (q *Question) checkOptions(languages []string, at string, p *document.Problems) {
	if q.Type != Single && q.Type != Multiple {
		if len(q.Options) > 0 {
			p.Addf(at+".options", codeShape, "only single and multiple questions have options; leave them out")
		}
		return
	}
	if n := len(q.Options); n < 2 || n > OptionsMax {
		p.Addf(at+".options", codeShape, "a choice has between 2 and %d options, such as `- {value: slow, text: {zh-CN: …, en: …}}`; this one has %d", OptionsMax, n)
	}
	seen := map[string]bool{}
	for i, o := range q.Options {
		where := fmt.Sprintf("%s.options[%d]", at, i)
		if !valueForm.MatchString(o.Value) {
			p.Addf(where+".value", codeShape, "`%s` can't be a value; use small letters, digits, - and _, such as too-slow", shown(o.Value))
		}
		if seen[o.Value] {
			p.Addf(where+".value", codeShape, "the value `%s` stands twice; rename one", shown(o.Value))
		}
		seen[o.Value] = true
		inEach(o.Text, languages, where+".text", askCharsMax, p)
	}
}

// weight is about what a question adds to a page, in bytes.
func (q *Question) weight(language string) int {
	n := len(html.EscapeString(q.Ask.In(language)))
	if q.Scaled() {
		n += int(q.Max-q.Min+1) * itemBytes
	}
	for _, list := range q.words(language) {
		for _, word := range list {
			n += len(html.EscapeString(word)) + itemBytes
		}
	}
	return n
}

// words lists what is shown beside a question, list by list.
func (q *Question) words(language string) [][]string {
	lists := [][]string{q.Labels.In(language)}
	for _, t := range q.Tags {
		lists = append(lists, t.Words.In(language))
	}
	var options []string
	for _, o := range q.Options {
		options = append(options, o.Text.In(language))
	}
	return append(lists, options)
}

// setPicks bounds how many choices are made, and says which stand apart.
func (q *Question) setPicks(def *QuestionDefinition, at string, p *document.Problems) {
	others, nones := 0, 0
	for _, o := range q.Options {
		if o.Other {
			others++
		}
		if o.None {
			nones++
		}
		if o.Other && o.None {
			p.Addf(at+".options", codeShape, "`%s` can't be both other and none", shown(o.Value))
		}
	}
	if others > 1 || nones > 1 {
		p.Addf(at+".options", codeShape, "one option at most is `other: true`, and one `none: true`")
	}
	if q.Type != Multiple {
		if nones > 0 {
			p.Addf(at+".options", codeShape, "only where several can be chosen one of them is `none: true`; leave it out")
		}
		if def.MinPicks != 0 || def.MaxPicks != 0 {
			p.Addf(at, codeShape, "only a multiple question has min_choices and max_choices; leave them out")
		}
		return
	}
	most := int64(len(q.Options) - nones)
	q.MinPicks, q.MaxPicks = int(def.MinPicks), int(def.MaxPicks)
	if def.MinPicks < 0 || def.MinPicks > most || def.MaxPicks < 0 || def.MaxPicks > most || def.MaxPicks > 0 && def.MaxPicks < def.MinPicks {
		p.Addf(at, codeShape, "min_choices and max_choices lie between 1 and %d, and the first is not above the second", most)
	}
}

// compileShow compiles a show_if over the questions before it.
func (q *Question) compileShow(expr string, earlier []Question, fromHere []QuestionDefinition, env *condition.Env) error {
	names := strings.FieldsFunc(quoted.ReplaceAllString(expr, " "), func(c rune) bool {
		return c != '_' && (c < 'a' || c > 'z') && (c < '0' || c > '9')
	})
	for i, later := range fromHere {
		if later.ID == "" || !slices.Contains(names, later.ID) {
			continue
		}
		if i == 0 {
			return errs.New(errs.Invalid, codeShape, "`%s` can't depend on its own answer; look at an earlier question", q.ID)
		}
		return errs.New(errs.Invalid, codeShape, "`%s` comes after `%s`; a question can only look at earlier ones: move it up, or look at another",
			later.ID, q.ID)
	}
	show, err := env.WithAnswers(fields(earlier)).Compile(expr, condition.Question, "")
	if err != nil {
		return err
	}
	q.showIf = show
	if !canShow(show, earlier) {
		return errs.New(errs.Invalid, codeShape, "no answer to the earlier questions ever shows `%s`; mend the condition, or take the question out", q.ID)
	}
	return nil
}
