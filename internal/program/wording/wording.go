package wording

import (
	"bytes"
	_ "embed"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/huiyin/huiyin/internal/decide/policy"
	"github.com/huiyin/huiyin/internal/platform/errs"
	"github.com/huiyin/huiyin/internal/program/document"
)

// Bounds on a wording.
const (
	titleCharsMax = 60
	textCharsMax  = 500
	kit           = "huiyin:" // before the purpose, in references to the kit's own
	codeShape     = "document-shape"
)

// Wording is one version of what is said about a purpose.
type Wording struct {
	Purpose string        `yaml:"purpose"`
	Version int           `yaml:"version"`
	Title   document.Text `yaml:"title"`
	Text    document.Text `yaml:"text"`
	Ours    bool          `yaml:"-"` // of the kit
}

// Definition is a document of kind Wording; its name is the purpose.
type Definition struct {
	Title document.Text `yaml:"title"`
	Text  document.Text `yaml:"text"`
}

// Purposes are those a wording can be for.
var Purposes = []string{policy.Notice, policy.Service, policy.Safety, policy.Survey, policy.Marketing}

//go:embed builtin.yaml
var builtinYAML []byte

var builtin = load()

func load() []Wording {
	dec := yaml.NewDecoder(bytes.NewReader(builtinYAML))
	dec.KnownFields(true)
	var all []Wording
	if err := dec.Decode(&all); err != nil {
		panic("wording: the kit can't be read: " + err.Error()) // a test reads it too
	}
	for i := range all {
		all[i].Ours = true
	}
	return all
}

// Builtin is the kit, the newest version of each purpose.
func Builtin() []Wording {
	var newest []Wording
	for _, purpose := range Purposes {
		var found Wording
		for _, w := range builtin {
			if w.Purpose == purpose && w.Version > found.Version {
				found = w
			}
		}
		newest = append(newest, found)
	}
	return newest
}

// Ref is how a consent names the wording it was given to: marketing@3, or huiyin:marketing@1 of the kit.
func (w *Wording) Ref() string {
	ref := w.Purpose + "@" + strconv.Itoa(w.Version)
	if w.Ours {
		return kit + ref
	}
	return ref
}

var refForm = regexp.MustCompile(`^(huiyin:)?([a-z][a-z0-9-]{0,31})@([1-9][0-9]{0,8})$`)

// ParseRef reads a reference; ok is false for any other text.
func ParseRef(text string) (purpose string, version int, ours, ok bool) {
	m := refForm.FindStringSubmatch(text)
	if m == nil {
		return "", 0, false, false
	}
	version, err := strconv.Atoi(m[3])
	return m[2], version, m[1] != "", err == nil
}

// Find gives a version of the kit's.
func Find(purpose string, version int) (Wording, bool) {
	i := slices.IndexFunc(builtin, func(w Wording) bool { return w.Purpose == purpose && w.Version == version })
	if i < 0 {
		return Wording{}, false
	}
	return builtin[i], true
}

// Compile checks a house's wording.
func Compile(name string, version int, def *Definition) (Wording, error) {
	var p document.Problems
	if !slices.Contains(Purposes, name) {
		p.Addf("name", codeShape, "a wording is named after its purpose, one of %s%s", strings.Join(Purposes, ", "), document.DidYouMean(name, Purposes))
	}
	check := func(text document.Text, at string, most int) {
		if len(text) == 0 {
			p.Addf(at, codeShape, "it is missing; write `%s: {zh-CN: …, en: …}`", at)
		}
		for _, language := range text.Languages() {
			if n := utf8.RuneCountInString(text[language]); n == 0 || n > most || strings.TrimSpace(text[language]) == "" {
				p.AddAt(at+"."+language, errs.New(errs.Invalid, codeShape, "it has %d characters; between 1 and %d are possible", n, most))
			}
		}
	}
	check(def.Title, "title", titleCharsMax)
	check(def.Text, "text", textCharsMax)
	if err := p.Err(); err != nil {
		return Wording{}, err
	}
	return Wording{Purpose: name, Version: version, Title: def.Title, Text: def.Text}, nil
}

// String is for people who read logs.
func (w *Wording) String() string { return fmt.Sprintf("the wording %s", w.Ref()) }
