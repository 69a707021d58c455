package statistics

import "math"

// The bounds of the numerical work below. Fractions and series here converge within
// dozens of terms; the bounds only keep a mistake from looping.
const (
	termsMax      = 10_000
	bisectionsMax = 200
	tiny          = 1e-300
	precision     = 1e-15
)

// normalQuantile is z with P(|Z| ≤ z) = confidence for the standard normal.
func normalQuantile(confidence float64) float64 {
	return math.Sqrt2 * math.Erfinv(confidence)
}

// studentQuantile is t with P(|T| ≤ t) = confidence for Student's distribution.
func studentQuantile(confidence, freedom float64) float64 {
	low, high := 0.0, 1.0
	for studentTail(high, freedom) > 1-confidence && high < 1e12 {
		high *= 2
	}
	for range bisectionsMax {
		mid := low + (high-low)/2
		if mid == low || mid == high {
			break
		}
		if studentTail(mid, freedom) > 1-confidence {
			low = mid
		} else {
			high = mid
		}
	}
	return high
}

// studentTail is P(|T| > t) for Student's distribution.
func studentTail(t, freedom float64) float64 {
	return incompleteBeta(freedom/2, 0.5, freedom/(freedom+t*t))
}

// incompleteBeta is the regularised incomplete beta function I_x(a, b), by the continued
// fraction DLMF 8.17.22, worked out from the front (Lentz).
func incompleteBeta(a, b, x float64) float64 {
	if x <= 0 {
		return 0
	}
	if x >= 1 {
		return 1
	}
	if x > (a+1)/(a+b+2) { // the fraction converges fast only below this
		return 1 - incompleteBeta(b, a, 1-x)
	}
	la, _ := math.Lgamma(a)
	lb, _ := math.Lgamma(b)
	lab, _ := math.Lgamma(a + b)
	front := math.Exp(lab-la-lb+a*math.Log(x)+b*math.Log1p(-x)) / a
	term := func(n int) float64 {
		m := float64(n / 2)
		if n%2 == 0 {
			return m * (b - m) * x / ((a + 2*m - 1) * (a + 2*m))
		}
		return -(a + m) * (a + b + m) * x / ((a + 2*m) * (a + 2*m + 1))
	}
	return front / fraction(1, func(n int) (float64, float64) { return term(n), 1 })
}

// chiSquareTail is P(X > x) for the chi-square distribution: the regularised upper
// incomplete gamma function Q(freedom/2, x/2), by series DLMF 8.7.1 below the mean and
// continued fraction DLMF 8.9.2 above it.
func chiSquareTail(x, freedom float64) float64 {
	a, x := freedom/2, x/2
	if x <= 0 {
		return 1
	}
	lg, _ := math.Lgamma(a)
	front := math.Exp(a*math.Log(x) - x - lg)
	if x < a+1 {
		sum, term := 1/a, 1/a
		for n := 1; n < termsMax && term > sum*precision; n++ {
			term *= x / (a + float64(n))
			sum += term
		}
		return math.Max(0, 1-front*sum)
	}
	return front / fraction(x+1-a, func(n int) (float64, float64) {
		i := float64(n)
		return -i * (i - a), x + 2*i + 1 - a
	})
}

// fraction is b0 + a1/(b1 + a2/(b2 + …)), part giving (an, bn).
func fraction(b0 float64, part func(n int) (a, b float64)) float64 {
	f := b0
	if f == 0 {
		f = tiny
	}
	c, d := f, 0.0
	for n := 1; n < termsMax; n++ {
		a, b := part(n)
		if d = b + a*d; d == 0 {
			d = tiny
		}
		if c = b + a/c; c == 0 {
			c = tiny
		}
		d = 1 / d
		f *= c * d
		if math.Abs(c*d-1) < precision {
			break
		}
	}
	return f
}
