package template

import (
	"slices"
	"strconv"
	"strings"

	"github.com/huiyin/huiyin/internal/intake/event"
	"github.com/huiyin/huiyin/internal/platform/errs"
	"github.com/huiyin/huiyin/internal/program/document"
)

// Bounds on a template and on what it gives.
const (
	SourceBytesMax = 16 << 10
	ResultBytesMax = 64 << 10
	LoopItemsMax   = 100
	blockDepthMax  = 8
	partsMax       = 500
	filtersMax     = 5
)

// part is one piece of a template: text, a value, a choice or a loop.
type part interface {
	write(f *frame) error
}

var tagNames = []string{"if", "unless", "case", "for", "comment", "raw"}

// reader reads one source. Blocks end where their end tag stands.
type reader struct {
	source string
	at     int
	scope  *Scope
	loop   string // the loop variable, inside a for
	item   *variable
	parts  int
	uses   map[string]bool
	shown  strings.Builder // the text people will read, for lint
	trim   bool            // the last tag asked for the white space after it to go
}

type tag struct {
	name, args string
	at         int
}

// parse reads a whole source.
func parse(source string, scope *Scope) (*reader, []part, error) {
	r := &reader{source: source, scope: scope, uses: map[string]bool{}}
	if len(source) > SourceBytesMax {
		return r, nil, errs.New(errs.TooLarge, codeBounds, "the text has %d bytes, and %d are allowed; shorten it", len(source), SourceBytesMax)
	}
	parts, end, err := r.block(0)
	if err == nil && end.name != "" {
		err = r.fault(end.at, codeSyntax, "`{%% %s %%}` closes nothing that was opened", end.name)
	}
	return r, parts, err
}

func (r *reader) fault(at int, code, format string, a ...any) error {
	e := errs.New(errs.Invalid, code, format, a...)
	return r.placed(at, e)
}

// placed adds the line within the text, if it has several.
func (r *reader) placed(at int, err error) error {
	e, ok := errs.As(err)
	if !ok {
		return err
	}
	c := *e
	if strings.Contains(strings.TrimSpace(r.source), "\n") && !strings.Contains(c.Text, "line ") {
		c.Text += " (line " + strconv.Itoa(1+strings.Count(r.source[:at], "\n")) + " of the text)"
	}
	return &c
}

// block reads up to the tag that ends it: an end tag, else, elsif or when.
func (r *reader) block(depth int) (parts []part, end tag, err error) {
	if depth > blockDepthMax {
		return nil, end, r.fault(r.at, codeBounds, "blocks are nested deeper than %d; flatten them", blockDepthMax)
	}
	for {
		open := strings.IndexByte(r.source[r.at:], '{')
		for open >= 0 && !strings.HasPrefix(r.source[r.at+open:], "{{") && !strings.HasPrefix(r.source[r.at+open:], "{%") {
			next := strings.IndexByte(r.source[r.at+open+1:], '{')
			if next < 0 {
				open = -1
				break
			}
			open += 1 + next
		}
		if open < 0 {
			parts = r.text(parts, r.source[r.at:], false)
			r.at = len(r.source)
			return parts, tag{}, nil
		}
		begin := r.at + open
		isValue := r.source[begin+1] == '{'
		trimLeft := strings.HasPrefix(r.source[begin+2:], "-")
		parts = r.text(parts, r.source[r.at:begin], trimLeft)
		inner, err := r.inner(begin, isValue, trimLeft)
		if err != nil {
			return nil, end, err
		}
		if r.parts++; r.parts > partsMax {
			return nil, end, r.fault(begin, codeBounds, "the text has more than %d values and tags; split it", partsMax)
		}
		if isValue {
			p, err := r.value(inner, begin)
			if err != nil {
				return nil, end, err
			}
			parts = append(parts, p)
			continue
		}
		t := tag{at: begin}
		t.name, t.args = inner, ""
		if space := strings.IndexAny(inner, " \t\r\n"); space > 0 {
			t.name, t.args = inner[:space], strings.TrimSpace(inner[space:])
		}
		if isEnd(t.name) {
			return parts, t, nil
		}
		p, err := r.tag(t, depth)
		if err != nil {
			return nil, end, err
		}
		if p != nil {
			parts = append(parts, p)
		}
	}
}

func isEnd(name string) bool {
	return strings.HasPrefix(name, "end") || name == "else" || name == "elsif" || name == "when"
}

