package oracle

import (
	"sync"
	"time"
)

// span is hours of a local day, in minutes from midnight; to is not in it.
type span struct{ from, to int }

// law is when a country lets messages through, on every channel of the trial.
type law struct {
	days  [7]bool // by weekday, Sunday first
	hours []span
}

var (
	everyDay = [7]bool{true, true, true, true, true, true, true}
	mondays  = [7]bool{false, true, true, true, true, true, false} // Monday to Friday
	nepals   = [7]bool{true, true, true, true, true, true, false}  // Sunday to Friday
)

// laws of the countries of the trial, written down apart from the documents the product reads.
var laws = map[string]law{
	"CN": {everyDay, []span{{8 * 60, 21 * 60}}},
	"US": {everyDay, []span{{8 * 60, 21 * 60}}},
	"AU": {everyDay, []span{{9 * 60, 20 * 60}}},
	"NP": {nepals, []span{{10 * 60, 12 * 60}, {14 * 60, 19 * 60}}},
}

// elsewhere holds where no country's own law does.
var elsewhere = law{mondays, []span{{10 * 60, 19 * 60}}}

// countries of the zones in which the trial's customers live.
var countries = map[string]string{
	"Asia/Shanghai": "CN", "Asia/Urumqi": "CN", "America/New_York": "US", "America/Chicago": "US", "America/Phoenix": "US",
	"America/Los_Angeles": "US", "America/Adak": "US", "Pacific/Honolulu": "US", "Australia/Lord_Howe": "AU", "Australia/Sydney": "AU",
	"Australia/Eucla": "AU", "America/St_Johns": "CA", "Pacific/Apia": "WS", "Africa/Casablanca": "MA", "Asia/Kathmandu": "NP",
	"Europe/London": "GB", "America/Santiago": "CL",
}

// spread are clocks that a country certainly has, for customers of whom only the country is known.
var spread = map[string][]string{
	"CN": {"Asia/Shanghai"},
	"US": {"America/New_York", "America/Chicago", "America/Denver", "America/Phoenix", "America/Los_Angeles", "America/Anchorage", "America/Adak", "Pacific/Honolulu"},
	"AU": {"Australia/Sydney", "Australia/Perth", "Australia/Lord_Howe", "Australia/Adelaide", "Australia/Darwin"},
}

var locations sync.Map

func location(zone string) *time.Location {
	if l, ok := locations.Load(zone); ok {
		return l.(*time.Location)
	}
	l, err := time.LoadLocation(zone)
	if err != nil {
		panic("oracle: a zone of the trial doesn't exist: " + err.Error())
	}
	locations.Store(zone, l)
	return l
}

// allows says whether the law lets a message through at an instant on a clock.
func (l law) allows(at time.Time, zone string) bool {
	local := at.In(location(zone))
	if !l.days[local.Weekday()] {
		return false
	}
	minute := local.Hour()*60 + local.Minute()
	for _, h := range l.hours {
		if minute >= h.from && minute < h.to {
			return true
		}
	}
	return false
}

func lawOf(country string) law {
	if l, ok := laws[country]; ok {
		return l
	}
	return elsewhere
}

// closed gives the clock on which a message was outside the hours; "" when on none.
func (p Place) closed(at time.Time) string {
	zones, countriesHere := p.Zones, []string{p.Country}
	strict := false
	switch {
	case len(zones) == 0:
		zones, strict = spread[p.Country], len(spread[p.Country]) != 1
	case p.Country == "":
		countriesHere = nil
		for _, z := range zones {
			countriesHere = append(countriesHere, countries[z])
		}
	}
	for _, z := range zones {
		for _, c := range countriesHere {
			if !lawOf(c).allows(at, z) {
				return z
			}
		}
		if strict && !elsewhere.allows(at, z) {
			return z
		}
	}
	return ""
}
