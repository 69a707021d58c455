package template

import (
	"errors"
	"html"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/huiyin/huiyin/internal/intake/event"
	"github.com/huiyin/huiyin/internal/platform/errs"
	"github.com/huiyin/huiyin/internal/program/condition"
)

// valueCharsMax cuts a single value: no name or reason is longer.
const valueCharsMax = 500

// Vars is what a message is made from.
type Vars struct {
	Channel   string
	Languages []string       // the customer's wishes, first the most wanted
	Zone      *time.Location // the customer's; nil means UTC
	Facts     condition.Vars // Trigger and Customer; also judges the variants
	Name      string         // shown masked only

	Hotline, Link, Unsubscribe string
	Preferences                string // where the customer says how they want to be reached
	Reference                  string // what the message is called by
	AgentAlias, AgentNumber    string
	More                       map[string]string // for scopes that know more names
}

// frame is one rendering.
type frame struct {
	vars     *Vars
	language string
	zone     *time.Location
	data     *condition.Data
	html     bool
	out      strings.Builder

	item          any // of the loop we are in
	index, length int
}

func newFrame(v *Vars, language string) (*frame, error) {
	f := &frame{vars: v, language: language, zone: v.Zone, data: v.Facts.TriggerData}
	if f.zone == nil {
		f.zone = time.UTC
	}
	if f.data == nil && v.Facts.Trigger != nil {
		data, err := condition.Read(v.Facts.Trigger)
		if err != nil {
			return nil, errs.New(errs.Internal, codeMissing, "the data of the trigger can't be read").Because(err)
		}
		f.data, v.Facts.TriggerData = data, data
	}
	return f, nil
}

var errTooLong = errs.New(errs.TooLarge, codeBounds, "the message would be longer than %d KB; shorten it or show fewer items", ResultBytesMax>>10)

func (f *frame) write(s string) error {
	if f.out.Len()+len(s) > ResultBytesMax {
		return errTooLong
	}
	f.out.WriteString(s)
	return nil
}

// run renders parts into a text.
func (f *frame) run(parts []part) (string, error) {
	f.out.Reset()
	if err := f.writeAll(parts); err != nil {
		return "", err
	}
	return f.out.String(), nil
}

func (f *frame) writeAll(parts []part) error {
	for _, p := range parts {
		if err := p.write(f); err != nil {
			return err
		}
	}
	return nil
}

type literal string

func (l literal) write(f *frame) error { return f.write(string(l)) }

type output struct {
	value  *expression
	source string
}

func (o output) write(f *frame) error {
	value, err := o.value.eval(f)
	if err != nil {
		return err
	}
	if value == nil {
		return errs.New(errs.Invalid, codeMissing, "`%s` has no value for this customer; give it one with `| default: \"…\"`, or ask with `if` first", o.source)
	}
	if link, ok := value.(address); ok {
		return f.write(f.escape(string(link)))
	}
	text, err := textOf(value)
	if err != nil {
		return err
	}
	return f.write(f.escape(clean(text)))
}

func (f *frame) escape(s string) string {
	if f.html {
		return html.EscapeString(s)
	}
	return s
}

// eval gives the value after its filters; nil if it is missing.
func (x *expression) eval(f *frame) (any, error) {
	value := x.get(f)
	for _, call := range x.filters {
		if value == nil && !call.filter.filled {
			return nil, nil //nolint:nilnil // what is missing stays missing
		}
		if !call.filter.takes(value) {
			return nil, errs.New(errs.Invalid, codeTypes, "`%s` can't work with the value `%v`", call.filter.usage, value)
		}
		var buf [1]any
		args := buf[:0]
		for _, a := range call.args {
			args = append(args, a.get(f))
		}
		var err error
		if value, err = call.filter.apply(f, value, args); err != nil {
			return nil, err
		}
	}
	return value, nil
}

// takes guards a filter from a value of another kind than its type had when it was compiled.
func (t *filter) takes(value any) bool {
	if len(t.in) == 0 || value == nil {
		return true
	}
	for _, kind := range t.in {
		ok := false
		switch kind {
		case event.String:
			_, ok = value.(string)
		case event.Int:
			_, ok = value.(int64)
		case event.List:
			_, ok = value.([]any)
		case event.Timestamp:
			_, isText := value.(string)
			_, isTime := value.(time.Time)
			ok = isText || isTime
		}
		if ok {
			return true
		}
	}
	return false
}

