package pages

import (
	"net/http"

	"github.com/huiyin/huiyin/internal/hear/suspicion"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/errs"
)

// doubt is the page for whoever wonders whether a message is really ours. It confirms
// nothing: only the app, which knows whom it speaks to, can. It takes reports.
type doubt struct {
	Lang, Error, Text, Sender string
	Max, MaxSender            int
}

func (h *house) askGenuine(w http.ResponseWriter, r *http.Request) {
	h.drawDoubt(w, r, http.StatusOK, &doubt{}, nil)
}

func (h *house) drawDoubt(w http.ResponseWriter, r *http.Request, status int, d *doubt, mistake func(*words) string) {
	p := h.plain(r, func(w *words) string { return w.Genuine.Title })
	d.Max, d.MaxSender = suspicion.TextCharsMax, suspicion.SenderCharsMax
	if r.FormValue("lang") != "" {
		d.Lang = p.Lang
	}
	if mistake != nil {
		d.Error = mistake(p.W)
	}
	p.Doubt = d
	h.show(w, status, p)
}

// takeSuspicion keeps a report and thanks for it, whatever it says: who reports learns nothing
// of any message or person.
func (h *house) takeSuspicion(w http.ResponseWriter, r *http.Request) {
	if !h.form(w, r) {
		return
	}
	d := &doubt{Text: r.PostFormValue("text"), Sender: r.PostFormValue("sender")}
	now := h.Answers.Clock.Now()
	lang := wordsFor(wanted(r)...).Lang
	err := h.Answers.DB.Write(r.Context(), db.Count, "suspicion", func(tx *db.Tx) error {
		return suspicion.Take(tx, h.Answers.IDs, suspicion.Report{Text: d.Text, Sender: d.Sender, Language: lang}, now)
	})
	switch {
	case err == nil:
	case errs.KindOf(err) == errs.Invalid:
		h.drawDoubt(w, r, http.StatusUnprocessableEntity, d, func(w *words) string { return w.Genuine.ErrorEmpty })
		return
	case errs.KindOf(err) == errs.TooLarge:
		h.drawDoubt(w, r, http.StatusUnprocessableEntity, d, func(w *words) string { return w.Genuine.ErrorLong })
		return
	default:
		h.fail(w, r, nil, err)
		return
	}
	h.show(w, http.StatusOK, h.plain(r, func(w *words) string { return w.Genuine.TitleThanks }, func(w *words) string { return w.Genuine.Thanks }))
}
