package event

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/errs"
)

// Keywords the fast checker knows, and those that say nothing about what is right.
// A schema that uses no other is checked by it alone; any other goes through the
// full JSON Schema validator as well. Which of the two is settled when it is compiled.
var (
	flatRoot  = words("type required properties additionalProperties title description $schema $id $comment examples")
	flatField = words("type format enum minimum maximum minLength maxLength pattern title description $comment examples default x-sum")
)

// defaultSum is the field added up in the customer's facts when the schema marks none.
const defaultSum = "amount_minor"

func words(s string) map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(s) {
		m[w] = true
	}
	return m
}

// fieldSchema is the part of a field's schema that the fast checker understands.
type fieldSchema struct {
	Type       any                        `json:"type"`
	Format     string                     `json:"format"`
	Enum       []any                      `json:"enum"`
	Minimum    *float64                   `json:"minimum"`
	Maximum    *float64                   `json:"maximum"`
	MinLength  *int                       `json:"minLength"`
	MaxLength  *int                       `json:"maxLength"`
	Pattern    string                     `json:"pattern"`
	Sum        *bool                      `json:"x-sum"`
	Required   []string                   `json:"required"`
	Properties map[string]json.RawMessage `json:"properties"`
	Items      json.RawMessage            `json:"items"`
	More       any                        `json:"additionalProperties"`
}

// compile reads the schema into fields and a checker.
func (t *Type) compile() error {
	bad := func(format string, a ...any) *errs.Error {
		return errs.New(errs.Invalid, codes.SchemaInvalid, "event type %s: %s", t.Name, fmt.Sprintf(format, a...)).At("schema")
	}
	var keys map[string]json.RawMessage
	if err := json.Unmarshal(t.Schema, &keys); err != nil {
		return bad("its schema is not a JSON object: write a JSON Schema that starts with type: object").Because(err)
	}
	var root fieldSchema
	if err := json.Unmarshal(t.Schema, &root); err != nil {
		return bad("a keyword of its schema holds a value of the wrong kind").Because(err)
	}
	if root.Type != "object" {
		return bad("its schema must say type: object, since the data of an event is always an object")
	}
	if n := max(len(root.Properties), len(root.Required)); n > fieldsMax/2 {
		return bad("it has %d fields; at most %d are allowed", n, fieldsMax/2)
	}
	whole, err := compileWhole(t.Name, t.Schema)
	if err != nil {
		return bad("its schema is not a valid JSON Schema: mend what is named in brackets").Because(err)
	}
	flat := only(keys, flatRoot)
	t.check.closed = root.More == false
	if _, isBool := root.More.(bool); root.More != nil && !isBool {
		flat = false
	}
	for name, raw := range root.Properties {
		field, r, fieldFlat, err := compileField(name, raw, slices.Contains(root.Required, name))
		if err != nil {
			return bad("field %q: %v", name, err)
		}
		flat = flat && fieldFlat
		t.Fields = append(t.Fields, field)
		t.check.rules = append(t.check.rules, r)
	}
	for _, name := range root.Required {
		if _, ok := root.Properties[name]; !ok {
			t.Fields = append(t.Fields, Field{Name: name, Required: true})
			t.check.rules = append(t.check.rules, rule{name: name, required: true})
		}
	}
	slices.SortFunc(t.Fields, func(a, b Field) int { return cmpString(a.Name, b.Name) })
	t.check.index()
	if !flat {
		t.check.whole = whole
	}
	currency, ok := t.Field("currency")
	t.currency = ok && currency.Kind == String
	return nil
}

func only(keys map[string]json.RawMessage, allowed map[string]bool) bool {
	for k := range keys {
		if !allowed[k] {
			return false
		}
	}
	return true
}

// compileWhole compiles the schema for the full validator. It loads nothing from anywhere.
func compileWhole(name string, schema json.RawMessage) (*jsonschema.Schema, error) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(schema))
	if err != nil {
		return nil, err
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.AssertFormat()
	c.UseLoader(noLoader{})
	at := "event:" + name
	if err := c.AddResource(at, doc); err != nil {
		return nil, err
	}
	return c.Compile(at)
}

