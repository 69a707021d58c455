package engine

import (
	"bytes"
	"time"

	"github.com/huiyin/huiyin/internal/decide/policy"
	"github.com/huiyin/huiyin/internal/followup"
	"github.com/huiyin/huiyin/internal/people/consent"
	"github.com/huiyin/huiyin/internal/people/customer"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/ids"
)

// LockContact locks a customer's open follow-ups and then the customer: the order in which
// contacts are recorded.
func LockContact(tx *db.Tx, person int64) error {
	open, err := followup.OpenOf(tx, []int64{person})
	if err != nil {
		return err
	}
	locked := make([]int64, len(open))
	for i := range open {
		locked[i] = open[i].ID
	}
	if err := followup.LockAll(tx, locked); err != nil {
		return err
	}
	return customer.Lock(tx, []int64{person})
}

// Disown ends all contact with a customer at a contact point that belongs to somebody else: the
// one whose key is given, or the one the channel uses. The point is taken from the customer,
// its address is refused whoever has it, and follow-ups that wait for an answer to what went
// there go on at once: by another channel, or to their end. If the customer has no such
// point, they are not contacted on the channel any more.
func Disown(tx *db.Tx, source *ids.Source, said consent.Wish, channel string, key []byte, now time.Time) error {
	if err := LockContact(tx, said.Customer); err != nil {
		return err
	}
	loaded, err := customer.Load(tx, []int64{said.Customer})
	if err != nil {
		return err
	}
	point, found := pointOf(loaded[said.Customer], channel, key)
	if !found {
		_, err := consent.Refuse(tx, source, consent.Refusal{
			Customer: said.Customer, Channel: channel, Purpose: policy.Any, At: said.At, Source: said.Source, Words: said.Proof, Wording: said.Wording, Actor: said.Actor,
		}, now)
		return err
	}
	if err := consent.Disown(tx, source, said, point, now); err != nil {
		return err
	}
	if err := customer.Disown(tx, said.Customer, point.Key); err != nil {
		return err
	}
	return followup.Hurry(tx, said.Customer, point.Key, now)
}

func pointOf(c *customer.Customer, channel string, key []byte) (customer.Point, bool) {
	if c == nil {
		return customer.Point{}, false
	}
	if len(key) == 0 {
		return c.Point(channel)
	}
	for _, p := range c.Points {
		if bytes.Equal(p.Key, key) {
			return p, true
		}
	}
	// It isn't theirs any more, and another may have been given its place: that one stays.
	return customer.Point{Channel: customer.PointKind(channel), Key: key}, true
}
