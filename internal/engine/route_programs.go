package engine

import (
	"cmp"
	"context"
	"slices"

	"github.com/huiyin/huiyin/internal/program/condition"
	"github.com/huiyin/huiyin/internal/program/program"
	"github.com/huiyin/huiyin/internal/program/segment"
)

const everyone = segment.Everyone

// Source gives the published programs as they stand now. It is asked at every
// turn, so it answers from memory while nothing was changed.
type Source func(ctx context.Context) (*Programs, error)

// Published is a program and the state it is in.
type Published = program.Published

// Programs are the published programs, arranged by what the log may say. They
// never change once made.
type Programs struct {
	byTrigger map[string][]*watch             // in order of program
	byMeasure map[string][]*watch             // likewise
	cancels   map[string]bool                 // event types that some version is cancelled by
	byVersion map[int64]*program.Live         // older versions with open follow-ups too
	segments  map[string]*condition.Condition // by name
	versions                                  // what the dispatcher asks for
}

// watch is what the router keeps in mind of one program.
type watch struct {
	*program.Live
	state       string
	firstNotice int      // index of the first step a held-out customer gets; -1: none
	factTypes   []string // event types of which it may ask for facts
	asks        bool     // its conditions may ask what the wallet told us of the customer
}

// NewPrograms arranges programs. older are versions that only open follow-ups still
// follow; segments are the conditions of those that any program names.
func NewPrograms(published []Published, older []*program.Live, segments map[string]*condition.Condition) *Programs {
	p := &Programs{
		byTrigger: map[string][]*watch{}, byMeasure: map[string][]*watch{}, cancels: map[string]bool{},
		byVersion: map[int64]*program.Live{}, segments: segments,
	}
	published = slices.SortedFunc(slices.Values(published), func(a, b Published) int { return cmp.Compare(a.Live.ID, b.Live.ID) })
	for _, x := range published {
		p.setState(x.Live.ID, x.State)
		w := p.watch(x)
		on := x.Live.Trigger.Event
		if x.Live.Trigger.List {
			on = listType(x.Live.Name)
		}
		if on != "" {
			p.byTrigger[on] = append(p.byTrigger[on], w)
		}
		if on := x.Live.Measure.Event; on != "" {
			p.byMeasure[on] = append(p.byMeasure[on], w)
		}
		p.version(x.Live)
	}
	for _, v := range older {
		p.version(v)
	}
	return p
}

func (p *Programs) version(v *program.Live) {
	p.byVersion[v.VersionID] = v
	for _, c := range v.Trigger.CancelOn {
		p.cancels[c.Event] = true
	}
}

func (p *Programs) watch(x Published) *watch {
	w := &watch{Live: x.Live, state: x.State, firstNotice: -1}
	for i, s := range x.Live.Steps {
		if s.Purpose == purposeNotice && s.Questionnaire == nil { // one that asks is not for those held out
			w.firstNotice = i
			break
		}
	}
	t := &x.Live.Trigger
	w.asks = asks(t.When) || asks(x.Live.Reentry) || x.Live.Audience.Segment != everyone
	w.factTypes = slices.Concat(p.factTypes(t.When), p.factTypes(x.Live.Reentry), p.segmentTypes(x.Live.Audience.Segment, 0))
	for _, c := range t.CancelOn {
		w.asks = w.asks || asks(c.When)
		w.factTypes = append(append(w.factTypes, c.Event), p.factTypes(c.When)...)
	}
	if x.Live.Measure.Event != "" {
		w.factTypes = append(w.factTypes, x.Live.Measure.Event)
	}
	slices.Sort(w.factTypes)
	w.factTypes = slices.Compact(w.factTypes)
	return w
}

// factTypes are the event types whose facts a condition asks for, by itself or by way of segments.
func (p *Programs) factTypes(c *condition.Condition) []string {
	if c == nil {
		return nil
	}
	types := c.FactTypes()
	for _, s := range c.Segments() {
		types = append(types, p.segmentTypes(s, 0)...)
	}
	return types
}

func (p *Programs) segmentTypes(name string, depth int) []string {
	s := p.segments[name]
	if s == nil || depth >= segmentDepthMax {
		return nil
	}
	types := s.FactTypes()
	for _, inner := range s.Segments() {
		types = append(types, p.segmentTypes(inner, depth+1)...)
	}
	return types
}

// asks says whether a condition may want the customer's record or any of the facts.
func asks(c *condition.Condition) bool { return c != nil && c.Uses("customer") }

// purposeNotice is what a customer has a right to be told, held out or not.
const purposeNotice = "notice"
