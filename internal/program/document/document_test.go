package document

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"
	"pgregory.net/rapid"

	"github.com/huiyin/huiyin/internal/platform/errs"
)

func TestAFileHoldsSeveralDocuments(t *testing.T) {
	docs, err := Parse(strings.NewReader("# first\nkind: Segment\nname: vip\nwhen: a\n---\n# nothing but words\n---\n\nkind: EventType\nname: wallet.x.done\nschema: {}\n---\n"))
	if err != nil {
		t.Fatal(err)
	}
	if len(docs) != 2 || docs[0].Kind != "Segment" || docs[0].Name != "vip" || docs[0].Line != 2 || docs[1].Name != "wallet.x.done" || docs[1].Line != 9 {
		t.Errorf("got %+v", docs)
	}
}

func TestWhatIsReadIsWrittenBackWithoutLoss(t *testing.T) {
	text, err := os.ReadFile("../program/testdata/shelf.yaml")
	if err != nil {
		t.Fatal(err)
	}
	docs, err := Parse(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	once, err := Encode(docs...)
	if err != nil {
		t.Fatal(err)
	}
	again, err := Parse(bytes.NewReader(once))
	if err != nil {
		t.Fatal(err)
	}
	twice, err := Encode(again...)
	if err != nil || !bytes.Equal(once, twice) {
		t.Errorf("writing twice differs, %v", err)
	}
	for i := range docs {
		if !Same(docs[i], again[i]) {
			t.Errorf("%s %s means something else", docs[i].Kind, docs[i].Name)
		}
	}
	for _, line := range strings.Split(string(text), "\n") { // every word and every comment is still there
		for _, word := range strings.Fields(line) {
			if !bytes.Contains(once, []byte(word)) {
				t.Errorf("%q was lost", word)
			}
		}
	}
}

func TestABrokenFileIsRefusedWithItsPlace(t *testing.T) {
	deep := "kind: Segment\nname: vip\nwhen: " + strings.Repeat("[", 50) + strings.Repeat("]", 50)
	for name, c := range map[string]struct {
		text string
		says []string
	}{
		"no kind":                    {"name: vip\n", []string{"line 1", "no kind"}},
		"a misspelt kind":            {"kind: Segmant\nname: vip\n", []string{"line 1", "did you mean `Segment`"}},
		"no name":                    {"kind: Segment\nwhen: x\n", []string{"no name"}},
		"a name with capitals":       {"kind: Segment\nname: VIP\n", []string{"`VIP` at line 2", "kebab-case"}},
		"a name twice":               {"kind: Segment\nname: vip\n---\nkind: Segment\nname: vip\n", []string{"twice", "line 1", "line 4"}},
		"a key twice":                {"kind: Segment\nname: vip\nwhen: a\nwhen: b\n", []string{"`when`", "line 3", "line 4"}},
		"a list instead of keys":     {"- kind: Segment\n", []string{"a list"}},
		"a quote left open":          {"kind: Segment\nname: \"vip\n", []string{"can't be read"}},
		"a tab":                      {"kind: Segment\n\tname: vip\n", []string{"line 2"}},
		"an alias":                   {"kind: Segment\nname: vip\na: &x [1]\nb: *x\n", []string{"line 3", "anchor"}},
		"a merge":                    {"kind: Segment\nname: vip\nb: {<<: {a: 1}}\n", []string{"line 3", "merge"}},
		"a tag of its own":           {"kind: Segment\nname: vip\nb: !!binary aGk=\n", []string{"line 3", "!!binary"}},
		"levels without end":         {deep, []string{"deeper"}},
		"a file that isn't UTF-8":    {"kind: Segment\nname: \xff\n", []string{"UTF-8"}},
		"too large a file":           {strings.Repeat("# padding\n", FileBytesMax/10+1), []string{"1024 KB"}},
		"too many documents":         {strings.Repeat("kind: Segment\nname: a\n---\n", 1) + many(DocumentsMax), []string{"more than 200"}},
		"a key that is itself a map": {"kind: Segment\nname: vip\n? {a: b}\n: c\n", []string{"line 3", "isn't a word"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse(strings.NewReader(c.text))
			if k := errs.KindOf(err); k != errs.Invalid && k != errs.TooLarge {
				t.Fatalf("got %v", err)
			}
			for _, words := range c.says {
				if !strings.Contains(err.Error(), words) {
					t.Errorf("%q doesn't say %q", err, words)
				}
			}
		})
	}
}

func many(n int) string {
	var out strings.Builder
	for i := range n {
		out.WriteString("kind: Segment\nname: s" + strings.Repeat("a", i%50+1) + strings.Repeat("b", i/50+1) + "\n---\n")
	}
	return out.String()
}

type sample struct {
	Title   Text           `yaml:"title"`
	Delay   Duration       `yaml:"delay"`
	Share   *Share         `yaml:"share"`
	Money   Money          `yaml:"money"`
	Steps   []step         `yaml:"steps"`
	Map     map[string]int `yaml:"map"`
	Raw     yaml.Node      `yaml:"raw"`
	Any     any            `yaml:"any"`
	Count   int8           `yaml:"count"`
	Rate    float64        `yaml:"rate"`
	On      bool           `yaml:"on"`
	HoldOut Share          `yaml:"hold_out"`
}

type step struct {
	Channel string `yaml:"channel"`
	When    string
}

func node(t testing.TB, text string) *yaml.Node {
	t.Helper()
	var n yaml.Node
	if err := yaml.Unmarshal([]byte(text), &n); err != nil {
		t.Fatal(err)
	}
	return &n
}

func TestADocumentFillsAStruct(t *testing.T) {
	var s sample
	err := Decode(node(t, `
kind: Program
name: x
title: {zh-CN: 你好, en: Hello}
delay: 90m
share: 0.10
money: {amount_minor: 500, currency: CNY}
steps: [{channel: sms, when: a > 1}, {channel: "2026"}]
map: {a: 1, b: 2}
raw: [1, {x: y}]
any: {a: [1, two]}
count: 7
rate: 2
on: true
`), &s)
	if err != nil {
		t.Fatal(err)
	}
	if s.Title.In("en") != "Hello" || s.Delay.Std() != 90*time.Minute || *s.Share != 0.1 || s.Money != (Money{500, "CNY"}) || len(s.Steps) != 2 ||
		s.Steps[0].When != "a > 1" || s.Steps[1].Channel != "2026" || s.Map["b"] != 2 || s.Raw.Kind != yaml.SequenceNode || s.Any == nil || s.Count != 7 || s.Rate != 2 || !s.On {
		t.Errorf("got %+v", s)
	}
}

func TestWhatDoesntFitIsNamedWithItsLine(t *testing.T) {
	for name, c := range map[string]struct{ text, path, says string }{
		"a misspelt key":            {"dellay: 5m", "dellay", "unknown key `dellay` at line 1: did you mean `delay`?"},
		"a misspelt key inside":     {"steps:\n  - {chanel: sms}", "steps[0].chanel", "line 2: did you mean `channel`?"},
		"a key of the head inside":  {"steps: [{name: x}]", "steps[0].name", "unknown key"},
		"a key nothing resembles":   {"zzzzzzzzzz: 1", "zzzzzzzzzz", "known: title, delay"},
		"a number as text":          {"steps: [{channel: 12}]", "steps[0].channel", "the number 12"},
		"a text as number":          {"count: many", "count", "a whole number"},
		"a number too large":        {"count: 1000", "count", "a whole number"},
		"yes as truth value":        {"on: yes", "on", "true or false"},
		"a list as map":             {"map: [1]", "map", "keys with values"},
		"a text as list":            {"steps: sms", "steps", "a list"},
		"nothing":                   {"delay:", "delay", "holds nothing"},
		"a bare number as duration": {"delay: 10", "delay", "10m or 3d"},
		"two units":                 {"delay: 1h30m", "delay", "10m or 3d"},
		"a duration beyond measure": {"delay: 99999d", "delay", "3650 days"},
		"percent":                   {"share: 10%", "share", "0.10"},
		"a share above one":         {"hold_out: 1.5", "hold_out", "0.10"},
		"a plain text":              {"title: Hello", "title", "zh-CN"},
		"a misspelt language":       {"title: {zh_CN: x}", "title", "did you mean `zh-CN`"},
		"a small currency":          {"money: {amount_minor: 1, currency: cny}", "money", "three capitals"},
		"a broken amount":           {"money: {amount: 1, currency: CNY}", "money.amount", "`amount_minor`"},
	} {
		t.Run(name, func(t *testing.T) {
			var s sample
			err := Decode(node(t, c.text), &s)
			found, ok := errs.As(err)
			if !ok || found.Path != c.path || !strings.Contains(found.Text, c.says) {
				t.Errorf("got %v", err)
			}
		})
	}
	var s sample
	if all := All(Decode(node(t, "dellay: 5m\ncount: x\non: yes"), &s)); len(all) != 3 {
		t.Errorf("three faults, %d told", len(all))
	}
}

func TestTheLineOfAPathIsFound(t *testing.T) {
	docs, err := Parse(strings.NewReader("kind: Program\nname: x\ntrigger:\n  event: a\nsteps:\n  - channel: sms\n  - channel: email\n    when: b\n"))
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]int{"": 1, "trigger.event": 4, "steps[1].when": 8, "steps[1].wait": 7, "steps[9].when": 5, "nothing": 1, "steps[x]": 5} {
		if got := docs[0].LineOf(path); got != want {
			t.Errorf("%q: line %d, want %d", path, got, want)
		}
	}
}

