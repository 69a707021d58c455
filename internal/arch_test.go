// Package internal holds no code of its own: its tests keep the shape of the
// program, so that a newcomer may trust what the folders say.
package internal

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/huiyin/huiyin/internal/"

// floors lists every package from the ground up. A package imports only what
// is named before it. Packages to come already have their place; a new one
// that has none fails the test until it is given one here.
//
// A helper package for tests (dbtest) stands directly above its parent and
// needs no line.
var floors = []string{
	"platform/clock", "platform/errs", "platform/codes", "platform/ids", "platform/crypt", "platform/qr",
	"platform/db", "platform/tally", "platform/audit", "platform/outbox", "platform/outward",

	"decide/policy", "decide/timing", "decide/plan", "decide/pace",

	"channel", "channel/webhook", "channel/email", "channel/sms", "channel/inapp", "channel/push", "channel/im",
	"voice/media", "voice/sip", "voice/ivr", "voice/webrtc",

	"people/vault", "people/customer", "people/consent", "people/staff", "people/pass",
	"intake/event", "intake/kafka",
	"program/document", "program/condition", "program/segment", "program/template", "program/questionnaire", "program/wording",
	"program/knowledge", "program/rules", "program/program",
	"followup",
	"contact/agent", "contact/attempt",
	"hear/answer", "hear/reply", "hear/feedback", "hear/suspicion",
	"resolve/guide", "resolve/casework",
	"measure/statistics", "measure/study", "measure/report", "measure/quality",
	"engine", "engine/deliver",
	"trial/oracle", "trial", "trial/faults", "replay",
	"acts", "importer",
	"api", "pages", "widget",
	"bench",
	"demo",
	"app",
}

// rank is the package's place in floors, doubled to leave room for helpers of
// tests between two lines; -1 when it has none.
func rank(pkg string) int {
	if parent, name := path.Split(pkg); strings.HasSuffix(name, "test") {
		if r := slices.Index(floors, strings.TrimSuffix(parent, "/")); r >= 0 {
			return 2*r + 1
		}
	}
	if r := slices.Index(floors, pkg); r >= 0 {
		return 2 * r
	}
	return -1
}

// source is one Go file.
type source struct {
	path string // from internal/: platform/db/tx.go
	pkg  string // its folder
	test bool
	set  *token.FileSet
	file *ast.File
	size int // lines
}

var majorVersion = regexp.MustCompile(`^v[0-9]+$`)

// line says where in the file a node begins.
func (s *source) line(n ast.Node) string {
	return s.path + ":" + strconv.Itoa(s.set.Position(n.Pos()).Line)
}

// imports gives the paths of a file's imports by the name they go under.
func (s *source) imports() map[string]string {
	found := map[string]string{}
	for _, spec := range s.file.Imports {
		to, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			continue // the compiler says so too
		}
		name := path.Base(to)
		if majorVersion.MatchString(name) {
			name = path.Base(path.Dir(to))
		}
		if spec.Name != nil {
			name = spec.Name.Name
		}
		if name == "_" || name == "." {
			name += to // two blank imports are two
		}
		found[name] = to
	}
	return found
}

// tree is all Go files under internal/ and who owns which table.
type tree struct {
	sources []*source
	owners  map[string]string // table → package
}

// code gives the files that are no tests, those of test helpers left out.
func (t *tree) code() []*source {
	var found []*source
	for _, s := range t.sources {
		if !s.test && !strings.HasSuffix(s.pkg, "test") {
			found = append(found, s)
		}
	}
	return found
}

// load reads a tree. Files under the build tag "deps" are left out: they keep
// go.mod complete for packages to come and are never built.
func load(files fs.FS) (*tree, error) {
	t := &tree{owners: map[string]string{}}
	err := fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && d.Name() == "testdata" {
			return fs.SkipDir
		}
		if d.IsDir() || path.Dir(name) == "." {
			return nil
		}
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		if path.Dir(name) == "platform/db/schema" || path.Dir(name) == "people/vault/schema" {
			readOwners(string(text), t.owners)
		}
		if path.Ext(name) != ".go" || bytes.HasPrefix(text, []byte("//go:build deps")) {
			return nil
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, name, text, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		t.sources = append(t.sources, &source{
			path: name, pkg: path.Dir(name), test: strings.HasSuffix(name, "_test.go"),
			set: set, file: file, size: bytes.Count(text, []byte("\n")),
		})
		return nil
	})
	return t, err
}

