package staff

import (
	"crypto/sha256"
	"encoding/binary"
	"hash/crc32"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/errs"
	"github.com/huiyin/huiyin/internal/platform/ids"
)

const (
	keyPrefix    = "hy_"
	tokenChars   = 26 // 128 bits
	sumChars     = 7  // 32 bits
	nameCharsMax = 100
)

// Key is an API key, without what makes it one.
type Key struct {
	ID      int64
	Name    string // who or what holds it
	Scopes  []codes.Scope
	Created time.Time
	Expires time.Time // zero: never
	Revoked time.Time // zero: not
}

// May says whether the key's holder may do something.
func (k *Key) May(s codes.Scope) bool {
	return slices.Contains(k.Scopes, s) || slices.Contains(k.Scopes, codes.Admin)
}

// spell writes a token as a key.
func spell(token string) string { return keyPrefix + token + checksum(token) }

func checksum(token string) string {
	return ids.Spell(binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE([]byte(token))))
}

// wellFormed says whether a text could be a key of ours at all.
func wellFormed(key string) bool {
	token, found := strings.CutPrefix(key, keyPrefix)
	return found && len(token) == tokenChars+sumChars && checksum(token[:tokenChars]) == token[tokenChars:]
}

func hash(key string) [sha256.Size]byte { return sha256.Sum256([]byte(key)) }

// prepare checks what a key is to be.
func (k *Key) prepare(now time.Time) error {
	if k.Name == "" || utf8.RuneCountInString(k.Name) > nameCharsMax || !utf8.ValidString(k.Name) || strings.ContainsFunc(k.Name, unicode.IsControl) {
		return errs.New(errs.Invalid, codes.FieldInvalid, "give the key a name of up to %d characters that says who holds it", nameCharsMax).At("name")
	}
	if len(k.Scopes) == 0 {
		return errs.New(errs.Invalid, codes.FieldMissing, "the key may do nothing: give it scopes, such as events-write").At("scopes")
	}
	k.Scopes = slices.Compact(slices.Sorted(slices.Values(k.Scopes)))
	known := codes.Scopes()
	for _, s := range k.Scopes {
		if !slices.Contains(known, s) {
			return errs.New(errs.Invalid, codes.FieldInvalid, "there is no scope %q: write some of %s", s, join(known, ", ")).At("scopes")
		}
	}
	if !k.Expires.IsZero() && !k.Expires.After(now) {
		return errs.New(errs.Invalid, codes.FieldInvalid, "the key would have expired already: give a later time, or none").At("expires")
	}
	return nil
}

func join(scopes []codes.Scope, between string) string {
	words := make([]string, len(scopes))
	for i, s := range scopes {
		words[i] = string(s)
	}
	return strings.Join(words, between)
}

func split(text string) []codes.Scope {
	var scopes []codes.Scope
	for _, w := range strings.Fields(text) {
		scopes = append(scopes, codes.Scope(w))
	}
	return scopes
}