// inner gives what stands between the braces, and moves behind them.
func (r *reader) inner(begin int, isValue, trimLeft bool) (string, error) {
	closing, shown := "%}", "{%"
	if isValue {
		closing, shown = "}}", "{{"
	}
	from := begin + 2
	if trimLeft {
		from++
	}
	length := strings.Index(r.source[min(from, len(r.source)):], closing)
	if length < 0 {
		return "", r.fault(begin, codeSyntax, "a `%s` is never closed; add `%s`", shown, closing)
	}
	inner := r.source[from : from+length]
	r.at = from + length + 2
	if before, ok := strings.CutSuffix(inner, "-"); ok {
		inner, r.trim = before, true
	}
	return strings.TrimSpace(inner), nil
}

func (r *reader) text(parts []part, s string, trimRight bool) []part {
	if r.trim {
		s = strings.TrimLeft(s, " \t\r\n")
		r.trim = false
	}
	if trimRight {
		s = strings.TrimRight(s, " \t\r\n")
	}
	if s == "" {
		return parts
	}
	r.shown.WriteString(s)
	return append(parts, literal(s))
}

func (r *reader) value(inner string, at int) (part, error) {
	x, err := r.expression(inner)
	if err != nil {
		return nil, r.placed(at, err)
	}
	switch x.kind {
	case event.List, event.Object:
		return nil, r.fault(at, codeTypes, "`%s` is a list or an object and can't be shown; take one of its fields, or a list with `| join: \", \"`", inner)
	case event.Bool:
		return nil, r.fault(at, codeTypes, "`%s` is true or false and can't be shown; use `{%% if %s %%} … {%% endif %%}`", inner, inner)
	case event.Timestamp:
		return nil, r.fault(at, codeTypes, "`%s` is a time; show it with `| local_date` or `| local_time`", inner)
	}
	r.shown.WriteString(shownValue)
	return output{x, inner}, nil
}

// shownValue stands for a value when a text is checked for what it asks.
const shownValue = "□"

func (r *reader) tag(t tag, depth int) (part, error) {
	switch t.name {
	case "if", "unless":
		return r.ifTag(t, depth)
	case "case":
		return r.caseTag(t, depth)
	case "for":
		return r.forTag(t, depth)
	case "comment", "raw":
		return r.verbatim(t)
	}
	return nil, r.fault(t.at, codeSyntax, "there is no tag `%s` here%s", t.name, document.DidYouMean(t.name, tagNames))
}

func (r *reader) verbatim(t tag) (part, error) {
	rest := r.source[r.at:]
	length, after := endOf(rest, "end"+t.name)
	if length < 0 {
		return nil, r.fault(t.at, codeSyntax, "`{%% %s %%}` is never closed; add `{%% end%s %%}`", t.name, t.name)
	}
	r.at += after
	if t.name == "comment" {
		return nil, nil //nolint:nilnil // a comment is no part
	}
	r.trim = false
	r.shown.WriteString(rest[:length])
	return literal(rest[:length]), nil
}

// endOf finds {% name %}: how much stands before it, and where it ends.
func endOf(s, name string) (length, after int) {
	for from := 0; ; {
		open := strings.Index(s[from:], "{%")
		if open < 0 {
			return -1, -1
		}
		open += from
		end := strings.Index(s[open:], "%}")
		if end < 0 {
			return -1, -1
		}
		if strings.Trim(s[open+2:open+end], "- \t\r\n") == name {
			return open, open + end + 2
		}
		from = open + 2
	}
}

func (r *reader) ifTag(t tag, depth int) (part, error) {
	choice := &choice{}
	negate, opened := t.name == "unless", t
	for {
		var test *test
		if t.name != "else" {
			var err error
			if test, err = r.test(t.args, negate); err != nil {
				return nil, r.placed(t.at, err)
			}
			negate = false
		} else if t.args != "" {
			return nil, r.fault(t.at, codeSyntax, "`else` takes no condition; write `elsif %s`", t.args)
		}
		body, end, err := r.block(depth + 1)
		if err != nil {
			return nil, err
		}
		choice.branches = append(choice.branches, branch{test, body})
		switch {
		case end.name == "end"+opened.name:
			return choice, nil
		case end.name == "":
			return nil, r.fault(opened.at, codeSyntax, "`{%% %s %%}` is never closed; add `{%% end%s %%}`", opened.name, opened.name)
		case t.name == "else" || end.name != "else" && (end.name != "elsif" || opened.name == "unless"):
			return nil, r.fault(end.at, codeSyntax, "`{%% %s %%}` stands where `{%% end%s %%}` should", end.name, opened.name)
		}
		t = end
	}
}

