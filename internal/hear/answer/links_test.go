package answer_test

import (
	"bytes"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/huiyin/huiyin/internal/hear/answer"
	"github.com/huiyin/huiyin/internal/people/customer"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/crypt"
	"github.com/huiyin/huiyin/internal/platform/errs"
)

var address = []byte("sixteen bytes ..")

func TestARefusalLinkSaysWhoseItIsAndCantBeForged(t *testing.T) {
	links := answer.NewLinks(crypt.FromSeed([]byte("one house")))
	for name, key := range map[string][]byte{"to an address": address, "of the old form": nil} {
		t.Run(name, func(t *testing.T) {
			token := links.Refusal(42, "email", key)
			if customer, channel, got, err := links.ReadRefusal(token); err != nil || customer != 42 || channel != "email" || !bytes.Equal(got, key) {
				t.Fatalf("read %d, %q, %x, %v", customer, channel, got, err)
			}
			forged := map[string]string{
				"of another house":    answer.NewLinks(crypt.FromSeed([]byte("another house"))).Refusal(42, "email", key),
				"an answer link":      links.Token(42, 1),
				"of preferences":      links.Preferences(42, key, time.Unix(1<<33, 0)),
				"empty":               "",
				"in capitals":         strings.ToUpper(token),
				"cut short":           token[:len(token)-1],
				"endless":             strings.Repeat("a", 1<<20),
				"with a line break":   token[:10] + "\n" + token[10:],
				"with another ending": token + "a",
			}
			for i := range token {
				other := "a"
				if token[i] == 'a' {
					other = "b"
				}
				forged["changed at "+strconv.Itoa(i)] = token[:i] + other + token[i+1:]
			}
			for name, token := range forged {
				if _, _, _, err := links.ReadRefusal(token); errs.CodeOf(err) != codes.LinkInvalid {
					t.Errorf("a token %s was taken: %v", name, err)
				}
			}
		})
	}
}

func TestALinkOfPreferencesKnowsTheAddressItWentTo(t *testing.T) {
	keys := crypt.FromSeed([]byte("one house"))
	links := answer.NewLinks(keys)
	now := time.Unix(1_800_000_000, 0)
	read := func(key []byte) answer.Invited {
		t.Helper()
		to, err := links.ReadPreferences(links.Preferences(42, key, now.Add(time.Hour)), now)
		if err != nil || to.Customer != 42 {
			t.Fatalf("read %+v, %v", to, err)
		}
		return to
	}
	if to := read(address); !to.Via(address) || to.Via([]byte("another address.")) || to.Via(nil) || links.InWallet(&to, "ann") {
		t.Errorf("read %+v", to)
	}
	if to := read(nil); to.Via(address) || to.Via(nil) || links.InWallet(&to, "ann") {
		t.Errorf("without an address it read %+v", to)
	}
	if to := read(customer.PointKey(keys, customer.InApp, "ann")); !links.InWallet(&to, "ann") || links.InWallet(&to, "bob") || links.InWallet(&to, "") {
		t.Errorf("from a card it read %+v", to)
	}
	token := links.Preferences(42, address, now.Add(time.Hour))
	for i := range token {
		other := "a"
		if token[i] == 'a' {
			other = "b"
		}
		if _, err := links.ReadPreferences(token[:i]+other+token[i+1:], now); errs.CodeOf(err) != codes.LinkInvalid {
			t.Errorf("changed at %d it was taken: %v", i, err)
		}
	}
}

func FuzzReadRefusal(f *testing.F) {
	links := answer.NewLinks(crypt.FromSeed([]byte("one house")))
	f.Add(links.Refusal(42, "email", address))
	f.Add(links.Refusal(42, "email", nil))
	f.Add("aaaa")
	f.Add("")
	f.Fuzz(func(t *testing.T, token string) {
		customer, channel, key, err := links.ReadRefusal(token)
		if err == nil && links.Refusal(customer, channel, key) != token {
			t.Fatalf("%q was taken for customer %d, channel %q, address %x", token, customer, channel, key)
		}
	})
}
