package report

import (
	"fmt"
	"slices"
	"time"

	"github.com/huiyin/huiyin/internal/contact/attempt"
	"github.com/huiyin/huiyin/internal/followup"
	"github.com/huiyin/huiyin/internal/hear/answer"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/errs"
)

// explainMax bounds the follow-ups and the notes of one story.
const explainMax = 500

// Explanation is one customer's story in one program, in the order of time.
type Explanation struct {
	Program  string   `json:"program"`
	Customer string   `json:"customer"` // the wallet's id
	Moments  []Moment `json:"moments"`
	Why      []Text   `json:"why,omitempty"` // when nothing happened: why, as far as can be told now
}

// Kind is what a moment is.
type Kind string

// The kinds of moments.
const (
	AtTrigger  Kind = "trigger"  // an event, and what became of it
	AtDecision Kind = "decision" // a step was put off, denied or passed over; one that was allowed has an attempt to show for it
	AtAttempt  Kind = "attempt"  // an attempt, or what was reported of it
	AtAnswer   Kind = "answer"
	AtEnd      Kind = "end"
)

// Moment is one thing that happened.
type Moment struct {
	At       time.Time    `json:"at"` // of a trigger: when the event happened
	Kind     Kind         `json:"kind"`
	FollowUp int64        `json:"follow_up,string"` // 0: none
	Step     int          `json:"step"`             // from 1; 0: none
	Channel  string       `json:"channel,omitempty"`
	Outcome  string       `json:"outcome"` // started, merged, not-selected; a verdict; a state
	Reason   codes.Reason `json:"reason,omitempty"`
	Rule     string       `json:"rule,omitempty"` // of a rule pack or cap policy
	Until    *time.Time   `json:"until,omitempty"`
	Text     Text         `json:"text"`
}

// story gathers a customer's moments in a program.
func story(tx *db.Tx, program, customer int64) ([]Moment, error) {
	all, err := followup.OfCustomer(tx, customer, explainMax)
	if err != nil {
		return nil, err
	}
	if len(all) == explainMax {
		return nil, errs.New(errs.TooLarge, codes.ReportTooLong, "the customer has %d follow-ups or more; look at one follow-up at a time", explainMax)
	}
	notes, err := followup.NotesOf(tx, customer, explainMax)
	if err != nil {
		return nil, err
	}
	var moments []Moment
	for i := range notes {
		if notes[i].Program == program {
			moments = append(moments, ofNote(&notes[i]))
		}
	}
	var mine []int64
	byID := map[int64]*followup.FollowUp{}
	for i := range all {
		if f := &all[i]; f.Program == program {
			mine, byID[f.ID] = append(mine, f.ID), f
		}
	}
	slices.Sort(mine)
	for _, id := range mine {
		decisions, err := followup.Decisions(tx, id)
		if err != nil {
			return nil, err
		}
		moments = append(moments, ofStart(byID[id]))
		for i := range decisions {
			moments = append(moments, ofDecision(&decisions[i]))
		}
	}
	attempts, err := attempt.OfFollowUps(tx, mine)
	if err != nil {
		return nil, err
	}
	given, err := answer.Of(tx, mine)
	if err != nil {
		return nil, err
	}
	for _, id := range mine {
		for i := range attempts[id] {
			moments = append(moments, ofAttempt(&attempts[id][i])...)
		}
	}
	for i := range given {
		moments = append(moments, ofAnswer(&given[i])...)
	}
	for _, id := range mine {
		if f := byID[id]; !f.EndedAt.IsZero() {
			moments = append(moments, ofEnd(f))
		}
	}
	// What happened in the same millisecond stays in the order above: event, decision, contact, answer, end.
	slices.SortStableFunc(moments, func(a, b Moment) int { return a.At.Compare(b.At) })
	return moments, nil
}

func ofNote(n *followup.Note) Moment {
	m := Moment{At: n.At, Kind: AtTrigger, FollowUp: n.FollowUp, Outcome: n.Outcome, Reason: n.Reason}
	m.Text = Text{"触发:", "Triggered:"}.and(sentence(n.Reason)).join(end)
	return m
}

func ofStart(f *followup.FollowUp) Moment {
	m := Moment{At: f.TriggerAt, Kind: AtTrigger, FollowUp: f.ID, Outcome: dimStarted, Reason: codes.Started}
	event := f.TriggerType
	if event == "" {
		event = "-"
	}
	m.Text = both("事件 %s(%s)触发,生成回访单。", "The event %s (%s) started a follow-up.", event, stamp(f.TriggerAt))
	if f.HeldOut {
		m.Reason = codes.HeldOut
		m.Text = m.Text.and(sentence(codes.HeldOut)).join(end)
	}
	if f.Merged > 0 {
		m.Text = m.Text.and(both("之后又有 %d 次触发并入。", "%d later triggers were merged into it.", f.Merged))
	}
	return m
}

// end closes a sentence of the registry, which has no full stop of its own.
var end = Text{"。", "."}

var verdicts = map[followup.Verdict]Text{
	followup.Defer: {"延后", "put off"},
	followup.Deny:  {"拦截", "withheld"},
	followup.Pass:  {"跳过", "passed over"},
}

