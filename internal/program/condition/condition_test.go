package condition

import (
	"strings"
	"testing"
	"time"

	"github.com/huiyin/huiyin/internal/intake/event"
	"github.com/huiyin/huiyin/internal/program/document"
)

// someone is a customer made up for tests; what was asked is written down.
type someone struct {
	age      int64
	segments []string
	has      string
	asked    []string
}

func (s *someone) Has(what string) bool { return what == s.has }
func (s *someone) Age() int64           { return s.age }
func (s *someone) InSegment(name string) bool {
	for _, n := range s.segments {
		if n == name {
			return true
		}
	}
	return false
}

func (s *someone) Sum(eventType, field, window string) int64 {
	s.asked = append(s.asked, eventType+"/"+field+"/"+window)
	return 6_000_000
}
func (s *someone) Count(string, string) int64 { return 5 }
func (s *someone) DaysSince(string) int64     { return 31 }
func (s *someone) Language() string           { return "zh-CN" }
func (s *someone) Country() string            { return "CN" }
func (s *someone) Ref() string                { return "u-1" }

func newEnv(t testing.TB) *Env {
	t.Helper()
	odd, err := event.NewType("test.odd.shape", nil, []byte(`{"type":"object","properties":{
		"items":{"type":"array","items":{"type":"string"}},"numbers":{"type":"array","items":{"type":"integer"}},
		"place":{"type":"object","properties":{"city":{"type":"string"}}},"anything":{},
		"rate":{"type":"number"},"due":{"type":"string","format":"date-time"}}}`))
	if err != nil {
		t.Fatal(err)
	}
	catalogue, err := event.NewCatalogue(odd)
	if err != nil {
		t.Fatal(err)
	}
	env, err := NewEnv(catalogue)
	if err != nil {
		t.Fatal(err)
	}
	return env
}

const failedPayment = "wallet.payment.failed"

func payment(data string) *event.Event {
	return &event.Event{
		ID: "e1", Source: "/test", Type: failedPayment, Subject: "u-1",
		At: time.Date(2026, 11, 1, 8, 0, 0, 0, time.UTC), Data: []byte(data),
	}
}

const paidNothing = `{"order_id":"o-1","amount_minor":8000,"currency":"CNY","merchant":"茶馆","reason":"insufficient-funds","charged":false}`

