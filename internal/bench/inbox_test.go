package bench

import (
	"crypto/rand"
	"testing"
	"time"
)

func TestTheInboxBenchReachesEveryone(t *testing.T) {
	const n = 2_000
	r, err := RunInbox(t.Context(), "", Send{Messages: n, Connections: 32, Budget: 30 * time.Second}, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if r.N != n {
		t.Fatalf("%d cards, want %d", r.N, n)
	}
	t.Logf("%.0f/s against %.0f/s: %.2f; %v ms CPU each", r.RatePerS, r.LimitRatePerS, r.Ratio, r.Extra["cpu_ms_per_message"])
}
