package acts

import (
	"bytes"
	"context"
	"errors"
	"strings"

	"github.com/huiyin/huiyin/internal/channel"
	"github.com/huiyin/huiyin/internal/contact/attempt"
	"github.com/huiyin/huiyin/internal/engine"
	"github.com/huiyin/huiyin/internal/followup"
	"github.com/huiyin/huiyin/internal/people/consent"
	"github.com/huiyin/huiyin/internal/people/customer"
	"github.com/huiyin/huiyin/internal/platform/audit"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/errs"
)

// complaintPurposes are what a customer who calls a message spam wants no more of. Notices
// about their own money go on: nobody says with that button that they don't want those.
var complaintPurposes = []string{"marketing", "survey"}

// Bounced is what a message that came back was taken for.
type Bounced struct {
	Kind    channel.BounceKind
	Reason  codes.Reason
	Attempt int64
}

// TakeBounce takes in a message that came back on a channel: to is the return path it came
// to, if known. Only a key of ours in it makes it count, and then for that one attempt alone.
func (h *House) TakeBounce(ctx context.Context, channelName string, raw []byte, to string) (Bounced, error) {
	c, connected := h.Channels.Get(channelName)
	reader, reads := c.(channel.BounceReader)
	if !connected || !reads {
		return Bounced{}, errs.New(errs.NotFound, codes.ChannelUnknown, "no channel %.40q is connected whose messages come back", channelName)
	}
	b, err := reader.ReadBounce(raw, to)
	if err != nil {
		return Bounced{}, err
	}
	id, key, err := h.ourAttempt(b.Keys)
	if err != nil {
		return Bounced{}, err
	}
	done := Bounced{b.Kind, b.Reason, id}
	a, err := h.attempt(ctx, id)
	if err != nil {
		return done, err
	}
	if a.Channel != channelName {
		return done, notOurs()
	}
	if status := receiptOf(b.Kind); status != "" {
		if _, err := h.Dispatcher.Receive(ctx, channelName, []channel.Receipt{{Key: key, Status: status, Reason: b.Reason, At: h.now()}}); err != nil {
			return done, err
		}
	}
	switch b.Kind {
	case channel.NoSuchAddress:
		err = h.write(ctx, db.Outcome, "bounce", func(tx *db.Tx) error { return markBounced(tx, &a) })
	case channel.Complained:
		err = h.write(ctx, db.First, "complaint", func(tx *db.Tx) error { return h.complaint(tx, &a) })
	case channel.Failed, channel.Arrived:
		h.wake()
	}
	return done, err
}

// OurReturnPath says whether an address is a return path that we made.
func (h *House) OurReturnPath(address string) bool {
	local, _, _ := strings.Cut(address, "@")
	_, key, found := strings.Cut(local, "+")
	_, err := attempt.ParseKey(h.Keys, strings.ToLower(key))
	return found && err == nil
}

func receiptOf(k channel.BounceKind) channel.Status {
	switch k {
	case channel.NoSuchAddress, channel.Failed:
		return channel.Undelivered
	case channel.Arrived:
		return channel.Delivered
	case channel.Complained:
		return channel.Seen
	default:
		return ""
	}
}

func notOurs() error {
	return errs.New(errs.Invalid, codes.BounceNotOurs, "nothing in this mail shows that it answers one of ours: neither the address it came to nor the message in it holds a key we made")
}

// ourAttempt finds the first key that we made.
func (h *House) ourAttempt(keys []string) (id int64, key string, err error) {
	for _, key := range keys {
		if id, err := attempt.ParseKey(h.Keys, key); err == nil {
			return id, key, nil
		}
	}
	return 0, "", notOurs()
}

func (h *House) attempt(ctx context.Context, id int64) (a attempt.Attempt, err error) {
	err = h.DB.Read(ctx, func(tx *db.Tx) error {
		a, err = attempt.One(tx, id)
		return err
	})
	return a, err
}

// markBounced makes the address unusable for the customer, and lets follow-ups that wait for
// an answer to what went there go on.
func markBounced(tx *db.Tx, a *attempt.Attempt) error {
	now, err := tx.Now()
	if err != nil {
		return err
	}
	if err := engine.LockContact(tx, a.Customer); err != nil {
		return err
	}
	if err := customer.Bounced(tx, a.Customer, a.AddressKey, now); err != nil {
		return err
	}
	return followup.Hurry(tx, a.Customer, a.AddressKey, now)
}

func (h *House) complaint(tx *db.Tx, a *attempt.Attempt) error {
	now, err := tx.Now()
	if err != nil {
		return err
	}
	for _, purpose := range complaintPurposes {
		if _, err := consent.Refuse(tx, h.IDs, consent.Refusal{
			Customer: a.Customer, Channel: a.Channel, Purpose: purpose, At: now, Source: "complaint",
		}, now); err != nil {
			return err
		}
	}
	return nil
}

// ConfirmPoint makes an address usable again that messages came back from: the wallet knows that it is right.
func (h *House) ConfirmPoint(ctx context.Context, actor, ref, kind, address string) error {
	return h.write(ctx, db.Outcome, "confirm-point", func(tx *db.Tx) error {
		c, err := customer.Get(tx, ref)
		if err != nil {
			return err
		}
		clean, err := customer.NormaliseAddress(kind, address, c.Country)
		if err != nil {
			return err
		}
		if err := customer.Confirm(tx, c.ID, customer.PointKey(h.Keys, kind, clean)); err != nil {
			return err
		}
		return audit.Append(tx, audit.Entry{Actor: actor, Act: "point.confirm", Object: "customer/" + ref, Detail: kind})
	})
}

// BounceFile takes in many: a file that begins as an mbox is taken apart. One that is no
// report costs the others nothing; each is told to said.
func (h *House) BounceFile(ctx context.Context, channelName string, raw []byte, to string, said func(n int, b Bounced, err error)) error {
	for i, one := range messages(raw) {
		b, err := h.TakeBounce(ctx, channelName, one, to)
		if err != nil && errs.KindOf(err) == errs.Internal || errors.Is(err, context.Canceled) {
			return err
		}
		said(i+1, b, err)
	}
	return nil
}

// messages takes an mbox apart; anything else is one message.
func messages(raw []byte) [][]byte {
	if !bytes.HasPrefix(raw, mboxLine) {
		return [][]byte{raw}
	}
	var all [][]byte
	for one := range bytes.SplitSeq(append([]byte{'\n'}, raw...), append([]byte{'\n'}, mboxLine...)) {
		if _, message, ok := bytes.Cut(one, []byte{'\n'}); ok {
			all = append(all, message)
		}
	}
	return all
}

// mboxLine begins each message of an mbox.
var mboxLine = []byte("From ")
