package internal

import (
	"strings"
	"testing"
	"testing/fstest"
)

const docOf = `// Package %s is planted.
// It is one that keeps
// every rule.
package %s
`

// plant makes a small tree that keeps every rule, then puts files over it.
func plant(t *testing.T, files map[string]string) *tree {
	t.Helper()
	all := fstest.MapFS{}
	for pkg, name := range map[string]string{
		"platform/clock": "clock", "platform/codes": "codes", "platform/errs": "errs", "platform/db": "db",
		"decide/policy": "policy", "channel": "channel", "channel/email": "email", "people/customer": "customer",
		"followup": "followup", "engine": "engine", "app": "app",
	} {
		all[pkg+"/doc.go"] = &fstest.MapFile{Data: []byte(strings.ReplaceAll(docOf, "%s", name))}
	}
	all["platform/db/schema/0001.sql"] = &fstest.MapFile{Data: []byte(
		"-- Some words first.\n\n-- people/customer\nCREATE TABLE customer (id BIGINT);\n\n-- followup: states\nCREATE TABLE follow_up (id BIGINT);\n")}
	for name, text := range files {
		all[name] = &fstest.MapFile{Data: []byte(text)}
	}
	loaded, err := load(all)
	if err != nil {
		t.Fatal(err)
	}
	return loaded
}

// imports writes a file of the package that imports what it is told.
func importing(pkg string, paths ...string) string {
	text := "package " + pkg + "\n"
	for _, p := range paths {
		text += "import _ \"" + p + "\"\n"
	}
	return text
}

func in(pkg, body string) string { return "package " + pkg + "\n" + body + "\n" }

// planted are violations, each with the words that must name it.
var planted = map[string][]struct {
	name, path, text, want string
}{
	"a package imports only floors below its own": {
		{"a package that looks up", "followup/x.go", importing("followup", module+"engine"), "followup must not import engine"},
		{"a package without a place", "util/doc.go", importing("util"), "util has no place"},
		{"a package inside another without a place", "engine/helpers/doc.go", importing("helpers"), "engine/helpers has no place"},
		{"code that imports a helper of tests above it", "platform/db/x.go", importing("db", module+"platform/db/dbtest"), "must not import platform/db/dbtest"},
	},
	"decide is pure and channels know nothing of the domain": {
		{"a decision that asks the database", "decide/policy/x.go", importing("policy", module+"platform/db"), "must not import " + module + "platform/db"},
		{"a decision that reads files", "decide/policy/x.go", importing("policy", "os"), "must not import os"},
		{"a decision that leans on a library", "decide/policy/x.go", importing("policy", "github.com/rickar/cal/v2"), "must not import github.com/rickar/cal/v2"},
		{"a channel that knows customers", "channel/email/x.go", importing("email", module+"people/customer"), "must not import people/customer"},
		{"a channel that knows another", "channel/webhook/doc.go", importing("webhook", module+"channel/email"), "must not import channel/email"},
	},
	"time and chance are passed in": {
		{"a clock read", "engine/x.go", in("engine", `import "time"; var t = time.Now()`), "time.Now"},
		{"a clock read under another name", "engine/x.go", in("engine", `import clock "time"; func f() { clock.Sleep(1) }`), "time.Sleep"},
		{"a clock read by difference", "engine/x.go", in("engine", `import "time"; func f(t time.Time) any { return time.Since(t) }`), "time.Since"},
		{"a clock passed on as a function", "engine/x.go", in("engine", `import "time"; var now = time.Now`), "time.Now"},
		{"old chance", "engine/x.go", importing("engine", "math/rand"), "imports math/rand"},
		{"chance without a seed", "engine/x.go", in("engine", `import "math/rand/v2"; var n = rand.IntN(6)`), "rand.IntN"},
		{"secret chance", "engine/x.go", importing("engine", "crypto/rand"), "imports crypto/rand"},
	},
	"a query names its columns": {
		{"a star", "engine/x.go", in("engine", `const q = "SELECT * FROM customer"`), "name the columns"},
		{"a star of one table", "engine/x.go", in("engine", "const q = `SELECT\n c.* FROM customer c`"), "name the columns"},
		{"a star in parts", "engine/x.go", in("engine", `const q = "SELECT " + "* FROM customer"`), "name the columns"},
		{"a star that comes back", "engine/x.go", in("engine", `const q = "DELETE FROM customer RETURNING *"`), "name the columns"},
	},
	"a table is written by its owner alone": {
		{"an insert by another", "followup/x.go", in("followup", `const q = "INSERT INTO customer (id) VALUES ($1)"`), "followup writes customer, which people/customer owns"},
		{"an update by another", "engine/x.go", in("engine", "const q = `UPDATE follow_up AS f\n SET state = $1`"), "engine writes follow_up, which followup owns"},
		{"a deletion by another", "engine/x.go", in("engine", `const q = "DELETE FROM follow_up WHERE id = $1"`), "engine writes follow_up, which followup owns"},
		{"a table nobody made", "engine/x.go", in("engine", `const q = "INSERT INTO nothing (id) VALUES ($1)"`), "no schema file creates a table nothing"},
		{"a name put in later", "engine/x.go", in("engine", `func q(t string) string { return "DELETE FROM " + t }`), "write the table's name into the statement"},
		{"a table without an owner", "platform/db/schema/0000.sql", "-- Nobody's.\nCREATE TABLE lost (id BIGINT);\n", "no comment above lost names the package"},
	},
	"functions and files stay short": {
		{"a long function", "engine/x.go", in("engine", "func f() {\n"+strings.Repeat("_ = 1\n", functionLinesMax)+"}"), "f has 72 lines"},
		{"a long file", "engine/x_test.go", in("engine", strings.Repeat("// why\n", fileLinesMax)), "engine/x_test.go has"},
	},
	"every package says in doc.go what it is": {
		{"no words", "pages/pages.go", in("pages", ""), "pages: doc.go must say"},
		{"few words", "pages/doc.go", "// Package pages is.\npackage pages\n", "pages: doc.go must say"},
		{"words elsewhere", "engine/x.go", "// Package engine is also described here.\npackage engine\n", "belongs in doc.go"},
	},
	"every code is in the registry": {
		{"an error's code", "engine/x.go", in("engine", `import "`+module+`platform/errs"; var err = errs.New(errs.Invalid, "made-up", "x")`), `"made-up" is not in package codes`},
		{"an error's code by a constant", "engine/x.go", in("engine", `import "`+module+`platform/errs"; const codeOdd = "made-up"; var err = errs.New(errs.Invalid, codeOdd, "x")`), `codeOdd = "made-up" is not in package codes`},
		{"a reason", "engine/x.go", in("engine", `import "`+module+`platform/codes"; var r = codes.Reason("made-up")`), `"made-up" is not in package codes`},
	},
}

