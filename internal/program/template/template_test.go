package template

import (
	"strings"
	"testing"
	"time"

	"github.com/osteele/liquid"

	"github.com/huiyin/huiyin/internal/intake/event"
	"github.com/huiyin/huiyin/internal/platform/errs"
	"github.com/huiyin/huiyin/internal/program/condition"
	"github.com/huiyin/huiyin/internal/program/document"
)

const failedPayment = "wallet.payment.failed"

func newEnv(t testing.TB) *condition.Env {
	t.Helper()
	odd, err := event.NewType("test.odd.shape", nil, []byte(`{"type":"object","properties":{
		"items":{"type":"array","items":{"type":"string"}},"lines":{"type":"array","items":{"type":"object"}},
		"place":{"type":"object","properties":{"city":{"type":"string"}}},"note":{"type":"string"},"n":{"type":"integer"},"m":{"type":"integer"},
		"yes":{"type":"boolean"},"rate":{"type":"number"},"due":{"type":"string","format":"date-time"}}}`))
	if err != nil {
		t.Fatal(err)
	}
	catalogue, err := event.NewCatalogue(odd)
	if err != nil {
		t.Fatal(err)
	}
	env, err := condition.NewEnv(catalogue)
	if err != nil {
		t.Fatal(err)
	}
	return env
}

// notice is a message as a wallet would write it.
func notice() *Definition {
	return &Definition{
		Channels:     []string{"sms", "email"},
		Subject:      document.Text{"zh-CN": "{{ trigger.data.merchant }}的付款未成功", "en": "Your payment to {{ trigger.data.merchant }}"},
		SMSSignature: document.Text{"zh-CN": "【示例钱包】", "en": "[Example Wallet]"},
		Variants: []Variant{
			{When: "trigger.data.charged", Body: document.Text{
				"zh-CN": "{{ customer.masked_name }}您好,{{ trigger.data.amount_minor | money: trigger.data.currency }}将于{{ trigger.data.refund_by | local_date }}前退回。",
				"en":    "Dear {{ customer.masked_name }}, {{ trigger.data.amount_minor | money: trigger.data.currency }} will be back by {{ trigger.data.refund_by | local_date }}.",
			}},
			{Body: document.Text{
				"zh-CN": "{{ customer.masked_name }}您好,付款未成功({{ trigger.data.reason | reason_text }}),未扣款。",
				"en":    "Dear {{ customer.masked_name }}, it did not go through ({{ trigger.data.reason | reason_text }}). You were not charged.",
			}},
		},
	}
}

func vars(data string) Vars {
	return Vars{
		Channel: "sms", Languages: []string{"zh-CN"}, Name: "王小明", Hotline: "400-000-0000", Link: "https://h.example/a/b",
		Facts: condition.Vars{Trigger: &event.Event{
			Type: failedPayment, At: time.Date(2026, 11, 1, 18, 30, 0, 0, time.UTC), Data: []byte(data),
		}},
	}
}

const charged = `{"order_id":"o","amount_minor":1234567,"currency":"CNY","merchant":"老王<b>茶馆","reason":"bank-declined","charged":true,"refund_by":"2026-11-03T20:00:00Z"}`

func TestAMessageIsWrittenForItsChannelAndReader(t *testing.T) {
	compiled, err := Compile("n", notice(), newEnv(t), failedPayment)
	if err != nil {
		t.Fatal(err)
	}
	shanghai, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		change func(v *Vars)
		want   Message
	}{
		"an SMS in Chinese bears its signature": {
			func(*Vars) {},
			Message{"zh-CN", "老王<b>茶馆的付款未成功", "【示例钱包】王**您好,12,345.67元将于2026年11月3日前退回。", ""},
		},
		"dates are the reader's": {
			func(v *Vars) { v.Zone = shanghai },
			Message{"zh-CN", "老王<b>茶馆的付款未成功", "【示例钱包】王**您好,12,345.67元将于2026年11月4日前退回。", ""},
		},
		"a reader of French gets English": {
			func(v *Vars) { v.Languages = []string{"fr"}; v.Name = "Jean Petit" },
			Message{"en", "Your payment to 老王<b>茶馆", "[Example Wallet] Dear J***, ¥12,345.67 will be back by 3 November 2026.", ""},
		},
		"a reader of zh-TW gets Chinese, and the second variant": {
			func(v *Vars) {
				v.Languages = []string{"zh-TW"}
				v.Facts.Trigger.Data = []byte(strings.Replace(charged, "true", "false", 1))
			},
			Message{"zh-CN", "老王<b>茶馆的付款未成功", "【示例钱包】王**您好,付款未成功(银行未通过),未扣款。", ""},
		},
	} {
		t.Run(name, func(t *testing.T) {
			v := vars(charged)
			c.change(&v)
			got, err := compiled.Render(v)
			if err != nil {
				t.Fatal(err)
			}
			if got != c.want {
				t.Errorf("got %+v\nwant %+v", got, c.want)
			}
		})
	}
}

