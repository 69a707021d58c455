package rules

import (
	"time"

	"github.com/huiyin/huiyin/internal/decide/policy"
)

// The federal holidays of the United States follow from 5 U.S.C. 6103 without
// a yearly notice, so they are worked out.
const (
	federalFirstYear = 1990
	federalLastYear  = 2059
	federalSource    = "5 U.S.C. 6103; observed days: 5 U.S.C. 6103(b)"
	juneteenthSince  = 2021
)

// federalCalendar lists each holiday and, when it falls on a weekend, the
// weekday on which it is observed.
func federalCalendar() *Calendar {
	c := &Calendar{Weekend: Days{"sat", "sun"}}
	for y := federalFirstYear; y <= federalLastYear; y++ {
		year := Year{Year: y, Standing: string(policy.ByRule), Source: federalSource}
		for _, day := range federalHolidays(y) {
			year.Off = append(year.Off, oneDay(day))
			switch day.Weekday() {
			case time.Saturday: // for 1 January this lies in the year before
				year.Off = append(year.Off, oneDay(day.AddDate(0, 0, -1)))
			case time.Sunday:
				year.Off = append(year.Off, oneDay(day.AddDate(0, 0, 1)))
			}
		}
		c.Years = append(c.Years, year)
	}
	return c
}

func federalHolidays(y int) []time.Time {
	days := []time.Time{
		day(y, time.January, 1),
		nth(y, time.January, time.Monday, 3),
		nth(y, time.February, time.Monday, 3),
		last(y, time.May, time.Monday),
		day(y, time.July, 4),
		nth(y, time.September, time.Monday, 1),
		nth(y, time.October, time.Monday, 2),
		day(y, time.November, 11),
		nth(y, time.November, time.Thursday, 4),
		day(y, time.December, 25),
	}
	if y >= juneteenthSince {
		days = append(days, day(y, time.June, 19))
	}
	return days
}

func day(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 0, 0, 0, 0, time.UTC) }

// nth is the nth such weekday of the month.
func nth(y int, m time.Month, w time.Weekday, n int) time.Time {
	first := day(y, m, 1)
	ahead := (int(w) - int(first.Weekday()) + 7) % 7
	return first.AddDate(0, 0, ahead+7*(n-1))
}

func last(y int, m time.Month, w time.Weekday) time.Time {
	end := day(y, m+1, 0)
	back := (int(end.Weekday()) - int(w) + 7) % 7
	return end.AddDate(0, 0, -back)
}

func oneDay(t time.Time) Stretch {
	d := policy.Date{Year: t.Year(), Month: t.Month(), Day: t.Day()}
	return Stretch{First: d, Last: d}
}
