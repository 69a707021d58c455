package acts

import (
	"context"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/huiyin/huiyin/internal/people/consent"
	"github.com/huiyin/huiyin/internal/people/customer"
	"github.com/huiyin/huiyin/internal/platform/audit"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/errs"
)

const refCharsMax = 128

// Refuse records a customer's no; it holds when this returns. A customer we have not
// met yet is noted down: no refusal is lost because it came first.
func (h *House) Refuse(ctx context.Context, actor, ref string, r consent.Refusal) (id int64, err error) {
	if err := checkRef(ref); err != nil {
		return 0, err
	}
	err = h.write(ctx, db.First, "refuse", func(tx *db.Tx) error {
		now, err := tx.Now()
		if err != nil {
			return err
		}
		person, err := h.resolve(tx, ref, now)
		if err != nil {
			return err
		}
		said := r
		said.Customer, said.Actor = person, actor
		id, err = consent.Refuse(tx, h.IDs, said, now)
		return err
	})
	return id, err
}

// Lift ends a refusal because the customer took it back, and says so in the audit trail.
func (h *House) Lift(ctx context.Context, actor, ref string, id int64, why string) error {
	return h.write(ctx, db.First, "lift-refusal", func(tx *db.Tx) error {
		now, err := tx.Now()
		if err != nil {
			return err
		}
		c, err := customer.Get(tx, ref)
		if err != nil {
			return err
		}
		all, err := consent.Refusals(tx, c.ID)
		if err != nil {
			return err
		}
		for _, r := range all {
			if r.ID != id {
				continue
			}
			if err := consent.Lift(tx, id, now); err != nil {
				return err
			}
			told := consent.Wish{
				Customer: c.ID, What: consent.Lifted, Value: r.Channel + " " + r.Purpose, At: now, Source: "staff", Proof: why, Actor: actor,
			}
			if err := consent.Say(tx, h.IDs, told, now); err != nil {
				return err
			}
			return audit.Append(tx, audit.Entry{Actor: actor, Act: "refusal.lift", Object: "refusal/" + strconv.FormatInt(id, 10), Detail: why})
		}
		return errs.New(errs.NotFound, codes.NotFound, "this customer has no refusal with the number %d: read their list again", id)
	})
}

// Refusals lists a customer's refusals, lifted ones too, the newest first.
func (h *House) Refusals(ctx context.Context, ref string) (all []consent.Refusal, err error) {
	err = h.DB.Read(ctx, func(tx *db.Tx) error {
		c, err := customer.Get(tx, ref)
		if err != nil {
			return err
		}
		all, err = consent.Refusals(tx, c.ID)
		return err
	})
	return all, err
}

// Consent records a grant or a withdrawal of consent.
func (h *House) Consent(ctx context.Context, actor, ref string, r consent.Record) error {
	if err := checkRef(ref); err != nil {
		return err
	}
	return h.write(ctx, db.First, "consent", func(tx *db.Tx) error {
		now, err := tx.Now()
		if err != nil {
			return err
		}
		if err := checkWording(tx, r.Wording); err != nil {
			return err
		}
		person, err := h.resolve(tx, ref, now)
		if err != nil {
			return err
		}
		said := r
		said.Customer, said.Actor = person, actor
		if r.Granted {
			return consent.Grant(tx, h.IDs, said, now)
		}
		return consent.Withdraw(tx, h.IDs, said, now)
	})
}

func (h *House) resolve(tx *db.Tx, ref string, now time.Time) (int64, error) {
	found, err := customer.Resolve(tx, h.IDs, []string{ref}, now)
	return found[ref], err
}

func checkRef(ref string) error {
	if ref == "" || utf8.RuneCountInString(ref) > refCharsMax || !utf8.ValidString(ref) {
		return errs.New(errs.Invalid, codes.FieldInvalid, "the customer must be the wallet's id, 1 to %d characters", refCharsMax).At("customer")
	}
	return nil
}
