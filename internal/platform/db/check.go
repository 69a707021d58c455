package db

import "context"

// Check looks the whole database through and names what is damaged; nil if nothing is.
// On PostgreSQL it asks whether the server answers: its pages are its own affair.
func (d *DB) Check(ctx context.Context) (problems []string, err error) {
	err = d.Read(ctx, func(tx *Tx) error {
		if tx.Engine() == Postgres {
			var one int
			return tx.QueryRow(`SELECT 1`).Scan(&one)
		}
		found, err := All(tx, func(r *Rows) (string, error) {
			var s string
			return s, r.Scan(&s)
		}, `PRAGMA quick_check(20)`)
		for _, f := range found {
			if f != "ok" {
				problems = append(problems, f)
			}
		}
		return err
	})
	return problems, err
}
