package demo

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/huiyin/huiyin/internal/people/customer"
	"github.com/huiyin/huiyin/internal/platform/clock"
	"github.com/huiyin/huiyin/internal/platform/db"
)

// Bounds of the simulated life.
const (
	burstPause    = 60 * time.Millisecond // between the events of the first moments
	lifePause     = 12 * time.Second      // between those afterwards, on average
	newcomersMost = 500                   // who join later: a demo left alone for days stays small
	newcomerShare = 0.5                   // of what happens afterwards happens to a new customer
)

// mix is what happens by itself, and how often.
type mix []struct {
	name   string
	weight int
}

var (
	atFirst = mix{{"failed", 8}, {"charged", 4}, {"solved", 4}, {"approved", 2}}
	later   = mix{{"failed", 4}, {"charged", 2}, {"solved", 3}, {"paid", 8}, {"refunded", 1}}
)

// Run lets the customers live until ctx ends: first much at once, so that the
// reports have something to show, then something every now and then. The server
// must be answering.
func (d *Demo) Run(ctx context.Context) error {
	if d.Customers == 0 {
		return nil
	}
	go newReaders(d).run(ctx)
	r := rand.New(rand.NewPCG(d.seed, 2))
	refs := make([]string, d.Customers)
	for n := range refs {
		refs[n] = passerBy(n).Ref
	}
	lived, err := d.House.Report(ctx, Programs[0], time.Time{}, time.Time{})
	if err != nil {
		return err
	}
	if lived.Triggers.Total == 0 {
		for _, i := range r.Perm(len(refs)) {
			if err := d.event(ctx, atFirst.draw(r), refs[i], r); err != nil || !clock.Sleep(ctx, burstPause) {
				return quietly(ctx, err)
			}
		}
	}
	next, err := d.newcomer(ctx)
	if err != nil {
		return quietly(ctx, err)
	}
	for clock.Sleep(ctx, lifePause/2+time.Duration(r.Int64N(int64(lifePause)))) {
		if next < d.Customers+newcomersMost && r.Float64() < newcomerShare {
			c := passerBy(next)
			next++
			refs = append(refs, c.Ref)
			if _, err := d.House.PutCustomers(ctx, db.Import, []*customer.Customer{c}); err != nil {
				return quietly(ctx, err)
			}
			if err := d.event(ctx, "approved", c.Ref, r); err != nil {
				return quietly(ctx, err)
			}
			continue
		}
		if err := d.event(ctx, later.draw(r), refs[r.IntN(len(refs))], r); err != nil {
			return quietly(ctx, err)
		}
	}
	return nil
}

// newcomer is the number of the next customer to join: earlier runs have met some.
func (d *Demo) newcomer(ctx context.Context) (next int, err error) {
	refs := make([]string, newcomersMost)
	for i := range refs {
		refs[i] = passerBy(d.Customers + i).Ref
	}
	err = d.DB.Read(ctx, func(tx *db.Tx) error {
		met, err := customer.Find(tx, refs)
		next = d.Customers
		for next < d.Customers+newcomersMost && met[passerBy(next).Ref] != 0 {
			next++
		}
		return err
	})
	return next, err
}

// quietly drops what went wrong because the demo was told to end.
func quietly(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// draw gives one of them.
func (m mix) draw(r *rand.Rand) string {
	total := 0
	for _, one := range m {
		total += one.weight
	}
	n := r.IntN(total)
	for _, one := range m {
		if n -= one.weight; n < 0 {
			return one.name
		}
	}
	return m[0].name
}

func (d *Demo) event(ctx context.Context, name, ref string, r *rand.Rand) error {
	h, known := happening(name)
	if !known {
		return fmt.Errorf("nothing is called %q", name)
	}
	c, err := d.House.Customer(ctx, ref)
	if err != nil {
		return err
	}
	_, err = d.wallet.make(ctx, h, c, r)
	return err
}