func TestAConditionHoldsOrNot(t *testing.T) {
	env := newEnv(t).TriggeredBy(failedPayment)
	three, answers := int64(3), map[string]any{"satisfaction": int64(2), "reasons": []string{"slow"}}
	odd := &event.Event{Type: "test.odd.shape", Data: []byte(
		`{"items":["a","b"],"numbers":[1,2,3],"place":{"city":"杭州"},"anything":{"x":[1]},"rate":2,"due":"2026-11-02T08:00:00+08:00"}`)}
	for name, c := range map[string]struct {
		expr  string
		place Place
		of    string
		vars  Vars
		want  bool
	}{
		"an amount above and the right currency":      {`event.data.amount_minor >= 5000 && event.data.currency == "CNY"`, Trigger, failedPayment, Vars{Event: payment(paidNothing)}, true},
		"an amount below":                             {`event.data.amount_minor >= 9000`, Trigger, failedPayment, Vars{Event: payment(paidNothing)}, false},
		"the same order in both events":               {`event.data.order_id == trigger.data.order_id`, CancelOn, "wallet.payment.succeeded", Vars{Event: payment(paidNothing), Trigger: payment(paidNothing)}, true},
		"an absent field doesn't hold":                {`event.data.merchant == ""`, Trigger, failedPayment, Vars{Event: payment(`{"amount_minor":1}`)}, false},
		"nor does its negation":                       {`!(event.data.merchant == "")`, Trigger, failedPayment, Vars{Event: payment(`{"amount_minor":1}`)}, false},
		"but has can ask for it":                      {`!has(event.data.merchant)`, Trigger, failedPayment, Vars{Event: payment(`{"amount_minor":1}`)}, true},
		"an absent field beside one that holds":       {`event.data.merchant == "x" || event.data.amount_minor == 1`, Trigger, failedPayment, Vars{Event: payment(`{"amount_minor":1}`)}, true},
		"the customer's age or segment":               {`customer.age >= 60 || customer.in_segment("vip")`, Step, failedPayment, Vars{Trigger: payment("{}"), Customer: &someone{age: 30, segments: []string{"vip"}}}, true},
		"an unknown age doesn't hold":                 {`customer.age < 60`, Step, failedPayment, Vars{Trigger: payment("{}"), Customer: &someone{}}, false},
		"what the customer has":                       {`customer.has("app")`, Step, failedPayment, Vars{Trigger: payment("{}"), Customer: &someone{has: "app"}}, true},
		"a sum over a window":                         {`customer.sum("wallet.payment.succeeded", "amount_minor", "90d") >= 5000000`, Segment, "", Vars{Customer: &someone{}}, true},
		"days since and a count":                      {`customer.days_since("wallet.payment.succeeded") > 30 && customer.count("wallet.payment.succeeded", "120d") >= 5`, Segment, "", Vars{Customer: &someone{}}, true},
		"language and country":                        {`customer.language == "zh-CN" && customer.country in ["CN", "US"]`, Segment, "", Vars{Customer: &someone{}}, true},
		"a low score":                                 {`score <= 3`, OnAnswer, "", Vars{Score: &three}, true},
		"no score doesn't hold":                       {`score <= 3`, OnAnswer, "", Vars{}, false},
		"an answer by name, untyped":                  {`answers.satisfaction <= 2`, OnAnswer, "", Vars{Answers: answers}, true},
		"a choice among several":                      {`"slow" in answers.reasons`, OnAnswer, "", Vars{Answers: answers}, true},
		"an item of a list":                           {`"b" in event.data.items`, Trigger, "test.odd.shape", Vars{Event: odd}, true},
		"a loop over a list":                          {`event.data.numbers.exists(n, n > 2)`, Trigger, "test.odd.shape", Vars{Event: odd}, true},
		"a field of an object inside":                 {`event.data.place.city == "杭州"`, Trigger, "test.odd.shape", Vars{Event: odd}, true},
		"a field of an object without a shape":        {`event.data.anything.x[0] == 1`, Trigger, "test.odd.shape", Vars{Event: odd}, true},
		"a whole number where the field is a number":  {`event.data.rate > 1`, Trigger, "test.odd.shape", Vars{Event: odd}, true},
		"times are compared over zones":               {`event.data.due == timestamp("2026-11-02T00:00:00Z")`, Trigger, "test.odd.shape", Vars{Event: odd}, true},
		"any event, its data untyped":                 {`trigger.data.amount_minor > 1`, Step, AnyType, Vars{Trigger: payment(paidNothing)}, true},
		"the event's own fields":                      {`event.type == "wallet.payment.failed" && event.time < timestamp("2027-01-01T00:00:00Z")`, Trigger, failedPayment, Vars{Event: payment("{}")}, true},
		"the last of two keys of one name is the one": {`event.data.amount_minor == 2`, Trigger, failedPayment, Vars{Event: payment(`{"amount_minor":1,"amount_minor":2}`)}, true},
	} {
		t.Run(name, func(t *testing.T) {
			compiled, err := env.Compile(c.expr, c.place, c.of)
			if err != nil {
				t.Fatal(err)
			}
			got, err := compiled.Match(c.vars)
			if err != nil {
				t.Fatal(err)
			}
			if got != c.want {
				t.Errorf("%s: got %v", c.expr, got)
			}
		})
	}
}

