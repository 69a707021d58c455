package acts

import (
	"context"
	"fmt"

	"github.com/huiyin/huiyin/internal/engine"
	"github.com/huiyin/huiyin/internal/measure/study"
	"github.com/huiyin/huiyin/internal/platform/audit"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/errs"
	"github.com/huiyin/huiyin/internal/program/document"
	"github.com/huiyin/huiyin/internal/program/program"
)

// published finds a program that has been published, by name.
func (h *House) published(ctx context.Context, name string) (*program.Live, error) {
	set, err := h.Library.Set(ctx)
	if err != nil {
		return nil, err
	}
	names := []string{}
	for _, p := range set.Published() {
		if p.Live.Name == name {
			return p.Live, nil
		}
		names = append(names, p.Live.Name)
	}
	if _, drafted := set.ID(name); drafted {
		return nil, errs.New(errs.Conflict, codes.PublishingNotPossible, "the program %s has not been published; publish it first", name)
	}
	return nil, errs.New(errs.NotFound, codes.NotFound, "there is no published program `%.80s`%s", name, document.DidYouMean(name, names))
}

// StartList puts the rows of an uploaded list into the log; the router begins a follow-up
// for each customer the program takes. The same list sent again starts nobody twice.
func (h *House) StartList(ctx context.Context, actor, programName, list string, rows []engine.ListRow) (res engine.ListResult, err error) {
	live, err := h.published(ctx, programName)
	if err != nil {
		return res, err
	}
	if !live.Trigger.List {
		return res, errs.New(errs.Conflict, codes.Conflict, "the program %s is not started by lists; give it `trigger: {list: true}` and publish it", programName)
	}
	err = h.DB.Write(ctx, db.Import, "list", func(tx *db.Tx) error {
		now, err := tx.Now()
		if err != nil {
			return err
		}
		if res, err = engine.TakeList(tx, programName, list, rows, now); err != nil || res.Taken == 0 {
			return err
		}
		return audit.Append(tx, audit.Entry{
			Actor: actor, Act: "list.start", Object: "Program/" + programName, Detail: fmt.Sprintf("list %s: %d rows", list, res.Taken),
		})
	})
	if err == nil && res.Taken > 0 {
		h.logged()
	}
	return res, err
}

// Assign imports who was put in which arm by whoever randomised.
func (h *House) Assign(ctx context.Context, actor, programName string, rows []study.Assignment) (done study.Imported, err error) {
	live, err := h.published(ctx, programName)
	if err != nil {
		return done, err
	}
	plan := study.Plan{Program: live.ID, Within: live.Measure.Within}
	err = h.DB.Write(ctx, db.Import, "assign", func(tx *db.Tx) error {
		now, err := tx.Now()
		if err != nil {
			return err
		}
		if done, err = study.ImportAssignments(tx, h.IDs, plan, rows, now); err != nil || done.New == 0 {
			return err
		}
		return audit.Append(tx, audit.Entry{
			Actor: actor, Act: "assignments.import", Object: "Program/" + programName, Detail: fmt.Sprintf("%d customers", done.New),
		})
	})
	return done, err
}

// Trail is the audit trail, walked and found whole.
type Trail struct {
	Entries int64
	Head    []byte // the newest entry's hash: written down elsewhere, it finds a trail cut short
}

// VerifyAudit walks the audit trail.
func (h *House) VerifyAudit(ctx context.Context) (t Trail, err error) {
	err = h.DB.Read(ctx, func(tx *db.Tx) error {
		if t.Entries, err = audit.Verify(tx); err != nil {
			return err
		}
		_, t.Head, err = audit.Head(tx)
		return err
	})
	return t, err
}

// AuditTrail gives the newest entries, newest first.
func (h *House) AuditTrail(ctx context.Context, limit int) (all []audit.Entry, err error) {
	err = h.DB.Read(ctx, func(tx *db.Tx) error {
		all, err = audit.List(tx, limit)
		return err
	})
	return all, err
}
