package acts

import (
	"context"
	"time"

	"github.com/huiyin/huiyin/internal/measure/report"
	"github.com/huiyin/huiyin/internal/platform/db"
)

// Report is what came of a program between two days, both included; zero times mean from
// the beginning and until today.
func (h *House) Report(ctx context.Context, programName string, from, to time.Time) (r *report.Report, err error) {
	set, err := h.Library.Set(ctx)
	if err != nil {
		return nil, err
	}
	err = h.DB.Read(ctx, func(tx *db.Tx) error {
		r, err = report.Program(tx, set, programName, from, to)
		return err
	})
	return r, err
}

// Explain tells a customer's story in a program.
func (h *House) Explain(ctx context.Context, programName, ref string) (e *report.Explanation, err error) {
	set, err := h.Library.Set(ctx)
	if err != nil {
		return nil, err
	}
	err = h.DB.Read(ctx, func(tx *db.Tx) error {
		e, err = report.Explain(tx, set, h.Vault, programName, ref)
		return err
	})
	return e, err
}