func (r *reader) caseTag(t tag, depth int) (part, error) {
	subject, err := r.expression(t.args)
	if err != nil {
		return nil, r.placed(t.at, err)
	}
	shownBefore := r.shown.Len()
	_, end, err := r.block(depth + 1)
	if err != nil {
		return nil, err
	}
	if strings.TrimSpace(r.shown.String()[shownBefore:]) != "" {
		return nil, r.fault(t.at, codeSyntax, "nothing may stand between `case` and the first `when`")
	}
	choice := &choice{}
	for {
		var one *test
		switch end.name {
		case "when":
			if one, err = r.whenTest(subject, end.args); err != nil {
				return nil, r.placed(end.at, err)
			}
		case "else":
		case "endcase":
			return choice, nil
		case "":
			return nil, r.fault(t.at, codeSyntax, "`{%% case %%}` is never closed; add `{%% endcase %%}`")
		default:
			return nil, r.fault(end.at, codeSyntax, "`{%% %s %%}` stands where `{%% endcase %%}` should", end.name)
		}
		wasElse := end.name == "else"
		var body []part
		if body, end, err = r.block(depth + 1); err != nil {
			return nil, err
		}
		choice.branches = append(choice.branches, branch{one, body})
		if wasElse && end.name != "endcase" {
			return nil, r.fault(t.at, codeSyntax, "`else` must be the last choice of a `case`")
		}
	}
}

func (r *reader) forTag(t tag, depth int) (part, error) {
	words := strings.Fields(t.args)
	if len(words) < 3 || words[1] != "in" || !isName(words[0]) {
		return nil, r.fault(t.at, codeSyntax, "write `{%% for item in trigger.data.items %%}`")
	}
	if r.loop != "" {
		return nil, r.fault(t.at, codeBounds, "a loop can't stand inside a loop; show the inner list with `| join: \", \"`")
	}
	if strings.Contains(t.args, "..") {
		return nil, r.fault(t.at, codeBounds, "loops over ranges such as `%s` aren't allowed; loop over a list of the event, at most %d items are shown",
			strings.Join(words[2:], " "), LoopItemsMax)
	}
	limit, err := r.loopLimit(t, words[3:])
	if err != nil {
		return nil, err
	}
	list, err := r.expression(words[2])
	if err != nil {
		return nil, r.placed(t.at, err)
	}
	if list.kind != event.List && list.kind != anyKind {
		return nil, r.fault(t.at, codeTypes, "`%s` isn't a list; a loop needs one", words[2])
	}
	r.loop, r.item = words[0], &variable{kind: list.of}
	loop := &loop{list: list, limit: limit}
	body, end, err := r.block(depth + 1)
	r.loop, r.item = "", nil
	if err != nil {
		return nil, err
	}
	loop.body = body
	if end.name == "else" {
		if loop.otherwise, end, err = r.block(depth + 1); err != nil {
			return nil, err
		}
	}
	if end.name != "endfor" {
		return nil, r.fault(t.at, codeSyntax, "`{%% for %%}` is never closed; add `{%% endfor %%}`")
	}
	return loop, nil
}

func (r *reader) loopLimit(t tag, words []string) (int, error) {
	rest := strings.ReplaceAll(strings.Join(words, ""), " ", "")
	if rest == "" {
		return LoopItemsMax, nil
	}
	number, ok := strings.CutPrefix(rest, "limit:")
	n, err := strconv.Atoi(number)
	if !ok || err != nil || n < 1 || n > LoopItemsMax {
		return 0, r.fault(t.at, codeSyntax, "after the list only `limit: 10` may stand, with a number up to %d", LoopItemsMax)
	}
	return n, nil
}

func isName(s string) bool {
	return s != "" && !slices.Contains(reserved, s) && strings.IndexFunc(s, func(c rune) bool {
		return c != '_' && (c < 'a' || c > 'z') && (c < '0' || c > '9')
	}) < 0 && (s[0] < '0' || s[0] > '9')
}

var reserved = []string{"and", "or", "contains", "in", "true", "false", "nil", "empty", "blank", "forloop"}
