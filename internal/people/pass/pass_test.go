package pass_test

import (
	"context"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/huiyin/huiyin/internal/people/pass"
	"github.com/huiyin/huiyin/internal/people/staff"
	"github.com/huiyin/huiyin/internal/platform/clock"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/crypt"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/db/dbtest"
	"github.com/huiyin/huiyin/internal/platform/errs"
	"github.com/huiyin/huiyin/internal/platform/ids"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// house is one deployment with a signing key of its wallet's.
type house struct {
	*pass.Checker
	clock   *clock.Virtual
	db      *db.DB
	ids     *ids.Source
	keys    *crypt.Keyring
	apiKeys *staff.Keys
	secret  string
	key     staff.Key
}

func newHouse(t testing.TB, d *db.DB) *house {
	t.Helper()
	c := clock.NewVirtual(noon)
	h := &house{clock: c, db: d, ids: ids.New(c, 1, rand.Reader), keys: crypt.FromSeed([]byte("seed")), apiKeys: staff.NewKeys(d, c)}
	h.secret, h.key = h.newKey(t)
	h.Checker = &pass.Checker{Clock: c, Secret: func(ctx context.Context, number string) (string, error) {
		return h.apiKeys.SigningSecret(ctx, h.keys, number)
	}}
	return h
}

func (h *house) newKey(t testing.TB) (secret string, made staff.Key) {
	t.Helper()
	err := h.db.Write(context.Background(), db.First, "key", func(tx *db.Tx) (err error) {
		secret, made, err = staff.CreateSigning(tx, h.ids, h.keys, staff.Key{Name: "wallet", Scopes: []codes.Scope{codes.CustomersSign}}, h.clock.Now())
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return secret, made
}

func claims() pass.Claims {
	return pass.Claims{Customer: "W1004", Issued: noon, Expires: noon.Add(10 * time.Minute), Nonce: "n0nce-of-chance"}
}

func sign(t testing.TB, secret string, c pass.Claims) string {
	t.Helper()
	token, err := pass.Sign(secret, c)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func enc(v any) string {
	b, ok := v.(string)
	if !ok {
		raw, err := json.Marshal(v)
		if err != nil {
			panic(err)
		}
		b = string(raw)
	}
	return base64.RawURLEncoding.EncodeToString([]byte(b))
}

// signed makes a token of any head and body, signed rightly.
func (h *house) signed(head, body any) string {
	text := enc(head) + "." + enc(body)
	m := hmac.New(sha256.New, []byte(h.secret))
	m.Write([]byte(text))
	return text + "." + base64.RawURLEncoding.EncodeToString(m.Sum(nil))
}

func (h *house) head() map[string]any {
	number, _ := staff.SigningID(h.secret)
	return map[string]any{"alg": "HS256", "typ": "JWT", "kid": number}
}

func body() map[string]any {
	return map[string]any{"aud": pass.Audience, "sub": "W1004", "iat": noon.Unix(), "exp": noon.Unix() + 600, "jti": "n0nce-of-chance"}
}

func with(m map[string]any, key string, value any) map[string]any {
	if value == nil {
		delete(m, key)
	} else {
		m[key] = value
	}
	return m
}

func TestATokenOfTheWalletsIsRead(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		for name, token := range map[string]string{
			"as we sign it":                         sign(t, h.secret, claims()),
			"with the audience in a list":           h.signed(h.head(), with(body(), "aud", []string{pass.Audience})),
			"with claims we don't ask for":          h.signed(h.head(), with(body(), "iss", "wallet")),
			"without typ":                           h.signed(with(h.head(), "typ", nil), body()),
			"by a clock half a minute ahead of us":  sign(t, h.secret, pass.Claims{Customer: "W1004", Issued: noon.Add(30 * time.Second), Expires: noon.Add(15 * time.Minute), Nonce: "n0nce-of-chance"}),
			"of a customer with a name in Chinese":  h.signed(h.head(), with(body(), "sub", "客户-1")),
			"of the longest time there is":          h.signed(h.head(), with(body(), "exp", noon.Unix()+900)),
			"a second before it expires":            h.signed(h.head(), with(with(body(), "iat", noon.Unix()-899), "exp", noon.Unix()+1)),
			"the same again, within its time":       sign(t, h.secret, claims()),
			"of a wallet that signs its own nonces": h.signed(h.head(), with(body(), "jti", strings.Repeat("x", 128))),
		} {
			got, err := h.Check(t.Context(), token)
			if err != nil || got.Customer != "W1004" && got.Customer != "客户-1" {
				t.Errorf("a token %s: %+v, %v", name, got, err)
			}
		}
	})
}

func TestATokenThatIsWrongInAnyWayOpensNothing(t *testing.T) {
	h := newHouse(t, dbtest.Memory(t, db.Options{}))
	good := sign(t, h.secret, claims())
	parts := strings.Split(good, ".")
	other, _ := h.newKey(t)
	otherID, _ := staff.SigningID(other)
	foreign := crypt.FromSeed([]byte("another house"))
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	text := enc(with(h.head(), "alg", "EdDSA")) + "." + enc(body())
	for name, token := range map[string]string{
		"none at all":                         "",
		"an API key":                          "hy_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		"one part":                            parts[0],
		"its signature stripped":              parts[0] + "." + parts[1] + ".",
		"without the signature's dot":         parts[0] + "." + parts[1],
		"alg none, no signature":              enc(with(h.head(), "alg", "none")) + "." + parts[1] + ".",
		"alg none, signed":                    h.signed(with(h.head(), "alg", "none"), body()),
		"alg hs256 in small letters":          h.signed(with(h.head(), "alg", "hs256"), body()),
		"another algorithm, signed with it":   text + "." + base64.RawURLEncoding.EncodeToString(ed25519.Sign(private, []byte(text))),
		"another algorithm, signed with ours": h.signed(with(h.head(), "alg", "HS512"), body()),
		"a key in its head":                   h.signed(with(h.head(), "jwk", map[string]any{"kty": "oct", "k": "AAAA"}), body()),
		"crit in its head":                    h.signed(with(h.head(), "crit", []string{"exp"}), body()),
		"another kind":                        h.signed(with(h.head(), "typ", "at+jwt"), body()),
		"signed with another key's secret":    h.signed(with(h.head(), "kid", otherID), body()),
		"a kid that never was":                h.signed(with(h.head(), "kid", "12345"), body()),
		"a kid with a sign before it":         h.signed(with(h.head(), "kid", "+"+h.head()["kid"].(string)), body()),
		"no kid":                              h.signed(with(h.head(), "kid", nil), body()),
		"a kid that is no number":             h.signed(with(h.head(), "kid", "../keys"), body()),
		"the right kid and an empty secret":   strings.Join(parts[:2], ".") + "." + enc("") + "A",
		"a changed customer":                  parts[0] + "." + enc(with(body(), "sub", "W1005")) + "." + parts[2],
		"a signature of another of its own":   parts[0] + "." + parts[1] + "." + strings.Split(h.signed(h.head(), with(body(), "sub", "W1005")), ".")[2],
		"a signature with padding":            good + "=",
		"a signature with spare bits":         good[:len(good)-1] + flip(good[len(good)-1]),
		"a signature cut short":               good[:len(good)-2],
		"a fourth part":                       good + ".x",
		"expired":                             h.signed(h.head(), with(with(body(), "iat", noon.Unix()-600), "exp", noon.Unix())),
		"expired long ago":                    h.signed(h.head(), with(with(body(), "iat", noon.Unix()-90_000), "exp", noon.Unix()-89_400)),
		"signed in the future":                h.signed(h.head(), with(with(body(), "iat", noon.Unix()+61), "exp", noon.Unix()+600)),
		"valid for sixteen minutes":           h.signed(h.head(), with(body(), "exp", noon.Unix()+960)),
		"valid for ever":                      h.signed(h.head(), with(body(), "exp", nil)),
		"times that overflow":                 h.signed(h.head(), with(with(body(), "iat", int64(-1<<62)), "exp", int64(1<<62))),
		"another audience":                    h.signed(h.head(), with(body(), "aud", "huiyin-console")),
		"two audiences":                       h.signed(h.head(), with(body(), "aud", []string{pass.Audience, "x"})),
		"no audience":                         h.signed(h.head(), with(body(), "aud", nil)),
		"no customer":                         h.signed(h.head(), with(body(), "sub", nil)),
		"a customer beyond all bounds":        h.signed(h.head(), with(body(), "sub", strings.Repeat("长", 129))),
		"no nonce":                            h.signed(h.head(), with(body(), "jti", nil)),
		"times as text":                       h.signed(h.head(), with(body(), "exp", "never")),
		"something behind its JSON":           h.signed(h.head(), `{"aud":"huiyin-inapp"} {}`),
		"a head with something behind it":     h.signed(`{"alg":"HS256","kid":"1"} x`, body()),
		"1 MB":                                strings.Repeat("a", 1<<20),
	} {
		if got, err := h.Check(t.Context(), token); errs.CodeOf(err) != codes.CustomerToken || errs.KindOf(err) != errs.Unauthorized || got != (pass.Claims{}) {
			t.Errorf("a token with %s: %+v, %v", name, got, err)
		}
	}
	if _, err := h.Check(t.Context(), good); err != nil {
		t.Errorf("the good one at the end: %v", err)
	}
	stranger := &pass.Checker{Clock: h.clock, Secret: func(ctx context.Context, number string) (string, error) {
		return h.apiKeys.SigningSecret(ctx, foreign, number)
	}}
	if _, err := stranger.Check(t.Context(), good); errs.CodeOf(err) != codes.CustomerToken {
		t.Errorf("a house with another key file took it: %v", err)
	}
}

func flip(last byte) string {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	return string(letters[strings.IndexByte(letters, last)^1]) // of the two spare bits, the last
}

func TestARevokedKeySignsNoMore(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		token := sign(t, h.secret, claims())
		if _, err := h.Check(t.Context(), token); err != nil {
			t.Fatal(err)
		}
		if err := h.apiKeys.Revoke(t.Context(), h.key.ID); err != nil {
			t.Fatal(err)
		}
		if _, err := h.Check(t.Context(), token); errs.CodeOf(err) != codes.CustomerToken {
			t.Errorf("after the key was revoked: %v", err)
		}
		if _, err := h.apiKeys.Authenticate(t.Context(), h.secret); errs.KindOf(err) != errs.Unauthorized {
			t.Errorf("a signing secret opened the API: %v", err)
		}
	})
}

