package customer

import (
	"encoding/json"
	"slices"
	"testing"
)

// FuzzWordsFrom holds the short way of reading a list against the standard library's.
func FuzzWordsFrom(f *testing.F) {
	for _, seed := range []string{`[]`, `[""]`, `["app"]`, `["Asia/Shanghai","Asia/Urumqi"]`, `["a\u003cb"]`, `["a\\"]`, `["a"b"]`, `["a" ,"b"]`, `["a"`, `a"]`, `["]`, `["a\n"]`, "[\"\n\"]", "[\"\xff\"]", `[""",""]`, `null`, `[1]`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var want []string
		bad := json.Unmarshal([]byte(text), &want)
		got, err := wordsFrom(text)
		if (err != nil) != (bad != nil) || (err == nil && !slices.Equal(got, want)) {
			t.Fatalf("%q: got %q (%v), want %q (%v)", text, got, err, want, bad)
		}
	})
}
