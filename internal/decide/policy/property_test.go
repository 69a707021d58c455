package policy

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var someZones = []string{
	"Asia/Shanghai", "America/New_York", "America/Los_Angeles", "Australia/Lord_Howe", "America/St_Johns",
	"Pacific/Apia", "Africa/Casablanca", "Asia/Kathmandu", "Europe/Dublin", "Pacific/Chatham", "Asia/Tehran", "UTC",
}

func drawSpans(t *rapid.T, label string) []Span {
	marks := rapid.SliceOfNDistinct(rapid.IntRange(0, 96), 2, 8, rapid.ID[int]).Draw(t, label)
	for i := range marks { // in order
		for j := i; j > 0 && marks[j] < marks[j-1]; j-- {
			marks[j], marks[j-1] = marks[j-1], marks[j]
		}
	}
	var spans []Span
	for i := 0; i+1 < len(marks); i += 2 {
		spans = append(spans, Span{marks[i] * 15, marks[i+1] * 15})
	}
	return spans
}

func drawWindows(t *rapid.T, label string) []Window {
	kinds := []Days{AllDays, Workdays, Weekends, Holidays, Monday | Wednesday | Sunday, Workdays | Saturday}
	windows := make([]Window, rapid.IntRange(1, 3).Draw(t, label+" n"))
	for i := range windows {
		windows[i] = Window{Days: rapid.SampledFrom(kinds).Draw(t, label+" days"), Hours: drawSpans(t, label+" hours")}
	}
	return windows
}

func drawInstant(t *rapid.T, label string) time.Time {
	from := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	return from.Add(time.Duration(rapid.Int64Range(0, 7*365*24*3600).Draw(t, label)) * time.Second)
}

