package condition

import (
	"fmt"
	"slices"
	"sync"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/huiyin/huiyin/internal/intake/event"
	"github.com/huiyin/huiyin/internal/program/document"
)

// The variables conditions may have.
const (
	varEvent    = "event"
	varTrigger  = "trigger"
	varCustomer = "customer"
	varScore    = "score"
	varAnswers  = "answers"
)

// AnyType stands for an event of any type: its data isn't typed.
const AnyType = "*"

// Bounds on an expression.
const (
	ExpressionCharsMax = 2_000
	nodesMax           = 2_000
	recursionMax       = 60
	regexSizeMax       = 1_000
	envsMax            = 1_000
)

// Env compiles conditions against one catalogue. It is safe for concurrent use.
type Env struct {
	catalogue *event.Catalogue
	provider  *provider
	trigger   string        // CancelOn: the type of the program's own trigger
	answers   []event.Field // OnAnswer and Question: what can be asked about

	shared *shared
}

// shared is what all Envs over one catalogue have in common.
type shared struct {
	mu   sync.Mutex
	base *cel.Env
	envs map[string]*cel.Env // by place and event types
}

// NewEnv makes an Env over a catalogue.
func NewEnv(c *event.Catalogue) (*Env, error) {
	registry, err := types.NewRegistry()
	if err != nil {
		return nil, fmt.Errorf("preparing conditions: %w", err)
	}
	p := &provider{Registry: registry, records: map[string]*record{}}
	p.addCustomer()
	p.addEvent(AnyType, nil)
	for _, t := range c.Types() {
		p.addEvent(t.Name, t)
	}
	options := append([]cel.EnvOption{
		cel.CustomTypeProvider(p),
		cel.CustomTypeAdapter(p),
		cel.CrossTypeNumericComparisons(true),
		cel.ParserRecursionLimit(recursionMax),
		cel.ParserExpressionSizeLimit(ExpressionCharsMax),
		cel.ExpressionNodeLimit(nodesMax),
		cel.RegexProgramSizeLimit(regexSizeMax),
		cel.EagerlyValidateDeclarations(true),
	}, customerFunctions()...)
	base, err := cel.NewEnv(options...)
	if err != nil {
		return nil, fmt.Errorf("preparing conditions: %w", err)
	}
	return &Env{catalogue: c, provider: p, shared: &shared{base: base, envs: map[string]*cel.Env{}}}, nil
}

// Catalogue gives the catalogue conditions are judged by.
func (e *Env) Catalogue() *event.Catalogue { return e.catalogue }

// TriggeredBy gives an Env whose CancelOn conditions know the type of the program's trigger.
func (e *Env) TriggeredBy(eventType string) *Env {
	c := *e
	c.trigger = eventType
	return &c
}

// WithAnswers gives an Env whose OnAnswer and Question conditions know the questions.
// A field's Kind is Int, Bool, String or List (of String).
func (e *Env) WithAnswers(questions []event.Field) *Env {
	c := *e
	c.answers = slices.Clone(questions)
	p := &provider{Registry: e.provider.Registry, records: make(map[string]*record, len(e.provider.records)+1)}
	for name, r := range e.provider.records {
		p.records[name] = r
	}
	r := newRecord()
	for _, q := range questions {
		t := celType(q.Kind)
		if q.Kind == event.List {
			t = cel.ListType(celType(q.Of))
		}
		r.add(q.Name, t, func(target any) (any, error) {
			answers, ok := target.(map[string]any)
			if !ok {
				return nil, fmt.Errorf("%s asked of %T", q.Name, target)
			}
			return answer(answers, q.Name)
		})
	}
	p.records[typeAnswers] = r
	c.provider = p
	return &c
}

// celEnv gives the environment of a place; those without questions are made once.
func (e *Env) celEnv(place Place, eventType string) (*cel.Env, error) {
	typed := place == OnAnswer && e.answers != nil || place == Question
	key := fmt.Sprintf("%d %s %s", place, eventType, e.trigger)
	e.shared.mu.Lock()
	defer e.shared.mu.Unlock()
	if env, ok := e.shared.envs[key]; ok && !typed {
		return env, nil
	}
	var options []cel.EnvOption
	if typed {
		options = append(options, cel.CustomTypeProvider(e.provider), cel.CustomTypeAdapter(e.provider))
	}
	for name, t := range e.variables(place, eventType) {
		options = append(options, cel.Variable(name, t))
	}
	env, err := e.shared.base.Extend(options...)
	if err != nil {
		return nil, fmt.Errorf("preparing conditions: %w", err)
	}
	if !typed && len(e.shared.envs) < envsMax {
		e.shared.envs[key] = env
	}
	return env, nil
}

