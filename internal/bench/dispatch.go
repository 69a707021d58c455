package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/huiyin/huiyin/internal/channel"
	"github.com/huiyin/huiyin/internal/engine"
	"github.com/huiyin/huiyin/internal/followup"
	"github.com/huiyin/huiyin/internal/hear/answer"
	"github.com/huiyin/huiyin/internal/people/customer"
	"github.com/huiyin/huiyin/internal/people/vault"
	"github.com/huiyin/huiyin/internal/platform/clock"
	"github.com/huiyin/huiyin/internal/platform/crypt"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/ids"
	"github.com/huiyin/huiyin/internal/platform/tally"
	"github.com/huiyin/huiyin/internal/program/document"
	"github.com/huiyin/huiyin/internal/program/program"
)

// Dispatch is the size of a dispatch bench.
type Dispatch struct {
	Due    int           // follow-ups due when it begins, each of another customer
	Batch  int           // follow-ups recorded, sent and concluded together
	Budget time.Duration // of wall time, product and limit together
}

// DispatchDefault ends within 40 s on two cores.
var DispatchDefault = Dispatch{Due: 20_000, Batch: 200, Budget: 20 * time.Second}

// dispatchNoon is a Wednesday noon in China: every window is open.
var dispatchNoon = time.Date(2026, 11, 18, 4, 0, 0, 0, time.UTC)

const seedBatch = 1_000

// benchProgram is published on each lane: a notice, then a question.
const benchProgram = `
kind: Program
name: bench
title: {zh-CN: 测速, en: Bench}
trigger: {event: wallet.ticket.solved}
deadline: 48h
steps:
  - {channel: LANE, purpose: notice, template: bench, wait: 2h}
  - {channel: LANE, purpose: survey, questionnaire: bench}
---
kind: Template
name: bench
channels: [sms, email, inapp]
subject: {zh-CN: 您的问题已处理, en: Your problem is solved}
variants:
  - body:
      zh-CN: "尊敬的{{ customer.masked_name }}:您反映的问题已经处理好了。我们不会向您索要验证码和密码,如有疑问请拨打{{ hotline }}。"
      en: "Dear {{ customer.masked_name }}, the problem you told us about is solved. We never ask for codes or passwords. Questions: {{ hotline }}."
---
kind: Questionnaire
name: bench
languages: [zh-CN, en]
questions:
  - {id: satisfaction, type: rating, scale: 5, score: true, required: true, ask: {zh-CN: 满意吗, en: Satisfied}}
thanks: {zh-CN: 谢谢, en: Thank you}
`

// fakeWire takes everything at once.
type fakeWire struct{}

func (fakeWire) Abilities() channel.Abilities {
	return channel.Abilities{InFlight: 256, SendTimeout: 10 * time.Second, Idempotency: 24 * time.Hour}
}

func (fakeWire) Send(ctx context.Context, m channel.Message, look channel.LastLook) channel.Outcome {
	if err := look(ctx); err != nil {
		return channel.Outcome{Result: channel.Withheld, Detail: err.Error()}
	}
	return channel.Outcome{Result: channel.OK, Ref: m.Key}
}

// RunDispatch measures a follow-up's way from due to concluded (claim, facts,
// decision, record, last look, a wire that answers at once, outcome) against the
// same statements issued by the driver alone on a twin of the database.
func RunDispatch(ctx context.Context, address string, size Dispatch, random io.Reader) (r Result, err error) {
	place, err := newScratch(address, random)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, place.remove()) }()
	ours, err := place.fresh(ctx)
	if err != nil {
		return r, err
	}
	vaultAt, err := place.empty(ctx)
	if err != nil {
		return r, err
	}
	if err := seedDue(ctx, ours, vaultAt, "sms", size.Due, random); err != nil {
		return r, err
	}
	theirs, err := place.twin(ctx, ours)
	if err != nil {
		return r, err
	}
	return dispatchBoth(ctx, ours, theirs, vaultAt, size, random)
}

func dispatchBoth(ctx context.Context, ours, theirs, vaultAt string, size Dispatch, random io.Reader) (r Result, err error) {
	limit, err := openRaw(ctx, theirs)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, limit.close()) }()
	d, err := db.Open(ctx, ours, db.Options{Clock: clock.NewVirtual(dispatchNoon)})
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	var written tape
	v, err := openVault(ctx, vaultAt, random)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, v.Close()) }()
	node, err := benchDispatcher(d.Watched(written.watch), v, random)
	if err != nil {
		return r, err
	}
	var product, raw spent
	began := clock.System{}.Now()
	for int(product.n) < size.Due && (clock.System{}).Now().Sub(began) < size.Budget {
		if err := product.measure(func() (int64, error) { return dispatchOnce(ctx, node, size.Batch) }); err != nil {
			return r, err
		}
		if err := raw.measure(func() (int64, error) { return playAll(ctx, limit, written.take(), int64(size.Batch)) }); err != nil {
			return r, err
		}
	}
	return compare("dispatch", "the same statements issued raw, in the same transactions", product, raw,
		map[string]any{"due": size.Due, "batch": size.Batch, "engine": d.Engine().String()}), nil
}

func dispatchOnce(ctx context.Context, node *engine.Dispatcher, batch int) (int64, error) {
	b, err := node.Record(ctx, "sms", batch)
	if err != nil {
		return 0, err
	}
	if len(b.Sendings) != b.Handled {
		return 0, fmt.Errorf("%d of %d follow-ups were withheld; the bench is set up for none", b.Handled-len(b.Sendings), b.Handled)
	}
	if err := node.Look(ctx, b.Sendings); err != nil {
		return 0, err
	}
	for _, s := range b.Sendings {
		node.Send(ctx, s)
	}
	return int64(len(b.Sendings)), node.Conclude(ctx, b.Sendings)
}

