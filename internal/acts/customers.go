package acts

import (
	"context"
	"maps"
	"slices"

	"github.com/huiyin/huiyin/internal/followup"
	"github.com/huiyin/huiyin/internal/people/customer"
	"github.com/huiyin/huiyin/internal/people/vault"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/errs"
)

// CustomersMax is how many customers one transaction writes: longer ones would keep refusals waiting.
const CustomersMax = 1_000

// RefusedRow is one of several that was not taken, and why.
type RefusedRow struct {
	Index int // from 0
	Err   *errs.Error
}

// Customers is what became of customers written together.
type Customers struct {
	Written   int // new or changed
	Unchanged int
	Refused   []RefusedRow
}

// PutCustomers writes customers as the wallet describes them now. A bad one costs only
// itself. Follow-ups that waited until we knew their customer fall due at once.
func (h *House) PutCustomers(ctx context.Context, p db.Priority, all []*customer.Customer) (Customers, error) {
	var res Customers
	if len(all) > customer.BatchMax {
		return res, errs.New(errs.TooLarge, codes.BatchTooLarge, "%d customers came at once; at most %d are allowed: send smaller batches", len(all), customer.BatchMax)
	}
	now := h.now()
	good := make([]*customer.Customer, 0, len(all))
	for i, c := range all {
		if err := customer.Normalise(c, h.Keys, now); err != nil {
			e, ours := errs.As(err)
			if !ours {
				return res, err
			}
			res.Refused = append(res.Refused, RefusedRow{Index: i, Err: e})
			continue
		}
		good = append(good, c)
	}
	for len(good) > 0 {
		part := good[:min(len(good), CustomersMax)]
		good = good[len(part):]
		changed, err := h.putPart(ctx, p, part)
		if err != nil {
			return res, err
		}
		res.Written += changed
		res.Unchanged += len(part) - changed
	}
	return res, nil
}

func (h *House) putPart(ctx context.Context, p db.Priority, part []*customer.Customer) (changed int, err error) {
	if err := h.Vault.Prepare(ctx, len(part)); err != nil {
		return 0, err
	}
	err = h.write(ctx, p, "put-customers", func(tx *db.Tx) error {
		now, err := tx.Now()
		if err != nil {
			return err
		}
		// Upsert fills in what it finds; the transaction may run again.
		rows := make([]*customer.Customer, len(part))
		for i, c := range part {
			own := *c
			rows[i] = &own
		}
		if err := lockUnknown(tx, rows); err != nil {
			return err
		}
		if changed, err = customer.Upsert(tx, h.Vault, h.IDs, rows, now); err != nil {
			return err
		}
		customers := make([]int64, len(rows))
		for i := range part {
			part[i].ID, part[i].Known, part[i].Revision = rows[i].ID, rows[i].Known, rows[i].Revision
			customers[i] = rows[i].ID
		}
		_, err = followup.WakeCustomers(tx, customers, codes.CustomerUnknown, now)
		return err
	})
	return changed, err
}

// lockUnknown locks the follow-ups that wait because nobody had told us who their customer
// is, before the customers are.
func lockUnknown(tx *db.Tx, rows []*customer.Customer) error {
	refs := make([]string, len(rows))
	for i, c := range rows {
		refs[i] = c.Ref
	}
	found, err := customer.Find(tx, refs)
	if err != nil {
		return err
	}
	return followup.LockHeld(tx, slices.Collect(maps.Values(found)), codes.CustomerUnknown)
}

// Customer reads one customer by the wallet's id, masked; Reveal gives the clear values.
func (h *House) Customer(ctx context.Context, ref string) (*customer.Customer, error) {
	c, err := h.clear(ctx, ref)
	if err != nil {
		return nil, err
	}
	return c.Masked(), nil
}

func (h *House) clear(ctx context.Context, ref string) (c *customer.Customer, err error) {
	err = h.DB.Read(ctx, func(tx *db.Tx) error {
		c, err = customer.Get(tx, ref)
		return err
	})
	if err != nil {
		return nil, err
	}
	if err := customer.Open(ctx, h.Vault, c); err != nil {
		return nil, err
	}
	if c.Gone {
		return nil, vault.ErrErased
	}
	return c, c.Damaged
}
