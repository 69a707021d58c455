package statistics

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

// studentByArea finds t from the density of Student's distribution.
func studentByArea(confidence, freedom float64) float64 {
	a, _ := math.Lgamma((freedom + 1) / 2)
	b, _ := math.Lgamma(freedom / 2)
	front := math.Exp(a-b) / math.Sqrt(freedom*math.Pi)
	// With x = √ν·tan θ the tails become finite: dP = front·√ν·cos(θ)^(ν−1) dθ.
	inside := func(t float64) float64 {
		return 2 * area(0, math.Atan(t/math.Sqrt(freedom)), 4000, func(th float64) float64 {
			return front * math.Sqrt(freedom) * math.Pow(math.Cos(th), freedom-1)
		})
	}
	return solve(0, 1e4, func(t float64) float64 { return inside(t) - confidence })
}

func TestStudentsQuantileIsTheAreaUnderItsDensity(t *testing.T) {
	for _, freedom := range []float64{1, 2, 3.7, 10, 29, 120} {
		for _, confidence := range []float64{0.8, 0.95, 0.99} {
			want := studentByArea(confidence, freedom)
			near(t, "t", studentQuantile(confidence, freedom), want, 1e-6*want)
		}
	}
	near(t, "t of very many", studentQuantile(0.95, 1e9), normalQuantile(0.95), 1e-6)
	near(t, "z", normalQuantile(0.95), 1.959963984540054, 1e-12)
}

func TestMomentsAreThoseOfTheValuesOneByOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		counts := rapid.MapOfN(rapid.Int64Range(-5, 1_000_000_000), rapid.Int64Range(0, 40), 0, 12).Draw(t, "counts")
		var n, mean, squares float64 // Welford's way, value by value
		for v, k := range counts {
			for range k {
				n++
				d := float64(v) - mean
				mean += d / n
				squares += d * (float64(v) - mean)
			}
		}
		m := MomentsOf(counts)
		if float64(m.N) != n {
			t.Fatalf("n is %d, want %g", m.N, n)
		}
		if n > 0 && math.Abs(m.Mean-mean) > 1e-9*(1+math.Abs(mean)) {
			t.Fatalf("the mean is %g, want %g", m.Mean, mean)
		}
		if n > 1 && math.Abs(m.Variance-squares/(n-1)) > 1e-8*(1+m.Variance) {
			t.Fatalf("the variance is %g, want %g", m.Variance, squares/(n-1))
		}
	})
}

func TestTheIntervalOfAMeanIsStudents(t *testing.T) {
	// Four values 1, 2, 3, 6: mean 3, variance 14/3, standard error √(14/12).
	m := MomentsOf(map[int64]int64{1: 1, 2: 1, 3: 1, 6: 1})
	near(t, "the variance", m.Variance, 14.0/3, 1e-12)
	i, ok := Mean(m, 0.95)
	if !ok {
		t.Fatal("four different values have no interval")
	}
	half := studentByArea(0.95, 3) * math.Sqrt(14.0/12)
	near(t, "the lower limit", i.Low, 3-half, 1e-6)
	near(t, "the upper limit", i.High, 3+half, 1e-6)
}

func TestWhatDoesNotVaryHasNoInterval(t *testing.T) {
	for name, counts := range map[string]map[int64]int64{
		"no values": {}, "one value": {4: 1}, "all the same": {5: 300},
	} {
		t.Run(name, func(t *testing.T) {
			if i, ok := Mean(MomentsOf(counts), 0.95); ok {
				t.Errorf("got %v", i)
			}
			if _, i, ok := Welch(MomentsOf(counts), MomentsOf(counts), 0.95); ok {
				t.Errorf("the difference got %v", i)
			}
		})
	}
}

func TestWelchWithEqualArmsIsTheTwoSampleInterval(t *testing.T) {
	a := Moments{N: 12, Mean: 4.1, Variance: 0.9}
	b := Moments{N: 12, Mean: 3.6, Variance: 0.9}
	d, i, ok := Welch(a, b, 0.95)
	if !ok {
		t.Fatal("there is no interval")
	}
	// Equal sizes and variances: Student's pooled interval with 22 degrees of freedom.
	half := studentByArea(0.95, 22) * math.Sqrt(0.9*2/12)
	near(t, "the difference", d, 0.5, 1e-12)
	near(t, "the lower limit", i.Low, 0.5-half, 1e-6)
	near(t, "the upper limit", i.High, 0.5+half, 1e-6)
}

