package template

import (
	"slices"
	"strings"

	"github.com/huiyin/huiyin/internal/intake/event"
	"github.com/huiyin/huiyin/internal/platform/errs"
	"github.com/huiyin/huiyin/internal/program/condition"
	"github.com/huiyin/huiyin/internal/program/document"
)

const (
	codeSyntax  = "template-syntax"
	codeUnknown = "template-unknown-variable"
	codeTypes   = "template-types"
	codeBounds  = "template-too-large"
	codeSecret  = "template-asks-for-secret"
	codeMissing = "template-value-missing"
	codeShape   = "template-shape"
)

// anyKind is the kind of what isn't typed.
const anyKind event.Kind = 0

// Scope is the variables a text may speak of, each with its kind.
type Scope struct {
	roots map[string]*variable
}

// variable is one name: a value, or an object with fields.
type variable struct {
	kind   event.Kind
	of     event.Kind // of a list's items
	fields map[string]*variable
	get    func(f *frame) any               // of a root that is no object
	field  func(f *frame, field string) any // of a root object: its field
	data   bool                             // an object of the event's data
}

// NewScope gives the variables of a message about an event of the given type; condition.AnyType
// takes a field that any type of the catalogue has, "" means no event stands behind the message.
func NewScope(c *event.Catalogue, eventType string) (*Scope, error) {
	s := &Scope{roots: map[string]*variable{
		"hotline":          {kind: event.String, get: func(f *frame) any { return textOrNil(f.vars.Hotline) }},
		"link":             {kind: event.String, get: func(f *frame) any { return address(f.vars.Link) }},
		"preferences_link": {kind: event.String, get: func(f *frame) any { return address(f.vars.Preferences) }},
		"reference":        {kind: event.String, get: func(f *frame) any { return textOrNil(f.vars.Reference) }},
		"unsubscribe":      {kind: event.String, get: func(f *frame) any { return address(f.vars.Unsubscribe) }},
		"customer": {kind: event.Object, field: customerField, fields: map[string]*variable{
			"masked_name": {kind: event.String}, "language": {kind: event.String}, "country": {kind: event.String},
		}},
		"agent": {kind: event.Object, field: agentField, fields: map[string]*variable{
			"alias": {kind: event.String}, "number": {kind: event.String},
		}},
	}}
	if eventType == "" {
		return s, nil
	}
	data := &variable{kind: event.Object, data: true}
	switch t, known := c.Type(eventType); {
	case eventType == condition.AnyType:
		data.fields = map[string]*variable{}
		for _, t := range c.Types() {
			merge(data.fields, t.Fields)
		}
	case known:
		data.fields = map[string]*variable{}
		merge(data.fields, t.Fields)
	default:
		return nil, errs.New(errs.Invalid, codeUnknown, "there is no event type `%s`%s",
			eventType, document.DidYouMean(eventType, []string{c.Nearest(eventType)}))
	}
	s.roots["trigger"] = &variable{kind: event.Object, field: triggerField, fields: map[string]*variable{
		"id": {kind: event.String}, "type": {kind: event.String}, "time": {kind: event.Timestamp}, "data": data,
	}}
	return s, nil
}

// merge adds fields; a name that two types use for different kinds isn't typed.
func merge(into map[string]*variable, fields []event.Field) {
	for _, f := range fields {
		v := &variable{kind: f.Kind, of: f.Of}
		if f.Kind == event.Object && len(f.Fields) > 0 {
			v.fields = map[string]*variable{}
			merge(v.fields, f.Fields)
		}
		if old, twice := into[f.Name]; twice && old.kind != f.Kind {
			v = &variable{kind: anyKind}
		}
		into[f.Name] = v
	}
}

// With gives a scope that knows more names, all of them texts taken from Vars.More.
func (s *Scope) With(names ...string) *Scope {
	c := &Scope{roots: make(map[string]*variable, len(s.roots)+len(names))}
	for name, v := range s.roots {
		c.roots[name] = v
	}
	for _, name := range names {
		c.roots[name] = &variable{kind: event.String, get: func(f *frame) any { return textOrNil(f.vars.More[name]) }}
	}
	return c
}

// resolve finds a path such as trigger.data.amount_minor, or says what is nearest.
func (s *Scope) resolve(path []string) (*variable, func(f *frame) any, error) {
	root, ok := s.roots[path[0]]
	if !ok {
		return nil, nil, unknown(path[0], "", sortedKeys(s.roots))
	}
	v := root
	for i, part := range path[1:] {
		if v.kind == anyKind || v.kind == event.Object && v.fields == nil {
			v = &variable{kind: anyKind}
			continue
		}
		next, ok := v.fields[part]
		if !ok {
			return nil, nil, unknown(part, strings.Join(path[:i+1], "."), sortedKeys(v.fields))
		}
		v = next
	}
	return v, getter(root, path), nil
}

func getter(root *variable, path []string) func(f *frame) any {
	if root.field == nil {
		return func(f *frame) any { return inside(root.get(f), path[1:]) }
	}
	if len(path) == 1 {
		return func(*frame) any { return nil }
	}
	first, rest := path[1], path[2:]
	return func(f *frame) any { return inside(root.field(f, first), rest) }
}

// inside walks into an event's data.
func inside(value any, path []string) any {
	for _, part := range path {
		d, ok := value.(*condition.Data)
		if !ok {
			return nil
		}
		value, _ = d.Get(part)
	}
	return value
}

func unknown(name, of string, known []string) error {
	where := ""
	if of != "" {
		where = " of " + of
	}
	return errs.New(errs.Invalid, codeUnknown, "unknown variable `%s`%s%s", name, where, document.DidYouMean(name, known))
}

func sortedKeys(m map[string]*variable) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func customerField(f *frame, field string) any {
	switch field {
	case "masked_name":
		return MaskedName(f.vars.Name, f.language)
	case "language":
		return textOrNil(f.language)
	case "country":
		if f.vars.Facts.Customer != nil {
			return textOrNil(f.vars.Facts.Customer.Country())
		}
	}
	return nil
}

func agentField(f *frame, field string) any {
	if field == "alias" {
		return textOrNil(f.vars.AgentAlias)
	}
	return textOrNil(f.vars.AgentNumber)
}

func triggerField(f *frame, field string) any {
	e := f.vars.Facts.Trigger
	if e == nil {
		return nil
	}
	switch field {
	case "id":
		return textOrNil(e.ID)
	case "type":
		return textOrNil(e.Type)
	case "time":
		return e.At
	}
	return f.data
}

// address is a link of our own making; it is shown as it stands.
type address string

func textOrNil(s string) any {
	if s == "" {
		return nil
	}
	return s
}