func TestEachRuleFindsWhatIsPlanted(t *testing.T) {
	for _, r := range rules {
		if len(planted[r.name]) == 0 {
			t.Errorf("nothing is planted for the rule that %s", r.name)
		}
		for _, c := range planted[r.name] {
			t.Run(r.name+"/"+c.name, func(t *testing.T) {
				found := r.find(plant(t, map[string]string{c.path: c.text}))
				if len(found) != 1 || !strings.Contains(found[0], c.want) {
					t.Errorf("found %q, want one violation that says %q", found, c.want)
				}
			})
		}
	}
}

// What looks like a violation and is none.
func TestRulesAreSilentOnATreeThatKeepsThem(t *testing.T) {
	all := plant(t, map[string]string{
		"engine/x.go": in("engine", `import ("time"; "math/rand/v2"; "`+module+`followup"; "`+module+`platform/errs")
			type now struct{ Now func() time.Time }
			func f(n now, d time.Duration) { _ = n.Now(); <-time.NewTimer(d).C; _ = followup.X }
			var die = rand.New(rand.NewPCG(1, 2)).IntN(6)
			var err = errs.New(errs.Invalid, "not-found", "x")`),
		"engine/x_test.go":           in("engine", `import ("time"; "`+module+`app"); var t = time.Now(); const q = "SELECT * FROM customer"; var _ = app.X`),
		"platform/db/dbtest/doc.go":  "// Package dbtest is a helper.\n// It is for tests.\n// And for them alone.\npackage dbtest\nimport \"time\"\nvar t = time.Now()\n",
		"platform/clock/x.go":        in("clock", `import "time"; var t = time.Now()`),
		"people/customer/x.go":       in("customer", "const q = `INSERT INTO customer (id) VALUES ($1) ON CONFLICT (id) DO UPDATE SET id = $1`\nconst c = `SELECT count(*) FROM follow_up FOR UPDATE SKIP LOCKED`"),
		"followup/x.go":              in("followup", "const q = `UPDATE follow_up SET id = 1`\n"+"func f() {\n"+strings.Repeat("_ = 1\n", functionLinesMax-2)+"}"),
		"followup/testdata/x.go":     "not Go at all",
		"engine/deps.go":             "//go:build deps\n\npackage engine\nimport _ \"math/rand\"\n",
		"decide/policy/x.go":         importing("policy", "time", module+"platform/codes"),
		"channel/email/x.go":         importing("email", "time", "github.com/wneessen/go-mail", module+"channel", module+"platform/errs"),
		"platform/db/schema/note.md": "-- followup\nCREATE TABLE other\n",
	})
	for _, r := range rules {
		for _, violation := range r.find(all) {
			t.Errorf("%s: %s", r.name, violation)
		}
	}
}

func TestDirectDependenciesAreReadFromGoMod(t *testing.T) {
	got := directDependencies("module x\n\ngo 1.26.0\n\nrequire (\n\ta.b/c v1.2.3\n\td.e/f/v2 v2.0.0 // indirect\n\tg.h/i/v3 v3.1.0\n)\n")
	if strings.Join(got, " ") != "a.b/c g.h/i/v3" {
		t.Errorf("got %q", got)
	}
}

func TestOwnersAreReadFromTheDataModel(t *testing.T) {
	got := documentedOwners("| table | owner | key |\n|---|---|---|\n| a, `b` | followup | id |\n| c | nobody | id |\n")
	if len(got) != 2 || got["a"] != "followup" || got["b"] != "followup" {
		t.Errorf("got %v", got)
	}
}
