package rules

import (
	"testing"
)

func TestTheShippedPacksCompile(t *testing.T) {
	if _, err := Compile(Builtin(), BuiltinCaps()); err != nil {
		t.Fatal(err)
	}
}
