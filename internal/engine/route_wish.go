package engine

import (
	"github.com/huiyin/huiyin/internal/people/consent"
	"github.com/huiyin/huiyin/internal/platform/errs"
)

// The events by which the wallet tells what a customer wants of us.
const (
	typeRefused     = "wallet.customer.refused"
	typeLifted      = "wallet.customer.refusal-lifted"
	typeConsented   = "wallet.customer.consented"
	typeWithdrew    = "wallet.customer.consent-withdrawn"
	typeWrongPerson = "wallet.customer.wrong-person"
)

// wish is what an event tells of the customer's will.
type wish struct {
	*seen
	channel, purpose string // "*": all
}

func isWish(eventType string) bool {
	switch eventType {
	case typeRefused, typeLifted, typeConsented, typeWithdrew, typeWrongPerson:
		return true
	}
	return false
}

// hear takes note of an event that says what the customer wants.
func (b *batch) hear(s *seen) {
	if isWish(s.Type) {
		b.wishes = append(b.wishes, wish{seen: s, channel: s.word("channel", "*"), purpose: s.word("purpose", "*")})
	}
}

// word gives a text of the event's data, or what it is when absent.
func (s *seen) word(field, absent string) string {
	v, _ := s.data.Get(field)
	if text, ok := v.(string); ok && text != "" {
		return text
	}
	return absent
}

// saveWishes writes what customers want, in the order of the log. Each goes by its own time,
// so the order in which they are told doesn't matter.
func (b *batch) saveWishes() error {
	save := map[string]func(wish) error{
		typeRefused: b.refuse, typeLifted: b.lift, typeConsented: b.grant, typeWithdrew: b.withdraw, typeWrongPerson: b.disown,
	}
	for _, w := range b.wishes {
		if err := save[w.Type](w); err != nil {
			return err
		}
	}
	return nil
}

// refuse writes a refusal. If the event names a channel or purpose that can't be one,
// the customer has still said no: it then holds for all.
func (b *batch) refuse(w wish) error {
	r := consent.Refusal{
		Customer: w.person.customer.ID, Channel: w.channel, Purpose: w.purpose,
		At: w.At, Source: w.Source, Words: w.word("words", ""),
	}
	_, err := consent.Refuse(b.tx, b.router.IDs, r, b.now)
	if errs.KindOf(err) == errs.Invalid {
		r.Channel, r.Purpose = "*", "*"
		_, err = consent.Refuse(b.tx, b.router.IDs, r, b.now)
	}
	return err
}

// grant writes a consent. One that can't be proved is none, and isn't kept.
func (b *batch) grant(w wish) error {
	return unlessInvalid(consent.Grant(b.tx, b.router.IDs, b.record(w), b.now))
}

// withdraw writes that a consent was taken back. Where the event is unclear, all of it was.
func (b *batch) withdraw(w wish) error {
	r := b.record(w)
	err := consent.Withdraw(b.tx, b.router.IDs, r, b.now)
	if errs.KindOf(err) == errs.Invalid {
		r.Channel, r.Purpose = "*", "*"
		err = consent.Withdraw(b.tx, b.router.IDs, r, b.now)
	}
	return err
}

func (b *batch) record(w wish) consent.Record {
	return consent.Record{
		Customer: w.person.customer.ID, Channel: w.channel, Purpose: w.purpose,
		At: w.At, Source: w.Source, Wording: w.word("wording", ""), Proof: w.word("proof", w.word("words", "")),
	}
}

// said is the part of a wish that says where it comes from.
func (w *wish) said() consent.Wish {
	return consent.Wish{
		Customer: w.person.customer.ID, At: w.At, Source: w.Source, Wording: w.word("wording", ""), Proof: w.word("proof", w.word("words", "")),
	}
}

// lift takes refusals back. Nothing is taken back without a proof, nor by an unclear event.
func (b *batch) lift(w wish) error {
	if w.word("proof", "") == "" {
		return nil
	}
	return unlessInvalid(consent.LiftAll(b.tx, b.router.IDs, w.said(), w.channel, w.purpose, b.now))
}

// disown notes that a number or an address is somebody else's.
func (b *batch) disown(w wish) error {
	return Disown(b.tx, b.router.IDs, w.said(), w.channel, nil, b.now)
}

func unlessInvalid(err error) error {
	if errs.KindOf(err) == errs.Invalid {
		return nil
	}
	return err
}
