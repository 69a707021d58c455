package demo

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/huiyin/huiyin/internal/decide/policy"
	"github.com/huiyin/huiyin/internal/followup"
	"github.com/huiyin/huiyin/internal/program/document"
	"github.com/huiyin/huiyin/internal/program/program"
	"github.com/huiyin/huiyin/internal/program/segment"
)

const ratingPage = `<html lang="en"><input type="hidden" name="question" value="satisfaction">
<input type="radio" name="value" id="v1" value="1" class="g0" required><input type="radio" name="value" id="v2" value="2" class="g0" required>
<input type="radio" name="value" id="v3" value="3" class="g0" required><input type="radio" name="value" id="v4" value="4" required>
<input type="radio" name="value" id="v5" value="5" checked required>
<input type="checkbox" name="tag" id="t0-0" value="slow"><input type="checkbox" name="tag" id="t0-1" value="rude">`

func TestASimulatedCustomerAnswersWhatIsAsked(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		for happy, scores := range map[bool][]string{true: {"4", "5"}, false: {"1", "2", "3"}} {
			form := reply(ratingPage, "satisfaction", happy, r)
			if !slices.Contains(scores, form.Get("value")) || form.Get("question") != "satisfaction" {
				t.Fatalf("happy %v answers %v", happy, form)
			}
			if tagged := form.Get("tag"); happy && tagged != "" || !happy && tagged != "slow" && tagged != "rude" {
				t.Fatalf("happy %v taps %q", happy, tagged)
			}
		}
		if said := reply(`<html lang="zh-CN"><textarea name="value">`, "better", false, r).Get("value"); said != "" && !slices.Contains(sayings["zh-CN"][false], said) {
			t.Fatalf("asked in Chinese, they wrote %q", said)
		}
	})
}

func TestAPasserByIsAlwaysTheSamePerson(t *testing.T) {
	seen := map[string]bool{}
	for n := range 500 {
		one, again := passerBy(n), passerBy(n)
		if fmt.Sprint(one) != fmt.Sprint(again) {
			t.Fatalf("number %d is %v and then %v", n, one, again)
		}
		if seen[one.Ref] || seen[one.Points[0].Address] {
			t.Fatalf("%s stands for two people", one.Ref)
		}
		seen[one.Ref], seen[one.Points[0].Address] = true, true
	}
}

func TestGuestsAreHeldOutOnlyWhereTheirRemarkSaysSo(t *testing.T) {
	docs, err := Documents()
	if err != nil {
		t.Fatal(err)
	}
	for _, doc := range docs {
		if doc.Kind != document.KindProgram {
			continue
		}
		var p program.Definition
		if err := doc.Decode(&p); err != nil {
			t.Fatal(err)
		}
		for _, g := range guests() {
			held := segment.HeldOut(doc.Name, g.customer.Ref, float64(p.Audience.HoldOut))
			if want := g.customer.Ref == "W1003" && doc.Name == "failed-payment"; held != want {
				t.Errorf("%s of %s: held out %v, want %v", g.customer.Ref, doc.Name, held, want)
			}
		}
	}
}

func TestEveryStateAndPurposeHasAWordInBothLanguages(t *testing.T) {
	codes := []string{string(followup.Waiting), string(followup.Contacting), string(followup.SetAside), "allow", "defer", "deny", "pass"}
	for _, s := range followup.Finals {
		codes = append(codes, string(s))
	}
	codes = append(codes, policy.PurposeNames()...)
	for _, code := range codes {
		for _, lang := range languages {
			if vocabulary[code][lang] == "" {
				t.Errorf("%q has no word in %s", code, lang)
			}
		}
	}
	for _, h := range Happenings {
		if h.Title[document.ZhCN] == "" || h.Title[document.En] == "" || h.Note[document.ZhCN] == "" || h.Note[document.En] == "" {
			t.Errorf("%s lacks words", h.Name)
		}
	}
}

func TestAWhiskerStaysOnItsLine(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := &whisker{Value: rapid.Float64Range(-3, 8).Draw(t, "value")}
		w.place(1, 5, "1", "5")
		if w.At < 0 || w.At > whiskerWidth {
			t.Fatalf("%v is drawn at %d", w.Value, w.At)
		}
	})
	for _, c := range []struct {
		n, most int64
		want    int
	}{{0, 10, 0}, {10, 10, barWidth}, {1, 1_000_000, 2}, {5, 10, barWidth / 2}} {
		if got := width(c.n, c.most); got != c.want {
			t.Errorf("%d of %d is drawn %d long, want %d", c.n, c.most, got, c.want)
		}
	}
}
