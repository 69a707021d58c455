package policy_test

import (
	"archive/zip"
	"fmt"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/huiyin/huiyin/internal/decide/policy"
)

// The hours judged here, as the oracle reads them: by kind of day or weekday,
// in the letters that time.Format writes. They are awkward on purpose: they
// touch midnight and the hours in which clocks change.
var oracleHours = []struct {
	days  []string
	hours []string
}{
	{[]string{"workdays"}, []string{"00:00-00:20", "01:30-02:30", "09:00-12:00", "14:00-20:15"}},
	{[]string{"sat"}, []string{"00:30-03:10", "23:00-24:00"}},
	{[]string{"sun"}, []string{"00:00-02:00", "02:01-23:30"}},
	{[]string{"holidays"}, []string{"10:00-11:00"}},
}

var (
	oracleHolidays = []string{"2024-02-29", "2026-03-29", "2028-02-29", "2030-10-27"}
	oracleWorkdays = []string{"2024-03-10", "2028-03-26", "2030-11-03"} // Sundays on which some clocks change
)

func oracleRules(t *testing.T) *policy.Rules {
	t.Helper()
	var windows []policy.Window
	for _, w := range oracleHours {
		days, err := policy.ParseDays(w.days...)
		if err != nil {
			t.Fatal(err)
		}
		hours, err := policy.ParseHours(w.hours...)
		if err != nil {
			t.Fatal(err)
		}
		windows = append(windows, policy.Window{Days: days, Hours: hours})
	}
	years := map[int]*policy.Year{}
	year := func(d policy.Date) *policy.Year {
		if years[d.Year] == nil {
			years[d.Year] = &policy.Year{Year: d.Year, Standing: policy.ByNotice, Source: "test"}
		}
		return years[d.Year]
	}
	for _, text := range oracleHolidays {
		d := date(t, text)
		year(d).Off = append(year(d).Off, policy.Stretch{First: d, Last: d})
	}
	for _, text := range oracleWorkdays {
		d := date(t, text)
		year(d).Work = append(year(d).Work, d)
	}
	calendar := policy.Calendar{Country: "CN"}
	for _, y := range years {
		calendar.Years = append(calendar.Years, *y)
	}
	r, err := policy.New(policy.Spec{
		Packs: []policy.Pack{{Name: "oracle", Country: "CN", Rules: []policy.Rule{
			{ID: "hours", Basis: policy.House, Channels: []string{"phone"}, Windows: windows},
		}}},
		Calendars: []policy.Calendar{calendar},
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func date(t *testing.T, text string) policy.Date {
	t.Helper()
	d, err := time.Parse(time.DateOnly, text)
	if err != nil {
		t.Fatal(err)
	}
	return policy.Date{Year: d.Year(), Month: d.Month(), Day: d.Day()}
}

// oracleInside judges one instant by what a wall clock shows, letter by letter.
func oracleInside(shown string) bool {
	day, weekday, clock := shown[:10], strings.ToLower(shown[11:14]), shown[15:]
	kind := "workdays"
	switch {
	case slices.Contains(oracleHolidays, day):
		kind = "holidays"
	case slices.Contains(oracleWorkdays, day):
	case weekday == "sat" || weekday == "sun":
		kind = "weekends"
	}
	for _, w := range oracleHours {
		if !slices.Contains(w.days, kind) && !slices.Contains(w.days, weekday) {
			continue
		}
		for _, h := range w.hours {
			if clock >= h[:5] && clock < h[6:] {
				return true
			}
		}
	}
	return false
}

const wall = "2006-01-02 Mon 15:04"

// oracleMayStart looks at the wall clock every half minute of the ring time.
// Every hour here and every change of clocks falls on a whole minute, so
// nothing can open or close in between.
func oracleMayStart(at time.Time, loc *time.Location, ring time.Duration) bool {
	for past := time.Duration(0); past <= ring; past += 30 * time.Second {
		if !oracleInside(at.Add(past).In(loc).Format(wall)) {
			return false
		}
	}
	return true
}

func allZones(t *testing.T) []string {
	t.Helper()
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatalf("asking the go command where its zone database is: %v", err)
	}
	archive, err := zip.OpenReader(filepath.Join(strings.TrimSpace(string(root)), "lib", "time", "zoneinfo.zip"))
	if err != nil {
		t.Fatalf("opening the zone database that comes with Go: %v", err)
	}
	defer func() { _ = archive.Close() }()
	var names []string
	for _, f := range archive.File {
		if !strings.HasSuffix(f.Name, "/") && f.Name != "Factory" {
			names = append(names, f.Name)
		}
	}
	slices.Sort(names)
	if len(names) < 400 {
		t.Fatalf("only %d zones in the database; that cannot be all", len(names))
	}
	return names
}

// zonesUnderTest is one zone in so many.
var zonesUnderTest = 1

type oracleCount struct{ hourly, minutely, transitions, untils atomic.Int64 }

// TestEveryZoneAgreesWithAWallClock compares decisions with the oracle for every
// zone: each hour of 2024 to 2030, and each minute for three hours on both
// sides of every change of clocks, there with ring time and with the instant
// until which a contact is deferred.
func TestEveryZoneAgreesWithAWallClock(t *testing.T) {
	zones := allZones(t)
	every := zonesUnderTest
	if testing.Short() {
		every = max(every, 9)
	}
	if every > 1 {
		t.Logf("a shortened run: one zone in %d", every)
	}
	r := oracleRules(t)
	var count oracleCount
	var wait sync.WaitGroup
	work := make(chan int)
	for range runtime.GOMAXPROCS(0) {
		wait.Add(1)
		go func() {
			defer wait.Done()
			for i := range work {
				compareZone(t, r, zones[i], i, &count)
			}
		}()
	}
	judged := 0
	for i := 0; i < len(zones) && !t.Failed(); i += every {
		judged++
		work <- i
	}
	close(work)
	wait.Wait()
	t.Logf("%d zones, %d changes of clocks; %d decisions hour by hour, %d minute by minute, %d instants deferred to",
		judged, count.transitions.Load(), count.hourly.Load(), count.minutely.Load(), count.untils.Load())
	if count.transitions.Load() == 0 || count.untils.Load() == 0 {
		t.Error("the comparison met no change of clocks or no deferral, so it proves nothing")
	}
}

func compareZone(t *testing.T, r *policy.Rules, name string, i int, count *oracleCount) {
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Errorf("%s: %v", name, err)
		return
	}
	f := policy.Facts{Country: "CN", Zones: []string{name}, Channel: policy.Phone, Purpose: policy.Service}
	from := time.Date(2024, 1, 1, 0, i*7%60, 0, 0, time.UTC) // another minute of the hour in each zone
	to := time.Date(2031, 1, 1, 0, 0, 0, 0, time.UTC)
	_, offset := from.In(loc).Zone()
	for at := from; at.Before(to); at = at.Add(time.Hour) {
		local := at.In(loc)
		count.hourly.Add(1)
		if got, want := r.Decide(&f, at).Verdict == policy.Allow, oracleInside(local.Format(wall)); got != want {
			t.Errorf("%s at %s (%s there): allowed %v, the wall clock says %v", name, at.Format(time.RFC3339), local.Format(wall), got, want)
			return
		}
		if _, now := local.Zone(); now != offset {
			offset = now
			if !compareChange(t, r, f, name, loc, at, count) {
				return
			}
		}
	}
}

// compareChange walks minute by minute around a change of clocks that came in
// the hour before at.
func compareChange(t *testing.T, r *policy.Rules, f policy.Facts, name string, loc *time.Location, at time.Time, count *oracleCount) bool {
	_, after := at.In(loc).Zone()
	change := at
	for _, o := change.In(loc).Zone(); o == after; _, o = change.In(loc).Zone() {
		change = change.Add(-time.Minute)
	}
	count.transitions.Add(1)
	change = change.Add(time.Minute).Truncate(time.Minute)
	for _, f.Ring = range []time.Duration{0, 90 * time.Second} {
		next := time.Time{} // the first minute from here on at which an attempt may start
		for at := change.Add(3 * time.Hour); !at.Before(change.Add(-3 * time.Hour)); at = at.Add(-time.Minute) {
			may := oracleMayStart(at, loc, f.Ring)
			if may {
				next = at
			}
			d := r.Decide(&f, at)
			count.minutely.Add(1)
			shown := fmt.Sprintf("%s at %s (%s there), ring %s", name, at.Format(time.RFC3339), at.In(loc).Format(wall), f.Ring)
			if got := d.Verdict == policy.Allow; got != may {
				t.Errorf("%s: allowed %v, the wall clock says %v", shown, got, may)
				return false
			}
			if may || next.IsZero() {
				continue
			}
			count.untils.Add(1)
			if d.Verdict != policy.Defer || !d.Until.Equal(next) {
				t.Errorf("%s: %s until %s, the wall clock opens at %s", shown, d.Verdict, d.Until.Format(time.RFC3339), next.Format(time.RFC3339))
				return false
			}
		}
	}
	return true
}

func TestALeapDayIsADayLikeAnyOther(t *testing.T) {
	r := oracleRules(t)
	f := policy.Facts{Country: "CN", Zones: []string{"Asia/Shanghai"}, Channel: policy.Phone, Purpose: policy.Service}
	cases := []struct {
		name, at string
		want     policy.Verdict
	}{
		{"the eve at noon is a workday after hours", "2028-02-28T12:00:00+08:00", policy.Defer},
		{"the leap day is the holiday it was made", "2028-02-29T10:30:00+08:00", policy.Allow},
		{"the leap day has a holiday's hours only", "2028-02-29T09:30:00+08:00", policy.Defer},
		{"the day after is 1 March, a workday", "2028-03-01T09:30:00+08:00", policy.Allow},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			at, err := time.Parse(time.RFC3339, c.at)
			if err != nil {
				t.Fatal(err)
			}
			if d := r.Decide(&f, at); d.Verdict != c.want {
				t.Errorf("got %v", d)
			}
		})
	}
}
