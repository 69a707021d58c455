package vault

import (
	"context"
	"crypto/cipher"
	"embed"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/huiyin/huiyin/internal/platform/clock"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/crypt"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/errs"
	"github.com/huiyin/huiyin/internal/platform/ids"
)

const (
	blockFirst = 64    // keys made at once by one who needs few: a command-line tool
	blockMost  = 1_024 // and by one who goes on needing them
	keyBytes   = 32
	cachedMost = 32_768 // data keys kept ready, of some 700 bytes each
	cachedFor  = 10 * time.Minute
)

//go:embed schema/*.sql
var schemaFiles embed.FS

// ErrErased is what opening or sealing under a key that was destroyed, or never was, comes to.
var ErrErased = errs.New(errs.NotFound, codes.Erased, "the customer was erased: nothing of them can be read any more")

// Config is what a vault is made of.
type Config struct {
	DB     *db.DB // its own
	Keys   *crypt.Keyring
	IDs    *ids.Source
	Clock  clock.Clock
	Random io.Reader
}

// Vault is safe for concurrent use.
type Vault struct {
	id    int64
	db    *db.DB
	keys  *crypt.Keyring
	ids   *ids.Source
	clock clock.Clock

	randomMu sync.Mutex
	random   io.Reader

	blockMu sync.Mutex // one block is made at a time
	block   int        // how many keys the next one has

	mu     sync.Mutex
	unused []int64
	young  map[int64]cached // what is older than cachedFor, or one too many, is read again
	old    map[int64]cached
}

type cached struct {
	key cipher.AEAD
	at  time.Time
}

// New brings the vault's database up to date and makes a vault of it.
func New(ctx context.Context, c Config) (*Vault, error) {
	if err := c.DB.MigrateTo(ctx, schemaFiles); err != nil {
		return nil, err
	}
	v := &Vault{db: c.DB, keys: c.Keys, ids: c.IDs, clock: c.Clock, random: c.Random, block: blockFirst, young: map[int64]cached{}}
	name := c.IDs.Next()
	return v, c.DB.Write(ctx, db.Outcome, "vault-begin", func(tx *db.Tx) error {
		if _, err := tx.Exec(`INSERT INTO vault_state (name, n) VALUES ('kek', $1), ('id', $2) ON CONFLICT (name) DO NOTHING`, int64(c.Keys.Newest()), name); err != nil {
			return err
		}
		return tx.QueryRow(`SELECT n FROM vault_state WHERE name = 'id'`).Scan(&v.id)
	})
}

// ID tells this vault and its copies from every other.
func (v *Vault) ID() int64 { return v.id }

// DB is the vault's database: backups are made of it apart from the house's.
func (v *Vault) DB() *db.DB { return v.db }

// Close closes the vault's database.
func (v *Vault) Close() error { return v.db.Close() }

func (v *Vault) fill(b []byte) error {
	v.randomMu.Lock()
	defer v.randomMu.Unlock()
	_, err := io.ReadFull(v.random, b)
	return err
}

// Prepare sees to it that n keys can be taken without a write: to be called before the
// transaction that takes them.
func (v *Vault) Prepare(ctx context.Context, n int) error {
	v.mu.Lock()
	missing := n - len(v.unused)
	v.mu.Unlock()
	if missing <= 0 {
		return nil
	}
	return v.make(ctx, missing)
}

// Take gives the id of a key nobody uses yet. It writes nothing, unless Prepare wasn't
// asked for as many.
func (v *Vault) Take(ctx context.Context) (int64, error) {
	for {
		v.mu.Lock()
		if n := len(v.unused); n > 0 {
			id := v.unused[0]
			v.unused = v.unused[1:]
			v.mu.Unlock()
			return id, nil
		}
		v.mu.Unlock()
		if err := v.make(ctx, 1); err != nil {
			return 0, err
		}
	}
}

// make makes at least n keys, durable when it returns.
func (v *Vault) make(ctx context.Context, n int) error {
	v.blockMu.Lock()
	defer v.blockMu.Unlock()
	v.mu.Lock()
	missing := n - len(v.unused) // another may have made them meanwhile
	v.mu.Unlock()
	for missing > 0 {
		size := min(max(v.block, missing), blockMost)
		v.block = min(2*v.block, blockMost)
		made, err := v.makeBlock(ctx, size)
		if err != nil {
			return err
		}
		v.mu.Lock()
		for _, k := range made {
			v.unused = append(v.unused, k.id)
			v.keep(k.id, k.key)
		}
		v.mu.Unlock()
		missing -= size
	}
	return nil
}

type fresh struct {
	id  int64
	key cipher.AEAD
	raw []byte
}

