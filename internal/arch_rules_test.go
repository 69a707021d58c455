package internal

import (
	"fmt"
	"go/ast"
	"go/token"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/huiyin/huiyin/internal/platform/codes"
)

// Bounds of size. A function that outgrows its bound has a part with a name.
const (
	functionLinesMax = 70
	fileLinesMax     = 500
	docLinesMin      = 3
)

// rule is one law of the house; find lists its violations, a sentence each.
type rule struct {
	name string
	find func(*tree) []string
}

var rules = []rule{
	{"a package imports only floors below its own", importFloors},
	{"decide is pure and channels know nothing of the domain", innocence},
	{"time and chance are passed in", passedIn},
	{"a query names its columns", namedColumns},
	{"a table is written by its owner alone", tableOwners},
	{"functions and files stay short", sizes},
	{"every package says in doc.go what it is", docs},
	{"every code is in the registry", registeredCodes},
}

func importFloors(t *tree) []string {
	var found []string
	homeless := map[string]bool{}
	for _, s := range t.sources {
		from := rank(s.pkg)
		if from < 0 && !homeless[s.pkg] {
			homeless[s.pkg] = true
			found = append(found, s.pkg+" has no place; give it one in floors (arch_test.go)")
		}
		if s.test || from < 0 {
			continue // a test may look down on its own package from above
		}
		for _, to := range s.imports() {
			if ours, ok := strings.CutPrefix(to, module); ok && ours != s.pkg && rank(ours) >= from {
				found = append(found, fmt.Sprintf("%s: %s must not import %s, which stands above it", s.path, s.pkg, ours))
			}
		}
	}
	return found
}

// impure are packages through which a decision could see the world.
var impure = []string{
	"os", "net", "net/http", "database/sql", "log", "log/slog", "crypto/rand", "math/rand", "math/rand/v2", "context",
}

func innocence(t *tree) []string {
	var found []string
	for _, s := range t.code() {
		for _, to := range s.imports() {
			ours, isOurs := strings.CutPrefix(to, module)
			switch {
			case strings.HasPrefix(s.pkg, "decide/"):
				outside := !isOurs && strings.Contains(strings.Split(to, "/")[0], ".")
				if outside || slices.Contains(impure, to) || isOurs && ours != "platform/codes" && !strings.HasPrefix(ours, "decide/") {
					found = append(found, fmt.Sprintf("%s: decide works from what it is given; it must not import %s", s.path, to))
				}
			case s.pkg == "channel" || strings.HasPrefix(s.pkg, "channel/") || strings.HasPrefix(s.pkg, "voice/"):
				family, _, _ := strings.Cut(s.pkg, "/")
				if isOurs && !strings.HasPrefix(ours, "platform/") && ours != family && !(family == "voice" && strings.HasPrefix(ours, "voice/")) {
					found = append(found, fmt.Sprintf("%s: a channel knows nothing of the domain; it must not import %s", s.path, ours))
				}
			}
		}
	}
	return found
}

// What reads the machine's clock or chance. Timers are not among them: a loop
// may sleep on one, but never learns from it what time it is. Generators of
// math/rand/v2 made from a seed are passed in by nature.
var (
	clockReads  = []string{"Now", "Sleep", "After", "Tick", "Since", "Until"}
	seededRand  = []string{"New", "NewPCG", "NewChaCha8", "NewZipf", "Rand", "PCG", "ChaCha8", "Zipf", "Source"}
	timeKeepers = []string{"platform/clock", "app"}
	keyMakers   = []string{"platform/crypt", "app"}
)

func passedIn(t *tree) []string {
	var found []string
	for _, s := range t.code() {
		names := s.imports()
		for _, to := range names {
			if to == "math/rand" {
				found = append(found, s.path+": imports math/rand; take a math/rand/v2 generator made from a seed")
			}
			if to == "crypto/rand" && !slices.Contains(keyMakers, s.pkg) {
				found = append(found, s.path+": imports crypto/rand; take an io.Reader")
			}
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			pkg, ok := sel.X.(*ast.Ident)
			if !ok {
				return true
			}
			switch names[pkg.Name] {
			case "time":
				if slices.Contains(clockReads, sel.Sel.Name) && !slices.Contains(timeKeepers, s.pkg) {
					found = append(found, s.line(n)+": time."+sel.Sel.Name+" reads the machine's clock; take a clock.Clock")
				}
			case "math/rand/v2":
				if !slices.Contains(seededRand, sel.Sel.Name) {
					found = append(found, s.line(n)+": rand."+sel.Sel.Name+" can't be repeated; take a generator made from a seed")
				}
			}
			return true
		})
	}
	return found
}

// texts calls fn with every string in the code, its parts joined when they are
// added up from literals.
func texts(s *source, fn func(n ast.Node, text string)) {
	ast.Inspect(s.file, func(n ast.Node) bool {
		e, ok := n.(ast.Expr)
		if !ok {
			return true
		}
		if text, ok := literal(e); ok {
			fn(n, text)
			return false
		}
		return true
	})
}

func literal(e ast.Expr) (string, bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		if e.Kind != token.STRING {
			return "", false
		}
		text, err := strconv.Unquote(e.Value)
		return text, err == nil
	case *ast.BinaryExpr:
		left, ok1 := literal(e.X)
		right, ok2 := literal(e.Y)
		return left + right, ok1 && ok2 && e.Op == token.ADD
	}
	return "", false
}

var star = regexp.MustCompile(`\b(SELECT|RETURNING)\s+(\w+\.)?\*`)

