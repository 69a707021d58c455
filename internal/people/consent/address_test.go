package consent

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestOnlyTheWordItselfTakesARefusalBack(t *testing.T) {
	for text, want := range map[string]bool{
		"START": true, " start. ": true, "ＳＴＡＲＴ": true, "恢复": true, "“恢复”": true, "恢复订阅!": true, "unstop": true, "订阅": true,
		"": false, "取消订阅": false, "please start": false, "不要恢复": false, "什么时候恢复": false, "stop": false, "restart": false, "S": false,
		strings.Repeat("恢复", 5_000): false,
	} {
		if Restores(text) != want {
			t.Errorf("%.20q: %v", text, !want)
		}
	}
}

func FuzzRestores(f *testing.F) {
	f.Add("START")
	f.Add("恢复\xff")
	f.Fuzz(func(t *testing.T, text string) {
		if Restores(text) && utf8.ValidString(text) && Refuses(text) {
			t.Fatalf("%q both refuses and takes it back", text)
		}
	})
}
