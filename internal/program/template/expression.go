package template

import (
	"slices"
	"strconv"
	"strings"

	"github.com/huiyin/huiyin/internal/intake/event"
	"github.com/huiyin/huiyin/internal/platform/errs"
	"github.com/huiyin/huiyin/internal/program/document"
)

// expression is a value and what is done to it, typed when read.
type expression struct {
	get      func(f *frame) any
	constant bool
	filters  []filterCall
	kind     event.Kind
	of       event.Kind
	hasElse  bool // a default filter covers what is missing
}

type filterCall struct {
	filter *filter
	args   []*expression
}

// token is one word of an expression.
type token struct {
	word   string
	quoted bool
}

func tokens(s string) ([]token, error) {
	var list []token
	for i := 0; i < len(s); {
		c := s[i]
		switch {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			i++
		case c == '"' || c == '\'':
			end := strings.IndexByte(s[i+1:], c)
			if end < 0 {
				return nil, errs.New(errs.Invalid, codeSyntax, "a quote is never closed in `%s`", s)
			}
			list = append(list, token{s[i+1 : i+1+end], true})
			i += end + 2
		case wordByte(c) || c == '-':
			end := i + 1
			for end < len(s) && (wordByte(s[end]) || s[end] == '.') {
				end++
			}
			list = append(list, token{word: s[i:end]})
			i = end
		case strings.HasPrefix(s[i:], "==") || strings.HasPrefix(s[i:], "!=") || strings.HasPrefix(s[i:], ">=") || strings.HasPrefix(s[i:], "<="):
			list = append(list, token{word: s[i : i+2]})
			i += 2
		case strings.IndexByte("|:,<>", c) >= 0:
			list = append(list, token{word: string(c)})
			i++
		default:
			return nil, errs.New(errs.Invalid, codeSyntax, "`%s` can't be read from `%s` on; write names, quoted texts, numbers and filters only", s, s[i:])
		}
	}
	return list, nil
}

func wordByte(c byte) bool {
	return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}

// expression reads a value with its filters.
func (r *reader) expression(s string) (*expression, error) {
	list, err := tokens(s)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, errs.New(errs.Invalid, codeSyntax, "the braces are empty; name a value, such as {{ hotline }}")
	}
	x, err := r.operand(list[0])
	if err != nil {
		return nil, err
	}
	rest := list[1:]
	for len(rest) > 0 {
		if rest[0].word != "|" || rest[0].quoted || len(rest) < 2 {
			return nil, errs.New(errs.Invalid, codeSyntax, "`%s` can't be read at `%s`; put a filter after `|`", s, rest[0].word)
		}
		end := 2
		for end < len(rest) && (rest[end].word != "|" || rest[end].quoted) {
			end++
		}
		if err := r.filter(x, rest[1], rest[2:end]); err != nil {
			return nil, err
		}
		rest = rest[end:]
	}
	return x, nil
}

// filter reads one filter and its arguments, and checks what it is given.
func (r *reader) filter(x *expression, name token, rest []token) error {
	f, known := filters[name.word]
	switch {
	case name.word == "escape" || name.word == "h":
		return errs.New(errs.Invalid, codeSyntax, "leave the filter `%s` out: values are escaped for each channel by themselves", name.word)
	case !known || name.quoted:
		return errs.New(errs.Invalid, codeUnknown, "there is no filter `%s`%s", name.word, document.DidYouMean(name.word, filterNames()))
	case len(x.filters) == filtersMax:
		return errs.New(errs.Invalid, codeBounds, "a value takes at most %d filters", filtersMax)
	}
	var args []*expression
	for i := 0; i < len(rest); i += 2 {
		sign := ":"
		if i > 0 {
			sign = ","
		}
		if rest[i].word != sign || rest[i].quoted || i+1 == len(rest) {
			return errs.New(errs.Invalid, codeSyntax, "the filter `%s` can't be read at `%s`; write `%s`", name.word, rest[i].word, f.usage)
		}
		arg, err := r.operand(rest[i+1])
		if err != nil {
			return err
		}
		args = append(args, arg)
	}
	if err := f.check(x, args); err != nil {
		return err
	}
	x.filters = append(x.filters, filterCall{f, args})
	x.constant = false
	f.result(x, args)
	return nil
}

// operand reads a quoted text, a number, a word or a path.
func (r *reader) operand(t token) (*expression, error) {
	fixed := func(value any, kind event.Kind) (*expression, error) {
		return &expression{get: func(*frame) any { return value }, kind: kind, constant: true}, nil
	}
	switch {
	case t.quoted:
		return fixed(t.word, event.String)
	case t.word == "true" || t.word == "false":
		return fixed(t.word == "true", event.Bool)
	case t.word == "nil" || t.word == "empty" || t.word == "blank":
		return fixed(nil, anyKind)
	}
	if c := t.word[0]; c == '-' || c >= '0' && c <= '9' {
		if n, err := strconv.ParseInt(t.word, 10, 64); err == nil {
			return fixed(n, event.Int)
		}
		if f, err := strconv.ParseFloat(t.word, 64); err == nil {
			return fixed(f, event.Double)
		}
		return nil, errs.New(errs.Invalid, codeSyntax, "`%s` isn't a number; put a text in quotes", t.word)
	}
	path := strings.Split(t.word, ".")
	for _, p := range path {
		if !isFieldName(p) {
			return nil, errs.New(errs.Invalid, codeSyntax, "`%s` isn't a name; write words joined by dots, such as trigger.data.merchant", t.word)
		}
	}
	return r.path(path)
}