func TestHTMLIsEscapedAndTextIsNot(t *testing.T) {
	def := notice()
	def.Variants = []Variant{{
		Body: document.Text{"en": "{{ trigger.data.merchant }}\n\nAnswer: {{ link }}"},
		HTML: document.Text{"en": "<p>{{ trigger.data.merchant }}</p><a href=\"{{ link }}\">Answer</a>"},
	}}
	def.Subject = document.Text{"en": "x"}
	v := vars(`{"merchant":"<script>alert(\"1\")</script>&"}`)
	v.Channel, v.Link = "email", "https://h.example/a?x=1&y=2"
	for _, own := range []bool{true, false} {
		if !own {
			def.Variants[0].HTML = nil
		}
		compiled, err := Compile("n", def, newEnv(t), failedPayment)
		if err != nil {
			t.Fatal(err)
		}
		m, err := compiled.Render(v)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(m.Text, `<script>alert("1")</script>&`) || !strings.Contains(m.Text, v.Link) {
			t.Errorf("the text: %s", m.Text)
		}
		if strings.Contains(m.HTML, "<script") || !strings.Contains(m.HTML, "&lt;script&gt;") {
			t.Errorf("the HTML: %s", m.HTML)
		}
		if !strings.Contains(m.HTML, `<a href="https://h.example/a?x=1&amp;y=2">`) {
			t.Errorf("the link: %s", m.HTML)
		}
	}
}

func TestValuesCannotBreakALineTurnTheWritingOrPoseAsALink(t *testing.T) {
	def := notice()
	def.Subject = document.Text{"en": "Re: {{ trigger.data.merchant }}"}
	def.Variants = []Variant{{Body: document.Text{"en": "{{ trigger.data.merchant }}"}}}
	compiled, err := Compile("n", def, newEnv(t), failedPayment)
	if err != nil {
		t.Fatal(err)
	}
	m, err := compiled.Render(vars(`{"merchant":"a\r\nBcc: x@y.z\u202e\u0000 http://evil.example/` + strings.Repeat("q", 2000) + `"}`))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{m.Subject, m.Text} {
		if strings.ContainsAny(s, "\r\n\x00\u202e") || strings.Contains(s, "://") {
			t.Errorf("%q", s)
		}
	}
	if n := len([]rune(m.Subject)); n > SubjectCharsMax {
		t.Errorf("the subject has %d characters", n)
	}
	if n := len([]rune(m.Text)); n > valueCharsMax+20 {
		t.Errorf("the text has %d characters", n)
	}
}

func TestAMissingValueIsNotSentAsAHole(t *testing.T) {
	compiled, err := Compile("n", notice(), newEnv(t), failedPayment)
	if err != nil {
		t.Fatal(err)
	}
	_, err = compiled.Render(vars(`{"merchant":"x","charged":true,"amount_minor":1,"currency":"CNY"}`))
	if errs.CodeOf(err) != codeMissing || !strings.Contains(err.Error(), "trigger.data.refund_by") {
		t.Errorf("got %v", err)
	}
}

// bodyOf compiles one body for the odd event.
func bodyOf(t testing.TB, source string) (*Template, error) {
	t.Helper()
	return Compile("n", &Definition{Channels: []string{"sms"}, Variants: []Variant{{Body: document.Text{"en": source}}}}, newEnv(t), "test.odd.shape")
}

