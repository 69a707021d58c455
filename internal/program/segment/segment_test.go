package segment

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/huiyin/huiyin/internal/intake/event"
	"github.com/huiyin/huiyin/internal/program/condition"
)

type nobody struct{ condition.CustomerView }

func (nobody) Has(what string) bool { return what == "app" }

func newEnv(t testing.TB) *condition.Env {
	t.Helper()
	catalogue, err := event.NewCatalogue()
	if err != nil {
		t.Fatal(err)
	}
	env, err := condition.NewEnv(catalogue)
	if err != nil {
		t.Fatal(err)
	}
	return env
}

func TestASegmentIsACondition(t *testing.T) {
	env := newEnv(t)
	for when, want := range map[string]bool{`customer.has("app")`: true, `!customer.has("app")`: false} {
		s, err := Compile("app-users", &Definition{When: when}, env)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := s.Holds(nobody{}); err != nil || got != want {
			t.Errorf("%s: %v, %v", when, got, err)
		}
	}
	if all, err := (*Segment)(nil).Holds(nobody{}); err != nil || !all {
		t.Error("everyone isn't everyone")
	}
	for name, def := range map[string]*Definition{Everyone: {When: "true"}, "empty": {}, "misspelt": {When: "custmer.age > 1"}} {
		if _, err := Compile(name, def, env); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
	s, err := Compile("vip", &Definition{When: `customer.sum("wallet.payment.succeeded", "amount_minor", "90d") > 1 && customer.days_since("wallet.app.opened") < 9`}, env)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(s.Condition().FactTypes(), " "); got != "wallet.payment.succeeded wallet.app.opened" {
		t.Error(got)
	}
}

// Lots are written down: a change of the function would move customers between the arms of running studies.
func TestLotsNeverChange(t *testing.T) {
	for _, c := range []struct {
		salt, id string
		want     float64
	}{{"hold-out:failed-payment", "u-1", 0.6336948544033709}, {"sample:failed-payment", "u-1", 0.4456266754655791}, {"", "", 0.6848974799809221}} {
		if got := Bucket(c.salt, c.id); got != c.want {
			t.Errorf("%q %q: got %.17g, want %.17g", c.salt, c.id, got, c.want)
		}
	}
}

func TestSharesComeOutAsAskedAndLotsAreIndependent(t *testing.T) {
	const n = 200_000
	held, sampled, both, other := 0, 0, 0, 0
	for i := range n {
		id := fmt.Sprint("customer-", i)
		h, s := HeldOut("failed-payment", id, 0.10), Sampled("failed-payment", id, 0.50)
		if h {
			held++
		}
		if s {
			sampled++
		}
		if h && s {
			both++
		}
		if h && HeldOut("failed-topup", id, 0.10) {
			other++
		}
	}
	for what, c := range map[string]struct {
		got  int
		want float64
	}{"held out": {held, 0.10}, "sampled": {sampled, 0.50}, "both": {both, 0.05}, "held out of two programs": {other, 0.01}} {
		limit := 4.5 * math.Sqrt(n*c.want*(1-c.want)) // beyond it once in 150,000 runs, if lots were chance
		if math.Abs(float64(c.got)-n*c.want) > limit {
			t.Errorf("%s: %d of %d, want %.0f ± %.0f", what, c.got, n, n*c.want, limit)
		}
	}
}

func TestLotsAreSharesOfAWholeAndGrowOnly(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		program, id := rapid.String().Draw(t, "program"), rapid.String().Draw(t, "id")
		if b := Bucket(program, id); b < 0 || b >= 1 || b != Bucket(program, id) {
			t.Fatalf("lot %v", b)
		}
		less := rapid.Float64Range(0, 1).Draw(t, "less")
		more := rapid.Float64Range(less, 1).Draw(t, "more")
		if HeldOut(program, id, less) && !HeldOut(program, id, more) || Sampled(program, id, less) && !Sampled(program, id, more) {
			t.Fatal("a larger share left somebody out")
		}
		if HeldOut(program, id, 0) || Sampled(program, id, 0) || !HeldOut(program, id, 1) || !Sampled(program, id, 1) {
			t.Fatal("none and all")
		}
	})
}

func BenchmarkBucket(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		_ = HeldOut("failed-payment", "customer-123456", 0.1)
	}
}