func playAll(ctx context.Context, limit raw, transactions []transaction, n int64) (int64, error) {
	for _, t := range transactions {
		if err := limit.play(ctx, t); err != nil {
			return 0, err
		}
	}
	return n, nil
}

func benchDispatcher(d *db.DB, v *vault.Vault, random io.Reader) (*engine.Dispatcher, error) {
	reg := channel.NewRegistry()
	if err := reg.Register("sms", fakeWire{}); err != nil {
		return nil, err
	}
	keys := crypt.FromSeed([]byte("bench"))
	c := clock.System{}
	return &engine.Dispatcher{
		DB: d, Clock: c, IDs: ids.New(c, 1, random), Keys: keys, Vault: v, Links: answer.NewLinks(keys), Channels: reg,
		PublicURL: "https://wallet.example", Hotline: "400-000-0000", Programs: engine.NewLibrary(d, func() time.Time { return dispatchNoon }, "CN", nil).Programs,
	}, nil
}

// openVault opens the bench's vault, under keys that come from no file.
func openVault(ctx context.Context, address string, random io.Reader) (*vault.Vault, error) {
	d, err := db.Open(ctx, address, db.Options{})
	if err != nil {
		return nil, err
	}
	c := clock.System{}
	v, err := vault.New(ctx, vault.Config{DB: d, Keys: crypt.FromSeed([]byte("bench")), Clock: c, IDs: ids.New(c, 3, random), Random: random})
	if err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return v, nil
}

// seedDue makes customers with a telephone and a mail address, and one due follow-up for each.
func seedDue(ctx context.Context, address, vaultAt, lane string, n int, random io.Reader) (err error) {
	d, err := db.Open(ctx, address, db.Options{Clock: clock.NewVirtual(dispatchNoon)})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	v, err := openVault(ctx, vaultAt, random)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, v.Close()) }()
	source := ids.New(clock.System{}, 2, random)
	var live *program.Live
	if err := d.Write(ctx, db.Import, "seed", func(tx *db.Tx) (err error) {
		live, err = publish(tx, source, lane)
		return err
	}); err != nil {
		return err
	}
	for from := 0; from < n; from += seedBatch {
		to := min(n, from+seedBatch)
		if err := v.Prepare(ctx, to-from); err != nil {
			return err
		}
		if err := d.Write(ctx, db.Import, "seed", func(tx *db.Tx) error { return seedSome(tx, v, source, live, from, to) }); err != nil {
			return err
		}
	}
	if d.Engine() == db.Postgres {
		return d.Write(ctx, db.Import, "analyze", func(tx *db.Tx) error {
			_, err := tx.Exec(`ANALYZE`)
			return err
		})
	}
	return nil
}

func seedSome(tx *db.Tx, v *vault.Vault, source *ids.Source, live *program.Live, from, to int) error {
	keys := crypt.FromSeed([]byte("bench"))
	people := make([]*customer.Customer, 0, to-from)
	for i := from; i < to; i++ {
		c := &customer.Customer{
			Ref: fmt.Sprintf("u%09d", i), Known: true, Name: "王小明", Language: "zh-CN", Country: "CN", Zones: []string{"Asia/Shanghai"},
			Points: []customer.Point{
				{Channel: customer.Phone, Address: fmt.Sprintf("138%08d", i)},
				{Channel: customer.Email, Address: fmt.Sprintf("u%09d@example.com", i)},
			},
		}
		if live.Steps[0].Channel == customer.InApp {
			c.Has = []string{"app"}
		}
		if err := customer.Normalise(c, keys, dispatchNoon); err != nil {
			return err
		}
		people = append(people, c)
	}
	if _, err := customer.Upsert(tx, v, source, people, dispatchNoon); err != nil {
		return err
	}
	refs := make([]string, len(people))
	for i, c := range people {
		refs[i] = c.Ref
	}
	found, err := customer.Find(tx, refs)
	if err != nil {
		return err
	}
	fs := make([]followup.FollowUp, len(people))
	for i, ref := range refs {
		fs[i] = followup.FollowUp{
			ID: source.Next(), Program: live.ID, Version: live.VersionID, Customer: found[ref],
			TriggerType: "wallet.ticket.solved", TriggerAt: dispatchNoon.Add(-time.Hour), TriggerData: `{"ticket_id":"T-1","topic":"payment"}`,
			State: followup.Waiting, Lane: live.Steps[0].Channel, DueAt: dispatchNoon.Add(-time.Duration(i%3600) * time.Second),
			Priority: 50, Deadline: dispatchNoon.Add(47 * time.Hour), CreatedAt: dispatchNoon.Add(-time.Hour),
		}
	}
	var counts tally.Batch
	if _, err := followup.Start(tx, &counts, fs); err != nil {
		return err
	}
	return counts.Flush(tx)
}

func publish(tx *db.Tx, source *ids.Source, lane string) (*program.Live, error) {
	docs, err := document.Parse(strings.NewReader(strings.ReplaceAll(benchProgram, "LANE", lane)))
	if err != nil {
		return nil, err
	}
	o := program.Options{IDs: source, Now: dispatchNoon, By: "bench", Home: "CN", Channels: []string{lane}}
	if _, err := program.Apply(tx, docs, o, false); err != nil {
		return nil, err
	}
	return program.Publish(tx, "bench", o)
}
