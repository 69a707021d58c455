package statistics

import (
	"maps"
	"math"
	"slices"
)

// Moments are what intervals of a mean are made from, in the unit of the values
// (Variance in its square, divided by N − 1).
type Moments struct {
	N        int64
	Mean     float64
	Variance float64
}

// MomentsOf gathers whole values that occur so many times each: 5 → 12, 4 → 7 … .
// It takes the mean first and the squares of what is left after, in the order of the
// values, so that large values with a small spread lose nothing and the same counts
// always give the same bits.
func MomentsOf(counts map[int64]int64) Moments {
	values := slices.Sorted(maps.Keys(counts))
	var m Moments
	var sum float64
	for _, v := range values {
		m.N += counts[v]
		sum += float64(v) * float64(counts[v])
	}
	if m.N <= 0 {
		return Moments{}
	}
	m.Mean = sum / float64(m.N)
	if m.N < 2 {
		return m
	}
	for _, v := range values {
		off := float64(v) - m.Mean
		m.Variance += off * off * float64(counts[v])
	}
	m.Variance /= float64(m.N - 1)
	return m
}

// Mean is Student's interval of a mean, in the unit of the values. There is none
// (ok is false) for fewer than two values, and none when all are equal: that they
// don't vary in the sample doesn't tell how they vary.
//
// Source: Student, The probable error of a mean, Biometrika 6 (1908) 1-25.
func Mean(m Moments, confidence float64) (i Interval, ok bool) {
	if m.N < 2 || m.Variance <= 0 {
		return Interval{}, false
	}
	half := studentQuantile(confidence, float64(m.N-1)) * math.Sqrt(m.Variance/float64(m.N))
	return Interval{m.Mean - half, m.Mean + half}, true
}

// Welch is the difference of two means, a − b, and its interval for variances that
// needn't be equal, in the unit of the values:
//
//	d ± t(ν)·√(va/na + vb/nb),  ν = (va/na + vb/nb)² / ((va/na)²/(na−1) + (vb/nb)²/(nb−1))
//
// There is none (ok is false) when a side has fewer than two values or nothing varies.
//
// Source: B. L. Welch, The generalization of "Student's" problem when several
// different population variances are involved, Biometrika 34 (1947) 28-35.
func Welch(a, b Moments, confidence float64) (difference float64, i Interval, ok bool) {
	d := a.Mean - b.Mean
	if a.N < 2 || b.N < 2 || a.Variance+b.Variance <= 0 {
		return d, Interval{}, false
	}
	ea, eb := a.Variance/float64(a.N), b.Variance/float64(b.N)
	freedom := (ea + eb) * (ea + eb) / (ea*ea/float64(a.N-1) + eb*eb/float64(b.N-1))
	half := studentQuantile(confidence, freedom) * math.Sqrt(ea+eb)
	return d, Interval{d - half, d + half}, true
}

// pseudoAnswers are added to an adjusted net promoter score: a quarter to each end, a half between.
const pseudoAnswers = 3.0

// NetPromoter is a net promoter score, promoters − detractors in points of 100
// (−100 to 100), and its adjusted Wald interval: the variance of the multinomial
// after three answers are added, ¾ promoters, 1½ passives, ¾ detractors. The score
// itself is not adjusted. Of nothing the interval is −100 to 100.
//
// Source: B. Rocks, Interval estimation for the "Net Promoter Score",
// The American Statistician 70 (2016) 365-372.
func NetPromoter(promoters, detractors, n int64, confidence float64) (score float64, i Interval) {
	if n <= 0 {
		return 0, Interval{-100, 100}
	}
	all := float64(n) + pseudoAnswers
	p, d := (float64(promoters)+pseudoAnswers/4)/all, (float64(detractors)+pseudoAnswers/4)/all
	half := normalQuantile(confidence) * math.Sqrt((p+d-(p-d)*(p-d))/all)
	score = 100 * float64(promoters-detractors) / float64(n)
	return score, Interval{
		Low:  math.Max(-100, math.Min(100*(p-d-half), score)),
		High: math.Min(100, math.Max(100*(p-d+half), score)),
	}
}
