package engine

import (
	"github.com/huiyin/huiyin/internal/people/consent"
	"github.com/huiyin/huiyin/internal/platform/errs"
)

// The events by which the wallet tells what a customer wants of us.
const (
	typeRefused   = "wallet.customer.refused"
	typeConsented = "wallet.customer.consented"
)

// wish is a refusal or a consent an event tells of.
type wish struct {
	*seen
	channel, purpose string // "*": all
}

// hear takes note of an event that says what the customer wants.
func (b *batch) hear(s *seen) {
	if s.Type != typeRefused && s.Type != typeConsented {
		return
	}
	b.wishes = append(b.wishes, wish{seen: s, channel: s.word("channel", "*"), purpose: s.word("purpose", "*")})
}

// word gives a text of the event's data, or what it is when absent.
func (s *seen) word(field, absent string) string {
	v, _ := s.data.Get(field)
	if text, ok := v.(string); ok && text != "" {
		return text
	}
	return absent
}

// saveWishes writes refusals and consents, in the order of the log.
func (b *batch) saveWishes() error {
	for _, w := range b.wishes {
		save := b.refuse
		if w.Type == typeConsented {
			save = b.grant
		}
		if err := save(w); err != nil {
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
	err := consent.Grant(b.tx, b.router.IDs, consent.Record{
		Customer: w.person.customer.ID, Channel: w.channel, Purpose: w.purpose,
		At: w.At, Source: w.Source, Proof: w.word("proof", ""),
	}, b.now)
	if errs.KindOf(err) == errs.Invalid {
		return nil
	}
	return err
}