func isFieldName(s string) bool {
	for i := range len(s) {
		if !wordByte(s[i]) {
			return false
		}
	}
	return s != ""
}

func (r *reader) path(path []string) (*expression, error) {
	if r.loop != "" && path[0] == r.loop {
		kind := r.item.kind
		if len(path) > 1 {
			kind = anyKind
		}
		return &expression{get: func(f *frame) any { return inside(f.item, path[1:]) }, kind: kind}, nil
	}
	if r.loop != "" && path[0] == "forloop" && len(path) == 2 {
		return forLoop(path[1])
	}
	v, get, err := r.scope.resolve(path)
	if err != nil {
		return nil, err
	}
	r.uses[path[0]] = true
	return &expression{get: get, kind: v.kind, of: v.of}, nil
}

func forLoop(field string) (*expression, error) {
	switch field {
	case "index":
		return &expression{kind: event.Int, get: func(f *frame) any { return int64(f.index + 1) }}, nil
	case "first":
		return &expression{kind: event.Bool, get: func(f *frame) any { return f.index == 0 }}, nil
	case "last":
		return &expression{kind: event.Bool, get: func(f *frame) any { return f.index == f.length-1 }}, nil
	}
	return nil, unknown(field, "forloop", []string{"index", "first", "last"})
}

// test is a condition: comparisons joined by all-and or all-or.
type test struct {
	comparisons []comparison
	any         bool // joined by or
	negate      bool
}

type comparison struct {
	left, right *expression // right is nil: whether left is there and not false
	operator    string
}

var operators = []string{"==", "!=", ">=", "<=", "<", ">", "contains"}

func (r *reader) test(s string, negate bool) (*test, error) {
	list, err := tokens(s)
	if err != nil {
		return nil, err
	}
	t := &test{negate: negate}
	var joined []string
	for len(list) > 0 {
		end := slices.IndexFunc(list, func(x token) bool { return !x.quoted && (x.word == "and" || x.word == "or") })
		part := list
		if end >= 0 {
			joined = append(joined, list[end].word)
			part, list = list[:end], list[end+1:]
			if len(list) == 0 {
				return nil, errs.New(errs.Invalid, codeSyntax, "`%s` ends with `%s`; say what comes after it", s, joined[len(joined)-1])
			}
		} else {
			list = nil
		}
		c, err := r.comparison(part, s)
		if err != nil {
			return nil, err
		}
		t.comparisons = append(t.comparisons, c)
	}
	if len(t.comparisons) == 0 {
		return nil, errs.New(errs.Invalid, codeSyntax, "the condition is empty; write `{%% if trigger.data.charged %%}`")
	}
	t.any = slices.Contains(joined, "or")
	if t.any && slices.Contains(joined, "and") {
		return nil, errs.New(errs.Invalid, codeSyntax, "`%s` mixes `and` with `or`, which readers take in different ways; use two ifs", s)
	}
	return t, nil
}

func (r *reader) comparison(list []token, s string) (comparison, error) {
	if len(list) != 1 && len(list) != 3 {
		return comparison{}, errs.New(errs.Invalid, codeSyntax, "`%s` can't be read; compare two values, such as `trigger.data.amount_minor > 5000`", s)
	}
	left, err := r.operand(list[0])
	if err != nil || len(list) == 1 {
		return comparison{left: left}, err
	}
	if !slices.Contains(operators, list[1].word) || list[1].quoted {
		return comparison{}, errs.New(errs.Invalid, codeSyntax, "`%s` isn't a comparison; use one of %s", list[1].word, strings.Join(operators, " "))
	}
	right, err := r.operand(list[2])
	if err != nil {
		return comparison{}, err
	}
	c := comparison{left, right, list[1].word}
	return c, c.check()
}

// check refuses what can't be compared.
func (c comparison) check() error {
	l, r := c.left.kind, c.right.kind
	if l == anyKind || r == anyKind {
		return nil
	}
	ok := l == r && (l != event.Bool && l != event.Object && l != event.List || c.operator == "==" || c.operator == "!=") ||
		number(l) && number(r)
	if c.operator == "contains" {
		ok = l == event.List || l == event.String && r == event.String
	}
	if ok {
		return nil
	}
	return errs.New(errs.Invalid, codeTypes, "%s can't be put beside %s by `%s`", kindWord(l), kindWord(r), c.operator)
}

func number(k event.Kind) bool { return k == event.Int || k == event.Double }

func (r *reader) whenTest(subject *expression, args string) (*test, error) {
	list, err := tokens(args)
	if err != nil {
		return nil, err
	}
	t := &test{any: true}
	for i, x := range list {
		if i%2 == 1 {
			if x.quoted || x.word != "," && x.word != "or" {
				return nil, errs.New(errs.Invalid, codeSyntax, "`when %s` can't be read; part the values by commas", args)
			}
			continue
		}
		value, err := r.operand(x)
		if err != nil {
			return nil, err
		}
		c := comparison{subject, value, "=="}
		if err := c.check(); err != nil {
			return nil, err
		}
		t.comparisons = append(t.comparisons, c)
	}
	if len(list)%2 == 0 {
		return nil, errs.New(errs.Invalid, codeSyntax, "`when %s` lacks a value", args)
	}
	return t, nil
}

func kindWord(k event.Kind) string {
	switch k {
	case event.String:
		return "a text"
	case event.Int, event.Double:
		return "a number"
	case event.Bool:
		return "a truth value"
	case event.Timestamp:
		return "a time"
	case event.List:
		return "a list"
	case event.Object:
		return "an object"
	}
	return "a value"
}
