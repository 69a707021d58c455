package oracle

import (
	"go/parser"
	"go/token"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// noon is a Wednesday in Shanghai, inside every window there.
var noon = time.Date(2026, 11, 18, 4, 0, 0, 0, time.UTC)

func fair() *Case {
	return &Case{
		People: map[string]*Person{
			"a": {Ref: "a", Places: []Place{{Country: "CN", Zones: []string{"Asia/Shanghai"}}}},
			"b": {Ref: "b", Places: []Place{{Zones: []string{"America/New_York", "Australia/Lord_Howe"}}}},
		},
		Programs: map[string]*Program{"p": {Name: "p", Assigned: map[string]bool{"h": true}, Steps: []Step{{"notice", 1}, {"survey", 2}}}},
		Caps:     []Cap{{"survey", 1, 9 * 24 * time.Hour}},
		Kept:     map[string]bool{"event e1": true},
		Promised: []string{"event e1"},
	}
}

func sent(ref string, n, step int, at time.Time) Write {
	return Write{
		At: at, Channel: "sms", Key: ref + strconv.Itoa(n) + strconv.Itoa(step), To: "+86" + ref, Delivered: at,
		Tag: Tag{Program: "p", Step: step, Matter: ref + "-" + strconv.Itoa(n)},
	}
}

// TestEachBrokenPromiseIsSeen breaks one promise at a time in an otherwise fair run.
func TestEachBrokenPromiseIsSeen(t *testing.T) {
	for _, tt := range []struct {
		name, want string
		spoil      func(c *Case)
	}{
		{"a fair run", "", func(c *Case) { c.Writes = []Write{sent("a", 1, 0, noon), sent("a", 1, 1, noon)} }},
		{"the same key twice", Once, func(c *Case) { c.Writes = []Write{sent("a", 1, 0, noon), sent("a", 1, 0, noon)} }},
		{"a step tried too often", Once, func(c *Case) {
			x, y := sent("a", 1, 0, noon), sent("a", 1, 0, noon.Add(time.Hour))
			y.Key = "another"
			c.Writes = []Write{x, y}
		}},
		{"two seconds after a refusal", Will, func(c *Case) {
			c.People["a"].Refusals = []Refusal{{From: noon, Channel: "*", Purpose: "*"}}
			c.Writes = []Write{sent("a", 1, 0, noon.Add(2*time.Second))}
		}},
		{"half a second after a refusal", "", func(c *Case) {
			c.People["a"].Refusals = []Refusal{{From: noon, Channel: "*", Purpose: "*"}}
			c.Writes = []Write{sent("a", 1, 0, noon.Add(time.Second/2))}
		}},
		{"after the refusal was taken back", "", func(c *Case) {
			c.People["a"].Refusals = []Refusal{{From: noon, Until: noon.Add(time.Hour), Channel: "*", Purpose: "*"}}
			c.Writes = []Write{sent("a", 1, 0, noon.Add(2*time.Hour))}
		}},
		{"another channel was refused", "", func(c *Case) {
			c.People["a"].Refusals = []Refusal{{From: noon, Channel: "email", Purpose: "*"}}
			c.Writes = []Write{sent("a", 1, 0, noon.Add(time.Minute))}
		}},
		{"somebody who shares the address refused", Will, func(c *Case) {
			c.People["b"].Refusals = []Refusal{{From: noon, Channel: "*", Purpose: "*", Address: "+86a"}}
			c.Writes = []Write{sent("a", 1, 0, noon.Add(time.Minute))}
		}},
		{"half past ten at night", Hours, func(c *Case) { c.Writes = []Write{sent("a", 1, 0, noon.Add(10*time.Hour+30*time.Minute))} }},
		{"after a move to another zone", Hours, func(c *Case) {
			p := c.People["a"]
			p.Places = append(p.Places, Place{From: noon.Add(-time.Hour), Country: "US", Zones: []string{"America/New_York"}})
			c.Writes = []Write{sent("a", 1, 0, noon)} // eleven at night in New York
		}},
		{"good in one of two zones only", Hours, func(c *Case) { c.Writes = []Write{sent("b", 1, 0, noon.Add(11*time.Hour))} }},
		{"against the hours they asked for", Hours, func(c *Case) {
			c.People["a"].Own = &Own{Zone: "Asia/Shanghai", From: 19 * 60, To: 21 * 60}
			c.Writes = []Write{sent("a", 1, 0, noon)}
		}},
		{"two surveys in nine days", Caps, func(c *Case) { c.Writes = []Write{sent("a", 1, 1, noon), sent("a", 2, 1, noon.Add(8*24*time.Hour))} }},
		{"two tries of one survey", "", func(c *Case) {
			x, y := sent("a", 1, 1, noon), sent("a", 1, 1, noon.Add(time.Hour))
			y.Key = "second"
			c.Writes = []Write{x, y}
		}},
		{"two surveys to one address", Caps, func(c *Case) {
			c.People["b"].Places = c.People["a"].Places
			x, y := sent("a", 1, 1, noon), sent("b", 1, 1, noon.Add(time.Hour))
			y.To = x.To
			c.Writes = []Write{x, y}
		}},
		{"a survey to somebody held out", HeldOut, func(c *Case) {
			c.People["h"] = &Person{Ref: "h", Places: c.People["a"].Places}
			c.Writes = []Write{sent("h", 1, 1, noon)}
		}},
		{"a notice to somebody held out", "", func(c *Case) {
			c.People["h"] = &Person{Ref: "h", Places: c.People["a"].Places}
			c.Writes = []Write{sent("h", 1, 0, noon)}
		}},
		{"no notice to anybody held out", HeldOut, func(c *Case) {
			c.Programs["p"].ControlMatters = 30
			for i := range 30 {
				c.Writes = append(c.Writes, sent("a", i, 0, noon))
			}
		}},
		{"while the program was held", Held, func(c *Case) {
			c.Programs["p"].Pauses = []Pause{{From: noon.Add(-time.Minute)}}
			c.Writes = []Write{sent("a", 1, 0, noon)}
		}},
		{"an event that was acknowledged is gone", Durable, func(c *Case) { c.Promised = append(c.Promised, "event e2") }},
		{"a trigger that nobody counted", Account, func(c *Case) { c.Counts = []Count{{What: "triggers", True: 3, Said: 2}} }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := fair()
			tt.spoil(c)
			got := Judge(c)
			if tt.want == "" && len(got) > 0 || tt.want != "" && (len(got) == 0 || got[0].Invariant != tt.want) {
				t.Fatalf("found %+v, want %q", got, tt.want)
			}
		})
	}
}

func TestTheOracleKnowsNothingOfWhatItJudges(t *testing.T) {
	files, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	read := 0
	for _, f := range files {
		if !strings.HasSuffix(f.Name(), ".go") || strings.HasSuffix(f.Name(), "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), f.Name(), nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		read++
		for _, i := range parsed.Imports {
			if strings.Contains(i.Path.Value, ".") {
				t.Errorf("%s imports %s: the oracle stands on the standard library alone", f.Name(), i.Path.Value)
			}
		}
	}
	if read < 3 {
		t.Fatalf("only %d files were read", read)
	}
}

func TestATagReadsBack(t *testing.T) {
	got, ok := ReadTag("Dear M***: [failed-payment/2/c17-3] https://x/q/abc")
	if want := (Tag{"failed-payment", 2, "c17-3"}); !ok || got != want || got.Ref() != "c17" {
		t.Fatalf("%+v %v, want %+v", got, ok, want)
	}
	if _, ok := ReadTag("no tag here"); ok {
		t.Fatal("a text without a tag has none")
	}
}
