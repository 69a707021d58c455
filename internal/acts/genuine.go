package acts

import (
	"context"
	"strconv"
	"time"

	"github.com/huiyin/huiyin/internal/contact/attempt"
	"github.com/huiyin/huiyin/internal/hear/suspicion"
	"github.com/huiyin/huiyin/internal/people/customer"
	"github.com/huiyin/huiyin/internal/platform/audit"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/errs"
	"github.com/huiyin/huiyin/internal/program/document"
)

// How a question about a message is answered.
const (
	Genuine  = "genuine"   // we sent it to this customer
	NotYours = "not-yours" // its reference is one of ours, and the message wasn't for this customer
	Unknown  = "unknown"   // we have sent no such message
)

// How often one customer may ask: people check a message or two, guessers do not stop.
const (
	checksAtOnce = 10
	checksWindow = 10 * time.Minute
)

// Checked is the answer. What the message was about is told only to whom it was sent.
type Checked struct {
	Verdict string
	Purpose string
	Channel string
	Program document.Text // what it was about
	At      time.Time
}

// CheckContact says whether a message with a reference was sent to a customer by us, and why.
// Who asks has proved to be the customer, or is the wallet asking for them. Each question is
// in the audit trail.
func (h *House) CheckContact(ctx context.Context, actor, ref, typed string) (Checked, error) {
	if err := checkRef(ref); err != nil {
		return Checked{}, err
	}
	if wait := h.checks.take(ref, h.now(), checksAtOnce, checksWindow); wait > 0 {
		err := errs.New(errs.Busy, codes.Busy, "this customer has asked %d times in %s; ask again later", checksAtOnce, checksWindow)
		err.RetryAfter = wait
		return Checked{}, err
	}
	programs, err := h.Library.Programs(ctx)
	if err != nil {
		return Checked{}, err
	}
	reference := attempt.ReadReference(typed)
	var out Checked
	err = h.DB.Write(ctx, db.Count, "check-contact", func(tx *db.Tx) error {
		out = Checked{Verdict: Unknown}
		if reference != "" && attempt.IsReference(h.Keys, reference) {
			out.Verdict = NotYours
		}
		found, err := customer.Find(tx, []string{ref})
		if err != nil {
			return err
		}
		object := "customer/unknown"
		if id, known := found[ref]; known {
			object = "customer/" + strconv.FormatInt(id, 10)
			if out.Verdict == NotYours {
				sent, err := attempt.Named(tx, h.Keys, id, reference)
				if err != nil {
					return err
				}
				if sent != nil {
					out = Checked{
						Verdict: Genuine, Purpose: sent.Purpose, Channel: sent.Channel,
						At: db.Time(sent.IntendedAtMillis), Program: programs.Title(sent.Program),
					}
				}
			}
		}
		return audit.Append(tx, audit.Entry{Actor: actor, Act: "contact.check", Object: object, Detail: out.Verdict})
	})
	return out, err
}

// Suspicions lists reports of messages that may not be ours, the newest first.
func (h *House) Suspicions(ctx context.Context, before int64, limit int) (all []suspicion.Report, err error) {
	err = h.DB.Read(ctx, func(tx *db.Tx) error {
		all, err = suspicion.Page(tx, before, limit)
		return err
	})
	return all, err
}
