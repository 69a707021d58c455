package event

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/errs"
)

const (
	typesMax         = 2_000     // types in one catalogue
	typeNameCharsMax = 128       // characters in a type's name
	schemaBytesMax   = 64 * 1024 // bytes of one type's schema
)

//go:embed builtin.yaml
var builtinYAML []byte

var typeName = regexp.MustCompile(`^[a-z][a-z0-9-]*(\.[a-z][a-z0-9-]*)+$`)

// Catalogue is the set of event types there are. It never changes once made, so
// it may be read from anywhere.
type Catalogue struct {
	byName map[string]*Type
	all    []*Type // sorted by name
}

// NewCatalogue is the built-in types and the given ones; a given type replaces a
// built-in one of its name, so that a wallet whose events carry more can say so.
func NewCatalogue(extra ...*Type) (*Catalogue, error) {
	builtin, err := Builtin()
	if err != nil {
		return nil, err
	}
	c := &Catalogue{byName: make(map[string]*Type, len(builtin)+len(extra))}
	for _, t := range append(builtin, extra...) {
		c.byName[t.Name] = t
	}
	if len(c.byName) > typesMax {
		return nil, errs.New(errs.TooLarge, codes.DocumentTooLarge,
			"the catalogue would hold %d event types; at most %d are allowed: remove those no program needs", len(c.byName), typesMax)
	}
	for _, t := range c.byName {
		c.all = append(c.all, t)
	}
	slices.SortFunc(c.all, func(a, b *Type) int { return cmpString(a.Name, b.Name) })
	return c, nil
}

// Builtin is the types that ship with the product.
func Builtin() ([]*Type, error) {
	dec := yaml.NewDecoder(bytes.NewReader(builtinYAML))
	dec.KnownFields(true)
	var types []*Type
	for {
		var doc struct {
			Kind   string            `yaml:"kind"`
			Name   string            `yaml:"name"`
			Title  map[string]string `yaml:"title"`
			Schema map[string]any    `yaml:"schema"`
		}
		if err := dec.Decode(&doc); errors.Is(err, io.EOF) {
			return types, nil
		} else if err != nil {
			return nil, fmt.Errorf("read the built-in event types: %w", err)
		}
		schema, err := json.Marshal(doc.Schema)
		if err != nil {
			return nil, fmt.Errorf("read the built-in event type %s: %w", doc.Name, err)
		}
		t, err := NewType(doc.Name, doc.Title, schema)
		if err != nil {
			return nil, err
		}
		types = append(types, t)
	}
}

// NewType compiles a type. Its schema is a JSON Schema (2020-12) of an object;
// `x-sum: true` on an integer adds it up in the customer's facts.
func NewType(name string, title map[string]string, schema json.RawMessage) (*Type, error) {
	if len(name) > typeNameCharsMax || !typeName.MatchString(name) {
		return nil, errs.New(errs.Invalid, codes.NameInvalid,
			"%q can't name an event type: use two or more lower-case words joined by dots, such as wallet.voucher.expired", name).At("name")
	}
	if len(schema) > schemaBytesMax {
		return nil, errs.New(errs.TooLarge, codes.SchemaInvalid,
			"the schema of %s has %d bytes; at most %d are allowed", name, len(schema), schemaBytesMax).At("schema")
	}
	t := &Type{Name: name, Title: title, Schema: schema}
	if err := t.compile(); err != nil {
		return nil, err
	}
	return t, nil
}

// Type finds a type by name.
func (c *Catalogue) Type(name string) (*Type, bool) {
	t, ok := c.byName[name]
	return t, ok
}

// Types is every type, sorted by name. The caller must not change the slice.
func (c *Catalogue) Types() []*Type { return c.all }

// Nearest is the name most like the given one, and "" when none is.
func (c *Catalogue) Nearest(name string) string {
	names := make([]string, len(c.all))
	for i, t := range c.all {
		names[i] = t.Name
	}
	return nearest(name, names)
}

// Check judges an event's data by the schema of its type.
func (c *Catalogue) Check(e *Event) error {
	t, ok := c.byName[e.Type]
	if !ok {
		text := "there is no event type %q in the catalogue: add it with a document of kind EventType"
		args := []any{e.Type}
		if near := c.Nearest(e.Type); near != "" {
			text, args = "there is no event type %q in the catalogue: did you mean %q? A new type is added with a document of kind EventType", append(args, near)
		}
		return errs.New(errs.Invalid, codes.EventTypeUnknown, text, args...).At("type")
	}
	if err := t.check.check(t, e.Data); err != nil {
		return err
	}
	return nil
}
