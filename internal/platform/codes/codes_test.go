package codes

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode"
)

var kebab = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)

// problems lists what is wrong with a table of codes, one sentence each.
func problems(entries []Entry) []string {
	var found []string
	seen := map[string]bool{}
	for _, e := range entries {
		if !kebab.MatchString(e.Code) {
			found = append(found, e.Code+" is not kebab-case")
		}
		if seen[e.Code] {
			found = append(found, e.Code+" stands twice")
		}
		seen[e.Code] = true
		if !hasHan(e.Chinese) {
			found = append(found, e.Code+" has no Chinese sentence")
		}
		if e.English == "" || hasHan(e.English) {
			found = append(found, e.Code+" has no English sentence")
		}
		if strings.HasSuffix(e.English, ".") || strings.HasSuffix(e.Chinese, "。") {
			found = append(found, e.Code+" ends in a full stop; the page that shows it sets one")
		}
	}
	return found
}

func hasHan(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return unicode.Is(unicode.Han, r) }) >= 0
}

func TestEveryCodeIsKebabCaseUniqueAndHasBothSentences(t *testing.T) {
	for _, p := range problems(All()) {
		t.Error(p)
	}
}

func TestTheCheckOfTheTableFindsEachKindOfMistake(t *testing.T) {
	good := Entry{"a-good-one", Fault, "好", "Good"}
	cases := map[string]Entry{
		"is not kebab-case":       {"Not_Kebab", Fault, "好", "Good"},
		"stands twice":            good,
		"has no Chinese sentence": {"no-chinese", Fault, "Good", "Good"},
		"has no English sentence": {"no-english", Fault, "好", ""},
		"ends in a full stop":     {"full-stop", Fault, "好", "Good."},
	}
	for want, bad := range cases {
		t.Run(want, func(t *testing.T) {
			found := problems([]Entry{good, bad})
			if len(found) != 1 || !strings.Contains(found[0], want) {
				t.Fatalf("found %q, want one problem that says %q", found, want)
			}
		})
	}
}

// A constant without an entry would be shown as a bare code. Reasons and scopes
// are compared in code, so each has a constant; a fault is mostly written once,
// where it happens, and internal/arch_test.go finds those missing here.
func TestEveryConstantHasAnEntryAndEveryReasonAConstant(t *testing.T) {
	constants := stringConstants(t)
	for code := range constants {
		if !Known(code) {
			t.Errorf("the constant %s = %q has no entry", constants[code], code)
		}
	}
	for _, e := range All() {
		if e.Section != Fault && constants[e.Code] == "" {
			t.Errorf("the entry %q has no constant", e.Code)
		}
	}
}

// stringConstants reads the codes declared in this package's files.
func stringConstants(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, name := range files {
		if name == "codes.go" || strings.HasSuffix(name, "_test.go") {
			continue // codes.go holds languages and sections, which are no codes
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range file.Decls {
			gen, ok := decl.(*ast.GenDecl)
			if !ok || gen.Tok != token.CONST {
				continue
			}
			for _, spec := range gen.Specs {
				value := spec.(*ast.ValueSpec)
				text, err := strconv.Unquote(value.Values[0].(*ast.BasicLit).Value)
				if err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				found[text] = value.Names[0].Name
			}
		}
	}
	return found
}

func TestSentenceSpeaksTheLanguageAskedFor(t *testing.T) {
	cases := []struct{ name, lang, want string }{
		{"Chinese", "zh-CN", "当前不在法规允许的可触达时段"},
		{"Chinese of another place", "zh-Hant-HK", "当前不在法规允许的可触达时段"},
		{"bare Chinese", "zh", "当前不在法规允许的可触达时段"},
		{"English", "en-GB", "The law does not allow contact at this hour"},
		{"any other language reads English", "fr", "The law does not allow contact at this hour"},
		{"a language that only begins with the same letters", "zha", "The law does not allow contact at this hour"},
		{"no language", "", "The law does not allow contact at this hour"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got := LawWindow.Sentence(c.lang); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestAnUnknownCodeIsShownAsItStands(t *testing.T) {
	for _, lang := range []string{Chinese, English} {
		if got := Reason("made-next-year").Sentence(lang); !strings.Contains(got, "made-next-year") {
			t.Errorf("%s: %q does not name the code", lang, got)
		}
		if got := Reason("").Sentence(lang); !strings.Contains(got, `""`) {
			t.Errorf("%s: %q does not show that the code is empty", lang, got)
		}
	}
}

func TestAllGivesACopyThatCannotHarmTheRegistry(t *testing.T) {
	All()[0].English = "spoilt"
	if All()[0].English == "spoilt" {
		t.Fatal("changing what All returned changed the registry")
	}
}

func TestEverySectionHasCodesAndScopesAreTheRights(t *testing.T) {
	total := 0
	for _, s := range []Section{Withheld, Selected, Ending, Result, Doubt, Fault, Right} {
		n := len(In(s))
		if n == 0 {
			t.Errorf("section %s is empty", s)
		}
		total += n
	}
	if total != len(All()) {
		t.Errorf("%d codes in sections, %d in all: an entry names a section that doesn't exist", total, len(All()))
	}
	if len(Scopes()) != len(In(Right)) || Scopes()[0] != EventsWrite {
		t.Errorf("Scopes() = %v", Scopes())
	}
}
