package db

import (
	"context"
	"database/sql"
	"errors"
	"sync"
)

// liteConn is one SQLite connection with its prepared statements.
//
// Statements run under a context that can't end: the driver would start a
// goroutine for each statement to watch one that can. Bounds come from the
// size of what is asked, and from groupMax.
type liteConn struct {
	mu       sync.Mutex // held only for a database in memory, which has this one connection
	conn     *sql.Conn
	prepared map[string]*sql.Stmt
}

func newLiteConn(ctx context.Context, pool *sql.DB) (*liteConn, error) {
	conn, err := pool.Conn(ctx)
	if err != nil {
		return nil, err
	}
	if err := conn.PingContext(ctx); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return &liteConn{conn: conn, prepared: map[string]*sql.Stmt{}}, nil
}

func (c *liteConn) statement(query string) (*sql.Stmt, error) {
	if st, ok := c.prepared[query]; ok {
		return st, nil
	}
	if len(c.prepared) >= statementMax { // texts are constants; this bounds a mistake
		for q, st := range c.prepared {
			_ = st.Close()
			delete(c.prepared, q)
		}
	}
	st, err := c.conn.PrepareContext(context.Background(), forSQLite(query))
	if err != nil {
		return nil, err
	}
	c.prepared[query] = st
	return st, nil
}

func (c *liteConn) exec(query string, args []any) (int64, error) {
	st, err := c.statement(query)
	if err != nil {
		return 0, err
	}
	res, err := st.ExecContext(context.Background(), liteArgs(args)...)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

func (c *liteConn) query(query string, args []any) (*sql.Rows, error) {
	st, err := c.statement(query)
	if err != nil {
		return nil, err
	}
	return st.QueryContext(context.Background(), liteArgs(args)...)
}

func (c *liteConn) close() error {
	var err error
	for _, st := range c.prepared {
		err = errors.Join(err, st.Close())
	}
	return errors.Join(err, c.conn.Close())
}
