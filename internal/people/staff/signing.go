package staff

import (
	"context"
	"encoding/binary"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/crypt"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/errs"
	"github.com/huiyin/huiyin/internal/platform/ids"
)

const (
	signingPrefix  = "hys_"
	signingPurpose = "customer-token-secret"
)

// CreateSigning makes a key whose holder, the wallet's backend, signs tokens for its customers
// with it. It opens nothing itself. The secret is computed from the key file, so the database
// holds nothing by which a token could be forged.
func CreateSigning(tx *db.Tx, source *ids.Source, keys *crypt.Keyring, k Key, now time.Time) (secret string, made Key, err error) {
	if err := k.prepare(now); err != nil {
		return "", Key{}, err
	}
	if len(k.Scopes) != 1 {
		return "", Key{}, errs.New(errs.Invalid, codes.FieldInvalid, "a key that signs customer tokens can do nothing else; make a second key for the other scopes").At("scopes")
	}
	k.ID, k.Created, k.Revoked = source.Next(), now.UTC().Truncate(time.Millisecond), time.Time{}
	secret = signingSecret(keys, k.ID)
	return secret, k, k.insert(tx, secret)
}

// Signs says whether a key is for signing customer tokens.
func (k *Key) Signs() bool { return slices.Contains(k.Scopes, codes.CustomersSign) }

// signingSecret is hys_, the key's number, and 256 bits.
func signingSecret(keys *crypt.Keyring, id int64) string {
	return signingPrefix + strconv.FormatInt(id, 10) + "_" + ids.Spell(keys.MAC(signingPurpose, binary.BigEndian.AppendUint64(nil, uint64(id))))
}

// SigningID gives the number of the key in a signing secret: what tokens name it by.
func SigningID(secret string) (string, bool) {
	rest, ours := strings.CutPrefix(secret, signingPrefix)
	id, _, whole := strings.Cut(rest, "_")
	return id, ours && whole && id != ""
}

// SigningSecret gives the secret of a signing key by its number. It says the same of a key
// that never was, was revoked or has expired: nothing signed with it counts.
func (k *Keys) SigningSecret(ctx context.Context, keys *crypt.Keyring, number string) (string, error) {
	unknown := errs.New(errs.Unauthorized, codes.CustomerToken, "the token names no key that may sign; make one with `huiyin key create NAME --scope customers-sign`")
	id, err := strconv.ParseInt(number, 10, 64)
	if err != nil || id <= 0 || strconv.FormatInt(id, 10) != number {
		return "", unknown
	}
	secret, now := signingSecret(keys, id), k.clock.Now()
	found, err := k.find(ctx, hash(secret), now)
	switch {
	case err != nil:
		return "", err
	case found == nil, !found.Signs(), !found.Revoked.IsZero(), !found.Expires.IsZero() && !now.Before(found.Expires):
		return "", unknown
	}
	return secret, nil
}
