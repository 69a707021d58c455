package rules

import (
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/huiyin/huiyin/internal/decide/policy"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/errs"
	"github.com/huiyin/huiyin/internal/program/document"
)

// Days is a word or a list of words: all, workdays, [mon, tue].
type Days []string

// UnmarshalYAML reads one word or a list.
func (d *Days) UnmarshalYAML(node *yaml.Node) error {
	words := []string{node.Value}
	if node.Kind == yaml.SequenceNode {
		words = words[:0]
		for _, n := range node.Content {
			words = append(words, n.Value)
		}
	}
	for _, word := range words {
		if _, err := policy.ParseDays(word); err != nil {
			return invalid(node, "%s%s", err, document.DidYouMean(word, policy.DayNames()))
		}
	}
	if len(words) == 0 {
		_, err := policy.ParseDays()
		return invalid(node, "%s", err)
	}
	*d = words
	return nil
}

// MarshalYAML writes one word as a word.
func (d Days) MarshalYAML() (any, error) {
	if len(d) == 1 {
		return d[0], nil
	}
	return []string(d), nil
}

// Hours is a list of "HH:MM-HH:MM".
type Hours []string

// UnmarshalYAML reads the list and refuses hours that overlap or run backwards.
func (h *Hours) UnmarshalYAML(node *yaml.Node) error {
	if node.Kind != yaml.SequenceNode {
		return invalid(node, "hours are a list, such as [\"09:00-12:00\", \"14:00-20:00\"]")
	}
	var texts []string
	for _, n := range node.Content {
		texts = append(texts, n.Value)
	}
	if _, err := policy.ParseHours(texts...); err != nil {
		return invalid(node, "%s", err)
	}
	*h = texts
	return nil
}

// Window is hours on certain days, as rules and `prefer` write them.
type Window struct {
	Days  Days  `yaml:"days,omitempty"`
	Hours Hours `yaml:"hours,omitempty"`
}

// Compile gives the window as decisions use it. Days left out are all days.
func (w Window) Compile() (policy.Window, error) {
	words := []string(w.Days)
	if len(words) == 0 {
		words = []string{"all"}
	}
	days, err := policy.ParseDays(words...)
	if err != nil {
		return policy.Window{}, refused("%s", err).At("days")
	}
	hours, err := policy.ParseHours(w.Hours...)
	if err != nil {
		return policy.Window{}, refused("%s", err).At("hours")
	}
	return policy.Window{Days: days, Hours: hours}, nil
}

// CompileWindows compiles a list such as a program's `prefer` for one channel.
func CompileWindows(list []Window) ([]policy.Window, error) {
	var p document.Problems
	windows := make([]policy.Window, 0, len(list))
	for i, w := range list {
		made, err := w.Compile()
		p.AddAt(index("", i), err)
		windows = append(windows, made)
	}
	return windows, p.Err()
}

// Date is a day written 2026-10-01.
type Date policy.Date

// UnmarshalYAML reads a day.
func (d *Date) UnmarshalYAML(node *yaml.Node) error {
	read, ok := parseDate(node.Value)
	if !ok {
		return invalid(node, "%q is no day; write for example 2026-10-01", node.Value)
	}
	*d = Date(read)
	return nil
}

// MarshalYAML writes a day.
func (d Date) MarshalYAML() (any, error) { return policy.Date(d).String(), nil }

// Stretch is a day, or days written 2026-10-01/2026-10-07, both included.
type Stretch policy.Stretch

// UnmarshalYAML reads a day or a stretch of days.
func (s *Stretch) UnmarshalYAML(node *yaml.Node) error {
	from, to, found := strings.Cut(node.Value, "/")
	if !found {
		to = from
	}
	first, okFirst := parseDate(from)
	last, okLast := parseDate(to)
	if !okFirst || !okLast {
		return invalid(node, "%q is no stretch of days; write 2026-10-01 or 2026-10-01/2026-10-07", node.Value)
	}
	*s = Stretch{First: first, Last: last}
	return nil
}

// MarshalYAML writes the stretch as it is read.
func (s Stretch) MarshalYAML() (any, error) {
	if s.First == s.Last {
		return s.First.String(), nil
	}
	return s.First.String() + "/" + s.Last.String(), nil
}

func parseDate(text string) (policy.Date, bool) {
	t, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return policy.Date{}, false
	}
	return policy.Date{Year: t.Year(), Month: t.Month(), Day: t.Day()}, true
}

func refused(format string, a ...any) *errs.Error {
	return errs.New(errs.Invalid, codes.RulePackInvalid, format, a...)
}

func invalid(node *yaml.Node, format string, a ...any) error {
	return refused(format+" (line %d)", append(a, node.Line)...)
}
