package rules

import (
	"strings"
	"testing"
	"time"

	"github.com/huiyin/huiyin/internal/decide/policy"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/errs"
	"github.com/huiyin/huiyin/internal/program/document"
)

func shippedRules(t testing.TB, options ...Option) *policy.Rules {
	t.Helper()
	r, err := Compile(Builtin(), BuiltinCaps(), options...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func at(t testing.TB, text, zone string) time.Time {
	t.Helper()
	loc, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	got, err := time.ParseInLocation("2006-01-02 15:04", text, loc)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestTheShippedRules(t *testing.T) {
	const cn, us, fr = "Asia/Shanghai", "America/New_York", "Europe/Paris"
	sent := func(at time.Time, purpose string, kind policy.Kind) []policy.Counted {
		return []policy.Counted{{At: at, Purpose: purpose, Kind: kind, FollowUp: 1, Attempt: 1}}
	}
	cases := []struct {
		name, now, zone string
		facts           policy.Facts
		verdict         policy.Verdict
		reason          codes.Reason
		rule            string
	}{
		{"a call in China at midday rest waits", "2026-03-03 12:30", cn, policy.Facts{Channel: "phone", Purpose: "service"}, policy.Defer, codes.HouseWindow, "cn/phone-hours"},
		{"a push about the safety of money goes out at night in China", "2026-03-03 03:00", cn, policy.Facts{Channel: "push", Purpose: "safety"}, policy.Allow, codes.Allowed, ""},
		{"any other push waits for the morning", "2026-03-03 03:00", cn, policy.Facts{Channel: "push", Purpose: "notice"}, policy.Defer, codes.HouseWindow, "cn/push-hours"},
		{"a note in the app has no hours", "2026-03-03 03:00", cn, policy.Facts{Channel: "inapp", Purpose: "notice"}, policy.Allow, codes.Allowed, ""},
		{"advertising in China needs consent by law", "2026-03-03 10:00", cn, policy.Facts{Channel: "email", Purpose: "marketing"}, policy.Deny, codes.ConsentMissing, "cn/advertising-consent"},
		{"a call in the United States at 20:30 is lawful but late for the house", "2026-03-03 20:30", us, policy.Facts{Channel: "phone", Purpose: "service"}, policy.Defer, codes.HouseWindow, "us/phone-hours"},
		{"France has no pack, so a Saturday is closed", "2026-03-07 11:00", fr, policy.Facts{Channel: "email", Purpose: "notice"}, policy.Defer, codes.HouseWindow, "strict/message-hours"},
		{"one call a day where no pack is", "2026-03-03 15:00", fr, policy.Facts{Channel: "phone", Purpose: "service", FollowUp: 1, Counted: sent(at(t, "2026-03-03 10:00", fr), "service", policy.Try)}, policy.Defer, codes.CapReached, "strict/calls-a-day"},
		{"a message after one message of the week is still within the strict three", "2026-03-03 15:00", fr, policy.Facts{Channel: "email", Purpose: "service", FollowUp: 1, Counted: sent(at(t, "2026-03-03 10:00", fr), "service", policy.Message)}, policy.Allow, codes.Allowed, ""},
		{"a survey twice in thirty days", "2026-03-03 10:00", cn, policy.Facts{Channel: "email", Purpose: "survey", FollowUp: 2, Counted: sent(at(t, "2026-03-01 10:00", cn), "survey", policy.Message)}, policy.Defer, codes.CapReached, "default: survey 1 per 30d"},
	}
	r := shippedRules(t)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			c.facts.Zones = []string{c.zone}
			d := r.Decide(&c.facts, at(t, c.now, c.zone))
			if d.Verdict != c.verdict || d.Reason != c.reason || d.Rule != c.rule {
				t.Errorf("got %v", d)
			}
		})
	}
}

