package customer

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/errs"
)

const (
	// FactDays is how far back facts reach.
	FactDays = 400
	// NeverDays is DaysSince of what never happened: longer ago than anything.
	NeverDays = 1_000_000

	recentMax = 8  // newest events remembered one by one
	fieldsMax = 32 // pairs of field and currency summed per type; more are not kept apart, they are left out
)

// Amount is one number of an event that facts add up.
type Amount struct {
	Field    string
	Currency string // "" for what isn't money
	N        int64
}

// Seen is one of the newest events.
type Seen struct {
	Seq int64
	At  time.Time
}

// fact is what events of one type have told of one customer. It is the same whatever order
// they came in.
type fact struct {
	total  int64 // ever
	last   int64 // milliseconds; the newest event's own time
	recent []seenAt
	fields []field // sorted by name
	days   []day   // sorted by number; none older than FactDays before the newest
}

type seenAt struct{ seq, at int64 }

// field is a field's name and currency, and how many events carried it.
type field struct {
	name string // amount_minor:CNY
	n    int64
}

type day struct {
	number int64   // since 1970, UTC
	count  int64   // events on it
	sums   []int64 // by field
}

// Facts is what events have told us of one customer. A nil Facts knows nothing.
type Facts struct {
	types []typeFact // a handful: looking through them costs less than a map

	Damaged []error // of the rows that couldn't be read: counting begins anew with the next event
}

// typeFact is what events of one type have told.
type typeFact struct {
	name  string
	fact  *fact
	dirty bool // observed since it was loaded
}

// NewFacts knows nothing yet.
func NewFacts() *Facts { return &Facts{} }

func (f *Facts) get(eventType string) *fact {
	if f == nil {
		return nil
	}
	for i := range f.types {
		if f.types[i].name == eventType {
			return f.types[i].fact
		}
	}
	return nil
}

// Observe takes one event into account. Each event is to be observed once.
func (f *Facts) Observe(eventType string, seq int64, at time.Time, amounts []Amount) {
	i := slices.IndexFunc(f.types, func(t typeFact) bool { return t.name == eventType })
	if i < 0 {
		i = len(f.types)
		f.types = append(f.types, typeFact{name: eventType, fact: &fact{}})
	}
	f.types[i].fact.observe(seq, at.UnixMilli(), amounts)
	f.types[i].dirty = true
}

func (f *fact) observe(seq, at int64, amounts []Amount) {
	f.total++
	f.last = max(f.last, at)
	f.remember(seenAt{seq, at})
	number := dayNumber(at)
	if n := len(f.days); n > 0 && number <= f.days[n-1].number-FactDays {
		f.countFields(amounts)
		return // further back than any window reaches
	}
	i, found := slices.BinarySearchFunc(f.days, number, func(d day, n int64) int { return cmp.Compare(d.number, n) })
	if !found {
		f.days = slices.Insert(f.days, i, day{number: number, sums: make([]int64, len(f.fields))})
		i -= f.forget()
	}
	f.days[i].count++
	for _, a := range amounts {
		if j, ok := f.field(a); ok {
			f.fields[j].n++
			f.days[i].sums[j] += a.N
		}
	}
}

func (f *fact) countFields(amounts []Amount) {
	for _, a := range amounts {
		if j, ok := f.field(a); ok {
			f.fields[j].n++
		}
	}
}

// remember keeps the newest events by their own time, the newest first.
func (f *fact) remember(s seenAt) {
	i, _ := slices.BinarySearchFunc(f.recent, s, func(a, b seenAt) int {
		return cmp.Or(cmp.Compare(b.at, a.at), cmp.Compare(b.seq, a.seq))
	})
	if i < recentMax {
		f.recent = slices.Insert(f.recent, i, s)
		f.recent = f.recent[:min(len(f.recent), recentMax)]
	}
}

// forget drops the days no window reaches any more and says how many there were.
func (f *fact) forget() int {
	oldest := f.days[len(f.days)-1].number - FactDays
	n := 0
	for f.days[n].number <= oldest {
		n++
	}
	f.days = slices.Delete(f.days, 0, n)
	return n
}