func TestABadTemplateIsRefusedWithTheWayToMendIt(t *testing.T) {
	for name, c := range map[string]struct {
		source, code string
		says         []string
	}{
		"an unknown variable":             {"{{ trigger.data.nte }}", codeUnknown, []string{"unknown variable `nte` of trigger.data", "did you mean `note`"}},
		"an unknown root":                 {"{{ triger.data.note }}", codeUnknown, []string{"did you mean `trigger`"}},
		"an unknown field inside":         {"{{ trigger.data.place.citty }}", codeUnknown, []string{"did you mean `city`"}},
		"an unknown variable in an if":    {"{% if trigger.data.nte == 1 %}x{% endif %}", codeUnknown, []string{"`note`"}},
		"an unknown variable in a filter": {"{{ trigger.data.n | money: trigger.data.curency }}", codeUnknown, nil},
		"an unknown filter":               {"{{ trigger.data.note | upcas }}", codeUnknown, []string{"did you mean `upcase`"}},
		"a text as money":                 {`{{ trigger.data.note | money: "CNY" }}`, codeTypes, []string{"works on a number"}},
		"money without a currency":        {"{{ trigger.data.n | money }}", codeTypes, []string{"money: trigger.data.currency"}},
		"a list shown":                    {"{{ trigger.data.items }}", codeTypes, []string{"join"}},
		"a truth value shown":             {"{{ trigger.data.yes }}", codeTypes, []string{"{% if"}},
		"a time shown raw":                {"{{ trigger.data.due }}", codeTypes, []string{"local_date"}},
		"a text beside a number":          {`{% if trigger.data.n == "5" %}x{% endif %}`, codeTypes, []string{"a number can't be put beside a text"}},
		"a loop of a billion":             {"{% for i in (1..1000000000) %}x{% endfor %}", codeBounds, []string{"ranges", "100"}},
		"a loop in a loop":                {"{% for i in trigger.data.items %}{% for j in trigger.data.items %}x{% endfor %}{% endfor %}", codeBounds, []string{"inside a loop"}},
		"a loop over a text":              {"{% for i in trigger.data.note %}x{% endfor %}", codeTypes, []string{"isn't a list"}},
		"a loop beyond the limit":         {"{% for i in trigger.data.items limit: 1000000000 %}x{% endfor %}", codeSyntax, []string{"up to 100"}},
		"an assignment":                   {"{% assign x = 1 %}", codeSyntax, []string{"there is no tag `assign`"}},
		"an include":                      {"{% include 'x' %}", codeSyntax, []string{"there is no tag"}},
		"an if left open":                 {"{% if trigger.data.yes %}x", codeSyntax, []string{"endif"}},
		"an end too many":                 {"x{% endif %}", codeSyntax, []string{"closes nothing"}},
		"a brace left open":               {"Hello {{ hotline ", codeSyntax, []string{"never closed"}},
		"empty braces":                    {"{{ }}", codeSyntax, []string{"empty"}},
		"and mixed with or":               {"{% if trigger.data.yes and trigger.data.n or trigger.data.m %}x{% endif %}", codeSyntax, []string{"two ifs"}},
		"an index":                        {"{{ trigger.data.items[0] }}", codeSyntax, nil},
		"too long a text":                 {strings.Repeat("x", SourceBytesMax+1), codeBounds, nil},
		"too many values":                 {strings.Repeat("{{hotline}}", partsMax+1), codeBounds, nil},
		"blocks too deep":                 {strings.Repeat("{% if trigger.data.yes %}", 20) + strings.Repeat("{% endif %}", 20), codeBounds, nil},
		"an escape of one's own":          {"{{ trigger.data.note | escape }}", codeSyntax, []string{"by themselves"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := bodyOf(t, c.source)
			if errs.CodeOf(err) != c.code {
				t.Fatalf("got %v, want code %s", err, c.code)
			}
			for _, words := range c.says {
				if !strings.Contains(err.Error(), words) {
					t.Errorf("%q doesn't say %q", err, words)
				}
			}
		})
	}
}

func TestShapesThatWouldNotReachEveryoneAreRefused(t *testing.T) {
	for name, change := range map[string]func(d *Definition){
		"no channels":                       func(d *Definition) { d.Channels = nil },
		"an e-mail without a subject":       func(d *Definition) { d.Subject = nil },
		"no variants":                       func(d *Definition) { d.Variants = nil },
		"a last variant with a condition":   func(d *Definition) { d.Variants[1].When = "trigger.data.charged" },
		"a first variant without one":       func(d *Definition) { d.Variants[0].When = "" },
		"a variant that lacks a language":   func(d *Definition) { delete(d.Variants[1].Body, "en") },
		"a subject that lacks a language":   func(d *Definition) { delete(d.Subject, "en") },
		"a condition that doesn't compile":  func(d *Definition) { d.Variants[0].When = "trigger.data.chargd" },
		"a signature with a variable":       func(d *Definition) { d.SMSSignature["en"] = "{{ hotline }}" },
		"HTML that runs a script":           func(d *Definition) { d.Variants[1].HTML = document.Text{"en": "<script>x</script>", "zh-CN": "x"} },
		"HTML with an event handler":        func(d *Definition) { d.Variants[1].HTML = document.Text{"en": "<img src=x onerror=y>", "zh-CN": "x"} },
		"a body that asks for the password": func(d *Definition) { d.Variants[1].Body["en"] = "Please enter your password." },
	} {
		t.Run(name, func(t *testing.T) {
			def := notice()
			change(def)
			_, err := Compile("n", def, newEnv(t), failedPayment)
			if err == nil {
				t.Fatal("it was taken")
			}
			t.Log(err)
		})
	}
}

