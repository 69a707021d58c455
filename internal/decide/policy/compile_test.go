package policy

import (
	"strings"
	"testing"
	"time"

	"github.com/huiyin/huiyin/internal/platform/codes"
)

func TestRulesThatCannotBeCompiledAreNamed(t *testing.T) {
	day := 24 * time.Hour
	hours := Rule{ID: "hours", Basis: House, Windows: windows(t, AllDays, "09:00-12:00")}
	with := func(change func(*Rule)) Spec {
		r := hours
		change(&r)
		return Spec{Packs: []Pack{{Name: "p", Country: "CN", Rules: []Rule{r}}}}
	}
	caps := func(p CapPolicy) Spec { p.Name = "c"; return Spec{Caps: []CapPolicy{p}} }
	cases := []struct {
		name string
		spec Spec
		want string
	}{
		{"a country nobody knows", Spec{Packs: []Pack{{Name: "p", Country: "Atlantis", Rules: []Rule{hours}}}}, `"Atlantis" is no ISO 3166 code`},
		{"the same pack twice", Spec{Packs: []Pack{{Name: "p", Country: "CN", Rules: []Rule{hours}}, {Name: "p", Country: "US", Rules: []Rule{hours}}}}, "stands twice"},
		{"the same rule twice", Spec{Packs: []Pack{{Name: "p", Country: "CN", Rules: []Rule{hours, hours}}}}, "stands twice"},
		{"a pack without rules", Spec{Packs: []Pack{{Name: "p", Country: "CN"}}}, "holds 0 rules"},
		{"a rule without an id", with(func(r *Rule) { r.ID = "" }), "no id"},
		{"a rule of no basis", with(func(r *Rule) { r.Basis = "custom" }), "write law (with source and as_of) or house"},
		{"law without a source", with(func(r *Rule) { r.Basis, r.AsOf = Law, "2026-01-01" }), "names its source"},
		{"law without a day it was read", with(func(r *Rule) { r.Basis, r.Source = Law, "s" }), "as_of"},
		{"a rule that sets nothing", with(func(r *Rule) { r.Windows = nil }), "sets nothing"},
		{"a purpose nobody knows", with(func(r *Rule) { r.Purposes = []string{"gossip"} }), `"gossip" is not known`},
		{"a window without days", with(func(r *Rule) { r.Windows = []Window{{Hours: []Span{{0, 60}}}} }), "names no days"},
		{"a window beyond its day", with(func(r *Rule) { r.Windows = []Window{{Days: AllDays, Hours: []Span{{0, 1441}}}} }), "not inside one day"},
		{"a cap that counts nothing known", with(func(r *Rule) { r.Cap = &RuleCap{Cap{1, day}, "calls"} }), `cannot count "calls"`},
		{"a cap that looks back too far", caps(CapPolicy{Tries: []Cap{{1, 401 * day}}}), "up to 400d"},
		{"a cap larger than can be counted", caps(CapPolicy{Tries: []Cap{{65, day}}}), "a cap of 65"},
		{"a cap on an unknown purpose", caps(CapPolicy{Purposes: map[string][]Cap{"gossip": {{1, day}}}}), `"gossip" is not known`},
		{"an exemption nobody knows", caps(CapPolicy{Exempt: []string{"vip"}}), `"vip" is not known`},
		{"a home that is no country", Spec{Home: "XX"}, `"XX" is no ISO 3166 code`},
		{"two calendars of one country", Spec{Calendars: []Calendar{{Country: "CN"}, {Country: "CN"}}}, "two calendars"},
		{"a make-up workday on a Tuesday", Spec{Calendars: []Calendar{{Country: "CN", Years: []Year{{Year: 2026, Work: []Date{{2026, 3, 3}}}}}}}, "no day of the weekend"},
		{"a day that isn't", Spec{Calendars: []Calendar{{Country: "CN", Years: []Year{{Year: 2026, Off: []Stretch{{Date{2026, 2, 29}, Date{2026, 2, 29}}}}}}}}, "no days of the calendar"},
		{"days off that run backwards", Spec{Calendars: []Calendar{{Country: "CN", Years: []Year{{Year: 2026, Off: []Stretch{{Date{2026, 3, 3}, Date{2026, 3, 2}}}}}}}}, "backwards"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := New(c.spec)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v\nwant something that says %q", err, c.want)
			}
		})
	}
}

func TestWithoutAnyPackNobodyIsContacted(t *testing.T) {
	r := mustRules(t, Spec{})
	f := Facts{Zones: []string{"Asia/Shanghai"}, Country: "CN", Channel: "inapp", Purpose: Notice}
	if d := r.Decide(&f, at(t, "2026-03-03 10:00", "UTC")); d.Verdict != Deny || d.Reason != codes.NoRulePack {
		t.Errorf("got %v", d)
	}
}

