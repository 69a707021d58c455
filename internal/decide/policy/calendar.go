package policy

import (
	"fmt"
	"time"
)

// Standing says what a year of a calendar rests on.
type Standing string

// The standings. A year with NoHolidays knows workdays and weekends only.
const (
	ByNotice   Standing = "notice"    // the authority's arrangement of that year, make-up workdays included
	ByRule     Standing = "rule"      // holidays that follow from the law without a yearly arrangement
	Statutory  Standing = "statutory" // no arrangement known: the days the law names, without shifted days
	NoHolidays Standing = "none"
)

// Date is a day of the civil calendar.
type Date struct {
	Year  int
	Month time.Month
	Day   int
}

// Stretch is days from First to Last, both included.
type Stretch struct{ First, Last Date }

// Year is the days of one year that differ from the plain week.
type Year struct {
	Year     int
	Standing Standing
	Source   string
	Off      []Stretch
	Work     []Date // days of the weekend made workdays
}

// Calendar is the dated days of one country.
type Calendar struct {
	Country string
	Weekend Days // zero: Saturday and Sunday
	Years   []Year
}

// The years a calendar can hold days of.
const (
	firstYear = 1990
	lastYear  = 2060
)

const longestStretchDays = 31

type dayClass uint8

const (
	workday dayClass = iota
	weekend
	holiday
)

// calendar is a Calendar laid out by day, so that asking is one look-up.
type calendar struct {
	weekend Days
	base    int64 // the day number of days[0]
	days    []dayClass
	years   map[int]Year
}

// plain is the calendar of a country we hold no days of.
var plain = &calendar{weekend: Saturday | Sunday}

func dayNumber(d Date) int64 {
	return time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, time.UTC).Unix() / secondsPerDay
}

func (d Date) valid() bool {
	t := time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, time.UTC)
	return t.Year() == d.Year && t.Month() == d.Month && t.Day() == d.Day
}

func (d Date) String() string { return fmt.Sprintf("%04d-%02d-%02d", d.Year, d.Month, d.Day) }

func compileCalendar(c Calendar) (*calendar, error) {
	fail := func(format string, a ...any) (*calendar, error) {
		return nil, fmt.Errorf("calendar of %q: "+format, append([]any{c.Country}, a...)...)
	}
	k := &calendar{weekend: c.Weekend, years: map[int]Year{}}
	if k.weekend == 0 {
		k.weekend = Saturday | Sunday
	}
	first, last := Date{firstYear, time.January, 1}, Date{lastYear, time.December, 31}
	k.base = dayNumber(first)
	k.days = make([]dayClass, dayNumber(last)-k.base+1)
	for i := range k.days {
		k.days[i] = k.ofWeek(k.base + int64(i))
	}
	for _, y := range c.Years {
		if y.Year < firstYear || y.Year > lastYear {
			return fail("year %d is outside %d-%d", y.Year, firstYear, lastYear)
		}
		if _, twice := k.years[y.Year]; twice {
			return fail("year %d stands twice; keep one", y.Year)
		}
		k.years[y.Year] = y
	}
	for _, y := range c.Years {
		if err := k.lay(y, first, last); err != nil {
			return fail("year %d: %w", y.Year, err)
		}
	}
	return k, nil
}

// lay writes one year's days. A notice may reach into the year before (a New
// Year's stretch that begins on 30 December), so dates are bounded by the
// calendar, not by the year.
func (k *calendar) lay(y Year, first, last Date) error {
	low, high := dayNumber(first), dayNumber(last)
	put := func(d int64, class dayClass) error {
		if d < low || d > high {
			return fmt.Errorf("a day is outside %s to %s", first, last)
		}
		k.days[d-k.base] = class
		return nil
	}
	for _, s := range y.Off {
		if !s.First.valid() || !s.Last.valid() {
			return fmt.Errorf("%s to %s are no days of the calendar", s.First, s.Last)
		}
		from, to := dayNumber(s.First), dayNumber(s.Last)
		if to < from || to-from >= longestStretchDays {
			return fmt.Errorf("days off %s to %s run backwards or longer than %d days", s.First, s.Last, longestStretchDays)
		}
		for d := from; d <= to; d++ {
			if err := put(d, holiday); err != nil {
				return err
			}
		}
	}
	for _, d := range y.Work {
		if !d.valid() {
			return fmt.Errorf("%s is no day of the calendar", d)
		}
		n := dayNumber(d)
		if k.ofWeek(n) == workday {
			return fmt.Errorf("%s is called a make-up workday but is no day of the weekend", d)
		}
		if err := put(n, workday); err != nil {
			return err
		}
	}
	return nil
}

func weekdayOf(day int64) Days {
	w := (day + int64(time.Thursday)) % 7 // day 0 was a Thursday
	if w < 0 {
		w += 7
	}
	return Sunday << w
}

func (k *calendar) ofWeek(day int64) dayClass {
	if k.weekend&weekdayOf(day) != 0 {
		return weekend
	}
	return workday
}

// bits gives every kind of day that the day is.
func (k *calendar) bits(day int64) Days {
	class := dayClass(0)
	if i := day - k.base; i >= 0 && i < int64(len(k.days)) {
		class = k.days[i]
	} else {
		class = k.ofWeek(day)
	}
	return weekdayOf(day) | Workdays<<class
}

func (k *calendar) standing(year int) (Standing, string) {
	if y, known := k.years[year]; known {
		return y.Standing, y.Source
	}
	return NoHolidays, ""
}