func ofDecision(d *followup.Decision) Moment {
	m := Moment{At: d.At, Kind: AtDecision, FollowUp: d.FollowUp, Step: d.Step + 1, Outcome: string(d.Verdict), Reason: d.Reason, Rule: d.Rule}
	v := verdicts[d.Verdict]
	why := sentence(d.Reason)
	m.Text = Text{
		fmt.Sprintf("第 %d 步%s:%s", m.Step, v.Chinese, why.Chinese),
		fmt.Sprintf("Step %d %s: %s", m.Step, v.English, why.English),
	}
	if !d.Until.IsZero() {
		until := d.Until
		m.Until = &until
		m.Text = m.Text.join(both(",等到 %s", ", until %s", stamp(until)))
	}
	if d.Rule != "" {
		m.Text = m.Text.join(both("(规则 %s)", " (rule %s)", d.Rule))
	}
	m.Text = m.Text.join(end)
	return m
}

var states = map[attempt.State]Text{
	attempt.Intended:    {"允许触达,已记录并发出", "allowed, recorded and on its way"},
	attempt.Withheld:    {"发出前的最后核对未通过,没有发出", "stopped at the last look; nothing went out"},
	attempt.Rejected:    {"没有发出或被拒", "rejected, or it never left"},
	attempt.Unknown:     {"结果无法确认", "nobody can tell what became of it"},
	attempt.Accepted:    {"服务商已受理", "taken by the provider"},
	attempt.Undelivered: {"服务商回执:未送达", "reported as not delivered"},
	attempt.Delivered:   {"已送达", "delivered"},
	attempt.Seen:        {"客户已查看", "seen by the customer"},
}

// ofAttempt tells an attempt and, apart from it, what was reported at a later time.
func ofAttempt(a *attempt.Attempt) []Moment {
	at := func(t time.Time, s attempt.State) Moment {
		m := Moment{At: t, Kind: AtAttempt, FollowUp: a.FollowUp, Step: a.Step + 1, Channel: a.Channel, Outcome: string(s)}
		m.Text = Text{
			fmt.Sprintf("第 %d 步 %s:%s", m.Step, a.Channel, states[s].Chinese),
			fmt.Sprintf("Step %d by %s: %s", m.Step, a.Channel, states[s].English),
		}
		return m
	}
	first := attempt.Intended
	if a.AcceptedAt.IsZero() && a.DeliveredAt.IsZero() && a.SeenAt.IsZero() {
		first = a.State // it ended as it began, or its outcome is still to come
	}
	moments := []Moment{at(a.IntendedAt, first)}
	for _, later := range []struct {
		at    time.Time
		state attempt.State
	}{{a.AcceptedAt, attempt.Accepted}, {a.DeliveredAt, attempt.Delivered}, {a.SeenAt, attempt.Seen}} {
		if !later.at.IsZero() {
			moments = append(moments, at(later.at, later.state))
		}
	}
	last := &moments[len(moments)-1]
	if first == attempt.Intended && a.State == attempt.Undelivered { // its time isn't kept; it came after the rest
		moments = append(moments, at(last.At, attempt.Undelivered))
		last = &moments[len(moments)-1]
	}
	if last.Outcome == string(a.State) && a.Reason != "" && a.Reason != codes.Accepted { // that one says what the state says
		last.Reason = a.Reason
		last.Text = last.Text.join(Text{":", ": "}).join(sentence(a.Reason))
	}
	for i := range moments {
		moments[i].Text = moments[i].Text.join(end)
	}
	return moments
}

func ofAnswer(a *answer.Answer) []Moment {
	m := Moment{At: a.StartedAt, Kind: AtAnswer, FollowUp: a.FollowUp, Channel: a.Channel, Outcome: answer.DimStarted, Text: Text{"客户开始作答", "The customer began to answer"}}
	if a.Scored {
		m.Text = m.Text.join(both(",评分 %d", ", with a score of %d", a.Score))
	}
	m.Text = m.Text.join(end)
	moments := []Moment{m}
	if !a.CompletedAt.IsZero() {
		m.At, m.Outcome, m.Text = a.CompletedAt, answer.DimCompleted, Text{"客户提交了问卷。", "The customer handed the questionnaire in."}
		if len(a.Careless) > 0 {
			m.Reason = a.Careless[0]
			m.Text = m.Text.and(Text{"这份答卷可能不是认真填写的:", "It may not have been meant:"})
			for i, r := range a.Careless {
				if i > 0 {
					m.Text = m.Text.join(Text{";", ";"})
				}
				m.Text = m.Text.and(sentence(r))
			}
			m.Text = m.Text.join(end)
		}
		moments = append(moments, m)
	}
	return moments
}

func ofEnd(f *followup.FollowUp) Moment {
	m := Moment{At: f.EndedAt, Kind: AtEnd, FollowUp: f.ID, Outcome: string(f.State), Reason: f.Reason}
	m.Text = Text{"回访单完结:", "The follow-up ended:"}.and(stateName(f.State))
	if why := sentence(f.Reason); f.Reason != "" && why != stateName(f.State) {
		m.Text = m.Text.join(Text{"(" + why.Chinese + ")", " (" + why.English + ")"})
	}
	m.Text = m.Text.join(end)
	return m
}

// stamp writes a moment for people of all zones.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }
