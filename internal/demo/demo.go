package demo

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/huiyin/huiyin/internal/acts"
	"github.com/huiyin/huiyin/internal/decide/policy"
	"github.com/huiyin/huiyin/internal/engine"
	"github.com/huiyin/huiyin/internal/intake/event"
	"github.com/huiyin/huiyin/internal/people/consent"
	"github.com/huiyin/huiyin/internal/people/customer"
	"github.com/huiyin/huiyin/internal/platform/clock"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/errs"
	"github.com/huiyin/huiyin/internal/platform/ids"
	"github.com/huiyin/huiyin/internal/program/rules"
)

const (
	actor = "demo"
	// CustomersDefault are the customers who live by themselves at the start.
	CustomersDefault = 60
	// CustomersMax bounds them: more are a load test, which `huiyin bench` does better.
	CustomersMax = 2_000
)

// Parts are what the demo stands on: a house that is put together, and a mailbox
// that is its mail server.
type Parts struct {
	House      *acts.House
	Intake     *event.Intake
	DB         *db.DB
	Library    *engine.Library
	IDs        *ids.Source
	Clock      clock.Clock
	Mailbox    *Mailbox
	Texts      *Texts
	Random     io.Reader // the seed of what happens is drawn from it
	Log        *slog.Logger
	Customers  int    // who live by themselves; 0: nobody does
	RepliesURL string // where the gateway hands in what customers reply
	Database   string // as the command line takes it, to be shown
}

// Demo is the simulated wallet and the pages around it.
type Demo struct {
	Parts
	wallet  *wallet
	guests  []guest
	shipped *policy.Rules // what would hold without the demo's own pack
	views   map[string]*view
	signing string // the secret of the wallet's customer tokens

	mu   sync.Mutex
	rand *rand.Rand // of what happens at the press of a button
	seed uint64     // of the life
}

// New makes a demo. It changes nothing yet.
func New(p Parts) (*Demo, error) {
	var seed [16]byte
	if _, err := io.ReadFull(p.Random, seed[:]); err != nil {
		return nil, err
	}
	one, two := binary.BigEndian.Uint64(seed[:8]), binary.BigEndian.Uint64(seed[8:])
	d := &Demo{Parts: p, guests: guests(), seed: one, rand: rand.New(rand.NewPCG(one, two))}
	d.wallet = &wallet{house: p.House, intake: p.Intake, ids: p.IDs, now: p.Clock.Now}
	var err error
	if d.shipped, err = rules.Compile(rules.Builtin(), rules.BuiltinCaps(), rules.Home(p.House.Home)); err != nil {
		return nil, err
	}
	if d.views, err = parseViews(); err != nil {
		return nil, err
	}
	return d, nil
}

// Prepare publishes the sample documents and makes the customers known. Doing it
// again, on a database that has lived, changes nothing.
func (d *Demo) Prepare(ctx context.Context) error {
	docs, err := Documents()
	if err != nil {
		return err
	}
	if _, err := d.House.Apply(ctx, actor, docs, false, true); err != nil {
		return err
	}
	var people []*customer.Customer
	for i := range d.guests {
		c := d.guests[i].customer
		people = append(people, &c)
	}
	for n := range d.Customers {
		people = append(people, passerBy(n))
	}
	if err := d.takeKey(ctx); err != nil {
		return err
	}
	written, err := d.House.PutCustomers(ctx, db.Import, people)
	if err != nil {
		return err
	}
	for _, no := range written.Refused {
		return no.Err
	}
	for i := range d.guests {
		if g := &d.guests[i]; g.refuses != "" {
			if err := d.refuse(ctx, g); err != nil {
				return err
			}
		}
	}
	return nil
}

// refuse says a guest's no, unless they said it once: somebody may have lifted it since.
func (d *Demo) refuse(ctx context.Context, g *guest) error {
	said, err := d.House.Refusals(ctx, g.customer.Ref)
	if err != nil && errs.KindOf(err) != errs.NotFound || len(said) > 0 {
		return err
	}
	_, err = d.House.Refuse(ctx, actor, g.customer.Ref, consent.Refusal{Channel: customer.Email, Purpose: policy.Any, Source: customer.Phone, Words: g.refuses})
	return err
}

// happen lets something happen to a customer, at the press of a button.
func (d *Demo) happen(ctx context.Context, h Happening, ref string) (time.Time, error) {
	c, err := d.House.Customer(ctx, ref)
	if err != nil {
		return time.Time{}, err
	}
	d.mu.Lock()
	r := rand.New(rand.NewPCG(d.rand.Uint64(), d.rand.Uint64()))
	d.mu.Unlock()
	return d.wallet.make(ctx, h, c, r)
}

// sampleYAML is the sample documents as they are written, for those who want to read them.
func sampleYAML() ([]byte, error) {
	entries, err := documentFiles.ReadDir("documents")
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	for _, e := range entries {
		text, err := documentFiles.ReadFile("documents/" + e.Name())
		if err != nil {
			return nil, err
		}
		if b.Len() > 0 {
			b.WriteString("---\n")
		}
		b.Write(text)
	}
	return b.Bytes(), nil
}
