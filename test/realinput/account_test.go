package realinput

import (
	"fmt"
	"slices"
	"sort"
	"strconv"
	"testing"
	"time"

	"github.com/huiyin/huiyin/test/realinput/oracle"
)

// theTerms are testdata/callcentre/program.yaml, read by a person.
func theTerms(t *testing.T) oracle.Terms {
	t.Helper()
	zone, err := time.LoadLocation("Asia/Jerusalem")
	if err != nil {
		t.Fatal(err)
	}
	return oracle.Terms{
		Delay: time.Hour, Wait: 48 * time.Hour, Deadline: 72 * time.Hour, CapPer: 30 * 24 * time.Hour,
		Zone: zone, Hours: [][2]int{{9 * 60, 12 * 60}, {14 * 60, 20 * 60}}, Closed: time.Saturday,
	}
}

// prepare writes the input and tells the house of its customers.
func (h *house) prepare(calls []served) (events string) {
	h.t.Helper()
	var imported struct{ Rows, Taken, Refused int }
	h.run(&imported, "import", "customers", "--json", callCustomers(h.t, h.folder, calls))
	if imported.Taken != servedCustomers || imported.Refused != 0 {
		h.t.Fatalf("imported %+v, want %d customers", imported, servedCustomers)
	}
	return callEvents(h.t, h.folder, calls)
}

// heldOut asks the product who was held out; everyone with a call is in one arm.
func (h *house) heldOut(calls []served) map[string]bool {
	h.t.Helper()
	arms := map[string]string{}
	held := map[string]bool{}
	for _, row := range h.rows(2, `SELECT c.ref, m.arm FROM study_member m JOIN customer c ON c.id = m.customer_id ORDER BY c.ref`) {
		arms[row[0]] = row[1]
		held[row[0]] = row[1] == "held-out"
	}
	for _, c := range calls {
		if arms[c.customer] == "" {
			h.t.Fatalf("customer %s called and is in no arm", c.customer)
		}
	}
	n := 0
	for _, out := range held {
		if out {
			n++
		}
	}
	// 10 % of 3,277 is 328; five standard deviations are 86.
	if len(arms) != servedCustomers || n < 328-86 || n > 328+86 {
		h.t.Fatalf("%d customers in arms, %d of them held out", len(arms), n)
	}
	return held
}

// mails reads the mail server's log as the oracle takes it.
func (h *house) mails() (all []oracle.Mail) {
	h.t.Helper()
	for _, s := range h.seen() {
		if !s.Taken {
			continue
		}
		at, err := time.Parse(time.RFC3339Nano, s.Virtual)
		if err != nil {
			h.t.Fatalf("a mail to %s doesn't say when it was sent: %v", s.To, err)
		}
		all = append(all, oracle.Mail{Customer: customerOf(s.To), Key: s.Key, Sent: at})
	}
	return all
}

func complain(t *testing.T, what string, wrong []string) {
	t.Helper()
	for i, w := range wrong {
		if i == 10 {
			t.Errorf("%s: … and %d more", what, len(wrong)-i)
			return
		}
		t.Errorf("%s: %s", what, w)
	}
}

// line is one follow-up, as both sides tell of it.
type line struct{ customer, at, state, ended string }

// followUps reads what the product says of every follow-up.
func (h *house) followUps() (all []line) {
	h.t.Helper()
	for _, r := range h.rows(4, `SELECT c.ref, CAST(f.trigger_at AS TEXT), f.state, CAST(f.ended_at AS TEXT) FROM follow_up f JOIN customer c ON c.id = f.customer_id`) {
		all = append(all, line{r[0], seconds(h.t, r[1]), r[2], seconds(h.t, r[3])})
	}
	return all
}

// seconds spells milliseconds as a moment.
func seconds(t *testing.T, ms string) string {
	n, err := strconv.ParseInt(ms, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	if n == 0 {
		return ""
	}
	return time.UnixMilli(n).UTC().Format("2006-01-02T15:04:05.999Z")
}

// states are the ends in the product's spelling.
var states = map[oracle.End]string{oracle.HeldOut: "held_out", oracle.Unanswered: "unanswered", oracle.Suppressed: "suppressed", oracle.Expired: "expired"}

func expectedLines(e oracle.Expected) (all []line) {
	for _, f := range e.FollowUps {
		all = append(all, line{f.Customer, stamp(f.At), states[f.End], stamp(f.Ended)})
	}
	return all
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.999Z") }

// differ lists the follow-ups that only one side knows, leaving out some customers.
func differ(want, got []line, without map[string]bool) (wrong []string) {
	count := map[line]int{}
	for _, l := range want {
		count[l]++
	}
	for _, l := range got {
		count[l]--
	}
	for l, n := range count {
		switch {
		case without[l.customer]:
		case n > 0:
			wrong = append(wrong, fmt.Sprintf("%d missing: %+v", n, l))
		case n < 0:
			wrong = append(wrong, fmt.Sprintf("%d too many: %+v", -n, l))
		}
	}
	sort.Strings(wrong)
	return wrong
}

// account is the part of `huiyin report` that must add up.
type account struct {
	Balanced bool
	Check    []string
	Triggers struct {
		Total, Started, Merged int
		NotSelected            []struct{ N int } `json:"not_selected"`
	}
	FollowUps struct {
		Started, Treated, Open int
		HeldOut                int `json:"held_out"`
		SetAside               int `json:"set_aside"`
		Ended                  []struct {
			State string
			N     int
		}
	} `json:"follow_ups"`
	Funnel []struct{ Intended, Withheld, Rejected, Taken, Unsettled, Unknown, Answered int }
}

func (a *account) ended(state string) int {
	i := slices.IndexFunc(a.FollowUps.Ended, func(e struct {
		State string
		N     int
	},
	) bool {
		return e.State == state
	})
	if i < 0 {
		return 0
	}
	return a.FollowUps.Ended[i].N
}

// adds says what doesn't add up in an account, and what differs from what was expected.
func (a *account) adds(e oracle.Expected) (wrong []string) {
	count := map[string]int{}
	for _, f := range e.FollowUps {
		count[states[f.End]]++
	}
	check := func(what string, got, want int) {
		if got != want {
			wrong = append(wrong, fmt.Sprintf("%s: %d, the oracle has %d", what, got, want))
		}
	}
	check("triggers", a.Triggers.Total, servedCalls)
	check("started", a.Triggers.Started, len(e.FollowUps))
	check("merged", a.Triggers.Merged, e.Merged)
	check("not selected", len(a.Triggers.NotSelected), 0)
	check("started + merged", a.Triggers.Started+a.Triggers.Merged, servedCalls)
	check("follow-ups", a.FollowUps.Started, len(e.FollowUps))
	check("held out", a.FollowUps.HeldOut, count["held_out"])
	sum := a.FollowUps.Open
	for _, end := range a.FollowUps.Ended {
		check(end.State, end.N, count[end.State])
		sum += end.N
	}
	check("open and ended", sum, len(e.FollowUps))
	check("open", a.FollowUps.Open, 0)
	if len(a.Funnel) != 1 {
		return append(wrong, fmt.Sprintf("%d steps in the funnel, want 1", len(a.Funnel)))
	}
	check("attempts", a.Funnel[0].Intended, len(e.Mailed))
	check("taken", a.Funnel[0].Taken, len(e.Mailed))
	if !a.Balanced {
		wrong = append(wrong, fmt.Sprintf("the report says that it doesn't add up: %v", a.Check))
	}
	return wrong
}