func TestABadConditionIsRefusedWithTheWayToMendIt(t *testing.T) {
	env := newEnv(t).TriggeredBy(failedPayment)
	nested := `event.data.items.all(a, event.data.items.all(b, a != b))`
	for name, c := range map[string]struct {
		expr  string
		place Place
		of    string
		code  string
		says  []string
	}{
		"a misspelt field":                        {`event.data.amout_minor > 1`, Trigger, failedPayment, codeUnknown, []string{"amout_minor", "did you mean `amount_minor`"}},
		"a misspelt field of the customer":        {`customer.agee > 1`, Segment, "", codeUnknown, []string{"did you mean `age`"}},
		"a misspelt question of the customer":     {`customer.in_segmant("vip")`, Segment, "", codeUnknown, []string{"did you mean `in_segment`"}},
		"a text beside a number":                  {`event.data.amount_minor >= "5000"`, Trigger, failedPayment, codeTypes, []string{"whole number", "a text", "quotes"}},
		"a text equal to a number":                {`event.data.currency == 5`, Trigger, failedPayment, codeTypes, []string{"a text", "whole number"}},
		"a broken bracket":                        {`(event.data.amount_minor > 1`, Trigger, failedPayment, codeSyntax, []string{"can't be read", "brackets"}},
		"a number alone":                          {`event.data.amount_minor`, Trigger, failedPayment, codeTypes, []string{"whole number", "true or false"}},
		"event in a step":                         {`event.data.amount_minor > 1`, Step, failedPayment, codeUnknown, []string{"say `trigger`"}},
		"trigger in a segment":                    {`trigger.data.amount_minor > 1`, Segment, "", codeUnknown, []string{"no event stands behind this"}},
		"an unknown event type":                   {`customer.count("wallet.payment.succeded", "90d") > 1`, Segment, "", codeUnknown, []string{"did you mean `wallet.payment.succeeded`"}},
		"an unknown type of the trigger":          {`event.data.amount_minor > 1`, Trigger, "wallet.payment.fail", codeUnknown, []string{"there is no event type"}},
		"a field that isn't added up":             {`customer.sum("wallet.payment.succeeded", "merchant", "90d") > 1`, Segment, "", codeArgs, []string{"amount_minor"}},
		"a window in hours":                       {`customer.count("wallet.payment.succeeded", "24h") > 1`, Segment, "", codeArgs, []string{"whole days"}},
		"a window beyond the facts":               {`customer.count("wallet.payment.succeeded", "500d") > 1`, Segment, "", codeArgs, []string{"400d"}},
		"a window that isn't written out":         {`customer.has(customer.language)`, Segment, "", codeArgs, []string{"in quotes"}},
		"a question with too few words":           {`customer.count("wallet.payment.succeeded") > 1`, Segment, "", codeTypes, []string{`customer.count("wallet.payment.succeeded", "90d")`}},
		"a segment within a segment":              {`customer.in_segment("vip")`, Segment, "", codeArgs, []string{"can't ask for another"}},
		"a loop within a loop":                    {nested, Trigger, "test.odd.shape", codeLong, []string{"could run long"}},
		"four loops over written-out lists":       {loops(4), Segment, "", codeLong, []string{"could run long"}},
		"too many characters":                     {strings.Repeat("true && ", 300) + "true", Segment, "", codeLong, []string{"2404 characters"}},
		"an empty condition":                      {"  ", Segment, "", codeSyntax, []string{"is empty"}},
		"a key that is a list":                    {`trigger.data.items`, Reentry, "test.odd.shape", codeTypes, []string{"text or a whole number"}},
		"a type built in a condition":             {`google.protobuf.Duration{} == google.protobuf.Duration{}`, Segment, "", codeSyntax, []string{"can't build"}},
		"a regular expression of enormous effort": {`event.data.merchant.matches("((a{30}){30}){30}")`, Trigger, failedPayment, codeSyntax, nil},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := env.Compile(c.expr, c.place, c.of)
			if err == nil {
				t.Fatalf("%s was taken", c.expr)
			}
			t.Log(err)
			if !strings.Contains(codesOf(err), c.code) {
				t.Errorf("code %s, want %s", codesOf(err), c.code)
			}
			for _, words := range c.says {
				if !strings.Contains(err.Error(), words) {
					t.Errorf("%q doesn't say %q", err, words)
				}
			}
		})
	}
}

// loops writes n loops, one inside the other, over lists of 30.
func loops(n int) string {
	list := "[" + strings.Repeat("1,", 29) + "1]"
	expr := "true"
	for i := range n {
		expr = list + ".all(x" + string(rune('a'+i)) + ", " + expr + ")"
	}
	return expr
}

// stoppedWithin is far from what it takes, a quarter of a second, and far from the minutes it would take unstopped.
var stoppedWithin = 5 * time.Second

func TestALongRunIsStopped(t *testing.T) {
	env := newEnv(t)
	c, err := env.Compile(`event.data.numbers.all(n, n + 1 > n || n - 1 < n)`, Trigger, "test.odd.shape")
	if err != nil {
		t.Fatal(err)
	}
	if c.CostMax() <= costFree {
		t.Fatalf("the estimate is %d, the case tests nothing", c.CostMax())
	}
	few := &event.Event{Type: "test.odd.shape", Data: []byte(`{"numbers":[1,2,3]}`)}
	if held, err := c.Match(Vars{Event: few}); err != nil || !held {
		t.Fatalf("few numbers: %v, %v", held, err)
	}
	many := &event.Event{Type: "test.odd.shape", Data: []byte(`{"numbers":[` + strings.Repeat("1,", 9000) + `1]}`)}
	began := time.Now()
	_, err = c.Match(Vars{Event: many})
	if err == nil || !strings.Contains(err.Error(), "cost") {
		t.Errorf("many numbers: %v", err)
	}
	if took := time.Since(began); took > stoppedWithin {
		t.Errorf("it took %s to be stopped", took)
	}
}

