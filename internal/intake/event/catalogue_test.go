package event

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/huiyin/huiyin/internal/platform/errs"
)

func TestBuiltinTypesAllTakeTheFastWay(t *testing.T) {
	types, err := Builtin()
	if err != nil {
		t.Fatal(err)
	}
	for _, typ := range types {
		if typ.check.whole != nil {
			t.Errorf("%s needs the full validator: built-in types stay flat so that intake stays fast", typ.Name)
		}
		if typ.Title["zh-CN"] == "" || typ.Title["en"] == "" {
			t.Errorf("%s has no title in both languages", typ.Name)
		}
	}
	if len(types) < 25 {
		t.Errorf("only %d built-in types", len(types))
	}
}

func mustType(t testing.TB, name, schema string) *Type {
	t.Helper()
	typ, err := NewType(name, map[string]string{"en": "x"}, json.RawMessage(schema))
	if err != nil {
		t.Fatal(err)
	}
	return typ
}

const voucher = `{"type":"object","required":["voucher_id","amount_minor","currency"],"properties":{"voucher_id":{"type":"string","minLength":2},` +
	`"amount_minor":{"type":"integer","minimum":1,"maximum":1000},"currency":{"type":"string"},"kind":{"type":"string","enum":["gift","refund"]},` +
	`"rate":{"type":"number"},"until":{"type":"string","format":"date-time"},"items":{"type":"array"},"shop":{"type":"object"},"used":{"type":"boolean"}}`

func TestDataIsJudgedByItsTypeAndTheErrorSaysHowToMendIt(t *testing.T) {
	open := mustType(t, "wallet.voucher.expired", voucher+`}`)
	closed := mustType(t, "wallet.voucher.closed", voucher+`,"additionalProperties":false}`)
	whole := mustType(t, "wallet.voucher.whole", voucher+`,"if":{"properties":{"kind":{"const":"gift"}}},"then":{"required":["shop"]}}`)
	if open.check.whole != nil || closed.check.whole != nil || whole.check.whole == nil {
		t.Fatal("the way of checking is chosen wrongly")
	}
	c := catalogue(t, open, closed, whole)
	with := func(more string) string { return `{"voucher_id":"V1","amount_minor":5,"currency":"CNY"` + more + `}` }
	for _, k := range []struct{ name, typ, data, path, says string }{
		{"what the schema asks for is enough", open.Name, with(""), "", ""},
		{"a field nobody declared is kept", open.Name, with(`,"colour":"red"`), "", ""},
		{"every kind of field", open.Name, with(`,"kind":"gift","rate":1.5e3,"until":"2026-01-01T00:00:00Z","items":[1],"shop":{"a":1},"used":true`), "", ""},
		{"missing fields are named together", open.Name, `{"amount_minor":5}`, "data", "fields currency, voucher_id are missing"},
		{"one missing field", open.Name, `{"amount_minor":5,"currency":"CNY"}`, "data", "field voucher_id is missing"},
		{"money is a whole number", open.Name, `{"voucher_id":"V1","amount_minor":5.5,"currency":"CNY"}`, "data.amount_minor", "whole number"},
		{"money is no text", open.Name, `{"voucher_id":"V1","amount_minor":"5","currency":"CNY"}`, "data.amount_minor", "is a string and must be a whole number"},
		{"money is below its least", open.Name, `{"voucher_id":"V1","amount_minor":0,"currency":"CNY"}`, "data.amount_minor", "at least 1"},
		{"money is above its most", open.Name, `{"voucher_id":"V1","amount_minor":1001,"currency":"CNY"}`, "data.amount_minor", "at most 1000"},
		{"money beyond 64 bits", open.Name, `{"voucher_id":"V1","amount_minor":99999999999999999999,"currency":"CNY"}`, "data.amount_minor", "64 bits"},
		{"null says nothing", open.Name, with(`,"kind":null`), "data.kind", "leave the field out"},
		{"a word outside the list", open.Name, with(`,"kind":"loan"`), "data.kind", "gift, refund"},
		{"a time without a zone", open.Name, with(`,"until":"2026-01-01"`), "data.until", "2026-01-01"},
		{"a truth is no text", open.Name, with(`,"used":"yes"`), "data.used", "true or false"},
		{"a list is no object", open.Name, with(`,"shop":[]`), "data.shop", "an object"},
		{"a text too short", open.Name, `{"voucher_id":"V","amount_minor":5,"currency":"CNY"}`, "data.voucher_id", "at least 2"},
		{"a field twice", open.Name, with(`,"currency":"USD"`), "data.currency", "twice"},
		{"a closed type names the nearest field", closed.Name, with(`,"kinds":"gift"`), "data.kinds", `did you mean "kind"`},
		{"a closed type and nothing near", closed.Name, with(`,"zzzzzzzzzz":1`), "data.zzzzzzzzzz", "leave it out"},
		{"a rule only the full validator knows", whole.Name, with(`,"kind":"gift"`), "data", "shop"},
		{"the full validator is content", whole.Name, with(`,"kind":"gift","shop":{}`), "", ""},
		{"the full validator doesn't loosen the fast one", whole.Name, with(`,"currency":"USD"`), "data.currency", "twice"},
		{"an unknown type names the nearest", "wallet.vouchr.expired", `{}`, "type", `did you mean "wallet.voucher.expired"`},
		{"an unknown type and nothing near", "bank.loan", `{}`, "type", "EventType"},
	} {
		t.Run(k.name, func(t *testing.T) {
			err := c.Check(&Event{Type: k.typ, Data: []byte(k.data)})
			if k.says == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			e, ok := errs.As(err)
			if !ok || e.Path != k.path || !strings.Contains(e.Text, k.says) {
				t.Errorf("said %+v, want %q at %s", err, k.says, k.path)
			}
		})
	}
}

