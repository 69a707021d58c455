package template

import (
	"slices"
	"sync"
	"time"

	"github.com/huiyin/huiyin/internal/program/condition"
	"github.com/huiyin/huiyin/internal/program/document"
)

// Text is one compiled text in several languages, such as a questionnaire's thanks.
type Text struct {
	parts map[string][]part
	uses  map[string]bool
}

// CompileText checks a text against a scope.
func CompileText(text document.Text, scope *Scope) (*Text, error) {
	var p document.Problems
	t := &Template{uses: map[string]bool{}}
	parts := t.texts(text, "", scope, &p)
	return &Text{parts, t.uses}, p.Err()
}

// Uses says whether the text shows a variable.
func (t *Text) Uses(variable string) bool { return t.uses[variable] }

// Render writes the text in the language nearest to what is wanted.
func (t *Text) Render(v Vars) (text, language string, err error) {
	languages := make([]string, 0, len(t.parts))
	for l := range t.parts {
		languages = append(languages, l)
	}
	slices.Sort(languages)
	language = document.Choose(languages, v.Languages...)
	f, err := newFrame(&v, language)
	if err != nil {
		return "", language, err
	}
	text, err = f.run(t.parts[language])
	return text, language, err
}

// Script bounds.
const (
	outlineMax = 30
	targetMax  = time.Hour
)

// ScriptDefinition is a document of kind Script: what an agent says and covers.
type ScriptDefinition struct {
	Title   document.Text     `yaml:"title"`
	Outline []string          `yaml:"outline"`
	Target  document.Duration `yaml:"target"`
	Opening document.Text     `yaml:"opening"`
	Body    document.Text     `yaml:"body"`
	Closing document.Text     `yaml:"closing"`
}

// Script is compiled.
type Script struct {
	Name                   string
	Outline                []string
	Target                 time.Duration
	Opening, Body, Closing *Text
}

// CompileScript checks a script for calls about an event of the given type.
func CompileScript(name string, def *ScriptDefinition, env *condition.Env, eventType string) (*Script, error) {
	scope, err := NewScope(env.Catalogue(), eventType)
	if err != nil {
		return nil, err
	}
	var p document.Problems
	s := &Script{Name: name, Outline: def.Outline, Target: def.Target.Std()}
	if len(def.Outline) > outlineMax {
		p.Addf("outline", codeShape, "an outline has at most %d points; this one has %d", outlineMax, len(def.Outline))
	}
	if s.Target < 0 || s.Target > targetMax {
		p.Addf("target", codeShape, "a call is meant to last at most %s", document.Duration(targetMax))
	}
	for _, section := range []struct {
		name string
		text document.Text
		into **Text
	}{{"opening", def.Opening, &s.Opening}, {"body", def.Body, &s.Body}, {"closing", def.Closing, &s.Closing}} {
		if len(section.text) == 0 {
			if section.name == "opening" {
				p.Addf("opening", codeShape, "a script needs an opening: who calls, and why")
			}
			continue
		}
		compiled, err := CompileText(section.text, scope)
		p.AddAt(section.name, err)
		*section.into = compiled
	}
	return s, p.Err()
}

// InvitationName is the name under which the built-in invitation goes.
const InvitationName = "survey-invitation"

// Invitation is the message of a survey step that names no template: it says who we are only
// through the channel's signature, asks for a minute and gives the link.
var Invitation = sync.OnceValue(func() *Template {
	scope, err := NewScope(nil, "")
	if err != nil {
		panic("template: the built-in invitation has no scope: " + err.Error())
	}
	t, err := compile(InvitationName, invitation(), scope, nil)
	if err != nil {
		panic("template: the built-in invitation is broken: " + err.Error())
	}
	return t
})

func invitation() *Definition {
	return &Definition{
		Channels: []string{"inapp", "sms", "email", "push", "im", "webhook"},
		Subject: document.Text{
			document.ZhCN: "想听听您的感受",
			document.En:   "How did we do?",
		},
		Variants: []Variant{{Body: document.Text{
			document.ZhCN: "尊敬的{{ customer.masked_name }}:感谢您的使用。想请您花一分钟说说这次的感受:{{ link }} 我们不会向您索要验证码和密码。",
			document.En: "Dear {{ customer.masked_name }}, thank you for using our service. " +
				"Would you take a minute to tell us how it went? {{ link }} We never ask for codes or passwords.",
		}}},
	}
}
