package policy

import "time"

// Limits of what can be compiled; beyond them New says which was passed.
const (
	MaxPer      = 400 * 24 * time.Hour // how far a cap may look back, and how far ahead Decide searches
	MaxCapN     = 64                   // contacts a cap may allow
	MaxPacks    = 64
	MaxRules    = 64 // in one pack
	MaxPolicies = 16
)

// Countries a pack may name beside ISO codes.
const (
	AllCountries   = "all"   // holds for everybody
	OtherCountries = "other" // holds where no pack names the country, and where the zone isn't known
)

// Basis says whether a rule is law or the house's own.
type Basis string

// The bases.
const (
	Law   Basis = "law"
	House Basis = "house"
)

// Count is what a cap in a rule counts.
type Count string

// What can be counted.
const (
	CountFollowUps     Count = "follow-up"
	CountMessages      Count = "message"
	CountTries         Count = "try"
	CountConversations Count = "conversation"
)

// Cap allows N within any stretch of Per.
type Cap struct {
	N   int
	Per time.Duration
}

// RuleCap is a cap that a rule sets.
type RuleCap struct {
	Cap
	Count Count
}

// Abandonment is what dialling that outruns its agents must keep to. Decide
// does not use it; the pacing of calls does.
type Abandonment struct {
	Rule         string
	Max          float64
	Per          time.Duration
	PersonWithin time.Duration
	RingAtLeast  time.Duration
}

// Rule is one rule of a pack. It sets windows, a cap, consent or abandonment;
// whatever it sets must hold by itself, whatever other rules say.
type Rule struct {
	ID       string
	Basis    Basis
	Source   string   // the text of law; required for law
	AsOf     string   // the day it was read
	Channels []string // empty: all
	Purposes []string // empty: all

	Windows     []Window
	Consent     bool
	Cap         *RuleCap
	Abandonment *Abandonment
}

// Pack is the rules of one country.
type Pack struct {
	Name, Country, Version string
	Rules                  []Rule
}

// CapPolicy is caps of the house: by purpose over all channels, and for calls.
type CapPolicy struct {
	Name          string
	Purposes      map[string][]Cap
	Tries         []Cap
	Conversations []Cap
	Exempt        []string
}

// Spec is everything rules are compiled from.
type Spec struct {
	Packs     []Pack
	Caps      []CapPolicy
	Calendars []Calendar
	Home      string // the country taken for a customer of whom neither country nor zone is known; empty: such a customer is denied where windows hold
}
