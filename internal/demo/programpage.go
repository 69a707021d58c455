package demo

import (
	"slices"
	"strconv"
	"time"

	"github.com/huiyin/huiyin/internal/measure/report"
	"github.com/huiyin/huiyin/internal/measure/statistics"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/errs"
	"github.com/huiyin/huiyin/internal/program/document"
	"github.com/huiyin/huiyin/internal/program/program"
)

// Sizes of the small plots, in pixels.
const (
	barWidth     = 220
	whiskerWidth = 260
)

// programTab is one program of the menu.
type programTab struct {
	Name, State string
	Title       document.Text
	Version     int
}

// programPage is what came of one program.
type programPage struct {
	Tabs    []programTab
	Name    string
	Report  *report.Report
	Funnel  []stage
	Ended   []ending
	Scores  []score
	Arms    []arm
	Open    int64
	NoneYet bool
}

// stage is a step with its bars.
type stage struct {
	report.Stage
	Bars []bar
}

// bar is a count and how long it is drawn.
type bar struct {
	Chinese, English string
	N                int64
	Width            int
}

type ending struct {
	report.EndCount
	Width int
}

// score is a question on a scale with its drawings.
type score struct {
	report.Score
	Bins      []bin
	Mean      *whisker
	Satisfied *whisker
}

type bin struct {
	report.Bin
	Width int
}

// whisker is a value with its interval on a line from the least to the most there can be.
type whisker struct {
	At, Low, High int
	Least, Most   string // what the ends of the line stand for
	Interval      *statistics.Interval
	Value         float64
	N             int64
	Definition    report.Text
	Note          *report.Text
}

type arm struct {
	report.Arm
	Whisker *whisker
}

func (d *Demo) program(q *request) (any, error) {
	p := &programPage{Name: q.PathValue("name")}
	set, err := d.shelf(q.Context())
	if err != nil {
		return nil, err
	}
	all, err := d.House.Programs(q.Context())
	if err != nil {
		return nil, err
	}
	known := false
	for _, name := range orderOf(all) {
		t := programTab{Name: name.Name, State: name.State, Title: set.titles[name.Name], Version: name.Version}
		if p.Name == "" {
			p.Name = t.Name
		}
		known = known || p.Name == t.Name
		p.Tabs = append(p.Tabs, t)
	}
	if !known {
		return nil, errs.New(errs.NotFound, codes.NotFound, "there is no program %q; choose one from the list", p.Name)
	}
	if p.Report, err = d.House.Report(q.Context(), p.Name, time.Time{}, time.Time{}); err != nil {
		return nil, err
	}
	q.title = q.text(p.Report.Title)
	p.draw()
	return p, nil
}

// draw works out the drawings.
func (p *programPage) draw() {
	r := p.Report
	p.NoneYet = r.Triggers.Total == 0
	var most int64 = 1
	for i := range r.Funnel {
		most = max(most, r.Funnel[i].Intended)
	}
	for i := range r.Funnel {
		s := stage{Stage: r.Funnel[i]}
		for _, b := range []bar{
			{Chinese: "计划发出", English: "intended", N: s.Intended},
			{Chinese: "服务商已接收", English: "taken", N: s.Taken},
			{Chinese: "已作答", English: "answered", N: s.Answered},
		} {
			b.Width = width(b.N, most)
			s.Bars = append(s.Bars, b)
		}
		p.Funnel = append(p.Funnel, s)
	}
	most = 1
	for i := range r.FollowUps.Ended {
		most = max(most, r.FollowUps.Ended[i].N)
	}
	for _, e := range r.FollowUps.Ended {
		if e.N > 0 {
			p.Ended = append(p.Ended, ending{EndCount: e, Width: width(e.N, most)})
		}
	}
	for i := range r.Scores {
		p.Scores = append(p.Scores, drawScore(&r.Scores[i]))
	}
	for i := range r.Effect.Arms {
		a := arm{Arm: r.Effect.Arms[i]}
		if a.Rate != nil {
			a.Whisker = &whisker{Value: *a.Rate, N: a.N, Interval: a.Interval}
			a.Whisker.place(0, 1, "0%", "100%")
		}
		p.Arms = append(p.Arms, a)
	}
}

func drawScore(s *report.Score) score {
	out := score{Score: *s}
	var most int64 = 1
	for _, b := range s.Distribution {
		most = max(most, b.N)
	}
	for i := len(s.Distribution) - 1; i >= 0; i-- {
		out.Bins = append(out.Bins, bin{Bin: s.Distribution[i], Width: width(s.Distribution[i].N, most)})
	}
	if m := s.Mean; m != nil && s.Scale > 1 {
		out.Mean = &whisker{Value: m.Value, N: m.N, Interval: m.Interval, Definition: m.Definition, Note: m.Note}
		out.Mean.place(1, float64(s.Scale), "1", strconv.FormatInt(s.Scale, 10))
	}
	if f := s.Satisfied; f != nil && f.Rate != nil {
		out.Satisfied = &whisker{Value: *f.Rate, N: f.N, Interval: f.Interval, Definition: f.Definition, Note: f.Note}
		out.Satisfied.place(0, 1, "0%", "100%")
	}
	return out
}

// place puts a value and its interval on the line.
func (w *whisker) place(least, most float64, from, to string) {
	w.Least, w.Most = from, to
	at := func(v float64) int {
		return int((min(max(v, least), most) - least) / (most - least) * whiskerWidth)
	}
	w.At, w.Low, w.High = at(w.Value), at(w.Value), at(w.Value)
	if w.Interval != nil {
		w.Low, w.High = at(w.Interval.Low), at(w.Interval.High)
	}
}

// Span is how wide the interval is drawn.
func (w *whisker) Span() int { return max(2, w.High-w.Low) }

func width(n, most int64) int {
	if n == 0 {
		return 0
	}
	return max(2, int(n*barWidth/most))
}

// orderOf puts the sample programs first, in their order; then those somebody added.
func orderOf(all []program.Summary) []program.Summary {
	place := func(s program.Summary) int {
		if i := slices.Index(Programs, s.Name); i >= 0 {
			return i
		}
		return len(Programs)
	}
	sorted := slices.Clone(all)
	slices.SortStableFunc(sorted, func(a, b program.Summary) int { return place(a) - place(b) })
	return sorted
}