func drawRules(t *rapid.T) *Rules {
	packs := []Pack{{Name: "a", Country: AllCountries, Rules: []Rule{{ID: "hours", Basis: House, Windows: drawWindows(t, "house")}}}}
	if rapid.Bool().Draw(t, "law too") {
		packs[0].Rules = append(packs[0].Rules, Rule{ID: "law", Basis: Law, Source: "test", AsOf: "2026-01-01", Windows: drawWindows(t, "law")})
	}
	r, err := New(Spec{Packs: packs, Caps: []CapPolicy{drawCaps(t)}})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func drawCaps(t *rapid.T) CapPolicy {
	draw := func(label string) []Cap {
		caps := make([]Cap, rapid.IntRange(0, 2).Draw(t, label))
		for i := range caps {
			caps[i] = Cap{rapid.IntRange(1, 3).Draw(t, label+" n"), time.Duration(rapid.IntRange(1, 200).Draw(t, label+" hours")) * time.Hour}
		}
		return caps
	}
	return CapPolicy{
		Name:     "p",
		Purposes: map[string][]Cap{Service: draw("service"), Survey: draw("survey")},
		Tries:    draw("tries"), Conversations: draw("conversations"),
	}
}

func drawCounted(t *rapid.T, now time.Time) []Counted {
	rows := make([]Counted, rapid.IntRange(0, 12).Draw(t, "rows"))
	for i := range rows {
		rows[i] = Counted{
			At:       now.Add(-time.Duration(rapid.IntRange(0, 240*60).Draw(t, "minutes ago")) * time.Minute),
			Purpose:  rapid.SampledFrom([]string{Service, Survey, Notice}).Draw(t, "purpose"),
			Kind:     rapid.SampledFrom([]Kind{Message, Try, Conversation}).Draw(t, "kind"),
			FollowUp: rapid.Int64Range(0, 4).Draw(t, "follow-up"), Attempt: rapid.Int64Range(0, 9).Draw(t, "attempt"),
		}
	}
	return rows
}

// What Defer promises is kept to the minute: at Until the contact is allowed,
// and at no instant before; and where a denial says that no instant is left
// before the deadline, there is none.
func TestDeferralsAndDenialsAreExact(t *testing.T) {
	defers, denials := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		r := drawRules(t)
		now := drawInstant(t, "now")
		f := Facts{
			Zones:   rapid.SliceOfN(rapid.SampledFrom(someZones), 1, 3).Draw(t, "zones"),
			Channel: rapid.SampledFrom([]string{Phone, "sms"}).Draw(t, "channel"), Purpose: rapid.SampledFrom([]string{Service, Survey}).Draw(t, "purpose"),
			FollowUp: rapid.Int64Range(0, 4).Draw(t, "follow-up"), Counted: drawCounted(t, now),
			Ring:     time.Duration(rapid.SampledFrom([]int{0, 25, 90, 3600}).Draw(t, "ring")) * time.Second,
			Deadline: now.Add(time.Duration(rapid.IntRange(1, 5*24*60).Draw(t, "minutes left")) * time.Minute),
		}
		if rapid.Bool().Draw(t, "prefers") {
			f.Prefer = drawWindows(t, "prefer")
		}
		if rapid.Bool().Draw(t, "own hours") {
			f.Own = &OwnHours{Windows: drawWindows(t, "own")}
		}
		if rapid.Bool().Draw(t, "gap") {
			f.NotBefore = now.Add(time.Duration(rapid.IntRange(0, 3000).Draw(t, "gap minutes")) * time.Minute)
		}
		d := r.Decide(&f, now)
		end := f.Deadline
		switch d.Verdict {
		case Allow:
			return
		case Defer:
			defers++
			if !d.Until.After(now) || d.Until.After(f.Deadline) {
				t.Fatalf("deferred at %s until %s, deadline %s", now, d.Until, f.Deadline)
			}
			if again := r.Decide(&f, d.Until); again.Verdict != Allow {
				t.Fatalf("deferred until %s, and then %v", d.Until, again)
			}
			end = d.Until.Add(-time.Nanosecond)
		case Deny:
			denials++
		}
		if again := r.Decide(&f, end); again.Verdict == Allow {
			t.Fatalf("%v, and yet allowed at %s", d, end)
		}
		for at := now; !at.After(end); at = at.Add(time.Minute) {
			if again := r.Decide(&f, at); again.Verdict == Allow {
				t.Fatalf("%v, and yet allowed at %s", d, at)
			}
		}
	})
	if defers == 0 || denials == 0 {
		t.Errorf("%d deferrals and %d denials were met: too few to say anything", defers, denials)
	}
}

// Whoever follows the decisions never exceeds a cap in any stretch of time,
// counted here without the product's code.
func TestCapsHoldInEveryStretchOfTime(t *testing.T) {
	deferred := 0
	rapid.Check(t, func(t *rapid.T) {
		caps := drawCaps(t)
		r, err := New(Spec{
			Packs: []Pack{{Name: "a", Country: AllCountries, Rules: []Rule{{ID: "consent", Basis: House, Purposes: []string{Marketing}, Consent: true}}}},
			Caps:  []CapPolicy{caps},
		})
		if err != nil {
			t.Fatal(err)
		}
		now := drawInstant(t, "start")
		var rows []Counted
		for attempt := int64(1); attempt <= 40; attempt++ {
			now = now.Add(time.Duration(rapid.IntRange(0, 30*60).Draw(t, "minutes on")) * time.Minute)
			f := Facts{
				Zones: []string{"UTC"}, Channel: rapid.SampledFrom([]string{Phone, "sms"}).Draw(t, "channel"), Counted: rows,
				Purpose: rapid.SampledFrom([]string{Service, Survey}).Draw(t, "purpose"), FollowUp: rapid.Int64Range(1, 6).Draw(t, "follow-up"),
			}
			d := r.Decide(&f, now)
			if d.Verdict == Defer && rapid.Bool().Draw(t, "waits") {
				deferred++
				now = d.Until
				d = r.Decide(&f, now)
			}
			if d.Verdict != Allow {
				continue
			}
			row := Counted{At: now, Purpose: f.Purpose, Kind: Message, FollowUp: f.FollowUp, Attempt: attempt}
			if f.Channel == Phone {
				row.Kind = Try
			}
			rows = append(rows, row)
			if f.Channel == Phone && rapid.Bool().Draw(t, "connects") {
				row.Kind = Conversation
				rows = append(rows, row)
			}
			if said := exceeded(caps, rows); said != "" {
				t.Fatal(said)
			}
		}
	})
	if deferred == 0 {
		t.Error("no cap was ever reached, so nothing was shown")
	}
}

