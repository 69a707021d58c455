package bench

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/huiyin/huiyin/internal/platform/db"
)

// tape is what a database was asked, transaction by transaction.
type tape struct{ transactions []transaction }

type transaction struct {
	read       bool
	statements []db.Statement
}

// watch writes down one statement; transactions must come one after another.
func (t *tape) watch(s db.Statement) {
	if s.Begin {
		t.transactions = append(t.transactions, transaction{read: s.Read})
		return
	}
	last := &t.transactions[len(t.transactions)-1]
	last.statements = append(last.statements, s)
}

// take gives what was written down and begins anew.
func (t *tape) take() []transaction {
	all := t.transactions
	t.transactions = nil
	return all
}

// raw issues statements by the driver alone: prepared once, nothing in between.
type raw interface {
	play(ctx context.Context, t transaction) error
	close() error
}

func openRaw(ctx context.Context, address string) (raw, error) {
	if path, ok := strings.CutPrefix(address, "sqlite:"); ok {
		return openRawSQLite(ctx, path)
	}
	conn, err := pgx.Connect(ctx, address)
	if err != nil {
		return nil, err
	}
	return &rawPostgres{conn: conn}, nil
}

// rawSQLite has the settings of the product's own connections: the same journal,
// the same sync mode, the same cache.
type rawSQLite struct {
	pool     *sql.DB
	conn     *sql.Conn
	prepared map[string]*sql.Stmt
}

func openRawSQLite(ctx context.Context, path string) (raw, error) {
	pool, err := sql.Open("sqlite", "file:"+path+"?_pragma=temp_store(MEMORY)&_pragma=cache_size(-65536)"+
		"&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=journal_size_limit(67108864)&_pragma=mmap_size(268435456)")
	if err != nil {
		return nil, err
	}
	conn, err := pool.Conn(ctx)
	if err != nil {
		return nil, errors.Join(err, pool.Close())
	}
	return &rawSQLite{pool: pool, conn: conn, prepared: map[string]*sql.Stmt{}}, nil
}

// play runs without a context that can end: the driver would watch it with a
// goroutine per statement, which the product doesn't let it do either.
func (r *rawSQLite) play(_ context.Context, t transaction) error {
	begin, end := "BEGIN IMMEDIATE", "COMMIT"
	if t.read {
		begin, end = "BEGIN", "ROLLBACK"
	}
	if err := r.exec(begin, nil); err != nil {
		return err
	}
	for _, s := range t.statements {
		for _, args := range s.Args {
			run := r.exec
			if s.Rows {
				run = r.query
			}
			if err := run(s.Query, args); err != nil {
				return fmt.Errorf("%s: %w", s.Query, err)
			}
		}
	}
	return r.exec(end, nil)
}

func (r *rawSQLite) statement(query string) (*sql.Stmt, error) {
	if st, ok := r.prepared[query]; ok {
		return st, nil
	}
	st, err := r.conn.PrepareContext(context.Background(), query)
	if err == nil {
		r.prepared[query] = st
	}
	return st, err
}

func (r *rawSQLite) exec(query string, args []any) error {
	st, err := r.statement(query)
	if err != nil {
		return err
	}
	_, err = st.ExecContext(context.Background(), args...)
	return err
}

func (r *rawSQLite) query(query string, args []any) error {
	st, err := r.statement(query)
	if err != nil {
		return err
	}
	rows, err := st.QueryContext(context.Background(), args...)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	columns, err := rows.Columns()
	if err != nil {
		return err
	}
	values, into := make([]sql.RawBytes, len(columns)), make([]any, len(columns))
	for i := range values {
		into[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return err
		}
	}
	return rows.Err()
}

func (r *rawSQLite) close() error {
	var err error
	for _, st := range r.prepared {
		err = errors.Join(err, st.Close())
	}
	return errors.Join(err, r.conn.Close(), r.pool.Close())
}

type rawPostgres struct{ conn *pgx.Conn }

func (r *rawPostgres) play(ctx context.Context, t transaction) error {
	options := pgx.TxOptions{}
	if t.read {
		options = pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	}
	tx, err := r.conn.BeginTx(ctx, options)
	if err != nil {
		return err
	}
	for _, s := range t.statements {
		if err := r.one(ctx, tx, s); err != nil {
			return errors.Join(fmt.Errorf("%s: %w", s.Query, err), tx.Rollback(ctx))
		}
	}
	if t.read {
		return tx.Rollback(ctx)
	}
	return tx.Commit(ctx)
}

func (r *rawPostgres) one(ctx context.Context, tx pgx.Tx, s db.Statement) error {
	switch {
	case s.Rows:
		rows, err := tx.Query(ctx, s.Query, s.Args[0]...)
		if err != nil {
			return err
		}
		for rows.Next() {
			rows.RawValues()
		}
		rows.Close()
		return rows.Err()
	case len(s.Args) == 1:
		_, err := tx.Exec(ctx, s.Query, s.Args[0]...)
		return err
	}
	var b pgx.Batch
	for _, args := range s.Args {
		b.Queue(s.Query, args...)
	}
	res := tx.SendBatch(ctx, &b)
	for range s.Args {
		if _, err := res.Exec(); err != nil {
			return errors.Join(err, res.Close())
		}
	}
	return res.Close()
}

func (r *rawPostgres) close() error { return r.conn.Close(context.Background()) }
