package crypt

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"strconv"

	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/errs"
)

// AEAD is AES-256-GCM under a key of 32 bytes.
func AEAD(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// derived is a wrapping key of a keyring that lies in no file.
func (k *Keyring) derived(number int) cipher.AEAD {
	key, err := hkdf.Key(sha256.New, k.master, nil, "huiyin/kek/"+strconv.Itoa(number), keyBytes)
	if err != nil {
		panic("crypt: " + err.Error()) // only an absurd length can fail
	}
	a, err := AEAD(key)
	if err != nil {
		panic("crypt: " + err.Error())
	}
	return a
}

// take makes the keyring hold the wrapping keys of the file, and no others.
func (k *Keyring) take(f *keyFile) error {
	all := make(map[int]cipher.AEAD, len(f.wrapping))
	for n, key := range f.wrapping {
		a, err := AEAD(key)
		if err != nil {
			return err
		}
		all[n] = a
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.wrapping = all
	return nil
}

// Wrapping gives the wrapping key of a number. One that isn't known yet is looked for in
// the file: another process may have made it.
func (k *Keyring) Wrapping(number int) (cipher.AEAD, error) {
	if a := k.known(number); a != nil {
		return a, nil
	}
	if k.path != "" {
		f, err := readFile(k.path)
		if err != nil {
			return nil, err
		}
		if err := k.take(f); err != nil {
			return nil, err
		}
		if a := k.known(number); a != nil {
			return a, nil
		}
	}
	return nil, errs.New(errs.Conflict, codes.WrappingKeyMissing,
		"the vault's keys are wrapped under key %d, which the key file %s doesn't hold; the vault was restored from before a rotation, or the file wasn't copied to this node since", number, k.path)
}

func (k *Keyring) known(number int) cipher.AEAD {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.wrapping[number]
}

// Newest is the number of the newest wrapping key.
func (k *Keyring) Newest() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	n := 0
	for number := range k.wrapping {
		n = max(n, number)
	}
	return n
}

// Renew makes sure that there is a wrapping key of this number, durable in the file.
func (k *Keyring) Renew(number int) error {
	if k.path == "" {
		k.mu.Lock()
		defer k.mu.Unlock()
		k.wrapping[number] = k.derived(number)
		return nil
	}
	f, err := change(k.path, func(f *keyFile) error {
		if f.wrapping[number] != nil {
			return nil
		}
		return f.add(number)
	})
	if err != nil {
		return err
	}
	return k.take(f)
}

// Retire removes the wrapping keys before this number, here and in the file: whatever is
// still wrapped under them can't be read any more.
func (k *Keyring) Retire(before int) error {
	if k.path == "" {
		k.mu.Lock()
		defer k.mu.Unlock()
		for n := range k.wrapping {
			if n < before {
				delete(k.wrapping, n)
			}
		}
		return nil
	}
	f, err := change(k.path, func(f *keyFile) error {
		for n := range f.wrapping {
			if n < before {
				delete(f.wrapping, n)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return k.take(f)
}

// Oldest is the number of the oldest wrapping key.
func (k *Keyring) Oldest() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	n := 0
	for number := range k.wrapping {
		if n == 0 || number < n {
			n = number
		}
	}
	return n
}