func TestWelchsFreedomLiesBetweenTheSmallerArmAndBoth(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := func(label string) Moments {
			return Moments{
				N:        rapid.Int64Range(2, 500).Draw(t, label+" n"),
				Mean:     rapid.Float64Range(-10, 10).Draw(t, label+" mean"),
				Variance: rapid.Float64Range(0.01, 10).Draw(t, label+" variance"),
			}
		}
		a, b := draw("a"), draw("b")
		d, i, ok := Welch(a, b, 0.95)
		if !ok || !i.Covers(d) {
			t.Fatalf("%g has %v", d, i)
		}
		// The interval is never narrower than with all degrees of freedom and never wider than
		// with those of the smaller arm.
		se := math.Sqrt(a.Variance/float64(a.N) + b.Variance/float64(b.N))
		least := studentQuantile(0.95, float64(a.N+b.N-2)) * se
		most := studentQuantile(0.95, float64(min(a.N, b.N)-1)) * se
		if half := (i.High - i.Low) / 2; half < least*(1-1e-9) || half > most*(1+1e-9) {
			t.Fatalf("half of %v is not between %g and %g", i, least, most)
		}
		back, j, _ := Welch(b, a, 0.95)
		if math.Abs(back+d) > 1e-12 || math.Abs(j.Low+i.High) > 1e-9 {
			t.Fatalf("the other way round %v is %v", i, j)
		}
	})
}

func TestANetPromoterScoreIsPromotersLessDetractors(t *testing.T) {
	score, i := NetPromoter(60, 15, 100, 0.95)
	near(t, "the score", score, 45, 1e-12)
	// With three answers added: 60.75 and 15.75 of 103.
	p, d := 60.75/103, 15.75/103
	half := z(0.95) * math.Sqrt((p*(1-(p-d))*(1-(p-d))+d*(1+(p-d))*(1+(p-d))+(1-p-d)*(p-d)*(p-d))/103)
	near(t, "the lower limit", i.Low, 100*(p-d-half), 1e-6)
	near(t, "the upper limit", i.High, 100*(p-d+half), 1e-6)
}

func TestANetPromoterScoreStaysOnItsScale(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int64Range(0, 2000).Draw(t, "n")
		p := rapid.Int64Range(0, n).Draw(t, "promoters")
		d := rapid.Int64Range(0, n-p).Draw(t, "detractors")
		score, i := NetPromoter(p, d, n, 0.95)
		if i.Low < -100 || i.High > 100 || !i.Covers(score) || n > 0 && i.Low == i.High {
			t.Fatalf("%d of %d less %d: %g in %v", p, n, d, score, i)
		}
	})
}

func TestTheTailOfChiSquareIsTheAreaUnderItsDensity(t *testing.T) {
	for _, freedom := range []float64{1, 2, 3, 9, 31} {
		lg, _ := math.Lgamma(freedom / 2)
		for _, x := range []float64{0.01, 0.5, 1, 3.84, 6.63, 10.83, 40} {
			// With x = u² the density has no pole at 0.
			want := 1 - area(0, math.Sqrt(x), 20_000, func(u float64) float64 {
				return 2 * math.Pow(u, freedom-1) * math.Exp(-u*u/2-freedom/2*math.Ln2-lg)
			})
			near(t, "the tail", chiSquareTail(x, freedom), want, 1e-10)
		}
	}
}

func TestSampleRatioSeesAMissingPartOfAnArm(t *testing.T) {
	cases := []struct {
		name   string
		sizes  []int64
		shares []float64
		bad    bool
	}{
		{"as meant", []int64{90_050, 9_950}, []float64{0.9, 0.1}, false},
		{"49 to 51 of a hundred thousand", []int64{49_000, 51_000}, []float64{0.5, 0.5}, true},
		{"three arms as meant", []int64{12_194, 12_237, 11_992}, []float64{1, 1, 1}, false},
		{"a tenth of the hold-out lost", []int64{90_000, 9_000}, []float64{0.9, 0.1}, true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			x, p, ok := SampleRatio(c.sizes, c.shares)
			if !ok || (p < 0.001) != c.bad {
				t.Errorf("chi-square %g, p %g, ok %v", x, p, ok)
			}
		})
	}
	x, p, _ := SampleRatio([]int64{49_000, 51_000}, []float64{0.5, 0.5})
	near(t, "chi-square", x, 2*1000*1000/50_000.0, 1e-9) // z = 6.3
	near(t, "p", p, math.Erfc(math.Sqrt(x/2)), 1e-15)    // one degree of freedom is a squared normal
}

func TestSampleRatioSaysWhenThereIsNothingToCompare(t *testing.T) {
	cases := []struct {
		name   string
		sizes  []int64
		shares []float64
	}{
		{"no arms", nil, nil},
		{"one arm", []int64{5}, []float64{1}},
		{"nobody in any arm", []int64{0, 0}, []float64{0.5, 0.5}},
		{"an arm that should be empty", []int64{5, 5}, []float64{1, 0}},
		{"a share that is no number", []int64{5, 5}, []float64{1, math.NaN()}},
		{"more arms than shares", []int64{5, 5}, []float64{1}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if x, p, ok := SampleRatio(c.sizes, c.shares); ok {
				t.Errorf("got %g, %g", x, p)
			}
		})
	}
}
