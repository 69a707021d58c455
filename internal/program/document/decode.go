package document

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/huiyin/huiyin/internal/platform/errs"
)

// headKeys stand in every document and are read by Parse; a struct need not repeat them.
var headKeys = []string{"kind", "name"}

// Decode fills the value into points to from a node. Keys come from `yaml` tags, or the field's name in
// snake_case; a `yaml:",inline"` struct lends its keys. A type may read itself by UnmarshalYAML.
// All problems are reported together, each with its line and its path.
func Decode(node *yaml.Node, into any) error {
	v := reflect.ValueOf(into)
	if v.Kind() != reflect.Pointer || v.IsNil() {
		return fmt.Errorf("document.Decode needs a pointer, got %T", into)
	}
	if node == nil {
		return errs.New(errs.Invalid, codeShape, "there is nothing to read")
	}
	d := decoder{root: node}
	if node.Kind == yaml.DocumentNode && len(node.Content) == 1 {
		d.root = node.Content[0]
	}
	d.value(d.root, v.Elem(), "", 0)
	return d.problems.Err()
}

// Decode fills into from the document and names the document in every error.
func (d Document) Decode(into any) error {
	var p Problems
	for _, e := range All(Decode(d.Node, into)) {
		p.AddAt(d.Kind+" "+d.Name, e)
	}
	return p.Err()
}

type decoder struct {
	root     *yaml.Node
	problems Problems
}

var (
	unmarshalerType = reflect.TypeFor[yaml.Unmarshaler]()
	nodeType        = reflect.TypeFor[yaml.Node]()
)

func (d *decoder) value(node *yaml.Node, v reflect.Value, path string, depth int) {
	if depth > DepthMax {
		d.problems.AddAt(path, errs.New(errs.TooLarge, codeShape, "line %d is nested deeper than %d levels", node.Line, DepthMax))
		return
	}
	if v.Type() == nodeType {
		v.Set(reflect.ValueOf(*node))
		return
	}
	if v.CanAddr() && v.Addr().Type().Implements(unmarshalerType) && v.Kind() != reflect.Pointer {
		d.problems.AddAt(path, v.Addr().Interface().(yaml.Unmarshaler).UnmarshalYAML(node))
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		fresh := reflect.New(v.Type().Elem())
		d.value(node, fresh.Elem(), path, depth)
		v.Set(fresh)
	case reflect.Struct:
		d.structure(node, v, path, depth)
	case reflect.Map:
		d.mapping(node, v, path, depth)
	case reflect.Slice:
		d.sequence(node, v, path, depth)
	case reflect.Interface:
		d.anything(node, v, path)
	default:
		d.scalar(node, v, path)
	}
}

func (d *decoder) structure(node *yaml.Node, v reflect.Value, path string, depth int) {
	if node.Kind != yaml.MappingNode {
		d.problems.AddAt(path, wrongType(node, "keys with values"))
		return
	}
	fields, names := fieldsOf(v)
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		at := join(path, key.Value)
		field, known := fields[key.Value]
		switch {
		case known:
			d.value(value, field, at, depth+1)
		case node == d.root && isHead(key.Value):
		default:
			d.problems.Addf(at, codeUnknownKey, "unknown key `%s` at line %d%s", key.Value, key.Line, didYouMean(key.Value, names))
		}
	}
}

func isHead(key string) bool { return key == headKeys[0] || key == headKeys[1] }

// fieldsOf maps the keys of a struct to its fields, embedded inline ones included.
func fieldsOf(v reflect.Value) (map[string]reflect.Value, []string) {
	fields := map[string]reflect.Value{}
	var names []string
	t := v.Type()
	for i := range t.NumField() {
		f := t.Field(i)
		tag, options, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		switch {
		case tag == "-" || !f.IsExported():
			continue
		case strings.Contains(options, "inline"):
			inner, innerNames := fieldsOf(v.Field(i))
			for name, field := range inner {
				fields[name] = field
			}
			names = append(names, innerNames...)
			continue
		case tag == "":
			tag = snake(f.Name)
		}
		fields[tag] = v.Field(i)
		names = append(names, tag)
	}
	return fields, names
}

