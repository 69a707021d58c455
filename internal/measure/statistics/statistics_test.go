package statistics

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

// The tests work the same numbers out another way: z and t by integrating their densities,
// score limits by searching where the score equation holds, tails by integration. Nothing of
// the package's own arithmetic is used for that.

// solve finds where a function that rises from below to above zero crosses it.
func solve(low, high float64, f func(float64) float64) float64 {
	for range 200 {
		mid := (low + high) / 2
		if f(mid) < 0 {
			low = mid
		} else {
			high = mid
		}
	}
	return (low + high) / 2
}

// area integrates by Simpson's rule.
func area(from, to float64, steps int, f func(float64) float64) float64 {
	h := (to - from) / float64(steps)
	sum := f(from) + f(to)
	for i := 1; i < steps; i++ {
		sum += f(from+float64(i)*h) * float64(2+2*(i%2))
	}
	return sum * h / 3
}

func z(confidence float64) float64 {
	density := func(x float64) float64 { return math.Exp(-x*x/2) / math.Sqrt(2*math.Pi) }
	return solve(0, 10, func(z float64) float64 { return 2*area(0, z, 2000, density) - confidence })
}

// wilsonBySearch asks of each p whether the observed share lies further than z standard
// errors of p from it: the definition of a score interval.
func wilsonBySearch(s Share, confidence float64) Interval {
	n, rate, limit := float64(s.N), float64(s.Hits)/float64(s.N), z(confidence)
	beyond := func(p float64) float64 { // negative where p is too far off
		return limit*math.Sqrt(p*(1-p)/n) - math.Abs(rate-p)
	}
	i := Interval{0, 1}
	if s.Hits > 0 {
		i.Low = solve(0, rate, beyond)
	}
	if s.Hits < s.N {
		i.High = solve(rate, 1, func(p float64) float64 { return -beyond(p) })
	}
	return i
}

func near(t *testing.T, what string, got, want, within float64) {
	t.Helper()
	if math.IsNaN(got) || math.Abs(got-want) > within {
		t.Errorf("%s is %.12g, want %.12g", what, got, want)
	}
}

func TestWilsonIsWhereTheScoreEquationHolds(t *testing.T) {
	for _, s := range []Share{{0, 1}, {1, 1}, {0, 20}, {20, 20}, {1, 29}, {15, 148}, {81, 263}, {1788, 12237}, {999_999, 1_000_000}} {
		for _, confidence := range []float64{0.8, 0.95, 0.99} {
			got, want := Wilson(s, confidence), wilsonBySearch(s, confidence)
			near(t, "the lower limit", got.Low, want.Low, 1e-9)
			near(t, "the upper limit", got.High, want.High, 1e-9)
		}
	}
}

// Newcombe's paper of 1998 on one proportion prints these limits for method 3.
func TestWilsonGivesThePublishedLimits(t *testing.T) {
	cases := []struct {
		name      string
		s         Share
		low, high float64
	}{
		{"81 of 263", Share{81, 263}, 0.2553, 0.3662},
		{"15 of 148", Share{15, 148}, 0.0624, 0.1605},
		{"none of 20", Share{0, 20}, 0.0000, 0.1611},
		{"1 of 29", Share{1, 29}, 0.0061, 0.1718},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got := Wilson(c.s, 0.95)
			near(t, "the lower limit", got.Low, c.low, 0.00005)
			near(t, "the upper limit", got.High, c.high, 0.00005)
		})
	}
}

func TestNewcombePutsTheSearchedLimitsTogether(t *testing.T) {
	cases := []struct {
		name string
		a, b Share
	}{
		{"a usual campaign", Share{2168, 11992}, Share{1264, 12194}},
		{"small arms", Share{9, 10}, Share{3, 10}},
		{"none against none", Share{0, 10}, Share{0, 20}},
		{"all against none", Share{10, 10}, Share{0, 10}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			d, got := Newcombe(c.a, c.b, 0.95)
			wa, wb := wilsonBySearch(c.a, 0.95), wilsonBySearch(c.b, 0.95)
			pa, pb := c.a.Rate(), c.b.Rate()
			near(t, "the difference", d, float64(c.a.Hits)/float64(c.a.N)-float64(c.b.Hits)/float64(c.b.N), 1e-15)
			near(t, "the lower limit", got.Low, d-math.Sqrt((pa-wa.Low)*(pa-wa.Low)+(wb.High-pb)*(wb.High-pb)), 1e-9)
			near(t, "the upper limit", got.High, d+math.Sqrt((wa.High-pa)*(wa.High-pa)+(pb-wb.Low)*(pb-wb.Low)), 1e-9)
		})
	}
}