func TestAKeyIsATextOrEmpty(t *testing.T) {
	env := newEnv(t)
	for expr, want := range map[string]string{
		`trigger.data.order_id`:                          "o-1",
		`trigger.data.amount_minor`:                      "8000",
		`trigger.data.order_id + "/" + trigger.subject`:  "o-1/u-1",
		`trigger.data.order_id + trigger.data.method`:    "",
		`string(trigger.data.amount_minor) + "-" + "ab"`: "8000-ab",
	} {
		c, err := env.Compile(expr, Reentry, failedPayment)
		if err != nil {
			t.Error(expr, err)
			continue
		}
		if got, err := c.Text(Vars{Trigger: payment(paidNothing)}); err != nil || got != want {
			t.Errorf("%s: %q, %v", expr, got, err)
		}
	}
}

func TestWhatAConditionAsksForIsKnown(t *testing.T) {
	env := newEnv(t)
	c, err := env.Compile(`customer.in_segment("vip") || customer.in_segment("at-risk") || customer.in_segment("vip")`, Step, failedPayment)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(c.Segments(), ","); got != "vip,at-risk" {
		t.Errorf("segments: %s", got)
	}
	if !c.Uses("customer") || c.Uses("trigger") {
		t.Error("it uses customer and nothing else")
	}
	who := &someone{}
	sum, err := env.Compile(`customer.sum("wallet.payment.succeeded", "amount_minor", "90d") > 1`, Segment, "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := sum.Match(Vars{Customer: who}); err != nil || who.asked[0] != "wallet.payment.succeeded/amount_minor/90d" {
		t.Errorf("asked %v, %v", who.asked, err)
	}
}

func TestTypedAnswersKnowTheirQuestions(t *testing.T) {
	env := newEnv(t).WithAnswers([]event.Field{
		{Name: "satisfaction", Kind: event.Int}, {Name: "better", Kind: event.String}, {Name: "why", Kind: event.List, Of: event.String},
	})
	if _, err := env.Compile(`answers.satisfacton <= 2`, OnAnswer, ""); err == nil || !strings.Contains(err.Error(), "`satisfaction`") {
		t.Error("a misspelt question:", err)
	}
	if _, err := env.Compile(`answers.better > 2`, OnAnswer, ""); err == nil {
		t.Error("a text was put beside a number")
	}
	c, err := env.Compile(`satisfaction <= 3 && "slow" in why`, Question, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range []struct {
		answers map[string]any
		want    bool
	}{
		{map[string]any{"satisfaction": int64(3), "why": []string{"slow"}}, true},
		{map[string]any{"satisfaction": 3.0, "why": []any{"slow"}}, true},
		{map[string]any{"satisfaction": int64(4), "why": []string{"slow"}}, false},
		{map[string]any{"why": []string{"slow"}}, false},
		{nil, false},
	} {
		if got, err := c.Match(Vars{Answers: one.answers}); err != nil || got != one.want {
			t.Errorf("%v: %v, %v", one.answers, got, err)
		}
	}
}

func TestBrokenDataIsAnErrorAndNotAMatch(t *testing.T) {
	env := newEnv(t)
	c, err := env.Compile(`event.data.amount_minor > 1 || true`, Trigger, failedPayment)
	if err != nil {
		t.Fatal(err)
	}
	for _, data := range []string{`{"amount_minor":`, `{"amount_minor":"x"}`, strings.Repeat(`{"a":`, 100) + "1" + strings.Repeat("}", 100)} {
		held, err := c.Match(Vars{Event: payment(data)})
		if held && strings.HasPrefix(data, `{"amount_minor":"`) {
			continue // CEL's || holds although one side failed
		}
		if held || err == nil {
			t.Errorf("%.30s: %v, %v", data, held, err)
		}
	}
}

func FuzzCompile(f *testing.F) {
	for _, s := range []string{
		`event.data.amount_minor >= 5000 && event.data.currency == "CNY"`, `customer.in_segment("vip")`, `has(event.data.merchant)`,
		`event.data.items.all(i, i.startsWith("a"))`, `[1,2,3].map(x, x * 2).size() > 1`, `timestamp("2026-01-01T00:00:00Z") < event.time`,
		`event.data[`, `"\x00"`, `event{}`, `type(event) == int`, `dyn(event.data) == 1`, `duration("1h") > duration("1s")`, `event.data.place.city`,
	} {
		f.Add(s)
	}
	env := newEnv(f)
	data := payment(`{"amount_minor":1,"currency":"CNY","order_id":"x"}`)
	f.Fuzz(func(t *testing.T, expr string) {
		start := time.Now()
		defer func() {
			if took := time.Since(start); took > 2*time.Second {
				t.Errorf("%q took %s", expr, took)
			}
		}()
		c, err := env.Compile(expr, Trigger, failedPayment)
		if err != nil {
			if err.Error() == "" {
				t.Error("an error without words")
			}
			return
		}
		_, _ = c.Match(Vars{Event: data, Customer: &someone{}}) // either answer will do; a panic or a long run won't
	})
}

func BenchmarkMatch(b *testing.B) {
	env := newEnv(b)
	compiled, err := env.Compile(`event.data.amount_minor >= 5000 && event.data.currency == "CNY"`, Trigger, failedPayment)
	if err != nil {
		b.Fatal(err)
	}
	hit := payment(paidNothing)
	miss := payment(strings.Replace(paidNothing, "8000", "100", 1))
	for _, c := range []struct {
		name string
		e    *event.Event
		want bool
	}{{"hit", hit, true}, {"miss", miss, false}} {
		data, err := Read(c.e)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if got, err := compiled.Match(Vars{Event: c.e, EventData: data}); got != c.want || err != nil {
					b.Fatal(got, err)
				}
			}
		})
		b.Run(c.name+" with reading the data", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if got, err := compiled.Match(Vars{Event: c.e}); got != c.want || err != nil {
					b.Fatal(got, err)
				}
			}
		})
	}
}

