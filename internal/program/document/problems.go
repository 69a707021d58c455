package document

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/huiyin/huiyin/internal/platform/errs"
)

// Problems gathers what is wrong with a document, so that people can mend it in one go.
type Problems struct {
	list []*errs.Error
}

// Add takes the errors of err; beyond ProblemsMax they are dropped.
func (p *Problems) Add(err error) { p.AddAt("", err) }

// AddAt takes the errors of err and puts path before the place each names.
func (p *Problems) AddAt(path string, err error) {
	for _, e := range All(err) {
		if len(p.list) < ProblemsMax {
			p.list = append(p.list, e.At(path))
		}
	}
}

// Addf adds one problem of kind Invalid.
func (p *Problems) Addf(path, code, format string, a ...any) {
	p.AddAt(path, errs.New(errs.Invalid, code, format, a...))
}

// None says whether nothing is wrong.
func (p *Problems) None() bool { return len(p.list) == 0 }

// Err gives nil, the one problem, or all of them joined.
func (p *Problems) Err() error {
	switch len(p.list) {
	case 0:
		return nil
	case 1:
		return p.list[0]
	}
	all := make([]error, len(p.list))
	for i, e := range p.list {
		all[i] = e
	}
	return errors.Join(all...)
}

// All takes a joined error apart.
func All(err error) []*errs.Error {
	if err == nil {
		return nil
	}
	if e, ok := err.(*errs.Error); ok { //nolint:errorlint // a wrapped one is handled below
		return []*errs.Error{e}
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok { //nolint:errorlint // same
		var list []*errs.Error
		for _, one := range joined.Unwrap() {
			list = append(list, All(one)...)
		}
		return list
	}
	if e, ok := errs.As(err); ok {
		return []*errs.Error{e}
	}
	return []*errs.Error{errs.New(errs.KindOf(err), errs.CodeOf(err), "%s", err.Error()).Because(err)}
}

// Locate names the document and the line before each place in err.
func (d Document) Locate(err error) error {
	var p Problems
	for _, e := range All(err) {
		where := d.Kind + " " + d.Name
		if line := d.LineOf(e.Path); line > 0 {
			where += fmt.Sprintf(" (line %d)", line)
		}
		p.AddAt(where, e)
	}
	return p.Err()
}

// LineOf finds the line of a path such as steps[2].when; of the deepest part that exists. 0 means unknown.
func (d Document) LineOf(path string) int {
	node := d.Node
	if node == nil {
		return 0
	}
	line := node.Line
	for _, part := range strings.Split(path, ".") {
		key, rest, _ := strings.Cut(part, "[")
		if key != "" {
			value, at := child(node, key)
			if value == nil {
				return line
			}
			node, line = value, at
		}
		for rest != "" {
			index, after, _ := strings.Cut(rest, "]")
			i, err := strconv.Atoi(index)
			if err != nil || node.Kind != yaml.SequenceNode || i < 0 || i >= len(node.Content) {
				return line
			}
			node = node.Content[i]
			line = node.Line
			rest = strings.TrimPrefix(after, "[")
		}
	}
	return line
}

func child(node *yaml.Node, key string) (value *yaml.Node, line int) {
	if node.Kind != yaml.MappingNode {
		return nil, 0
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		if node.Content[i].Value == key {
			return node.Content[i+1], node.Content[i].Line
		}
	}
	return nil, 0
}