func snake(name string) string {
	var out strings.Builder
	for i, r := range name {
		if r >= 'A' && r <= 'Z' {
			if i > 0 {
				out.WriteByte('_')
			}
			r += 'a' - 'A'
		}
		out.WriteRune(r)
	}
	return out.String()
}

func (d *decoder) mapping(node *yaml.Node, v reflect.Value, path string, depth int) {
	if node.Kind != yaml.MappingNode || v.Type().Key().Kind() != reflect.String {
		d.problems.AddAt(path, wrongType(node, "keys with values"))
		return
	}
	read := reflect.MakeMapWithSize(v.Type(), len(node.Content)/2)
	for i := 0; i+1 < len(node.Content); i += 2 {
		element := reflect.New(v.Type().Elem()).Elem()
		d.value(node.Content[i+1], element, join(path, node.Content[i].Value), depth+1)
		read.SetMapIndex(reflect.ValueOf(node.Content[i].Value).Convert(v.Type().Key()), element)
	}
	v.Set(read)
}

func (d *decoder) sequence(node *yaml.Node, v reflect.Value, path string, depth int) {
	if node.Kind != yaml.SequenceNode {
		d.problems.AddAt(path, wrongType(node, "a list: [ … ] or lines that begin with -"))
		return
	}
	read := reflect.MakeSlice(v.Type(), len(node.Content), len(node.Content))
	for i, c := range node.Content {
		d.value(c, read.Index(i), fmt.Sprintf("%s[%d]", path, i), depth+1)
	}
	v.Set(read)
}

func (d *decoder) anything(node *yaml.Node, v reflect.Value, path string) {
	var any any
	if err := node.Decode(&any); err != nil {
		d.problems.Addf(path, codeWrongType, "the value at line %d can't be read: %s", node.Line, err.Error())
		return
	}
	if any != nil {
		v.Set(reflect.ValueOf(any))
	}
}

func (d *decoder) scalar(node *yaml.Node, v reflect.Value, path string) {
	ok, want := false, ""
	switch v.Kind() {
	case reflect.String:
		want = "a text (in quotes if it looks like a number)"
		if ok = node.Kind == yaml.ScalarNode && (node.Tag == "!!str" || node.Tag == "!!timestamp"); ok {
			v.SetString(node.Value)
		}
	case reflect.Bool:
		want = "true or false"
		if ok = node.Tag == "!!bool" && (node.Value == "true" || node.Value == "false"); ok {
			v.SetBool(node.Value == "true")
		}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		want = "a whole number"
		n, err := strconv.ParseInt(node.Value, 10, 64)
		if ok = node.Tag == "!!int" && err == nil && !v.OverflowInt(n); ok {
			v.SetInt(n)
		}
	case reflect.Float64, reflect.Float32:
		want = "a number"
		f, err := strconv.ParseFloat(node.Value, 64)
		if ok = (node.Tag == "!!float" || node.Tag == "!!int") && err == nil; ok {
			v.SetFloat(f)
		}
	default:
		want = "something a document can't hold (" + v.Type().String() + ")"
	}
	if !ok {
		d.problems.AddAt(path, wrongType(node, want))
	}
}

func wrongType(node *yaml.Node, want string) *errs.Error {
	return errs.New(errs.Invalid, codeWrongType, "line %d holds %s; it should be %s", node.Line, nodeWord(node), want)
}

func atLine(err error, line int) error {
	if e, ok := errs.As(err); ok {
		c := *e
		c.Text += fmt.Sprintf(" (line %d)", line)
		return &c
	}
	return err
}

// nodeWord says in words what a node is.
func nodeWord(node *yaml.Node) string {
	switch node.Kind {
	case yaml.MappingNode:
		return "keys with values"
	case yaml.SequenceNode:
		return "a list"
	}
	shown := node.Value
	if r := []rune(shown); len(r) > 40 {
		shown = string(r[:40]) + "…"
	}
	switch node.Tag {
	case "!!null":
		return "nothing"
	case "!!int", "!!float":
		return "the number " + shown
	case "!!bool":
		return "the truth value " + shown
	}
	return "the text `" + shown + "`"
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}
