package statistics

import "math"

// Interval is a range that covers the true value with the confidence asked for,
// in the unit of what it was made from.
type Interval struct {
	Low  float64 `json:"low"`
	High float64 `json:"high"`
}

// Covers says whether v lies in the interval, its ends included.
func (i Interval) Covers(v float64) bool { return i.Low <= v && v <= i.High }

// Share is how many of N had what we looked for.
type Share struct {
	Hits, N int64
}

// Rate is the share itself, 0 to 1; 0 of none is 0.
func (s Share) Rate() float64 {
	if s.N <= 0 {
		return 0
	}
	return float64(s.Hits) / float64(s.N)
}

// Wilson is the score interval of a share, 0 to 1, without continuity correction:
// all p for which |rate − p| ≤ z·√(p(1−p)/n). It stays inside 0 and 1 and keeps
// its confidence for small n and for shares near the ends, where rate ± z·SE
// doesn't. Of nothing it is 0 to 1: nothing is known.
//
// Source: E. B. Wilson, Probable inference, the law of succession, and statistical
// inference, JASA 22 (1927) 209-212.
func Wilson(s Share, confidence float64) Interval {
	if s.N <= 0 {
		return Interval{0, 1}
	}
	n, p, z := float64(s.N), s.Rate(), normalQuantile(confidence)
	z2 := z * z
	centre := (p + z2/(2*n)) / (1 + z2/n)
	half := z / (1 + z2/n) * math.Sqrt(p*(1-p)/n+z2/(4*n*n))
	i := Interval{math.Max(0, centre-half), math.Min(1, centre+half)}
	if s.Hits <= 0 {
		i.Low = 0 // rounding must not leave 1e-17 where the formula says 0
	}
	if s.Hits >= s.N {
		i.High = 1
	}
	return i
}

// Newcombe is the difference of two shares, a − b, and its hybrid score interval,
// both in shares of 1 (0.05 is five percentage points):
//
//	low  = d − √((pa − la)² + (ub − pb)²)
//	high = d + √((ua − pa)² + (pb − lb)²)
//
// where (l, u) are Wilson's limits of each share. If either share is of nothing the
// interval is wide, as it should be.
//
// Source: R. G. Newcombe, Interval estimation for the difference between independent
// proportions: comparison of eleven methods, Statistics in Medicine 17 (1998) 873-890,
// method 10.
func Newcombe(a, b Share, confidence float64) (difference float64, i Interval) {
	pa, pb := a.Rate(), b.Rate()
	wa, wb := Wilson(a, confidence), Wilson(b, confidence)
	d := pa - pb
	if a.N <= 0 || b.N <= 0 {
		return d, Interval{wa.Low - wb.High, wa.High - wb.Low}
	}
	return d, Interval{
		Low:  d - math.Hypot(pa-wa.Low, wb.High-pb),
		High: d + math.Hypot(wa.High-pa, pb-wb.Low),
	}
}
