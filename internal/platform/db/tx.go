package db

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/huiyin/huiyin/internal/platform/clock"
)

// Tx is one transaction, or one snapshot in DB.Read. It serves one goroutine.
type Tx struct {
	ctx   context.Context
	lite  *liteConn
	pg    pgx.Tx
	clock clock.Clock
	now   time.Time
	watch Watch
}

// Context is the context the transaction runs under.
func (t *Tx) Context() context.Context { return t.ctx }

// Engine says on which engine the transaction runs.
func (t *Tx) Engine() Engine {
	if t.lite != nil {
		return SQLite
	}
	return Postgres
}

// Now is the database's time when it was first asked for in this transaction, to
// the millisecond. Leases are stamped with it, so nodes whose clocks differ agree.
func (t *Tx) Now() (time.Time, error) {
	if !t.now.IsZero() {
		return t.now, nil
	}
	if t.clock != nil {
		t.now = t.clock.Now().UTC().Truncate(time.Millisecond)
		return t.now, nil
	}
	var ms int64
	if err := t.QueryRow(`SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint`).Scan(&ms); err != nil {
		return time.Time{}, err
	}
	t.now = Time(ms)
	return t.now, nil
}

// Exec runs one statement and says how many rows it touched.
func (t *Tx) Exec(query string, args ...any) (int64, error) {
	if t.lite == nil {
		query = replanned(query, args)
	}
	if t.watch != nil {
		t.see(query, false, args)
	}
	if t.lite != nil {
		return t.lite.exec(query, args)
	}
	tag, err := t.pg.Exec(t.ctx, query, args...)
	return tag.RowsAffected(), err
}

// Each runs one statement n times, with the arguments args gives for each, and
// says how many rows each run touched. It is one round trip on PostgreSQL.
func (t *Tx) Each(query string, n int, args func(i int) []any) ([]int64, error) {
	if n == 0 {
		return nil, nil
	}
	if t.watch != nil {
		args = t.seeEach(query, n, args)
	}
	touched := make([]int64, n)
	if t.lite != nil {
		for i := range n {
			k, err := t.lite.exec(query, args(i))
			if err != nil {
				return nil, err
			}
			touched[i] = k
		}
		return touched, nil
	}
	var b pgx.Batch
	for i := range n {
		b.Queue(query, args(i)...)
	}
	res := t.pg.SendBatch(t.ctx, &b)
	for i := range n {
		tag, err := res.Exec()
		if err != nil {
			return nil, errors.Join(err, res.Close())
		}
		touched[i] = tag.RowsAffected()
	}
	return touched, res.Close()
}

// Query runs a query; the rows must be closed.
func (t *Tx) Query(query string, args ...any) (*Rows, error) {
	if t.lite == nil {
		query = replanned(query, args)
	}
	if t.watch != nil {
		t.see(query, true, args)
	}
	if t.lite != nil {
		rows, err := t.lite.query(query, args)
		if err != nil {
			return nil, err
		}
		return &Rows{lite: rows}, nil
	}
	rows, err := t.pg.Query(t.ctx, query, args...)
	if err != nil {
		return nil, err
	}
	return &Rows{pg: rows}, nil
}

// QueryRow runs a query of which only the first row is wanted.
func (t *Tx) QueryRow(query string, args ...any) Row {
	rows, err := t.Query(query, args...)
	return Row{rows: rows, err: err}
}

// All runs a query and gathers what scan makes of each row.
func All[T any](t *Tx, scan func(*Rows) (T, error), query string, args ...any) ([]T, error) {
	rows, err := t.Query(query, args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var all []T
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, rows.Err()
}

// Rows are the rows of a query, of either engine.
type Rows struct {
	lite *sql.Rows
	pg   pgx.Rows
}

// Next goes to the next row, if there is one.
func (r *Rows) Next() bool {
	if r.lite != nil {
		return r.lite.Next()
	}
	return r.pg.Next()
}

// Scan reads the current row.
func (r *Rows) Scan(dest ...any) error {
	if r.lite != nil {
		return r.lite.Scan(dest...)
	}
	return r.pg.Scan(dest...)
}

// Err is what stopped Next, if not the end.
func (r *Rows) Err() error {
	if r.lite != nil {
		return r.lite.Err()
	}
	return r.pg.Err()
}

// Close frees the rows; closing twice does no harm.
func (r *Rows) Close() error {
	if r.lite != nil {
		return r.lite.Close()
	}
	r.pg.Close()
	return nil
}

// Row is the first row of a query.
type Row struct {
	rows *Rows
	err  error
}

// Scan reads the row; ErrNoRows if there is none.
func (r Row) Scan(dest ...any) error {
	if r.err != nil {
		return r.err
	}
	defer func() { _ = r.rows.Close() }()
	if !r.rows.Next() {
		if err := r.rows.Err(); err != nil {
			return err
		}
		return ErrNoRows
	}
	if err := r.rows.Scan(dest...); err != nil {
		return err
	}
	return r.rows.Close()
}