func TestASigningKeyDoesNothingElse(t *testing.T) {
	h := newHouse(t, dbtest.Memory(t, db.Options{}))
	for name, make := range map[string]func(tx *db.Tx, k staff.Key) error{
		"with a second scope": func(tx *db.Tx, k staff.Key) error {
			k.Scopes = append(k.Scopes, codes.EventsWrite)
			_, _, err := staff.CreateSigning(tx, h.ids, h.keys, k, noon)
			return err
		},
		"as an API key": func(tx *db.Tx, k staff.Key) error {
			_, _, err := staff.Create(tx, h.ids, k, noon)
			return err
		},
	} {
		err := h.db.Write(t.Context(), db.First, "key", func(tx *db.Tx) error {
			return make(tx, staff.Key{Name: "wallet", Scopes: []codes.Scope{codes.CustomersSign}})
		})
		if errs.KindOf(err) != errs.Invalid {
			t.Errorf("a signing key %s: %v", name, err)
		}
	}
	if _, err := pass.Sign("hy_abc", claims()); err == nil {
		t.Error("an API key signs tokens")
	}
}

// FuzzCheck looks for a text that is taken for a token and isn't the one that was signed.
func FuzzCheck(f *testing.F) {
	h := newHouse(f, dbtest.Memory(f, db.Options{}))
	good := sign(f, h.secret, claims())
	f.Add(good)
	f.Add(strings.Join(strings.Split(good, ".")[:2], ".") + ".")
	f.Add(enc(with(h.head(), "alg", "none")) + "." + enc(body()) + ".")
	f.Add(h.signed(h.head(), with(body(), "aud", []any{1})))
	f.Add("..")
	f.Add(fmt.Sprintf("%s.%s.", enc(h.head()), enc(body())))
	f.Fuzz(func(t *testing.T, token string) {
		got, err := h.Check(context.Background(), token)
		switch {
		case err == nil && (token != good && !strings.HasSuffix(token, strings.Split(good, ".")[2]) || got.Customer != "W1004"):
			t.Errorf("%q was taken: %+v", token, got)
		case err != nil && errs.KindOf(err) != errs.Unauthorized:
			t.Errorf("%q: %v", token, err)
		}
	})
}
