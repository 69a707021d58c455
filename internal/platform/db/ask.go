package db

import (
	"errors"

	"github.com/jackc/pgx/v5"
)

// Question is one query of several that are asked together. Row is called for each of its rows.
type Question struct {
	Query string
	Args  []any
	Row   func(*Rows) error
}

// Ask asks questions that don't depend on each other, in their order. It is one
// round trip on PostgreSQL.
func (t *Tx) Ask(all ...Question) error {
	if t.lite != nil || len(all) == 1 {
		for i := range all {
			rows, err := t.Query(all[i].Query, all[i].Args...)
			if err != nil {
				return err
			}
			if err := all[i].read(rows); err != nil {
				return err
			}
		}
		return nil
	}
	var b pgx.Batch
	for i := range all {
		query := replanned(all[i].Query, all[i].Args)
		if t.watch != nil {
			t.see(query, true, all[i].Args)
		}
		b.Queue(query, all[i].Args...)
	}
	res := t.pg.SendBatch(t.ctx, &b)
	for i := range all {
		rows, err := res.Query()
		if err == nil {
			err = all[i].read(&Rows{pg: rows})
		}
		if err != nil {
			return errors.Join(err, res.Close())
		}
	}
	return res.Close()
}

// read reads the rows to their end and closes them.
func (q *Question) read(rows *Rows) error {
	for rows.Next() {
		if err := q.Row(rows); err != nil {
			return errors.Join(err, rows.Close())
		}
	}
	if err := rows.Err(); err != nil {
		return errors.Join(err, rows.Close())
	}
	return rows.Close()
}
