package acts

import (
	"context"
	"time"

	"github.com/huiyin/huiyin/internal/measure/report"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/errs"
	"github.com/huiyin/huiyin/internal/platform/qr"
	"github.com/huiyin/huiyin/internal/program/questionnaire"
)

// public finds a questionnaire that is open to everybody, or was.
func (h *House) public(ctx context.Context, name string) (*questionnaire.Questionnaire, error) {
	form, _, err := h.Library.Newest(ctx, name)
	if e, ours := errs.As(err); ours && e.Code == codes.ReferenceUnknown {
		return nil, errs.New(errs.NotFound, codes.NotFound, "%s; `huiyin get Questionnaire` lists them", e.Text)
	}
	if err == nil && form.Publish == nil {
		return nil, errs.New(errs.Conflict, codes.QuestionnaireClosed,
			"the questionnaire %s isn't public; write `publish: {public: true}` in it and apply it", name)
	}
	return form, err
}

// PublicLink is where everybody answers a questionnaire.
func (h *House) PublicLink(ctx context.Context, name string) (string, error) {
	form, err := h.public(ctx, name)
	if err != nil {
		return "", err
	}
	return h.Dispatcher.PublicURL + "/p/" + form.Name, nil
}

// PublicCode is that address as a QR code.
func (h *House) PublicCode(ctx context.Context, name string) (*qr.Code, error) {
	link, err := h.PublicLink(ctx, name)
	if err != nil {
		return nil, err
	}
	return qr.Encode(link)
}

// PublicReport is what came by a public link between two days, both included.
func (h *House) PublicReport(ctx context.Context, name string, from, to time.Time) (r *report.Public, err error) {
	form, err := h.public(ctx, name)
	if err != nil {
		return nil, err
	}
	err = h.DB.Read(ctx, func(tx *db.Tx) error {
		r, err = report.OfPublic(tx, form, from, to)
		return err
	})
	return r, err
}
