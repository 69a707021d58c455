package report

import (
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/huiyin/huiyin/internal/measure/study"
)

var week = measured{event: "wallet.payment.succeeded", within: 7 * 24 * time.Hour, holdOut: 0.1}

func pair(treatedN, treatedHits, heldN, heldHits int64) []study.Arm {
	return []study.Arm{
		{Name: study.HeldOut, Control: true, N: heldN, Hits: heldHits},
		{Name: study.Treated, N: treatedN, Hits: treatedHits},
	}
}

func TestAnEffectIsToldWithItsIntervalOnceThereIsEnough(t *testing.T) {
	e := effect(pair(900, 450, 100, 30), week)
	if len(e.Differences) != 1 || !e.Differences[0].Enough {
		t.Fatalf("%+v", e)
	}
	d := e.Differences[0]
	// Wilson: 450/900 is 0.4674 to 0.5326, 30/100 is 0.2189 to 0.3958. Newcombe's limits:
	// 0.2 − √(0.0326² + 0.0958²) and 0.2 + √(0.0326² + 0.0811²).
	if math.Abs(*d.Value-0.2) > 1e-12 || math.Abs(d.Interval.Low-0.0988) > 0.0003 || math.Abs(d.Interval.High-0.2874) > 0.0003 {
		t.Errorf("%g in %+v", *d.Value, *d.Interval)
	}
	for _, want := range []string{"900", "50.0%", "30.0%", "+20.00", "above zero"} {
		if !strings.Contains(e.Sentence.English, want) {
			t.Errorf("%q doesn't say %q", e.Sentence.English, want)
		}
	}
	for _, want := range []string{"“回访组”900 人", "对照组", "+20.00 个百分点", "高于对照"} {
		if !strings.Contains(e.Sentence.Chinese, want) {
			t.Errorf("%q doesn't say %q", e.Sentence.Chinese, want)
		}
	}
	if e.Sizes == nil || !e.Sizes.Checked || !e.Sizes.Good {
		t.Errorf("sizes: %+v", e.Sizes)
	}
	t.Log(e.Sentence.English)
	t.Log(e.Sentence.Chinese)
}

func TestAnEffectSaysWhatIsMissing(t *testing.T) {
	cases := []struct {
		name    string
		arms    []study.Arm
		m       measured
		missing int
		says    string
	}{
		{"too few held out", pair(900, 450, 29, 9), week, 1, "“held out” has 29 customers, and 30 are needed"},
		{"too few in both", pair(29, 9, 29, 9), week, 2, "“followed up” has 29 customers"},
		{"too few events", pair(900, 3, 100, 1), week, 1, "both together have 4 measured events, and 5 are needed"},
		{"just enough", pair(30, 4, 30, 1), week, 0, "difference"},
		{"nobody held out", pair(900, 450, 0, 0)[1:], week, 0, "Not enough data yet"},
		{"nothing measured", nil, measured{}, 0, "measures no event"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			e := effect(c.arms, c.m)
			missing := 0
			for _, d := range e.Differences {
				missing += len(d.Missing)
				if d.Enough != (len(d.Missing) == 0) || d.Enough != (d.Interval != nil) || d.Enough != (d.Value != nil) {
					t.Errorf("enough %v with %d missing and interval %v", d.Enough, len(d.Missing), d.Interval)
				}
			}
			if missing != c.missing || !strings.Contains(e.Sentence.English, c.says) || e.Sentence.Chinese == "" {
				t.Errorf("%d missing, %q, %q", missing, e.Sentence.English, e.Sentence.Chinese)
			}
		})
	}
}

func TestImportedArmsAreEachComparedWithTheirControlAlone(t *testing.T) {
	arms := append(pair(900, 450, 100, 30),
		study.Arm{Name: "No E-Mail", Control: true, N: 12194, Hits: 1264},
		study.Arm{Name: "Mens E-Mail", N: 11992, Hits: 2168},
		study.Arm{Name: "Womens E-Mail", N: 12237, Hits: 1788, Running: 12})
	e := effect(arms, week)
	var got []string
	for _, d := range e.Differences {
		got = append(got, d.Arm+"−"+d.Control)
	}
	if want := "treated−held-out Mens E-Mail−No E-Mail Womens E-Mail−No E-Mail"; strings.Join(got, " ") != want {
		t.Errorf("compared %q, want %q", got, want)
	}
	if !strings.Contains(e.Sentence.English, "For 12 of them the time that counts isn't over.") {
		t.Errorf("%q doesn't say whose time isn't over", e.Sentence.English)
	}
	if only := effect(arms[2:], week); only.Sizes.Checked || only.Sizes.Good {
		t.Errorf("the sizes of imported arms were checked against shares nobody told: %+v", only.Sizes)
	}
}

func TestWrongSizesAreSaidBesideTheEffect(t *testing.T) {
	e := effect(pair(9000, 4500, 700, 200), week)
	if !e.Sizes.Checked || e.Sizes.Good || !strings.Contains(e.Sentence.English, "don't trust the comparison") || !strings.Contains(e.Sentence.Chinese, "不要采信") {
		t.Errorf("%+v %q", e.Sizes, e.Sentence.English)
	}
}

func TestAnEffectNeverSaysMoreThanItsInterval(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n, m := rapid.Int64Range(0, 500).Draw(t, "n"), rapid.Int64Range(0, 500).Draw(t, "m")
		e := effect(pair(n, rapid.Int64Range(0, n).Draw(t, "hits"), m, rapid.Int64Range(0, m).Draw(t, "held hits")), week)
		d := e.Differences[0]
		rose, fell := strings.Contains(e.Sentence.English, "higher"), strings.Contains(e.Sentence.English, "lower")
		if !d.Enough && (rose || fell) || d.Enough && (rose != (d.Interval.Low > 0) || fell != (d.Interval.High < 0)) {
			t.Fatalf("%+v: %q", d, e.Sentence.English)
		}
	})
}

func TestFiguresAreWrittenAsPeopleReadThem(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567", -1000: "-1,000", -999: "-999"} {
		if got := grouped(n); got != want {
			t.Errorf("%d reads %q, want %q", n, got, want)
		}
	}
	for x, want := range map[float64]string{0.5: "+50.00", -0.0312: "−3.12", 0: "+0.00", 0.09949: "+9.95"} {
		if got := signed(x); got != want {
			t.Errorf("%g reads %q, want %q", x, got, want)
		}
	}
}
