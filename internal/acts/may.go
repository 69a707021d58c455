package acts

import (
	"context"
	"errors"
	"time"

	"github.com/huiyin/huiyin/internal/contact/attempt"
	"github.com/huiyin/huiyin/internal/decide/policy"
	"github.com/huiyin/huiyin/internal/people/consent"
	"github.com/huiyin/huiyin/internal/people/customer"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/errs"
)

// May is what would be decided if somebody wanted to contact a customer at this moment.
type May struct {
	At       time.Time
	Decision policy.Decision
	Counted  int // contacts that caps look back on
}

// errAsked rolls back what asking locked.
var errAsked = errs.New(errs.Conflict, codes.Conflict, "asking changes nothing")

// MayContact says what would be decided now, and why, on a channel for a purpose. It is
// for people who ask; the engine decides for itself and at the moment it acts.
func (h *House) MayContact(ctx context.Context, ref, channelName, purpose string) (May, error) {
	programs, err := h.Library.Programs(ctx)
	if err != nil {
		return May{}, err
	}
	var m May
	// The allowance rows are read by way of their lock, so this is a transaction that is taken back.
	err = h.DB.Write(ctx, db.Count, "may-contact", func(tx *db.Tx) error {
		now, err := tx.Now()
		if err != nil {
			return err
		}
		c, err := customer.Get(tx, ref)
		if err != nil {
			return err
		}
		m = May{At: now}
		m.Decision, m.Counted, err = h.judge(tx, programs.Rules(), c, channelName, purpose, now)
		if err != nil {
			return err
		}
		return errAsked
	})
	if errors.Is(err, errAsked) {
		err = nil
	}
	return m, err
}

func (h *House) judge(tx *db.Tx, rules *policy.Rules, c *customer.Customer, channelName, purpose string, now time.Time) (policy.Decision, int, error) {
	no := func(reason codes.Reason) (policy.Decision, int, error) {
		return policy.Decision{Verdict: policy.Deny, Reason: reason}, 0, nil
	}
	if !c.Known {
		return no(codes.CustomerUnknown)
	}
	if _, connected := h.Channels.Get(channelName); !connected {
		return no(codes.ChannelNotConnected)
	}
	point, has := c.Point(channelName)
	if !has {
		return no(codes.NoContactPoint)
	}
	standing, err := consent.StandingOf(tx, []int64{c.ID})
	if err != nil {
		return policy.Decision{}, 0, err
	}
	keys := []string{attempt.CustomerKey(c.ID), attempt.PointKey(point.Key)}
	rows, err := attempt.LockAllowances(tx, keys)
	if err == nil {
		err = rows.Damaged(keys...)
	}
	if err != nil {
		return policy.Decision{}, 0, err
	}
	s := standing[c.ID]
	counted := rows.Counted(keys...)
	d := rules.Decide(&policy.Facts{
		Zones: c.Zones, Country: c.Country, Own: s.OwnHours(c.Own), Channel: channelName, Purpose: purpose,
		Refusals: s.Refusals, Consents: s.Consents, Counted: counted,
	}, now)
	return d, len(counted), nil
}
