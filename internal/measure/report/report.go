package report

import (
	"time"

	"github.com/huiyin/huiyin/internal/followup"
	"github.com/huiyin/huiyin/internal/measure/statistics"
	"github.com/huiyin/huiyin/internal/platform/codes"
)

// confidence of every interval in a report.
const confidence = 0.95

// Text is a sentence or a name in both languages.
type Text struct {
	Chinese string `json:"zh-CN"`
	English string `json:"en"`
}

// Report is what came of a program from one day to another, both included, by UTC.
type Report struct {
	Program string    `json:"program"`
	Title   Text      `json:"title"`
	State   string    `json:"state"` // of the program: draft, running, paused, stopped
	From    string    `json:"from"`  // 2026-11-01; empty: from the beginning
	To      string    `json:"to"`
	At      time.Time `json:"at"` // when the figures were read

	// Balanced says that the account adds up; Check names what doesn't. The
	// identities are judged over the program's whole life, whatever days were asked for.
	Balanced bool     `json:"balanced"`
	Check    []string `json:"check,omitempty"`

	Triggers  Triggers   `json:"triggers"`
	FollowUps FollowUps  `json:"follow_ups"`
	Funnel    []Stage    `json:"funnel"`
	Withheld  []Withheld `json:"withheld"`
	Answers   Answers    `json:"answers"`
	Scores    []Score    `json:"scores"`
	Choices   []Choice   `json:"choices"`
	Effect    Effect     `json:"effect"`
}

// Triggers is what became of the events that met the program's condition.
// Total = Started + Merged + the sum of NotSelected.
type Triggers struct {
	Total       int64         `json:"total"`
	Started     int64         `json:"started"`
	Merged      int64         `json:"merged"`
	NotSelected []ReasonCount `json:"not_selected"`
	Definition  Text          `json:"definition"`
}

// ReasonCount is how often something happened for a reason.
type ReasonCount struct {
	Reason codes.Reason `json:"reason"`
	N      int64        `json:"n"`
	Text   Text         `json:"text"`
}

// FollowUps is what became of the follow-ups.
// OpenBefore + Started = the sum of Ended + Open.
type FollowUps struct {
	OpenBefore int64      `json:"open_before"` // open when the first day began
	Started    int64      `json:"started"`     // = Treated + HeldOut
	Treated    int64      `json:"treated"`
	HeldOut    int64      `json:"held_out"`
	Ended      []EndCount `json:"ended"`     // one per final state
	Open       int64      `json:"open"`      // open when the last day ended
	SetAside   int64      `json:"set_aside"` // of those open now: for a person to settle
	Definition Text       `json:"definition"`
}

// EndCount is how many follow-ups ended in a state, and why.
type EndCount struct {
	State   followup.State `json:"state"`
	N       int64          `json:"n"`
	Text    Text           `json:"text"`
	Reasons []ReasonCount  `json:"reasons,omitempty"`
}

// Stage is one step of the program on one channel; attempts are counted, except in Answered.
// Intended = Withheld + Rejected + Taken + Unsettled. Each of Delivered, Undelivered and
// Seen counts the attempts that were reported so at any time; they are among Taken.
type Stage struct {
	Step    int    `json:"step"` // from 1
	Channel string `json:"channel"`

	Intended    int64 `json:"intended"`
	Withheld    int64 `json:"withheld"`    // at the last look: nothing went out
	Rejected    int64 `json:"rejected"`    // the provider said no, or it never left
	Taken       int64 `json:"taken"`       // the provider said so, or showed it by what it reported later
	Unsettled   int64 `json:"unsettled"`   // on the wire, or nobody knows
	Delivered   int64 `json:"delivered"`   // it reported it delivered
	Undelivered int64 `json:"undelivered"` // it reported that it didn't arrive
	Seen        int64 `json:"seen"`        // it reported it seen
	Unknown     int64 `json:"unknown"`     // the outcome was unknown at some time
	Answered    int64 `json:"answered"`    // follow-ups whose answer this step's message brought
	Definition  Text  `json:"definition"`
}

// Withheld is why contacts were withheld or put off. A follow-up is asked about
// at every step and again after each wait, so decisions outnumber follow-ups.
type Withheld struct {
	Reason     codes.Reason `json:"reason"`
	Suppressed int64        `json:"suppressed"`  // follow-ups that ended without a contact for it
	Denied     int64        `json:"denied"`      // decisions: not this step
	Deferred   int64        `json:"deferred"`    // decisions: not yet
	PassedOver int64        `json:"passed_over"` // decisions: this step isn't needed
	Text       Text         `json:"text"`
}

