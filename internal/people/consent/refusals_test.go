package consent

import (
	"bufio"
	"hash/fnv"
	"os"
	"strings"
	"testing"
)

const (
	recallMin     = 0.98
	falseShareMax = 0.02
	listedMin     = 150 // of each kind
)

// said is one reply of the labelled list.
type said struct {
	text    string
	refusal bool
	tuning  bool // the half that words.go may be tuned on; the other half only judges it
}

// list reads testdata/refusals.tsv. Which half a reply is in, its own text decides.
func list(t *testing.T) []said {
	t.Helper()
	f, err := os.Open("testdata/refusals.tsv")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	var all []said
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if strings.HasPrefix(lines.Text(), "#") {
			continue
		}
		label, rest, _ := strings.Cut(lines.Text(), "\t")
		_, text, ok := strings.Cut(rest, "\t")
		if !ok || label != "refusal" && label != "other" {
			t.Fatalf("the line %q is none of the list's", lines.Text())
		}
		h := fnv.New32a()
		_, _ = h.Write([]byte(text))
		all = append(all, said{text: text, refusal: label == "refusal", tuning: h.Sum32()>>4&1 == 0})
	}
	return all
}

func TestRefusalsOfTheLabelledListAreToldFromWhatOnlyLooksLikeOne(t *testing.T) {
	all := list(t)
	for _, tuning := range []bool{true, false} {
		name := map[bool]string{true: "the half tuned on", false: "the half held out"}[tuning]
		t.Run(name, func(t *testing.T) {
			var refusals, missed, others, mistaken int
			for _, s := range all {
				if s.tuning != tuning {
					continue
				}
				got := Refuses(s.text)
				switch {
				case s.refusal:
					if refusals++; !got {
						missed++
						t.Logf("missed: %q", s.text)
					}
				default:
					if others++; got {
						mistaken++
						t.Logf("mistaken: %q", s.text)
					}
				}
			}
			recall, share := 1-float64(missed)/float64(refusals), float64(mistaken)/float64(others)
			t.Logf("%d refusals, recall %.3f; %d others, false share %.3f", refusals, recall, others, share)
			if recall < recallMin || share > falseShareMax {
				t.Errorf("recall %.3f, false share %.3f: they must be at least %.2f and at most %.2f", recall, share, recallMin, falseShareMax)
			}
		})
	}
	if n := count(all, true); n < listedMin || len(all)-n < listedMin {
		t.Errorf("the list has %d refusals and %d others: it needs %d of each", n, len(all)-n, listedMin)
	}
}

func count(all []said, refusal bool) (n int) {
	for _, s := range all {
		if s.refusal == refusal {
			n++
		}
	}
	return n
}
