package condition

import (
	"fmt"
	"reflect"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/huiyin/huiyin/internal/intake/event"
)

// opaque is what CEL needs of a value it only passes on.
type opaque struct{}

func (opaque) ConvertToNative(t reflect.Type) (any, error) {
	return nil, fmt.Errorf("an event, a customer or answers can't be turned into %s", t)
}

func (opaque) ConvertToType(ref.Type) ref.Val {
	return types.NewErr("an event, a customer or answers can't be turned into another type")
}

var (
	eventRuntimeType    = types.NewObjectType(typeEvent)
	customerRuntimeType = types.NewObjectType(typeCustomer)
)

// view is the variable event or trigger.
type view struct {
	opaque
	event *event.Event
	data  *Data
	scope *scope
}

var _ ref.Val = (*view)(nil)

func (v *view) Value() any     { return v }
func (v *view) Type() ref.Type { return eventRuntimeType }

func (v *view) Equal(other ref.Val) ref.Val {
	o, ok := other.(*view)
	return types.Bool(ok && o.event == v.event)
}

func (v *view) read() (any, error) {
	if v.data != nil {
		return v.data, nil
	}
	d, err := Read(v.event)
	if err != nil {
		v.scope.broken = fmt.Errorf("the data of event %s can't be read: %w", v.event.ID, err)
		return nil, v.scope.broken
	}
	v.data = d
	return d, nil
}

// customerValue is the variable customer.
type customerValue struct {
	opaque
	CustomerView
}

var _ ref.Val = (*customerValue)(nil)

func (c *customerValue) Value() any     { return c }
func (c *customerValue) Type() ref.Type { return customerRuntimeType }

func (c *customerValue) Equal(other ref.Val) ref.Val {
	o, ok := other.(*customerValue)
	return types.Bool(ok && o.Ref() == c.Ref())
}

// answer gives one answer as CEL takes it.
func answer(answers map[string]any, question string) (any, error) {
	switch v := answers[question].(type) {
	case int64, string, bool, []string, []any:
		return v, nil
	case int:
		return int64(v), nil
	case float64: // as JSON gives numbers
		if v == float64(int64(v)) {
			return int64(v), nil
		}
		return v, nil
	}
	return nil, errAbsent
}
