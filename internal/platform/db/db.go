package db

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/huiyin/huiyin/internal/platform/clock"
	"github.com/huiyin/huiyin/internal/platform/errs"
)

// Engine names one of the two database engines.
type Engine uint8

// The engines.
const (
	SQLite Engine = iota
	Postgres
)

func (e Engine) String() string {
	if e == Postgres {
		return "postgres"
	}
	return "sqlite"
}

// Priority says who goes first when writers queue.
type Priority uint8

// The priorities, most urgent first: a refusal must take effect, and an answer
// must be thanked, however long the queue of events is.
const (
	First   Priority = iota // refusals and answers
	Outcome                 // what became of a contact; the engine's own steps
	Event                   // intake
	Count                   // counters, housekeeping
	Import                  // bulk loads from the command line
	priorities
)

// queueMax bounds the callers waiting at one priority; the next is told to come back.
const queueMax = 10_000

// retriesMax bounds how often a transaction is run again after a deadlock or a serialization failure.
const retriesMax = 8

// Options are the choices at Open.
type Options struct {
	// Clock is the database's time. Nil: on SQLite the machine's clock, on
	// PostgreSQL the server's. A virtual clock makes leases expire in virtual time.
	Clock clock.Clock
	// Readers bounds concurrent readers on SQLite and connections on PostgreSQL. 0: 4 and 16.
	Readers int
	// Hook is called at named points around each transaction; an error from it
	// stops the caller there. Nil outside of crash rigs.
	Hook Hook
}

// Hook sees a point ("write:record:begin", "write:record:commit",
// "write:record:committed", "read:begin"); an error stops the caller there.
type Hook func(point string) error

// ErrNoRows is what Row.Scan returns when there is no row.
var ErrNoRows = errors.New("no rows")

// ErrAgain is returned from the function of a Write, wrapped or not, that found another
// transaction to have been faster: the function is run again, from nothing.
var ErrAgain = errors.New("another transaction was faster")

// store is what an engine does for DB.
type store interface {
	write(ctx context.Context, p Priority, name string, hook Hook, fn func(*Tx) error) error
	read(ctx context.Context, fn func(*Tx) error) error
	queued() int
	scrub(ctx context.Context) (whole bool, err error)
	close() error
}

// DB is an open database. It is safe for concurrent use.
type DB struct {
	store  store
	engine Engine
	clock  clock.Clock // nil: PostgreSQL's own
	hook   Hook
	watch  Watch
	url    string
	writes *[priorities]atomic.Int64
}

// Open opens the database at url, "sqlite:PATH", "sqlite::memory:" or "postgres://…".
// It doesn't migrate.
func Open(ctx context.Context, url string, o Options) (*DB, error) {
	d := &DB{url: url, clock: o.Clock, hook: o.Hook, writes: new([priorities]atomic.Int64)}
	var err error
	switch {
	case strings.HasPrefix(url, "sqlite:"):
		if d.clock == nil {
			d.clock = clock.System{}
		}
		d.engine = SQLite
		d.store, err = openSQLite(ctx, strings.TrimPrefix(url, "sqlite:"), d.clock, o)
	case IsPostgres(url):
		d.engine = Postgres
		d.store, err = openPostgres(ctx, url, d.clock, o)
	default:
		return nil, errs.New(errs.Invalid, "database-url-unknown",
			"%q names no database; write sqlite:PATH or postgres://user@host/name", url)
	}
	if err != nil {
		return nil, err
	}
	return d, nil
}

// Engine says which engine this is.
func (d *DB) Engine() Engine { return d.engine }

// Hooked returns the same database seen through a hook: one node's view of it.
func (d *DB) Hooked(h Hook) *DB {
	c := *d
	c.hook = h
	return &c
}

// Write runs fn in a transaction and returns after its commit is durable.
// An error from fn rolls back what fn did and nothing else. fn may run again
// after a deadlock, so it starts from nothing each time; it must not block on
// anything but its Tx, nor call Write.
func (d *DB) Write(ctx context.Context, p Priority, name string, fn func(*Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := d.point("write:" + name + ":begin"); err != nil {
		return err
	}
	d.writes[p].Add(1)
	if err := d.store.write(ctx, p, name, d.hook, d.watched(false, fn)); err != nil {
		return classify(err)
	}
	return d.point("write:" + name + ":committed")
}

// Read runs fn on one snapshot of the database; fn must not write.
func (d *DB) Read(ctx context.Context, fn func(*Tx) error) error {
	if err := d.point("read:begin"); err != nil {
		return err
	}
	return classify(d.store.read(ctx, d.watched(true, fn)))
}

// Scrub makes what was overwritten or deleted vanish from the disk as far as the engine
// can at this moment: SQLite's log is taken into the file and cut to nothing. It says
// whether that is done; a reader may stand in the way. PostgreSQL's own vacuum does it in
// its time.
func (d *DB) Scrub(ctx context.Context) (whole bool, err error) {
	whole, err = d.store.scrub(ctx)
	return whole, classify(err)
}

// Queued is how many writers wait.
func (d *DB) Queued() int { return d.store.queued() }

// Close waits for the writers in the queue and closes the database.
func (d *DB) Close() error { return d.store.close() }

func (d *DB) point(name string) error {
	if d.hook == nil {
		return nil
	}
	return d.hook(name)
}

// Millis writes a time as the tables hold it: milliseconds since 1970, 0 for none.
func Millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// Time reads what Millis wrote.
func Time(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// runSafely turns a panic of fn into an error, so one caller's mistake doesn't stop the writer all share.
func runSafely(tx *Tx, fn func(*Tx) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("a transaction panicked: %v", p)
		}
	}()
	return fn(tx)
}
