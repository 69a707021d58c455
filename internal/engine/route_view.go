package engine

import (
	"fmt"

	"github.com/huiyin/huiyin/internal/intake/event"
	"github.com/huiyin/huiyin/internal/people/customer"
	"github.com/huiyin/huiyin/internal/program/condition"
)

// segmentDepthMax bounds segments that speak of segments; a circle ends here.
const segmentDepthMax = 8

// view is a customer as conditions see them at the time of an event, that event's
// own part in the facts included.
type view struct {
	customer.View
	segments map[string]*condition.Condition
	depth    int
	err      error // a segment that couldn't be judged; conditions have no other way to say so
}

var _ condition.CustomerView = (*view)(nil)

func (b *batch) viewOf(p *person, e *event.Event) *view {
	return &view{
		View:     customer.View{Customer: p.customer, Facts: p.facts, Now: e.At},
		segments: b.programs.segments,
	}
}

// anew forgets the failure of the condition before.
func (v *view) anew() *view {
	v.depth, v.err = 0, nil
	return v
}

// Age in years; below 0 when the year of birth isn't known, so that it is neither young nor old.
func (v *view) Age() int64 {
	if v.Customer.BirthYear == 0 {
		return -1
	}
	return v.View.Age()
}

// InSegment says whether the customer belongs to a segment, by its condition.
func (v *view) InSegment(name string) bool {
	if name == everyone || name == "" {
		return true
	}
	is, known := v.segments[name]
	if !known || v.depth >= segmentDepthMax {
		v.err = fmt.Errorf("segment %q isn't defined, or speaks of itself", name)
		return false
	}
	v.depth++
	held, err := is.Match(condition.Vars{Customer: v})
	v.depth--
	if err != nil {
		v.err = err
		return false
	}
	return held
}
