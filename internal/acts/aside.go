package acts

import (
	"context"
	"fmt"
	"strconv"
	"unicode/utf8"

	"github.com/huiyin/huiyin/internal/contact/attempt"
	"github.com/huiyin/huiyin/internal/engine"
	"github.com/huiyin/huiyin/internal/followup"
	"github.com/huiyin/huiyin/internal/people/customer"
	"github.com/huiyin/huiyin/internal/platform/audit"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/errs"
)

const reasonCharsMax = 300

// Aside is a follow-up that waits for a person.
type Aside struct {
	FollowUp followup.FollowUp
	Program  string
	Customer string           // the wallet's id
	Attempt  *attempt.Attempt // whose outcome nobody knows; nil when an assertion stopped it
}

// ListAside lists follow-ups set aside, after an id, oldest first.
func (h *House) ListAside(ctx context.Context, after int64, limit int) (all []Aside, err error) {
	set, err := h.Library.Set(ctx)
	if err != nil {
		return nil, err
	}
	err = h.DB.Read(ctx, func(tx *db.Tx) error {
		all = nil
		fs, err := followup.ListAside(tx, after, limit)
		if err != nil || len(fs) == 0 {
			return err
		}
		followUps, customers := make([]int64, len(fs)), make([]int64, len(fs))
		for i := range fs {
			followUps[i], customers[i] = fs[i].ID, fs[i].Customer
		}
		people, err := customer.Load(tx, customers)
		if err != nil {
			return err
		}
		attempts, err := attempt.OfFollowUps(tx, followUps)
		if err != nil {
			return err
		}
		for i := range fs {
			a := Aside{FollowUp: fs[i], Program: set.Name(fs[i].Program)}
			if c := people[fs[i].Customer]; c != nil {
				a.Customer = c.Ref
			}
			for j := range attempts[fs[i].ID] {
				if one := &attempts[fs[i].ID][j]; one.State.Open() {
					a.Attempt = one
				}
			}
			all = append(all, a)
		}
		return nil
	})
	return all, err
}

// EndAside carries out what a person found out about a follow-up that was set aside.
func (h *House) EndAside(ctx context.Context, actor string, id int64, v engine.Verdict, reason string) error {
	if n := utf8.RuneCountInString(reason); n == 0 || n > reasonCharsMax {
		return errs.New(errs.Invalid, codes.FieldMissing, "say in 1 to %d characters how you found out; it goes into the audit trail", reasonCharsMax).At("reason")
	}
	programs, err := h.Library.Programs(ctx)
	if err != nil {
		return err
	}
	return h.write(ctx, db.Outcome, "end-aside", func(tx *db.Tx) error {
		if err := h.Dispatcher.EndAside(tx, programs, id, v); err != nil {
			return err
		}
		return audit.Append(tx, audit.Entry{
			Actor: actor, Act: "set-aside.end", Object: "follow-up/" + strconv.FormatInt(id, 10),
			Detail: fmt.Sprintf("%s: %s", v, reason),
		})
	})
}
