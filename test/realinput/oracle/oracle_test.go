package oracle

import (
	"go/parser"
	"go/token"
	"os"
	"strings"
	"testing"
	"time"
)

var terms = Terms{
	Delay: time.Hour, Wait: 48 * time.Hour, Deadline: 72 * time.Hour, CapPer: 30 * 24 * time.Hour,
	Zone: time.UTC, Hours: [][2]int{{9 * 60, 12 * 60}, {14 * 60, 20 * 60}}, Closed: time.Saturday,
}

func at(text string) time.Time {
	t, err := time.Parse("2006-01-02 15:04:05", text)
	if err != nil {
		panic(err)
	}
	return t
}

func TestTheFirstAllowedMomentIsFound(t *testing.T) {
	for _, c := range []struct{ from, want string }{
		{"1999-02-01 10:00:07", "1999-02-01 10:00:07"}, // Monday, allowed
		{"1999-02-01 11:59:59", "1999-02-01 11:59:59"},
		{"1999-02-01 12:00:00", "1999-02-01 14:00:00"},
		{"1999-02-01 20:00:00", "1999-02-02 09:00:00"},
		{"1999-02-05 20:30:00", "1999-02-07 09:00:00"}, // Friday night: Saturday is closed
	} {
		if got := terms.Open(at(c.from)); !got.Equal(at(c.want)) {
			t.Errorf("from %s: %s, want %s", c.from, got, c.want)
		}
	}
}

func TestTriggersMergeUntilTheEndAndAreThenOverTheCap(t *testing.T) {
	calls := []Call{
		{"a", at("1999-02-01 10:00:00")}, // mailed at 11:00, ends on the 3rd at 11:00
		{"a", at("1999-02-03 11:00:00")}, // merges, at the last moment
		{"a", at("1999-02-03 11:00:01")}, // starts, over the cap
		{"a", at("1999-02-03 12:00:01")}, // merges
		{"a", at("1999-02-03 12:00:02")}, // starts, over the cap
		{"h", at("1999-02-01 10:00:00")},
		{"h", at("1999-02-01 10:00:01")},
	}
	e, err := Expect(calls, map[string]bool{"h": true}, terms)
	if err != nil {
		t.Fatal(err)
	}
	count := map[End]int{}
	for _, f := range e.FollowUps {
		count[f.End]++
	}
	if e.Merged != 2 || count[Unanswered] != 1 || count[Suppressed] != 2 || count[HeldOut] != 2 || len(e.Mailed) != 1 {
		t.Fatalf("%d merged, %v", e.Merged, count)
	}
}

func TestEveryKindOfHarmIsFound(t *testing.T) {
	good := Mail{"a", "k1", at("1999-02-01 10:00:00")}
	for _, c := range []struct {
		name  string
		mails []Mail
		want  string
	}{
		{"nothing wrong", []Mail{good}, ""},
		{"at noon", []Mail{{"a", "k1", at("1999-02-01 12:00:00")}}, "outside the hours"},
		{"on a Saturday", []Mail{{"a", "k1", at("1999-02-06 10:00:00")}}, "outside the hours"},
		{"held out", []Mail{{"h", "k1", at("1999-02-01 10:00:00")}}, "held out"},
		{"the same message twice", []Mail{good, good}, "twice"},
		{"over the cap", []Mail{good, {"a", "k2", at("1999-02-17 10:00:00")}}, "again at"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := strings.Join(Judge(c.mails, map[string]bool{"h": true}, terms), "; ")
			if c.want == "" && got != "" || !strings.Contains(got, c.want) {
				t.Fatalf("%q, want %q", got, c.want)
			}
		})
	}
}

func TestWhatWasNotMailedIsMissed(t *testing.T) {
	e, err := Expect([]Call{{"a", at("1999-02-01 10:00:00")}, {"b", at("1999-02-01 10:00:00")}, {"c", at("1999-02-01 10:00:00")}}, nil, terms)
	if err != nil {
		t.Fatal(err)
	}
	mails := []Mail{{"b", "k", at("1999-02-01 11:00:01")}, {"d", "l", at("1999-02-01 11:00:00")}}
	got := Compare(e, mails, map[string]bool{"c": true})
	if len(got) != 3 {
		t.Fatalf("%q, want: a not mailed, b a second late, d not expected", got)
	}
}

func TestTheOracleImportsOnlyTheStandardLibrary(t *testing.T) {
	files, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if !strings.HasSuffix(f.Name(), ".go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), f.Name(), nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range parsed.Imports {
			if strings.Contains(i.Path.Value, ".") {
				t.Errorf("%s imports %s", f.Name(), i.Path.Value)
			}
		}
	}
}
