package document

import (
	"maps"
	"regexp"
	"slices"
	"strconv"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/huiyin/huiyin/internal/platform/errs"
)

// Bounds on values.
const (
	TextBytesMax    = 16 << 10
	DurationDaysMax = 3650
	LanguagesMax    = 16
	day             = 24 * time.Hour
)

// The languages every shipped text is written in; the first is the last resort.
const (
	ZhCN = "zh-CN"
	En   = "en"
)

// Text is what people read, by language.
type Text map[string]string

var languageForm = regexp.MustCompile(`^[a-z]{2,3}(-[A-Z][a-z]{3})?(-[A-Z]{2})?$`)

// LanguageOK says whether a word is written as a language: zh-CN, en, zh-Hant-TW.
func LanguageOK(tag string) bool { return languageForm.MatchString(tag) }

// UnmarshalYAML reads a map of languages.
func (t *Text) UnmarshalYAML(node *yaml.Node) error {
	if node.Kind != yaml.MappingNode {
		return wrongType(node, "a text for each language: {zh-CN: …, en: …}")
	}
	read := Text{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		language, value := node.Content[i], node.Content[i+1]
		if err := checkLanguage(language); err != nil {
			return err
		}
		if value.Kind != yaml.ScalarNode || value.Tag == "!!null" {
			return wrongType(value, "a text")
		}
		if len(value.Value) > TextBytesMax {
			return errs.New(errs.TooLarge, codeWrongType, "the text at line %d is longer than %d KB; shorten it", value.Line, TextBytesMax>>10)
		}
		read[language.Value] = value.Value
	}
	if len(read) == 0 || len(read) > LanguagesMax {
		return errs.New(errs.Invalid, codeWrongType, "the text at line %d needs between 1 and %d languages", node.Line, LanguagesMax)
	}
	*t = read
	return nil
}

func checkLanguage(node *yaml.Node) error {
	if LanguageOK(node.Value) {
		return nil
	}
	return errs.New(errs.Invalid, codeUnknownKey, "`%s` at line %d isn't a language%s",
		node.Value, node.Line, didYouMean(node.Value, []string{ZhCN, En}))
}

// In gives the text in the first of the languages it has, else in a language with the same first
// part (zh-TW finds zh-CN), else in en, else in any.
func (t Text) In(languages ...string) string {
	for _, l := range languages {
		if s, ok := t[l]; ok {
			return s
		}
	}
	return t[Choose(t.Languages(), languages...)]
}

// Languages lists the languages of the text in order.
func (t Text) Languages() []string { return slices.Sorted(maps.Keys(t)) }

// Choose picks one of the languages there are for a reader who wants the given ones, in order.
func Choose(have []string, want ...string) string {
	for _, w := range want {
		if slices.Contains(have, w) {
			return w
		}
	}
	for _, w := range want {
		for _, h := range have {
			if w != "" && base(h) == base(w) {
				return h
			}
		}
	}
	if slices.Contains(have, En) || len(have) == 0 {
		return En
	}
	return have[0]
}

func base(language string) string {
	for i := range len(language) {
		if language[i] == '-' {
			return language[:i]
		}
	}
	return language
}

// Duration is a span written with one unit: 2s, 10m, 2h, 3d.
type Duration time.Duration

var durationForm = regexp.MustCompile(`^(0|[1-9][0-9]{0,8})(s|m|h|d)$`)

var durationUnits = map[string]time.Duration{"s": time.Second, "m": time.Minute, "h": time.Hour, "d": day}

// ParseDuration reads a span such as 10m or 3d.
func ParseDuration(s string) (time.Duration, error) {
	m := durationForm.FindStringSubmatch(s)
	if m == nil {
		return 0, errs.New(errs.Invalid, codeWrongType, "`%s` isn't a duration; write a whole number and s, m, h or d, such as 10m or 3d", s)
	}
	n, err := strconv.ParseInt(m[1], 10, 64)
	unit := durationUnits[m[2]]
	if err != nil || time.Duration(n) > DurationDaysMax*day/unit {
		return 0, errs.New(errs.Invalid, codeWrongType, "the duration `%s` is longer than %d days; shorten it", s, DurationDaysMax)
	}
	return time.Duration(n) * unit, nil
}

// UnmarshalYAML reads a span.
func (d *Duration) UnmarshalYAML(node *yaml.Node) error {
	if node.Kind != yaml.ScalarNode || node.Tag == "!!null" {
		return wrongType(node, "a duration such as 10m or 3d")
	}
	read, err := ParseDuration(node.Value)
	if err != nil {
		return atLine(err, node.Line)
	}
	*d = Duration(read)
	return nil
}

// MarshalYAML writes a span.
func (d Duration) MarshalYAML() (any, error) { return d.String(), nil }

// String writes the span with the largest unit that loses nothing.
func (d Duration) String() string {
	span := time.Duration(d)
	for _, unit := range []string{"d", "h", "m"} {
		if u := durationUnits[unit]; span != 0 && span%u == 0 {
			return strconv.FormatInt(int64(span/u), 10) + unit
		}
	}
	return strconv.FormatInt(int64(span/time.Second), 10) + "s"
}

// Words writes a span for people, with its two largest units: 4d 10m.
func (d Duration) Words() string {
	left, words := time.Duration(d), ""
	for _, unit := range []string{"d", "h", "m", "s"} {
		u := durationUnits[unit]
		if n := left / u; n > 0 {
			if words != "" {
				return words + " " + strconv.FormatInt(int64(n), 10) + unit
			}
			words = strconv.FormatInt(int64(n), 10) + unit
			left -= n * u
		}
	}
	if words == "" {
		return "0s"
	}
	return words
}

// Std gives the span as Go's type.
func (d Duration) Std() time.Duration { return time.Duration(d) }

// Share is a part of a whole between 0 and 1.
type Share float64

// UnmarshalYAML reads a share.
func (s *Share) UnmarshalYAML(node *yaml.Node) error {
	if node.Kind != yaml.ScalarNode || node.Tag != "!!float" && node.Tag != "!!int" {
		return wrongType(node, "a share between 0 and 1, such as 0.10")
	}
	f, err := strconv.ParseFloat(node.Value, 64)
	if err != nil || !(f >= 0 && f <= 1) {
		return errs.New(errs.Invalid, codeWrongType, "%s at line %d isn't a share between 0 and 1; ten percent is 0.10", node.Value, node.Line)
	}
	*s = Share(f)
	return nil
}

// Money is an amount in minor units with its currency.
type Money struct {
	AmountMinor int64  `yaml:"amount_minor"`
	Currency    string `yaml:"currency"`
}

var currencyForm = regexp.MustCompile(`^[A-Z]{3}$`)

// UnmarshalYAML reads an amount.
func (m *Money) UnmarshalYAML(node *yaml.Node) error {
	type plain Money
	if err := Decode(node, (*plain)(m)); err != nil {
		return err
	}
	if !currencyForm.MatchString(m.Currency) {
		return errs.New(errs.Invalid, codeWrongType, "`%s` at line %d isn't a currency; write three capitals, such as CNY", m.Currency, node.Line)
	}
	return nil
}