func textOf(value any) (string, error) {
	switch v := value.(type) {
	case string:
		return v, nil
	case address:
		return string(v), nil
	case int64:
		return strconv.FormatInt(v, 10), nil
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), nil
	}
	return "", errs.New(errs.Invalid, codeTypes, "a value is neither a text nor a number and can't be shown")
}

// clean takes from a value what could break a line, turn the writing round or pose as our link.
func clean(s string) string {
	harmless := strings.IndexFunc(s, harmful) < 0 && !strings.Contains(s, "://") && len(s) <= valueCharsMax
	if harmless {
		return s
	}
	s = strings.Map(func(c rune) rune {
		switch {
		case c == '\n' || c == '\r' || c == '\t':
			return ' '
		case harmful(c):
			return -1
		}
		return c
	}, strings.ReplaceAll(s, "://", " "))
	if letters := []rune(s); len(letters) > valueCharsMax {
		s = string(letters[:valueCharsMax-1]) + "…"
	}
	return s
}

// harmful finds control characters and those that hide or turn text.
func harmful(c rune) bool {
	return unicode.IsControl(c) || c >= 0x202a && c <= 0x202e || c >= 0x2066 && c <= 0x2069 ||
		c >= 0x200b && c <= 0x200f || c == 0x2028 || c == 0x2029 || c == 0xfeff || c == unicode.ReplacementChar
}

type branch struct {
	test *test // nil: always
	body []part
}

type choice struct{ branches []branch }

func (c *choice) write(f *frame) error {
	for _, b := range c.branches {
		held, err := b.test.holds(f)
		if err != nil {
			return err
		}
		if held {
			return f.writeAll(b.body)
		}
	}
	return nil
}

type loop struct {
	list            *expression
	limit           int
	body, otherwise []part
}

func (l *loop) write(f *frame) error {
	value, err := l.list.eval(f)
	if err != nil {
		return err
	}
	items, _ := value.([]any)
	if len(items) == 0 {
		return f.writeAll(l.otherwise)
	}
	items = items[:min(len(items), l.limit)]
	f.length = len(items)
	for i, item := range items {
		f.index, f.item = i, item
		if err := f.writeAll(l.body); err != nil {
			return err
		}
	}
	f.item = nil
	return nil
}

func (t *test) holds(f *frame) (bool, error) {
	if t == nil {
		return true, nil
	}
	held := !t.any
	for _, c := range t.comparisons {
		one, err := c.holds(f)
		if err != nil {
			return false, err
		}
		if one == t.any {
			held = t.any
			break
		}
	}
	return held != t.negate, nil
}

var errKinds = errors.New("kinds differ")

func (c comparison) holds(f *frame) (bool, error) {
	left, err := c.left.eval(f)
	if err != nil {
		return false, err
	}
	if c.right == nil {
		return left != nil && left != false, nil
	}
	right, err := c.right.eval(f)
	if err != nil {
		return false, err
	}
	if c.operator == "contains" {
		return contains(left, right), nil
	}
	order, err := compare(left, right)
	if err != nil { // of different kinds, or one is missing: unequal, and neither is the lesser
		return c.operator == "!=", nil
	}
	switch c.operator {
	case "==":
		return order == 0, nil
	case "!=":
		return order != 0, nil
	case "<":
		return order < 0, nil
	case "<=":
		return order <= 0, nil
	case ">":
		return order > 0, nil
	}
	return order >= 0, nil
}

func contains(left, right any) bool {
	switch l := left.(type) {
	case string:
		r, ok := right.(string)
		return ok && strings.Contains(l, r)
	case []any:
		for _, item := range l {
			if order, err := compare(item, right); err == nil && order == 0 {
				return true
			}
		}
	}
	return false
}

// compare orders two values of one kind.
func compare(a, b any) (int, error) {
	switch x := a.(type) {
	case nil:
		if b == nil {
			return 0, nil
		}
	case string:
		if y, ok := b.(string); ok {
			return strings.Compare(x, y), nil
		}
	case bool:
		if y, ok := b.(bool); ok && x == y {
			return 0, nil
		} else if ok {
			return 1, nil
		}
	case time.Time:
		if y, ok := b.(time.Time); ok {
			return x.Compare(y), nil
		}
	case int64:
		switch y := b.(type) {
		case int64:
			return order(x, y), nil
		case float64:
			return order(float64(x), y), nil
		}
	case float64:
		switch y := b.(type) {
		case float64:
			return order(x, y), nil
		case int64:
			return order(x, float64(y)), nil
		}
	}
	return 0, errKinds
}

func order[T int64 | float64](a, b T) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}
