package pages

import (
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/huiyin/huiyin/internal/hear/answer"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/errs"
	"github.com/huiyin/huiyin/internal/program/document"
	"github.com/huiyin/huiyin/internal/program/questionnaire"
)

const (
	// visitCookie is how a browser is known again: by the token of its own answer.
	visitCookie       = "huiyin_visit"
	visitCookieMaxAge = 180 * 24 * time.Hour
)

// welcome shows the first question of a public questionnaire, or sends a browser that came
// before to where it was. Nothing is kept of someone who only looks.
func (h *house) welcome(w http.ResponseWriter, r *http.Request) {
	if v, ok := h.visit(w, r); ok {
		v.Token = h.Answers.IDs.Token()
		first := &answer.Sheet{Form: v.Form}
		h.invite(w, r, http.StatusOK, v, first, answer.Value{}, "")
	}
}

// begin keeps the first answer of a visitor and sends them on to a link of their own.
func (h *house) begin(w http.ResponseWriter, r *http.Request) {
	if !h.form(w, r) {
		return
	}
	v, ok := h.visit(w, r)
	if !ok {
		return
	}
	v.Token = r.PostFormValue("visit")
	id := r.PostFormValue("question")
	q, known := v.Form.Question(id)
	if !known {
		http.Redirect(w, r, r.URL.Path, http.StatusSeeOther)
		return
	}
	if !h.visits.allow(addressOf(r), h.Answers.Clock.Now()) {
		w.Header().Set("Retry-After", "600")
		h.show(w, http.StatusTooManyRequests, h.plain(r, func(w *words) string { return w.TitleMany }, func(w *words) string { return w.Many }))
		return
	}
	said := decode(q, r.PostForm)
	sheet, err := h.Answers.Begin(r.Context(), v, id, said)
	if e, ours := errs.As(err); ours && (e.Kind == errs.Invalid || e.Kind == errs.TooLarge) {
		first := &answer.Sheet{Form: v.Form}
		h.invite(w, r, http.StatusUnprocessableEntity, v, first, said, h.complaint(r, first, q, said, e))
		return
	}
	if err != nil {
		h.fail(w, r, nil, err)
		return
	}
	http.SetCookie(w, &http.Cookie{
		Name: visitCookie, Value: v.Token, Path: r.URL.Path, MaxAge: int(visitCookieMaxAge / time.Second),
		HttpOnly: true, Secure: h.Secure, SameSite: http.SameSiteLaxMode,
	})
	lang := r.PostFormValue("lang")
	visible := sheet.Visible()
	if i := slices.Index(visible, id); i+1 < len(visible) {
		http.Redirect(w, r, address("/q/"+v.Token, visible[i+1], lang), http.StatusSeeOther)
		return
	}
	h.finish(w, r, sheet, v.Token, lang)
}

// visit finds the public questionnaire of an address and says whether this browser may begin it.
// If not it has answered the request.
func (h *house) visit(w http.ResponseWriter, r *http.Request) (answer.Visit, bool) {
	var v answer.Visit
	if h.Shelf == nil {
		h.fail(w, r, nil, errs.New(errs.NotFound, codes.LinkInvalid, "nothing is public here"))
		return v, false
	}
	form, version, err := h.Shelf.Newest(r.Context(), r.PathValue("name"))
	if err != nil {
		if e, ours := errs.As(err); ours && e.Code == codes.ReferenceUnknown {
			err = errs.New(errs.NotFound, codes.LinkInvalid, "there is no questionnaire of this name")
		}
		h.fail(w, r, nil, err)
		return v, false
	}
	v = answer.Visit{Form: form, Version: version, Language: document.Choose(form.Languages, wanted(r)...)}
	if form.Publish != nil && h.returns(w, r, form) {
		return v, false
	}
	if err := h.Answers.Admit(r.Context(), v); err != nil {
		h.fail(w, r, nil, err)
		return v, false
	}
	return v, true
}

// returns answers a browser that has begun before.
func (h *house) returns(w http.ResponseWriter, r *http.Request, form *questionnaire.Questionnaire) bool {
	c, err := r.Cookie(visitCookie)
	if errors.Is(err, http.ErrNoCookie) || err != nil {
		return false
	}
	sheet, err := h.Answers.Open(r.Context(), c.Value)
	if sheet == nil || !sheet.Visitor() || sheet.Form.Name != form.Name {
		return false
	}
	switch {
	case err == nil: // not at its end yet
		http.Redirect(w, r, "/q/"+c.Value, http.StatusSeeOther)
		return true
	case errs.CodeOf(err) == codes.LinkUsed && !form.Publish.Repeat:
		h.fail(w, r, sheet, err)
		return true
	}
	return false
}

// invite shows the first question with a token that becomes good once it is answered.
func (h *house) invite(w http.ResponseWriter, r *http.Request, status int, v answer.Visit, sheet *answer.Sheet, said answer.Value, wrong string) {
	sheet.Language = v.Language
	h.draw(w, r, status, sheet, next(sheet, r.PostFormValue("question")), said, wrong, v.Token)
}
