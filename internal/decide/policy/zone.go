package policy

import (
	_ "embed"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	_ "time/tzdata" // the same zones wherever the binary runs
)

const (
	secondsPerDay = 24 * 60 * 60
	nanosPerDay   = secondsPerDay * int64(time.Second)
	nanosPerMin   = int64(time.Minute)
	maxZones      = 1024 // distinct zones held; the database has about 600 names
)

// The years whose changes of offset are laid out in advance. Outside them the
// zone database is asked each time, which is slower and just as right.
const (
	laidOutFrom = 1990
	laidOutTo   = 2045
)

//go:embed zones.txt
var zonesText string

// zonesOf and countryOf are the zones of each country and back.
var zonesOf, countryOf = readZones(zonesText)

func readZones(text string) (map[string][]string, map[string]string) {
	zones, country := map[string][]string{}, map[string]string{}
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(words) < 2 || words[0] == "#" {
			continue
		}
		zones[words[0]] = words[1:]
		for _, z := range words[1:] {
			country[z] = words[0]
		}
	}
	return zones, country
}

// ZonesOf lists the zones of a country.
func ZonesOf(country string) []string { return slices.Clone(zonesOf[country]) }

// zone is a time zone laid out as stretches of constant offset.
type zone struct {
	loc     *time.Location
	starts  []int64 // Unix nanoseconds; starts[i] begins the stretch with offsets[i]
	offsets []int64 // nanoseconds east of UTC
	end     int64   // where the last stretch laid out ends
}

func loadZone(name string) (*zone, error) {
	if name == "" || name == "Local" {
		return nil, fmt.Errorf("%q is no zone of the IANA time zone database", name)
	}
	loc, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("%q is no zone of the IANA time zone database", name)
	}
	z := &zone{loc: loc}
	t, stop := unixNano(laidOutFrom), unixNano(laidOutTo)
	for t < stop {
		offset, next := ask(loc, t)
		if n := len(z.offsets); n == 0 || z.offsets[n-1] != offset {
			z.starts = append(z.starts, t)
			z.offsets = append(z.offsets, offset)
		}
		t = next
	}
	z.end = t
	return z, nil
}

func unixNano(year int) int64 {
	return time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC).UnixNano()
}

// stretch gives the offset at t and where it ends.
func (z *zone) stretch(t int64) (offset, end int64) {
	if t < z.starts[0] || t >= z.end {
		return ask(z.loc, t)
	}
	low, high := 0, len(z.starts)
	for high-low > 1 {
		mid := int(uint(low+high) >> 1)
		if z.starts[mid] <= t {
			low = mid
		} else {
			high = mid
		}
	}
	if low+1 < len(z.starts) {
		return z.offsets[low], z.starts[low+1]
	}
	return z.offsets[low], z.end
}

// ask gives the offset at t and an instant after t up to which it surely
// holds, from the zone database.
func ask(loc *time.Location, t int64) (offset, end int64) {
	at := time.Unix(0, t).In(loc)
	offset = offsetAt(loc, t)
	_, next := at.ZoneBounds()
	switch {
	case next.IsZero():
		return offset, never
	case next.After(at):
		return offset, nanos(next)
	}
	// Beyond the changes it lists, the library calls 365 days after New Year the
	// end of the stretch, which on the last day of a leap year lies behind us.
	low, high := t, t+int64(time.Hour)
	if offsetAt(loc, high) == offset {
		return offset, high
	}
	for high-low > int64(time.Second) {
		if mid := low + (high-low)/2; offsetAt(loc, mid) == offset {
			low = mid
		} else {
			high = mid
		}
	}
	return offset, high / int64(time.Second) * int64(time.Second)
}

func offsetAt(loc *time.Location, t int64) int64 {
	_, seconds := time.Unix(0, t).In(loc).Zone()
	return int64(seconds) * int64(time.Second)
}

// local gives the day, and how far into it, that a clock in the zone shows.
func local(t, offset int64) (day, sinceMidnight int64) {
	t += offset
	day = t / nanosPerDay
	sinceMidnight = t % nanosPerDay
	if sinceMidnight < 0 {
		day--
		sinceMidnight += nanosPerDay
	}
	return day, sinceMidnight
}

// atlas holds the zones met so far. Reading takes no lock.
type atlas struct {
	known atomic.Pointer[map[string]*zone]
	mu    sync.Mutex
}

// zone returns nil for a name that is no zone.
func (a *atlas) zone(name string) *zone {
	if m := a.known.Load(); m != nil {
		if z, known := (*m)[name]; known {
			return z
		}
	}
	return a.add(name)
}

func (a *atlas) add(name string) *zone {
	a.mu.Lock()
	defer a.mu.Unlock()
	old := map[string]*zone{}
	if m := a.known.Load(); m != nil {
		old = *m
	}
	if z, known := old[name]; known {
		return z
	}
	z, err := loadZone(name)
	if err != nil {
		return nil // names that are no zones are not held: nothing bounds them
	}
	if len(old) >= maxZones {
		return z
	}
	grown := maps.Clone(old)
	grown[name] = z
	a.known.Store(&grown)
	return z
}

// nanos is the instant in Unix nanoseconds, held inside what they can express.
func nanos(t time.Time) int64 {
	const lowest, highest = -200 * 366 * secondsPerDay, 290 * 365 * secondsPerDay
	s := t.Unix()
	switch {
	case s < lowest:
		return lowest * int64(time.Second)
	case s > highest:
		return highest * int64(time.Second)
	default:
		return t.UnixNano()
	}
}

// distinct drops zones whose clocks agreed with an earlier one's since
// agreeSince: a rule that holds in one holds in the other.
func distinct(zones []*zone) []*zone {
	var kept []*zone
	for _, z := range zones {
		if !slices.ContainsFunc(kept, func(k *zone) bool { return agree(k, z) }) {
			kept = append(kept, z)
		}
	}
	return kept
}

// agreeSince bounds the use of distinct zones: before it, all are judged.
const agreeSince = 2010

func agree(a, b *zone) bool {
	to := unixNano(laidOutTo)
	for t := unixNano(agreeSince); t < to; {
		offsetA, endA := a.stretch(t)
		offsetB, endB := b.stretch(t)
		if offsetA != offsetB {
			return false
		}
		t = min(endA, endB)
	}
	return true
}
