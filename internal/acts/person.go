package acts

import (
	"context"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/huiyin/huiyin/internal/people/customer"
	"github.com/huiyin/huiyin/internal/people/vault"
	"github.com/huiyin/huiyin/internal/platform/audit"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/errs"
)

// whyCharsMax bounds the reason for looking at, erasing or holding somebody's data.
const whyCharsMax = 300

func checkWhy(why string) error {
	if n := utf8.RuneCountInString(why); strings.TrimSpace(why) == "" || n > whyCharsMax || !utf8.ValidString(why) {
		return errs.New(errs.Invalid, codes.FieldMissing, "say why in 1 to %d characters, without the customer's name or number; it goes into the audit trail", whyCharsMax).At("reason")
	}
	return nil
}

func objectOf(c *customer.Customer) string { return "customer/" + strconv.FormatInt(c.ID, 10) }

// Reveal gives a customer's clear name and addresses to somebody who has the right and a reason.
func (h *House) Reveal(ctx context.Context, actor, ref, why string) (*customer.Customer, error) {
	if err := checkWhy(why); err != nil {
		return nil, err
	}
	c, err := h.clear(ctx, ref)
	if err != nil {
		return nil, err
	}
	// Written down before it is seen.
	return c, h.DB.Write(ctx, db.Outcome, "reveal", func(tx *db.Tx) error {
		return audit.Append(tx, audit.Entry{Actor: actor, Act: "customer.reveal", Object: objectOf(c), Detail: why})
	})
}

// Export gives everything held on one customer, by the rooms that hold it.
func (h *House) Export(ctx context.Context, actor, ref string) (map[string]any, error) {
	all := map[string]any{}
	err := h.write(ctx, db.Outcome, "export", func(tx *db.Tx) error {
		c, err := customer.Get(tx, ref)
		if err != nil {
			return err
		}
		return audit.Append(tx, audit.Entry{Actor: actor, Act: "customer.export", Object: objectOf(c)})
	})
	if err != nil {
		return nil, err
	}
	return all, h.DB.Read(ctx, func(tx *db.Tx) error {
		c, err := customer.Get(tx, ref)
		if err != nil {
			return err
		}
		now, err := tx.Now()
		if err != nil {
			return err
		}
		s := &vault.Subject{Customer: c.ID, Ref: c.Ref, RefKey: customer.RefKey(h.Keys, c.Ref), At: now, Vault: h.Vault}
		for _, r := range h.Eraser.Rooms {
			if r.Export == nil {
				continue
			}
			part, err := r.Export(tx, s)
			if err != nil {
				return err
			}
			all[r.Name] = Plain(part)
		}
		all["at"] = now.UTC().Format(time.RFC3339)
		return nil
	})
}

// Erase erases a customer: what was sealed can't be opened in any copy from then on, and
// the rest is blanked. already says that they were erased before. A legal hold stops it.
func (h *House) Erase(ctx context.Context, actor, ref, why string) (already bool, err error) {
	if err := checkRef(ref); err != nil {
		return false, err
	}
	if err := checkWhy(why); err != nil {
		return false, err
	}
	already, err = h.Eraser.Erase(ctx, actor, ref, why)
	if err == nil {
		h.wake()
	}
	return already, err
}

// HoldData sets a legal hold on a customer's data: they can't be erased until it is lifted.
func (h *House) HoldData(ctx context.Context, actor, ref, why string) error {
	if err := checkWhy(why); err != nil {
		return err
	}
	return h.held(ctx, ref, func(tx *db.Tx, c *customer.Customer, now time.Time) error {
		if err := vault.SetHold(tx, c.ID, vault.Hold{Reason: why, Actor: actor, At: now}); err != nil {
			return err
		}
		return audit.Append(tx, audit.Entry{Actor: actor, Act: "legal-hold.set", Object: objectOf(c), Detail: why})
	})
}

// LiftHold ends a legal hold.
func (h *House) LiftHold(ctx context.Context, actor, ref, why string) error {
	if err := checkWhy(why); err != nil {
		return err
	}
	return h.held(ctx, ref, func(tx *db.Tx, c *customer.Customer, _ time.Time) error {
		if err := vault.LiftHold(tx, c.ID); err != nil {
			return err
		}
		return audit.Append(tx, audit.Entry{Actor: actor, Act: "legal-hold.lift", Object: objectOf(c), Detail: why})
	})
}

func (h *House) held(ctx context.Context, ref string, fn func(tx *db.Tx, c *customer.Customer, now time.Time) error) error {
	return h.DB.Write(ctx, db.Outcome, "legal-hold", func(tx *db.Tx) error {
		c, err := customer.Get(tx, ref)
		if err != nil {
			return err
		}
		if err := customer.Lock(tx, []int64{c.ID}); err != nil {
			return err
		}
		now, err := tx.Now()
		if err != nil {
			return err
		}
		return fn(tx, c, now)
	})
}
