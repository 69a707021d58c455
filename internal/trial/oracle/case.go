package oracle

import (
	"strconv"
	"strings"
	"time"
)

// Case is one run as it truly was.
type Case struct {
	People   map[string]*Person  // by the wallet's id
	Programs map[string]*Program // by name
	Caps     []Cap
	Writes   []Write // of all providers, in the order in which the first bytes left

	Promised []string // what was acknowledged: events, refusals, answers
	Kept     map[string]bool

	Counts []Count
	Said   []string // what the product's own account says is wrong with it
}

// Person is one customer's true story.
type Person struct {
	Ref      string
	Places   []Place // in order of time
	Own      *Own
	Refusals []Refusal
}

// Place is where a customer was from a time on, as far as the wallet knew.
type Place struct {
	From    time.Time
	Country string   // empty: those of the zones
	Zones   []string // every candidate; empty: unknown
}

// Own are hours a customer asked for, every day, in a zone of their choice.
type Own struct {
	Zone     string
	From, To int // minutes from midnight
}

// Refusal is a no that was durable at From and taken back, if ever, at Until.
type Refusal struct {
	From, Until      time.Time
	Channel, Purpose string // "*": every one
	Address          string // not empty: it closes this address to everybody's messages too
	Stranger         bool   // only the address is known: it closes nothing else
	Words            string
}

// Program is what the oracle must know of a program.
type Program struct {
	Name     string
	HoldOut  float64
	Assigned map[string]bool // by customer: true for the control arm; drawn elsewhere
	Steps    []Step
	Pauses   []Pause

	ControlMatters int // triggers of people held out
}

// Step is one step of it.
type Step struct {
	Purpose string
	Tries   int
}

// Pause is a time in which a program was held or stopped.
type Pause struct{ From, Until time.Time }

// Cap allows N follow-ups of a purpose within any stretch of Per.
type Cap struct {
	Purpose string
	N       int
	Per     time.Duration
}

// Write is one line of a provider's log: something that could reach a customer left.
type Write struct {
	At        time.Time // when its first byte left
	Node      string
	Channel   string
	Key       string
	To        string
	Tag       Tag
	Delivered time.Time // when it reached the customer; zero: never
	Claimed   bool      // the provider said that it took it, and didn't
	Note      string    // what the provider did with it
}

// Tag is what a message's text says it belongs to.
type Tag struct {
	Program string
	Step    int    // from 0
	Matter  string // the order or ticket it is about
}

// Ref is the customer a matter is of: matters are named customer-number.
func (t Tag) Ref() string {
	ref, _, _ := strings.Cut(t.Matter, "-")
	return ref
}

// ReadTag finds the tag in a text: [program/step/matter].
func ReadTag(text string) (Tag, bool) {
	_, rest, opened := strings.Cut(text, "[")
	inside, _, closed := strings.Cut(rest, "]")
	parts := strings.Split(inside, "/")
	if !opened || !closed || len(parts) != 3 {
		return Tag{}, false
	}
	step, err := strconv.Atoi(parts[1])
	return Tag{Program: parts[0], Step: step, Matter: parts[2]}, err == nil
}

// Count is a number the world knows and the product counted for itself.
type Count struct {
	What       string
	True, Said int64
	AtMost     bool // Said may be less
}

// Violation is a broken promise.
type Violation struct {
	Invariant string
	Ref       string // the customer; empty: nobody in particular
	At        time.Time
	Text      string
}
