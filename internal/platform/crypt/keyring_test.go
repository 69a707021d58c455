package crypt_test

import (
	"bytes"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/huiyin/huiyin/internal/platform/crypt"
	"github.com/huiyin/huiyin/internal/platform/errs"
)

func open(t *testing.T, path string) *crypt.Keyring {
	t.Helper()
	k, err := crypt.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestTheKeyFileIsMadeOnceAndForTheServerAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.keys")
	macs := make([][]byte, 8)
	var servers sync.WaitGroup
	for i := range macs {
		servers.Go(func() { macs[i] = open(t, path).MAC("p", []byte("m")) })
	}
	servers.Wait()
	for _, m := range macs {
		if !bytes.Equal(m, macs[0]) {
			t.Fatal("servers that started together have different keys")
		}
	}
	st, err := os.Stat(path)
	if err != nil || st.Mode().Perm() != 0o600 {
		t.Fatalf("%v %v", st.Mode(), err)
	}
}

func TestADamagedKeyFileIsRefusedAndLeftAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.keys")
	for _, text := range []string{"", "huiyin-keys-1 ", "huiyin-keys-1 AAAA\n", "something else"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := crypt.Open(path); errs.CodeOf(err) != "key-file-broken" {
			t.Errorf("%q: %v", text, err)
		}
		if b, err := os.ReadFile(path); err != nil || string(b) != text {
			t.Errorf("%q became %q, %v", text, b, err)
		}
	}
}

func TestPurposesPartsAndHousesAreKeptApart(t *testing.T) {
	a, b := crypt.FromSeed([]byte("a")), crypt.FromSeed([]byte("b"))
	all := [][]byte{
		a.MAC("p", []byte("ab"), []byte("c")), a.MAC("p", []byte("a"), []byte("bc")), a.MAC("p", []byte("abc")),
		a.MAC("q", []byte("abc")), b.MAC("p", []byte("abc")), a.MAC("p", []byte("abc"), nil),
	}
	for i := range all {
		for j := range i {
			if crypt.Equal(all[i], all[j]) {
				t.Errorf("%d and %d are the same", i, j)
			}
		}
	}
	if !crypt.Equal(a.MAC("p", []byte("abc")), all[2]) {
		t.Error("the same is not the same again")
	}
}
