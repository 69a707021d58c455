package followup

import (
	"time"

	"github.com/huiyin/huiyin/internal/platform/codes"
)

// State is where a follow-up stands.
type State string

// The states. Those after SetAside are final.
const (
	Waiting     State = "waiting"    // for DueAt, to take its next step
	Contacting  State = "contacting" // an attempt is with a channel; DueAt is the end of the lease
	SetAside    State = "set_aside"  // an outcome nobody can know without a person
	Answered    State = "answered"
	Told        State = "told"        // notices arrived, no answer was asked for
	Unanswered  State = "unanswered"  // asked, and no answer came
	Unreachable State = "unreachable" // every attempt failed to arrive
	Declined    State = "declined"    // the customer refused on the way
	Cancelled   State = "cancelled"   // not needed any more
	Suppressed  State = "suppressed"  // withheld to the end
	Expired     State = "expired"     // its deadline passed before anything could be tried
	HeldOut     State = "held_out"    // hold-out: notices only
)

// Finals are the final states, in the order in which reports show them.
var Finals = []State{Answered, Told, Unanswered, Unreachable, Declined, Cancelled, Suppressed, Expired, HeldOut}

// Final says whether a state is final.
func (s State) Final() bool { return s != Waiting && s != Contacting && s != SetAside }

// FollowUp is one customer in one program.
type FollowUp struct {
	ID, Program, Version, Customer int64

	Reentry     string // value of the program's reentry key
	TriggerSeq  int64  // the event in the log; 0 for a list
	TriggerType string
	TriggerAt   time.Time
	TriggerData string // JSON object

	HeldOut  bool
	State    State
	Reason   codes.Reason
	Step     int    // the step to take next
	Lane     string // its channel
	DueAt    time.Time
	Priority int
	Deadline time.Time // no attempt starts later
	Epoch    int64     // the fence: a claim or a change from outside raises it
	Merged   int

	CreatedAt, UpdatedAt, EndedAt time.Time
}

// Decision is why a contact was made, put off or withheld.
type Decision struct {
	ID, FollowUp int64
	Step         int
	At           time.Time
	Verdict      Verdict
	Reason       codes.Reason
	Rule         string // the rule of a pack or policy that bound
	Until        time.Time
}

// Verdict is what was decided about a step.
type Verdict string

// The verdicts. Pass is a step passed over: its condition failed or its purpose is
// fulfilled. A step that was allowed has an attempt to show for it.
const (
	Defer Verdict = "defer"
	Deny  Verdict = "deny"
	Pass  Verdict = "pass"
)

// Note is a trigger that started no follow-up of its own, and why.
type Note struct {
	ID, Program, Customer, EventSeq int64
	At                              time.Time
	Outcome                         string // merged, not-selected
	Reason                          codes.Reason
	FollowUp                        int64
}

// The metrics this package counts in tally. Every trigger is counted once under
// Triggers; every follow-up once under Started and once, at its end, under Ended.
const (
	MetricTrigger = "trigger"  // dim: started, merged, not-selected:<reason>
	MetricStarted = "started"  // dim: treated, held-out
	MetricEnded   = "ended"    // dim: the final state
	MetricReason  = "reason"   // dim: <final state>:<reason>
	MetricAside   = "aside"    // dim: in, out
	MetricDecided = "decision" // dim: <verdict>:<reason>
)