func TestWhatAnotherReaderOfLiquidGives(t *testing.T) {
	data := `{"items":["a","b","c"],"lines":[{"name":"x","n":1},{"name":"y","n":2}],"place":{"city":"Y"},"note":"Ab c","n":5,"m":7,"yes":true,"rate":1.5}`
	trigger := &event.Event{Type: "test.odd.shape", Data: []byte(data)}
	read, err := condition.Read(trigger)
	if err != nil {
		t.Fatal(err)
	}
	bindings := map[string]any{"hotline": "95588", "trigger": map[string]any{"type": trigger.Type, "data": read.Map()}}
	engine := liquid.NewEngine()
	for _, source := range []string{
		"plain { text } % with } braces {",
		"{{ trigger.data.note }} and {{hotline}}",
		"a  {{- trigger.data.note -}}  b",
		"a \n {%- if trigger.data.yes -%} \n yes \n {%- endif -%} \n b",
		"{% if trigger.data.yes %}y{% else %}n{% endif %}",
		"{% if trigger.data.n > 5 %}more{% elsif trigger.data.n == 5 %}five{% else %}less{% endif %}",
		"{% unless trigger.data.yes %}y{% else %}n{% endunless %}",
		"{% if trigger.data.n >= 5 and trigger.data.m < 8 %}both{% endif %}",
		"{% if trigger.data.n > 9 or trigger.data.m <= 7 %}one{% endif %}",
		"{% if trigger.data.note contains 'b c' %}in{% endif %}{% if trigger.data.items contains 'b' %}in{% endif %}",
		"{% if trigger.data.rate != 1 %}x{% endif %}{% if trigger.data.rate == 1.5 %}y{% endif %}",
		"{% case trigger.data.n %}{% when 1, 2 %}low{% when 5 %}five{% else %}other{% endcase %}",
		"{% case trigger.data.note %}\n{% when 'x' %}x{% else %}other{% endcase %}",
		"{% for i in trigger.data.items %}{{ forloop.index }}{{ i }}{% if forloop.last %}.{% else %}, {% endif %}{% endfor %}",
		"{% for i in trigger.data.items limit:2 %}{{ i }}{% endfor %}",
		"{% for l in trigger.data.lines %}{{ l.name }}={{ l.n }};{% endfor %}",
		"{{ trigger.data.place.city | downcase }}{{ trigger.data.note | upcase }}",
		"{{ trigger.data.items | join: '/' }} {{ trigger.data.note | size }} {{ trigger.data.items | size }}",
		"{{ trigger.data.note | default: 'none' }}",
		"{% comment %} {{ unknown }} {% endcomment %}x{% raw %}{{ raw }}{% endraw %}y",
		"{{ 'quoted | text' }}{{ 5 }}{{ \"it's\" }}",
		"{% if trigger.data.yes == true %}t{% endif %}",
	} {
		compiled, err := bodyOf(t, source)
		if err != nil {
			t.Errorf("%s: %v", source, err)
			continue
		}
		got, err := compiled.Render(Vars{Channel: "webhook", Languages: []string{"en"}, Hotline: "95588", Facts: condition.Vars{Trigger: trigger}})
		if err != nil {
			t.Errorf("%s: %v", source, err)
			continue
		}
		want, liquidErr := engine.ParseAndRenderString(source, bindings)
		if liquidErr != nil {
			t.Errorf("%s: the other reader: %v", source, liquidErr)
			continue
		}
		if got.Text != want {
			t.Errorf("%s:\nours  %q\ntheirs %q", source, got.Text, want)
		}
	}
}

func TestAmountsAreWrittenAsPeopleReadThem(t *testing.T) {
	for _, c := range []struct {
		minor              int64
		currency, zh, engl string
	}{
		{8000, "CNY", "80.00元", "¥80.00"},
		{5, "CNY", "0.05元", "¥0.05"},
		{-123456789, "USD", "-1,234,567.89美元", "-$1,234,567.89"},
		{1234, "JPY", "1,234日元", "JPY 1,234"},
		{1234567, "KWD", "1,234.567 KWD", "KWD 1,234.567"},
		{0, "EUR", "0.00欧元", "€0.00"},
	} {
		if got := Money(c.minor, c.currency, "zh-CN"); got != c.zh {
			t.Errorf("zh: got %s, want %s", got, c.zh)
		}
		if got := Money(c.minor, c.currency, "en"); got != c.engl {
			t.Errorf("en: got %s, want %s", got, c.engl)
		}
	}
}

