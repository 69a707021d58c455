package db

import (
	"strings"
	"testing"
)

func TestAStatementOverListsIsPlannedAnewAsItsRowsDouble(t *testing.T) {
	const query = "SELECT replanned FROM nowhere WHERE id = ANY($1)"
	keys := make([]int64, 100)
	texts := map[string]int{}
	last := ""
	for range 1_000 { // 100,000 rows
		last = replanned(query, []any{"x", keys})
		if !strings.HasPrefix(last, query) {
			t.Fatal(last)
		}
		texts[last]++
	}
	if len(texts) != 9 || texts[query] != 5 || texts[last] < 300 {
		t.Errorf("%v: want 9 texts, the first for 5 turns, the last for hundreds", texts)
	}
	if got := replanned(query, []any{int64(7), "x", nil}); got != query {
		t.Errorf("a statement without lists became %s", got)
	}
	if got := replanned(query, []any{[]string{}}); got != query {
		t.Errorf("an empty list made it %s", got)
	}
}
