package bench

import (
	"testing"
	"time"
)

func TestTheDecideBenchMeasuresBothCases(t *testing.T) {
	r, err := RunDecide(t.Context(), Decide{N: 50_000, Budget: 10 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	if r.N != 100_000 || r.Extra["allow_ns"].(float64) <= 0 || r.Extra["defer_ns"].(float64) <= 0 {
		t.Fatalf("%+v", r)
	}
	t.Log(r.Extra)
}