func TestNamesAreMasked(t *testing.T) {
	for _, c := range [][3]string{
		{"王小明", "zh-CN", "王**"},
		{"李四", "zh-CN", "李*"},
		{"", "zh-CN", "客户"},
		{"", "en", "customer"},
		{"John Smith", "en", "J***"},
		{" ", "en", "customer"},
		{"欧阳娜娜娜娜", "zh-CN", "欧***"},
	} {
		if got := MaskedName(c[0], c[1]); got != c[2] {
			t.Errorf("%s: got %s, want %s", c[0], got, c[2])
		}
	}
}

func TestEveryReasonHasWordsInBothLanguages(t *testing.T) {
	for code, text := range reasons {
		if text[document.ZhCN] == "" || text[document.En] == "" {
			t.Error(code)
		}
	}
	if got := ReasonText("INSUFFICIENT_FUNDS", "zh-CN"); got != "余额不足" {
		t.Error(got)
	}
	if got := ReasonText("never heard of", "en"); got != "a problem on our side" {
		t.Error(got)
	}
}

func TestScriptsAndTheInvitationCompile(t *testing.T) {
	env := newEnv(t)
	script, err := CompileScript("s", &ScriptDefinition{
		Outline: []string{"opening"}, Target: document.Duration(3 * time.Minute),
		Opening: document.Text{"en": "This is {{ agent.alias }}, number {{ agent.number }}. Is this {{ customer.masked_name }}?"},
	}, env, failedPayment)
	if err != nil {
		t.Fatal(err)
	}
	said, _, err := script.Opening.Render(Vars{AgentAlias: "Li", AgentNumber: "7", Name: "Ana Ray"})
	if err != nil || said != "This is Li, number 7. Is this A***?" {
		t.Errorf("%q, %v", said, err)
	}
	if _, err := CompileScript("s", &ScriptDefinition{Opening: document.Text{"en": "{{ agent.nme }}"}}, env, failedPayment); err == nil {
		t.Error("an unknown variable was taken")
	}
	invitation := Invitation()
	m, err := invitation.Render(Vars{Channel: "sms", Languages: []string{"en"}, Link: "https://h.example/a"})
	if err != nil || !strings.Contains(m.Text, "https://h.example/a") || !invitation.Uses("link") {
		t.Errorf("%+v, %v", m, err)
	}
}

func FuzzTemplate(f *testing.F) {
	for _, s := range []string{
		"{{ trigger.data.note }}", "{% if trigger.data.yes %}a{% else %}b{% endif %}", "{% for i in trigger.data.items %}{{ i }}{% endfor %}",
		"{{- hotline -}}", "{% case trigger.data.n %}{% when 1 %}x{% endcase %}", "{% raw %}{{{% endraw %}", "{{ 'a' | default: \"b\" }}", "{%", "{{", "{%-%}", "{{-}}",
		"{% comment %}", "{% if %}{% endif %}", "{{ trigger.data.n | money: 'CNY' }}", "{% for i in (1..9) %}{% endfor %}", "{",
	} {
		f.Add(s)
	}
	env := newEnv(f)
	trigger := &event.Event{Type: "test.odd.shape", Data: []byte(`{"items":["a","<b>"],"note":"x\ny","n":1,"yes":true}`)}
	f.Fuzz(func(t *testing.T, source string) {
		start := time.Now()
		defer func() {
			if took := time.Since(start); took > 2*time.Second {
				t.Errorf("%q took %s", source, took)
			}
		}()
		compiled, err := Compile("n", &Definition{
			Channels: []string{"email"}, Subject: document.Text{"en": "s"},
			Variants: []Variant{{Body: document.Text{"en": source}}},
		}, env, "test.odd.shape")
		if err != nil {
			return
		}
		m, err := compiled.Render(Vars{Channel: "email", Languages: []string{"en"}, Facts: condition.Vars{Trigger: trigger}})
		if err == nil && len(m.Text) > ResultBytesMax {
			t.Errorf("%d bytes", len(m.Text))
		}
	})
}

func BenchmarkRender(b *testing.B) {
	compiled, err := Compile("n", notice(), newEnv(b), failedPayment)
	if err != nil {
		b.Fatal(err)
	}
	v := vars(charged)
	v.Channel = "email"
	b.ReportAllocs()
	for b.Loop() {
		if _, err := compiled.Render(v); err != nil {
			b.Fatal(err)
		}
	}
}
