package program

import (
	"time"

	"github.com/huiyin/huiyin/internal/decide/policy"
	"github.com/huiyin/huiyin/internal/program/condition"
	"github.com/huiyin/huiyin/internal/program/document"
	"github.com/huiyin/huiyin/internal/program/questionnaire"
	"github.com/huiyin/huiyin/internal/program/template"
)

// The states of a program.
const (
	Draft   = "draft"
	Running = "running"
	Paused  = "paused"  // people are held where they are
	Stopped = "stopped" // open follow-ups are cancelled when they are next due
)

// Live is one published version of a program, compiled. It never changes.
type Live struct {
	ID        int64 // of the program
	VersionID int64
	Version   int
	Name      string
	Title     document.Text
	Priority  int
	Trigger   Trigger
	Reentry   *condition.Condition // nil: one open follow-up per customer
	Deadline  time.Duration        // from the event's time
	Audience  Audience
	Steps     []Step
	OnAnswer  []OnAnswer
	Measure   Measure
	FactTypes []string // the event types whose facts any of its conditions asks for
}

// Trigger is what starts a follow-up.
type Trigger struct {
	Event    string               // event type; empty: a list or a schedule
	When     *condition.Condition // nil: always
	Delay    time.Duration
	List     bool
	Schedule *Schedule // nil: none
	CancelOn []CancelOn
}

// Schedule starts follow-ups for a segment's members, again and again.
type Schedule struct {
	Every   time.Duration
	Segment string
}

// CancelOn is an event after which a follow-up isn't needed any more.
type CancelOn struct {
	Event string
	When  *condition.Condition // nil: always
}

// Audience is for whom.
type Audience struct {
	Segment string  // "everyone" or the name of a segment
	Sample  float64 // 0-1
	HoldOut float64 // 0-1
}

// Step is one way of reaching the customer.
type Step struct {
	Channel, Purpose string
	Template         *template.Template           // nil: the built-in invitation to the questionnaire
	Questionnaire    *questionnaire.Questionnaire // nil: no answer is asked for
	QuestionnaireID  int64                        // the pinned version of its document
	Script           *template.Script             // calls: nil if there is none
	Mode             string                       // calls: preview, progressive, predictive
	When             *condition.Condition         // nil: always
	Tries            int                          // at least 1
	Gap, Wait        time.Duration
	Ring             time.Duration   // calls: how long it may ring
	Prefer           []policy.Window // the program's for this channel
	UsesFacts        bool            // its condition or template asks for counts, sums or segments
}

// OnAnswer is what an answer leads to.
type OnAnswer struct {
	When     *condition.Condition
	OpenCase *OpenCase
}

// OpenCase says which case to open.
type OpenCase struct{ Severity, Topic string }

// Measure is the event by which the program is judged.
type Measure struct {
	Event  string
	Within time.Duration
}
