package engine

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/huiyin/huiyin/internal/channel"
	"github.com/huiyin/huiyin/internal/contact/attempt"
	"github.com/huiyin/huiyin/internal/followup"
	"github.com/huiyin/huiyin/internal/hear/answer"
	"github.com/huiyin/huiyin/internal/hear/reply"
	"github.com/huiyin/huiyin/internal/people/consent"
	"github.com/huiyin/huiyin/internal/people/customer"
	"github.com/huiyin/huiyin/internal/platform/audit"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/errs"
	"github.com/huiyin/huiyin/internal/platform/tally"
	"github.com/huiyin/huiyin/internal/program/program"
)

const (
	// ConfirmationTemplate is the name under which a provider approves the confirmation.
	ConfirmationTemplate = "refusal-confirmation"

	confirmPurpose = "reply-confirmation"
	confirmFresh   = 10 * time.Minute // an older reply is not confirmed: nobody waits for it any more
	confirmTimeout = 10 * time.Second

	confirmAllTimeout = 20 * time.Second // for all of a post
)

// Hearer understands what customers write back.
type Hearer struct {
	*Dispatcher
	Answers *answer.Store
	Wallet  func(language string) string // the name customers know
}

// heard is a reply in the making.
type heard struct {
	reply.Reply
	last   *attempt.Attempt // the message it replies to, as far as we can tell; nil: none
	all    []int64          // the customers who share its address
	stands bool             // kept just now, and not a second copy
	fresh  bool             // its refusal was made just now
}

// Hear keeps replies, each in its own transaction, and acts on them in the same one: when it
// returns, a refusal holds. A reply that was kept before changes nothing. It says how many
// were new. Refusals are confirmed once all are kept: no gateway keeps a refusal waiting.
func (h *Hearer) Hear(ctx context.Context, lane string, replies []channel.Reply) (kept int, err error) {
	set, err := h.Programs(ctx)
	if err != nil {
		return 0, err
	}
	var confirmed []confirmation
	for i := range replies {
		var one heard
		err = h.DB.Write(ctx, db.First, "reply", func(tx *db.Tx) (err error) {
			one, err = h.hear(tx, set, lane, &replies[i])
			return err
		})
		if err != nil {
			break // what was kept before it is known when the post comes again: it is confirmed now or never
		}
		if !one.stands {
			continue
		}
		kept++
		if one.Confirmation == reply.Intended {
			confirmed = append(confirmed, confirmation{said: &replies[i], heard: one})
		}
	}
	return kept, errors.Join(err, h.confirmAll(ctx, lane, confirmed))
}

// confirmation is a refusal to confirm.
type confirmation struct {
	said  *channel.Reply
	heard heard
}

// confirmAll sends confirmations one after the other, and none once confirmAllTimeout is over:
// whoever posted the replies waits. That they stop waiting ends nothing.
func (h *Hearer) confirmAll(ctx context.Context, lane string, all []confirmation) error {
	ctx = context.WithoutCancel(ctx)
	sending, cancel := context.WithTimeout(ctx, confirmAllTimeout)
	defer cancel()
	var failed error
	for i := range all {
		one := &all[i]
		became := reply.Withheld
		if sending.Err() == nil {
			became = h.confirm(sending, lane, one.said, &one.heard)
		}
		err := h.DB.Write(ctx, db.Outcome, "confirmed", func(tx *db.Tx) error { return reply.Confirmed(tx, one.heard.ID, became) })
		failed = errors.Join(failed, err)
	}
	return failed
}

