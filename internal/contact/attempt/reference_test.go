package attempt_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/huiyin/huiyin/internal/contact/attempt"
	"github.com/huiyin/huiyin/internal/platform/crypt"
)

var (
	ours   = crypt.FromSeed([]byte("ours"))
	others = crypt.FromSeed([]byte("another house's"))
)

func TestAReferenceIsShortUnambiguousAndOurs(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		id := rapid.Int64Min(1).Draw(r, "id")
		ref := attempt.Reference(ours, id)
		if len(ref) != attempt.ReferenceChars || strings.ContainsAny(ref, "01OILUAE") {
			r.Fatalf("%q", ref)
		}
		if !attempt.IsReference(ours, ref) || attempt.Reference(ours, id) != ref {
			r.Fatalf("%q isn't known again", ref)
		}
		for _, typed := range []string{strings.ToLower(ref), ref[:4] + " " + ref[4:], ref[:4] + "-" + ref[4:], " " + ref + "."} {
			if attempt.ReadReference(typed) != ref {
				r.Fatalf("%q was not read", typed)
			}
		}
	})
}

func TestReferencesAreNotMadeUp(t *testing.T) {
	const tries = 50_000
	hits, met := 0, map[string]int64{}
	for id := range int64(tries) {
		ref := attempt.Reference(others, id)
		if attempt.IsReference(ours, ref) {
			hits++
		}
		met[attempt.Reference(ours, id)]++
	}
	// One in 28^3 passes for one of ours by chance; to be confirmed it must be the customer's own.
	if hits > 20 {
		t.Errorf("%d of %d foreign references pass for ours", hits, tries)
	}
	if len(met) < tries-200 { // 28^5 heads: about 73 pairs among 50,000
		t.Errorf("%d messages share %d references", tries, len(met))
	}
}

func TestWhatCanNotBeAReferenceIsNone(t *testing.T) {
	for name, typed := range map[string]string{
		"nothing": "", "too short": "2345678", "too long": "234567892", "letters that look like others": "O0O0O0O0", "a book": strings.Repeat("2", 10_000), "other signs": "2345678%",
	} {
		t.Run(name, func(t *testing.T) {
			if got := attempt.ReadReference(typed); got != "" {
				t.Errorf("read as %q", got)
			}
		})
	}
}

func FuzzReadReference(f *testing.F) {
	f.Add("2345-6789")
	f.Add("ｂｃｄｆｇｈｊｋ")
	f.Fuzz(func(t *testing.T, typed string) {
		if ref := attempt.ReadReference(typed); ref != "" && (len(ref) != attempt.ReferenceChars || attempt.ReadReference(ref) != ref) {
			t.Fatalf("%q was read as %q", typed, ref)
		}
	})
}