// exceeded looks at every stretch that ends with a row.
func exceeded(p CapPolicy, rows []Counted) string {
	for _, end := range rows {
		within := func(per time.Duration) (found []Counted) {
			for _, row := range rows {
				if !row.At.After(end.At) && row.At.After(end.At.Add(-per)) {
					found = append(found, row)
				}
			}
			return found
		}
		for purpose, caps := range p.Purposes {
			for _, c := range caps {
				followUps := map[int64]bool{}
				for _, row := range within(c.Per) {
					if row.Purpose == purpose {
						followUps[row.FollowUp] = true
					}
				}
				if len(followUps) > c.N {
					return fmt.Sprintf("%d follow-ups for %s within %s up to %s; %d are allowed", len(followUps), purpose, c.Per, end.At, c.N)
				}
			}
		}
		for kind, caps := range map[Kind][]Cap{Try: p.Tries, Conversation: p.Conversations} {
			for _, c := range caps {
				n := 0
				for _, row := range within(c.Per) {
					if row.Kind == kind {
						n++
					}
				}
				if n > c.N {
					return fmt.Sprintf("%d of %s within %s up to %s; %d are allowed", n, kind, c.Per, end.At, c.N)
				}
			}
		}
	}
	return ""
}

func TestManyMayDecideAtOnce(t *testing.T) {
	r := house(t)
	var wait sync.WaitGroup
	for i := range 8 {
		wait.Go(func() {
			for j := range 200 {
				f := Facts{Zones: []string{someZones[(i+j)%len(someZones)]}, Channel: "sms", Purpose: Notice}
				if j%5 == 0 {
					f.Zones, f.Country = nil, "US"
				}
				r.Decide(&f, time.Date(2026, 1, 1+j%28, j%24, 0, 0, 0, time.UTC))
			}
		})
	}
	wait.Wait()
}

func FuzzParseHours(f *testing.F) {
	for _, s := range []string{"09:00-12:00", "00:00-24:00", "24:00-24:00", "9:00-12:00", "09:60-10:00", "22:00-06:00", "", "-", "09:00–12:00", "١٢:٠٠-١٣:٠٠"} {
		f.Add(s, "14:00-20:00")
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		spans, err := ParseHours(a, b)
		if err != nil {
			if len(err.Error()) < 10 {
				t.Errorf("the error for %q, %q says nothing: %v", a, b, err)
			}
			return
		}
		last := -1
		texts := make([]string, len(spans))
		for i, s := range spans {
			if s.From <= last || s.To <= s.From || s.To > dayEnd {
				t.Fatalf("%q, %q: %v", a, b, spans)
			}
			last, texts[i] = s.To, s.String()
		}
		again, err := ParseHours(texts...)
		if err != nil || fmt.Sprint(again) != fmt.Sprint(spans) {
			t.Fatalf("written as %v, read back as %v, %v", texts, again, err)
		}
	})
}

func FuzzParseDays(f *testing.F) {
	for _, s := range []string{"all", "workdays", "weekends", "holidays", "mon", "Mon", "", "every day"} {
		f.Add(s, "sun")
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		days, err := ParseDays(a, b)
		if err != nil {
			return
		}
		again, err := ParseDays(days.Words()...)
		if err != nil || again != days {
			t.Fatalf("%q, %q are %b, written %v, read back %b, %v", a, b, days, days.Words(), again, err)
		}
	})
}
