package db

import (
	"context"
	"time"
)

// nodeTTL is how long a node's number stays its own without a sign of life.
const nodeTTL = 3 * time.Minute

// nodeNumbers is how many numbers there are; package ids has 8 bits for them.
const nodeNumbers = 256

// ClaimNode gives this process a number no living process on this database has,
// the one least lately used, so that identifiers made by two nodes, or by a node
// before and after a crash in the same millisecond, differ.
func (d *DB) ClaimNode(ctx context.Context, holder string) (uint8, error) {
	var node uint8
	err := d.Write(ctx, Outcome, "claim-node", func(tx *Tx) error {
		if _, err := tx.Exec(`INSERT INTO revision (name, n) VALUES ('node', 0) ON CONFLICT (name) DO NOTHING`); err != nil {
			return err
		}
		var last int64
		if err := tx.QueryRow(`UPDATE revision SET n = n + 1 WHERE name = 'node' RETURNING n`).Scan(&last); err != nil {
			return err // the row lock makes claims one after another
		}
		now, err := tx.Now()
		if err != nil {
			return err
		}
		taken, err := All(tx, func(r *Rows) (int64, error) {
			var n int64
			return n, r.Scan(&n)
		}, `SELECT number FROM node WHERE seen_at > $1`, Millis(now.Add(-nodeTTL)))
		if err != nil {
			return err
		}
		number := free(last, taken)
		node = uint8(number)
		_, err = tx.Exec(`INSERT INTO node (number, holder, seen_at) VALUES ($1, $2, $3)
			ON CONFLICT (number) DO UPDATE SET holder = excluded.holder, seen_at = excluded.seen_at`, number, holder, Millis(now))
		return err
	})
	return node, err
}

// free is the first number from last on that isn't taken; with all taken, last itself.
func free(last int64, taken []int64) int64 {
	used := map[int64]bool{}
	for _, n := range taken {
		used[n] = true
	}
	for i := range int64(nodeNumbers) {
		if n := (last + i) % nodeNumbers; !used[n] {
			return n
		}
	}
	return last % nodeNumbers
}

// KeepNode is a node's sign of life.
func (d *DB) KeepNode(ctx context.Context, node uint8) error {
	return d.Write(ctx, Count, "keep-node", func(tx *Tx) error {
		now, err := tx.Now()
		if err != nil {
			return err
		}
		_, err = tx.Exec(`UPDATE node SET seen_at = $2 WHERE number = $1`, int64(node), Millis(now))
		return err
	})
}
