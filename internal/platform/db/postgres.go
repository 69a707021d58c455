package db

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/huiyin/huiyin/internal/platform/clock"
	"github.com/huiyin/huiyin/internal/platform/errs"
)

const pgConnections = 16

// pgStore is PostgreSQL: a pool, and turns given in order of priority.
type pgStore struct {
	pool  *pgxpool.Pool
	clock clock.Clock
	turns *turns
}

func openPostgres(ctx context.Context, url string, c clock.Clock, o Options) (store, error) {
	cfg, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, errs.New(errs.Invalid, "database-url-unknown",
			"the database address can't be read; write postgres://user:password@host:port/name").Because(err)
	}
	if o.Readers > 0 {
		cfg.MaxConns = int32(o.Readers)
	} else if cfg.MaxConns < pgConnections {
		cfg.MaxConns = pgConnections
	}
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, err
	}
	if err := pool.Ping(ctx); err != nil {
		pool.Close()
		return nil, classify(err)
	}
	// A quarter of the connections stays free for readers.
	return &pgStore{pool: pool, clock: c, turns: newTurns(max(1, int(cfg.MaxConns)*3/4))}, nil
}

// pgNoDatabase is PostgreSQL's code for a database that isn't there.
const pgNoDatabase = "3D000"

// CreateBeside makes the PostgreSQL database at url, on the server and with the rights of
// another, unless it is there. For SQLite there is nothing to do.
func CreateBeside(ctx context.Context, url, other string) error {
	if !IsPostgres(url) {
		return nil
	}
	conn, err := pgx.Connect(ctx, url)
	if err == nil {
		return conn.Close(ctx)
	}
	var pe *pgconn.PgError
	if !errors.As(err, &pe) || pe.Code != pgNoDatabase {
		return classify(err)
	}
	wanted, err := pgx.ParseConfig(url)
	if err != nil {
		return err
	}
	if conn, err = pgx.Connect(ctx, other); err != nil {
		return classify(err)
	}
	defer func() { _ = conn.Close(ctx) }()
	_, err = conn.Exec(ctx, "CREATE DATABASE "+pgx.Identifier{wanted.Database}.Sanitize())
	if errors.As(err, &pe) && (pe.Code == "42P04" || pe.Code == "23505") { // another node was faster
		return nil
	}
	return err
}

// IsPostgres says whether an address is one of PostgreSQL.
func IsPostgres(url string) bool {
	return strings.HasPrefix(url, "postgres://") || strings.HasPrefix(url, "postgresql://")
}

func (s *pgStore) write(ctx context.Context, p Priority, name string, hook Hook, fn func(*Tx) error) error {
	if err := s.turns.take(ctx, p); err != nil {
		return err
	}
	defer s.turns.give()
	var err error
	for range retriesMax {
		if err = s.once(ctx, name, hook, fn); !again(err) {
			return err
		}
	}
	return fmt.Errorf("transaction %q gave up after %d deadlocks: %w", name, retriesMax, err)
}

func (s *pgStore) once(ctx context.Context, name string, hook Hook, fn func(*Tx) error) error {
	tx, err := s.pool.BeginTx(ctx, pgx.TxOptions{})
	if err != nil {
		return err
	}
	err = runSafely(&Tx{ctx: ctx, pg: tx, clock: s.clock}, fn)
	if err == nil && hook != nil {
		err = hook("write:" + name + ":commit")
	}
	if err != nil {
		// The rollback runs although ctx may have ended: the connection goes back clean.
		return errors.Join(err, ignoreClosed(tx.Rollback(context.WithoutCancel(ctx))))
	}
	return tx.Commit(ctx)
}

func (s *pgStore) read(ctx context.Context, fn func(*Tx) error) error {
	tx, err := s.pool.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err != nil {
		return err
	}
	err = runSafely(&Tx{ctx: ctx, pg: tx, clock: s.clock}, fn)
	return errors.Join(err, ignoreClosed(tx.Rollback(context.WithoutCancel(ctx))))
}

func (s *pgStore) scrub(context.Context) (bool, error) { return true, nil }

func (s *pgStore) queued() int { return s.turns.waiting() }

func (s *pgStore) close() error {
	s.pool.Close()
	return nil
}

// again says whether a transaction failed only because of its neighbours.
func again(err error) bool {
	var pe *pgconn.PgError
	return errors.Is(err, ErrAgain) || errors.As(err, &pe) && (pe.Code == "40001" || pe.Code == "40P01")
}

func ignoreClosed(err error) error {
	if errors.Is(err, pgx.ErrTxClosed) {
		return nil
	}
	return err
}

// turns lets at most n callers in at once, the most urgent first.
type turns struct {
	mu   sync.Mutex
	free int
	line [priorities][]chan struct{}
}

func newTurns(n int) *turns { return &turns{free: n} }

func (t *turns) take(ctx context.Context, p Priority) error {
	t.mu.Lock()
	if t.free > 0 {
		t.free--
		t.mu.Unlock()
		return nil
	}
	if len(t.line[p]) >= queueMax {
		t.mu.Unlock()
		return errs.New(errs.Busy, "database-busy", "%d writers wait already; come back in a moment", queueMax)
	}
	mine := make(chan struct{})
	t.line[p] = append(t.line[p], mine)
	t.mu.Unlock()
	select {
	case <-mine:
		return nil
	case <-ctx.Done():
		t.leave(p, mine)
		return ctx.Err()
	}
}

// leave takes a caller who gave up out of the line, or passes on the turn it was just given.
func (t *turns) leave(p Priority, mine chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i, c := range t.line[p] {
		if c == mine {
			t.line[p] = append(t.line[p][:i], t.line[p][i+1:]...)
			return
		}
	}
	t.next()
}

func (t *turns) give() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.next()
}

func (t *turns) next() {
	for p := range t.line {
		if l := t.line[p]; len(l) > 0 {
			close(l[0])
			t.line[p] = l[1:]
			return
		}
	}
	t.free++
}

func (t *turns) waiting() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := 0
	for _, l := range t.line {
		n += len(l)
	}
	return n
}
