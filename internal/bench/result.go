package bench

import (
	"encoding/json"
	"maps"
	"math"
	"strconv"
	"syscall"
	"time"

	"github.com/huiyin/huiyin/internal/platform/clock"
)

// Result is the line a bench prints.
type Result struct {
	Bench         string         // its name on the command line
	N             int64          // operations measured
	RatePerS      float64        // operations per second of wall time
	CPUUsPerOp    float64        // our process's CPU, microseconds; the work of a PostgreSQL server isn't in it
	Limit         string         // what the limit is
	LimitRatePerS float64        // the limit's operations per second, in the same run
	Ratio         float64        // RatePerS / LimitRatePerS
	Extra         map[string]any // more figures, by name with the unit last
}

// MarshalJSON writes one flat object, the extra figures after the common ones.
func (r Result) MarshalJSON() ([]byte, error) {
	all := map[string]any{}
	maps.Copy(all, r.Extra)
	all["bench"], all["n"], all["limit"] = r.Bench, r.N, r.Limit
	all["rate_per_s"], all["cpu_us_per_op"] = round(r.RatePerS), round(r.CPUUsPerOp)
	all["limit_rate_per_s"], all["ratio"] = round(r.LimitRatePerS), round(r.Ratio)
	return json.Marshal(all)
}

// round keeps four digits: more would be noise.
func round(x float64) float64 {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return 0
	}
	r, err := strconv.ParseFloat(strconv.FormatFloat(x, 'g', 4, 64), 64)
	if err != nil {
		return 0
	}
	return r
}

// spent is wall and CPU time, and what was done in it.
type spent struct {
	wall, cpu time.Duration
	n         int64
}

func (s spent) rate() float64 {
	if s.wall <= 0 {
		return 0
	}
	return float64(s.n) / s.wall.Seconds()
}

func (s spent) cpuUsPerOp() float64 {
	if s.n == 0 {
		return 0
	}
	return float64(s.cpu.Microseconds()) / float64(s.n)
}

// measure adds what fn takes, and the operations it says it did, to s.
func (s *spent) measure(fn func() (int64, error)) error {
	wall, cpu := clock.System{}.Now(), cpuTime()
	n, err := fn()
	s.cpu += cpuTime() - cpu
	s.wall += clock.System{}.Now().Sub(wall)
	s.n += n
	return err
}

// cpuTime is the CPU time of this process so far.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// compare makes the result of a product and its limit.
func compare(name, limit string, product, raw spent, extra map[string]any) Result {
	all := map[string]any{"limit_cpu_us_per_op": round(raw.cpuUsPerOp())}
	maps.Copy(all, extra)
	r := Result{
		Bench: name, N: product.n, RatePerS: product.rate(), CPUUsPerOp: product.cpuUsPerOp(),
		Limit: limit, LimitRatePerS: raw.rate(), Extra: all,
	}
	if r.LimitRatePerS > 0 {
		r.Ratio = r.RatePerS / r.LimitRatePerS
	}
	return r
}