// hear keeps one reply and acts on it.
func (h *Hearer) hear(tx *db.Tx, set *Programs, lane string, said *channel.Reply) (heard, error) {
	var one heard
	known, err := reply.Known(tx, lane, said.ID)
	if err != nil || known {
		return one, err
	}
	now, err := tx.Now()
	if err != nil {
		return one, err
	}
	one = heard{Reply: reply.Reply{
		ID: h.IDs.Next(), Channel: lane, Name: said.ID, AddressKey: h.addressKey(lane, said.From), Body: said.Text, At: said.At, Received: now, Kind: reply.Words,
	}}
	if one.At.IsZero() || one.At.After(now) {
		one.At = now
	}
	sharers, err := consent.SharersOf(tx, one.AddressKey)
	if err != nil {
		return one, err
	}
	one.all = sharers
	if len(sharers) == 0 {
		one.Kind = reply.Stranger
	} else if err := one.place(tx, sharers, said.Ref); err != nil {
		return one, err
	}
	if err := h.understand(tx, set, &one, now); err != nil {
		return one, err
	}
	if one.fresh && h.confirms(lane) && now.Sub(one.At) < confirmFresh {
		one.Confirmation = reply.Intended
	}
	var counts tally.Batch
	if one.stands, err = reply.Keep(tx, &counts, &one.Reply); err != nil {
		return one, err
	}
	if !one.stands { // its copy was kept at this very moment; all of this is taken back, and it is known when asked again
		return one, errs.New(errs.Busy, codes.Busy, "this reply is being kept already")
	}
	return one, counts.Flush(tx)
}

// place finds whose reply it is: that of whoever was written to last before it, of those who share
// the address, unless the provider names the message.
func (o *heard) place(tx *db.Tx, sharers []int64, ref string) error {
	last, met, err := attempt.LastTo(tx, sharers, o.Channel, o.AddressKey, ref, o.At)
	o.Customer = sharers[0]
	if met {
		o.last = &last
		o.Customer, o.FollowUp, o.Program = last.Customer, last.FollowUp, last.Program
	}
	return err
}

// addressKey finds an address as the vault does; one that is no address of this channel is
// hashed as it stands, so that what it refuses is refused.
func (h *Hearer) addressKey(lane, from string) []byte {
	kind := customer.PointKind(lane)
	if address, err := customer.NormaliseAddress(lane, from, ""); err == nil {
		from = address
	}
	return customer.PointKey(h.Keys, kind, from)
}

// understand says what a reply is, and does what it asks for.
func (h *Hearer) understand(tx *db.Tx, set *Programs, one *heard, now time.Time) error {
	switch {
	case one.Customer != 0 && consent.WrongPerson(one.Body):
		one.Kind = reply.Refusal
		return Disown(tx, h.IDs, consent.Wish{Customer: one.Customer, At: one.At, Source: "reply", Proof: one.Body}, one.Channel, one.AddressKey, now)
	case consent.Refuses(one.Body):
		return h.refuse(tx, one, now)
	case consent.Restores(one.Body):
		return h.restore(tx, one, now)
	case one.last != nil:
		return h.answer(tx, set, one)
	}
	return nil
}

// refuse records a refusal, or that the one which stands was said again: a START from before it
// then ends nothing.
func (h *Hearer) refuse(tx *db.Tx, one *heard, now time.Time) error {
	standing, err := one.standing(tx)
	if err != nil {
		return err
	}
	one.Kind = reply.Refusal
	one.fresh = len(standing) == 0
	one.Refusal, err = consent.Refuse(tx, h.IDs, consent.Refusal{
		Key: one.AddressKey, Channel: one.Channel, At: one.At, Source: "reply", Words: one.Body,
	}, now)
	return err
}

// standing is what the address refused by writing back, held until the transaction ends: of two
// replies at one moment the second sees what the first did.
func (o *heard) standing(tx *db.Tx) ([]consent.Refusal, error) {
	if err := customer.Lock(tx, o.all); err != nil {
		return nil, err
	}
	return consent.OfAddress(tx, o.AddressKey, o.Channel)
}

// restore ends the refusal that was made by writing back; what was refused elsewhere stands.
func (h *Hearer) restore(tx *db.Tx, one *heard, now time.Time) error {
	standing, err := one.standing(tx)
	if err != nil || len(standing) == 0 {
		return err
	}
	one.Kind = reply.Restored
	for _, r := range standing {
		if r.Source != "reply" || r.Last().After(one.At) {
			continue // a START from before it was said last, come late
		}
		if err := consent.Lift(tx, r.ID, now); err != nil {
			return err
		}
		one.Refusal = r.ID
		if err := audit.Append(tx, audit.Entry{
			Actor: "customer", Act: "refusal.lift", Object: "refusal/" + strconv.FormatInt(r.ID, 10), Detail: "by reply " + strconv.FormatInt(one.ID, 10) + ": " + word(one.Body),
		}); err != nil {
			return err
		}
	}
	return nil
}

