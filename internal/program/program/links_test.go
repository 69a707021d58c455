package program

import (
	"strings"
	"testing"

	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/errs"
	"github.com/huiyin/huiyin/internal/program/document"
)

func TestLinksLeadToTheWalletsOwnDomainsAlone(t *testing.T) {
	own := []string{"wallet.example", "127.0.0.1"}
	for text, want := range map[string]string{
		"看详情 https://wallet.example/help":            "",
		"see https://help.wallet.example/a?b=c now":  "",
		"点 {{ link }} 或 {{ trigger.data.me }}":       "",
		"金额 3.50 元,编号 A.B":                           "",
		"http://127.0.0.1:8080/q/x":                  "",
		"写信到 help@wallet.example":                    "",
		"see https://wallet.example.evil.com/help":   "wallet.example.evil.com",
		"https://wallet.example@evil.net/x":          "evil.net",
		"https://evilwallet.example/x":               "evilwallet.example",
		"登录wallet-help.top领取":                        "wallet-help.top",
		"ＨＴＴＰＳ：／／ｅｖｉｌ．ｃｏｍ／ｘ":                         "evil.com",
		"HTTPS://EVIL.COM":                           "evil.com",
		`<a href="https://t.cn/abc">here</a>`:        "t.cn",
		"weixin://dl/business/?t=x":                  "dl",
		"https://wallet.example. and bit.ly/2x":      "bit.ly",
		"https://wallet.example/ok https://a.evil.x": "a.evil.x",
	} {
		if got := foreignHost(text, own); got != want {
			t.Errorf("%s leads to %q, not %q", text, got, want)
		}
	}
}

func TestAForeignLinkIsRefusedWithItsPlace(t *testing.T) {
	docs, err := document.Parse(strings.NewReader("kind: Template\nname: a\nchannels: [sms]\nvariants:\n  - body:\n      zh-CN: 看 https://evil.com\n      en: see {{ link }}\n"))
	if err != nil {
		t.Fatal(err)
	}
	err = lintLinks(docs[0], []string{"wallet.example"})
	if errs.CodeOf(err) != codes.LinkForeign || !strings.Contains(err.Error(), "line 6") || !strings.Contains(err.Error(), "variants[0].body.zh-CN") || !strings.Contains(err.Error(), "link_domains") {
		t.Errorf("%v", err)
	}
	if err := lintLinks(docs[0], nil); err != nil {
		t.Errorf("without domains: %v", err)
	}
}

func FuzzForeignHost(f *testing.F) {
	f.Add("https://wallet.example@evil.net/x")
	f.Add("{{ link }} wallet.example")
	f.Fuzz(func(t *testing.T, text string) {
		if host := foreignHost(text, []string{"wallet.example"}); host == "wallet.example" || strings.HasSuffix(host, ".wallet.example") {
			t.Fatalf("%q: %q is ours", text, host)
		}
	})
}
