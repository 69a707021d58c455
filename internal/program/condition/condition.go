package condition

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/huiyin/huiyin/internal/intake/event"
	"github.com/huiyin/huiyin/internal/platform/errs"
)

// Place says where a condition stands; it settles which variables it has.
type Place uint8

// The places and their variables.
const (
	Trigger  Place = iota + 1 // event, customer
	CancelOn                  // event, trigger, customer
	Step                      // trigger, customer; also a template's variants
	OnAnswer                  // score, answers, customer
	Segment                   // customer
	Reentry                   // trigger, customer; gives a text
	Question                  // the earlier questions, by their ids
)

// CustomerView answers what conditions ask about a customer, at the moment the view was made for.
type CustomerView interface {
	Has(what string) bool
	Age() int64 // in years; 0 means unknown
	InSegment(name string) bool
	Sum(eventType, field, window string) int64
	Count(eventType, window string) int64
	DaysSince(eventType string) int64 // a very large number if it never happened
	Language() string
	Country() string
	Ref() string
}

// Vars is what a condition is matched against. Only the variables of its Place are looked at.
type Vars struct {
	Event, Trigger *event.Event
	Customer       CustomerView
	Score          *int64
	Answers        map[string]any // int64, bool, string or []string by question

	// The data of Event and Trigger, if they are read already: to match many
	// conditions against one event, Read it once.
	EventData, TriggerData *Data
}

// Condition is a compiled expression; it is safe for concurrent use.
type Condition struct {
	source    string
	place     Place
	program   cel.Program
	variables []string
	segments  []string
	factTypes []string
	costMax   uint64
}

// Source gives the expression as written.
func (c *Condition) Source() string { return c.source }

// Segments lists the segments the condition asks about.
func (c *Condition) Segments() []string {
	if c == nil {
		return nil
	}
	return slices.Clone(c.segments)
}

// FactTypes lists the event types whose facts the condition asks for.
func (c *Condition) FactTypes() []string {
	if c == nil {
		return nil
	}
	return slices.Clone(c.factTypes)
}

// Uses says whether the condition speaks of a variable, such as score.
func (c *Condition) Uses(variable string) bool {
	return c != nil && slices.Contains(c.variables, variable)
}

// CostMax is the most units of work one match can take.
func (c *Condition) CostMax() uint64 { return c.costMax }

// Match says whether the condition holds. What isn't known doesn't hold. A nil condition always holds.
func (c *Condition) Match(v Vars) (bool, error) {
	if c == nil {
		return true, nil
	}
	out, err := c.eval(&v)
	if err != nil || out == nil {
		return false, err
	}
	held, ok := out.(types.Bool)
	if !ok {
		return false, c.failed(errors.New("it gave neither true nor false"))
	}
	return bool(held), nil
}

// Text gives the value of an expression as text: the key of a re-entry rule. It is empty if
// something it needs isn't known.
func (c *Condition) Text(v Vars) (string, error) {
	out, err := c.eval(&v)
	if err != nil || out == nil {
		return "", err
	}
	switch t := out.(type) {
	case types.String:
		return string(t), nil
	case types.Int:
		return strconv.FormatInt(int64(t), 10), nil
	case types.Bool:
		return strconv.FormatBool(bool(t)), nil
	}
	return "", c.failed(errors.New("it gave neither a text nor a whole number"))
}

// scopes are reused: matching is the router's innermost loop.
var scopes = sync.Pool{New: func() any { return new(scope) }}

// eval gives the value, or nil if something the expression needs isn't known.
func (c *Condition) eval(v *Vars) (ref.Val, error) {
	s := scopes.Get().(*scope)
	s.fill(v, c.place)
	out, _, err := c.program.Eval(s)
	broken := s.broken
	*s = scope{}
	scopes.Put(s)
	switch {
	case broken != nil:
		return nil, c.failed(broken)
	case err == nil:
		return out, nil
	case errors.Is(err, errAbsent), strings.HasPrefix(err.Error(), "no such key"): // the latter in untyped data
		return nil, nil //nolint:nilnil // absence is the answer
	}
	return nil, c.failed(err)
}

func (c *Condition) failed(err error) error {
	return errs.New(errs.Internal, "condition-failed", "the condition `%s` could not be judged", c.source).Because(err)
}

// errAbsent says that something isn't known: an optional field, an unanswered question.
var errAbsent = errors.New("not known")

// scope hands CEL its variables.
type scope struct {
	event, trigger view
	customer       customerValue
	score          *int64
	answers        map[string]any
	place          Place
	broken         error // data that can't be read
}

func (s *scope) fill(v *Vars, place Place) {
	s.place = place
	s.event = view{event: v.Event, data: v.EventData, scope: s}
	s.trigger = view{event: v.Trigger, data: v.TriggerData, scope: s}
	s.customer.CustomerView = v.Customer
	s.score = v.Score
	s.answers = v.Answers
}

// absent is how a variable without a value looks to CEL.
var absent = types.WrapErr(errAbsent)

// ResolveName gives CEL a variable.
func (s *scope) ResolveName(name string) (any, bool) {
	switch name {
	case varEvent:
		if s.event.event != nil {
			return &s.event, true
		}
	case varTrigger:
		if s.trigger.event != nil {
			return &s.trigger, true
		}
	case varCustomer:
		if s.customer.CustomerView != nil {
			return &s.customer, true
		}
	case varScore:
		if s.score != nil {
			return types.Int(*s.score), true
		}
	case varAnswers:
		if s.answers != nil {
			return s.answers, true
		}
	default: // a question by its id
		if value, err := answer(s.answers, name); err == nil {
			return value, true
		}
		return absent, s.place == Question
	}
	return absent, true
}

// Parent is part of CEL's interface; there is none.
func (s *scope) Parent() cel.Activation { return nil }
