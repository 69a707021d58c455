package statistics

// SampleRatio compares the sizes of arms with the shares they were meant to have and
// gives Pearson's chi-square (no unit) and the chance p of a deviation at least that
// large if all went as meant. A p below 0.001 says that customers went missing from an
// arm, or came twice, and the comparison isn't to be trusted. ok is false when there is
// nothing to compare: fewer than two arms, no customers, or a share that isn't positive.
//
// Source: K. Pearson, Philosophical Magazine 50 (1900) 157-175; its use and the limit of
// 0.001: A. Fabijan et al., Diagnosing sample ratio mismatch in online controlled
// experiments, KDD 2019.
func SampleRatio(sizes []int64, shares []float64) (chiSquare, p float64, ok bool) {
	if len(sizes) < 2 || len(sizes) != len(shares) {
		return 0, 0, false
	}
	var n int64
	var whole float64
	for i, size := range sizes {
		if size < 0 || !(shares[i] > 0) {
			return 0, 0, false
		}
		n += size
		whole += shares[i]
	}
	if n == 0 {
		return 0, 0, false
	}
	for i, size := range sizes {
		expected := float64(n) * shares[i] / whole
		off := float64(size) - expected
		chiSquare += off * off / expected
	}
	return chiSquare, chiSquareTail(chiSquare, float64(len(sizes)-1)), true
}
