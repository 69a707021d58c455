package bench

import (
	"crypto/rand"
	"encoding/json"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/huiyin/huiyin/internal/intake/event"
	"github.com/huiyin/huiyin/internal/platform/clock"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/db/dbtest"
)

// plainDoor is intake with nothing around it.
func plainDoor(d *db.DB) (http.Handler, string, error) {
	catalogue, err := event.NewCatalogue()
	if err != nil {
		return nil, "", err
	}
	in := event.NewIntake(d, clock.System{}, catalogue, event.IntakeOptions{})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || r.Header.Get("Authorization") != "Bearer x" {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		items, err := event.Decode(body, r.Header.Get("Content-Type"), in.Limits())
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		res, err := in.Accept(r.Context(), items)
		if err != nil {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		w.WriteHeader(http.StatusAccepted)
		_ = json.NewEncoder(w).Encode(res)
	}), "Bearer x", nil
}

func TestTheIntakeBenchMeasuresProductAndLimit(t *testing.T) {
	for name, address := range map[string]string{"sqlite": "", "postgres": dbtest.PostgresURL(t)} {
		t.Run(name, func(t *testing.T) {
			r, err := RunIntake(t.Context(), address, Intake{Events: 4_000, Batch: 500, Clients: 3, Budget: 20 * time.Second}, plainDoor, rand.Reader)
			if err != nil {
				t.Fatal(err)
			}
			if r.N != 4_000 || r.RatePerS <= 0 || r.LimitRatePerS <= 0 {
				t.Fatalf("%+v", r)
			}
			t.Logf("%.0f/s against %.0f/s: %.2f, %.1f µs CPU each, %v without the database", r.RatePerS, r.LimitRatePerS, r.Ratio, r.CPUUsPerOp, r.Extra["cpu_us_per_op_without_database"])
		})
	}
}