func TestEveryShippedRuleOfLawNamesItsSource(t *testing.T) {
	laws := 0
	for _, p := range Builtin() {
		for _, r := range p.Rules {
			if r.Basis == string(policy.Law) {
				laws++
				if r.Source == "" || r.AsOf == "" || r.Title["zh-CN"] == "" || r.Title["en"] == "" {
					t.Errorf("%s/%s: source %q, as of %q, title %v", p.Name, r.ID, r.Source, r.AsOf, r.Title)
				}
			}
		}
	}
	if laws < 4 {
		t.Errorf("only %d rules of law ship", laws)
	}
}

func TestACustomerOfUnknownZoneCanStillBeWritten(t *testing.T) {
	r := shippedRules(t)
	for _, country := range []string{"CN", "US"} {
		f := policy.Facts{Country: country, Channel: "email", Purpose: "notice"}
		now := at(t, "2026-03-03 03:00", "UTC")
		d := r.Decide(&f, now)
		if d.Verdict != policy.Defer || d.Until.After(now.Add(24*time.Hour)) {
			t.Errorf("%s: got %v", country, d)
		}
		for _, zone := range policy.ZonesOf(country) {
			if h := d.Until.In(at(t, "2026-03-03 00:00", zone).Location()).Hour(); h < 10 || h >= 19 {
				t.Errorf("%s: deferred to %d o'clock in %s", country, h, zone)
			}
		}
	}
}

func TestWithoutCountryAndZoneTheHomeIsTaken(t *testing.T) {
	f := policy.Facts{Channel: "email", Purpose: "notice"}
	now := at(t, "2026-03-03 13:00", "Asia/Shanghai")
	if d := shippedRules(t).Decide(&f, now); d.Verdict != policy.Deny || d.Reason != codes.PlaceUnknown {
		t.Errorf("no home: got %v", d)
	}
	if d := shippedRules(t, Home("CN")).Decide(&f, now); d.Verdict != policy.Allow {
		t.Errorf("home in China: got %v", d)
	}
}

func TestTheSampleOfBothKindsOfDocument(t *testing.T) {
	docs, err := document.Parse(strings.NewReader(`
kind: CapPolicy
name: default
purposes:
  notice: [{n: 6, per: 24h}]
  service: [{n: 2, per: 7d}]
calls:
  tries: [{n: 2, per: 24h}, {n: 4, per: 7d}]
  conversations: [{n: 1, per: 24h}, {n: 2, per: 7d}]
exempt: [agreed-call-back, customer-asked]
---
kind: RulePack
name: us
country: US
version: "2026-11-01"
rules:
  - {id: tsr-hours, basis: law, source: "16 CFR 310.4(c)", as_of: "2026-11-01", channels: [phone], days: all, hours: ["08:00-21:00"]}
  - {id: tsr-abandon, basis: law, source: "16 CFR 310.4(b)(4)", as_of: "2026-11-01", channels: [phone], abandonment: {max: 0.03, per: 30d, person_within: 2s, ring_at_least: 15s}}
  - {id: messages, basis: house, channels: [sms, email], days: all, hours: ["08:00-21:00"]}
---
kind: RulePack
name: call-centre
country: IL
version: "1999"
rules:
  - {id: hours, basis: house, channels: [email], days: [sun, mon, tue, wed, thu, fri], hours: ["09:00-12:00", "14:00-20:00"]}
`))
	if err != nil {
		t.Fatal(err)
	}
	caps, err := DecodeCaps(docs[0])
	if err != nil {
		t.Fatal(err)
	}
	var packs []RulePack
	for _, d := range docs[1:] {
		p, err := DecodePack(d)
		if err != nil {
			t.Fatal(err)
		}
		packs = append(packs, p)
	}
	r, err := Compile(Merge(Builtin(), packs), Merge(BuiltinCaps(), []CapPolicy{caps}))
	if err != nil {
		t.Fatal(err)
	}
	if a := r.Abandonment("US"); len(a) != 1 || a[0].Max != 0.03 || a[0].PersonWithin != 2*time.Second || a[0].RingAtLeast != 15*time.Second {
		t.Errorf("abandonment: %v", a)
	}
	const jerusalem = "Asia/Jerusalem"
	f := policy.Facts{Zones: []string{jerusalem}, Channel: "email", Purpose: "survey"}
	if d := r.Decide(&f, at(t, "1999-02-05 12:30", jerusalem)); d.Verdict != policy.Defer || !d.Until.Equal(at(t, "1999-02-05 14:00", jerusalem)) || d.Rule != "call-centre/hours" {
		t.Errorf("Friday at half past twelve: %v", d)
	}
	if d := r.Decide(&f, at(t, "1999-02-06 10:00", jerusalem)); d.Verdict != policy.Defer || !d.Until.Equal(at(t, "1999-02-07 09:00", jerusalem)) {
		t.Errorf("Saturday: %v", d)
	}
	f.Zones, f.Channel, f.Purpose = []string{"America/New_York"}, "phone", "service"
	if d := r.Decide(&f, at(t, "2026-03-03 08:30", "America/New_York")); d.Verdict != policy.Allow {
		t.Errorf("the house's own pack for the United States did not take the shipped one's place: %v", d)
	}
}

