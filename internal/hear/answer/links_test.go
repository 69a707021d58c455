package answer_test

import (
	"strings"
	"testing"

	"github.com/huiyin/huiyin/internal/hear/answer"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/crypt"
	"github.com/huiyin/huiyin/internal/platform/errs"
)

func TestARefusalLinkSaysWhoseItIsAndCantBeForged(t *testing.T) {
	links := answer.NewLinks(crypt.FromSeed([]byte("one house")))
	token := links.Refusal(42, "email")
	if customer, channel, err := links.ReadRefusal(token); err != nil || customer != 42 || channel != "email" {
		t.Fatalf("read %d, %q, %v", customer, channel, err)
	}
	forged := map[string]string{
		"of another house":    answer.NewLinks(crypt.FromSeed([]byte("another house"))).Refusal(42, "email"),
		"an answer link":      links.Token(42, 1),
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
		forged["changed at "+string(rune('0'+i))] = token[:i] + other + token[i+1:]
	}
	for name, token := range forged {
		if _, _, err := links.ReadRefusal(token); errs.CodeOf(err) != codes.LinkInvalid {
			t.Errorf("a token %s was taken: %v", name, err)
		}
	}
}

func FuzzReadRefusal(f *testing.F) {
	links := answer.NewLinks(crypt.FromSeed([]byte("one house")))
	f.Add(links.Refusal(42, "email"))
	f.Add("aaaa")
	f.Add("")
	f.Fuzz(func(t *testing.T, token string) {
		customer, channel, err := links.ReadRefusal(token)
		if err == nil && links.Refusal(customer, channel) != token {
			t.Fatalf("%q was taken for customer %d, channel %q", token, customer, channel)
		}
	})
}
