package policy

import (
	"syscall"
	"testing"
	"time"
)

// benchCase is one decision as the engine asks it, and what it must come to.
type benchCase struct {
	name  string
	facts Facts
	now   time.Time
	want  Verdict
}

func benchCases(t testing.TB) []benchCase {
	now := at(t, "2026-03-03 15:00", "Asia/Shanghai")
	night := at(t, "2026-03-03 22:30", "Asia/Shanghai")
	base := Facts{
		Zones: []string{"Asia/Shanghai"}, Country: "CN", Channel: Phone, Purpose: Service, FollowUp: 9,
		Prefer:   append(windows(t, Workdays, "12:00-13:30", "14:30-20:30"), windows(t, Holidays, "10:00-12:00")...),
		Refusals: []Refusal{{"sms", Any}, {Any, Marketing}},
		Consents: []Consent{{Service, Any, true, now.Add(-time.Hour)}},
		Deadline: now.Add(48 * time.Hour), Ring: 25 * time.Second,
		Counted: []Counted{
			{now.Add(-80 * time.Hour), Survey, Message, 3, 31},
			{now.Add(-60 * time.Hour), Notice, Message, 4, 41},
			{now.Add(-50 * time.Hour), Service, Try, 5, 51},
			{now.Add(-26 * time.Hour), Service, Try, 9, 91},
		},
	}
	capped := base
	capped.Deadline = now.Add(6 * 24 * time.Hour)
	capped.Counted = append(base.Counted[:4:4], Counted{now.Add(-3 * time.Hour), Service, Try, 9, 92}, Counted{now.Add(-2 * time.Hour), Service, Try, 9, 93})
	two := base
	two.Country, two.Zones = "US", []string{"America/Chicago", "America/Los_Angeles"}
	unknown := base
	unknown.Country, unknown.Zones, unknown.Channel = "US", nil, "email"
	return []benchCase{
		{"allow a call by day", base, now, Allow},
		{"defer a call by night", base, night, Defer},
		{"defer at a cap", capped, now, Defer},
		{"two zones of the United States", two, at(t, "2026-03-03 15:00", "America/Chicago"), Allow},
		{"all zones of the United States", unknown, now, Defer},
	}
}

// cpuTime is what the process has used, so that a busy machine doesn't matter.
func cpuTime(b *testing.B) time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

func BenchmarkDecide(b *testing.B) {
	r := house(b)
	for _, c := range benchCases(b) {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			before := cpuTime(b)
			for range b.N {
				if d := r.Decide(&c.facts, c.now); d.Verdict != c.want {
					b.Fatalf("%v", d)
				}
			}
			b.ReportMetric(float64(cpuTime(b)-before)/float64(b.N), "cpu-ns/op")
		})
	}
}

func TestDecidingAllocatesNothing(t *testing.T) {
	r := house(t)
	for _, c := range benchCases(t) {
		t.Run(c.name, func(t *testing.T) {
			d := r.Decide(&c.facts, c.now)
			if d.Verdict != c.want {
				t.Fatalf("got %v", d)
			}
			if n := testing.AllocsPerRun(200, func() { r.Decide(&c.facts, c.now) }); n > 0 {
				t.Errorf("%v allocations", n)
			}
		})
	}
}