func BenchmarkCompile(b *testing.B) {
	env := newEnv(b)
	for b.Loop() {
		if _, err := env.Compile(`event.data.amount_minor >= 5000 && event.data.currency == "CNY"`, Trigger, failedPayment); err != nil {
			b.Fatal(err)
		}
	}
}

func codesOf(err error) string {
	var all []string
	for _, e := range document.All(err) {
		all = append(all, e.Code)
	}
	return strings.Join(all, " ")
}

func TestNoConditionTakesLongToCompile(t *testing.T) {
	env := newEnv(t)
	fill := func(open, middle, closing string) string {
		n := (ExpressionCharsMax - len(middle)) / (len(open) + len(closing))
		return strings.Repeat(open, n) + middle + strings.Repeat(closing, n)
	}
	for name, expr := range map[string]string{
		"brackets":                fill("(", "true", ")"),
		"lists":                   fill("[", "1", "]"),
		"maps":                    fill("{1:", "1", "}"),
		"negations":               fill("!", "true", ""),
		"brackets left open":      fill("(", "", ""),
		"questions":               fill("true?", "true", ":true"),
		"questions left open":     fill("true?", "", ""),
		"a long chain of fields":  fill("", "event", ".data"),
		"a long sum":              fill("1+", "1 > 0", ""),
		"loops inside loops":      fill("[1].all(x,", "true", ")"),
		"broken loops":            fill("[1].all(x,", "", ""),
		"a has inside has":        fill("has(", "event.data.merchant", ")"),
		"brackets of every kind":  fill("([{", "", ""),
		"texts added":             fill(`"a"+`, `"a" == ""`, ""),
		"a regular expression":    `event.data.merchant.matches("` + strings.Repeat("(a|", 300) + "b" + strings.Repeat(")*", 300) + `")`,
		"quotes left open":        fill(`"`, "", ""),
		"operators and no values": fill("&&||", "", ""),
	} {
		began := time.Now()
		c, err := env.Compile(expr, Trigger, failedPayment)
		if err == nil {
			_, _ = c.Match(Vars{Event: payment(paidNothing)})
		}
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("%s: %s", name, took)
		} else {
			t.Logf("%-26s %8s %v", name, took.Round(time.Microsecond), err == nil)
		}
	}
}