// variables lists what a condition may speak of.
func (e *Env) variables(place Place, eventType string) map[string]*cel.Type {
	vars := map[string]*cel.Type{}
	customer := cel.ObjectType(typeCustomer)
	add := func(name, of string) {
		if of != "" {
			vars[name] = cel.ObjectType(typeEvent + of)
		}
	}
	switch place {
	case Trigger:
		add(varEvent, eventType)
		vars[varCustomer] = customer
	case CancelOn:
		add(varEvent, eventType)
		add(varTrigger, e.trigger)
		vars[varCustomer] = customer
	case Step, Reentry:
		add(varTrigger, eventType)
		vars[varCustomer] = customer
	case OnAnswer:
		vars[varScore] = cel.IntType
		vars[varCustomer] = customer
		vars[varAnswers] = cel.MapType(cel.StringType, cel.DynType)
		if e.answers != nil {
			vars[varAnswers] = cel.ObjectType(typeAnswers)
		}
	case Segment:
		vars[varCustomer] = customer
	case Question:
		for _, q := range e.answers {
			vars[q.Name] = e.provider.records[typeAnswers].fields[q.Name].Type
		}
	}
	return vars
}

func (p *provider) addCustomer() {
	r := newRecord()
	r.add("age", cel.IntType, func(target any) (any, error) {
		c, ok := target.(*customerValue)
		if !ok || c.Age() <= 0 {
			return nil, errAbsent
		}
		return types.Int(c.Age()), nil
	})
	r.add("language", cel.StringType, ofCustomer(CustomerView.Language))
	r.add("country", cel.StringType, ofCustomer(CustomerView.Country))
	r.add("ref", cel.StringType, ofCustomer(CustomerView.Ref))
	p.records[typeCustomer] = r
}

func ofCustomer(get func(CustomerView) string) func(any) (any, error) {
	return func(target any) (any, error) {
		c, ok := target.(*customerValue)
		if !ok {
			return nil, errAbsent
		}
		if s := get(c.CustomerView); s != "" {
			return types.String(s), nil
		}
		return nil, errAbsent
	}
}

// The questions a condition may ask of the customer.
const (
	fnHas       = "has"
	fnInSegment = "in_segment"
	fnSum       = "sum"
	fnCount     = "count"
	fnDaysSince = "days_since"
)

func customerFunctions() []cel.EnvOption {
	customer, text := cel.ObjectType(typeCustomer), cel.StringType
	ask := func(name string, result *cel.Type, words int, fn func(c CustomerView, w []string) ref.Val) cel.EnvOption {
		args := []*cel.Type{customer}
		for range words {
			args = append(args, text)
		}
		return cel.Function(name, cel.MemberOverload("customer_"+name, args, result,
			cel.FunctionBinding(func(values ...ref.Val) ref.Val {
				c, ok := values[0].(*customerValue)
				if !ok {
					return absent
				}
				var buf [3]string
				for i, v := range values[1:] {
					s, isText := v.(types.String)
					if !isText {
						return types.MaybeNoSuchOverloadErr(v)
					}
					buf[i] = string(s)
				}
				return fn(c.CustomerView, buf[:len(values)-1])
			})))
	}
	return []cel.EnvOption{
		ask(fnHas, cel.BoolType, 1, func(c CustomerView, w []string) ref.Val { return types.Bool(c.Has(w[0])) }),
		ask(fnInSegment, cel.BoolType, 1, func(c CustomerView, w []string) ref.Val { return types.Bool(c.InSegment(w[0])) }),
		ask(fnSum, cel.IntType, 3, func(c CustomerView, w []string) ref.Val { return types.Int(c.Sum(w[0], w[1], w[2])) }),
		ask(fnCount, cel.IntType, 2, func(c CustomerView, w []string) ref.Val { return types.Int(c.Count(w[0], w[1])) }),
		ask(fnDaysSince, cel.IntType, 1, func(c CustomerView, w []string) ref.Val { return types.Int(c.DaysSince(w[0])) }),
	}
}

// nearestType ends a sentence about an unknown event type.
func (e *Env) nearestType(name string) string {
	if near := e.catalogue.Nearest(name); near != "" {
		return document.DidYouMean(name, []string{near})
	}
	return "; add it with a document of kind EventType"
}
