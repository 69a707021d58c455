package db

import "slices"

// Watch sees what a database is asked, in order: a benchmark writes it down and
// issues the same statements without us, to learn what we cost beside them.
type Watch func(Statement)

// Statement is one thing the database was asked.
type Statement struct {
	Begin, Read bool    // a transaction begins; it only reads. The other fields are empty
	Query       string  // as the engine takes it
	Args        [][]any // likewise, once per run of the statement; more than one only for Each
	Rows        bool    // it gives rows
}

// Watched returns the same database seen by w. The product watches nothing.
func (d *DB) Watched(w Watch) *DB {
	c := *d
	c.watch = w
	return &c
}

func (d *DB) watched(read bool, fn func(*Tx) error) func(*Tx) error {
	if d.watch == nil {
		return fn
	}
	return func(tx *Tx) error {
		tx.watch = d.watch
		d.watch(Statement{Begin: true, Read: read})
		return fn(tx)
	}
}

func (t *Tx) see(query string, rows bool, args ...[]any) {
	if t.lite != nil {
		query = forSQLite(query)
		for i := range args {
			args[i] = liteArgs(args[i])
		}
	}
	t.watch(Statement{Query: query, Args: args, Rows: rows})
}

// seeEach shows all runs of a statement, and gives back their arguments, asked for once.
func (t *Tx) seeEach(query string, n int, args func(i int) []any) func(i int) []any {
	all := make([][]any, n)
	for i := range n {
		all[i] = args(i)
	}
	t.see(query, false, slices.Clone(all)...)
	return func(i int) []any { return all[i] }
}