// noLoader keeps a schema from reading files or the network through $ref.
type noLoader struct{}

func (noLoader) Load(url string) (any, error) {
	return nil, fmt.Errorf("%s is outside this schema: put what it refers to under $defs", url)
}

// compileField reads one property. flat is false when the fast checker can't judge all of it.
func compileField(name string, raw json.RawMessage, required bool) (f Field, r rule, flat bool, err error) {
	f, r = Field{Name: name, Required: required}, rule{name: name, required: required}
	var keys map[string]json.RawMessage
	if json.Unmarshal(raw, &keys) != nil {
		return f, r, false, nil // the schemas true and false
	}
	var s fieldSchema
	if err := json.Unmarshal(raw, &s); err != nil {
		return f, r, false, err
	}
	flat = only(keys, flatField)
	word, _ := s.Type.(string)
	switch word {
	case "string":
		f.Kind = String
		if s.Format == "date-time" {
			f.Kind = Timestamp
		} else if s.Format != "" {
			flat = false
		}
	case "integer":
		f.Kind = Int
		f.Sum = name == defaultSum
	case "number":
		f.Kind = Double
	case "boolean":
		f.Kind = Bool
	case "object":
		f.Kind = Object
		f.Fields = nestedFields(s)
	case "array":
		f.Kind = List
		f.Of = itemKind(s.Items)
	default:
		flat = flat && s.Type == nil && len(s.Enum) == 0 && s.Format == "" && s.Pattern == "" &&
			s.Minimum == nil && s.Maximum == nil && s.MinLength == nil && s.MaxLength == nil
	}
	if s.Sum != nil {
		if *s.Sum && f.Kind != Int {
			return f, r, false, fmt.Errorf("x-sum adds up whole numbers: make the type integer")
		}
		f.Sum = *s.Sum
	}
	r.kind = f.Kind
	return f, r, r.bounds(&s) && flat, nil
}

func nestedFields(s fieldSchema) []Field {
	var fields []Field
	for name, raw := range s.Properties {
		f, _, _, err := compileField(name, raw, slices.Contains(s.Required, name))
		if err == nil {
			fields = append(fields, f)
		}
	}
	slices.SortFunc(fields, func(a, b Field) int { return cmpString(a.Name, b.Name) })
	return fields
}

func itemKind(raw json.RawMessage) Kind {
	if len(raw) == 0 {
		return 0
	}
	f, _, _, err := compileField("", raw, false)
	if err != nil {
		return 0
	}
	return f.Kind
}

// bounds takes the limits of a field into its rule; false means the fast checker can't hold them.
func (r *rule) bounds(s *fieldSchema) bool {
	r.min, r.max = math.Inf(-1), math.Inf(1)
	r.maxChars = -1
	text, number := r.kind == String || r.kind == Timestamp, r.kind == Int || r.kind == Double
	if s.Minimum != nil {
		r.min = *s.Minimum
	}
	if s.Maximum != nil {
		r.max = *s.Maximum
	}
	if s.MinLength != nil {
		r.minChars = *s.MinLength
	}
	if s.MaxLength != nil {
		r.maxChars = *s.MaxLength
	}
	if s.Pattern != "" {
		p, err := regexp.Compile(s.Pattern)
		if err != nil {
			return false
		}
		r.pattern = p
	}
	for _, v := range s.Enum {
		word, ok := v.(string)
		if !ok || !text {
			return false
		}
		r.enum = append(r.enum, word)
	}
	hasText := s.MinLength != nil || s.MaxLength != nil || s.Pattern != "" || s.Enum != nil
	hasNumber := s.Minimum != nil || s.Maximum != nil
	// A keyword that doesn't touch this kind of value changes nothing by the standard, but
	// without a type it would: the full validator settles such schemas.
	return (text || !hasText) && (number || !hasNumber)
}
