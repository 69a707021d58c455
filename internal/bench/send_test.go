package bench

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"testing"
	"time"
)

// TestMain lets the test binary be its own mail sink, in a process of its own.
func TestMain(m *testing.M) {
	if os.Getenv("HUIYIN_BENCH_SINK") == "" {
		os.Exit(m.Run())
	}
	s, err := StartSink(os.Getenv("HUIYIN_BENCH_SINK"))
	if err != nil {
		panic(err)
	}
	fmt.Println(s.Address())
	if err := s.Serve(context.Background()); err != nil {
		panic(err)
	}
}

func TestTheSendBenchWritesToEveryone(t *testing.T) {
	for name, n := range map[string]int{"email": 3_000, "sms": 1_500} {
		t.Run(name, func(t *testing.T) { writeToEveryone(t, name, n) })
	}
}

func writeToEveryone(t *testing.T, name string, n int) {
	t.Setenv("HUIYIN_BENCH_SINK", name)
	r, err := RunSend(t.Context(), "", []string{os.Args[0]}, Send{Channel: name, Messages: n, Connections: 32, Budget: 30 * time.Second}, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if r.N != int64(n) {
		t.Fatalf("%d sent, want %d", r.N, n)
	}
	t.Logf("%.0f/s against %.0f/s: %.2f; %v ms CPU each, peak %v MB", r.RatePerS, r.LimitRatePerS, r.Ratio, r.Extra["cpu_ms_per_message"], r.Extra["peak_mb"])
}
