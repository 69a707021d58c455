package realinput

import (
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

const (
	campaignCustomers = 38326
	campaignVisits    = 5615 // of them, before the campaign's two weeks were over
	controlArm        = "No E-Mail"
	campaignDays      = 14
)

// began is when the campaign went out; the file doesn't say more than March 2008.
var began = time.Date(2008, 3, 20, 15, 0, 0, 0, time.UTC)

// recipient is one customer of the campaign.
type recipient struct {
	id, arm string
	visited bool
}

func readCampaign(t *testing.T) (all []recipient) {
	t.Helper()
	rows, column := table(t, "hillstrom_uplift/dev.csv.gz")
	visits := 0
	for i, row := range rows {
		r := recipient{id: fmt.Sprintf("h%05d", i+1), arm: column(row, "segment"), visited: column(row, "visit") == "1"}
		if r.visited {
			visits++
		}
		all = append(all, r)
	}
	if len(all) != campaignCustomers {
		t.Fatalf("%d customers in the file, want %d", len(all), campaignCustomers)
	}
	if visits != campaignVisits {
		t.Fatalf("%d visits in the file, want %d", visits, campaignVisits)
	}
	return all
}

// assignments writes who was put in which arm.
func assignments(t *testing.T, folder string, all []recipient) string {
	t.Helper()
	path := filepath.Join(folder, "assignments.csv")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	w := csv.NewWriter(f)
	if err := w.Write([]string{"customer", "arm", "control", "at"}); err != nil {
		t.Fatal(err)
	}
	for _, r := range all {
		control := "no"
		if r.arm == controlArm {
			control = "yes"
		}
		if err := w.Write([]string{r.id, r.arm, control, began.Format(time.RFC3339)}); err != nil {
			t.Fatal(err)
		}
	}
	w.Flush()
	if err := w.Error(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// campaignEvents are the beginning for everyone, the visits spread over the two weeks, and
// one visit too late for each tenth customer, which must not count.
func campaignEvents(t *testing.T, folder string, all []recipient) string {
	var events []object
	event := func(kind, id, customer string, at time.Time, data object) {
		events = append(events, object{
			"specversion": "1.0", "id": id, "source": "shop", "type": kind, "subject": customer, "time": at.Format(time.RFC3339), "data": data,
		})
	}
	window := campaignDays * 24 * time.Hour
	for i, r := range all {
		event("shop.campaign.began", "began-"+r.id, r.id, began, object{"campaign": "spring"})
		if r.visited { // to the hour, so that some hundred moments pass and not thousands
			at := began.Add(window / campaignCustomers * time.Duration(i)).Truncate(time.Hour).Add(time.Minute)
			event("wallet.app.opened", "visit-"+r.id, r.id, at, object{"platform": "web"})
		}
		if i%10 == 0 {
			event("wallet.app.opened", "late-"+r.id, r.id, began.Add(window+time.Hour), object{"platform": "web"})
		}
	}
	return ndjson(t, filepath.Join(folder, "events.ndjson"), len(events), func(i int) any { return events[i] })
}

type interval struct{ Low, High float64 }

// effect is the part of `huiyin report` that compares arms.
type effect struct {
	Balanced bool
	Check    []string
	Effect   struct {
		Arms []struct {
			Name         string
			Control      bool
			N, Converted int
			Rate         *float64
			Interval     *interval
		}
		Differences []struct {
			Arm, Control string
			Enough       bool
			Value        *float64
			Interval     *interval
		}
	}
}

func TestARealCampaignIsMeasured(t *testing.T) {
	all := readCampaign(t)
	ids := make([]string, len(all))
	for i, r := range all {
		ids[i] = r.id
	}
	eachEngine(t, options{country: "US"}, func(h *house) {
		var imported struct{ Taken, Refused int }
		h.run(&imported, "import", "customers", "--json", customersFile(h.t, h.folder, ids, "US", "America/New_York"))
		h.run(nil, "apply", "-f", "testdata/hillstrom", "--publish")
		h.run(&imported, "import", "assignments", "--json", "--program", "spring-mailing", assignments(h.t, h.folder, all))
		if imported.Taken != campaignCustomers || imported.Refused != 0 {
			h.t.Fatalf("assignments: %+v", imported)
		}
		var done replayed
		h.run(&done, "replay", "--json", "--events", campaignEvents(h.t, h.folder, all))
		cpu := h.cpu
		h.campaignMails(all)
		var r effect
		h.run(&r, "report", "spring-mailing", "--json")
		if !r.Balanced {
			h.t.Errorf("the report says that it doesn't add up: %v", r.Check)
		}
		compareArms(h.t, all, &r)
		h.t.Logf("%d events, %d mails, %d moments in %.1f s, %.1f s of CPU", done.Events, done.Programs["spring-mailing"].Taken, done.Moments, done.WallS, cpu.Seconds())
	})
}

// campaignMails holds what was mailed to the arms: everyone in a mailing once, the control never.
func (h *house) campaignMails(all []recipient) {
	h.t.Helper()
	got := map[string]int{}
	for _, s := range h.seen() {
		if s.Taken {
			got[customerOf(s.To)]++
		}
	}
	var wrong []string
	for _, r := range all {
		want := 1
		if r.arm == controlArm {
			want = 0
		}
		if got[r.id] != want {
			wrong = append(wrong, fmt.Sprintf("customer %s in %q got %d mails", r.id, r.arm, got[r.id]))
		}
	}
	complain(h.t, "mail", wrong)
}

// compareArms holds the report to what the file says.
func compareArms(t *testing.T, all []recipient, r *effect) {
	t.Helper()
	n, visits := map[string]int{}, map[string]int{}
	for _, c := range all {
		n[c.arm]++
		if c.visited {
			visits[c.arm]++
		}
	}
	if len(r.Effect.Arms) != len(n) || len(r.Effect.Differences) != len(n)-1 {
		t.Fatalf("%d arms and %d differences, want %d and %d", len(r.Effect.Arms), len(r.Effect.Differences), len(n), len(n)-1)
	}
	for _, a := range r.Effect.Arms {
		if a.N != n[a.Name] || a.Converted != visits[a.Name] || a.Control != (a.Name == controlArm) || a.Interval == nil {
			t.Errorf("arm %+v, in the file %d with %d visits", a, n[a.Name], visits[a.Name])
			continue
		}
		low, high := wilson(visits[a.Name], n[a.Name])
		near(t, a.Name, a.Rate, float64(visits[a.Name])/float64(n[a.Name]))
		near(t, a.Name+" low", &a.Interval.Low, low)
		near(t, a.Name+" high", &a.Interval.High, high)
	}
	for _, d := range r.Effect.Differences {
		if !d.Enough || d.Control != controlArm || d.Interval == nil {
			t.Errorf("difference %+v", d)
			continue
		}
		value, low, high := newcombe(visits[d.Arm], n[d.Arm], visits[controlArm], n[controlArm])
		near(t, d.Arm+" difference", d.Value, value)
		near(t, d.Arm+" difference low", &d.Interval.Low, low)
		near(t, d.Arm+" difference high", &d.Interval.High, high)
		t.Logf("%s: %.2f percentage points more visits (%.2f to %.2f)", d.Arm, 100*value, 100*low, 100*high)
	}
}
