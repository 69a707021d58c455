package pages

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/huiyin/huiyin/internal/hear/answer"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/errs"
	"github.com/huiyin/huiyin/internal/program/document"
	"github.com/huiyin/huiyin/internal/program/questionnaire"
	"github.com/huiyin/huiyin/internal/program/template"
)

// ask shows one question. Nothing is changed by it.
func (h *house) ask(w http.ResponseWriter, r *http.Request) {
	sheet, err := h.Answers.Open(r.Context(), r.PathValue("token"))
	if err != nil {
		h.fail(w, r, sheet, err)
		return
	}
	at := next(sheet, r.FormValue("at"))
	h.question(w, r, http.StatusOK, sheet, at, sheet.Values[at], "")
}

// next is the question to show: the one asked for, else the first without an answer, else the last.
func next(sheet *answer.Sheet, want string) string {
	visible := sheet.Visible()
	if slices.Contains(visible, want) {
		return want
	}
	for _, id := range visible {
		if sheet.Values[id].Empty() {
			return id
		}
	}
	if len(visible) == 0 {
		return "" // only a questionnaire that compiles wrongly asks nothing
	}
	return visible[len(visible)-1]
}

// question shows a question with what was said to it and, perhaps, what is wrong with that.
func (h *house) question(w http.ResponseWriter, r *http.Request, status int, sheet *answer.Sheet, id string, said answer.Value, wrong string) {
	h.draw(w, r, status, sheet, id, said, wrong, "")
}

// draw shows a question; visit is the token a visitor will have, "" for those who have one.
func (h *house) draw(w http.ResponseWriter, r *http.Request, status int, sheet *answer.Sheet, id string, said answer.Value, wrong, visit string) {
	q, known := sheet.Form.Question(id)
	if !known {
		h.fail(w, r, sheet, fmt.Errorf("question %q vanished from its questionnaire", id))
		return
	}
	chosen := r.FormValue("lang")
	lang := document.Choose(sheet.Form.Languages, chosen, sheet.Language)
	words := wordsFor(lang)
	view := asked(sheet, q, said, words, lang)
	view.Action, view.Error, view.Visit = r.URL.Path, wrong, visit
	if chosen != "" {
		view.Lang = lang
	}
	visible := sheet.Visible()
	if i := slices.Index(visible, id); i > 0 {
		view.Back = address(r.URL.Path, visible[i-1], view.Lang)
	}
	title := sheet.Form.Title.In(lang)
	if title == "" {
		title = view.Ask
	}
	h.show(w, status, &page{
		house: h, W: words, Lang: lang, Title: title, Ask: view,
		Others: others(sheet.Form.Languages, lang, url.Values{"at": {id}}),
	})
}

// address is where a question of a sheet stands.
func address(path, question, lang string) string {
	q := url.Values{"at": {question}}
	if lang != "" {
		q.Set("lang", lang)
	}
	return path + "?" + q.Encode()
}

// take keeps an answer, then sends the customer on: to the next question, or to the thanks.
func (h *house) take(w http.ResponseWriter, r *http.Request) {
	if !h.form(w, r) {
		return
	}
	token, id := r.PathValue("token"), r.PostFormValue("question")
	sheet, err := h.Answers.Open(r.Context(), token)
	if err != nil {
		h.fail(w, r, sheet, err)
		return
	}
	q, known := sheet.Form.Question(id)
	if !known {
		http.Redirect(w, r, r.URL.Path, http.StatusSeeOther)
		return
	}
	said := decode(q, r.PostForm)
	saved, err := h.Answers.Save(r.Context(), token, id, said)
	if e, ok := errs.As(err); ok && (e.Kind == errs.Invalid || e.Kind == errs.TooLarge) {
		h.wrong(w, r, sheet, q, said, e)
		return
	}
	if err != nil {
		h.fail(w, r, sheet, err)
		return
	}
	lang := r.PostFormValue("lang")
	visible := saved.Visible()
	if i := slices.Index(visible, id); i+1 < len(visible) {
		http.Redirect(w, r, address(r.URL.Path, visible[i+1], lang), http.StatusSeeOther)
		return
	}
	h.finish(w, r, saved, token, lang)
}

// wrong shows a question again with what was typed and what is wrong with it.
func (h *house) wrong(w http.ResponseWriter, r *http.Request, sheet *answer.Sheet, q *questionnaire.Question, said answer.Value, e *errs.Error) {
	if !slices.Contains(sheet.Visible(), q.ID) {
		id := next(sheet, "")
		h.question(w, r, http.StatusUnprocessableEntity, sheet, id, sheet.Values[id], h.complaint(r, sheet, q, said, e))
		return
	}
	h.question(w, r, http.StatusUnprocessableEntity, sheet, q.ID, said, h.complaint(r, sheet, q, said, e))
}

