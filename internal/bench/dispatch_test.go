package bench

import (
	"crypto/rand"
	"testing"
	"time"

	"github.com/huiyin/huiyin/internal/platform/db/dbtest"
)

func TestTheDispatchBenchMeasuresProductAndLimit(t *testing.T) {
	for name, address := range map[string]string{"sqlite": "", "postgres": dbtest.PostgresURL(t)} {
		t.Run(name, func(t *testing.T) {
			r, err := RunDispatch(t.Context(), address, Dispatch{Due: 2_000, Batch: 200, Budget: 20 * time.Second}, rand.Reader)
			if err != nil {
				t.Fatal(err)
			}
			if r.N != 2_000 || r.RatePerS <= 0 || r.LimitRatePerS <= 0 {
				t.Fatalf("%+v", r)
			}
			t.Logf("%.0f/s against %.0f/s: %.2f, %.1f µs CPU each", r.RatePerS, r.LimitRatePerS, r.Ratio, r.CPUUsPerOp)
		})
	}
}
