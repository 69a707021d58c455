package staff

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/huiyin/huiyin/internal/platform/clock"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/db/dbtest"
	"github.com/huiyin/huiyin/internal/platform/errs"
	"github.com/huiyin/huiyin/internal/platform/ids"
)

var now = time.Date(2026, 11, 22, 9, 30, 0, 0, time.UTC)

func source() *ids.Source {
	return ids.New(clock.NewVirtual(now), 1, bytes.NewReader(bytes.Repeat([]byte("not much of a chance "), 100)))
}

func create(t *testing.T, d *db.DB, s *ids.Source, k Key) (string, Key, error) {
	t.Helper()
	var secret string
	var made Key
	err := d.Write(context.Background(), db.First, "test", func(tx *db.Tx) (err error) {
		secret, made, err = Create(tx, s, k, now)
		return err
	})
	return secret, made, err
}

func TestAKeyOpensWhatItsScopesSay(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		c, ctx, s := clock.NewVirtual(now), context.Background(), source()
		wallet, made, err := create(t, d, s, Key{Name: "wallet", Scopes: []codes.Scope{codes.EventsWrite, codes.CustomersWrite, codes.EventsWrite}, Expires: now.Add(time.Hour)})
		if err != nil {
			t.Fatal(err)
		}
		admin, _, err := create(t, d, s, Key{Name: "root", Scopes: []codes.Scope{codes.Admin}})
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(wallet, "hy_") || len(wallet) != 36 || wallet == admin {
			t.Errorf("keys %s and %s", wallet, admin)
		}
		keys := NewKeys(d, c)
		k, err := keys.Authenticate(ctx, wallet)
		if err != nil || k.ID != made.ID || k.Name != "wallet" || len(k.Scopes) != 2 || !k.May(codes.EventsWrite) || k.May(codes.ReportsRead) {
			t.Errorf("the wallet's key is %+v, %v", k, err)
		}
		if k, err := keys.Authenticate(ctx, admin); err != nil || !k.May(codes.ReportsRead) || !k.May(codes.KeysWrite) {
			t.Errorf("the admin's key is %+v, %v", k, err)
		}
		for _, wrong := range []string{"", "hy_", wallet + "a", wallet[:35], strings.ToUpper(wallet), "xx_" + wallet[3:], swapped(wallet), spell("aaaaaaaaaaaaaaaaaaaaaaaaaa")} {
			if _, err := keys.Authenticate(ctx, wrong); errs.CodeOf(err) != "unauthorized" {
				t.Errorf("%q: %v", wrong, err)
			}
		}
		c.Advance(time.Hour)
		if _, err := keys.Authenticate(ctx, wallet); errs.CodeOf(err) != "key-expired" {
			t.Errorf("an hour later: %v", err)
		}
	})
}

// swapped has two neighbouring letters changed over, as people do.
func swapped(key string) string {
	b := []byte(key)
	for i := 5; i < len(b)-1; i++ {
		if b[i] != b[i+1] {
			b[i], b[i+1] = b[i+1], b[i]
			break
		}
	}
	return string(b)
}

func TestTheSecretIsNotKept(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		secret, _, err := create(t, d, source(), Key{Name: "wallet", Scopes: []codes.Scope{codes.EventsWrite}})
		if err != nil {
			t.Fatal(err)
		}
		err = d.Read(context.Background(), func(tx *db.Tx) error {
			var kept []byte
			var rest string
			if err := tx.QueryRow(`SELECT hash, name || scopes FROM api_key`).Scan(&kept, &rest); err != nil {
				return err
			}
			if bytes.Contains(kept, []byte(secret[3:10])) || strings.Contains(rest, secret[3:10]) || len(kept) != 32 {
				t.Errorf("kept %q %q", kept, rest)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

func TestARevokedKeyStopsAtOnceHereAndSoonElsewhere(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		c, ctx := clock.NewVirtual(now), context.Background()
		secret, made, err := create(t, d, source(), Key{Name: "wallet", Scopes: []codes.Scope{codes.EventsWrite}})
		if err != nil {
			t.Fatal(err)
		}
		reads := 0
		here, there := NewKeys(d, c), NewKeys(d.Hooked(func(p string) error {
			if p == "read:begin" {
				reads++
			}
			return nil
		}), c)
		for range 5 {
			if _, err := here.Authenticate(ctx, secret); err != nil {
				t.Fatal(err)
			}
			if _, err := there.Authenticate(ctx, secret); err != nil {
				t.Fatal(err)
			}
		}
		if reads != 1 {
			t.Errorf("five requests read the database %d times", reads)
		}
		if err := here.Revoke(ctx, made.ID); err != nil {
			t.Fatal(err)
		}
		if _, err := here.Authenticate(ctx, secret); errs.CodeOf(err) != "key-expired" {
			t.Errorf("here: %v", err)
		}
		c.Advance(cacheAge)
		if _, err := there.Authenticate(ctx, secret); errs.CodeOf(err) != "key-expired" {
			t.Errorf("there, five seconds later: %v", err)
		}
		if err := here.Revoke(ctx, made.ID); err != nil {
			t.Errorf("revoked twice: %v", err)
		}
		if err := here.Revoke(ctx, 5); errs.KindOf(err) != errs.NotFound {
			t.Errorf("revoking what isn't there: %v", err)
		}
		err = d.Read(ctx, func(tx *db.Tx) error {
			list, err := List(tx, 0, 10)
			if err != nil || len(list) != 1 || list[0].Name != "wallet" || !list[0].Revoked.Equal(now) {
				t.Errorf("listed %+v %v", list, err)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

func TestAKeyThatMakesNoSenseIsNotMade(t *testing.T) {
	d := dbtest.Memory(t, db.Options{})
	for name, k := range map[string]Key{
		"no name":         {Scopes: []codes.Scope{codes.EventsWrite}},
		"a name of lines": {Name: "a\nb", Scopes: []codes.Scope{codes.EventsWrite}},
		"no scope":        {Name: "x"},
		"a scope unknown": {Name: "x", Scopes: []codes.Scope{"events:write"}},
		"expired already": {Name: "x", Scopes: []codes.Scope{codes.EventsWrite}, Expires: now},
	} {
		if secret, _, err := create(t, d, source(), k); errs.KindOf(err) != errs.Invalid || secret != "" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestGuessingKeysDoesNotFillTheMemory(t *testing.T) {
	d := dbtest.Memory(t, db.Options{})
	keys := NewKeys(d, clock.NewVirtual(now))
	for i := range cacheKeys + 10 {
		if _, err := keys.find(context.Background(), hash(fmt.Sprint(i)), now); err != nil {
			t.Fatal(err)
		}
	}
	if len(keys.cached) > cacheKeys {
		t.Errorf("%d keys are remembered", len(keys.cached))
	}
}
