package vault

import (
	"context"
	"crypto/cipher"
	"encoding/binary"

	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/errs"
)

// A sealed value is the format's number, a nonce, and the text with its tag.
const (
	sealFormat = 1
	nonceBytes = 12
	tagBytes   = 16

	// Overhead is how much longer a sealed value is than what it holds.
	Overhead = 1 + nonceBytes + tagBytes

	placeKey = "vault_key.wrapped"
)

// bound is what a sealed value is bound to: the column and the row it lies in. Moved to
// another, it can't be opened.
func bound(place string, row int64) []byte {
	return binary.BigEndian.AppendUint64(append(append(make([]byte, 0, len(place)+9), place...), 0), uint64(row))
}

func (v *Vault) seal(key cipher.AEAD, place string, row int64, plain []byte) ([]byte, error) {
	out := make([]byte, 1+nonceBytes, Overhead+len(plain))
	out[0] = sealFormat
	if err := v.fill(out[1:]); err != nil {
		return nil, err
	}
	return key.Seal(out, out[1:], plain, bound(place, row)), nil
}

func open(key cipher.AEAD, place string, row int64, sealed []byte) ([]byte, error) {
	if len(sealed) < Overhead || sealed[0] != sealFormat {
		return nil, errs.New(errs.Internal, codes.VaultDamaged, "a sealed value in %s is damaged", place)
	}
	plain, err := key.Open(nil, sealed[1:1+nonceBytes], sealed[1+nonceBytes:], bound(place, row))
	if err != nil {
		return nil, errs.New(errs.Internal, codes.VaultDamaged, "a sealed value in %s is damaged or belongs elsewhere", place).Because(err)
	}
	return plain, nil
}

// Seal seals a value under a customer's key, bound to the column ("attempt.content") and the
// row it will lie in. What is empty stays empty: it says nothing of anyone.
func (k *Keys) Seal(key int64, column string, row int64, plain []byte) ([]byte, error) {
	if len(plain) == 0 {
		return []byte{}, nil
	}
	a := k.of[key]
	if a == nil {
		return nil, ErrErased
	}
	return k.v.seal(a, column, row, plain)
}

// Open opens what Seal sealed for the same column and row.
func (k *Keys) Open(key int64, column string, row int64, sealed []byte) ([]byte, error) {
	if len(sealed) == 0 {
		return nil, nil
	}
	a := k.of[key]
	if a == nil {
		return nil, ErrErased
	}
	return open(a, column, row, sealed)
}

// Seal seals one value; whoever has several reads their keys together.
func (v *Vault) Seal(ctx context.Context, key int64, column string, row int64, plain []byte) ([]byte, error) {
	k, err := v.Keys(ctx, []int64{key})
	if err != nil {
		return nil, err
	}
	return k.Seal(key, column, row, plain)
}

// Open opens one value; whoever has several reads their keys together.
func (v *Vault) Open(ctx context.Context, key int64, column string, row int64, sealed []byte) ([]byte, error) {
	k, err := v.Keys(ctx, []int64{key})
	if err != nil {
		return nil, err
	}
	return k.Open(key, column, row, sealed)
}
