package policy

import (
	"maps"
	"slices"
	"sync"
	"sync/atomic"
)

// Room held in place, so that a decision allocates nothing; what doesn't fit is
// allocated.
const (
	roomForPlaces = 4
	roomForZones  = 8
)

// where is the place a contact is judged in: whose rules, on which clocks.
type where struct {
	placeRoom  [roomForPlaces]*place
	zoneRoom   [roomForZones]*zone
	placeCount int
	zoneCount  int
	morePlaces []*place // all of them, when they don't fit
	moreZones  []*zone  // likewise
	unzoned    bool     // the zone isn't known, so what is strict holds besides
}

func (w *where) places() []*place {
	if w.morePlaces != nil {
		return w.morePlaces
	}
	return w.placeRoom[:w.placeCount]
}

func (w *where) zones() []*zone {
	if w.moreZones != nil {
		return w.moreZones
	}
	return w.zoneRoom[:w.zoneCount]
}

func (w *where) addPlace(p *place) {
	switch {
	case slices.Contains(w.places(), p):
	case w.morePlaces != nil:
		w.morePlaces = append(w.morePlaces, p)
	case w.placeCount < roomForPlaces:
		w.placeRoom[w.placeCount] = p
		w.placeCount++
	default:
		w.morePlaces = append(slices.Clone(w.placeRoom[:]), p)
	}
}

func (w *where) addZone(z *zone) {
	switch {
	case w.moreZones != nil:
		w.moreZones = append(w.moreZones, z)
	case w.zoneCount < roomForZones:
		w.zoneRoom[w.zoneCount] = z
		w.zoneCount++
	default:
		w.moreZones = append(slices.Clone(w.zoneRoom[:]), z)
	}
}

// locate finds the places and zones of a customer.
func (r *Rules) locate(w *where, f *Facts, now int64) {
	for _, name := range f.Zones {
		z := r.atlas.zone(name)
		if z == nil { // one that cannot be judged leaves the customer's zone unknown
			w.zoneCount, w.moreZones = 0, nil
			break
		}
		w.addZone(z)
	}
	country := f.Country
	if country == "" && len(w.zones()) > 0 {
		for _, name := range f.Zones {
			w.addPlace(r.place(countryOf[name]))
		}
		return
	}
	if country == "" {
		country = r.home
	}
	p := r.place(country)
	w.addPlace(p)
	if len(w.zones()) > 0 {
		return
	}
	if p.oneZone != "" {
		if z := r.atlas.zone(p.oneZone); z != nil {
			w.addZone(z)
			return
		}
	}
	w.moreZones, w.unzoned = r.wide.zones(country, p.zones, now, r.atlas), true
}

func (r *Rules) place(country string) *place {
	if p, found := r.places[country]; found {
		return p
	}
	return r.other
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
