package acts

import (
	"context"
	"strings"
	"time"

	"github.com/huiyin/huiyin/internal/channel"
	"github.com/huiyin/huiyin/internal/channel/inapp"
	"github.com/huiyin/huiyin/internal/contact/attempt"
	"github.com/huiyin/huiyin/internal/followup"
	"github.com/huiyin/huiyin/internal/hear/answer"
	"github.com/huiyin/huiyin/internal/hear/feedback"
	"github.com/huiyin/huiyin/internal/people/customer"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/errs"
)

// inAppChannel is the channel whose receipts the customer's own app gives.
const inAppChannel = "inapp"

// InboxCard is a card as its customer's app sees it.
type InboxCard struct {
	inapp.Card
	inapp.Content
	Sheet *answer.Sheet // nil: it asks nothing
	token string        // of its questionnaire
}

// CustomerID gives our number of a customer; 0 when we never met them.
func (h *House) CustomerID(ctx context.Context, ref string) (id int64, err error) {
	err = h.DB.Read(ctx, func(tx *db.Tx) error {
		found, err := customer.Find(tx, []string{ref})
		id = found[ref]
		return err
	})
	return id, err
}

// Cards lists what is due in a customer's inbox, the newest first, before a place (0: from
// the newest). Cards whose follow-up was cancelled or declined meanwhile, and questions that
// were answered elsewhere, are left out. next is where the next page begins; 0: there is none.
func (h *House) Cards(ctx context.Context, person, before int64, limit int) (cards []InboxCard, next int64, err error) {
	if person == 0 {
		return nil, 0, nil
	}
	var found []inapp.Card
	var standings map[int64]followup.State
	err = h.DB.Read(ctx, func(tx *db.Tx) error {
		if found, err = inapp.Due(tx, person, before, limit, h.now()); err != nil {
			return err
		}
		standings, err = attempt.Standings(tx, h.attemptsOf(found))
		return err
	})
	if err != nil {
		return nil, 0, err
	}
	if len(found) == limit {
		next = found[limit-1].ID
	}
	for i := range found {
		if id, err := attempt.ParseKey(h.Keys, found[i].Key); err != nil || withdrawn(standings[id]) {
			continue
		}
		card, err := h.openCard(ctx, &found[i])
		switch {
		case err != nil && hidden(err):
			continue
		case err != nil:
			return nil, 0, err
		}
		cards = append(cards, card)
	}
	return cards, next, nil
}

func (h *House) attemptsOf(cards []inapp.Card) []int64 {
	attempts := make([]int64, 0, len(cards))
	for i := range cards {
		if id, err := attempt.ParseKey(h.Keys, cards[i].Key); err == nil {
			attempts = append(attempts, id)
		}
	}
	return attempts
}

// withdrawn says whether what a card is about has come to nothing: it is cancelled, or the
// customer wants to hear no more of it.
func withdrawn(s followup.State) bool { return s == followup.Cancelled || s == followup.Declined }

// hidden says whether an error means that a card isn't due any more.
func hidden(err error) bool {
	switch errs.CodeOf(err) {
	case codes.LinkUsed, codes.LinkExpired, codes.LinkInvalid, codes.Erased:
		return true
	}
	return false
}

// openCard reads what a card says, and the sheet of its questions. With an error that says
// the questions can't be answered any more the card comes too.
func (h *House) openCard(ctx context.Context, c *inapp.Card) (InboxCard, error) {
	card := InboxCard{Card: *c}
	var err error
	if card.Content, err = h.Inbox.Read(ctx, c); err != nil || !c.Asks {
		return card, err
	}
	card.token = card.Link[strings.LastIndexByte(card.Link, '/')+1:]
	card.Sheet, err = h.Answers.Open(ctx, card.token)
	return card, err
}

// CardsFetched notes that an app has these cards: those it has for the first time are delivered.
func (h *House) CardsFetched(ctx context.Context, cards []InboxCard) error {
	var fresh []int64
	var receipts []channel.Receipt
	now := h.now()
	for i := range cards {
		if cards[i].Fetched.IsZero() {
			fresh = append(fresh, cards[i].ID)
			receipts = append(receipts, channel.Receipt{Key: cards[i].Key, Status: channel.Delivered, Reason: codes.Delivered, At: now})
		}
	}
	if len(fresh) == 0 {
		return nil
	}
	// The receipts first: cut off between the two, they are given again, and change nothing.
	if err := h.report(ctx, receipts); err != nil {
		return err
	}
	return h.DB.Write(ctx, db.Outcome, "cards-fetched", func(tx *db.Tx) error { return inapp.Fetched(tx, fresh, now) })
}

func (h *House) report(ctx context.Context, receipts []channel.Receipt) error {
	moved, err := h.Dispatcher.Receive(ctx, inAppChannel, receipts)
	if moved > 0 {
		h.wake()
	}
	return err
}

// CardShown notes that a customer had a card before their eyes: it is seen.
func (h *House) CardShown(ctx context.Context, person int64, key string) error {
	card, err := h.cardOf(ctx, person, key)
	if err != nil {
		return err
	}
	return h.seen(ctx, card, inapp.Shown)
}

