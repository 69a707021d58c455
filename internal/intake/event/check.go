package event

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-faster/jx"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/errs"
)

const (
	fieldsMax    = 256 // fields of one type, half of them declared and half only required
	shownCharMax = 40  // characters of a wrong value shown in an error
)

// rule is what one field must keep.
type rule struct {
	name               string
	kind               Kind // 0: anything
	required           bool
	min, max           float64
	minChars, maxChars int // maxChars -1: no bound
	enum               []string
	pattern            *regexp.Regexp
}

// seen marks the fields met in one object.
type seen [fieldsMax / 64]uint64

func (s *seen) mark(i int) (again bool) {
	bit := uint64(1) << (i % 64)
	again = s[i/64]&bit != 0
	s[i/64] |= bit
	return again
}

// checker judges data. rules hold what a flat schema can say; whole is the full
// validator, set only for schemas that say more.
type checker struct {
	rules    []rule
	byName   map[string]int
	required []int
	closed   bool // fields that aren't declared are refused
	whole    *jsonschema.Schema
}

func (c *checker) index() {
	slices.SortFunc(c.rules, func(a, b rule) int { return cmpString(a.name, b.name) })
	c.byName = make(map[string]int, len(c.rules))
	for i := range c.rules {
		c.byName[c.rules[i].name] = i
		if c.rules[i].required {
			c.required = append(c.required, i)
		}
	}
}

// check walks the object once. The walk also holds what JSON Schema leaves open: no field
// twice, whole numbers written as such within 64 bits; readers of the data rely on it.
func (c *checker) check(t *Type, data []byte) error {
	d := jx.GetDecoder()
	defer jx.PutDecoder(d)
	d.ResetBytes(data)
	it, err := d.ObjIter()
	if err != nil {
		return errs.New(errs.Invalid, codes.EventDataInvalid, "data must be a JSON object: {…}").At("data")
	}
	var met seen
	for it.Next() {
		i, known := c.byName[string(it.Key())]
		if !known {
			if c.closed {
				return c.unknownField(t, string(it.Key()))
			}
			if err := d.Skip(); err != nil {
				return brokenData(err)
			}
			continue
		}
		if met.mark(i) {
			return badField(t, c.rules[i].name, "is given twice: keep one")
		}
		if text, err := c.rules[i].judge(d); err != nil {
			return brokenData(err)
		} else if text != "" {
			return badField(t, c.rules[i].name, text)
		}
	}
	if it.Err() != nil {
		return brokenData(it.Err())
	}
	if err := d.Skip(); !errors.Is(err, io.EOF) {
		return brokenData(errors.New("something follows the object"))
	}
	for _, i := range c.required {
		if met[i/64]&(1<<(i%64)) == 0 {
			return c.missing(t, &met)
		}
	}
	if c.whole != nil {
		return checkWhole(t, c.whole, data)
	}
	return nil
}

// judge reads one value and says what is wrong with it, and "" when nothing is.
func (r *rule) judge(d *jx.Decoder) (string, error) {
	switch got := d.Next(); {
	case r.kind == 0:
		return "", d.Skip()
	case got == jx.Null:
		return "is null and must be " + r.want() + ": leave the field out when there is nothing to say", d.Skip()
	case got != r.kind.json():
		return "is " + article(got.String()) + " and must be " + r.want(), d.Skip()
	}
	switch r.kind {
	case String, Timestamp:
		text, err := d.StrBytes()
		if err != nil {
			return "", err
		}
		return r.judgeText(text), nil
	case Int, Double:
		n, err := d.Num()
		if err != nil {
			return "", err
		}
		return r.judgeNumber(n), nil
	}
	return "", d.Skip()
}

func (r *rule) judgeText(text []byte) string {
	if r.kind == Timestamp {
		if _, err := time.Parse(time.RFC3339, string(text)); err != nil {
			return fmt.Sprintf("is %q and must be a time such as 2026-11-22T09:30:00+08:00", shown(text))
		}
	}
	if r.minChars > 0 || r.maxChars >= 0 && len(text) > r.maxChars {
		switch n := utf8.RuneCount(text); {
		case n < r.minChars:
			return fmt.Sprintf("has %d characters and needs at least %d", n, r.minChars)
		case r.maxChars >= 0 && n > r.maxChars:
			return fmt.Sprintf("has %d characters; at most %d are allowed: shorten it", n, r.maxChars)
		}
	}
	if r.enum != nil && !containsText(r.enum, text) {
		return fmt.Sprintf("is %q and must be one of %s", shown(text), strings.Join(r.enum, ", "))
	}
	if r.pattern != nil && !r.pattern.Match(text) {
		return fmt.Sprintf("is %q and must have the form %s", shown(text), r.pattern)
	}
	return ""
}