func TestATypeThatCannotBeIsRefused(t *testing.T) {
	for _, c := range []struct{ name, typ, schema, says string }{
		{"a name of one word", "payment", `{"type":"object"}`, "lower-case"},
		{"a name in capitals", "Wallet.Paid", `{"type":"object"}`, "lower-case"},
		{"no JSON", "a.b", `{`, "not a JSON object"},
		{"not of an object", "a.b", `{"type":"array"}`, "type: object"},
		{"a type there isn't", "a.b", `{"type":"object","properties":{"x":{"type":"int"}}}`, "valid JSON Schema"},
		{"a broken pattern", "a.b", `{"type":"object","properties":{"x":{"type":"string","pattern":"("}}}`, "valid JSON Schema"},
		{"a reference outside", "a.b", `{"type":"object","properties":{"x":{"$ref":"file:///etc/passwd"}}}`, "valid JSON Schema"},
		{"a sum of text", "a.b", `{"type":"object","properties":{"x":{"type":"string","x-sum":true}}}`, "integer"},
		{"a schema of 65 KB", "a.b", `{"type":"object","title":"` + strings.Repeat("x", schemaBytesMax) + `"}`, "at most"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := NewType(c.typ, nil, json.RawMessage(c.schema))
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("said %v, want %q", err, c.says)
			}
		})
	}
}

func TestFieldsSayWhatConditionsMaySpeakOf(t *testing.T) {
	typ := mustType(t, "a.b", `{"type":"object","required":["shop","extra"],"properties":{"points":{"type":"integer","x-sum":true},"amount_minor":{"type":"integer"},`+
		`"shop":{"type":"object","properties":{"city":{"type":"string"}}},"tags":{"type":"array","items":{"type":"string"}},"any":{}}}`)
	got := fmt.Sprint(typ.Fields)
	want := fmt.Sprint([]Field{
		{Name: "amount_minor", Kind: Int, Sum: true},
		{Name: "any"},
		{Name: "extra", Required: true},
		{Name: "points", Kind: Int, Sum: true},
		{Name: "shop", Kind: Object, Required: true, Fields: []Field{{Name: "city", Kind: String}}},
		{Name: "tags", Kind: List, Of: String},
	})
	if got != want {
		t.Errorf("fields\n%s, want\n%s", got, want)
	}
}

// The fast checker and the full validator are two readings of one schema: whatever the full
// one refuses the fast one must refuse, and the other way round but for the house's own rules
// (no null, no field twice, whole numbers written plainly), which the generator stays clear of.
func TestTheFastCheckerAgreesWithTheFullValidator(t *testing.T) {
	fast := mustType(t, "wallet.voucher.expired", voucher+`}`)
	full, err := compileWhole(fast.Name, fast.Schema)
	if err != nil {
		t.Fatal(err)
	}
	value := rapid.OneOf(
		rapid.Map(rapid.Int64Range(-5, 2_000), func(n int64) any { return n }),
		rapid.Map(rapid.SampledFrom([]string{"V1", "V", "", "gift", "refund", "2026-01-01T00:00:00Z", "2026-01-01", "回", "回音"}), func(s string) any { return s }),
		rapid.Map(rapid.Bool(), func(b bool) any { return b }),
		rapid.Just[any](1.5), rapid.Just[any]([]any{1}), rapid.Just[any](map[string]any{"a": 1}),
	)
	names := []string{"voucher_id", "amount_minor", "currency", "kind", "rate", "until", "items", "shop", "used", "other"}
	agreed := map[bool]int{}
	rapid.Check(t, func(rt *rapid.T) {
		doc := map[string]any{"voucher_id": "V1", "amount_minor": 5, "currency": "CNY"}
		for range rapid.IntRange(0, 2).Draw(rt, "changes") {
			name := rapid.SampledFrom(names).Draw(rt, "name")
			if rapid.IntRange(0, 5).Draw(rt, "drop") == 0 {
				delete(doc, name)
			} else {
				doc[name] = value.Draw(rt, "value")
			}
		}
		data, err := json.Marshal(doc)
		if err != nil {
			rt.Fatal(err)
		}
		one, other := fast.check.check(fast, data) == nil, checkWhole(fast, full, data) == nil
		if one != other {
			rt.Fatalf("%s: the fast checker says %v, the full validator %v", data, one, other)
		}
		agreed[one]++
	})
	if agreed[true] == 0 || agreed[false] == 0 {
		t.Errorf("the generator never met both sides: %v", agreed)
	}
}

func FuzzNewType(f *testing.F) {
	f.Add(voucher+`}`, `{"voucher_id":"V1"}`)
	f.Add(`{"type":"object","properties":{"x":{"$ref":"#/$defs/y"}},"$defs":{"y":{"type":"string"}}}`, `{"x":1}`)
	f.Add(`{"type":"object","patternProperties":{"^a":{"not":true}}}`, `{"a":1}`)
	f.Fuzz(func(t *testing.T, schema, data string) {
		typ, err := NewType("fuzz.type", nil, json.RawMessage(schema))
		if err != nil {
			if e, ok := errs.As(err); !ok || e.Text == "" {
				t.Fatalf("an error without a sentence: %v", err)
			}
			return
		}
		if err := typ.check.check(typ, []byte(data)); err == nil && !json.Valid([]byte(data)) {
			t.Fatalf("accepted broken JSON %q", data)
		}
	})
}