func TestDocumentsThatAreWrongSayWhereAndHowToMendIt(t *testing.T) {
	pack := func(rule string) string {
		return "kind: RulePack\nname: p\ncountry: CN\nrules:\n  - " + rule + "\n"
	}
	cases := []struct{ name, text, want string }{
		{"a misspelt key", pack(`{id: a, basis: house, chanels: [phone], hours: ["09:00-12:00"]}`), "did you mean `channels`"},
		{"a misspelt channel", pack(`{id: a, basis: house, channels: [fone], hours: ["09:00-12:00"]}`), "phone"},
		{"a misspelt day", pack(`{id: a, basis: house, days: workday, hours: ["09:00-12:00"]}`), "workdays"},
		{"hours over midnight", pack(`{id: a, basis: house, hours: ["22:00-06:00"]}`), "22:00-24:00 and 00:00-06:00"},
		{"hours that overlap", pack(`{id: a, basis: house, hours: ["09:00-12:00", "11:00-13:00"]}`), "write them as one"},
		{"days without hours", pack(`{id: a, basis: house, days: all}`), "add hours"},
		{"hours and windows", pack(`{id: a, basis: house, hours: ["09:00-12:00"], windows: [{days: all, hours: ["09:00-10:00"]}]}`), "window of their own"},
		{"law without a source", pack(`{id: a, basis: law, as_of: "2026-11-01", hours: ["09:00-12:00"]}`), "names its source"},
		{"consent that may be", pack(`{id: a, basis: house, consent: maybe}`), `only be "required"`},
		{"a cap that counts calls", pack(`{id: a, basis: house, cap: {count: calls, n: 1, per: 24h}}`), "follow-up, message, try or conversation"},
		{"a rule that sets nothing", pack(`{id: a, basis: house, channels: [phone]}`), "sets nothing"},
		{"no country", "kind: RulePack\nname: p\nrules:\n  - {id: a, basis: house, hours: [\"09:00-12:00\"]}\n", "country: CN"},
		{"a country that is none", "kind: RulePack\nname: p\ncountry: China\nrules:\n  - {id: a, basis: house, hours: [\"09:00-12:00\"]}\n", "ISO 3166"},
		{"nothing at all", "kind: RulePack\nname: p\ncountry: CN\n", "neither rules nor a calendar"},
		{"a year without a source", "kind: RulePack\nname: p\ncountry: CN\ncalendar: {years: [{year: 2027, standing: notice}]}\n", "source"},
		{"a day that isn't", "kind: RulePack\nname: p\ncountry: CN\ncalendar: {years: [{year: 2027, standing: notice, source: x, off: [2027-02-30]}]}\n", "no stretch of days"},
		{"a weekend of workdays", "kind: RulePack\nname: p\ncountry: CN\ncalendar: {weekend: [workdays]}\n", "[sat, sun]"},
		{"a misspelt purpose", "kind: CapPolicy\nname: c\npurposes: {surveys: [{n: 1, per: 30d}]}\n", "survey"},
		{"a cap of a hundred", "kind: CapPolicy\nname: c\npurposes: {survey: [{n: 100, per: 30d}]}\n", "between 0 (never) and 64"},
		{"a misspelt exemption", "kind: CapPolicy\nname: c\nexempt: [call-back]\n", "agreed-call-back"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			docs, err := document.Parse(strings.NewReader(c.text))
			if err != nil {
				t.Fatal(err)
			}
			if docs[0].Kind == document.KindCapPolicy {
				_, err = DecodeCaps(docs[0])
			} else {
				_, err = DecodePack(docs[0])
			}
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %v\nwant something that says %q", err, c.want)
			}
			if errs.KindOf(err) == errs.Internal {
				t.Errorf("%v is called our own fault", err)
			}
		})
	}
}

