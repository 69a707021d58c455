package vaulttest

import (
	"context"
	"crypto/rand"
	"sync/atomic"
	"testing"

	"github.com/huiyin/huiyin/internal/people/vault"
	"github.com/huiyin/huiyin/internal/platform/clock"
	"github.com/huiyin/huiyin/internal/platform/crypt"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/ids"
)

// New makes a vault in memory that lives as long as the test.
func New(t testing.TB) *vault.Vault {
	t.Helper()
	return At(t, "sqlite::memory:", crypt.FromSeed([]byte("a vault for tests")))
}

// At makes a vault at an address, under these keys.
func At(t testing.TB, address string, keys *crypt.Keyring) *vault.Vault {
	t.Helper()
	d, err := db.Open(context.Background(), address, db.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	v := On(t, d, keys)
	if v == nil {
		t.FailNow()
	}
	return v
}

// On makes a vault of a database that is open already; nil when the database fails, as one
// with a hook may.
func On(t testing.TB, d *db.DB, keys *crypt.Keyring) *vault.Vault {
	t.Helper()
	v, err := vault.New(context.Background(), vault.Config{
		DB: d, Keys: keys, Clock: clock.System{}, IDs: ids.New(clock.System{}, nextNode(), rand.Reader), Random: rand.Reader,
	})
	if err != nil {
		t.Log(err)
		return nil
	}
	return v
}

var nodes atomic.Uint32

// nextNode gives each vault a number of its own: two on one database never make the same id.
func nextNode() uint8 { return uint8(nodes.Add(1)) }
