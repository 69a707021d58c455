package policy

import (
	"slices"
	"time"

	"github.com/huiyin/huiyin/internal/platform/codes"
)

// Packs names what was compiled in, for evidence: which version of which rules
// a contact was judged by.
func (r *Rules) Packs() []PackRef { return slices.Clone(r.refs) }

// Abandonment gives what dialling in a country must keep to; the strictest of
// each figure holds.
func (r *Rules) Abandonment(country string) []Abandonment {
	own := r.dial[country]
	if len(own) == 0 {
		own = r.dial[OtherCountries]
	}
	return slices.Concat(r.dial[AllCountries], own)
}

// Holidays says what a year of the country's calendar rests on, and its source.
func (r *Rules) Holidays(country string, year int) (Standing, string) {
	return r.place(country).days.standing(year)
}

// Kind says what a day is in the country: Workdays, Weekends or Holidays.
func (r *Rules) Kind(country string, d Date) Days {
	return r.place(country).days.bits(dayNumber(d)) & AllDays
}

// Never says whether contact on a channel for a purpose is impossible in every
// country that a pack names, whatever the hour and whoever the customer: a cap
// of nought, or hours that no day has. The decision names the rule.
func (r *Rules) Never(channel, purpose string, ring time.Duration, now time.Time) (Decision, bool) {
	countries := r.namedCountries()
	var last Decision
	for _, country := range countries {
		f := Facts{Country: country, Channel: channel, Purpose: purpose, Ring: ring}
		if p := r.place(country); len(p.zones) > 0 {
			f.Zones = p.zones[:1]
		} else {
			f.Zones = []string{"UTC"}
		}
		f.Consents = []Consent{{Purpose: Any, Channel: Any, Granted: true, At: now}}
		last = r.Decide(&f, now)
		if last.Verdict != Deny {
			return Decision{}, false
		}
	}
	return last, true
}

func (r *Rules) namedCountries() []string {
	var countries []string
	for _, ref := range r.refs {
		if zonesOf[ref.Country] != nil && !slices.Contains(countries, ref.Country) {
			countries = append(countries, ref.Country)
		}
	}
	if len(countries) == 0 {
		countries = append(countries, "")
	}
	return countries
}

// Impossible says whether a reason for denial lies in the rules, not in the
// customer, so that a document could be mended.
func Impossible(reason codes.Reason) bool {
	return reason == codes.CapForbids || reason == codes.WindowNeverOpens
}
