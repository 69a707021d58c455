package pages

import (
	"context"
	"fmt"
	"net/http"

	"github.com/huiyin/huiyin/internal/decide/policy"
	"github.com/huiyin/huiyin/internal/engine"
	"github.com/huiyin/huiyin/internal/people/consent"
	"github.com/huiyin/huiyin/internal/platform/db"
)

// Where a refusal was said, as the consent ledger keeps it.
const (
	sourcePage     = "page"
	sourceOneClick = "one-click" // the mail program's own button

	wrongPerson = "wrong person" // the words kept
)

// offerRefusal shows the page on which contact is refused. Opening it refuses nothing.
func (h *house) offerRefusal(w http.ResponseWriter, r *http.Request) {
	_, channel, _, err := h.Links.ReadRefusal(r.PathValue("token"))
	if err != nil {
		h.fail(w, r, nil, err)
		return
	}
	p := h.plain(r, func(w *words) string { return fmt.Sprintf(w.TitleRefuse, w.channel(channel)) })
	lang := ""
	if r.FormValue("lang") != "" {
		lang = p.Lang
	}
	p.Refusal = &refusal{
		Ask: p.Title, Explain: fmt.Sprintf(p.W.Refuse, p.W.channel(channel)), Effect: p.W.RefuseEffect,
		Action: r.URL.Path, Lang: lang,
		One: fmt.Sprintf(p.W.RefuseOne, p.W.channel(channel)), All: p.W.RefuseAll, Wrong: p.W.RefuseWrong,
	}
	h.show(w, http.StatusOK, p)
}

// refuse takes a refusal from our page or, by RFC 8058, from a mail program's
// button: that one comes from the provider's servers, with its own body and from
// no page of ours, so the origin isn't asked for. The link's secret is enough: all
// that its holder can do is to stop messages to one customer. The answer is the
// page itself, since the RFC allows no redirect.
func (h *house) refuse(w http.ResponseWriter, r *http.Request) {
	customer, channel, key, err := h.Links.ReadRefusal(r.PathValue("token"))
	if err != nil {
		h.fail(w, r, nil, err)
		return
	}
	_ = r.ParseMultipartForm(bodyBytesMax) // a body nobody can read still says stop
	said := consent.Refusal{Customer: customer, Channel: channel, Purpose: policy.Any, Source: sourcePage}
	if r.PostFormValue("List-Unsubscribe") == "One-Click" {
		said.Source = sourceOneClick
	}
	if r.PostFormValue("scope") == "all" {
		said.Channel = policy.Any
	}
	if r.PostFormValue("scope") == "wrong-person" {
		if key != nil {
			h.disown(w, r, customer, channel, key)
			return
		}
		said.Words = wrongPerson // which address that is, the link doesn't say: none is taken from the customer
	}
	if err := h.record(r.Context(), said); err != nil {
		h.fail(w, r, nil, err)
		return
	}
	p := h.plain(r, func(w *words) string { return w.TitleRefused }, func(w *words) string {
		if said.Channel == policy.Any {
			return w.RefusedAll
		}
		return fmt.Sprintf(w.RefusedOne, w.channel(channel))
	}, func(w *words) string { return w.RefusedBack })
	h.show(w, http.StatusOK, p)
}

// disown takes the word of whoever holds the message: it went to the wrong person. That is
// said of the address it went to, not of one the customer has given since.
func (h *house) disown(w http.ResponseWriter, r *http.Request, customer int64, channel string, key []byte) {
	now := h.Answers.Clock.Now()
	err := h.Answers.DB.Write(r.Context(), db.First, "refusal", func(tx *db.Tx) error {
		return engine.Disown(tx, h.Answers.IDs, consent.Wish{Customer: customer, At: now, Source: sourcePage, Proof: wrongPerson}, channel, key, now)
	})
	if err != nil {
		h.fail(w, r, nil, err)
		return
	}
	h.show(w, http.StatusOK, h.plain(r, func(w *words) string { return w.TitleRefused }, func(w *words) string { return w.RefusedWrong }))
}

// record makes a refusal durable; it holds from then on.
func (h *house) record(ctx context.Context, said consent.Refusal) error {
	now := h.Answers.Clock.Now()
	return h.Answers.DB.Write(ctx, db.First, "refusal", func(tx *db.Tx) error {
		_, err := consent.Refuse(tx, h.Answers.IDs, said, now)
		return err
	})
}

// channel is a channel in words; one we have no word for goes by its own name.
func (w *words) channel(name string) string {
	if word, ok := w.Channels[name]; ok {
		return word
	}
	return name
}