func TestReadersGetTheNearestLanguage(t *testing.T) {
	text := Text{"zh-CN": "中", "en": "E", "es": "S"}
	for want, languages := range map[string][]string{"中": {"zh-TW"}, "E": {"fr"}, "S": {"fr", "es-MX"}, "": nil} {
		if got := text.In(languages...); got != want && !(want == "" && got == "E") {
			t.Errorf("%v: %s", languages, got)
		}
	}
	if got := (Text{"zh-CN": "中"}).In("fr"); got != "中" {
		t.Errorf("the only language there is: %s", got)
	}
}

func TestDurationsAreWrittenAsTheyAreRead(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := Duration(time.Duration(rapid.Int64Range(0, DurationDaysMax*86400).Draw(t, "seconds")) * time.Second)
		back, err := ParseDuration(d.String())
		if err != nil || Duration(back) != d {
			t.Fatalf("%s became %s, %v", d, back, err)
		}
	})
	for span, want := range map[time.Duration]string{0: "0s", 5770 * time.Minute: "4d 10m", 90 * time.Minute: "1h 30m", 25 * time.Hour: "1d 1h", time.Minute: "1m"} {
		if got := Duration(span).Words(); got != want {
			t.Errorf("%s: %s", span, got)
		}
	}
}

func TestTheNearestWordIsTheOneMeant(t *testing.T) {
	for word, want := range map[string]string{"dellay": "delay", "delay_time": "delay", "wehn": "when", "amount": "amount_minor", "xqzv": ""} {
		if got := Nearest(word, []string{"delay", "when", "amount_minor", "deadline", "title"}); got != want {
			t.Errorf("%s: %q, want %q", word, got, want)
		}
	}
}

