package outbox_test

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/huiyin/huiyin/internal/platform/crypt"
	"github.com/huiyin/huiyin/internal/platform/outbox"
)

var (
	house  = crypt.FromSeed([]byte("a seed for the tests of this package"))
	first  = outbox.Secret(house, 1, 1)
	second = outbox.Secret(house, 1, 2)
)

// library verifies as a receiver does who uses the library of the standard. It reads the machine's clock.
func library(t *testing.T, key []byte, h http.Header, body []byte) error {
	t.Helper()
	w, err := standardwebhooks.NewWebhook(outbox.SpellSecret(key))
	if err != nil {
		t.Fatal(err)
	}
	return w.Verify(body, h)
}

func TestASignatureIsBelievedByUsAndByTheLibraryAlikeAndAForgedOneByNeither(t *testing.T) {
	now := time.Now()
	body := []byte(`{"type":"huiyin.reward.due"}`)
	signed := func(at time.Time, keys ...[]byte) http.Header {
		h := http.Header{}
		outbox.Sign(h, keys, "evt_1", at, body)
		return h
	}
	set := func(h http.Header, name, value string) http.Header {
		h.Set(name, value)
		return h
	}
	good := signed(now, first)
	cases := []struct {
		name string
		h    http.Header
		body string
		want bool
	}{
		{"signed with the secret", good, string(body), true},
		{"signed with the new secret and with this", signed(now, second, first), string(body), true},
		{"signed with this and another", signed(now, first, second), string(body), true},
		{"signed with another", signed(now, second), string(body), false},
		{"another body", good, string(body) + " ", false},
		{"another id", set(signed(now, first), outbox.HeaderID, "evt_2"), string(body), false},
		{"a later time", set(signed(now, first), outbox.HeaderStamp, "9999999999"), string(body), false},
		{"replayed after an hour", signed(now.Add(-time.Hour), first), string(body), false},
		{"from the future", signed(now.Add(time.Hour), first), string(body), false},
		{"no signature", set(signed(now, first), outbox.HeaderSignature, ""), string(body), false},
		{"a signature of another version", set(signed(now, first), outbox.HeaderSignature, "v2,"+strings.TrimPrefix(good.Get(outbox.HeaderSignature), "v1,")), string(body), false},
		{"no id", set(signed(now, first), outbox.HeaderID, ""), string(body), false},
		{"a time that is none", set(signed(now, first), outbox.HeaderStamp, "now"), string(body), false},
		{"a time beyond all numbers", set(signed(now, first), outbox.HeaderStamp, "9223372036854775807"), string(body), false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if err := outbox.Verify(c.h, [][]byte{first}, now, []byte(c.body)); (err == nil) != c.want {
				t.Errorf("we say %v", err)
			}
			if err := library(t, first, c.h, []byte(c.body)); (err == nil) != c.want {
				t.Errorf("the library says %v", err)
			}
		})
	}
	if err := outbox.Verify(good, [][]byte{second, first}, now, body); err != nil {
		t.Errorf("a receiver that knows two secrets: %v", err)
	}
}

func TestASecretIsReadAsItIsSpeltAndNothingElseIs(t *testing.T) {
	got, err := outbox.ParseSecret(outbox.SpellSecret(first))
	if err != nil || !bytes.Equal(got, first) {
		t.Fatalf("got %x, %v", got, err)
	}
	spelt := outbox.SpellSecret(first)
	for name, text := range map[string]string{
		"no prefix": strings.TrimPrefix(spelt, "whsec_"), "too short": "whsec_c2hvcnQ=", "a line break": spelt[:20] + "\n" + spelt[20:],
		"not base64": "whsec_!!!!", "nothing": "", "too long": outbox.SpellSecret(make([]byte, 65)), "no padding": strings.TrimRight(spelt, "="),
	} {
		if _, err := outbox.ParseSecret(text); err == nil {
			t.Errorf("%s: %q was read", name, text)
		}
	}
}

func FuzzParseSecret(f *testing.F) {
	f.Add(outbox.SpellSecret(first))
	f.Add("whsec_")
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		key, err := outbox.ParseSecret(text)
		if err == nil && outbox.SpellSecret(key) != text {
			t.Fatalf("%q was read and is spelt %q", text, outbox.SpellSecret(key))
		}
	})
}

// Whatever stands in the headers, only a MAC of our own is believed, and the library agrees.
func FuzzVerify(f *testing.F) {
	h := http.Header{}
	now := time.Now()
	outbox.Sign(h, [][]byte{first}, "evt_1", now, []byte("{}"))
	f.Add("evt_1", h.Get(outbox.HeaderStamp), h.Get(outbox.HeaderSignature), []byte("{}"))
	f.Add("evt_1", "-1", "v1,", []byte("{}"))
	f.Add("", "", ",,, v1", []byte{})
	f.Fuzz(func(t *testing.T, id, stamp, signature string, body []byte) {
		h := http.Header{outbox.HeaderID: {id}, outbox.HeaderStamp: {stamp}, outbox.HeaderSignature: {signature}}
		if outbox.Verify(h, [][]byte{second}, now, body) == nil {
			t.Fatal("a signature nobody made was believed")
		}
		_ = outbox.Verify(h, [][]byte{first}, now, body) // only that it comes back
	})
}
