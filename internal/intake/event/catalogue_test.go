package event

import "testing"

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
