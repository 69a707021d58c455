package policy

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

const (
	maxSpans = 24      // spans of hours in one window
	dayEnd   = 24 * 60 // minutes
)

// Days is a set of kinds of days: workdays, weekends and holidays, which part
// all days among them, and days of the week, which cut across.
type Days uint16

// The kinds of days.
const (
	Sunday Days = 1 << iota
	Monday
	Tuesday
	Wednesday
	Thursday
	Friday
	Saturday
	Workdays // working days, make-up workdays included
	Weekends // days of the weekend that are neither holidays nor made workdays
	Holidays // public holidays and the days off given with them
	AllDays  = Workdays | Weekends | Holidays
)

var dayNames = []struct {
	name string
	days Days
}{
	{"all", AllDays},
	{"workdays", Workdays},
	{"weekends", Weekends},
	{"holidays", Holidays},
	{"mon", Monday},
	{"tue", Tuesday},
	{"wed", Wednesday},
	{"thu", Thursday},
	{"fri", Friday},
	{"sat", Saturday},
	{"sun", Sunday},
}

// DayNames lists the words ParseDays knows, for messages that name the nearest.
func DayNames() []string {
	names := make([]string, len(dayNames))
	for i, d := range dayNames {
		names[i] = d.name
	}
	return names
}

// ParseDays reads words such as all, workdays, sat.
func ParseDays(words ...string) (Days, error) {
	if len(words) == 0 {
		return 0, errors.New("no days are named; write all, workdays, weekends, holidays or days such as [mon, tue]")
	}
	var days Days
	for _, word := range words {
		i := slices.IndexFunc(dayNames, func(d struct {
			name string
			days Days
		},
		) bool {
			return d.name == word
		})
		if i < 0 {
			return 0, fmt.Errorf("%q is no kind of day; write one of %s", word, strings.Join(DayNames(), ", "))
		}
		days |= dayNames[i].days
	}
	return days, nil
}

// Words gives the set back as ParseDays reads it.
func (d Days) Words() []string {
	var words []string
	for _, n := range dayNames {
		if d&n.days == n.days {
			words = append(words, n.name)
			d &^= n.days
		}
	}
	return words
}

// Span is a stretch of one local day, in minutes from midnight; To is not in it.
type Span struct{ From, To int }

// ParseSpan reads "HH:MM-HH:MM"; the end may be 24:00.
func ParseSpan(text string) (Span, error) {
	from, to, found := strings.Cut(text, "-")
	if !found {
		return Span{}, fmt.Errorf("hours %q are not HH:MM-HH:MM; write for example 09:00-12:00", text)
	}
	start, okStart := minuteOfDay(from)
	end, okEnd := minuteOfDay(to)
	switch {
	case !okStart || !okEnd:
		return Span{}, fmt.Errorf("hours %q are not HH:MM-HH:MM between 00:00 and 24:00; write for example 09:00-12:00", text)
	case start == end:
		return Span{}, fmt.Errorf("hours %q are empty; let them end later than they begin, or write 00:00-24:00 for the whole day", text)
	case start > end:
		return Span{}, fmt.Errorf("hours %q end before they begin; hours over midnight are written as two: %s-24:00 and 00:00-%s", text, from, to)
	}
	return Span{From: start, To: end}, nil
}

func minuteOfDay(text string) (int, bool) {
	if len(text) != 5 || text[2] != ':' {
		return 0, false
	}
	h, okH := twoDigits(text[:2])
	m, okM := twoDigits(text[3:])
	if !okH || !okM || m > 59 || h > 24 || h == 24 && m != 0 {
		return 0, false
	}
	return h*60 + m, true
}

func twoDigits(s string) (int, bool) {
	if s[0] < '0' || s[0] > '9' || s[1] < '0' || s[1] > '9' {
		return 0, false
	}
	return int(s[0]-'0')*10 + int(s[1]-'0'), true
}

func (s Span) String() string {
	return fmt.Sprintf("%02d:%02d-%02d:%02d", s.From/60, s.From%60, s.To/60, s.To%60)
}

// ParseHours reads a list of spans, puts them in order and joins those that
// touch. Overlapping ones are refused: one of them is a slip of the pen.
func ParseHours(texts ...string) ([]Span, error) {
	if len(texts) == 0 {
		return nil, errors.New("no hours are named; write for example [\"09:00-12:00\", \"14:00-20:00\"]")
	}
	if len(texts) > maxSpans {
		return nil, fmt.Errorf("%d spans of hours are too many; at most %d", len(texts), maxSpans)
	}
	spans := make([]Span, 0, len(texts))
	for _, text := range texts {
		s, err := ParseSpan(text)
		if err != nil {
			return nil, err
		}
		spans = append(spans, s)
	}
	slices.SortFunc(spans, func(a, b Span) int { return a.From - b.From })
	joined := spans[:1]
	for _, s := range spans[1:] {
		last := &joined[len(joined)-1]
		switch {
		case s.From < last.To:
			return nil, fmt.Errorf("hours %s and %s overlap; write them as one", last, s)
		case s.From == last.To:
			last.To = s.To
		default:
			joined = append(joined, s)
		}
	}
	return joined, nil
}

// Window is hours on certain days. Several windows are alternatives: what any
// of them opens is open.
type Window struct {
	Days  Days
	Hours []Span
}

func (w Window) check() error {
	if w.Days == 0 {
		return errors.New("a window names no days")
	}
	if len(w.Hours) == 0 || len(w.Hours) > maxSpans {
		return fmt.Errorf("a window has %d spans of hours; between 1 and %d are possible", len(w.Hours), maxSpans)
	}
	for _, s := range w.Hours {
		if s.From < 0 || s.To > dayEnd || s.From >= s.To {
			return fmt.Errorf("hours %s are not inside one day", s)
		}
	}
	return nil
}
