package template

import (
	"fmt"
	"html"
	"slices"
	"strings"

	"github.com/huiyin/huiyin/internal/platform/errs"
	"github.com/huiyin/huiyin/internal/program/condition"
	"github.com/huiyin/huiyin/internal/program/document"
)

// Bounds on a definition.
const (
	VariantsMax     = 20
	SubjectCharsMax = 200
	signatureMax    = 30
)

// Channel names a message can be for.
const (
	channelSMS   = "sms"
	channelEmail = "email"
	channelInApp = "inapp"
)

// Definition is a document of kind Template.
type Definition struct {
	Title        document.Text `yaml:"title"`
	Channels     []string      `yaml:"channels"`
	Subject      document.Text `yaml:"subject"`
	Variants     []Variant     `yaml:"variants"`
	SMSSignature document.Text `yaml:"sms_signature"`
}

// Variant is one wording; the first whose condition holds is sent, the last has none.
type Variant struct {
	When string        `yaml:"when"`
	Body document.Text `yaml:"body"`
	HTML document.Text `yaml:"html"` // e-mail only; made from the body if left out
}

// Template is compiled; it is safe for concurrent use.
type Template struct {
	name      string
	channels  []string
	languages []string
	subject   map[string][]part
	signature document.Text
	variants  []variant
	uses      map[string]bool
}

type variant struct {
	when *condition.Condition
	body map[string][]part
	html map[string][]part
}

// Message is what a channel sends.
type Message struct {
	Language, Subject, Text, HTML string
}

// Compile checks a definition for messages about an event of the given type (see NewScope).
func Compile(name string, def *Definition, env *condition.Env, eventType string) (*Template, error) {
	scope, err := NewScope(env.Catalogue(), eventType)
	if err != nil {
		return nil, err
	}
	return compile(name, def, scope, func(when string) (*condition.Condition, error) {
		return env.Compile(when, condition.Step, eventType)
	})
}

func compile(name string, def *Definition, scope *Scope, readWhen func(when string) (*condition.Condition, error)) (*Template, error) {
	var p document.Problems
	t := &Template{
		name: name, channels: def.Channels, signature: def.SMSSignature,
		uses: map[string]bool{},
	}
	t.checkShape(def, &p)
	if !p.None() {
		return nil, p.Err()
	}
	t.languages = def.Variants[0].Body.Languages()
	t.subject = t.texts(def.Subject, "subject", scope, &p)
	for i, v := range def.Variants {
		at := fmt.Sprintf("variants[%d]", i)
		one := variant{body: t.texts(v.Body, at+".body", scope, &p), html: t.texts(v.HTML, at+".html", scope, &p)}
		for language, source := range v.HTML {
			p.AddAt(at+".html."+language, lintHTML(source))
		}
		if v.When != "" {
			when, err := readWhen(v.When)
			p.AddAt(at+".when", err)
			one.when = when
		}
		t.variants = append(t.variants, one)
	}
	return t, p.Err()
}

func (t *Template) checkShape(def *Definition, p *document.Problems) {
	if len(def.Channels) == 0 {
		p.Addf("channels", codeShape, "a template names the channels it is written for, such as `channels: [sms, email]`")
	}
	if slices.Contains(def.Channels, channelEmail) && len(def.Subject) == 0 {
		p.Addf("subject", codeShape, "an e-mail needs a subject; add `subject: {zh-CN: …, en: …}`")
	}
	if len(def.Variants) == 0 || len(def.Variants) > VariantsMax {
		p.Addf("variants", codeShape, "a template has between 1 and %d variants; this one has %d", VariantsMax, len(def.Variants))
		return
	}
	languages := def.Variants[0].Body.Languages()
	for i, v := range def.Variants {
		at := fmt.Sprintf("variants[%d]", i)
		last := i == len(def.Variants)-1
		switch {
		case v.When == "" && !last:
			p.Addf(at, codeShape, "a variant without `when` always holds, so those after it are never sent; give it a `when`, or put it last")
		case v.When != "" && last:
			p.Addf(at+".when", codeShape, "the last variant has no `when`, so that every customer gets some wording; add one without")
		}
		if len(v.Body) == 0 {
			p.Addf(at+".body", codeShape, "the variant has no body; add `body: {zh-CN: …, en: …}`")
			continue
		}
		sameLanguages(languages, v.Body, at+".body", p)
		if len(v.HTML) > 0 {
			sameLanguages(languages, v.HTML, at+".html", p)
		}
	}
	if len(def.Subject) > 0 {
		sameLanguages(languages, def.Subject, "subject", p)
	}
	for language, signature := range def.SMSSignature {
		if len([]rune(signature)) > signatureMax || clean(signature) != signature || strings.Contains(signature, "{") {
			p.Addf("sms_signature."+language, codeShape, "a signature is plain text of at most %d characters, such as 【示例钱包】", signatureMax)
		}
	}
}