func (r *rule) judgeNumber(n jx.Num) string {
	var v float64
	if r.kind == Int {
		whole, err := strconv.ParseInt(string(n), 10, 64)
		if err != nil {
			return fmt.Sprintf("is %s and must be a whole number within 64 bits, without point or exponent", shown(n))
		}
		v = float64(whole)
	} else {
		f, err := strconv.ParseFloat(string(n), 64)
		if err != nil || math.IsInf(f, 0) {
			return fmt.Sprintf("is %s, a number too large to hold", shown(n))
		}
		v = f
	}
	switch {
	case v < r.min:
		return fmt.Sprintf("is %s and must be at least %v", shown(n), r.min)
	case v > r.max:
		return fmt.Sprintf("is %s and must be at most %v", shown(n), r.max)
	}
	return ""
}

func (r *rule) want() string {
	switch r.kind {
	case Int:
		return "a whole number"
	case Timestamp:
		return "a time such as \"2026-11-22T09:30:00+08:00\""
	case Bool:
		return "true or false"
	}
	return article(r.kind.String())
}

func (k Kind) json() jx.Type {
	switch k {
	case String, Timestamp:
		return jx.String
	case Int, Double:
		return jx.Number
	case Bool:
		return jx.Bool
	case Object:
		return jx.Object
	case List:
		return jx.Array
	}
	return jx.Invalid
}

func article(word string) string {
	if strings.ContainsRune("aeiou", rune(word[0])) {
		return "an " + word
	}
	return "a " + word
}

func containsText(words []string, text []byte) bool {
	for _, w := range words {
		if w == string(text) {
			return true
		}
	}
	return false
}

func shown(text []byte) string {
	if utf8.RuneCount(text) <= shownCharMax {
		return string(text)
	}
	return string([]rune(string(text))[:shownCharMax]) + "…"
}

func badField(t *Type, field, text string) *errs.Error {
	return errs.New(errs.Invalid, codes.EventDataInvalid, "%s: field %q %s", t.Name, field, text).At("data." + field)
}

func brokenData(err error) *errs.Error {
	return errs.New(errs.Invalid, codes.EventDataInvalid, "data is not valid JSON: check how it is written").At("data").Because(err)
}

// missing names every missing field at once, so that one round of mending is enough.
func (c *checker) missing(t *Type, met *seen) *errs.Error {
	var names []string
	for _, i := range c.required {
		if met[i/64]&(1<<(i%64)) == 0 {
			names = append(names, c.rules[i].name)
		}
	}
	noun, verb := "field", "is"
	if len(names) > 1 {
		noun, verb = "fields", "are"
	}
	return errs.New(errs.Invalid, codes.EventDataInvalid, "%s: %s %s %s missing: add what the schema requires",
		t.Name, noun, strings.Join(names, ", "), verb).At("data")
}

func (c *checker) unknownField(t *Type, name string) *errs.Error {
	names := make([]string, len(c.rules))
	for i := range c.rules {
		names[i] = c.rules[i].name
	}
	text := "is not in the schema, which allows no others: leave it out"
	if near := nearest(name, names); near != "" {
		text = fmt.Sprintf("is not in the schema, which allows no others: did you mean %q?", near)
	}
	return badField(t, shown([]byte(name)), text)
}

var english = message.NewPrinter(language.English)

// checkWhole runs the full validator and tells the deepest first thing it found.
func checkWhole(t *Type, schema *jsonschema.Schema, data []byte) error {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		return brokenData(err)
	}
	err = schema.Validate(doc)
	if err == nil {
		return nil
	}
	found, ok := err.(*jsonschema.ValidationError)
	if !ok {
		return brokenData(err)
	}
	for len(found.Causes) > 0 {
		found = found.Causes[0]
	}
	field := strings.Join(found.InstanceLocation, ".")
	if field == "" {
		return errs.New(errs.Invalid, codes.EventDataInvalid, "%s: %s: compare the data with the type's schema",
			t.Name, found.ErrorKind.LocalizedString(english)).At("data")
	}
	return badField(t, field, found.ErrorKind.LocalizedString(english)+": compare it with the type's schema")
}
