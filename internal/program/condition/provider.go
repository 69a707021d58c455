package condition

import (
	"fmt"
	"slices"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/huiyin/huiyin/internal/intake/event"
)

// The names of CEL types; an @ keeps them from being spelled in an expression.
const (
	typeEvent    = "@event/"
	typeData     = "@data/"
	typeCustomer = "@customer"
	typeAnswers  = "@answers"
)

// record is one object type: its fields, by name.
type record struct {
	names  []string
	fields map[string]*types.FieldType
}

// provider tells CEL the object types. The embedded registry knows CEL's own.
type provider struct {
	*types.Registry
	records map[string]*record
}

var _ types.Provider = (*provider)(nil)

// FindStructType finds an object type.
func (p *provider) FindStructType(name string) (*types.Type, bool) {
	if _, ok := p.records[name]; ok {
		return types.NewTypeTypeWithParam(types.NewObjectType(name)), true
	}
	return p.Registry.FindStructType(name)
}

// FindStructFieldNames lists the fields of an object type.
func (p *provider) FindStructFieldNames(name string) ([]string, bool) {
	if r, ok := p.records[name]; ok {
		return r.names, true
	}
	return p.Registry.FindStructFieldNames(name)
}

// FindStructFieldType finds one field of an object type.
func (p *provider) FindStructFieldType(name, field string) (*types.FieldType, bool) {
	if r, ok := p.records[name]; ok {
		f, found := r.fields[field]
		return f, found
	}
	return p.Registry.FindStructFieldType(name, field)
}

// NativeToValue turns a Go value into CEL's; the data of an event may nest.
func (p *provider) NativeToValue(value any) ref.Val {
	switch v := value.(type) {
	case ref.Val:
		return v
	case string:
		return types.String(v)
	case int64:
		return types.Int(v)
	case bool:
		return types.Bool(v)
	case float64:
		return types.Double(v)
	case []any:
		return types.NewDynamicList(p, v)
	case *Data:
		return types.NewStringInterfaceMap(p, v.Map())
	}
	return p.Registry.NativeToValue(value)
}

func (r *record) add(name string, t *cel.Type, get func(target any) (any, error)) {
	r.names = append(r.names, name)
	r.fields[name] = &types.FieldType{
		Type:    t,
		GetFrom: get,
		IsSet: func(target any) bool {
			_, err := get(target)
			return err == nil
		},
	}
}

func newRecord() *record { return &record{fields: map[string]*types.FieldType{}} }

// addEvent declares the type of an event whose data is of the given type; nil means any type.
func (p *provider) addEvent(name string, t *event.Type) {
	if _, done := p.records[typeEvent+name]; done {
		return
	}
	r := newRecord()
	r.add("id", cel.StringType, ofEvent(func(e *event.Event) any { return e.ID }))
	r.add("source", cel.StringType, ofEvent(func(e *event.Event) any { return e.Source }))
	r.add("type", cel.StringType, ofEvent(func(e *event.Event) any { return e.Type }))
	r.add("subject", cel.StringType, ofEvent(func(e *event.Event) any { return e.Subject }))
	r.add("time", cel.TimestampType, ofEvent(func(e *event.Event) any { return types.Timestamp{Time: e.At.UTC()} }))
	dataType := cel.MapType(cel.StringType, cel.DynType)
	if t != nil {
		dataType = p.addData(name, t.Fields)
	}
	r.add("data", dataType, func(target any) (any, error) {
		v, ok := target.(*view)
		if !ok {
			return nil, fmt.Errorf("data asked of %T", target)
		}
		return v.read()
	})
	p.records[typeEvent+name] = r
}

func ofEvent(get func(e *event.Event) any) func(any) (any, error) {
	return func(target any) (any, error) {
		v, ok := target.(*view)
		if !ok || v.event == nil {
			return nil, errAbsent
		}
		return get(v.event), nil
	}
}

// addData declares an object of the given fields; an object inside becomes a type of its own.
func (p *provider) addData(name string, fields []event.Field) *cel.Type {
	r := newRecord()
	for _, f := range fields {
		fieldType := celType(f.Kind)
		switch {
		case f.Kind == event.Object && len(f.Fields) > 0:
			fieldType = p.addData(name+"."+f.Name, f.Fields)
		case f.Kind == event.List:
			fieldType = cel.ListType(celType(f.Of))
		}
		r.add(f.Name, fieldType, getField(f.Name, f.Kind))
	}
	slices.Sort(r.names)
	p.records[typeData+name] = r
	return cel.ObjectType(typeData + name)
}

func celType(k event.Kind) *cel.Type {
	switch k {
	case event.String:
		return cel.StringType
	case event.Int:
		return cel.IntType
	case event.Double:
		return cel.DoubleType
	case event.Bool:
		return cel.BoolType
	case event.Timestamp:
		return cel.TimestampType
	case event.Object:
		return cel.MapType(cel.StringType, cel.DynType)
	case event.List:
		return cel.ListType(cel.DynType)
	}
	return cel.DynType
}

// getField reads one field of an event's data, and holds it to the kind it was compiled for:
// the catalogue may have changed since the event was logged.
func getField(name string, kind event.Kind) func(any) (any, error) {
	return func(target any) (any, error) {
		d, ok := target.(*Data)
		if !ok {
			return nil, fmt.Errorf("%s asked of %T", name, target)
		}
		value, found := d.Get(name)
		if !found {
			return nil, errAbsent
		}
		return ofKind(name, kind, value)
	}
}

func ofKind(name string, kind event.Kind, value any) (any, error) {
	ok := true
	switch kind {
	case event.String:
		_, ok = value.(string)
	case event.Int:
		_, ok = value.(int64)
	case event.Bool:
		_, ok = value.(bool)
	case event.List:
		_, ok = value.([]any)
	case event.Object:
		_, ok = value.(*Data)
	case event.Double:
		if i, whole := value.(int64); whole {
			return float64(i), nil
		}
		_, ok = value.(float64)
	case event.Timestamp:
		text, isText := value.(string)
		if at, err := time.Parse(time.RFC3339, text); isText && err == nil {
			return types.Timestamp{Time: at.UTC()}, nil
		}
		ok = false
	}
	if !ok {
		return nil, fmt.Errorf("the field %s holds %T where the catalogue has %s", name, value, kind)
	}
	return value, nil
}
