package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"time"

	"github.com/huiyin/huiyin/internal/engine"
	"github.com/huiyin/huiyin/internal/intake/event"
	"github.com/huiyin/huiyin/internal/people/customer"
	"github.com/huiyin/huiyin/internal/people/vault"
	"github.com/huiyin/huiyin/internal/platform/clock"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/ids"
	"github.com/huiyin/huiyin/internal/program/condition"
	"github.com/huiyin/huiyin/internal/program/program"
	"github.com/huiyin/huiyin/internal/program/segment"
)

// Route is the size of a route bench.
type Route struct {
	Customers int           // known before it begins, each with some months of facts
	Events    int           // in the log when it begins, each of a customer drawn by lot
	Batch     int           // events in one transaction
	Budget    time.Duration // of wall time, product and limit together
}

// RouteDefault ends within 40 s on two cores.
var RouteDefault = Route{Customers: 100_000, Events: 50_000, Batch: 500, Budget: 20 * time.Second}

const (
	routePrograms = 20 // of which three begin with the events' type
	routeType     = "wallet.payment.failed"
	routePaid     = "wallet.payment.succeeded"
	routeRound    = 4 // batches in a row before it is the limit's turn
	routeAmounts  = 100_000
)

// routeNoon is when the events of the bench happened.
var routeNoon = time.Date(2026, 11, 18, 4, 0, 0, 0, time.UTC)

// RunRoute measures the router on a log of failed payments: twenty programs of which
// three match the type, facts of every customer, a follow-up for one event in ten,
// counts; against the same statements issued by the driver alone, in the same order
// and with the same identifiers, on a twin of the database.
func RunRoute(ctx context.Context, address string, size Route, random io.Reader) (r Result, err error) {
	place, err := newScratch(address, random)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, place.remove()) }()
	ours, err := place.fresh(ctx)
	if err != nil {
		return r, err
	}
	if err := seedLog(ctx, ours, size, random); err != nil {
		return r, err
	}
	pattern, err := place.twin(ctx, ours)
	if err != nil {
		return r, err
	}
	theirs, err := place.twin(ctx, ours)
	if err != nil {
		return r, err
	}
	return routeBoth(ctx, [3]string{ours, pattern, theirs}, size, random)
}

// routeBoth times a router on the first database and the driver alone on the third.
// On the second another router does, off the clock, the very same as the first: what
// it issues is taken down for the third, so that taking down costs neither.
func routeBoth(ctx context.Context, addresses [3]string, size Route, random io.Reader) (r Result, err error) {
	limit, err := openRaw(ctx, addresses[2])
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, limit.close()) }()
	d, err := db.Open(ctx, addresses[0], db.Options{})
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	watched, err := db.Open(ctx, addresses[1], db.Options{})
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, watched.Close()) }()
	var written tape
	v, err := openVault(ctx, "sqlite::memory:", random)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, v.Close()) }()
	router, err := benchRouter(d, v, size.Batch, random)
	if err != nil {
		return r, err
	}
	pattern, err := benchRouter(watched.Watched(written.watch), v, size.Batch, random)
	if err != nil {
		return r, err
	}
	var product, raw spent
	began := clock.System{}.Now()
	for int(product.n) < size.Events && (clock.System{}).Now().Sub(began) < size.Budget {
		n := int64(min(routeRound*size.Batch, size.Events-int(product.n)))
		if err := product.measure(func() (int64, error) { return n, turns(ctx, router, routeRound) }); err != nil {
			return r, err
		}
		if err := turns(ctx, pattern, routeRound); err != nil {
			return r, err
		}
		if err := raw.measure(func() (int64, error) { return playAll(ctx, limit, written.take(), n) }); err != nil {
			return r, err
		}
	}
	routed, started, err := routedSoFar(ctx, d)
	if err == nil && routed != product.n {
		err = fmt.Errorf("%d events were measured, but the router stands at %d", product.n, routed)
	}
	return compare("route", "the same statements issued raw, in the same transactions and order of ids", product, raw,
		map[string]any{"customers": size.Customers, "batch": size.Batch, "follow_ups": started, "engine": d.Engine().String()}), err
}

func turns(ctx context.Context, t engine.Turner, n int) error {
	for range n {
		if _, busy, err := t.Turn(ctx); err != nil || !busy {
			return err
		}
	}
	return nil
}

// routedSoFar says how many events the router has passed, and the follow-ups it began.
func routedSoFar(ctx context.Context, d *db.DB) (events, followUps int64, err error) {
	err = d.Read(ctx, func(tx *db.Tx) error {
		err := tx.QueryRow(`SELECT COUNT(*) FROM event_log WHERE seq <= (SELECT seq FROM log_offset WHERE name = 'route')`).Scan(&events)
		if err != nil {
			return err
		}
		return tx.QueryRow(`SELECT COUNT(*) FROM follow_up`).Scan(&followUps)
	})
	return events, followUps, err
}

func benchRouter(d *db.DB, v *vault.Vault, batch int, random io.Reader) (*engine.Router, error) {
	catalogue, err := event.NewCatalogue()
	if err != nil {
		return nil, err
	}
	programs, err := benchPrograms(catalogue)
	if err != nil {
		return nil, err
	}
	c := clock.NewVirtual(routeNoon.Add(time.Minute))
	return engine.NewRouter(engine.RouterConfig{
		DB: d, Vault: v, Clock: c, IDs: ids.New(c, 1, random), Catalogue: func() *event.Catalogue { return catalogue }, Batch: batch,
		Programs: func(context.Context) (*engine.Programs, error) { return programs, nil },
	}), nil
}

