package condition

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"

	"github.com/huiyin/huiyin/internal/program/document"
)

var (
	undefinedField = regexp.MustCompile(`^undefined field '(.*)'`)
	undeclared     = regexp.MustCompile(`^undeclared reference to '(.*)' \(`)
	noOverload     = regexp.MustCompile(`^found no matching overload for '(.*)' applied to '(.*)'`)
	operatorName   = regexp.MustCompile(`^_(.+)_$`)
	listOrMap      = regexp.MustCompile(`^(list|map)\(`)
)

// explain says what CEL found in words people use, with the nearest right name.
func (e *Env) explain(issues *cel.Issues, expr string, place Place, eventType string) error {
	var p document.Problems
	for _, found := range issues.Errors() {
		text, code := e.sentence(found.Message, expr, place, eventType)
		column := found.Location.Column() + 1 // CEL counts from 0, people from 1
		p.Addf("", code, "%s (character %d of `%s`)", text, column, shorten(expr))
		if code == codeSyntax {
			break // one broken bracket breaks all that follows
		}
	}
	if p.None() {
		p.Addf("", codeSyntax, "the condition `%s` can't be read", shorten(expr))
	}
	return p.Err()
}

func (e *Env) sentence(message, expr string, place Place, eventType string) (text, code string) {
	if m := undefinedField.FindStringSubmatch(message); m != nil {
		return "there is no field `" + m[1] + "` here" +
			document.DidYouMean(m[1], e.fieldsBefore(m[1], expr, place, eventType)), codeUnknown
	}
	if m := undeclared.FindStringSubmatch(message); m != nil {
		return e.unknownName(m[1], place, eventType), codeUnknown
	}
	if m := noOverload.FindStringSubmatch(message); m != nil {
		return mismatch(m[1], m[2]), codeTypes
	}
	message = strings.TrimPrefix(firstLine(message), "Syntax error: ")
	return "the condition can't be read: " + message + "; check brackets, quotes and &&, ||, ==", codeSyntax
}

// unknownName explains a variable or function that isn't there.
func (e *Env) unknownName(name string, place Place, eventType string) string {
	vars := e.variables(place, eventType)
	known := slices.Sorted(maps.Keys(vars))
	if name == varEvent || name == varTrigger {
		if _, ok := vars[varTrigger]; ok {
			return "`event` isn't known here: say `trigger`, the event that began the follow-up"
		}
		if _, ok := vars[varEvent]; ok {
			return "`trigger` isn't known here: say `event`"
		}
		return "`" + name + "` isn't known here, since no event stands behind this; known: " + strings.Join(known, ", ")
	}
	if near := document.Nearest(name, append(known, customerFns...)); near != "" {
		return "`" + name + "` isn't known: did you mean `" + near + "`?"
	}
	if len(known) == 0 {
		return "`" + name + "` isn't known: no earlier question goes by this id"
	}
	return "`" + name + "` isn't known here; known: " + strings.Join(known, ", ")
}

// fieldsBefore lists the fields of the object whose field isn't there, by the words before it.
func (e *Env) fieldsBefore(field, expr string, place Place, eventType string) []string {
	before := regexp.MustCompile(`([A-Za-z_][A-Za-z0-9_.]*)\.` + regexp.QuoteMeta(field)).FindStringSubmatch(expr)
	if before == nil {
		return nil
	}
	path := strings.Split(before[1], ".")
	t, ok := e.variables(place, eventType)[path[0]]
	for _, part := range path[1:] {
		if !ok {
			return nil
		}
		f, found := e.provider.FindStructFieldType(t.TypeName(), part)
		if ok = found; ok {
			t = f.Type
		}
	}
	if !ok {
		return nil
	}
	names, _ := e.provider.FindStructFieldNames(t.TypeName())
	return names
}

// mismatch explains an operator or function given the wrong kinds of values.
func mismatch(function, args string) string {
	args = strings.TrimSuffix(strings.TrimPrefix(args, "("), ")")
	if target, rest, isMember := strings.Cut(args, ".("); isMember {
		words := "customer." + function
		if !strings.HasPrefix(target, typeCustomer) {
			return "`" + function + "` can't be asked of " + typeWord(target)
		}
		return "`" + words + "` is given " + list(rest) + "; " + usage(function)
	}
	operator := operatorName.FindStringSubmatch(function)
	kinds := splitTypes(args)
	if operator == nil || len(kinds) != 2 {
		return "`" + strings.Trim(function, "_") + "` is given " + list(args) + ", which it can't work with"
	}
	text := typeWord(kinds[0]) + " can't be put beside " + typeWord(kinds[1]) + " by `" + operator[1] + "`"
	if slices.Contains(kinds, "string") && (slices.Contains(kinds, "int") || slices.Contains(kinds, "double")) {
		text += ": put the number in quotes, or take a field that holds a number"
	}
	return text
}

func usage(function string) string {
	switch function {
	case fnSum:
		return `write customer.sum("wallet.payment.succeeded", "amount_minor", "90d")`
	case fnCount:
		return `write customer.count("wallet.payment.succeeded", "90d")`
	case fnDaysSince:
		return `write customer.days_since("wallet.payment.succeeded")`
	case fnInSegment:
		return `write customer.in_segment("vip")`
	}
	return `write customer.has("app")`
}

func list(args string) string {
	kinds := splitTypes(args)
	for i := range kinds {
		kinds[i] = typeWord(kinds[i])
	}
	if len(kinds) == 0 {
		return "nothing"
	}
	return strings.Join(kinds, ", ")
}

func splitTypes(args string) []string {
	if args == "" {
		return nil
	}
	var kinds []string
	depth, from := 0, 0
	for i, r := range args {
		switch {
		case r == '(':
			depth++
		case r == ')':
			depth--
		case r == ',' && depth == 0:
			kinds = append(kinds, strings.TrimSpace(args[from:i]))
			from = i + 1
		}
	}
	return append(kinds, strings.TrimSpace(args[from:]))
}

// typeWord names a type as people would.
func typeWord(t string) string {
	switch {
	case t == "string":
		return "a text"
	case t == "int" || t == "uint":
		return "a whole number"
	case t == "double":
		return "a number"
	case t == "bool":
		return "a truth value"
	case t == "timestamp" || t == "google.protobuf.Timestamp":
		return "a time"
	case t == "duration" || t == "google.protobuf.Duration":
		return "a duration"
	case t == typeCustomer:
		return "the customer"
	case strings.HasPrefix(t, typeEvent):
		return "the whole event"
	case strings.HasPrefix(t, typeData):
		return "the whole data of the event"
	case listOrMap.MatchString(t):
		return "a list or an object"
	}
	return t
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}

const shownCharsMax = 120

func shorten(expr string) string {
	r := []rune(strings.Join(strings.Fields(expr), " "))
	if len(r) > shownCharsMax {
		return string(r[:shownCharsMax]) + "…"
	}
	return string(r)
}