// complaint says what is wrong with an answer, and how to mend it.
func (h *house) complaint(r *http.Request, sheet *answer.Sheet, q *questionnaire.Question, said answer.Value, e *errs.Error) string {
	words := wordsFor(document.Choose(sheet.Form.Languages, r.FormValue("lang"), sheet.Language))
	switch {
	case !slices.Contains(sheet.Visible(), q.ID):
		return words.ErrorHidden
	case e.Kind == errs.TooLarge && q.Type == questionnaire.FreeText:
		return fmt.Sprintf(words.ErrorTooLong, q.MaxChars)
	case e.Kind == errs.TooLarge:
		return fmt.Sprintf(words.ErrorTooLong, questionnaire.OtherCharsMax)
	case said.Empty() && q.Required:
		return words.ErrorRequired
	case q.Type == questionnaire.Multiple:
		return words.picks(q, len(said.Choices()))
	}
	return words.ErrorInvalid
}

// finish hands the answer in; a required question passed over comes first.
func (h *house) finish(w http.ResponseWriter, r *http.Request, sheet *answer.Sheet, token, lang string) {
	_, err := h.Answers.CompletePaced(r.Context(), token)
	if errs.CodeOf(err) == codes.AnswerIncomplete {
		e, _ := errs.As(err)
		id := next(sheet, e.Path)
		if own := "/q/" + token; r.URL.Path != own { // a visitor's first answer, out of turn
			http.Redirect(w, r, address(own, id, lang), http.StatusSeeOther)
			return
		}
		h.question(w, r, http.StatusUnprocessableEntity, sheet, id, sheet.Values[id], wordsFor(document.Choose(sheet.Form.Languages, lang, sheet.Language)).ErrorRequired)
		return
	}
	if err != nil {
		h.fail(w, r, sheet, err)
		return
	}
	to := "/q/" + token + "/done"
	if lang != "" {
		to += "?" + url.Values{"lang": {lang}}.Encode()
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
}

// thank thanks for an answer that is complete.
func (h *house) thank(w http.ResponseWriter, r *http.Request) {
	token := r.PathValue("token")
	sheet, err := h.Answers.Open(r.Context(), token)
	switch {
	case err == nil:
		http.Redirect(w, r, "/q/"+token, http.StatusSeeOther) // not complete yet
		return
	case errs.CodeOf(err) != codes.LinkUsed:
		h.fail(w, r, sheet, err)
		return
	}
	lang := document.Choose(sheet.Form.Languages, r.FormValue("lang"), sheet.Language)
	words := wordsFor(lang)
	p := &page{house: h, W: words, Lang: lang, Title: words.TitleThanks, Others: others(sheet.Form.Languages, lang, nil)}
	p.Say = []string{h.thanks(sheet, p)}
	if reward := sheet.Form.Reward; reward != nil && sheet.Rewarded && len(reward.Note) > 0 {
		p.Say = append(p.Say, reward.Note.In(lang))
	}
	h.show(w, http.StatusOK, p)
}

// thanks is the questionnaire's own thanks; one that can't be written without
// knowing more of the customer than a page may show gives way to ours.
func (h *house) thanks(sheet *answer.Sheet, p *page) string {
	if sheet.Form.Thanks != nil {
		text, _, err := sheet.Form.Thanks.Render(template.Vars{Languages: []string{p.Lang}, Hotline: p.Hotline()})
		if err == nil && text != "" {
			return text
		}
	}
	return p.W.Thanks
}

// decode reads what a form says to a question; Check judges it. Reasons tapped
// beside a score that was then changed are still in the form, and are left out.
func decode(q *questionnaire.Question, form url.Values) answer.Value {
	var v answer.Value
	switch given := form["value"]; {
	case len(given) == 0:
	case q.Type == questionnaire.Multiple:
		v.Given = given
	default:
		v.Given = given[0]
	}
	for _, value := range form["value"] {
		if o, ok := q.Option(value); ok && o.Other {
			v.Other = form.Get("other")
		}
	}
	if !q.Scaled() {
		return v
	}
	n, err := strconv.ParseInt(form.Get("value"), 10, 64)
	if err != nil {
		return v
	}
	v.Given = n
	if tags := q.TagsAt(n); tags != nil {
		for _, key := range form["tag"] {
			if slices.Contains(tags.Keys, key) && !slices.Contains(v.Tags, key) {
				v.Tags = append(v.Tags, key)
			}
		}
	}
	return v
}
