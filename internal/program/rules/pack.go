package rules

import (
	"fmt"
	"slices"

	"github.com/huiyin/huiyin/internal/decide/policy"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/errs"
	"github.com/huiyin/huiyin/internal/program/document"
)

// Bounds on one pack.
const (
	RulesMax         = policy.MaxRules
	WindowsMax       = 32 // in one rule
	CalendarYearsMax = 80
)

// RulePack is a document of kind RulePack.
type RulePack struct {
	Name     string        `yaml:"-"`
	Title    document.Text `yaml:"title,omitempty"`
	Country  string        `yaml:"country"` // ISO 3166, or all, or other
	Version  string        `yaml:"version,omitempty"`
	Rules    []Rule        `yaml:"rules,omitempty"`
	Calendar *Calendar     `yaml:"calendar,omitempty"`
}

// Rule is one rule: hours, a cap, consent or abandonment.
type Rule struct {
	ID          string        `yaml:"id"`
	Title       document.Text `yaml:"title,omitempty"`
	Basis       string        `yaml:"basis"`
	Source      string        `yaml:"source,omitempty"`
	AsOf        string        `yaml:"as_of,omitempty"`
	Channels    []string      `yaml:"channels,omitempty"`
	Purposes    []string      `yaml:"purposes,omitempty"`
	Window      `yaml:",inline"`
	Windows     []Window     `yaml:"windows,omitempty"` // alternatives, where one days and hours won't do
	Consent     string       `yaml:"consent,omitempty"` // required
	Cap         *RuleCap     `yaml:"cap,omitempty"`
	Abandonment *Abandonment `yaml:"abandonment,omitempty"`
}

// RuleCap is a cap set by a rule. Count is message, try, conversation or
// follow-up.
type RuleCap struct {
	Count string            `yaml:"count"`
	N     int               `yaml:"n"`
	Per   document.Duration `yaml:"per"`
}

// Abandonment is what automatic dialling must keep to.
type Abandonment struct {
	Max          document.Share    `yaml:"max"`
	Per          document.Duration `yaml:"per"`
	PersonWithin document.Duration `yaml:"person_within,omitempty"`
	RingAtLeast  document.Duration `yaml:"ring_at_least,omitempty"`
}

// Calendar is the dated days of the pack's country.
type Calendar struct {
	Weekend Days   `yaml:"weekend,omitempty"` // left out: [sat, sun]
	Years   []Year `yaml:"years,omitempty"`
}

// Year is the days of one year that differ from the plain week. Standing is
// notice (a published arrangement), rule (days that follow from the law) or
// statutory (the days the law names while no arrangement is known).
type Year struct {
	Year     int       `yaml:"year"`
	Standing string    `yaml:"standing"`
	Source   string    `yaml:"source"`
	Off      []Stretch `yaml:"off,omitempty"`
	Work     []Date    `yaml:"work,omitempty"`
}

// DecodePack reads a document of kind RulePack. Every error names its place.
func DecodePack(d document.Document) (RulePack, error) {
	p := RulePack{Name: d.Name}
	if err := d.Decode(&p); err != nil {
		return p, err
	}
	return p, d.Locate(p.Check())
}

// Check says what is wrong with the pack by itself.
func (p RulePack) Check() error {
	made, err := p.compile()
	if err != nil {
		return err
	}
	spec := policy.Spec{}
	if len(made.Rules) > 0 {
		spec.Packs = []policy.Pack{made}
	}
	if _, err := policy.New(spec); err != nil {
		return refused("%s", err)
	}
	_, err = compileCalendars([]RulePack{p})
	return err
}

// compile gives the pack as decisions use it.
func (p RulePack) compile() (policy.Pack, error) {
	var problems document.Problems
	made := policy.Pack{Name: p.Name, Country: p.Country, Version: p.Version}
	if p.Country == "" {
		problems.Add(refused("a rule pack names its country; write for example country: CN, or %q for countries without a pack", policy.OtherCountries).At("country"))
	}
	if len(p.Rules) == 0 && p.Calendar == nil {
		problems.Add(refused("the pack holds neither rules nor a calendar").At("rules"))
	}
	if len(p.Rules) > RulesMax {
		problems.Add(errs.New(errs.TooLarge, codes.RulePackInvalid, "%d rules are too many; at most %d", len(p.Rules), RulesMax).At("rules"))
		return made, problems.Err()
	}
	for i, r := range p.Rules {
		rule, err := r.compile()
		problems.AddAt(index("rules", i), err)
		made.Rules = append(made.Rules, rule)
	}
	return made, problems.Err()
}

func (r Rule) compile() (policy.Rule, error) {
	made := policy.Rule{
		ID: r.ID, Basis: policy.Basis(r.Basis), Source: r.Source, AsOf: r.AsOf,
		Channels: r.Channels, Purposes: r.Purposes, Consent: r.Consent == "required",
	}
	var problems document.Problems
	problems.AddAt("channels", checkChannels(r.Channels))
	if r.Consent != "" && !made.Consent {
		problems.Add(refused("consent can only be %q; leave the key out where none is needed", "required").At("consent"))
	}
	windows, err := r.windows()
	problems.Add(err)
	made.Windows = windows
	if r.Cap != nil {
		made.Cap = &policy.RuleCap{Cap: policy.Cap{N: r.Cap.N, Per: r.Cap.Per.Std()}, Count: policy.Count(r.Cap.Count)}
	}
	if a := r.Abandonment; a != nil {
		made.Abandonment = &policy.Abandonment{
			Max: float64(a.Max), Per: a.Per.Std(), PersonWithin: a.PersonWithin.Std(), RingAtLeast: a.RingAtLeast.Std(),
		}
	}
	return made, problems.Err()
}

func (r Rule) windows() ([]policy.Window, error) {
	list := r.Windows
	switch {
	case len(list) > WindowsMax:
		return nil, refused("%d windows are too many; at most %d", len(list), WindowsMax).At("windows")
	case len(r.Hours) > 0 && len(list) > 0:
		return nil, refused("the rule has both hours and windows; move the hours into a window of their own").At("windows")
	case len(r.Hours) > 0:
		list = []Window{r.Window}
	case len(r.Days) > 0:
		return nil, refused("the rule names days but no hours; add hours: [\"09:00-18:00\"], or [\"00:00-24:00\"] for the whole day").At("days")
	}
	return CompileWindows(list)
}

// channelNames are the channels a rule may name. A program can only use these.
var channelNames = []string{"phone", "email", "sms", "inapp", "push", "im", "webhook"}

func checkChannels(names []string) error {
	for _, name := range names {
		if !slices.Contains(channelNames, name) {
			return refused("%q is no channel; write one of %v%s", name, channelNames, document.DidYouMean(name, channelNames))
		}
	}
	return nil
}

func index(key string, i int) string { return fmt.Sprintf("%s[%d]", key, i) }
