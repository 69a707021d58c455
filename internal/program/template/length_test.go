package template

import (
	"strings"
	"testing"

	"github.com/huiyin/huiyin/internal/program/document"
)

func TestTheLongestWordingIsFoundInAllBranches(t *testing.T) {
	scope, err := NewScope(nil, "")
	if err != nil {
		t.Fatal(err)
	}
	body := "您好{{ customer.masked_name }}{% if customer.country == \"CN\" %}短{% else %}长长长{% endif %}{{ link }}"
	one, err := compile("t", &Definition{
		Channels: []string{"sms"}, SMSSignature: document.Text{"zh-CN": "【示例钱包】"}, Variants: []Variant{{Body: document.Text{"zh-CN": body}}},
	}, scope, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := "【示例钱包】您好" + strings.Repeat("某", TypicalValueChars) + "长长长https://w.example/q/x"
	if got := one.Longest("sms", "zh-CN", "https://w.example/q/x"); got != want {
		t.Errorf("it is %s", got)
	}
	if got := one.LanguageFor("en", "de"); got != "zh-CN" {
		t.Errorf("a customer who reads English is written to in %s", got)
	}
}
