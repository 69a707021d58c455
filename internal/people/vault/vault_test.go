package vault_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/huiyin/huiyin/internal/people/vault"
	"github.com/huiyin/huiyin/internal/people/vault/vaulttest"
	"github.com/huiyin/huiyin/internal/platform/crypt"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/db/dbtest"
	"github.com/huiyin/huiyin/internal/platform/errs"
)

const column = "customer.profile"

// each runs a test on a vault of each engine, under keys in a file; again opens the same
// vault anew, as another process would.
func each(t *testing.T, fn func(t *testing.T, v *vault.Vault, again func() *vault.Vault)) {
	on := func(t *testing.T, address string) {
		path := filepath.Join(t.TempDir(), "x.keys")
		again := func() *vault.Vault {
			keys, err := crypt.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			return vaulttest.At(t, address, keys)
		}
		fn(t, again(), again)
	}
	t.Run("sqlite", func(t *testing.T) { on(t, "sqlite:"+filepath.Join(t.TempDir(), "x.vault")) })
	t.Run("postgres", func(t *testing.T) { on(t, dbtest.PostgresURL(t)) })
}

func take(t *testing.T, v *vault.Vault) int64 {
	t.Helper()
	id, err := v.Take(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func sealed(t *testing.T, v *vault.Vault, key int64, text string) []byte {
	t.Helper()
	b, err := v.Seal(t.Context(), key, column, 7, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func opens(v *vault.Vault, key int64, b []byte) (string, error) {
	text, err := v.Open(context.Background(), key, column, 7, b)
	return string(text), err
}

func TestWhatIsSealedIsOpenedByWhoeverHasTheVaultAndTheKeyFile(t *testing.T) {
	each(t, func(t *testing.T, v *vault.Vault, again func() *vault.Vault) {
		key := take(t, v)
		b := sealed(t, v, key, "张三")
		if text, err := opens(again(), key, b); err != nil || text != "张三" {
			t.Fatalf("%q %v", text, err)
		}
		if other := take(t, again()); other == key {
			t.Fatal("another process was given the same key")
		}
	})
}

func TestASealedValueOpensNowhereElse(t *testing.T) {
	v := vaulttest.New(t)
	key, other := take(t, v), take(t, v)
	b := sealed(t, v, key, "张三")
	for name, try := range map[string]func() ([]byte, error){
		"in another column":   func() ([]byte, error) { return v.Open(t.Context(), key, "attempt.content", 7, b) },
		"in another row":      func() ([]byte, error) { return v.Open(t.Context(), key, column, 8, b) },
		"under another's key": func() ([]byte, error) { return v.Open(t.Context(), other, column, 7, b) },
		"with a bit turned": func() ([]byte, error) {
			c := slices.Clone(b)
			c[len(c)/2] ^= 1
			return v.Open(t.Context(), key, column, 7, c)
		},
		"cut short":                 func() ([]byte, error) { return v.Open(t.Context(), key, column, 7, b[:20]) },
		"under a key never made":    func() ([]byte, error) { return v.Open(t.Context(), 99, column, 7, b) },
		"under no key":              func() ([]byte, error) { return v.Open(t.Context(), 0, column, 7, b) },
		"as a format of the future": func() ([]byte, error) { c := slices.Clone(b); c[0] = 9; return v.Open(t.Context(), key, column, 7, c) },
	} {
		if text, err := try(); err == nil {
			t.Errorf("%s it opened: %q", name, text)
		}
	}
	if c := sealed(t, v, key, "张三"); slices.Equal(b, c) {
		t.Error("the same text sealed twice looks the same")
	}
}

func TestADestroyedKeyOpensNothingAndTheLedgerSaysSo(t *testing.T) {
	each(t, func(t *testing.T, v *vault.Vault, again func() *vault.Vault) {
		key, stays := take(t, v), take(t, v)
		b, c := sealed(t, v, key, "张三"), sealed(t, v, stays, "李四")
		for range 2 { // erased twice
			if err := v.Destroy(t.Context(), vault.Erasure{Customer: 5, Key: key, RefHash: []byte("h"), Reason: "asked"}); err != nil {
				t.Fatal(err)
			}
		}
		for _, w := range []*vault.Vault{v, again()} {
			if text, err := opens(w, key, b); !vault.IsErased(err) {
				t.Errorf("%q %v", text, err)
			}
			if text, err := opens(w, stays, c); text != "李四" {
				t.Errorf("%q %v", text, err)
			}
			ledger, err := w.Erased(t.Context(), 0, 10)
			if err != nil || len(ledger) != 1 || ledger[0].Customer != 5 || ledger[0].Key != key || ledger[0].Seq != 1 {
				t.Errorf("%+v %v", ledger, err)
			}
		}
		if missing, err := v.Unwritten(t.Context(), []int64{4, 5, 6}); err != nil || !slices.Equal(missing, []int64{4, 6}) {
			t.Errorf("%v %v", missing, err)
		}
	})
}

func TestKeysAreRotatedWhileOthersGoOn(t *testing.T) {
	each(t, func(t *testing.T, v *vault.Vault, again func() *vault.Vault) {
		var keys []int64
		var texts [][]byte
		for range 3 {
			keys = append(keys, take(t, v))
			texts = append(texts, sealed(t, v, keys[len(keys)-1], "张三"))
		}
		node := again() // has read the key file before
		for want := 2; want <= 3; want++ {
			if n, err := v.Rotate(t.Context(), nil); err != nil || n != want {
				t.Fatalf("%d %v", n, err)
			}
			v.Forget(keys...)
			node.Forget(keys...)
			for i, key := range keys {
				for name, w := range map[string]*vault.Vault{"here": v, "on a node that ran": node, "on a new node": again()} {
					if text, err := opens(w, key, texts[i]); err != nil || text != "张三" {
						t.Fatalf("after rotation to %d, %s: %q %v", want, name, text, err)
					}
				}
			}
			key := take(t, node) // of its pool; and one it makes now
			if err := node.Prepare(t.Context(), 200); err != nil {
				t.Fatal(err)
			}
			keys, texts = append(keys, key), append(texts, sealed(t, node, key, "张三"))
		}
	})
}

func TestAnOldCopyOfTheVaultIsWorthlessAfterARotation(t *testing.T) {
	folder := t.TempDir()
	keys, err := crypt.Open(filepath.Join(folder, "x.keys"))
	if err != nil {
		t.Fatal(err)
	}
	v := vaulttest.At(t, "sqlite:"+filepath.Join(folder, "x.vault"), keys)
	key := take(t, v)
	b := sealed(t, v, key, "张三")
	if _, err := v.Scrub(t.Context()); err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(folder, "copy")
	copyFile(t, filepath.Join(folder, "x.vault"), copied)
	if _, err := v.Rotate(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if text, err := opens(vaulttest.At(t, "sqlite:"+copied, keys), key, b); errs.CodeOf(err) != "wrapping-key-missing" {
		t.Fatalf("%q %v", text, err)
	}
}

// Wherever a rotation is cut off, whoever reads finds their keys, and the next one ends it.
func TestARotationCutOffAnywhereIsTakenUp(t *testing.T) {
	folder := t.TempDir()
	ring, err := crypt.Open(filepath.Join(folder, "x.keys"))
	if err != nil {
		t.Fatal(err)
	}
	d, err := db.Open(t.Context(), "sqlite:"+filepath.Join(folder, "x.vault"), db.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = d.Close() }()
	v := vaulttest.On(t, d, ring)
	keys := make([]int64, 1200) // three batches
	if err := v.Prepare(t.Context(), len(keys)); err != nil {
		t.Fatal(err)
	}
	for i := range keys {
		keys[i] = take(t, v)
	}
	text := sealed(t, v, keys[777], "张三")
	dead := errors.New("dead")
	finished := false
	for kill := 0; !finished; kill++ {
		left := kill
		dying := vaulttest.On(t, d.Hooked(func(string) error {
			if left--; left < 0 {
				return dead
			}
			return nil
		}), ring)
		if dying != nil {
			_, err := dying.Rotate(t.Context(), nil)
			if finished = err == nil; err != nil && !errors.Is(err, dead) {
				t.Fatal(err)
			}
		}
		v.Forget(keys...)
		all, err := v.Keys(t.Context(), keys)
		if err != nil {
			t.Fatalf("cut off at point %d: %v", kill, err)
		}
		for _, k := range keys {
			if !all.Has(k) {
				t.Fatalf("cut off at point %d: key %d is lost", kill, k)
			}
		}
		if got, err := opens(v, keys[777], text); err != nil || got != "张三" {
			t.Fatalf("cut off at point %d: %q %v", kill, got, err)
		}
	}
	if ring.Newest() < 2 || ring.Oldest() != ring.Newest() {
		t.Fatalf("keys %d to %d are left, want the newest alone", ring.Oldest(), ring.Newest())
	}
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	b, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, b, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}
