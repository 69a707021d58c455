package bench

import (
	"crypto/rand"
	"encoding/json"
	"testing"
	"time"

	"github.com/huiyin/huiyin/internal/platform/db/dbtest"
)

func TestTheRouteBenchMeasuresProductAndLimit(t *testing.T) {
	for name, address := range map[string]string{"sqlite": "", "postgres": dbtest.PostgresURL(t)} {
		t.Run(name, func(t *testing.T) {
			r, err := RunRoute(t.Context(), address, Route{Customers: 2_000, Events: 3_250, Batch: 500, Budget: 20 * time.Second}, rand.Reader)
			if err != nil {
				t.Fatal(err)
			}
			if r.N != 3_250 || r.RatePerS <= 0 || r.LimitRatePerS <= 0 {
				t.Fatalf("%+v", r)
			}
			if n := r.Extra["follow_ups"].(int64); n < 200 || n > 450 {
				t.Errorf("%d follow-ups from 3,250 events, meant to be a tenth", n)
			}
			t.Logf("%.0f/s against %.0f/s: %.2f, %.1f µs CPU each", r.RatePerS, r.LimitRatePerS, r.Ratio, r.CPUUsPerOp)
		})
	}
}

func TestAResultIsOneFlatLine(t *testing.T) {
	b, err := json.Marshal(compare("route", "raw", spent{wall: time.Second, cpu: 12345 * time.Microsecond, n: 1234}, spent{wall: time.Second, n: 1500}, map[string]any{"customers": 7}))
	if err != nil {
		t.Fatal(err)
	}
	want := `{"bench":"route","cpu_us_per_op":10,"customers":7,"limit":"raw","limit_cpu_us_per_op":0,"limit_rate_per_s":1500,"n":1234,"rate_per_s":1234,"ratio":0.8227}`
	if string(b) != want {
		t.Errorf("%s", b)
	}
}
