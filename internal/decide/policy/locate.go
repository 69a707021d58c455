package policy

import (
	"maps"
	"slices"
	"sync"
	"sync/atomic"
)

// where is the place a contact is judged in: whose rules, on which clocks.
type where struct {
	places  []*place
	zones   []*zone
	unzoned bool // the zone isn't known, so what is strict holds besides
}

// locate finds the places and zones. The buffers spare an allocation.
func (r *Rules) locate(f *Facts, now int64, places []*place, zones []*zone) where {
	for _, name := range f.Zones {
		z := r.atlas.zone(name)
		if z == nil {
			zones = zones[:0] // one that cannot be judged leaves the customer's zone unknown
			break
		}
		zones = append(zones, z)
	}
	country := f.Country
	if country == "" && len(zones) > 0 {
		return where{places: r.placesOfZones(f.Zones, places), zones: zones}
	}
	if country == "" {
		country = r.home
	}
	p := r.place(country)
	places = append(places, p)
	if len(zones) > 0 {
		return where{places: places, zones: zones}
	}
	if p.oneZone != "" {
		if z := r.atlas.zone(p.oneZone); z != nil {
			return where{places: places, zones: append(zones, z)}
		}
	}
	return where{places: places, zones: r.wide.zones(country, p.zones, now, r.atlas), unzoned: true}
}

func (r *Rules) place(country string) *place {
	if p, found := r.places[country]; found {
		return p
	}
	return r.other
}

// placesOfZones gives the countries that the zones lie in, each once.
func (r *Rules) placesOfZones(names []string, places []*place) []*place {
	for _, name := range names {
		if p := r.place(countryOf[name]); !slices.Contains(places, p) {
			places = append(places, p)
		}
	}
	return places
}

// wideZones holds, per country, the zones that differ.
type wideZones struct {
	known atomic.Pointer[map[string]wideZone]
	mu    sync.Mutex
}

type wideZone struct{ all, distinct []*zone }

func newWideZones() *wideZones {
	w := &wideZones{}
	w.known.Store(&map[string]wideZone{})
	return w
}

var agreeFrom = unixNano(agreeSince)

// zones gives every clock of the country. It is bounded by the countries there
// are, since names come from the zone table alone.
func (w *wideZones) zones(country string, names []string, now int64, a *atlas) []*zone {
	if len(names) == 0 {
		return nil
	}
	found, known := (*w.known.Load())[country]
	if !known {
		found = w.add(country, names, a)
	}
	if now < agreeFrom {
		return found.all
	}
	return found.distinct
}

func (w *wideZones) add(country string, names []string, a *atlas) wideZone {
	w.mu.Lock()
	defer w.mu.Unlock()
	old := *w.known.Load()
	if found, known := old[country]; known {
		return found
	}
	var all []*zone
	for _, name := range names {
		if z := a.zone(name); z != nil {
			all = append(all, z)
		}
	}
	grown := maps.Clone(old)
	grown[country] = wideZone{all: all, distinct: distinct(all)}
	w.known.Store(&grown)
	return grown[country]
}
