package realinput

import (
	"math"
	"testing"
)

// z is the 97.5 % point of the normal distribution.
const z = 1.959963984540054

// wilson is the score interval of a share, from Wilson (1927), equation 6 solved for p.
func wilson(hits, n int) (low, high float64) {
	p, N := float64(hits)/float64(n), float64(n)
	middle := (p + z*z/(2*N)) / (1 + z*z/N)
	half := z / (1 + z*z/N) * math.Sqrt(p*(1-p)/N+z*z/(4*N*N))
	return middle - half, middle + half
}

// newcombe is the hybrid score interval of a difference, from Newcombe (1998), method 10.
func newcombe(hits1, n1, hits2, n2 int) (difference, low, high float64) {
	p1, p2 := float64(hits1)/float64(n1), float64(hits2)/float64(n2)
	l1, u1 := wilson(hits1, n1)
	l2, u2 := wilson(hits2, n2)
	d := p1 - p2
	return d, d - math.Hypot(p1-l1, u2-p2), d + math.Hypot(u1-p1, p2-l2)
}

// near compares figures that were computed in two ways.
func near(t *testing.T, what string, got *float64, want float64) {
	t.Helper()
	if got == nil || math.Abs(*got-want) > 1e-9 {
		t.Errorf("%s: %v, directly computed %v", what, show(got), want)
	}
}

func show(f *float64) any {
	if f == nil {
		return "none"
	}
	return *f
}

// Examples of Newcombe's papers of 1998: 81 of 263, and 56 of 70 against 48 of 80.
func TestTheDirectComputationsGiveThePublishedFigures(t *testing.T) {
	low, high := wilson(81, 263)
	if math.Abs(low-0.2553) > 5e-5 || math.Abs(high-0.3662) > 5e-5 {
		t.Errorf("81 of 263: %.4f to %.4f", low, high)
	}
	d, low, high := newcombe(56, 70, 48, 80)
	if math.Abs(d-0.2) > 1e-12 || math.Abs(low-0.0524) > 5e-5 || math.Abs(high-0.3339) > 5e-5 {
		t.Errorf("56/70 - 48/80: %.4f, %.4f to %.4f", d, low, high)
	}
}
