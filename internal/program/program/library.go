package program

import (
	"maps"
	"slices"
	"time"

	"github.com/huiyin/huiyin/internal/decide/policy"
	"github.com/huiyin/huiyin/internal/intake/event"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/errs"
	"github.com/huiyin/huiyin/internal/program/condition"
	"github.com/huiyin/huiyin/internal/program/document"
	"github.com/huiyin/huiyin/internal/program/questionnaire"
	"github.com/huiyin/huiyin/internal/program/rules"
	"github.com/huiyin/huiyin/internal/program/segment"
	"github.com/huiyin/huiyin/internal/program/template"
)

// entry is one version of a document.
type entry struct {
	id      int64 // 0: not stored yet
	version int
	doc     document.Document
}

// library is a choice of versions, one of each document, and what they are judged by.
type library struct {
	entries map[string]map[string]*entry // by kind and name
	env     *condition.Env
	rules   *policy.Rules
	now     time.Time

	failed         map[string]bool // documents found wrong by themselves, by kind/name
	segments       map[string]*segment.Segment
	questionnaires map[int64]*questionnaire.Questionnaire // by id; shared by the versions of programs that pin it
}

func newLibrary(entries map[string]map[string]*entry, now time.Time) *library {
	return &library{
		entries: entries, now: now, failed: map[string]bool{},
		segments: map[string]*segment.Segment{}, questionnaires: map[int64]*questionnaire.Questionnaire{},
	}
}

// prepare readies the catalogue and the rules that all else is judged by.
func (l *library) prepare(home string) error {
	var p document.Problems
	var own []*event.Type
	for _, e := range l.sorted(document.KindEventType) {
		t, err := eventType(e.doc)
		p.Add(e.doc.Locate(err))
		if err == nil {
			own = append(own, t)
		}
	}
	catalogue, err := event.NewCatalogue(own...)
	p.Add(err)
	if err != nil {
		return p.Err()
	}
	l.env, err = condition.NewEnv(catalogue)
	p.Add(err)
	var packs []rules.RulePack
	for _, e := range l.sorted(document.KindRulePack) {
		pack, err := rules.DecodePack(e.doc)
		p.Add(err)
		packs = append(packs, pack)
	}
	var caps []rules.CapPolicy
	for _, e := range l.sorted(document.KindCapPolicy) {
		c, err := rules.DecodeCaps(e.doc)
		p.Add(err)
		caps = append(caps, c)
	}
	if !p.None() {
		return p.Err()
	}
	var options []rules.Option
	if home != "" {
		options = append(options, rules.Home(home))
	}
	l.rules, err = rules.Compile(rules.Merge(rules.Builtin(), packs), rules.Merge(rules.BuiltinCaps(), caps), options...)
	p.Add(err)
	return p.Err()
}

// eventTypeDefinition is a document of kind EventType.
type eventTypeDefinition struct {
	Title  document.Text  `yaml:"title"`
	Schema map[string]any `yaml:"schema"`
}

func eventType(d document.Document) (*event.Type, error) {
	var def eventTypeDefinition
	if err := document.Decode(d.Node, &def); err != nil {
		return nil, err
	}
	schema, err := schemaJSON(d)
	if err != nil {
		return nil, err
	}
	return event.NewType(d.Name, def.Title, schema)
}

func schemaJSON(d document.Document) ([]byte, error) {
	for i := 0; i+1 < len(d.Node.Content); i += 2 {
		if d.Node.Content[i].Value == "schema" {
			return document.JSON(d.Node.Content[i+1])
		}
	}
	return nil, errs.New(errs.Invalid, codes.SchemaInvalid, "an event type needs a schema: `schema: {type: object, properties: {…}}`").At("schema")
}

// sorted lists the entries of a kind by name.
func (l *library) sorted(kind string) []*entry {
	list := make([]*entry, 0, len(l.entries[kind]))
	for _, name := range slices.Sorted(maps.Keys(l.entries[kind])) {
		list = append(list, l.entries[kind][name])
	}
	return list
}

// find looks a document up by name, or says which is nearest.
func (l *library) find(kind, name string) (*entry, error) {
	if e, ok := l.entries[kind][name]; ok {
		return e, nil
	}
	return nil, errs.New(errs.Invalid, codes.ReferenceUnknown, "there is no %s `%s`%s", kind, name,
		document.DidYouMean(name, slices.Sorted(maps.Keys(l.entries[kind]))))
}

func (l *library) segment(name string) (*segment.Segment, *entry, error) {
	e, err := l.find(document.KindSegment, name)
	if err != nil {
		return nil, nil, err
	}
	if s, ok := l.segments[name]; ok {
		return s, e, nil
	}
	var def segment.Definition
	if err := document.Decode(e.doc.Node, &def); err != nil {
		return nil, e, e.doc.Locate(err)
	}
	s, err := segment.Compile(name, &def, l.env)
	if err != nil {
		return nil, e, e.doc.Locate(err)
	}
	l.segments[name] = s
	return s, e, nil
}

func (l *library) questionnaire(name string) (*questionnaire.Questionnaire, *entry, error) {
	e, err := l.find(document.KindQuestionnaire, name)
	if err != nil {
		return nil, nil, err
	}
	if q, ok := l.questionnaires[e.id]; ok && e.id != 0 {
		return q, e, nil
	}
	q, err := compileQuestionnaire(e.doc, l.env)
	if err == nil {
		l.questionnaires[e.id] = q
	}
	return q, e, err
}

func compileQuestionnaire(d document.Document, env *condition.Env) (*questionnaire.Questionnaire, error) {
	var def questionnaire.Definition
	if err := document.Decode(d.Node, &def); err != nil {
		return nil, d.Locate(err)
	}
	q, err := questionnaire.Compile(d.Name, &def, env)
	return q, d.Locate(err)
}

func (l *library) template(name, eventType string) (*template.Template, *entry, error) {
	e, err := l.find(document.KindTemplate, name)
	if err != nil {
		return nil, nil, err
	}
	var def template.Definition
	if err := document.Decode(e.doc.Node, &def); err != nil {
		return nil, e, e.doc.Locate(err)
	}
	t, err := template.Compile(name, &def, l.env, eventType)
	return t, e, e.doc.Locate(err)
}

func (l *library) script(name, eventType string) (*template.Script, *entry, error) {
	e, err := l.find(document.KindScript, name)
	if err != nil {
		return nil, nil, err
	}
	var def template.ScriptDefinition
	if err := document.Decode(e.doc.Node, &def); err != nil {
		return nil, e, e.doc.Locate(err)
	}
	s, err := template.CompileScript(name, &def, l.env, eventType)
	return s, e, e.doc.Locate(err)
}

// check compiles one document by itself; a template or script is tried against any event type.
func (l *library) check(d document.Document) error {
	switch d.Kind {
	case document.KindSegment:
		_, _, err := l.segment(d.Name)
		return err
	case document.KindQuestionnaire:
		_, err := compileQuestionnaire(d, l.env)
		return err
	case document.KindTemplate:
		_, _, err := l.template(d.Name, condition.AnyType)
		return err
	case document.KindScript:
		_, _, err := l.script(d.Name, condition.AnyType)
		return err
	case document.KindWording:
		_, err := compileWording(d, 1)
		return err
	case document.KindProgram:
		_, _, err := l.compile(d)
		return err
	}
	return nil // event types, rule packs and cap policies are checked by prepare
}
