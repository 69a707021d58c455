package vault

import (
	"context"

	"github.com/huiyin/huiyin/internal/platform/db"
)

// rewrapBatch is how many keys one transaction wraps anew: some milliseconds.
const rewrapBatch = 500

// Rotate wraps every key under a new wrapping key and removes the old ones from the key
// file: old copies of the vault are worthless from then on. It may be killed at any point
// and is then begun again, and goes on where it stood; servers go on meanwhile. progress
// is told of the keys done and left; nil: nobody.
func (v *Vault) Rotate(ctx context.Context, progress func(done, left int64)) (number int, err error) {
	if number, err = v.beginRotation(ctx); err != nil {
		return 0, err
	}
	var done int64
	for {
		n, left, err := v.rewrap(ctx, number)
		if err != nil {
			return number, err
		}
		done += int64(n)
		if progress != nil {
			progress(done, left)
		}
		if n == 0 {
			break
		}
	}
	if _, err := v.Scrub(ctx); err != nil {
		return number, err
	}
	return number, v.keys.Retire(number)
}

// beginRotation makes the new wrapping key the one in use, unless a rotation that was cut
// off did so already. The key is durable in the file before anything is wrapped under it.
func (v *Vault) beginRotation(ctx context.Context) (int, error) {
	var current int
	var behind bool
	err := v.db.Read(ctx, func(tx *db.Tx) (err error) {
		if current, err = wrappingNumber(tx, false); err != nil {
			return err
		}
		var oldest int
		err = tx.QueryRow(`SELECT COALESCE(MIN(kek), 0) FROM vault_key`).Scan(&oldest)
		behind = oldest > 0 && oldest < current
		return err
	})
	if err != nil {
		return 0, err
	}
	if behind || v.keys.Oldest() < current { // not finished
		return current, nil
	}
	next := current + 1
	if err := v.keys.Renew(next); err != nil {
		return 0, err
	}
	return next, v.db.Write(ctx, db.Outcome, "vault-rotate", func(tx *db.Tx) error {
		_, err := tx.Exec(`UPDATE vault_state SET n = $1 WHERE name = 'kek' AND n < $1`, int64(next))
		return err
	})
}

// rewrap wraps some keys anew and says how many, and how many are left.
func (v *Vault) rewrap(ctx context.Context, number int) (n int, left int64, err error) {
	err = v.db.Write(ctx, db.Count, "vault-rewrap", func(tx *db.Tx) error {
		rows, err := db.All(tx, scanWrapped, `SELECT id, kek, wrapped FROM vault_key WHERE kek < $1 ORDER BY kek, id LIMIT $2 FOR UPDATE`, int64(number), rewrapBatch)
		if err != nil {
			return err
		}
		wrap, err := v.keys.Wrapping(number)
		if err != nil {
			return err
		}
		for i := range rows {
			raw, err := v.unwrap(rows[i])
			if err != nil {
				return err
			}
			if rows[i].wrapped, err = v.seal(wrap, placeKey, rows[i].id, raw); err != nil {
				return err
			}
		}
		n = len(rows)
		_, err = tx.Each(`UPDATE vault_key SET kek = $2, wrapped = $3 WHERE id = $1`, n, func(i int) []any {
			return []any{rows[i].id, int64(number), rows[i].wrapped}
		})
		if err != nil {
			return err
		}
		return tx.QueryRow(`SELECT COUNT(*) FROM vault_key WHERE kek < $1`, int64(number)).Scan(&left)
	})
	return n, left, err
}