func sameLanguages(want []string, text document.Text, at string, p *document.Problems) {
	if have := text.Languages(); !slices.Equal(want, have) {
		p.Addf(at, codeShape, "it is written in %s and the first variant in %s; write all of them in the same languages",
			strings.Join(have, ", "), strings.Join(want, ", "))
	}
}

// texts parses one text per language and looks for what must never be asked.
func (t *Template) texts(text document.Text, at string, scope *Scope, p *document.Problems) map[string][]part {
	if len(text) == 0 {
		return nil
	}
	compiled := make(map[string][]part, len(text))
	for _, language := range text.Languages() {
		r, parts, err := parse(text[language], scope)
		p.AddAt(at+"."+language, err)
		if err == nil {
			p.AddAt(at+"."+language, Lint(r.shown.String()))
		}
		compiled[language] = parts
		for name := range r.uses {
			t.uses[name] = true
		}
	}
	return compiled
}

// Name gives the template's name.
func (t *Template) Name() string { return t.name }

// Languages lists the languages it is written in.
func (t *Template) Languages() []string { return slices.Clone(t.languages) }

// For says whether the template is written for a channel.
func (t *Template) For(channel string) bool { return slices.Contains(t.channels, channel) }

// Uses says whether a text shows a variable, such as link.
func (t *Template) Uses(variable string) bool { return t.uses[variable] }

// Segments lists the segments its variants ask about.
func (t *Template) Segments() []string {
	var names []string
	for _, v := range t.variants {
		names = append(names, v.when.Segments()...)
	}
	return names
}

// Render writes the message: the first variant that holds, in the customer's language.
func (t *Template) Render(v Vars) (Message, error) {
	m, err := t.render(&v)
	if err != nil {
		if e, ok := errs.As(err); ok {
			return Message{}, e.At("template " + t.name)
		}
		return Message{}, err
	}
	return m, nil
}

func (t *Template) render(v *Vars) (Message, error) {
	m := Message{Language: document.Choose(t.languages, v.Languages...)}
	f, err := newFrame(v, m.Language)
	if err != nil {
		return m, err
	}
	chosen, err := t.choose(v)
	if err != nil {
		return m, err
	}
	if m.Text, err = f.run(chosen.body[m.Language]); err != nil {
		return m, err
	}
	closing := t.closing(v, m.Language)
	m.Text = closed(v.Channel, m.Text, closing)
	if v.Channel == channelSMS && len(t.signature) > 0 {
		m.Text = sign(t.signature.In(m.Language), m.Text)
	}
	if m.Subject, err = f.run(t.subject[m.Language]); err != nil {
		return m, err
	}
	m.Subject = subjectLine(m.Subject)
	if v.Channel != channelEmail {
		return m, nil
	}
	if own, ok := chosen.html[m.Language]; ok {
		f.html = true
		m.HTML, err = f.run(own)
		m.HTML = closedHTML(m.HTML, closing, v)
		return m, err
	}
	m.HTML = page(m.Text, m.Language, v.Link, v.Preferences)
	return m, nil
}

func (t *Template) choose(v *Vars) (*variant, error) {
	for i := range t.variants {
		held, err := t.variants[i].when.Match(v.Facts)
		if err != nil {
			return nil, err
		}
		if held {
			return &t.variants[i], nil
		}
	}
	return nil, errs.New(errs.Internal, codeShape, "no variant holds") // checkShape rules this out
}

// sign puts an SMS signature first; Latin ones are parted by a space.
func sign(signature, text string) string {
	if signature == "" || strings.HasSuffix(signature, "】") {
		return signature + text
	}
	return signature + " " + text
}

// subjectLine keeps a subject on one line.
func subjectLine(s string) string {
	s = strings.Join(strings.FieldsFunc(s, func(c rune) bool { return c == ' ' || harmful(c) }), " ")
	if letters := []rune(s); len(letters) > SubjectCharsMax {
		s = string(letters[:SubjectCharsMax-1]) + "…"
	}
	return s
}

// page makes a plain HTML page of a text: its paragraphs, and our links to click.
func page(text, language string, links ...string) string {
	body := html.EscapeString(text)
	for _, link := range links {
		if link == "" {
			continue
		}
		shown := html.EscapeString(link)
		body = strings.ReplaceAll(body, shown, `<a href="`+shown+`">`+shown+`</a>`)
	}
	body = strings.ReplaceAll(body, "\r\n", "\n")
	body = strings.ReplaceAll(body, "\n\n", "</p>\n<p>")
	body = strings.ReplaceAll(body, "\n", "<br>\n")
	return `<!doctype html><html lang="` + language + `"><meta charset="utf-8"><body style="font:16px/1.6 sans-serif;max-width:36em"><p>` +
		body + "</p></body></html>\n"
}

// FactTypes lists the event types whose facts its variants ask for.
func (t *Template) FactTypes() []string {
	var types []string
	for _, v := range t.variants {
		types = append(types, v.when.FactTypes()...)
	}
	return types
}