// word is a word of the list that restores, as an audit entry may hold it.
func word(text string) string {
	return strings.TrimFunc(norm.NFKC.String(text), func(c rune) bool { return !unicode.IsLetter(c) })
}

var number = regexp.MustCompile(`^[0-9]{1,2}$`)

// answer takes a bare number for the answer to the question that the last message asked.
func (h *Hearer) answer(tx *db.Tx, set *Programs, one *heard) error {
	text := strings.TrimFunc(norm.NFKC.String(one.Body), func(c rune) bool { return unicode.IsSpace(c) || strings.ContainsRune("。.!分星", c) })
	if !number.MatchString(text) {
		return nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return err
	}
	token, asked, err := h.asked(tx, set, one.last)
	if err != nil || !asked {
		return err
	}
	taken, err := h.Answers.Reply(tx, token, n)
	if err == nil && taken {
		one.Kind = reply.Answer
	}
	return err
}

// asked finds the link of the question that the last message to the address asked.
func (h *Hearer) asked(tx *db.Tx, set *Programs, last *attempt.Attempt) (token string, asked bool, err error) {
	f, err := followup.One(tx, last.FollowUp)
	if err != nil {
		return "", false, err
	}
	live, _, err := set.Version(tx, f.Version)
	if errors.Is(err, program.ErrBroken) {
		return "", false, nil
	}
	if err != nil || last.Step >= len(live.Steps) || live.Steps[last.Step].Questionnaire == nil {
		return "", false, err
	}
	return h.Links.Token(f.ID, live.Steps[last.Step].QuestionnaireID), true, nil
}

// confirms says whether a channel confirms refusals.
func (h *Hearer) confirms(lane string) bool {
	c, ok := h.Channels.Get(lane)
	confirmer, can := c.(channel.Confirmer)
	return ok && can && confirmer.Confirms()
}

// confirm sends the one message that may follow a refusal. It was intended in the
// transaction that recorded the refusal; whatever becomes of it, it is never sent again.
func (h *Hearer) confirm(ctx context.Context, lane string, said *channel.Reply, one *heard) reply.Confirmation {
	c, ok := h.Channels.Get(lane)
	if !ok {
		return reply.Withheld
	}
	to, err := customer.NormaliseAddress(lane, said.From, "")
	if err != nil {
		to = said.From
	}
	sending, cancel := context.WithTimeout(ctx, confirmTimeout)
	defer cancel()
	language := languageOf(said.Text)
	if one.last != nil {
		language = one.last.Language
	}
	o := c.Send(sending, channel.Message{
		Key: "confirm-" + strconv.FormatInt(one.ID, 10), To: to, Language: language, Purpose: confirmPurpose,
		Template: ConfirmationTemplate, Text: h.confirmation(language),
	}, func(ctx context.Context) error { return h.stillRefused(ctx, one) })
	return map[channel.Result]reply.Confirmation{
		channel.OK: reply.Accepted, channel.Rejected: reply.Rejected, channel.Withheld: reply.Withheld, channel.Unknown: reply.Unknown,
	}[o.Result]
}

func languageOf(text string) string {
	if strings.ContainsFunc(text, func(c rune) bool { return unicode.Is(unicode.Han, c) }) {
		return "zh-CN"
	}
	return "en"
}

// stillRefused is the last look of a confirmation: it makes no sense once the refusal was taken back.
func (h *Hearer) stillRefused(ctx context.Context, one *heard) error {
	return h.DB.Read(ctx, func(tx *db.Tx) error {
		standing, err := consent.OfAddress(tx, one.AddressKey, one.Channel)
		if err == nil && !slices.ContainsFunc(standing, func(r consent.Refusal) bool { return r.ID == one.Refusal }) {
			err = errs.New(errs.Conflict, string(codes.LastLookRefused), "the refusal has been taken back meanwhile")
		}
		return err
	})
}

func (h *Hearer) confirmation(language string) string {
	name := ""
	if h.Wallet != nil {
		name = h.Wallet(language)
	}
	if strings.HasPrefix(language, "zh") {
		return "【" + name + "】您已退订,我们不会再给您发送短信。如需恢复,请回复“恢复”。"
	}
	return "[" + name + "] You will get no more text messages from us. Reply START to get them again."
}