func TestStyleIsNotMeaning(t *testing.T) {
	docs, err := Parse(strings.NewReader("kind: Segment\nname: a\nwhen: x # why\n---\nkind: Segment\nname: b\nwhen: \"x\"\n"))
	if err != nil {
		t.Fatal(err)
	}
	docs[1].Node.Content[3].Value = "a"
	if !Same(docs[0], docs[1]) {
		t.Error("quotes and comments changed the meaning")
	}
	docs[1].Node.Content[5].Value = "y"
	if Same(docs[0], docs[1]) {
		t.Error("another value has the same meaning")
	}
}

func FuzzParse(f *testing.F) {
	text, err := os.ReadFile("../program/testdata/shelf.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(text))
	for _, s := range []string{"kind: Segment\nname: a\n", "a: &x [*x]", "? {}\n: x", "---\n...\n---", "kind: [\n", "\t", "!!binary x", "kind: Segment\nname: a\nx: |\n  y\n# z\n", "{}", "'"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		docs, err := Parse(strings.NewReader(text))
		if err != nil {
			if _, ok := errs.As(err); !ok {
				t.Errorf("not an error for people: %v", err)
			}
			return
		}
		once, err := Encode(docs...)
		if err != nil {
			t.Fatalf("what was read can't be written: %v", err)
		}
		again, err := Parse(bytes.NewReader(once))
		if err != nil || len(again) != len(docs) {
			t.Fatalf("what was written can't be read: %v\n%s", err, once)
		}
		for i := range docs {
			if !Same(docs[i], again[i]) {
				t.Errorf("%s %s means something else:\n%s", docs[i].Kind, docs[i].Name, once)
			}
			var s sample
			_ = Decode(docs[i].Node, &s) // it must end and not panic
		}
	})
}
