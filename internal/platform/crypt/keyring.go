package crypt

import (
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io/fs"
	"sync"
)

const keyBytes = 32

// Keyring computes MACs under keys derived from one master key, and holds the keys that
// wrap the vault's. It is safe for concurrent use.
type Keyring struct {
	path   string // "": made from a seed
	master []byte
	pools  sync.Map // purpose -> *sync.Pool of hash.Hash

	mu       sync.Mutex
	wrapping map[int]cipher.AEAD // by number
}

// Open reads the key file at path and makes it, with new keys, if there is none.
func Open(path string) (*Keyring, error) {
	f, err := readFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err := create(path); err != nil {
			return nil, fmt.Errorf("make the key file %s: %w", path, err)
		}
		f, err = readFile(path)
	}
	if err != nil {
		return nil, err
	}
	if len(f.wrapping) == 0 { // written before there was a vault
		if f, err = change(path, func(f *keyFile) error { return f.add(1) }); err != nil {
			return nil, err
		}
	}
	k := FromSeed(f.master)
	k.path = path
	return k, k.take(f)
}

// FromSeed makes a keyring whose master key is seed, and which lies in no file: for
// simulations, tests and databases in memory.
func FromSeed(seed []byte) *Keyring {
	k := &Keyring{master: append([]byte(nil), seed...), wrapping: map[int]cipher.AEAD{}}
	k.wrapping[1] = k.derived(1)
	return k
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
