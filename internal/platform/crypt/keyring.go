package crypt

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/huiyin/huiyin/internal/platform/errs"
)

const (
	keyBytes   = 32
	fileHeader = "huiyin-keys-1 "
)

// Keyring computes MACs under keys derived from one master key. It is safe for concurrent use.
type Keyring struct {
	master []byte
	pools  sync.Map // purpose -> *sync.Pool of hash.Hash
}

// Open reads the key file at path and makes it, with a new master key, if there is none.
func Open(path string) (*Keyring, error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err := create(path); err != nil {
			return nil, fmt.Errorf("make the key file %s: %w", path, err)
		}
		b, err = os.ReadFile(path)
	}
	if err != nil {
		return nil, fmt.Errorf("read the key file: %w", err)
	}
	text, ok := strings.CutPrefix(strings.TrimSpace(string(b)), strings.TrimSpace(fileHeader))
	master, err := base64.StdEncoding.DecodeString(strings.TrimSpace(text))
	if !ok || err != nil || len(master) != keyBytes {
		return nil, errs.New(errs.Invalid, "key-file-broken",
			"the key file %s is not one of ours or is damaged; put the right one back from your backup, a new one would make every link already sent worthless", path)
	}
	return FromSeed(master), nil
}

// FromSeed makes a keyring whose master key is seed: for simulations and tests.
func FromSeed(seed []byte) *Keyring { return &Keyring{master: append([]byte(nil), seed...)} }

// create writes a new key file in one step, so a crash leaves either none or a whole one,
// and two servers that start together agree on the first.
func create(path string) error {
	key := make([]byte, keyBytes)
	if _, err := rand.Read(key); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), ".keys-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(tmp.Name()) }()
	_, err = tmp.WriteString(fileHeader + base64.StdEncoding.EncodeToString(key) + "\n")
	err = errors.Join(err, tmp.Chmod(0o600), tmp.Sync(), tmp.Close())
	if err != nil {
		return err
	}
	if err := os.Link(tmp.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

// MAC is HMAC-SHA-256 of the parts, each with its length before it, under the key of this purpose.
func (k *Keyring) MAC(purpose string, parts ...[]byte) []byte {
	pool := k.pool(purpose)
	h := pool.Get().(hash.Hash)
	defer pool.Put(h)
	h.Reset()
	var n [4]byte
	for _, p := range parts {
		binary.BigEndian.PutUint32(n[:], uint32(len(p)))
		h.Write(n[:])
		h.Write(p)
	}
	return h.Sum(make([]byte, 0, sha256.Size))
}

func (k *Keyring) pool(purpose string) *sync.Pool {
	if p, ok := k.pools.Load(purpose); ok {
		return p.(*sync.Pool)
	}
	key, err := hkdf.Key(sha256.New, k.master, nil, "huiyin/"+purpose, keyBytes)
	if err != nil {
		panic("crypt: " + err.Error()) // only an absurd length can fail
	}
	p, _ := k.pools.LoadOrStore(purpose, &sync.Pool{New: func() any { return hmac.New(sha256.New, key) }})
	return p.(*sync.Pool)
}

// Equal compares two MACs in constant time.
func Equal(a, b []byte) bool { return hmac.Equal(a, b) }
