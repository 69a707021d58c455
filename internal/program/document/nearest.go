package document

import "fmt"

// Nearest finds the candidate a misspelt word most likely means, or "".
func Nearest(word string, candidates []string) string {
	best, at := "", len(word)/2+2
	for _, c := range candidates {
		if d := distance(word, c, at); d < at {
			best, at = c, d
		}
	}
	return best
}

// DidYouMean ends a sentence about an unknown word: with the nearest right one, or with the choice.
func DidYouMean(word string, candidates []string) string { return didYouMean(word, candidates) }

const choiceMax = 12

func didYouMean(word string, candidates []string) string {
	if near := Nearest(word, candidates); near != "" {
		return fmt.Sprintf(": did you mean `%s`?", near)
	}
	if len(candidates) == 0 {
		return "; there is none to choose from yet"
	}
	list := ""
	for i, c := range candidates {
		if i == choiceMax {
			list += " …"
			break
		}
		if i > 0 {
			list += ", "
		}
		list += c
	}
	return "; known: " + list
}

// distance counts the letters to add, drop, change or swap with a neighbour, and gives up at limit.
// A word that begins another counts as near: amount means amount_minor more than it means about.
func distance(a, b string, limit int) int {
	if len(a) >= 4 && len(b) > len(a) && b[:len(a)] == a || len(b) >= 4 && len(a) > len(b) && a[:len(b)] == b {
		return 1
	}
	if len(a)-len(b) >= limit || len(b)-len(a) >= limit {
		return limit
	}
	before, last, next := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		next[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			next[j] = min(last[j]+1, next[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				next[j] = min(next[j], before[j-2]+1)
			}
		}
		before, last, next = last, next, before
	}
	return last[len(b)]
}
