package report

import (
	"fmt"
	"time"

	"github.com/huiyin/huiyin/internal/measure/statistics"
	"github.com/huiyin/huiyin/internal/measure/study"
)

// What is enough data to say something, and when sizes are beyond chance.
const (
	armMin     = 30    // customers in each arm
	eventsMin  = 5     // measured events in both arms together
	sizesAlarm = 0.001 // p of the sample-ratio check
)

// measured is what a program is judged by.
type measured struct {
	event   string
	within  time.Duration
	holdOut float64 // the share held out; 0 if there is none, or it changed between versions
}

// effect compares the arms of a study.
func effect(arms []study.Arm, m measured) Effect {
	e := Effect{Event: m.event, WithinHours: m.within.Hours(), Arms: []Arm{}, Differences: []Difference{}, Definition: defineEffect}
	if m.event == "" && len(arms) == 0 {
		e.Sentence = Text{"本计划没有设定衡量事件,无法评估效果。", "The program measures no event, so its effect can't be told."}
		return e
	}
	for i := range arms {
		e.Arms = append(e.Arms, armOf(&arms[i]))
	}
	for i := range arms {
		for j := range arms {
			if !arms[i].Control && arms[j].Control && own(&arms[i]) == own(&arms[j]) {
				d := difference(&arms[i], &arms[j])
				e.Differences = append(e.Differences, d)
				e.Sentence = e.Sentence.and(d.Sentence)
			}
		}
	}
	if len(e.Differences) == 0 {
		e.Sentence = Text{"数据还不够:要有跟进的和对照的两组客户才能比较(计划设对照组,或导入分组)。", "Not enough data yet: it takes customers in two groups to compare, by the program's hold-out or by arms that are imported."}
		return e
	}
	e.Sizes = sizes(arms, m.holdOut)
	if e.Sizes != nil && e.Sizes.Checked && !e.Sizes.Good {
		e.Sentence = e.Sentence.and(e.Sizes.Sentence)
	}
	return e
}

// own says whether an arm is of the program's own hold-out, not imported.
func own(a *study.Arm) bool { return a.Name == study.Treated || a.Name == study.HeldOut }

func armName(name string) Text {
	switch name {
	case study.Treated:
		return Text{"回访组", "followed up"}
	case study.HeldOut:
		return Text{"对照组", "held out"}
	}
	return Text{name, name}
}

func armOf(a *study.Arm) Arm {
	s := share(a.Hits, a.N, Text{})
	return Arm{
		Name: a.Name, Text: armName(a.Name), Control: a.Control, N: a.N, Converted: a.Hits, Running: a.Running,
		Rate: s.Rate, Interval: s.Interval,
	}
}

// difference compares an arm with a control, if there is enough to compare.
func difference(a, control *study.Arm) Difference {
	d := Difference{Arm: a.Name, Control: control.Name, Missing: missing(a, control)}
	name, against := armName(a.Name), armName(control.Name)
	if len(d.Missing) > 0 {
		d.Sentence = Text{
			"“" + name.Chinese + "”与“" + against.Chinese + "”的比较:数据还不够,",
			"Not enough data yet to compare “" + name.English + "” with “" + against.English + "”:",
		}
		for i, m := range d.Missing {
			end := Text{";", ";"}
			if i == len(d.Missing)-1 {
				end = Text{"。", "."}
			}
			d.Sentence = d.Sentence.and(Text{m.Chinese + end.Chinese, m.English + end.English})
		}
		return d
	}
	d.Enough = true
	value, i := statistics.Newcombe(statistics.Share{Hits: a.Hits, N: a.N}, statistics.Share{Hits: control.Hits, N: control.N}, confidence)
	d.Value, d.Interval = &value, &i
	rate, other := statistics.Share{Hits: a.Hits, N: a.N}.Rate(), statistics.Share{Hits: control.Hits, N: control.N}.Rate()
	d.Sentence = Text{
		fmt.Sprintf("“%s”%s 人中有 %s 发生了衡量事件,“%s”%s 人中有 %s,",
			name.Chinese, grouped(a.N), percent(rate), against.Chinese, grouped(control.N), percent(other)),
		fmt.Sprintf("Of %s customers in “%s” %s had the measured event, of %s in “%s” %s:",
			grouped(a.N), name.English, percent(rate), grouped(control.N), against.English, percent(other)),
	}.and(both("相差 %s 个百分点(95%% 区间 %s 至 %s)。", "a difference of %s percentage points (95%% interval %s to %s).",
		signed(value), signed(i.Low), signed(i.High))).and(verdict(i))
	if running := a.Running + control.Running; running > 0 {
		d.Sentence = d.Sentence.and(both("其中 %s 人的观察期还没结束。", "For %s of them the time that counts isn't over.", grouped(running)))
	}
	return d
}

// verdict says in words what an interval shows.
func verdict(i statistics.Interval) Text {
	switch {
	case i.Low > 0:
		return Text{"整个区间都大于零:高于对照。", "All of the interval is above zero: higher than the control."}
	case i.High < 0:
		return Text{"整个区间都小于零:低于对照。", "All of the interval is below zero: lower than the control."}
	}
	return Text{"区间包含零:目前看不出差别。", "The interval includes zero: no difference is shown so far."}
}

// missing says what a comparison still lacks.
func missing(a, control *study.Arm) []Text {
	var out []Text
	for _, arm := range []*study.Arm{a, control} {
		if arm.N < armMin {
			name := armName(arm.Name)
			out = append(out, Text{
				fmt.Sprintf("“%s”有 %d 人,至少需要 %d 人", name.Chinese, arm.N, armMin),
				fmt.Sprintf("“%s” has %d customers, and %d are needed", name.English, arm.N, armMin),
			})
		}
	}
	if n := a.Hits + control.Hits; n < eventsMin {
		out = append(out, both("两组共发生 %d 次衡量事件,至少需要 %d 次", "both together have %d measured events, and %d are needed", n, eventsMin))
	}
	return out
}

// sizes checks the program's own arms against the share it holds out. Of imported arms
// nobody told us the shares.
func sizes(arms []study.Arm, holdOut float64) *SizeCheck {
	c := &SizeCheck{Definition: defineSizes}
	var counts []int64
	var meant []float64
	for i := range arms {
		switch {
		case !own(&arms[i]):
		case arms[i].Control:
			counts, meant = append(counts, arms[i].N), append(meant, holdOut)
		default:
			counts, meant = append(counts, arms[i].N), append(meant, 1-holdOut)
		}
	}
	c.ChiSquare, c.P, c.Checked = statistics.SampleRatio(counts, meant)
	c.Good = c.Checked && c.P >= sizesAlarm
	switch {
	case !c.Checked:
		c.Sentence = Text{"各组应占的比例未知(分组由外部导入,或对照组比例改过),未检查人数。", "The shares the arms were meant to have aren't known (they were imported, or the hold-out was changed), so their sizes were not checked."}
	case c.Good:
		c.Sentence = Text{"各组人数与设定比例相符。", "The arms have the sizes they were meant to have."}
	default:
		c.Sentence = Text{"注意:各组人数与设定比例不符,查明原因之前请不要采信这个比较。", "Careful: the arms don't have the sizes they were meant to have; don't trust the comparison before it is known why."}
	}
	return c
}
