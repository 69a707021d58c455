package policy

import (
	"testing"
	"time"

	"github.com/huiyin/huiyin/internal/platform/codes"
)

func at(t testing.TB, text, zone string) time.Time {
	t.Helper()
	loc, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	got, err := time.ParseInLocation("2006-01-02 15:04:05", text, loc)
	if err != nil {
		got, err = time.ParseInLocation("2006-01-02 15:04", text, loc)
	}
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func windows(t testing.TB, days Days, hours ...string) []Window {
	t.Helper()
	spans, err := ParseHours(hours...)
	if err != nil {
		t.Fatal(err)
	}
	return []Window{{Days: days, Hours: spans}}
}

func mustRules(t testing.TB, s Spec) *Rules {
	t.Helper()
	r, err := New(s)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// house is rules of two countries and a strict default, as small as they get.
func house(t testing.TB) *Rules {
	t.Helper()
	call, all := []string{Phone}, []string{"sms", "email"}
	return mustRules(t, Spec{
		Packs: []Pack{
			{Name: "cn", Country: "CN", Rules: []Rule{
				{ID: "phone", Basis: House, Channels: call, Windows: windows(t, AllDays, "09:00-12:00", "14:00-20:00")},
				{ID: "messages", Basis: House, Channels: all, Windows: windows(t, AllDays, "08:00-21:00")},
			}},
			{Name: "us", Country: "US", Rules: []Rule{
				{ID: "tsr", Basis: Law, Source: "16 CFR 310.4(c)", AsOf: "2026-11-01", Channels: call, Windows: windows(t, AllDays, "08:00-21:00")},
				{ID: "phone", Basis: House, Channels: call, Windows: windows(t, AllDays, "09:00-20:00")},
			}},
			{Name: "strict", Country: OtherCountries, Rules: []Rule{
				{ID: "phone", Basis: House, Channels: call, Windows: windows(t, Workdays, "10:00-12:00", "14:00-19:00")},
				{ID: "messages", Basis: House, Channels: all, Windows: windows(t, Workdays, "10:00-19:00")},
			}},
		},
		Caps: []CapPolicy{{
			Name: "default",
			Purposes: map[string][]Cap{
				Notice: {{6, 24 * time.Hour}}, Service: {{2, 7 * 24 * time.Hour}}, Survey: {{1, 30 * 24 * time.Hour}}, Marketing: {{1, 7 * 24 * time.Hour}},
			},
			Tries:         []Cap{{2, 24 * time.Hour}, {4, 7 * 24 * time.Hour}},
			Conversations: []Cap{{1, 24 * time.Hour}, {2, 7 * 24 * time.Hour}},
			Exempt:        []string{AgreedCallBack, CustomerAsked},
		}},
		Calendars: []Calendar{{Country: "CN", Years: []Year{{
			Year: 2026, Standing: ByNotice, Source: "test",
			Off:  []Stretch{{Date{2026, 10, 1}, Date{2026, 10, 7}}},
			Work: []Date{{2026, 10, 10}},
		}}}},
	})
}

type outcome struct {
	verdict Verdict
	reason  codes.Reason
	rule    string
	until   string // in the zone of the case
}

func TestDecide(t *testing.T) {
	const cn, us, la = "Asia/Shanghai", "America/New_York", "America/Los_Angeles"
	prefer := windows(t, Workdays, "12:00-13:30", "18:30-20:30")
	granted := []Consent{{Purpose: Marketing, Channel: Any, Granted: true, At: at(t, "2026-01-01 00:00", cn)}}
	sent := func(purpose string, kind Kind, followUp int64, when string) Counted {
		return Counted{At: at(t, when, cn), Purpose: purpose, Kind: kind, FollowUp: followUp}
	}
	cases := []struct {
		name, now, zone string
		facts           Facts
		want            outcome
	}{
		{
			"a message inside the house's hours is allowed", "2026-03-03 10:00", cn,
			Facts{Channel: "sms", Purpose: Notice},
			outcome{Allow, codes.Allowed, "", ""},
		},
		{
			"a message before the house's hours waits until they open", "2026-03-03 07:59:59", cn,
			Facts{Channel: "sms", Purpose: Notice},
			outcome{Defer, codes.HouseWindow, "cn/messages", "2026-03-03 08:00"},
		},
		{
			"a window's end is not in it", "2026-03-03 21:00", cn,
			Facts{Channel: "sms", Purpose: Notice},
			outcome{Defer, codes.HouseWindow, "cn/messages", "2026-03-04 08:00"},
		},
		{
			"a call that would ring past the window's end waits for the next one", "2026-03-03 11:59:35", cn,
			Facts{Channel: Phone, Purpose: Service, Ring: 25 * time.Second},
			outcome{Defer, codes.HouseWindow, "cn/phone", "2026-03-03 14:00"},
		},
		{
			"a call that stops ringing just before the end goes out", "2026-03-03 11:59:34", cn,
			Facts{Channel: Phone, Purpose: Service, Ring: 25 * time.Second},
			outcome{Allow, codes.Allowed, "", ""},
		},
		{
			"a channel no rule names has no hours", "2026-03-03 03:00", cn,
			Facts{Channel: "inapp", Purpose: Notice},
			outcome{Allow, codes.Allowed, "", ""},
		},
		{
			"law and house both hold: the narrower decides", "2026-03-03 08:30", us,
			Facts{Channel: Phone, Purpose: Service},
			outcome{Defer, codes.HouseWindow, "us/phone", "2026-03-03 09:00"},
		},
		{
			"with two candidate zones the hours hold in both", "2026-03-03 09:30", us,
			Facts{Zones: []string{us, la}, Channel: Phone, Purpose: Service},
			outcome{Defer, codes.HouseWindow, "us/phone", "2026-03-03 12:00"},
		},
		{
			"a country without a pack falls under the strict default", "2026-03-07 11:00", "Europe/Paris",
			Facts{Channel: "sms", Purpose: Notice},
			outcome{Defer, codes.HouseWindow, "strict/messages", "2026-03-09 10:00"},
		},
		{
			"the country follows from the zone", "2026-03-03 12:30", cn,
			Facts{Zones: []string{cn}, Channel: Phone, Purpose: Service},
			outcome{Defer, codes.HouseWindow, "cn/phone", "2026-03-03 14:00"},
		},
		{
			"neither country nor zone known: nobody can tell the hour", "2026-03-03 12:30", cn,
			Facts{Zones: []string{}, Country: "ZZ", Channel: Phone, Purpose: Service},
			outcome{Deny, codes.PlaceUnknown, "", ""},
		},
		{
			"a refused channel is closed to notices too", "2026-03-03 10:00", cn,
			Facts{Channel: "sms", Purpose: Notice, Refusals: []Refusal{{"sms", Any}}},
			outcome{Deny, codes.RefusedChannel, "", ""},
		},
		{
			"a refused purpose is closed on every channel", "2026-03-03 10:00", cn,
			Facts{Channel: "inapp", Purpose: Survey, Refusals: []Refusal{{Any, Survey}}},
			outcome{Deny, codes.RefusedPurpose, "", ""},
		},
		{
			"a refusal of everything", "2026-03-03 10:00", cn,
			Facts{Channel: "inapp", Purpose: Notice, Refusals: []Refusal{{Any, Any}}},
			outcome{Deny, codes.Refused, "", ""},
		},
		{
			"another channel's refusal does not matter", "2026-03-03 10:00", cn,
			Facts{Channel: "email", Purpose: Notice, Refusals: []Refusal{{"sms", Any}, {"email", Survey}}},
			outcome{Allow, codes.Allowed, "", ""},
		},
		{
			"an exemption never lifts a refusal", "2026-03-03 10:00", cn,
			Facts{Channel: Phone, Purpose: Service, Exempt: AgreedCallBack, Refusals: []Refusal{{Phone, Any}}},
			outcome{Deny, codes.RefusedChannel, "", ""},
		},
		{
			"marketing without consent is denied", "2026-03-03 10:00", cn,
			Facts{Channel: "sms", Purpose: Marketing},
			outcome{Deny, codes.ConsentMissing, "consent", ""},
		},
		{
			"marketing with consent is allowed", "2026-03-03 10:00", cn,
			Facts{Channel: "sms", Purpose: Marketing, Consents: granted},
			outcome{Allow, codes.Allowed, "", ""},
		},
		{
			"a later withdrawal ends consent", "2026-03-03 10:00", cn,
			Facts{Channel: "sms", Purpose: Marketing, Consents: append(granted[:1:1], Consent{Marketing, "sms", false, at(t, "2026-02-01 00:00", cn)})},
			outcome{Deny, codes.ConsentWithdrawn, "consent", ""},
		},
		{
			"a purpose nobody knows needs consent", "2026-03-03 10:00", cn,
			Facts{Channel: "sms", Purpose: "gossip"},
			outcome{Deny, codes.ConsentMissing, "consent", ""},
		},
		{
			"the program's hours are waited for", "2026-03-03 10:00", cn,
			Facts{Channel: "sms", Purpose: Notice, Prefer: prefer},
			outcome{Defer, codes.PreferredWindow, "prefer", "2026-03-03 12:00"},
		},
		{
			"the program's hours open nothing that the house keeps closed", "2026-03-03 12:00", cn,
			Facts{Channel: Phone, Purpose: Service, Prefer: prefer},
			outcome{Defer, codes.HouseWindow, "cn/phone", "2026-03-03 18:30"},
		},
		{
			"the program's hours yield when the deadline comes first", "2026-03-03 10:00", cn,
			Facts{Channel: "sms", Purpose: Notice, Prefer: prefer, Deadline: at(t, "2026-03-03 11:59", cn)},
			outcome{Allow, codes.Allowed, "", ""},
		},
		{
			"preferred workdays leave out the holidays and take in the make-up day", "2026-10-01 10:00", cn,
			Facts{Channel: "sms", Purpose: Notice, Prefer: windows(t, Workdays, "09:00-18:00")},
			outcome{Defer, codes.PreferredWindow, "prefer", "2026-10-08 09:00"},
		},
		{
			"a make-up Saturday is a workday", "2026-10-10 10:00", cn,
			Facts{Channel: "sms", Purpose: Notice, Prefer: windows(t, Workdays, "09:00-18:00")},
			outcome{Allow, codes.Allowed, "", ""},
		},
		{
			"the customer's own hours do not yield", "2026-03-03 10:00", cn,
			Facts{Channel: "sms", Purpose: Notice, Own: &OwnHours{Windows: windows(t, AllDays, "19:00-20:00")}, Deadline: at(t, "2026-03-03 18:00", cn)},
			outcome{Deny, codes.OwnHoursUntilDeadline, "own-hours", ""},
		},
		{
			"the customer's own hours come before the program's", "2026-03-03 10:00", cn,
			Facts{Channel: "sms", Purpose: Notice, Prefer: prefer, Own: &OwnHours{Windows: windows(t, AllDays, "16:00-18:00")}},
			outcome{Defer, codes.OwnHours, "own-hours", "2026-03-03 16:00"},
		},
		{
			"an agreed call back is newer than what the customer and the program wished", "2026-03-03 10:00", cn,
			Facts{Channel: Phone, Purpose: Service, Exempt: AgreedCallBack, Prefer: prefer, Own: &OwnHours{Windows: windows(t, AllDays, "16:00-18:00")}},
			outcome{Allow, codes.Allowed, "", ""},
		},
		{
			"an agreed call back still keeps to the hours", "2026-03-03 20:30", cn,
			Facts{Channel: Phone, Purpose: Service, Exempt: AgreedCallBack},
			outcome{Defer, codes.HouseWindow, "cn/phone", "2026-03-04 09:00"},
		},
		{
			"one survey in thirty days", "2026-03-03 10:00", cn,
			Facts{Channel: "sms", Purpose: Survey, FollowUp: 2, Counted: []Counted{sent(Survey, Message, 1, "2026-02-10 10:00")}},
			outcome{Defer, codes.CapReached, "default: survey 1 per 30d", "2026-03-12 10:00"},
		},
		{
			"the reminder of the same follow-up counts no second time", "2026-03-03 10:00", cn,
			Facts{Channel: "sms", Purpose: Survey, FollowUp: 1, Counted: []Counted{sent(Survey, Message, 1, "2026-02-10 10:00")}},
			outcome{Allow, codes.Allowed, "", ""},
		},
		{
			"two messages of another follow-up count once",
			"2026-03-03 10:00", cn,
			Facts{Channel: "sms", Purpose: Service, FollowUp: 2, Counted: []Counted{sent(Service, Message, 1, "2026-03-01 10:00"), sent(Service, Message, 1, "2026-03-02 10:00")}},
			outcome{Allow, codes.Allowed, "", ""},
		},
		{
			"a reminder adds nothing even where an exempted contact has filled the cap",
			"2026-03-03 10:00", cn,
			Facts{Channel: "sms", Purpose: Survey, FollowUp: 1, Counted: []Counted{sent(Survey, Message, 1, "2026-02-10 10:00"), sent(Survey, Message, 7, "2026-02-11 10:00")}},
			outcome{Allow, codes.Allowed, "", ""},
		},
		{
			"a row without a follow-up counts by itself",
			"2026-03-03 10:00", cn,
			Facts{Channel: "sms", Purpose: Service, FollowUp: 2, Counted: []Counted{sent(Service, Message, 0, "2026-03-01 10:00"), sent(Service, Message, 0, "2026-03-02 10:00")}},
			outcome{Defer, codes.CapReached, "default: service 2 per 7d", "2026-03-08 10:00"},
		},
		{
			"another purpose does not count", "2026-03-03 10:00", cn,
			Facts{Channel: "sms", Purpose: Notice, FollowUp: 2, Counted: []Counted{sent(Survey, Message, 1, "2026-02-10 10:00")}},
			outcome{Allow, codes.Allowed, "", ""},
		},
		{
			"a cap that opens after the deadline suppresses at once", "2026-03-03 10:00", cn,
			Facts{Channel: "sms", Purpose: Survey, FollowUp: 2, Deadline: at(t, "2026-03-12 09:59", cn), Counted: []Counted{sent(Survey, Message, 1, "2026-02-10 10:00")}},
			outcome{Deny, codes.CapClosedUntilDeadline, "default: survey 1 per 30d", ""},
		},
		{
			"an exemption sets the cap aside", "2026-03-03 10:00", cn,
			Facts{Channel: "sms", Purpose: Survey, FollowUp: 2, Exempt: CustomerAsked, Counted: []Counted{sent(Survey, Message, 1, "2026-02-10 10:00")}},
			outcome{Allow, codes.Allowed, "", ""},
		},
		{
			"two tries a day, of whatever follow-up", "2026-03-03 10:00", cn,
			Facts{Channel: Phone, Purpose: Service, FollowUp: 1, Counted: []Counted{sent(Service, Try, 1, "2026-03-02 15:00"), sent(Service, Try, 1, "2026-03-03 09:00")}},
			outcome{Defer, codes.CapReached, "default: tries 2 per 24h", "2026-03-03 15:00"},
		},
		{
			"tries of calls leave messages alone", "2026-03-03 10:00", cn,
			Facts{Channel: "sms", Purpose: Service, FollowUp: 1, Counted: []Counted{sent(Service, Try, 1, "2026-03-02 15:00"), sent(Service, Try, 1, "2026-03-03 09:00")}},
			outcome{Allow, codes.Allowed, "", ""},
		},
		{
			"one conversation a day", "2026-03-03 10:00", cn,
			Facts{Channel: Phone, Purpose: Notice, FollowUp: 5, Counted: []Counted{sent(Service, Try, 1, "2026-03-02 15:00"), sent(Service, Conversation, 1, "2026-03-02 15:00")}},
			outcome{Defer, codes.CapReached, "default: conversations 1 per 24h", "2026-03-03 15:00"},
		},
		{
			"rows of one attempt found for person and phone count once", "2026-03-03 10:00", cn,
			Facts{Channel: Phone, Purpose: Service, FollowUp: 1, Counted: []Counted{
				{at(t, "2026-03-03 09:00", cn), Service, Try, 1, 77}, {at(t, "2026-03-03 09:00", cn), Service, Try, 1, 77},
			}},
			outcome{Allow, codes.Allowed, "", ""},
		},
		{
			"a gap is waited for", "2026-03-03 10:00", cn,
			Facts{Channel: "sms", Purpose: Notice, NotBefore: at(t, "2026-03-03 11:00", cn)},
			outcome{Defer, codes.Gap, "gap", "2026-03-03 11:00"},
		},
		{
			"a gap that outlasts the deadline ends it at once", "2026-03-03 10:00", cn,
			Facts{Channel: "sms", Purpose: Notice, NotBefore: at(t, "2026-03-03 11:00", cn), Deadline: at(t, "2026-03-03 10:59:59", cn)},
			outcome{Deny, codes.GapUntilDeadline, "gap", ""},
		},
		{
			"at the deadline itself an attempt may start", "2026-03-03 10:00", cn,
			Facts{Channel: "sms", Purpose: Notice, Deadline: at(t, "2026-03-03 10:00", cn)},
			outcome{Allow, codes.Allowed, "", ""},
		},
		{
			"after the deadline nothing may", "2026-03-03 10:00:01", cn,
			Facts{Channel: "sms", Purpose: Notice, Deadline: at(t, "2026-03-03 10:00", cn)},
			outcome{Deny, codes.DeadlinePassed, "", ""},
		},
		{
			"a night shorter than the way to the deadline suppresses at once", "2026-03-03 21:30", cn,
			Facts{Channel: "sms", Purpose: Notice, Deadline: at(t, "2026-03-04 07:30", cn)},
			outcome{Deny, codes.WindowClosedUntilDeadline, "cn/messages", ""},
		},
		{
			"the zone unknown in a country of two: strict hours in both", "2026-03-03 10:00", cn,
			Facts{Zones: []string{}, Country: "CN", Channel: "sms", Purpose: Notice},
			outcome{Defer, codes.HouseWindow, "strict/messages", "2026-03-03 12:00"},
		},
		{
			"a zone that doesn't exist is an unknown zone", "2026-03-03 10:00", cn,
			Facts{Zones: []string{"Asia/Atlantis"}, Country: "CN", Channel: "sms", Purpose: Notice},
			outcome{Defer, codes.HouseWindow, "strict/messages", "2026-03-03 12:00"},
		},
	}
	r := house(t)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if c.facts.Zones == nil {
				c.facts.Zones = []string{c.zone}
			}
			d := r.Decide(&c.facts, at(t, c.now, c.zone))
			got := outcome{d.Verdict, d.Reason, d.Rule, ""}
			if d.Verdict == Defer {
				loc, _ := time.LoadLocation(c.zone)
				got.until = d.Until.In(loc).Format("2006-01-02 15:04")
			}
			if got != c.want {
				t.Errorf("got %v\nwant %v", got, c.want)
			}
		})
	}
}
