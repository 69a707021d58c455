package pass

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/huiyin/huiyin/internal/people/staff"
	"github.com/huiyin/huiyin/internal/platform/clock"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/errs"
)

const (
	// Audience is whom a token must be meant for.
	Audience = "huiyin-inapp"

	// ValidMost is the longest a token may be valid.
	ValidMost = 15 * time.Minute

	tokenBytesMax = 2 << 10
	nonceCharsMin = 8
	nonceCharsMax = 128
	refCharsMax   = 128

	// aheadMost is how far the signer's clock may be ahead of ours.
	aheadMost = time.Minute

	algorithm = "HS256"
	kind      = "JWT"
)

// Claims is what a token says.
type Claims struct {
	Customer        string // the wallet's own id
	Issued, Expires time.Time
	Nonce           string // of chance: no two tokens are the same
}

type header struct {
	Algorithm string `json:"alg"`
	Kind      string `json:"typ,omitempty"`
	Key       string `json:"kid"`
}

type body struct {
	Audience audience `json:"aud"`
	Customer string   `json:"sub"`
	Issued   int64    `json:"iat"`
	Expires  int64    `json:"exp"`
	Nonce    string   `json:"jti"`
}

// audience is one name; a list of that one name reads the same.
type audience string

func (a *audience) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*a = audience(one)
		return nil
	}
	var list []string
	if err := json.Unmarshal(b, &list); err != nil {
		return err
	}
	if len(list) == 1 {
		*a = audience(list[0])
	}
	return nil
}

// Checker reads tokens.
type Checker struct {
	Clock  clock.Clock
	Secret func(ctx context.Context, number string) (string, error) // of a signing key that counts
}

// Check gives the customer a token speaks for. What is wrong with one is told in a way that
// helps who signs, and is of no use to who forges.
func (c *Checker) Check(ctx context.Context, token string) (Claims, error) {
	if token == "" || len(token) > tokenBytesMax || strings.Count(token, ".") != 2 {
		return Claims{}, bad("the customer token is missing or isn't one: the wallet's backend signs it, and the app sends it as Authorization: Bearer …")
	}
	first, rest, _ := strings.Cut(token, ".")
	second, signature, _ := strings.Cut(rest, ".")
	var h header
	if err := part(first, &h, true); err != nil || h.Algorithm != algorithm || h.Kind != "" && !strings.EqualFold(h.Kind, kind) {
		return Claims{}, bad(`the token's head must be {"alg":"HS256","typ":"JWT","kid":"…"} and nothing else`)
	}
	secret, err := c.Secret(ctx, h.Key)
	if err != nil {
		return Claims{}, err
	}
	given, err := base64.RawURLEncoding.Strict().DecodeString(signature)
	if err != nil || !hmac.Equal(given, mac(secret, token[:len(first)+1+len(second)])) {
		return Claims{}, bad("the token's signature doesn't match; sign it with the secret whose number is its kid, all of the secret's text as the key")
	}
	var b body
	if err := part(second, &b, false); err != nil {
		return Claims{}, bad("the token's body can't be read; aud, sub and jti are texts, iat and exp whole seconds since 1970")
	}
	return b.judge(c.Clock.Now())
}

func (b *body) judge(now time.Time) (Claims, error) {
	claims := Claims{Customer: b.Customer, Nonce: b.Nonce}
	switch {
	case b.Audience != Audience:
		return Claims{}, bad("the token is meant for someone else; set aud to " + Audience)
	case b.Customer == "" || utf8.RuneCountInString(b.Customer) > refCharsMax || !utf8.ValidString(b.Customer):
		return Claims{}, bad("the token names no customer; set sub to the wallet's own id")
	case len(b.Nonce) < nonceCharsMin || len(b.Nonce) > nonceCharsMax:
		return Claims{}, bad("the token has no nonce; set jti to 8 to 128 characters of chance")
	case b.Issued <= 0 || b.Expires <= b.Issued || b.Expires-b.Issued > int64(ValidMost/time.Second):
		return Claims{}, bad("the token is valid for too long or not at all; set exp at most 15 minutes after iat")
	case b.Issued > now.Add(aheadMost).Unix():
		return Claims{}, bad("the token was signed in the future; set the signer's clock right")
	case b.Expires <= now.Unix():
		return Claims{}, bad("the token has expired; let the wallet's backend sign a new one")
	}
	claims.Issued, claims.Expires = time.Unix(b.Issued, 0).UTC(), time.Unix(b.Expires, 0).UTC()
	return claims, nil
}

// part reads one part of a token: one JSON value and nothing behind it.
func part(text string, into any, strict bool) error {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil {
		return err
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	if strict {
		decoder.DisallowUnknownFields()
	}
	if err := decoder.Decode(into); err != nil {
		return err
	}
	if _, err := decoder.Token(); err != io.EOF {
		return errs.New(errs.Invalid, codes.CustomerToken, "there is something behind the JSON")
	}
	return nil
}

// Sign makes a token. Wallets do so in their own language; this is for what plays the wallet:
// the demo, tools and tests.
func Sign(secret string, c Claims) (string, error) {
	number, ok := staff.SigningID(secret)
	if !ok {
		return "", errs.New(errs.Invalid, codes.CustomerToken, "this is no secret for signing; it begins with hys_")
	}
	head, err := json.Marshal(header{Algorithm: algorithm, Kind: kind, Key: number})
	if err != nil {
		return "", err
	}
	said, err := json.Marshal(body{Audience: Audience, Customer: c.Customer, Issued: c.Issued.Unix(), Expires: c.Expires.Unix(), Nonce: c.Nonce})
	if err != nil {
		return "", err
	}
	text := base64.RawURLEncoding.EncodeToString(head) + "." + base64.RawURLEncoding.EncodeToString(said)
	return text + "." + base64.RawURLEncoding.EncodeToString(mac(secret, text)), nil
}

func mac(secret, text string) []byte {
	h := hmac.New(sha256.New, []byte(secret))
	h.Write([]byte(text))
	return h.Sum(nil)
}

func bad(text string) error { return errs.New(errs.Unauthorized, codes.CustomerToken, "%s", text) }
