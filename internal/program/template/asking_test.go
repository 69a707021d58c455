package template

import (
	"bufio"
	"os"
	"strings"
	"testing"
)

const (
	askingRecallMin     = 0.98
	askingFalseShareMax = 0.02
	askingListedMin     = 60 // of each kind
)

func TestAskingOfTheLabelledListIsToldFromWhatIsHarmless(t *testing.T) {
	f, err := os.Open("testdata/asking.tsv")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	var asking, missed, harmless, mistaken int
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if strings.HasPrefix(lines.Text(), "#") {
			continue
		}
		label, rest, _ := strings.Cut(lines.Text(), "\t")
		_, text, _ := strings.Cut(rest, "\t")
		refused := Lint(text) != nil
		switch label {
		case "asking":
			if asking++; !refused {
				missed++
				t.Logf("missed: %s", text)
			}
		case "harmless":
			if harmless++; refused {
				mistaken++
				t.Logf("mistaken: %s: %v", text, Lint(text))
			}
		default:
			t.Fatalf("the line %q is none of the list's", lines.Text())
		}
	}
	recall, share := 1-float64(missed)/float64(asking), float64(mistaken)/float64(harmless)
	t.Logf("%d that ask, recall %.3f; %d harmless, false share %.3f", asking, recall, harmless, share)
	if recall < askingRecallMin || share > askingFalseShareMax || asking < askingListedMin || harmless < askingListedMin {
		t.Errorf("%d that ask, recall %.3f; %d harmless, false share %.3f", asking, recall, harmless, share)
	}
}
