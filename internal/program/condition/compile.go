package condition

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/checker"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"

	"github.com/huiyin/huiyin/internal/intake/event"
	"github.com/huiyin/huiyin/internal/platform/errs"
)

// Bounds on work, in CEL's units: a unit is about one comparison, a tenth of a unit one letter read.
const (
	// costFree needs no counting when it runs: what is estimated cannot be exceeded.
	costFree = 20_000
	// costCompileMax refuses what could run long, such as a loop inside a loop over an event's lists.
	costCompileMax = 1_000_000
	// costRunMax stops a condition between the two that does run long.
	costRunMax = 50_000

	textBytesMax   = 64 << 10 // an event's data is no larger
	listItemsMax   = 32 << 10 // nor can it hold more items
	shortTextMax   = 256      // ids, languages, names of types
	customerFnCost = 20
)

// WindowDaysMax is how far back the facts of a customer reach.
const WindowDaysMax = 400

const (
	codeSyntax  = "condition-syntax"
	codeUnknown = "condition-unknown-name"
	codeTypes   = "condition-types"
	codeLong    = "condition-too-long"
	codeArgs    = "condition-arguments"
)

// Compile checks an expression and readies it. eventType types event in Trigger and CancelOn, and
// trigger elsewhere; "" means there is no such event, AnyType that it may be any.
func (e *Env) Compile(expr string, place Place, eventType string) (*Condition, error) {
	if err := e.checkSource(expr, eventType); err != nil {
		return nil, err
	}
	env, err := e.celEnv(place, eventType)
	if err != nil {
		return nil, err
	}
	checked, err := e.check(env, expr, place, eventType)
	if err != nil {
		return nil, err
	}
	c := &Condition{source: expr, place: place}
	if err := e.walk(c, checked, place); err != nil {
		return nil, err
	}
	cost, err := env.EstimateCost(checked, estimator{})
	if err != nil {
		return nil, errs.New(errs.Invalid, codeLong, "how long the condition may run can't be told: %s; write it more simply", err.Error())
	}
	c.costMax = cost.Max
	if cost.Max > costCompileMax {
		return nil, errs.New(errs.Invalid, codeLong, "the condition could run long: up to %s steps, and %s are allowed; "+
			"leave out loops inside loops, and look at one field instead of a whole list", steps(cost.Max), steps(costCompileMax))
	}
	options := []cel.ProgramOption{cel.EvalOptions(cel.OptOptimize)}
	if cost.Max > costFree {
		options = append(options, cel.CostLimit(costRunMax))
	}
	c.program, err = env.Program(checked, options...)
	if err != nil {
		return nil, errs.New(errs.Invalid, codeSyntax, "the condition can't be readied: %s", firstLine(err.Error()))
	}
	return c, nil
}

func (e *Env) checkSource(expr, eventType string) error {
	switch n := utf8.RuneCountInString(expr); {
	case !utf8.ValidString(expr):
		return errs.New(errs.Invalid, codeSyntax, "the condition isn't UTF-8")
	case strings.TrimSpace(expr) == "":
		return errs.New(errs.Invalid, codeSyntax, "the condition is empty; leave `when` out to let it always hold")
	case n > ExpressionCharsMax:
		return errs.New(errs.TooLarge, codeLong, "the condition has %d characters, and %d are allowed; "+
			"move a part of it into a segment", n, ExpressionCharsMax)
	}
	for _, name := range []string{eventType, e.trigger} {
		if name == "" || name == AnyType {
			continue
		}
		if _, known := e.catalogue.Type(name); !known {
			return errs.New(errs.Invalid, codeUnknown, "there is no event type `%s`%s", name, e.nearestType(name))
		}
	}
	return nil
}

// check parses and types the expression. The parser is handed whatever people write, so its panics are theirs.
func (e *Env) check(env *cel.Env, expr string, place Place, eventType string) (checked *cel.Ast, err error) {
	defer func() {
		if r := recover(); r != nil {
			checked, err = nil, errs.New(errs.Invalid, codeSyntax, "the condition can't be read: %v", r)
		}
	}()
	checked, issues := env.Compile(expr)
	if issues != nil && issues.Err() != nil {
		return nil, e.explain(issues, expr, place, eventType)
	}
	out := checked.OutputType()
	if place == Reentry {
		if !slices.ContainsFunc([]*cel.Type{cel.StringType, cel.IntType, cel.BoolType, cel.DynType}, out.IsExactType) {
			return nil, errs.New(errs.Invalid, codeTypes, "the key is %s; it should be a text or a whole number, such as trigger.data.order_id",
				typeWord(out.String()))
		}
		return checked, nil
	}
	if !out.IsExactType(cel.BoolType) && !out.IsExactType(cel.DynType) {
		return nil, errs.New(errs.Invalid, codeTypes, "the condition is %s; it should be true or false: compare it with something",
			typeWord(out.String()))
	}
	return checked, nil
}