func TestTheStricterOfSeveralPoliciesAndPacksHolds(t *testing.T) {
	day := 24 * time.Hour
	pack := func(name string, hours string) Pack {
		return Pack{Name: name, Country: "CN", Rules: []Rule{{ID: "hours", Basis: House, Windows: windows(t, AllDays, hours)}}}
	}
	r := mustRules(t, Spec{
		Packs: []Pack{pack("wide", "08:00-21:00"), pack("narrow", "10:00-18:00")},
		Caps: []CapPolicy{
			{Name: "two", Purposes: map[string][]Cap{Survey: {{2, 30 * day}}}, Exempt: []string{CustomerAsked}},
			{Name: "one", Purposes: map[string][]Cap{Survey: {{1, 30 * day}}}},
		},
	})
	now := at(t, "2026-03-03 09:00", "Asia/Shanghai")
	f := Facts{Zones: []string{"Asia/Shanghai"}, Channel: "sms", Purpose: Survey, FollowUp: 2}
	if d := r.Decide(&f, now); d.Verdict != Defer || d.Rule != "narrow/hours" {
		t.Errorf("hours: got %v", d)
	}
	f.Counted = []Counted{{now.Add(-day), Survey, Message, 1, 1}}
	if d := r.Decide(&f, now); d.Verdict != Defer || d.Rule != "one: survey 1 per 30d" || !d.Until.Equal(at(t, "2026-04-01 10:00", "Asia/Shanghai")) {
		t.Errorf("caps: got %v", d)
	}
	f.Exempt = CustomerAsked // an exemption of one policy is none of the other's
	if d := r.Decide(&f, now.Add(2*time.Hour)); d.Verdict != Defer || d.Rule != "one: survey 1 per 30d" {
		t.Errorf("exemption: got %v", d)
	}
}

func TestACapOfNoughtForbids(t *testing.T) {
	r := mustRules(t, Spec{
		Packs: []Pack{{Name: "p", Country: AllCountries, Rules: []Rule{{ID: "hours", Basis: House, Channels: []string{Phone}, Windows: windows(t, AllDays, "09:00-12:00")}}}},
		Caps:  []CapPolicy{{Name: "c", Purposes: map[string][]Cap{Survey: {{0, time.Hour}}}}},
	})
	now := at(t, "2026-03-03 09:00", "UTC")
	f := Facts{Zones: []string{"UTC"}, Channel: "sms", Purpose: Survey, Deadline: now.Add(time.Hour)}
	if d := r.Decide(&f, now); d.Verdict != Deny || d.Reason != codes.CapForbids || !Impossible(d.Reason) {
		t.Errorf("got %v", d)
	}
	if d, never := r.Never("sms", Survey, 0, now); !never || d.Reason != codes.CapForbids {
		t.Errorf("Never says %v, %v", d, never)
	}
	if d, never := r.Never("sms", Notice, 0, now); never {
		t.Errorf("notices are possible, and Never says %v", d)
	}
	if d, never := r.Never(Phone, Notice, 4*time.Hour, now); !never || d.Reason != codes.WindowNeverOpens {
		t.Errorf("no window holds four hours of ringing, and Never says %v, %v", d, never)
	}
}

func TestLawsCapsAreNeverSetAside(t *testing.T) {
	day := 24 * time.Hour
	rule := func(b Basis) *Rules {
		return mustRules(t, Spec{Packs: []Pack{{Name: "p", Country: "CN", Rules: []Rule{
			{ID: "calls", Basis: b, Source: "s", AsOf: "2026-01-01", Channels: []string{Phone}, Cap: &RuleCap{Cap{1, day}, CountTries}},
		}}}})
	}
	now := at(t, "2026-03-03 10:00", "Asia/Shanghai")
	f := Facts{Zones: []string{"Asia/Shanghai"}, Channel: Phone, Purpose: Service, Exempt: AgreedCallBack, Counted: []Counted{{now.Add(-time.Hour), Service, Try, 1, 1}}}
	if d := rule(Law).Decide(&f, now); d.Verdict != Defer || d.Rule != "p/calls" {
		t.Errorf("law: got %v", d)
	}
	if d := rule(House).Decide(&f, now); d.Verdict != Allow {
		t.Errorf("house: got %v", d)
	}
}

func TestMoreZonesAndCountriesThanThereIsRoomFor(t *testing.T) {
	r := house(t)
	now := at(t, "2026-03-03 15:00", "Asia/Shanghai")
	zones := []string{"Asia/Shanghai", "Asia/Urumqi", "Europe/Paris", "Europe/Berlin", "Asia/Tokyo", "Asia/Seoul", "Asia/Manila", "Asia/Taipei", "Asia/Kathmandu", "Australia/Perth"}
	f := Facts{Zones: zones, Channel: "sms", Purpose: Notice}
	d := r.Decide(&f, now)
	if d.Verdict != Defer || d.Rule != "strict/messages" {
		t.Fatalf("got %v", d)
	}
	for _, name := range zones {
		loc, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		if h := d.Until.In(loc).Hour(); h < 10 || h >= 19 {
			t.Errorf("%s: deferred to %d o'clock there", name, h)
		}
	}
}
