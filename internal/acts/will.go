package acts

import (
	"context"
	"slices"
	"time"

	"github.com/huiyin/huiyin/internal/engine"
	"github.com/huiyin/huiyin/internal/people/consent"
	"github.com/huiyin/huiyin/internal/people/customer"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/errs"
	"github.com/huiyin/huiyin/internal/program/program"
	"github.com/huiyin/huiyin/internal/program/wording"
)

// What can be said of a customer's will.
const (
	SaidConsent     = "consent"
	SaidWithdrawal  = "withdrawal"
	SaidRefusal     = "refusal"
	SaidLift        = "lift"
	SaidWrongPerson = "wrong-person"
)

// SaidKinds lists them.
func SaidKinds() []string {
	return []string{SaidConsent, SaidWithdrawal, SaidRefusal, SaidLift, SaidWrongPerson}
}

// Said is one thing a customer said about being contacted, as the wallet tells it.
type Said struct {
	Ref, Kind, Channel, Purpose string

	At             time.Time
	Source         string
	Wording, Proof string
}

// wishesAtOnce is how many one transaction records: longer ones would keep refusals waiting.
const wishesAtOnce = 500

// Say records what customers said, some at a time. A wrong one costs only itself.
func (h *House) Say(ctx context.Context, actor string, all []Said) (recorded int, refused []RefusedRow, err error) {
	for from := 0; from < len(all); from += wishesAtOnce {
		part := all[from:min(from+wishesAtOnce, len(all))]
		var bad []RefusedRow
		err := h.write(ctx, db.First, "say", func(tx *db.Tx) error {
			bad = nil
			now, err := tx.Now()
			if err != nil {
				return err
			}
			for i := range part {
				err := h.say(tx, actor, &part[i], now)
				if e, ours := errs.As(err); ours && (e.Kind == errs.Invalid || e.Kind == errs.NotFound) {
					bad = append(bad, RefusedRow{Index: from + i, Err: e})
				} else if err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return recorded, refused, err
		}
		recorded += len(part) - len(bad)
		refused = append(refused, bad...)
	}
	return recorded, refused, nil
}

func (h *House) say(tx *db.Tx, actor string, s *Said, now time.Time) error {
	if err := checkRef(s.Ref); err != nil {
		return err
	}
	if !slices.Contains(SaidKinds(), s.Kind) {
		return errs.New(errs.Invalid, codes.FieldInvalid, "%.40q can't be said; it is one of %v", s.Kind, SaidKinds()).At("kind")
	}
	if err := checkWording(tx, s.Wording); err != nil {
		return err
	}
	if s.Kind == SaidLift && s.Proof == "" {
		return errs.New(errs.Invalid, codes.FieldMissing, "a refusal is taken back by the customer alone: say in proof where it can be found again").At("proof")
	}
	if s.Kind == SaidWrongPerson && (s.Channel == "" || s.Channel == "*") {
		return errs.New(errs.Invalid, codes.FieldMissing, "say whose number or address is wrong: channel is phone, sms, email or another").At("channel")
	}
	person, err := h.resolve(tx, s.Ref, now)
	if err != nil {
		return err
	}
	record := consent.Record{Customer: person, Purpose: s.Purpose, Channel: s.Channel, At: s.At, Source: s.Source, Wording: s.Wording, Proof: s.Proof, Actor: actor}
	wish := consent.Wish{Customer: person, At: s.At, Source: s.Source, Wording: s.Wording, Proof: s.Proof, Actor: actor}
	switch s.Kind {
	case SaidConsent:
		return consent.Grant(tx, h.IDs, record, now)
	case SaidWithdrawal:
		return consent.Withdraw(tx, h.IDs, record, now)
	case SaidLift:
		return consent.LiftAll(tx, h.IDs, wish, s.Channel, s.Purpose, now)
	case SaidWrongPerson:
		return engine.Disown(tx, h.IDs, wish, s.Channel, nil, now)
	}
	_, err = consent.Refuse(tx, h.IDs, consent.Refusal{
		Customer: person, Channel: s.Channel, Purpose: s.Purpose, At: s.At, Source: s.Source, Words: s.Proof, Wording: s.Wording, Actor: actor,
	}, now)
	return err
}

// checkWording refuses a reference to a wording there isn't: what a customer agreed to must be found again.
func checkWording(tx *db.Tx, text string) error {
	if _, _, _, ok := wording.ParseRef(text); !ok {
		return nil // the words themselves
	}
	_, err := program.Wording(tx, text)
	if e, ours := errs.As(err); ours {
		return errs.New(errs.Invalid, e.Code, "%s", e.Text).At("wording")
	}
	return err
}

// Shown is an entry of the ledger with the words that its wording stands for.
type Shown struct {
	consent.Entry
	Text *wording.Wording // nil: Wording is the words themselves, or empty
}

// Ledger is all that a customer allowed, refused and wished, the newest first.
func (h *House) Ledger(ctx context.Context, ref string) (all []Shown, err error) {
	err = h.DB.Read(ctx, func(tx *db.Tx) error {
		all = nil
		c, err := customer.Get(tx, ref)
		if err != nil {
			return err
		}
		entries, err := consent.Ledger(tx, c.ID)
		if err != nil {
			return err
		}
		known := map[string]*wording.Wording{}
		for _, e := range entries {
			s := Shown{Entry: e}
			if _, _, _, ok := wording.ParseRef(e.Wording); ok {
				if s.Text = known[e.Wording]; s.Text == nil {
					if w, err := program.Wording(tx, e.Wording); err == nil {
						s.Text, known[e.Wording] = &w, &w
					}
				}
			}
			all = append(all, s)
		}
		return nil
	})
	return all, err
}

// Wordings is what customers are told about each purpose now.
func (h *House) Wordings(ctx context.Context) (all []wording.Wording, err error) {
	err = h.DB.Read(ctx, func(tx *db.Tx) error {
		all, err = program.Wordings(tx)
		return err
	})
	return all, err
}
