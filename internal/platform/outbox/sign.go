package outbox

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/crypt"
	"github.com/huiyin/huiyin/internal/platform/errs"
	"github.com/huiyin/huiyin/internal/platform/ids"
)

// The headers of Standard Webhooks.
const (
	HeaderID        = "Webhook-Id"
	HeaderStamp     = "Webhook-Timestamp"
	HeaderSignature = "Webhook-Signature"
)

const (
	secretPrefix     = "whsec_"
	secretBytesLeast = 24
	secretBytesMost  = 64
	signatureKind    = "v1"
	signaturesMost   = 16
	tolerance        = 5 * time.Minute
	messagePrefix    = "evt_"
	messageMACBytes  = 8

	purposeSecret  = "webhook-secret"
	purposeMessage = "webhook-message"
)

// Secret is the key of an endpoint's signatures in a generation: nobody needs to store it.
func Secret(k *crypt.Keyring, endpoint int64, generation int) []byte {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:], uint64(endpoint))
	binary.BigEndian.PutUint64(b[8:], uint64(generation))
	return k.MAC(purposeSecret, b[:])
}

// SpellSecret writes a secret as receivers are given it.
func SpellSecret(key []byte) string { return secretPrefix + base64.StdEncoding.EncodeToString(key) }

// ParseSecret reads what SpellSecret wrote.
func ParseSecret(text string) ([]byte, error) {
	rest, ok := strings.CutPrefix(text, secretPrefix)
	key, err := base64.StdEncoding.Strict().DecodeString(rest)
	if !ok || err != nil || strings.ContainsAny(rest, "\r\n") || len(key) < secretBytesLeast || len(key) > secretBytesMost {
		return nil, errs.New(errs.Invalid, codes.FieldInvalid, "the secret is not %s followed by %d to %d bytes in base64: copy it again", secretPrefix, secretBytesLeast, secretBytesMost)
	}
	return key, nil
}

// MessageID is what a notice is called on the wire: the same at every try, on every
// node and when it is sent again by hand, so receivers know it again.
func MessageID(k *crypt.Keyring, notice int64, at time.Time) string {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:], uint64(notice))
	binary.BigEndian.PutUint64(b[8:], uint64(at.UnixMilli()))
	return messagePrefix + ids.Spell(append(b[:8:8], k.MAC(purposeMessage, b[:])[:messageMACBytes]...))
}

// Sign signs a body with each key; a receiver that knows one of them is content.
func Sign(h http.Header, keys [][]byte, id string, at time.Time, body []byte) {
	stamp := strconv.FormatInt(at.Unix(), 10)
	signatures := make([]string, len(keys))
	for i, key := range keys {
		signatures[i] = signatureKind + "," + base64.StdEncoding.EncodeToString(mac(key, id, stamp, body))
	}
	h.Set(HeaderID, id)
	h.Set(HeaderStamp, stamp)
	h.Set(HeaderSignature, strings.Join(signatures, " "))
}

// Verify says whether one of the keys signed a body not long ago. Whoever calls it
// must still refuse an id that came before: a copy verifies as well as the original.
func Verify(h http.Header, keys [][]byte, now time.Time, body []byte) error {
	id, stamp := h.Get(HeaderID), h.Get(HeaderStamp)
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if id == "" || err != nil {
		return unsigned("the headers %s and %s are missing or unreadable", HeaderID, HeaderStamp)
	}
	// In seconds, since a far-off stamp would overflow a duration.
	if at, most := now.Unix(), int64(tolerance/time.Second); seconds < at-most || seconds > at+most {
		return unsigned("it was signed more than %v from now", tolerance)
	}
	given := strings.Fields(h.Get(HeaderSignature))
	for _, one := range given[:min(len(given), signaturesMost)] {
		kind, text, _ := strings.Cut(one, ",")
		got, err := base64.StdEncoding.DecodeString(text)
		if err != nil || kind != signatureKind {
			continue
		}
		for _, key := range keys {
			if hmac.Equal(got, mac(key, id, stamp, body)) {
				return nil
			}
		}
	}
	return unsigned("no signature fits")
}

func unsigned(format string, a ...any) error {
	return errs.New(errs.Unauthorized, codes.SignatureInvalid, format+": check the secret and the clocks", a...)
}

func mac(key []byte, id, stamp string, body []byte) []byte {
	m := hmac.New(sha256.New, key)
	_, _ = m.Write([]byte(id + "." + stamp + ".")) // a hash never fails
	_, _ = m.Write(body)
	return m.Sum(nil)
}