var (
	ownerLine = regexp.MustCompile(`^-- ([a-z/]+)(:.*)?$`)
	tableLine = regexp.MustCompile(`^CREATE TABLE (?:IF NOT EXISTS )?(\w+)`)
)

// readOwners learns from a schema file who owns which table: the package named
// in the last comment line above it.
func readOwners(sql string, owners map[string]string) {
	owner := ""
	for line := range strings.Lines(sql) {
		line = strings.TrimSpace(line)
		if m := ownerLine.FindStringSubmatch(line); m != nil && rank(m[1]) >= 0 {
			owner = m[1]
		}
		if m := tableLine.FindStringSubmatch(line); m != nil {
			owners[m[1]] = owner
		}
	}
}

func TestTheRepositoryKeepsEveryRule(t *testing.T) {
	all, err := load(os.DirFS("."))
	if err != nil {
		t.Fatal(err)
	}
	if len(all.code()) < 10 || len(all.owners) < 10 {
		t.Fatalf("read %d files and %d tables: the search is broken", len(all.code()), len(all.owners))
	}
	for _, r := range rules {
		t.Run(r.name, func(t *testing.T) {
			for _, violation := range r.find(all) {
				t.Error(violation)
			}
		})
	}
}

var requireLine = regexp.MustCompile(`^\s+(\S+) v\S+$`)

// directDependencies reads the modules go.mod requires for our own imports.
func directDependencies(goMod string) []string {
	var found []string
	for line := range strings.Lines(goMod) {
		if m := requireLine.FindStringSubmatch(strings.TrimRight(line, "\n")); m != nil {
			found = append(found, m[1])
		}
	}
	return found
}

func TestEveryDirectDependencyHasItsReason(t *testing.T) {
	goMod, err := os.ReadFile("../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	adr, err := os.ReadFile("../docs/adr/0004-dependencies.md")
	if err != nil {
		t.Fatal(err)
	}
	reasons := map[string]string{}
	for line := range strings.Lines(string(adr)) {
		if cells := strings.Split(line, "|"); len(cells) == 4 && strings.HasPrefix(strings.TrimSpace(cells[1]), "`") {
			reasons[strings.Trim(cells[1], " `")] = strings.TrimSpace(cells[2])
		}
	}
	required := directDependencies(string(goMod))
	if len(required) < 5 {
		t.Fatalf("read %d requirements from go.mod: the search is broken", len(required))
	}
	for _, m := range required {
		if len(reasons[m]) < 20 {
			t.Errorf("%s is required by go.mod; give it a row with its reason in docs/adr/0004-dependencies.md", m)
		}
		delete(reasons, m)
	}
	for m := range reasons {
		t.Errorf("docs/adr/0004-dependencies.md gives a reason for %s, which go.mod doesn't require", m)
	}
}

// documentedOwners reads the data model's table: | tables | owner | … |.
func documentedOwners(text string) map[string]string {
	owners := map[string]string{}
	for line := range strings.Lines(text) {
		cells := strings.Split(line, "|")
		if len(cells) < 4 || rank(strings.TrimSpace(cells[2])) < 0 {
			continue
		}
		for table := range strings.SplitSeq(cells[1], ",") {
			owners[strings.Trim(table, " `*")] = strings.TrimSpace(cells[2])
		}
	}
	return owners
}

func TestTheDataModelNamesEveryTableAndItsOwner(t *testing.T) {
	text, err := os.ReadFile("../docs/data-model.md")
	if err != nil {
		t.Fatal(err)
	}
	all, err := load(os.DirFS("."))
	if err != nil {
		t.Fatal(err)
	}
	documented := documentedOwners(string(text))
	for table, owner := range all.owners {
		if documented[table] != owner {
			t.Errorf("docs/data-model.md says the owner of %s is %q; the schema says %q", table, documented[table], owner)
		}
		delete(documented, table)
	}
	for table := range documented {
		if !slices.Contains(notOurs, table) {
			t.Errorf("docs/data-model.md lists %s, which no schema file creates", table)
		}
	}
}