func (v *Vault) makeBlock(ctx context.Context, size int) ([]fresh, error) {
	made := make([]fresh, size)
	raw := make([]byte, size*keyBytes)
	if err := v.fill(raw); err != nil {
		return nil, err
	}
	for i := range made {
		k := &made[i]
		k.id, k.raw = v.ids.Next(), raw[i*keyBytes:(i+1)*keyBytes]
		var err error
		if k.key, err = crypt.AEAD(k.raw); err != nil {
			return nil, err
		}
	}
	err := v.db.Write(ctx, db.Outcome, "vault-block", func(tx *db.Tx) error {
		kek, err := wrappingNumber(tx, true)
		if err != nil {
			return err
		}
		wrap, err := v.keys.Wrapping(kek)
		if err != nil {
			return err
		}
		rows := make([][]byte, size)
		for i := range made {
			if rows[i], err = v.seal(wrap, placeKey, made[i].id, made[i].raw); err != nil {
				return err
			}
		}
		_, err = tx.InsertEach(`INSERT INTO vault_key (id, kek, wrapped) VALUES ($1, $2, $3)`, size, func(i int) []any {
			return []any{made[i].id, int64(kek), rows[i]}
		})
		return err
	})
	return made, err
}

// wrappingNumber reads which wrapping key is in use; a rotation waits for those who hold it.
func wrappingNumber(tx *db.Tx, hold bool) (int, error) {
	query := `SELECT n FROM vault_state WHERE name = 'kek'`
	if hold && tx.Engine() == db.Postgres {
		query += ` FOR SHARE`
	}
	var n int64
	err := tx.QueryRow(query).Scan(&n)
	return int(n), err
}

// keep remembers a key; v.mu is held.
func (v *Vault) keep(id int64, key cipher.AEAD) {
	if len(v.young) >= cachedMost/2 {
		v.old, v.young = v.young, make(map[int64]cached, cachedMost/2)
	}
	v.young[id] = cached{key, v.clock.Now()}
}

// Forget drops keys from memory.
func (v *Vault) Forget(keys ...int64) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, id := range keys {
		delete(v.young, id)
		delete(v.old, id)
	}
}

// Keys are data keys that were read together.
type Keys struct {
	v  *Vault
	of map[int64]cipher.AEAD
}

// Keys reads data keys; those not in memory in one query. One that is missing was destroyed.
func (v *Vault) Keys(ctx context.Context, wanted []int64) (*Keys, error) {
	k := &Keys{v: v, of: make(map[int64]cipher.AEAD, len(wanted))}
	return k, k.Add(ctx, wanted)
}

// Add reads further keys.
func (k *Keys) Add(ctx context.Context, wanted []int64) error {
	wanted = slices.DeleteFunc(slices.Clone(wanted), func(id int64) bool { return id == 0 || k.of[id] != nil })
	if len(wanted) == 0 {
		return nil
	}
	v := k.v
	var missing []int64
	v.mu.Lock()
	now := v.clock.Now()
	for _, id := range wanted {
		c, ok := v.young[id]
		if !ok {
			c, ok = v.old[id]
		}
		switch {
		case ok && now.Sub(c.at) < cachedFor:
			k.of[id] = c.key
		default:
			missing = append(missing, id)
		}
	}
	v.mu.Unlock()
	if len(missing) == 0 {
		return nil
	}
	slices.Sort(missing)
	return k.read(ctx, slices.Compact(missing))
}

type wrappedKey struct {
	id, kek int64
	wrapped []byte
}

func scanWrapped(r *db.Rows) (w wrappedKey, err error) {
	return w, r.Scan(&w.id, &w.kek, &w.wrapped)
}

func (k *Keys) read(ctx context.Context, missing []int64) error {
	var rows []wrappedKey
	err := k.v.db.Read(ctx, func(tx *db.Tx) (err error) {
		rows, err = db.All(tx, scanWrapped, `SELECT id, kek, wrapped FROM vault_key WHERE id = ANY($1)`, missing)
		return err
	})
	if err != nil {
		return fmt.Errorf("read the vault: %w", err)
	}
	found := make([]cipher.AEAD, len(rows))
	for i, w := range rows {
		raw, err := k.v.unwrap(w)
		if err != nil {
			return err
		}
		if found[i], err = crypt.AEAD(raw); err != nil {
			return err
		}
	}
	k.v.mu.Lock()
	defer k.v.mu.Unlock()
	for i, w := range rows {
		k.of[w.id] = found[i]
		k.v.keep(w.id, found[i])
	}
	return nil
}

func (v *Vault) unwrap(w wrappedKey) ([]byte, error) {
	wrap, err := v.keys.Wrapping(int(w.kek))
	if err != nil {
		return nil, err
	}
	raw, err := open(wrap, placeKey, w.id, w.wrapped)
	if err != nil {
		return nil, errs.New(errs.Internal, codes.VaultDamaged, "the vault's key %d can't be unwrapped: the vault is damaged, or the key file isn't the one it was used with", w.id).Because(err)
	}
	return raw, nil
}

// Has says whether a key exists.
func (k *Keys) Has(key int64) bool { return k.of[key] != nil }
