package report

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/huiyin/huiyin/internal/followup"
	"github.com/huiyin/huiyin/internal/hear/answer"
	"github.com/huiyin/huiyin/internal/measure/statistics"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/program/questionnaire"
)

// The scores that count as satisfied, and the ends of a net promoter score.
const (
	ratingScale   = 5
	satisfiedFrom = 4
	promoterFrom  = 9
	detractorTo   = 6
)

// share gives a share with its interval.
func share(hits, n int64, definition Text) Share {
	s := Share{Hits: hits, N: n, Definition: definition}
	switch {
	case n <= 0:
	case hits > n:
		s.Note = &noteMore
	default:
		rate := statistics.Share{Hits: hits, N: n}.Rate()
		i := statistics.Wilson(statistics.Share{Hits: hits, N: n}, confidence)
		s.Rate, s.Interval = &rate, &i
	}
	return s
}

// answers tells how many answered of those who were asked. asks says which steps ask.
func answers(period sums, stages []Stage, asks func(step int) bool) Answers {
	var invited int64
	for i := range stages {
		if s := &stages[i]; asks(s.Step - 1) {
			invited += s.arrived()
		}
	}
	a := answered(period)
	valid := max(0, period[[2]string{followup.MetricEnded, string(followup.Answered)}]-a.Careless)
	a.Response = share(valid, invited, defineResponse)
	return a
}

// answered counts answers, and those of them that look as if they weren't meant.
func answered(period sums) Answers {
	a := Answers{
		Started:   period[[2]string{answer.MetricAnswer, answer.DimStarted}],
		Completed: period[[2]string{answer.MetricAnswer, answer.DimCompleted}],
		Careless:  period[[2]string{answer.MetricAnswer, answer.DimCareless}],
	}
	doubts := period.of(answer.MetricDoubt)
	for _, code := range sortedKeys(doubts) {
		if doubts[code] != 0 {
			a.Doubts = append(a.Doubts, counted(codes.Reason(code), doubts[code]))
		}
	}
	mostFirst(a.Doubts)
	return a
}

// arrived is how many attempts reached the customer, as far as the channel can tell.
func (s *Stage) arrived() int64 {
	if s.Delivered+s.Seen+s.Undelivered > 0 { // it reports deliveries
		return max(s.Delivered, s.Seen)
	}
	return s.Taken
}

// byQuestion splits the dims of a metric into question and value.
func byQuestion(dims map[string]int64) map[string]map[string]int64 {
	out := map[string]map[string]int64{}
	for dim, n := range dims {
		question, value, ok := strings.Cut(dim, ":")
		if !ok || n == 0 {
			continue
		}
		if out[question] == nil {
			out[question] = map[string]int64{}
		}
		out[question][value] += n
	}
	return out
}

// inOrder gives the questions that were answered: those the program asks first, in its order.
func inOrder(answered map[string]map[string]int64, asked []*questionnaire.Question) []string {
	place := map[string]int{}
	for i, q := range asked {
		if _, twice := place[q.ID]; !twice {
			place[q.ID] = i - len(asked)
		}
	}
	names := sortedKeys(answered)
	slices.SortStableFunc(names, func(a, b string) int { return cmp.Compare(place[a], place[b]) })
	return names
}

func find(asked []*questionnaire.Question, id string) *questionnaire.Question {
	for _, q := range asked {
		if q.ID == id {
			return q
		}
	}
	return nil
}

// scores gives the questions on a scale.
func scores(period sums, asked []*questionnaire.Question) []Score {
	out := []Score{}
	given := byQuestion(period.of(answer.MetricScore))
	tags := byQuestion(period.of(answer.MetricTag))
	for _, id := range inOrder(given, asked) {
		s := Score{Question: id, Distribution: []Bin{}}
		counts := map[int64]int64{}
		for value, n := range given[id] {
			if v, err := strconv.ParseInt(value, 10, 64); err == nil {
				counts[v] += n
			}
		}
		q := find(asked, id)
		if q != nil {
			s.Type, s.Scale, s.Ask = q.Type, q.Max, words(q.Ask)
			for v := q.Min; v <= q.Max; v++ { // values nobody gave are part of the distribution
				counts[v] += 0
			}
		}
		for _, v := range sortedKeys(counts) {
			s.Distribution = append(s.Distribution, Bin{v, counts[v]})
			s.N += counts[v]
		}
		s.figures(counts)
		s.Tags = valueTexts(tags[id], func(value string) Text {
			if q == nil {
				return Text{value, value}
			}
			return Text{q.TagWords(value, "zh-CN"), q.TagWords(value, "en")}
		})
		out = append(out, s)
	}
	return out
}

func (s *Score) figures(counts map[int64]int64) {
	if s.N <= 0 {
		return
	}
	m := statistics.MomentsOf(counts)
	s.Mean = &Figure{Value: m.Mean, N: m.N, Definition: defineMean}
	if i, ok := statistics.Mean(m, confidence); ok {
		s.Mean.Interval = &i
	} else {
		s.Mean.Note = &noteAlike
	}
	var satisfied, promoters, detractors int64
	for v, n := range counts {
		if v >= satisfiedFrom {
			satisfied += n
		}
		switch {
		case v >= promoterFrom:
			promoters += n
		case v <= detractorTo:
			detractors += n
		}
	}
	switch {
	case s.Type == questionnaire.Rating && s.Scale == ratingScale:
		rate := share(satisfied, s.N, defineSatisfied)
		s.Satisfied = &rate
	case s.Type == questionnaire.NPS:
		value, i := statistics.NetPromoter(promoters, detractors, s.N, confidence)
		s.NetPromoter = &Figure{Value: value, N: s.N, Interval: &i, Definition: defineNetPromoter}
	}
}

// valueTexts lists values with their words, the most frequent first.
func valueTexts(counts map[string]int64, text func(value string) Text) []ValueText {
	var out []ValueText
	for _, v := range sortedKeys(counts) {
		out = append(out, ValueText{Value: v, N: counts[v], Text: text(v)})
	}
	slices.SortStableFunc(out, func(a, b ValueText) int { return cmp.Compare(b.N, a.N) })
	return out
}

// choices gives the questions answered by choosing.
func choices(period sums, asked []*questionnaire.Question) []Choice {
	out := []Choice{}
	given := byQuestion(period.of(answer.MetricChoice))
	for _, id := range inOrder(given, asked) {
		c := Choice{Question: id}
		q := find(asked, id)
		if q != nil {
			c.Type, c.Ask = q.Type, words(q.Ask)
		}
		c.Options = valueTexts(given[id], func(value string) Text {
			if q == nil {
				return Text{value, value}
			}
			return Text{q.OptionText(value, "zh-CN"), q.OptionText(value, "en")}
		})
		out = append(out, c)
	}
	return out
}
