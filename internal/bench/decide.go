package bench

import (
	"context"
	"fmt"
	"runtime"
	"time"

	"github.com/huiyin/huiyin/internal/decide/policy"
	"github.com/huiyin/huiyin/internal/platform/clock"
	"github.com/huiyin/huiyin/internal/program/rules"
)

// Decide is the size of a decision bench.
type Decide struct {
	N      int           // decisions of each case
	Budget time.Duration // of wall time, all cases together
}

// DecideDefault ends within 40 s on two cores.
var DecideDefault = Decide{N: 2_000_000, Budget: 20 * time.Second}

// decideRound is how many decisions product and limit make in turn.
const decideRound = 10_000

// RunDecide measures deciding one follow-up under the shipped rule packs and caps,
// on the two commonest cases: allowed, and put off to the next window. The limit is
// telling the customer's wall-clock time, which no window can be judged without.
func RunDecide(ctx context.Context, size Decide) (Result, error) {
	judged, err := rules.Compile(rules.Builtin(), rules.BuiltinCaps(), rules.Home("CN"))
	if err != nil {
		return Result{}, err
	}
	zone, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		return Result{}, err
	}
	var product, raw spent
	extra := map[string]any{}
	for _, c := range decideCases() {
		var mine spent
		if want := c.want; judged.Decide(&c.facts, c.now).Verdict != want {
			return Result{}, fmt.Errorf("case %s: the decision is %+v, and the bench is about another", c.name, judged.Decide(&c.facts, c.now))
		}
		began := clock.System{}.Now()
		for int(mine.n) < size.N && (clock.System{}).Now().Sub(began) < size.Budget/2 && ctx.Err() == nil {
			if err := mine.measure(func() (int64, error) { return decideMany(judged, &c.facts, c.now), nil }); err != nil {
				return Result{}, err
			}
			if err := raw.measure(func() (int64, error) { return wallClock(zone, c.now), nil }); err != nil {
				return Result{}, err
			}
		}
		extra[c.name+"_ns"] = round(float64(mine.wall.Nanoseconds()) / float64(mine.n))
		extra[c.name+"_allocs"] = allocations(func() { judged.Decide(&c.facts, c.now) })
		product.n, product.wall, product.cpu = product.n+mine.n, product.wall+mine.wall, product.cpu+mine.cpu
	}
	return compare("decide", "time.Time.In and Clock, twice: now, and the end of the ring", product, raw, extra), ctx.Err()
}

type decideCase struct {
	name  string
	facts policy.Facts
	now   time.Time
	want  policy.Verdict
}

func decideCases() []decideCase {
	base := policy.Facts{
		Zones: []string{"Asia/Shanghai"}, Country: "CN", Channel: "sms", Purpose: policy.Survey, FollowUp: 1,
		Deadline: dispatchNoon.Add(48 * time.Hour),
		Counted: []policy.Counted{
			{At: dispatchNoon.Add(-40 * 24 * time.Hour), Purpose: policy.Survey, Kind: policy.Message, FollowUp: 2, Attempt: 2},
			{At: dispatchNoon.Add(-2 * time.Hour), Purpose: policy.Notice, Kind: policy.Message, FollowUp: 3, Attempt: 3},
		},
	}
	return []decideCase{
		{"allow", base, dispatchNoon, policy.Allow},
		{"defer", base, dispatchNoon.Add(11 * time.Hour), policy.Defer}, // 23:00 in Shanghai
	}
}

func decideMany(r *policy.Rules, f *policy.Facts, now time.Time) int64 {
	for range decideRound {
		r.Decide(f, now)
	}
	return decideRound
}

func wallClock(zone *time.Location, now time.Time) int64 {
	for range decideRound {
		h, m, _ := now.In(zone).Clock()
		h2, m2, _ := now.Add(30 * time.Second).In(zone).Clock()
		runtime.KeepAlive(h + m + h2 + m2) // else the loop is optimised away
	}
	return decideRound
}

// allocations is how many one call makes, on average over many.
func allocations(fn func()) float64 {
	const runs = 1_000
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range runs {
		fn()
	}
	runtime.ReadMemStats(&after)
	return round(float64(after.Mallocs-before.Mallocs) / runs)
}