func TestTheStrictDefaultIsAlwaysThere(t *testing.T) {
	r, err := Compile(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	f := policy.Facts{Zones: []string{"Asia/Shanghai"}, Channel: "phone", Purpose: "service"}
	if d := r.Decide(&f, at(t, "2026-03-03 13:00", "Asia/Shanghai")); d.Verdict != policy.Defer || d.Rule != "strict/phone-hours" {
		t.Errorf("got %v", d)
	}
}

func TestForGivesThePacksOfACountry(t *testing.T) {
	names := func(packs []RulePack) string {
		var all []string
		for _, p := range packs {
			all = append(all, p.Name)
		}
		return strings.Join(all, " ")
	}
	packs := append(Builtin(), RulePack{Name: "house", Country: policy.AllCountries}, RulePack{Name: "cn-south", Country: "CN"})
	for country, want := range map[string]string{"CN": "house cn cn-south", "US": "house us", "FR": "house strict", "": "house strict"} {
		if got := names(For(packs, country)); got != want {
			t.Errorf("%q: %q, want %q", country, got, want)
		}
	}
}

func FuzzDocuments(f *testing.F) {
	f.Add("rules:\n  - {id: a, basis: house, days: [mon, sat], hours: [\"09:00-12:00\"]}\ncountry: CN")
	f.Add("country: US\ncalendar: {weekend: [sun], years: [{year: 2027, standing: notice, source: x, off: [2027-02-01/2027-02-03], work: [2027-02-07]}]}")
	f.Add("country: other\nrules: [{id: a, basis: law, source: s, as_of: 2026-01-01, windows: [{days: all, hours: [00:00-24:00]}], cap: {count: try, n: 1, per: 24h}}]")
	f.Add("purposes: {survey: [{n: 1, per: 30d}]}\ncalls: {tries: [{n: -1, per: 0s}]}")
	f.Fuzz(func(t *testing.T, body string) {
		for _, kind := range []string{document.KindRulePack, document.KindCapPolicy} {
			docs, err := document.Parse(strings.NewReader("kind: " + kind + "\nname: x\n" + body))
			if err != nil || len(docs) == 0 {
				continue
			}
			switch docs[0].Kind {
			case document.KindRulePack:
				if p, err := DecodePack(docs[0]); err == nil {
					if _, err := Compile([]RulePack{p}, nil); err != nil {
						t.Fatalf("decoded, and yet not compiled: %v", err)
					}
				}
			case document.KindCapPolicy:
				if c, err := DecodeCaps(docs[0]); err == nil {
					if _, err := Compile(nil, []CapPolicy{c}); err != nil {
						t.Fatalf("decoded, and yet not compiled: %v", err)
					}
				}
			}
		}
	})
}