// Newcombe's paper on differences prints these limits for method 10.
func TestNewcombeGivesThePublishedLimits(t *testing.T) {
	cases := []struct {
		name      string
		a, b      Share
		low, high float64
	}{
		{"56/70 − 48/80", Share{56, 70}, Share{48, 80}, 0.0524, 0.3339},
		{"9/10 − 3/10", Share{9, 10}, Share{3, 10}, 0.1705, 0.8090},
		{"10/10 − 0/10", Share{10, 10}, Share{0, 10}, 0.6075, 1.0000},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, got := Newcombe(c.a, c.b, 0.95)
			near(t, "the lower limit", got.Low, c.low, 0.00005)
			near(t, "the upper limit", got.High, c.high, 0.00005)
		})
	}
}

func TestAShareOfNothingIsKnownToBeAnything(t *testing.T) {
	if got := Wilson(Share{}, 0.95); got != (Interval{0, 1}) {
		t.Errorf("Wilson of nothing is %v", got)
	}
	if _, got := Newcombe(Share{}, Share{}, 0.95); got != (Interval{-1, 1}) {
		t.Errorf("Newcombe of nothing is %v", got)
	}
}

// coverage adds up the chance of all samples of n whose interval holds the true share p.
func coverage(n int64, p float64, interval func(Share) Interval) float64 {
	covered, chance := 0.0, math.Pow(1-p, float64(n))
	for k := int64(0); k <= n; k++ {
		if interval(Share{k, n}).Covers(p) {
			covered += chance
		}
		chance *= float64(n-k) / float64(k+1) * p / (1 - p)
	}
	return covered
}

func TestWilsonKeepsItsConfidenceWhereThePlainIntervalDoesNot(t *testing.T) {
	plain := func(s Share) Interval {
		half := 1.959964 * math.Sqrt(s.Rate()*(1-s.Rate())/float64(s.N))
		return Interval{s.Rate() - half, s.Rate() + half}
	}
	wilson := func(s Share) Interval { return Wilson(s, 0.95) }
	for _, c := range []struct {
		n int64
		p float64
	}{{20, 0.95}, {50, 0.95}, {20, 0.8}, {200, 0.8}} {
		if got := coverage(c.n, c.p, wilson); got < 0.92 {
			t.Errorf("n=%d p=%g: Wilson covers %.3f", c.n, c.p, got)
		}
	}
	if got := coverage(20, 0.95, plain); got > 0.70 {
		t.Errorf("the plain interval covers %.3f of n=20, p=0.95: the sum of chances is wrong", got)
	}
}

func shares(t *rapid.T, label string) Share {
	n := rapid.Int64Range(1, 100_000).Draw(t, label+" n")
	return Share{rapid.Int64Range(0, n).Draw(t, label+" hits"), n}
}

func TestIntervalsOfSharesHoldTheirShape(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := shares(t, "a"), shares(t, "b")
		w := Wilson(a, 0.95)
		if !(0 <= w.Low && w.High <= 1 && w.Covers(a.Rate())) {
			t.Fatalf("Wilson of %v is %v", a, w)
		}
		mirror := Wilson(Share{a.N - a.Hits, a.N}, 0.95)
		if math.Abs(mirror.Low-(1-w.High)) > 1e-12 || math.Abs(mirror.High-(1-w.Low)) > 1e-12 {
			t.Fatalf("the misses of %v have %v, the hits %v", a, mirror, w)
		}
		if more := Wilson(Share{a.Hits * 4, a.N * 4}, 0.95); more.High-more.Low >= w.High-w.Low {
			t.Fatalf("four times as many answers widen %v to %v", w, more)
		}
		if surer := Wilson(a, 0.99); surer.Low > w.Low || surer.High < w.High {
			t.Fatalf("99 %% gives %v inside the %v of 95 %%", surer, w)
		}
		d, i := Newcombe(a, b, 0.95)
		if !i.Covers(d) || i.Low < -1 || i.High > 1 {
			t.Fatalf("the difference %g of %v and %v has %v", d, a, b, i)
		}
		back, j := Newcombe(b, a, 0.95)
		if math.Abs(back+d) > 1e-12 || math.Abs(j.Low+i.High) > 1e-12 || math.Abs(j.High+i.Low) > 1e-12 {
			t.Fatalf("the other way round %v is %v", i, j)
		}
	})
}