// CardDismissed notes that a customer doesn't want to see a card any more. That they have
// seen it is known by it; an answer it is not.
func (h *House) CardDismissed(ctx context.Context, person int64, key string) error {
	card, err := h.cardOf(ctx, person, key)
	if err != nil || !card.Dismissed.IsZero() {
		return err
	}
	if err := h.seen(ctx, card, inapp.Shown); err != nil {
		return err
	}
	return h.mark(ctx, card, inapp.Dismiss)
}

func (h *House) cardOf(ctx context.Context, person int64, key string) (card *inapp.Card, err error) {
	err = h.DB.Read(ctx, func(tx *db.Tx) error {
		card, err = inapp.Get(tx, person, key)
		return err
	})
	return card, err
}

type marking func(tx *db.Tx, card int64, at time.Time) error

func (h *House) seen(ctx context.Context, card *inapp.Card, as marking) error {
	if !card.Shown.IsZero() {
		return nil
	}
	if err := h.report(ctx, []channel.Receipt{{Key: card.Key, Status: channel.Seen, Reason: codes.Seen, At: h.now()}}); err != nil {
		return err
	}
	return h.mark(ctx, card, as)
}

func (h *House) mark(ctx context.Context, card *inapp.Card, as marking) error {
	return h.DB.Write(ctx, db.Outcome, "card", func(tx *db.Tx) error { return as(tx, card.ID, h.now()) })
}

// SaveOnCard keeps what a customer says to one question of a card; it is durable when this
// returns, as on the page the card's link leads to.
func (h *House) SaveOnCard(ctx context.Context, person int64, key, question string, v answer.Value) (*answer.Sheet, error) {
	card, err := h.asking(ctx, person, key)
	if err != nil {
		return nil, err
	}
	return h.Answers.Save(ctx, card.token, question, v)
}

// HandInCard keeps further answers and ends the questionnaire of a card. Handing in again
// does nothing.
func (h *House) HandInCard(ctx context.Context, person int64, key string, values map[string]answer.Value) (*answer.Sheet, error) {
	card, err := h.asking(ctx, person, key)
	if err != nil {
		return nil, err
	}
	for _, q := range card.Sheet.Form.Questions { // in their order: one may call for the next
		v, given := values[q.ID]
		if !given {
			continue
		}
		if _, err := h.Answers.Save(ctx, card.token, q.ID, v); err != nil {
			return nil, err
		}
	}
	for id := range values {
		if _, known := card.Sheet.Form.Question(id); !known {
			return nil, errs.New(errs.Invalid, codes.AnswerInvalid, "the questionnaire has no question %.40q", id).At(id)
		}
	}
	sheet, err := h.Answers.Complete(ctx, card.token)
	if err != nil {
		return nil, err
	}
	h.wake()
	return sheet, h.mark(ctx, &card.Card, inapp.Answered)
}

// asking finds a card that asks something, its questions still open or not: saying the same
// again does no harm.
func (h *House) asking(ctx context.Context, person int64, key string) (InboxCard, error) {
	found, err := h.cardOf(ctx, person, key)
	if err != nil {
		return InboxCard{}, err
	}
	if !found.Asks {
		return InboxCard{}, errs.New(errs.Invalid, codes.AnswerInvalid, "this card asks nothing, so there is nothing to answer")
	}
	card, err := h.openCard(ctx, found)
	if errs.CodeOf(err) == codes.LinkUsed {
		err = nil
	}
	return card, err
}

// TakeFeedback keeps what a customer says unasked; it is durable when this returns. One we
// have not met yet is noted down: nothing said is lost.
func (h *House) TakeFeedback(ctx context.Context, ref string, f feedback.Feedback) (id int64, err error) {
	if err := checkRef(ref); err != nil {
		return 0, err
	}
	if err := f.Check(); err != nil { // before a customer is noted down for it
		return 0, err
	}
	err = h.DB.Write(ctx, db.First, "feedback", func(tx *db.Tx) error {
		said := f
		said.At = h.now()
		if said.Customer, err = h.resolve(tx, ref, said.At); err != nil {
			return err
		}
		id, err = feedback.Keep(tx, h.IDs, said)
		return err
	})
	return id, err
}

// FeedbackOf is a piece of feedback and who said it.
type FeedbackOf struct {
	feedback.Feedback
	Ref string // the wallet's own id
}

// ListFeedback lists what customers said unasked, in that order, after a place.
func (h *House) ListFeedback(ctx context.Context, after int64, limit int) (all []FeedbackOf, err error) {
	err = h.DB.Read(ctx, func(tx *db.Tx) error {
		found, err := feedback.Page(tx, after, limit)
		if err != nil {
			return err
		}
		people := make([]int64, len(found))
		for i := range found {
			people[i] = found[i].Customer
		}
		known := map[int64]*customer.Customer{}
		if err := tx.Ask(customer.Rows(people, known)); err != nil {
			return err
		}
		all = make([]FeedbackOf, len(found))
		for i := range found {
			all[i].Feedback = found[i]
			if c := known[found[i].Customer]; c != nil {
				all[i].Ref = c.Ref
			}
		}
		return nil
	})
	return all, err
}