// benchPrograms are three that begin with a failed payment (one for a tenth of them, one for
// good customers only, one for none) and seventeen that begin with something else.
func benchPrograms(catalogue *event.Catalogue) (*engine.Programs, error) {
	env, err := condition.NewEnv(catalogue)
	if err != nil {
		return nil, err
	}
	env = env.TriggeredBy(routeType)
	good, err := env.Compile(`customer.sum("wallet.payment.succeeded", "amount_minor", "90d") >= 100000000`, condition.Segment, "")
	if err != nil {
		return nil, err
	}
	whens := []string{
		fmt.Sprintf(`event.data.amount_minor < %d && event.data.currency == "CNY"`, routeAmounts/10),
		`event.data.charged == false`,
		`event.data.amount_minor > 100000000 || customer.count("wallet.payment.failed", "7d") > 100000`,
	}
	var published []engine.Published
	others := otherTypes(catalogue)
	for i := range routePrograms {
		l := &program.Live{
			ID: int64(i + 1), VersionID: int64(100 + i), Name: fmt.Sprintf("bench-%d", i), Priority: 50, Deadline: 48 * time.Hour,
			Audience: program.Audience{Segment: segment.Everyone, Sample: 1, HoldOut: 0.1},
			Steps:    []program.Step{{Channel: "inapp", Purpose: "notice"}, {Channel: "email", Purpose: "survey"}},
			Trigger:  program.Trigger{Event: others[i%len(others)], Delay: 5 * time.Minute},
		}
		if i < len(whens) {
			l.Trigger.Event = routeType
			if l.Trigger.When, err = env.Compile(whens[i], condition.Trigger, routeType); err != nil {
				return nil, err
			}
		}
		published = append(published, engine.Published{Live: l, State: program.Running})
	}
	first, second := published[0].Live, published[1].Live
	if first.Reentry, err = env.Compile(`trigger.data.order_id`, condition.Reentry, routeType); err != nil {
		return nil, err
	}
	second.Audience.Segment = "good"
	return engine.NewPrograms(published, nil, map[string]*condition.Condition{"good": good}), nil
}

func otherTypes(catalogue *event.Catalogue) []string {
	var names []string
	for _, t := range catalogue.Types() {
		if t.Name != routeType {
			names = append(names, t.Name)
		}
	}
	return names
}

// seedLog makes the customers with their facts, and the log.
func seedLog(ctx context.Context, address string, size Route, random io.Reader) (err error) {
	d, err := db.Open(ctx, address, db.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	c := clock.NewVirtual(routeNoon.Add(-time.Hour))
	source := ids.New(c, 2, random)
	lot := rand.New(rand.NewPCG(1, 2))
	if err := inBatches(ctx, d, size.Customers, func(tx *db.Tx, from, to int) error { return seedPeople(tx, source, lot, from, to) }); err != nil {
		return err
	}
	err = inBatches(ctx, d, size.Events, func(tx *db.Tx, from, to int) error {
		events := make([]event.Event, 0, to-from)
		for i := from; i < to; i++ {
			events = append(events, failedPayment(i, lot.IntN(size.Customers), lot.IntN(routeAmounts)))
		}
		_, _, err := event.Append(tx, events)
		return err
	})
	if err != nil || d.Engine() != db.Postgres {
		return err
	}
	return d.Write(ctx, db.Import, "analyze", func(tx *db.Tx) error {
		_, err := tx.Exec(`ANALYZE`)
		return err
	})
}

func inBatches(ctx context.Context, d *db.DB, n int, fn func(tx *db.Tx, from, to int) error) error {
	for from := 0; from < n; from += seedBatch {
		to := min(n, from+seedBatch)
		if err := d.Write(ctx, db.Import, "seed", func(tx *db.Tx) error { return fn(tx, from, to) }); err != nil {
			return err
		}
	}
	return nil
}

// seedPeople makes customers who paid on a few days of the last months.
func seedPeople(tx *db.Tx, source *ids.Source, lot *rand.Rand, from, to int) error {
	refs := make([]string, 0, to-from)
	for i := from; i < to; i++ {
		refs = append(refs, benchRef(i))
	}
	found, err := customer.Resolve(tx, source, refs, routeNoon)
	if err != nil {
		return err
	}
	facts := make(map[int64]*customer.Facts, len(found))
	for _, ref := range refs {
		f := customer.NewFacts()
		for day := range 3 + lot.IntN(5) {
			at := routeNoon.Add(-time.Duration(1+day*(1+lot.IntN(20))) * 24 * time.Hour)
			f.Observe(routePaid, 0, at, []customer.Amount{{Field: "amount_minor", Currency: "CNY", N: int64(lot.IntN(routeAmounts))}})
		}
		facts[found[ref]] = f
	}
	return customer.SaveFacts(tx, facts)
}

func benchRef(i int) string { return fmt.Sprintf("u%09d", i) }

func failedPayment(i, who, amount int) event.Event {
	at := routeNoon.Add(time.Duration(i) * time.Millisecond)
	return event.Event{
		ID: fmt.Sprintf("pf-%08x", i), Source: "/wallet/payments", Type: routeType, Subject: benchRef(who), At: at, Received: at,
		Data: fmt.Appendf(nil, `{"order_id":"O-%09d","amount_minor":%d,"currency":"CNY","merchant":"示例商户","reason":"insufficient-balance","charged":false}`, i, amount),
	}
}
