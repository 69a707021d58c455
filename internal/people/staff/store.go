package staff

import (
	"context"
	"crypto/sha256"
	"errors"
	"sync"
	"time"

	"github.com/huiyin/huiyin/internal/platform/clock"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/errs"
	"github.com/huiyin/huiyin/internal/platform/ids"
)

const (
	cacheAge  = 5 * time.Second // how long another node may go on with a revoked key
	cacheKeys = 10_000          // keys remembered, wrong ones too
	listMax   = 1_000           // keys in one list
)

const (
	insertKey = `INSERT INTO api_key (id, name, hash, scopes, created_at, expires_at, revoked_at) VALUES ($1, $2, $3, $4, $5, $6, 0)`
	selectKey = `SELECT id, name, scopes, created_at, expires_at, revoked_at FROM api_key `
	revokeKey = `UPDATE api_key SET revoked_at = $1 WHERE id = $2 AND revoked_at = 0`
)

// Create makes a key and gives its secret, which can't be shown again.
func Create(tx *db.Tx, source *ids.Source, k Key, now time.Time) (secret string, made Key, err error) {
	if err := k.prepare(now); err != nil {
		return "", Key{}, err
	}
	k.ID, k.Created, k.Revoked = source.Next(), now.UTC().Truncate(time.Millisecond), time.Time{}
	if k.Signs() {
		return "", Key{}, errs.New(errs.Invalid, codes.FieldInvalid, "a key that signs customer tokens is made by itself").At("scopes")
	}
	secret = spell(source.Token())
	return secret, k, k.insert(tx, secret)
}

func (k *Key) insert(tx *db.Tx, secret string) error {
	h := hash(secret)
	_, err := tx.Exec(insertKey, k.ID, k.Name, h[:], join(k.Scopes, " "), db.Millis(k.Created), db.Millis(k.Expires))
	return err
}

// List gives keys in order of id, after the given one, revoked ones too.
func List(tx *db.Tx, after int64, limit int) ([]Key, error) {
	return db.All(tx, scanKey, selectKey+`WHERE id > $1 ORDER BY id LIMIT $2`, after, min(limit, listMax))
}

func scanKey(r *db.Rows) (Key, error) {
	var k Key
	var scopes string
	var created, expires, revoked int64
	err := r.Scan(&k.ID, &k.Name, &scopes, &created, &expires, &revoked)
	k.Scopes, k.Created, k.Expires, k.Revoked = split(scopes), db.Time(created), db.Time(expires), db.Time(revoked)
	return k, err
}

// Keys knows who a key belongs to. It remembers what the database said for a few seconds and
// is safe for concurrent use.
type Keys struct {
	db    *db.DB
	clock clock.Clock

	mu     sync.Mutex
	cached map[[sha256.Size]byte]answer
}

// answer is what the database said of a key: found, or nil.
type answer struct {
	key *Key
	at  time.Time
}

// NewKeys makes Keys over a database.
func NewKeys(d *db.DB, c clock.Clock) *Keys {
	return &Keys{db: d, clock: c, cached: map[[sha256.Size]byte]answer{}}
}

// Authenticate gives the key that a secret opens. What it says to those who hold none doesn't
// tell a wrong key from a missing one.
func (k *Keys) Authenticate(ctx context.Context, secret string) (*Key, error) {
	unknown := errs.New(errs.Unauthorized, codes.Unauthorized, "the key is missing or not one of ours: send Authorization: Bearer hy_…")
	if !wellFormed(secret) {
		return nil, unknown
	}
	now := k.clock.Now()
	found, err := k.find(ctx, hash(secret), now)
	switch {
	case err != nil:
		return nil, err
	case found == nil:
		return nil, unknown
	case !found.Revoked.IsZero():
		return nil, errs.New(errs.Unauthorized, codes.KeyExpired, "the key %q was revoked: ask for a new one", found.Name)
	case !found.Expires.IsZero() && !now.Before(found.Expires):
		return nil, errs.New(errs.Unauthorized, codes.KeyExpired, "the key %q expired on %s: ask for a new one", found.Name, found.Expires.Format(time.DateOnly))
	}
	return found, nil
}

func (k *Keys) find(ctx context.Context, h [sha256.Size]byte, now time.Time) (*Key, error) {
	k.mu.Lock()
	a, known := k.cached[h]
	k.mu.Unlock()
	if age := now.Sub(a.at); known && age >= 0 && age < cacheAge {
		return a.key, nil
	}
	var found *Key
	err := k.db.Read(ctx, func(tx *db.Tx) error {
		list, err := db.All(tx, scanKey, selectKey+`WHERE hash = $1`, h[:])
		if err == nil && len(list) == 1 {
			found = &list[0]
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.cached) >= cacheKeys {
		clear(k.cached) // someone tries keys: forgetting all costs a few reads
	}
	k.cached[h] = answer{found, now}
	return found, nil
}

// Revoke ends a key, here at once.
func (k *Keys) Revoke(ctx context.Context, id int64) error {
	err := k.db.Write(ctx, db.First, "revoke-key", func(tx *db.Tx) error { return Revoke(tx, id, k.clock.Now()) })
	if err != nil {
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	clear(k.cached)
	return nil
}

// Revoke ends a key; Keys.Revoke does so and forgets it too. Revoking twice does no harm.
func Revoke(tx *db.Tx, id int64, now time.Time) error {
	n, err := tx.Exec(revokeKey, db.Millis(now), id)
	if err != nil || n > 0 {
		return err
	}
	var have int64
	if err := tx.QueryRow(`SELECT id FROM api_key WHERE id = $1`, id).Scan(&have); errors.Is(err, db.ErrNoRows) {
		return errs.New(errs.NotFound, codes.NotFound, "there is no key with the number %d: list them first", id)
	} else if err != nil {
		return err
	}
	return nil
}
