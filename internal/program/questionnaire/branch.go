package questionnaire

import (
	"slices"

	"github.com/huiyin/huiyin/internal/program/condition"
)

// canShow says whether some way through the earlier questions makes a condition hold.
//
// Only the questions it looks at matter, and those that these depend on. They are answered in
// order, with each value that Check would keep; a question that is hidden has no value. That a
// question may be left unanswered needs no trying: what isn't known makes nothing hold that a
// value wouldn't. A condition over texts, or over too many combinations, is given the benefit
// of the doubt.
func canShow(show *condition.Condition, earlier []Question) bool {
	w := walk{show: show, asked: lookedAt(show, earlier), answers: map[string]any{}, left: combinationsMax}
	for i := range w.asked {
		values := w.asked[i].values()
		if values == nil {
			return true
		}
		w.values = append(w.values, values)
	}
	return w.from(0)
}

// lookedAt lists the questions a condition depends on, directly or through their own conditions.
func lookedAt(show *condition.Condition, earlier []Question) []Question {
	needed := make([]bool, len(earlier))
	for i := len(earlier) - 1; i >= 0; i-- { // questions depend on earlier ones alone
		id := earlier[i].ID
		needed[i] = show.Uses(id)
		for later := i + 1; later < len(earlier); later++ {
			needed[i] = needed[i] || needed[later] && earlier[later].showIf.Uses(id)
		}
	}
	var list []Question
	for i := range earlier {
		if needed[i] {
			list = append(list, earlier[i])
		}
	}
	return list
}

// walk goes through the ways to answer some questions.
type walk struct {
	show    *condition.Condition
	asked   []Question
	values  [][]any
	answers map[string]any
	left    int // ways still tried
}

// from answers the questions from i on in every way, until the condition holds.
func (w *walk) from(i int) bool {
	if i == len(w.asked) {
		w.left--
		held, err := w.show.Match(condition.Vars{Answers: w.answers})
		return held || err != nil || w.left <= 0
	}
	q := &w.asked[i]
	shown, err := q.showIf.Match(condition.Vars{Answers: w.answers})
	if err != nil || !shown {
		return w.from(i + 1)
	}
	for _, v := range w.values[i] {
		w.answers[q.ID] = v
		if w.from(i + 1) {
			return true
		}
	}
	delete(w.answers, q.ID)
	return false
}

// values lists what can be answered; of several choices every set that may be chosen. nil means too many.
func (q *Question) values() []any {
	var list []any
	switch q.Type {
	case Rating, NPS, CES:
		for n := q.Min; n <= q.Max; n++ {
			list = append(list, n)
		}
	case YesNo:
		list = []any{true, false}
	case Single:
		for _, o := range q.Options {
			list = append(list, o.Value)
		}
	case Multiple:
		if len(q.Options) > subsetOptionsMax {
			return nil
		}
		for set := 1; set < 1<<len(q.Options); set++ {
			var chosen []string
			for i, o := range q.Options {
				if set&(1<<i) != 0 {
					chosen = append(chosen, o.Value)
				}
			}
			if kept, err := q.checkMultiple(slices.Clone(chosen)); err == nil {
				list = append(list, kept)
			}
		}
	}
	return list
}
