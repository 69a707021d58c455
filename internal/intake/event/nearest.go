package event

import "strings"

func cmpString(a, b string) int { return strings.Compare(a, b) }

// nearest is the name with the fewest changed letters, and "" when more than a
// third would have to change: a far-fetched guess misleads more than it helps.
func nearest(name string, names []string) string {
	best, bestDistance := "", max(2, len(name)/3)+1
	for _, n := range names {
		if d := distance(name, n, bestDistance); d < bestDistance {
			best, bestDistance = n, d
		}
	}
	return best
}

// distance counts the letters to change, add or drop (Levenshtein), and gives up at limit.
func distance(a, b string, limit int) int {
	if diff := len(a) - len(b); diff >= limit || -diff >= limit {
		return limit
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		diagonal := row[0]
		row[0] = i
		least := i
		for j := 1; j <= len(b); j++ {
			cost := diagonal
			if a[i-1] != b[j-1] {
				cost = 1 + min(diagonal, row[j], row[j-1])
			}
			diagonal, row[j] = row[j], cost
			least = min(least, cost)
		}
		if least >= limit {
			return limit
		}
	}
	return row[len(b)]
}
