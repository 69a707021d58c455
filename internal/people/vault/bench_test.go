package vault_test

import (
	"path/filepath"
	"testing"

	"github.com/huiyin/huiyin/internal/people/vault"
	"github.com/huiyin/huiyin/internal/people/vault/vaulttest"
	"github.com/huiyin/huiyin/internal/platform/crypt"
)

func benchVault(b *testing.B, n int) (*vault.Vault, []int64) {
	b.Helper()
	v := vaulttest.At(b, "sqlite:"+filepath.Join(b.TempDir(), "x.vault"), crypt.FromSeed([]byte("bench")))
	keys := make([]int64, n)
	if err := v.Prepare(b.Context(), n); err != nil {
		b.Fatal(err)
	}
	for i := range keys {
		var err error
		if keys[i], err = v.Take(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
	return v, keys
}

const batch = 200

func BenchmarkOpenAValueWithItsKeyAtHand(b *testing.B) {
	v, keys := benchVault(b, 1)
	k, err := v.Keys(b.Context(), keys)
	if err != nil {
		b.Fatal(err)
	}
	sealed, err := k.Seal(keys[0], column, 7, []byte("+8613800000001"))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := k.Open(keys[0], column, 7, sealed); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSealAMessage(b *testing.B) {
	v, keys := benchVault(b, 1)
	k, err := v.Keys(b.Context(), keys)
	if err != nil {
		b.Fatal(err)
	}
	text := make([]byte, 500)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := k.Seal(keys[0], column, 7, text); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkReadABatchOfKeys(b *testing.B) {
	for name, forget := range map[string]bool{"from memory": false, "from the vault": true} {
		b.Run(name, func(b *testing.B) {
			v, keys := benchVault(b, batch)
			for b.Loop() {
				if forget {
					v.Forget(keys...)
				}
				if _, err := v.Keys(b.Context(), keys); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*batch), "ns/key")
		})
	}
}

func BenchmarkMakeKeys(b *testing.B) {
	v, _ := benchVault(b, 2048)
	for b.Loop() {
		if _, err := v.Take(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}
