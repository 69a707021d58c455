package policy

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// purposes is a set of purposes as bits; a purpose not known has its own.
type purposes uint8

var purposeNames = []string{Notice, Service, Safety, Survey, Marketing}

const (
	otherPurpose purposes = 1 << 5
	anyPurpose   purposes = 1<<6 - 1
	asMarketing           = 1<<4 | otherPurpose
)

func purposeOf(name string) purposes {
	switch name {
	case Notice:
		return 1 << 0
	case Service:
		return 1 << 1
	case Safety:
		return 1 << 2
	case Survey:
		return 1 << 3
	case Marketing:
		return 1 << 4
	default:
		return otherPurpose
	}
}

// PurposeNames lists the purposes known.
func PurposeNames() []string { return slices.Clone(purposeNames) }

func purposesOf(names []string) (purposes, error) {
	if len(names) == 0 {
		return anyPurpose, nil
	}
	var set purposes
	for _, name := range names {
		p := purposeOf(name)
		if p == otherPurpose {
			return 0, fmt.Errorf("purpose %q is not known; write one of %s", name, strings.Join(purposeNames, ", "))
		}
		set |= p
	}
	return set, nil
}

// rule is a compiled rule of windows or consent.
type rule struct {
	name     string // pack/id
	law      bool
	purposes purposes
	windows  []Window
	consent  bool
}

// capRule is one compiled cap.
type capRule struct {
	name      string
	asks      purposes // the purposes of steps it holds for
	counts    purposes // the purposes of rows it counts
	n         int
	per       int64
	followUps bool // distinct follow-ups rather than rows
	kinds     [Conversation + 1]bool
	exempt    []string // exemptions that set it aside
}

// ruleSet is what holds on one channel in one place.
type ruleSet struct {
	rules []*rule
	caps  []*capRule
}

// place is one country as the rules see it.
type place struct {
	known   bool // some pack holds
	days    *calendar
	named   map[string]*ruleSet // by channel, where rules name the channel
	rest    *ruleSet            // every other channel
	strict  *place              // what holds besides while the zone isn't known; nil: nothing more
	zones   []string            // all of the country's
	oneZone string              // set when the country has a single zone
}

func (p *place) on(channel string) *ruleSet {
	if s, found := p.named[channel]; found {
		return s
	}
	return p.rest
}

// Rules is a compiled Spec. It never changes and may be used by many at once.
type Rules struct {
	places map[string]*place // by country, for every country there is
	other  *place            // countries not in the table
	home   string
	caps   []*capRule
	atlas  *atlas
	wide   *wideZones
	refs   []PackRef
	dial   map[string][]Abandonment
}

// PackRef names a pack that was compiled in.
type PackRef struct{ Name, Country, Version string }

// New compiles a Spec. An error names the rule and how to mend it.
func New(s Spec) (*Rules, error) {
	if len(s.Packs) > MaxPacks {
		return nil, fmt.Errorf("%d rule packs are too many; at most %d", len(s.Packs), MaxPacks)
	}
	if len(s.Caps) > MaxPolicies {
		return nil, fmt.Errorf("%d cap policies are too many; at most %d", len(s.Caps), MaxPolicies)
	}
	r := &Rules{places: map[string]*place{}, home: s.Home, atlas: &atlas{}, wide: newWideZones(), dial: map[string][]Abandonment{}}
	calendars, err := compileCalendars(s.Calendars)
	if err != nil {
		return nil, err
	}
	byCountry, err := r.sortPacks(s.Packs)
	if err != nil {
		return nil, err
	}
	for _, p := range s.Caps {
		caps, err := compilePolicy(p)
		if err != nil {
			return nil, fmt.Errorf("cap policy %q: %w", p.Name, err)
		}
		r.caps = append(r.caps, caps...)
	}
	return r, r.settle(byCountry, calendars)
}

// CheckCalendar says what is wrong with a calendar.
func CheckCalendar(c Calendar) error {
	_, err := compileCalendar(c)
	return err
}

func compileCalendars(all []Calendar) (map[string]*calendar, error) {
	calendars := map[string]*calendar{}
	for _, c := range all {
		if calendars[c.Country] != nil {
			return nil, fmt.Errorf("two calendars for country %q; keep one", c.Country)
		}
		k, err := compileCalendar(c)
		if err != nil {
			return nil, err
		}
		calendars[c.Country] = k
	}
	return calendars, nil
}

func (r *Rules) sortPacks(packs []Pack) (map[string][]Pack, error) {
	byCountry, seen := map[string][]Pack{}, map[string]bool{}
	for _, p := range packs {
		if seen[p.Name] {
			return nil, fmt.Errorf("rule pack %q stands twice; keep one", p.Name)
		}
		seen[p.Name] = true
		if _, exists := zonesOf[p.Country]; !exists && p.Country != AllCountries && p.Country != OtherCountries {
			return nil, fmt.Errorf("rule pack %q: country %q is no ISO 3166 code such as CN or US; write a code, %q or %q",
				p.Name, p.Country, AllCountries, OtherCountries)
		}
		if err := checkPack(p); err != nil {
			return nil, fmt.Errorf("rule pack %q: %w", p.Name, err)
		}
		byCountry[p.Country] = append(byCountry[p.Country], p)
		r.refs = append(r.refs, PackRef{p.Name, p.Country, p.Version})
		for _, rule := range p.Rules {
			if rule.Abandonment != nil {
				a := *rule.Abandonment
				a.Rule = p.Name + "/" + rule.ID
				r.dial[p.Country] = append(r.dial[p.Country], a)
			}
		}
	}
	return byCountry, nil
}