func namedColumns(t *tree) []string {
	var found []string
	for _, s := range t.code() {
		texts(s, func(n ast.Node, text string) {
			if star.MatchString(text) {
				found = append(found, s.line(n)+": name the columns instead of *")
			}
		})
	}
	return found
}

var writes = []*regexp.Regexp{
	regexp.MustCompile(`\bINSERT\s+INTO\s+(\w*)`),
	regexp.MustCompile(`\bDELETE\s+FROM\s+(?:ONLY\s+)?(\w*)`),
	regexp.MustCompile(`\bTRUNCATE\s+(?:TABLE\s+)?(\w*)`),
	regexp.MustCompile(`\bUPDATE\s+(?:ONLY\s+)?(\w+)(?:\s+(?:AS\s+)?\w+)?\s+SET\b`),
	regexp.MustCompile(`\bUPDATE\s+()$`),
}

// notOurs are tables of the engines and those that stand for a step of a query.
var notOurs = []string{"schema_version"}

func tableOwners(t *tree) []string {
	var found []string
	for table, owner := range t.owners {
		if owner == "" {
			found = append(found, "platform/db/schema: no comment above "+table+" names the package that owns it")
		}
	}
	for _, s := range t.code() {
		texts(s, func(n ast.Node, text string) {
			for _, w := range writes {
				for _, m := range w.FindAllStringSubmatch(text, -1) {
					table := m[1]
					owner, known := t.owners[table]
					switch {
					case slices.Contains(notOurs, table):
					case table == "" && s.pkg == "platform/db": // it rewrites statements, whatever their table
					case table == "":
						found = append(found, s.line(n)+": write the table's name into the statement, so that its owner can be checked")
					case !known:
						found = append(found, s.line(n)+": no schema file creates a table "+table)
					case owner != s.pkg:
						found = append(found, fmt.Sprintf("%s: %s writes %s, which %s owns; call that package", s.line(n), s.pkg, table, owner))
					}
				}
			}
		})
	}
	return found
}

func sizes(t *tree) []string {
	var found []string
	for _, s := range t.sources {
		if s.size > fileLinesMax {
			found = append(found, fmt.Sprintf("%s has %d lines; %d are the most", s.path, s.size, fileLinesMax))
		}
		if s.test {
			continue // a table of cases may be long
		}
		for _, decl := range s.file.Decls {
			fn, ok := decl.(*ast.FuncDecl)
			if !ok || fn.Body == nil {
				continue
			}
			lines := s.set.Position(fn.End()).Line - s.set.Position(fn.Pos()).Line + 1
			if lines > functionLinesMax {
				found = append(found, fmt.Sprintf("%s: %s has %d lines; %d are the most", s.line(fn), fn.Name.Name, lines, functionLinesMax))
			}
		}
	}
	return found
}

func docs(t *tree) []string {
	var found []string
	said := map[string]bool{} // package → whether doc.go says what it is
	for _, s := range t.sources {
		if s.test {
			continue
		}
		text := s.file.Doc.Text()
		good := strings.HasSuffix(s.path, "/doc.go") && strings.HasPrefix(text, "Package "+s.file.Name.Name) &&
			strings.Count(text, "\n") >= docLinesMin
		said[s.pkg] = said[s.pkg] || good
		if text != "" && !strings.HasSuffix(s.path, "/doc.go") {
			found = append(found, s.path+": the package comment belongs in doc.go")
		}
	}
	for pkg, good := range said {
		if !good {
			found = append(found, fmt.Sprintf("%s: doc.go must say in %d lines or more what the package is and what it is not", pkg, docLinesMin))
		}
	}
	return found
}

var codeName = regexp.MustCompile(`^code[A-Z]`)

// registeredCodes holds codes written as text to the registry; constants of
// package codes are there by its own test.
func registeredCodes(t *tree) []string {
	var found []string
	for _, s := range t.code() {
		for name, text := range codeConstants(s) {
			if !codes.Known(text) {
				found = append(found, fmt.Sprintf("%s: %s = %q is not in package codes; add it there, with its sentences", s.path, name, text))
			}
		}
		names := s.imports()
		ast.Inspect(s.file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			sel, ok := call.Fun.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			pkg, ok := sel.X.(*ast.Ident)
			if !ok {
				return true
			}
			var code ast.Expr
			switch to := names[pkg.Name]; {
			case to == module+"platform/errs" && sel.Sel.Name == "New" && len(call.Args) > 1:
				code = call.Args[1]
			case to == module+"platform/codes" && (sel.Sel.Name == "Reason" || sel.Sel.Name == "Scope"):
				code = call.Args[0]
			}
			text, ok := literal(code)
			if ok && !codes.Known(text) {
				found = append(found, fmt.Sprintf("%s: %q is not in package codes; add it there, with its sentences", s.line(n), text))
			}
			return true
		})
	}
	return found
}

// codeConstants gives the constants of a file that are codes by their name.
func codeConstants(s *source) map[string]string {
	found := map[string]string{}
	for _, decl := range s.file.Decls {
		gen, ok := decl.(*ast.GenDecl)
		if !ok || gen.Tok != token.CONST {
			continue
		}
		for _, spec := range gen.Specs {
			value := spec.(*ast.ValueSpec)
			for i, name := range value.Names {
				if i >= len(value.Values) || !codeName.MatchString(name.Name) {
					continue
				}
				if text, ok := literal(value.Values[i]); ok {
					found[name.Name] = text
				}
			}
		}
	}
	return found
}