// field finds or makes the place of an amount's field.
func (f *fact) field(a Amount) (int, bool) {
	name := a.Field
	if a.Currency != "" {
		name += ":" + a.Currency
	}
	j, found := slices.BinarySearchFunc(f.fields, name, func(x field, n string) int { return strings.Compare(x.name, n) })
	if found {
		return j, true
	}
	if len(f.fields) >= fieldsMax {
		return 0, false
	}
	f.fields = slices.Insert(f.fields, j, field{name: name})
	for i := range f.days {
		f.days[i].sums = slices.Insert(f.days[i].sums, j, 0)
	}
	return j, true
}

// Total is how many events of the type there ever were.
func (f *Facts) Total(eventType string) int64 {
	if k := f.get(eventType); k != nil {
		return k.total
	}
	return 0
}

// Last is when the newest event of the type happened; zero for never.
func (f *Facts) Last(eventType string) time.Time {
	if k := f.get(eventType); k != nil {
		return time.UnixMilli(k.last).UTC()
	}
	return time.Time{}
}

// Recent is up to eight of the newest events of the type, the newest first.
func (f *Facts) Recent(eventType string) []Seen {
	k := f.get(eventType)
	if k == nil {
		return nil
	}
	seen := make([]Seen, len(k.recent))
	for i, s := range k.recent {
		seen[i] = Seen{s.seq, time.UnixMilli(s.at).UTC()}
	}
	return seen
}

// DaysSince is the whole days since the newest event of the type, NeverDays if there was none.
func (f *Facts) DaysSince(eventType string, now time.Time) int64 {
	k := f.get(eventType)
	if k == nil {
		return NeverDays
	}
	return max(0, (now.UnixMilli()-k.last)/(24*time.Hour).Milliseconds())
}

// Count is the number of events of the type within a window such as 90d: on the last 90
// days by UTC, today's included. A window ParseWindow refuses counts nothing.
func (f *Facts) Count(eventType, window string, now time.Time) int64 {
	var n int64
	for _, d := range f.within(eventType, window, now) {
		n += d.count
	}
	return n
}

// Sum adds up a field over a window as Count does. Sums in different currencies never mix:
// "amount_minor:USD" asks for one; without a currency it is the one the customer's events
// carried most often.
func (f *Facts) Sum(eventType, field, window string, now time.Time) int64 {
	days := f.within(eventType, window, now)
	if len(days) == 0 {
		return 0
	}
	j := f.get(eventType).choose(field)
	if j < 0 {
		return 0
	}
	var sum int64
	for _, d := range days {
		sum += d.sums[j]
	}
	return sum
}

// choose finds the field asked for; -1 when no event carried it.
func (f *fact) choose(name string) int {
	best := -1
	for j, x := range f.fields {
		if x.name == name {
			return j
		}
		if strings.HasPrefix(x.name, name+":") && (best < 0 || x.n > f.fields[best].n) {
			best = j
		}
	}
	return best
}

// within is the days of a type inside a window.
func (f *Facts) within(eventType, window string, now time.Time) []day {
	length, err := ParseWindow(window)
	k := f.get(eventType)
	if err != nil || k == nil {
		return nil
	}
	today := dayNumber(now.UnixMilli())
	from, _ := slices.BinarySearchFunc(k.days, today-int64(length)+1, func(d day, n int64) int { return cmp.Compare(d.number, n) })
	to, _ := slices.BinarySearchFunc(k.days, today+1, func(d day, n int64) int { return cmp.Compare(d.number, n) })
	return k.days[from:max(from, to)]
}

// ParseWindow reads a window such as 90d: whole days, at most as many as facts reach back.
func ParseWindow(window string) (days int, err error) {
	text, isDays := strings.CutSuffix(window, "d")
	n, bad := strconv.Atoi(text)
	if !isDays || bad != nil || n < 1 || n > FactDays || text[0] == '+' {
		return 0, errs.New(errs.Invalid, codes.DurationInvalid,
			"%q is no window: write whole days such as 90d, at most %dd", window, FactDays)
	}
	return n, nil
}

func dayNumber(ms int64) int64 {
	const length = 24 * 60 * 60 * 1000
	n := ms / length
	if ms%length < 0 {
		n--
	}
	return n
}
