package realinput

import (
	"testing"

	"github.com/huiyin/huiyin/internal/program/questionnaire"
)

// Texts that people really wrote are seldom taken for typed at random: less often than one in a thousand.
func TestRealTextsAreSeldomTakenForRandom(t *testing.T) {
	for _, c := range []struct {
		file, column string
		rows         int
	}{
		{"paytm_reviews/dev.csv.gz", "content", 6_974},
		{"support_remarks/all.csv.gz", "remark", 28_742},
		{"zh_waimai/dev.csv.gz", "review", 9_492},
		{"zh_hotel_htl/dev.csv.gz", "review", 6_255},
		{"zh_shopping10/dev.csv.gz", "review", 50_162},
	} {
		rows, column := table(t, c.file)
		if len(rows) != c.rows {
			t.Errorf("%s has %d rows, want %d", c.file, len(rows), c.rows)
		}
		var taken []string
		for _, row := range rows {
			if text := column(row, c.column); questionnaire.Gibberish(text) {
				taken = append(taken, text)
			}
		}
		t.Logf("%s: %d of %d", c.file, len(taken), len(rows))
		if len(taken)*carelessFew > len(rows) {
			t.Errorf("%s: %d of %d are taken for random: %.400q", c.file, len(taken), len(rows), taken)
		}
	}
}