// walk looks at every part: what is asked of the customer must be written out and exist; nothing is constructed.
func (e *Env) walk(c *Condition, checked *cel.Ast, place Place) error {
	var failed error
	note := func(err error) {
		if failed == nil {
			failed = err
		}
	}
	ast.PreOrderVisit(checked.NativeRep().Expr(), ast.NewExprVisitor(func(x ast.Expr) {
		switch x.Kind() {
		case ast.IdentKind:
			if name := x.AsIdent(); !slices.Contains(c.variables, name) {
				c.variables = append(c.variables, name)
			}
		case ast.StructKind:
			note(errs.New(errs.Invalid, codeSyntax, "a condition can't build a `%s{…}`; compare fields instead", x.AsStruct().TypeName()))
		case ast.CallKind:
			call := x.AsCall()
			if call.IsMemberFunction() && slices.Contains(customerFns, call.FunctionName()) {
				note(e.checkCall(c, call, place))
			}
		}
	}))
	return failed
}

var customerFns = []string{fnHas, fnInSegment, fnSum, fnCount, fnDaysSince}

func (e *Env) checkCall(c *Condition, call ast.CallExpr, place Place) error {
	words := make([]string, len(call.Args()))
	for i, a := range call.Args() {
		text, ok := types.String(""), false
		if a.Kind() == ast.LiteralKind {
			text, ok = a.AsLiteral().(types.String)
		}
		if !ok {
			return errs.New(errs.Invalid, codeArgs, "customer.%s needs its words written out in quotes", call.FunctionName())
		}
		words[i] = string(text)
	}
	name := call.FunctionName()
	if name != fnHas && name != fnInSegment && !slices.Contains(c.factTypes, words[0]) {
		c.factTypes = append(c.factTypes, words[0])
	}
	switch name {
	case fnInSegment:
		if place == Segment {
			return errs.New(errs.Invalid, codeArgs, "a segment can't ask for another segment; write its condition out here")
		}
		if !slices.Contains(c.segments, words[0]) {
			c.segments = append(c.segments, words[0])
		}
	case fnSum:
		return firstError(e.checkSum(words[0], words[1]), checkWindow(words[2]))
	case fnCount:
		_, err := e.factType(words[0])
		return firstError(err, checkWindow(words[1]))
	case fnDaysSince:
		_, err := e.factType(words[0])
		return err
	}
	return nil
}

func (e *Env) factType(name string) (*event.Type, error) {
	t, known := e.catalogue.Type(name)
	if !known {
		return nil, errs.New(errs.Invalid, codeUnknown, "there is no event type `%s`%s", name, e.nearestType(name))
	}
	return t, nil
}

func (e *Env) checkSum(eventType, field string) error {
	t, err := e.factType(eventType)
	if err != nil {
		return err
	}
	var summed []string
	for _, f := range t.Fields {
		if f.Sum {
			summed = append(summed, f.Name)
		}
	}
	if slices.Contains(summed, field) {
		return nil
	}
	if len(summed) == 0 {
		return errs.New(errs.Invalid, codeArgs, "%s has no field that is added up; mark one with `x-sum: true` in its schema", eventType)
	}
	return errs.New(errs.Invalid, codeArgs, "`%s` of %s isn't added up; these are: %s", field, eventType, strings.Join(summed, ", "))
}

// ParseWindow reads a window of whole days, such as 90d.
func ParseWindow(window string) (days int, err error) {
	number, isDays := strings.CutSuffix(window, "d")
	n, err := strconv.Atoi(number)
	if !isDays || err != nil || n < 1 || n > WindowDaysMax || strconv.Itoa(n) != number {
		return 0, errs.New(errs.Invalid, codeArgs, "`%s` isn't a window; write whole days between 1d and %dd, such as 90d", window, WindowDaysMax)
	}
	return n, nil
}

func checkWindow(window string) error {
	_, err := ParseWindow(window)
	return err
}

func firstError(list ...error) error {
	for _, err := range list {
		if err != nil {
			return err
		}
	}
	return nil
}

// estimator bounds the sizes CEL can't know.
type estimator struct{}

var _ checker.CostEstimator = estimator{}

// EstimateSize bounds texts and lists by what an event can hold.
func (estimator) EstimateSize(n checker.AstNode) *checker.SizeEstimate {
	path := n.Path()
	limit := uint64(textBytesMax)
	switch {
	case len(path) > 0 && path[0] == varCustomer, len(path) == 2 && (path[0] == varEvent || path[0] == varTrigger):
		limit = shortTextMax
	case n.Type() != nil && (n.Type().Kind() == types.ListKind || n.Type().Kind() == types.MapKind || n.Type().Kind() == types.DynKind):
		limit = listItemsMax
	}
	return &checker.SizeEstimate{Min: 0, Max: limit}
}

// EstimateCallCost prices the questions asked of the customer.
func (estimator) EstimateCallCost(_, overload string, _ *checker.AstNode, _ []checker.AstNode) *checker.CallEstimate {
	if strings.HasPrefix(overload, "customer_") {
		return &checker.CallEstimate{CostEstimate: checker.CostEstimate{Min: 1, Max: customerFnCost}}
	}
	return nil
}

func steps(n uint64) string {
	if n > 1_000_000_000 {
		return "more than a billion"
	}
	return fmt.Sprint(n)
}