// settle builds the places: every country of the zone table, and the rest.
func (r *Rules) settle(byCountry map[string][]Pack, calendars map[string]*calendar) error {
	common := byCountry[AllCountries]
	strictPacks := slices.Concat(common, byCountry[OtherCountries])
	build := func(country string, packs []Pack) (*place, error) {
		days := calendars[country]
		if days == nil {
			days = plain
		}
		return r.buildPlace(days, packs)
	}
	var err error
	if r.other, err = build("", strictPacks); err != nil {
		return err
	}
	r.other.known = len(strictPacks) > 0
	if r.home != "" && zonesOf[r.home] == nil {
		return fmt.Errorf("home country %q is no ISO 3166 code such as CN or US", r.home)
	}
	for country, zones := range zonesOf {
		own := byCountry[country]
		if len(own) == 0 && calendars[country] == nil { // as most are: what holds everywhere else
			p := *r.other
			p.zones = zones
			if len(zones) == 1 {
				p.oneZone = zones[0]
			}
			r.places[country] = &p
			continue
		}
		packs := slices.Concat(common, own)
		if len(own) == 0 {
			packs = strictPacks
		}
		p, err := build(country, packs)
		if err != nil {
			return err
		}
		p.known = len(packs) > 0
		p.zones = zones
		switch {
		case len(zones) == 1:
			p.oneZone = zones[0]
		case len(own) > 0:
			if p.strict, err = build(country, byCountry[OtherCountries]); err != nil {
				return err
			}
			p.strict.zones = zones
		}
		r.places[country] = p
	}
	return nil
}

func (r *Rules) buildPlace(days *calendar, packs []Pack) (*place, error) {
	channels := map[string]bool{}
	for _, p := range packs {
		for _, rule := range p.Rules {
			for _, c := range rule.Channels {
				channels[c] = true
			}
		}
	}
	p := &place{days: days, named: map[string]*ruleSet{}}
	for c := range channels {
		set, err := buildSet(c, packs)
		if err != nil {
			return nil, err
		}
		p.named[c] = set
	}
	var err error
	p.rest, err = buildSet("", packs)
	return p, err
}

func buildSet(channel string, packs []Pack) (*ruleSet, error) {
	set := &ruleSet{}
	for _, p := range packs {
		for _, from := range p.Rules {
			if len(from.Channels) > 0 && !slices.Contains(from.Channels, channel) {
				continue
			}
			asked, err := purposesOf(from.Purposes)
			if err != nil {
				return nil, fmt.Errorf("rule pack %q: rule %q: %w", p.Name, from.ID, err)
			}
			name := p.Name + "/" + from.ID
			if len(from.Windows) > 0 || from.Consent {
				set.rules = append(set.rules, &rule{name, from.Basis == Law, asked, from.Windows, from.Consent})
			}
			if from.Cap != nil {
				set.caps = append(set.caps, compileRuleCap(name, from, asked))
			}
		}
	}
	return set, nil
}

func checkPack(p Pack) error {
	if len(p.Rules) == 0 || len(p.Rules) > MaxRules {
		return fmt.Errorf("it holds %d rules; between 1 and %d are possible", len(p.Rules), MaxRules)
	}
	ids := map[string]bool{}
	for _, r := range p.Rules {
		if err := checkRule(r); err != nil {
			return fmt.Errorf("rule %q: %w", r.ID, err)
		}
		if ids[r.ID] {
			return fmt.Errorf("rule %q stands twice; give each its own id", r.ID)
		}
		ids[r.ID] = true
	}
	return nil
}

func checkRule(r Rule) error {
	switch {
	case r.ID == "":
		return fmt.Errorf("it has no id; give it a short name such as phone-hours")
	case r.Basis != Law && r.Basis != House:
		return fmt.Errorf("basis %q is not known; write law (with source and as_of) or house", r.Basis)
	case r.Basis == Law && r.Source == "":
		return fmt.Errorf("a rule of law names its source, such as \"16 CFR 310.4(c)\"; add it, or write basis: house")
	case r.Basis == Law && !isDay(r.AsOf):
		return fmt.Errorf("a rule of law says when its text was read; add as_of: \"2026-11-01\"")
	case len(r.Windows) == 0 && !r.Consent && r.Cap == nil && r.Abandonment == nil:
		return fmt.Errorf("it sets nothing; give it hours, a cap, consent or abandonment")
	}
	if _, err := purposesOf(r.Purposes); err != nil {
		return err
	}
	for _, w := range r.Windows {
		if err := w.check(); err != nil {
			return err
		}
	}
	if r.Cap == nil {
		return nil
	}
	switch r.Cap.Count {
	case CountFollowUps, CountMessages, CountTries, CountConversations:
	default:
		return fmt.Errorf("a cap cannot count %q; write follow-up, message, try or conversation", r.Cap.Count)
	}
	return checkCap(r.Cap.Cap)
}

func checkCap(c Cap) error {
	if c.N < 0 || c.N > MaxCapN {
		return fmt.Errorf("a cap of %d is not possible; between 0 (never) and %d are", c.N, MaxCapN)
	}
	if c.Per <= 0 || c.Per > MaxPer {
		return fmt.Errorf("a cap cannot look back %s; up to 400d is possible", c.Per)
	}
	return nil
}

func isDay(text string) bool {
	_, err := time.Parse(time.DateOnly, text)
	return err == nil
}
