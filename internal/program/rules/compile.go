package rules

import (
	"fmt"
	"maps"
	"slices"

	"github.com/huiyin/huiyin/internal/decide/policy"
	"github.com/huiyin/huiyin/internal/program/document"
)

// Option changes how rules are compiled.
type Option func(*policy.Spec)

// Home names the country taken for a customer of whom neither country nor zone
// is known.
func Home(country string) Option { return func(s *policy.Spec) { s.Home = country } }

// Compile makes the rules that decisions are judged by. Where no pack is for
// other countries, the shipped strict default is: nobody falls under no rule.
// The calendars that ship hold unless a pack brings its own year.
func Compile(packs []RulePack, caps []CapPolicy, options ...Option) (*policy.Rules, error) {
	if !slices.ContainsFunc(packs, func(p RulePack) bool { return p.Country == policy.OtherCountries }) {
		packs = append(slices.Clone(packs), Strict())
	}
	var problems document.Problems
	spec := policy.Spec{}
	for _, p := range packs {
		made, err := p.compile()
		problems.AddAt("RulePack "+p.Name, err)
		if len(made.Rules) > 0 {
			spec.Packs = append(spec.Packs, made)
		}
	}
	for _, c := range caps {
		problems.AddAt("CapPolicy "+c.Name, c.Check())
		spec.Caps = append(spec.Caps, c.compile())
	}
	calendars, err := compileCalendars(slices.Concat(Builtin(), packs))
	problems.Add(err)
	if err := problems.Err(); err != nil {
		return nil, err
	}
	spec.Calendars = calendars
	for _, o := range options {
		o(&spec)
	}
	r, err := policy.New(spec)
	if err != nil {
		return nil, refused("%s", err)
	}
	return r, nil
}

// standings from the weakest up: a notice takes the place of what the statute
// alone would give.
var standings = []policy.Standing{policy.Statutory, policy.ByRule, policy.ByNotice}

// compileCalendars joins the calendars of one country year by year. Where two
// packs bring the same year, the stronger standing holds, then the later pack.
func compileCalendars(packs []RulePack) ([]policy.Calendar, error) {
	var problems document.Problems
	weekends := map[string]policy.Days{}
	years := map[string]map[int]policy.Year{}
	for country, days := range weekendOf {
		weekends[country] = days
	}
	for _, p := range packs {
		if p.Calendar == nil {
			continue
		}
		at := "RulePack " + p.Name + ".calendar"
		if len(p.Calendar.Years) > CalendarYearsMax {
			problems.Add(refused("%d years are too many; at most %d", len(p.Calendar.Years), CalendarYearsMax).At(at))
			continue
		}
		if len(p.Calendar.Weekend) > 0 {
			days, err := policy.ParseDays(p.Calendar.Weekend...)
			if err != nil || days&policy.AllDays != 0 {
				problems.Add(refused("a weekend is made of days of the week, such as [sat, sun]").At(at + ".weekend"))
			}
			weekends[p.Country] = days
		}
		if years[p.Country] == nil {
			years[p.Country] = map[int]policy.Year{}
		}
		for i, y := range p.Calendar.Years {
			made, err := y.compile()
			problems.AddAt(index(at+".years", i), err)
			known, twice := years[p.Country][y.Year]
			if !twice || slices.Index(standings, made.Standing) >= slices.Index(standings, known.Standing) {
				years[p.Country][y.Year] = made
			}
		}
	}
	if err := problems.Err(); err != nil {
		return nil, err
	}
	var calendars []policy.Calendar
	for _, country := range slices.Sorted(maps.Keys(countriesOf(weekends, years))) {
		c := policy.Calendar{Country: country, Weekend: weekends[country]}
		for _, y := range slices.Sorted(maps.Keys(years[country])) {
			c.Years = append(c.Years, years[country][y])
		}
		if err := policy.CheckCalendar(c); err != nil {
			return nil, refused("%s", err)
		}
		calendars = append(calendars, c)
	}
	return calendars, nil
}

func countriesOf(weekends map[string]policy.Days, years map[string]map[int]policy.Year) map[string]bool {
	all := map[string]bool{}
	for c := range weekends {
		all[c] = true
	}
	for c := range years {
		all[c] = true
	}
	return all
}

func (y Year) compile() (policy.Year, error) {
	made := policy.Year{Year: y.Year, Standing: policy.Standing(y.Standing), Source: y.Source}
	if !slices.Contains(standings, made.Standing) {
		return made, refused("standing %q is not known; write notice, rule or statutory", y.Standing).At("standing")
	}
	if y.Source == "" {
		return made, refused("a year names its source, such as the number of the notice").At("source")
	}
	for _, s := range y.Off {
		made.Off = append(made.Off, policy.Stretch(s))
	}
	for _, d := range y.Work {
		made.Work = append(made.Work, policy.Date(d))
	}
	return made, nil
}

// Merge puts the house's documents in the place of shipped ones of the same
// name and adds the rest.
func Merge[T RulePack | CapPolicy](shipped, own []T) []T {
	name := func(x T) string {
		switch x := any(x).(type) {
		case RulePack:
			return x.Name
		case CapPolicy:
			return x.Name
		}
		panic(fmt.Sprintf("no name for %T", x))
	}
	merged := slices.DeleteFunc(slices.Clone(shipped), func(s T) bool {
		return slices.ContainsFunc(own, func(o T) bool { return name(o) == name(s) })
	})
	return append(merged, own...)
}

// For gives the packs that hold for customers of a country.
func For(packs []RulePack, country string) []RulePack {
	var everywhere, own, other []RulePack
	for _, p := range packs {
		switch p.Country {
		case policy.AllCountries:
			everywhere = append(everywhere, p)
		case policy.OtherCountries:
			other = append(other, p)
		case country:
			own = append(own, p)
		}
	}
	if len(own) == 0 {
		own = other
	}
	return append(everywhere, own...)
}