// Share is a share of n with its interval; without n there is neither.
type Share struct {
	Hits       int64                `json:"hits"`
	N          int64                `json:"n"`
	Rate       *float64             `json:"rate"` // 0 to 1
	Interval   *statistics.Interval `json:"interval"`
	Note       *Text                `json:"note,omitempty"` // why there is no interval
	Definition Text                 `json:"definition"`
}

// Answers is how many answered.
type Answers struct {
	Started   int64         `json:"started"`
	Completed int64         `json:"completed"`
	Careless  int64         `json:"careless"`         // of those completed: they look as if they weren't meant
	Doubts    []ReasonCount `json:"doubts,omitempty"` // why; one answer may have several
	Response  Share         `json:"response"`         // of valid answers
}

// Score is what a question on a scale was answered with.
type Score struct {
	Question     string      `json:"question"`
	Type         string      `json:"type"`  // rating, nps, ces; empty if the questionnaire is gone
	Scale        int64       `json:"scale"` // highest value; 0 if the questionnaire is gone
	Ask          Text        `json:"ask"`
	N            int64       `json:"n"`
	Distribution []Bin       `json:"distribution"`
	Mean         *Figure     `json:"mean"`                   // none without answers
	Satisfied    *Share      `json:"satisfied,omitempty"`    // ratings out of 5
	NetPromoter  *Figure     `json:"net_promoter,omitempty"` // nps
	Tags         []ValueText `json:"tags,omitempty"`
}

// Bin is how many gave a value.
type Bin struct {
	Value int64 `json:"value"`
	N     int64 `json:"n"`
}

// ValueText is how many chose an option or tapped a tag.
type ValueText struct {
	Value string `json:"value"`
	N     int64  `json:"n"`
	Text  Text   `json:"text"`
}

// Choice is what a question with options was answered with. Of a question that takes
// several, one answer may count under several options.
type Choice struct {
	Question string      `json:"question"`
	Type     string      `json:"type"` // single, multiple, yes-no; empty if the questionnaire is gone
	Ask      Text        `json:"ask"`
	Options  []ValueText `json:"options"`
}

// Figure is a number with its interval, if there can be one.
type Figure struct {
	Value      float64              `json:"value"`
	N          int64                `json:"n"`
	Interval   *statistics.Interval `json:"interval"`
	Note       *Text                `json:"note,omitempty"` // why there is no interval
	Definition Text                 `json:"definition"`
}

// Effect compares those followed up with those held out.
type Effect struct {
	Event       string       `json:"event,omitempty"` // the measured event; empty: the program measures nothing
	WithinHours float64      `json:"within_hours,omitempty"`
	Arms        []Arm        `json:"arms"`
	Differences []Difference `json:"differences"`
	Sizes       *SizeCheck   `json:"sizes,omitempty"`
	Sentence    Text         `json:"sentence"`
	Definition  Text         `json:"definition"`
}

// Arm is one group of customers.
type Arm struct {
	Name      string               `json:"name"`
	Text      Text                 `json:"text"`
	Control   bool                 `json:"control"`
	N         int64                `json:"n"`
	Converted int64                `json:"converted"` // had the measured event in time
	Running   int64                `json:"running"`   // whose time isn't over, to the day
	Rate      *float64             `json:"rate"`
	Interval  *statistics.Interval `json:"interval"`
}

// Difference is an arm's rate less a control's, in shares of 1.
type Difference struct {
	Arm      string               `json:"arm"`
	Control  string               `json:"control"`
	Enough   bool                 `json:"enough"` // enough data to say something
	Missing  []Text               `json:"missing,omitempty"`
	Value    *float64             `json:"value"`
	Interval *statistics.Interval `json:"interval"`
	Sentence Text                 `json:"sentence"`
}

// SizeCheck says whether the arms have the sizes they were meant to have.
type SizeCheck struct {
	Checked    bool    `json:"checked"`
	Good       bool    `json:"good"`
	ChiSquare  float64 `json:"chi_square"`
	P          float64 `json:"p"`
	Sentence   Text    `json:"sentence"`
	Definition Text    `json:"definition"`
}
