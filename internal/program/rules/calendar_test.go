package rules

import (
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/huiyin/huiyin/internal/decide/policy"
	"github.com/huiyin/huiyin/internal/program/document"
)

// publishedDays reads the recorded days of China's notices.
func publishedDays(t *testing.T) map[string]policy.Days {
	t.Helper()
	folder := os.Getenv("HUIYIN_DATA")
	if folder == "" {
		const loud = "HUIYIN_DATA is not set: China's holidays were NOT compared day by day with cn_holidays"
		if os.Getenv("CI") == "true" {
			t.Fatal(loud)
		}
		_, _ = fmt.Fprintln(os.Stderr, "!!! "+loud)
		t.Skip(loud)
	}
	file, err := os.Open(filepath.Join(folder, "cn_holidays", "cn_holidays.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	rows, err := csv.NewReader(file).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	days := map[string]policy.Days{}
	for _, row := range rows[1:] {
		switch row[1] {
		case "holiday", "in_lieu":
			days[row[0]] = policy.Holidays
		case "workday":
			days[row[0]] = policy.Workdays
		default:
			t.Fatalf("%s is called %q, which nobody knows", row[0], row[1])
		}
	}
	return days
}

func TestChinasHolidaysAgreeDayByDayWithTheRecordedNotices(t *testing.T) {
	want := publishedDays(t)
	r := shippedRules(t)
	compared, special := 0, 0
	for d := time.Date(2022, 1, 1, 0, 0, 0, 0, time.UTC); d.Year() <= 2026; d = d.AddDate(0, 0, 1) {
		expected, listed := want[d.Format(time.DateOnly)]
		switch {
		case listed:
			special++
		case d.Weekday() == time.Saturday || d.Weekday() == time.Sunday:
			expected = policy.Weekends
		default:
			expected = policy.Workdays
		}
		if got := r.Kind("CN", policy.Date{Year: d.Year(), Month: d.Month(), Day: d.Day()}); got != expected {
			t.Errorf("%s: %v, the notice says %v", d.Format("2006-01-02 Mon"), got.Words(), expected.Words())
		}
		compared++
	}
	t.Logf("%d days compared, %d of them named by a notice", compared, special)
	if special < 180 {
		t.Errorf("only %d days of the record were met", special)
	}
}

func TestAYearWithoutANoticeSaysSo(t *testing.T) {
	r := shippedRules(t)
	cases := []struct {
		country string
		year    int
		want    policy.Standing
		source  string
	}{
		{"CN", 2024, policy.ByNotice, "国办发明电〔2023〕7号"},
		{"CN", 2026, policy.ByNotice, "国办发明电〔2025〕7号"},
		{"CN", 2027, policy.Statutory, "国务院令第 795 号"},
		{"CN", 2050, policy.NoHolidays, ""},
		{"US", 2031, policy.ByRule, "5 U.S.C. 6103"},
		{"FR", 2026, policy.NoHolidays, ""},
	}
	for _, c := range cases {
		standing, source := r.Holidays(c.country, c.year)
		if standing != c.want || !strings.Contains(source, c.source) {
			t.Errorf("%s %d: %s, %q", c.country, c.year, standing, source)
		}
	}
}

func TestStatutoryDaysOfEveryYearAreAsManyAsTheRegulationNames(t *testing.T) {
	r := shippedRules(t)
	for year := 2027; year <= 2035; year++ {
		holidays := 0
		for d := time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC); d.Year() == year; d = d.AddDate(0, 0, 1) {
			if r.Kind("CN", policy.Date{Year: year, Month: d.Month(), Day: d.Day()}) == policy.Holidays {
				holidays++
			}
		}
		want := 13
		if year == 2028 || year == 2031 { // Mid-autumn Festival falls into the days of October
			want = 12
		}
		if holidays != want {
			t.Errorf("%d: %d statutory days, want %d", year, holidays, want)
		}
	}
}

func TestANoticeAppliedAsADocumentTakesThePlaceOfTheStatutoryDays(t *testing.T) {
	docs, err := document.Parse(strings.NewReader(`
kind: RulePack
name: cn-2027
country: CN
calendar:
  years:
    - {year: 2027, standing: notice, source: a notice made up for this test, off: [2027-01-01/2027-01-03, 2027-02-05/2027-02-11], work: [2027-02-13]}
`))
	if err != nil {
		t.Fatal(err)
	}
	p, err := DecodePack(docs[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, packs := range [][]RulePack{append(Builtin(), p), append([]RulePack{p}, Builtin()...)} {
		r, err := Compile(packs, nil)
		if err != nil {
			t.Fatal(err)
		}
		if standing, _ := r.Holidays("CN", 2027); standing != policy.ByNotice {
			t.Errorf("2027 rests on %s", standing)
		}
		for day, want := range map[policy.Date]policy.Days{
			{Year: 2027, Month: 2, Day: 11}: policy.Holidays, {Year: 2027, Month: 2, Day: 13}: policy.Workdays,
			{Year: 2027, Month: 10, Day: 1}: policy.Workdays, // the notice made up here names no October
		} {
			if got := r.Kind("CN", day); got != want {
				t.Errorf("%s: %v", day, got.Words())
			}
		}
		f := policy.Facts{Zones: []string{"Asia/Shanghai"}, Channel: "phone", Purpose: "service"}
		if d := r.Decide(&f, at(t, "2027-02-06 15:00", "Asia/Shanghai")); d.Verdict != policy.Allow {
			t.Errorf("a pack of a calendar alone changed the hours: %v", d)
		}
	}
}

func TestFederalHolidays(t *testing.T) {
	r := shippedRules(t)
	holidays := []string{
		"2026-01-01", "2026-01-19", "2026-02-16", "2026-05-25", "2026-06-19", "2026-07-03", "2026-07-04", "2026-09-07",
		"2026-10-12", "2026-11-11", "2026-11-26", "2026-12-25",
		"2021-12-31", "2022-01-01", // New Year's Day of 2022 was a Saturday
		"2023-01-01", "2023-01-02", // and that of 2023 a Sunday
	}
	for _, text := range holidays {
		d, _ := parseDate(text)
		if got := r.Kind("US", d); got != policy.Holidays {
			t.Errorf("%s: %v", text, got.Words())
		}
	}
	for _, text := range []string{"2026-07-02", "2026-11-27", "2020-06-19", "2026-07-06"} {
		d, _ := parseDate(text)
		if got := r.Kind("US", d); got != policy.Workdays {
			t.Errorf("%s: %v", text, got.Words())
		}
	}
}

func TestWeekendsAreTheCountrysOwn(t *testing.T) {
	r := shippedRules(t)
	friday := policy.Date{Year: 2026, Month: time.March, Day: 6}
	for country, want := range map[string]policy.Days{"IL": policy.Weekends, "SA": policy.Weekends, "FR": policy.Workdays, "AE": policy.Workdays} {
		if got := r.Kind(country, friday); got != want {
			t.Errorf("Friday in %s: %v", country, got.Words())
		}
	}
}
