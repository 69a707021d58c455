package dbtest

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/huiyin/huiyin/internal/platform/db"
)

const setUpTimeout = 60 * time.Second

// Each runs fn on a fresh, migrated database of each engine.
func Each(t *testing.T, fn func(t *testing.T, d *db.DB)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { fn(t, SQLite(t, db.Options{})) })
	t.Run("postgres", func(t *testing.T) { fn(t, Postgres(t, db.Options{})) })
}

// SQLite makes a migrated SQLite file that lives as long as the test.
func SQLite(t testing.TB, o db.Options) *db.DB {
	t.Helper()
	return open(t, "sqlite:"+filepath.Join(t.TempDir(), "test.db"), o)
}

// Memory makes a migrated SQLite database in memory.
func Memory(t testing.TB, o db.Options) *db.DB {
	t.Helper()
	return open(t, "sqlite::memory:", o)
}

// Postgres makes a migrated PostgreSQL database that lives as long as the test.
func Postgres(t testing.TB, o db.Options) *db.DB {
	t.Helper()
	return open(t, PostgresURL(t), o)
}

// PostgresURL makes an empty PostgreSQL database that lives as long as the test.
func PostgresURL(t testing.TB) string {
	t.Helper()
	admin := os.Getenv("HUIYIN_TEST_POSTGRES")
	if admin == "" {
		t.Fatal("HUIYIN_TEST_POSTGRES is not set, so nothing would be tried on PostgreSQL; run `make test`, or first `eval $(scripts/postgres.sh start)`")
	}
	var b [6]byte
	if _, err := rand.Read(b[:]); err != nil {
		t.Fatal(err)
	}
	name := "huiyin_test_" + hex.EncodeToString(b[:])
	run(t, admin, `CREATE DATABASE `+name)
	t.Cleanup(func() {
		run(t, admin, `DROP DATABASE IF EXISTS `+name+` WITH (FORCE)`)
		run(t, admin, `DROP DATABASE IF EXISTS `+name+`_vault WITH (FORCE)`) // a house makes it beside its own
	})
	u, err := url.Parse(admin)
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/" + name
	return u.String()
}

func run(t testing.TB, admin, statement string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), setUpTimeout)
	defer cancel()
	conn, err := pgx.Connect(ctx, admin)
	if err != nil {
		t.Fatalf("connect to HUIYIN_TEST_POSTGRES: %v", err)
	}
	defer func() { _ = conn.Close(ctx) }()
	if _, err := conn.Exec(ctx, statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

func open(t testing.TB, address string, o db.Options) *db.DB {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), setUpTimeout)
	defer cancel()
	d, err := db.Open(ctx, address, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := d.Migrate(ctx); err != nil {
		t.Fatal(err)
	}
	return d
}
