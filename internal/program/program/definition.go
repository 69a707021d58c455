package program

import (
	"time"

	"github.com/huiyin/huiyin/internal/program/document"
	"github.com/huiyin/huiyin/internal/program/rules"
)

// Bounds on a definition.
const (
	StepsMax       = 20
	CancelsMax     = 20
	OnAnswersMax   = 20
	TriesMax       = 10
	PriorityMax    = 100
	DeadlineMax    = 90 * 24 * time.Hour
	MeasureMax     = 90 * 24 * time.Hour
	RingMax        = 2 * time.Minute
	ringDefault    = 30 * time.Second
	priorityMiddle = 50
	scheduleMin    = 24 * time.Hour
)

// Definition is a document of kind Program.
type Definition struct {
	Title    document.Text             `yaml:"title"`
	Goal     document.Text             `yaml:"goal"`
	Priority *int                      `yaml:"priority"`
	Trigger  TriggerDefinition         `yaml:"trigger"`
	Reentry  *ReentryDefinition        `yaml:"reentry"`
	Deadline document.Duration         `yaml:"deadline"`
	Audience AudienceDefinition        `yaml:"audience"`
	Prefer   map[string][]rules.Window `yaml:"prefer"`
	Steps    []StepDefinition          `yaml:"steps"`
	OnAnswer []OnAnswerDefinition      `yaml:"on_answer"`
	Measure  *MeasureDefinition        `yaml:"measure"`
}

// TriggerDefinition is what starts a follow-up: an event, a schedule or a list.
type TriggerDefinition struct {
	Event    string              `yaml:"event"`
	When     string              `yaml:"when"`
	Delay    document.Duration   `yaml:"delay"`
	CancelOn []CancelDefinition  `yaml:"cancel_on"`
	Schedule *ScheduleDefinition `yaml:"schedule"`
	List     bool                `yaml:"list"`
}

// CancelDefinition is an event after which the follow-up isn't needed any more.
type CancelDefinition struct {
	Event string `yaml:"event"`
	When  string `yaml:"when"`
}

// ScheduleDefinition starts follow-ups for the members of a segment, again and again.
type ScheduleDefinition struct {
	Every   document.Duration `yaml:"every"`
	Segment string            `yaml:"segment"`
}

// ReentryDefinition lets one customer have an open follow-up for each value of a key.
type ReentryDefinition struct {
	Key string `yaml:"key"`
}

// AudienceDefinition is for whom.
type AudienceDefinition struct {
	Segment string          `yaml:"segment"`
	Sample  *document.Share `yaml:"sample"`
	HoldOut document.Share  `yaml:"hold_out"`
}

// StepDefinition is one way of reaching the customer.
type StepDefinition struct {
	Channel       string            `yaml:"channel"`
	Purpose       string            `yaml:"purpose"`
	Template      string            `yaml:"template"`
	Script        string            `yaml:"script"`
	Questionnaire string            `yaml:"questionnaire"`
	Mode          string            `yaml:"mode"`
	When          string            `yaml:"when"`
	Tries         int               `yaml:"tries"`
	Gap           document.Duration `yaml:"gap"`
	Wait          document.Duration `yaml:"wait"`
	Ring          document.Duration `yaml:"ring"`
}

// OnAnswerDefinition is what an answer leads to.
type OnAnswerDefinition struct {
	When     string              `yaml:"when"`
	OpenCase *OpenCaseDefinition `yaml:"open_case"`
}

// OpenCaseDefinition says which case to open.
type OpenCaseDefinition struct {
	Severity string `yaml:"severity"`
	Topic    string `yaml:"topic"`
}

// MeasureDefinition is the event by which the program is judged.
type MeasureDefinition struct {
	Event  string            `yaml:"event"`
	Within document.Duration `yaml:"within"`
}

// Channels lists the channels a step may name.
func Channels() []string {
	return []string{"inapp", "push", "sms", "email", "im", "webhook", "phone"}
}

const phone = "phone"

// How calls are placed.
var modes = []string{"preview", "progressive", "predictive"}

// How bad a case is.
var severities = []string{"low", "medium", "high", "critical"}
