package policy

import (
	"slices"
	"time"

	"github.com/huiyin/huiyin/internal/platform/codes"
)

// roomForClosed caps may be closed at once before the list is allocated.
const roomForClosed = 12

// Names of what binds when it is no rule of a pack.
const (
	bindsOwn     = "own-hours"
	bindsPrefer  = "prefer"
	bindsGap     = "gap"
	bindsConsent = "consent"
)

// inApp is the channel that disturbs nobody.
const inApp = "inapp"

// Decide says whether the contact described by f may start at now.
func (r *Rules) Decide(f *Facts, now time.Time) Decision {
	if d, stop := refused(f); stop {
		return d
	}
	at := nanos(now)
	s := search{f: f, asked: purposeOf(f.Purpose)}
	r.locate(&s.where, f, at)
	if d, stop := s.consent(now); stop {
		return d
	}
	for _, p := range s.where.places() {
		if !p.known {
			return Decision{Verdict: Deny, Reason: codes.NoRulePack}
		}
	}
	if len(s.where.zones()) == 0 && s.windowed() {
		return Decision{Verdict: Deny, Reason: codes.PlaceUnknown}
	}
	if !f.Deadline.IsZero() && now.After(f.Deadline) {
		return Decision{Verdict: Deny, Reason: codes.DeadlinePassed}
	}
	return r.run(&s, at)
}

func refused(f *Facts) (Decision, bool) {
	for i := range f.Refusals {
		channel, purpose := f.Refusals[i].Channel, f.Refusals[i].Purpose
		allChannels, allPurposes := channel == Any || channel == "", purpose == Any || purpose == ""
		if !allChannels && channel != f.Channel || !allPurposes && purpose != f.Purpose {
			continue
		}
		reason := codes.RefusedPurpose
		switch {
		case allChannels && allPurposes:
			reason = codes.Refused
		case allPurposes:
			reason = codes.RefusedChannel
		}
		return Decision{Verdict: Deny, Reason: reason}, true
	}
	return Decision{}, false
}

// search is one decision under way.
type search struct {
	f     *Facts
	asked purposes
	where where

	ring, limit int64
	shutRoom    [roomForClosed]closed
	shutCount   int
	moreShut    []closed // those that didn't fit
	prefer      bool
	preferred   schedule
	own         schedule

	last      binding // what moved the start last
	several   bool    // other things moved it before
	forbidden bool    // the last was a cap of nought
}

// binding is what keeps a contact from starting.
type binding struct {
	reason codes.Reason
	rule   string
}

// move notes what moves the start from one instant to another.
func (s *search) move(from, to int64, reason codes.Reason, rule string) int64 {
	if to == from {
		return to
	}
	now := binding{reason, rule}
	s.several = s.several || s.last.reason != "" && s.last != now
	s.last = now
	return to
}

// consent denies what was never agreed to, or no longer is.
func (s *search) consent(now time.Time) (Decision, bool) {
	needed, rule := s.asked&asMarketing != 0, bindsConsent
	for _, r := range s.rules {
		if r.consent {
			needed, rule = true, r.name
		}
	}
	granted, any := false, false
	var latest time.Time
	for i := range s.f.Consents {
		c := &s.f.Consents[i]
		matches := (c.Purpose == Any || c.Purpose == s.f.Purpose) && (c.Channel == Any || c.Channel == "" || c.Channel == s.f.Channel)
		if !matches || c.At.After(now) || any && c.At.Before(latest) {
			continue
		}
		if any && c.At.Equal(latest) {
			granted = granted && c.Granted // of two at one instant the withdrawal holds
			continue
		}
		granted, any, latest = c.Granted, true, c.At
	}
	switch {
	case any && !granted:
		return Decision{Verdict: Deny, Reason: codes.ConsentWithdrawn, Rule: rule}, true
	case needed && !granted:
		return Decision{Verdict: Deny, Reason: codes.ConsentMissing, Rule: rule}, true
	}
	return Decision{}, false
}

// rules goes through every rule that holds for this contact, with its place.
func (s *search) rules(yield func(*place, *rule) bool) {
	for _, p := range s.where.places() {
		for _, set := range [2]*ruleSet{p.on(s.f.Channel), s.strictly(p)} {
			if set == nil {
				continue
			}
			for _, r := range set.rules {
				if r.purposes&s.asked != 0 && !yield(p, r) {
					return
				}
			}
		}
	}
}

// strictly gives what holds besides because the zone isn't known.
func (s *search) strictly(p *place) *ruleSet {
	if !s.where.unzoned || p.strict == nil {
		return nil
	}
	return p.strict.on(s.f.Channel)
}

func (s *search) windowed() bool {
	for _, r := range s.rules {
		if len(r.windows) > 0 {
			return true
		}
	}
	return false
}

// run looks for the first instant at which all holds, with what the program
// prefers and, when that cannot be had in time, without.
func (r *Rules) run(s *search, at int64) Decision {
	f := s.f
	s.ring = int64(max(0, f.Ring))
	start := at
	if !f.NotBefore.IsZero() {
		start = max(start, nanos(f.NotBefore))
	}
	s.limit = start + int64(MaxPer)
	if !f.Deadline.IsZero() {
		s.limit = min(s.limit, nanos(f.Deadline))
	}
	for _, c := range r.caps {
		s.close(c, at)
	}
	s.closeByRule(at)
	s.wishes(r.atlas)
	found := s.find(start, at)
	if found == never && s.prefer {
		s.prefer = false
		found = s.find(start, at)
	}
	switch found {
	case at:
		return Decision{Verdict: Allow, Reason: codes.Allowed}
	case never:
		return Decision{Verdict: Deny, Reason: s.denial(), Rule: s.last.rule}
	default:
		if s.several {
			s.last = s.longest(at, start)
		}
		return Decision{Verdict: Defer, Reason: s.last.reason, Rule: s.last.rule, Until: time.Unix(0, found).UTC()}
	}
}

// closeByRule asks the caps that rules of packs set.
func (s *search) closeByRule(at int64) {
	for _, p := range s.where.places() {
		for _, set := range [2]*ruleSet{p.on(s.f.Channel), s.strictly(p)} {
			if set == nil {
				continue
			}
			for _, c := range set.caps {
				s.close(c, at)
			}
		}
	}
}

// close notes a cap that is closed to this contact at some time.
func (s *search) close(c *capRule, at int64) {
	if !c.holds(s.f, s.asked) {
		return
	}
	x, closes := c.closure(s.f, at)
	switch {
	case !closes:
	case s.shutCount < roomForClosed:
		s.shutRoom[s.shutCount] = x
		s.shutCount++
	default:
		s.moreShut = append(s.moreShut, x)
	}
}

// shut gives the last cap that is closed at t.
func (s *search) shut(t int64) *closed {
	var found *closed
	for i := range s.shutCount {
		if c := &s.shutRoom[i]; t >= c.from && t < c.until && (found == nil || c.until > found.until) {
			found = c
		}
	}
	for i := range s.moreShut {
		if c := &s.moreShut[i]; t >= c.from && t < c.until && (found == nil || c.until > found.until) {
			found = c
		}
	}
	return found
}

// wishes sets up what the customer asked for and what the program prefers. A
// time the customer agreed to is newer than both.
func (s *search) wishes(atlas *atlas) {
	f := s.f
	if f.Exempt == AgreedCallBack {
		return
	}
	days := s.where.places()[0].days
	if len(f.Prefer) > 0 && len(s.where.zones()) > 0 {
		s.prefer = true
		s.preferred = schedule{windows: f.Prefer, zone: s.where.zones()[0], days: days}
	}
	if f.Own == nil || len(f.Own.Windows) == 0 {
		return
	}
	if f.Own.Channels == nil && f.Channel == inApp || f.Own.Channels != nil && !slices.Contains(f.Own.Channels, f.Channel) {
		return
	}
	s.own = schedule{windows: f.Own.Windows, days: days}
	if f.Own.Zone != "" {
		s.own.zone = atlas.zone(f.Own.Zone)
	}
	if s.own.zone == nil && len(s.where.zones()) > 0 {
		s.own.zone = s.where.zones()[0]
	}
}

// find gives the first instant from start on at which everything holds.
func (s *search) find(start, at int64) int64 {
	s.last, s.several = binding{}, false
	for t := s.move(at, start, codes.Gap, bindsGap); t <= s.limit; {
		moved := s.pass(t)
		if moved == t {
			return t
		}
		t = moved
	}
	return never
}

// pass asks everything once. What isn't open at t moves t to where it is, and
// the rest is asked there.
func (s *search) pass(t int64) int64 {
	for p, r := range s.rules {
		if len(r.windows) == 0 {
			continue
		}
		for _, z := range s.where.zones() {
			x := schedule{windows: r.windows, zone: z, days: p.days}
			t = s.move(t, x.next(t, s.ring, s.limit), windowReason(r), r.name)
			if t > s.limit {
				return t
			}
		}
	}
	if s.own.zone != nil {
		t = s.move(t, s.own.next(t, s.ring, s.limit), codes.OwnHours, bindsOwn)
	}
	if s.prefer {
		t = s.move(t, s.preferred.next(t, s.ring, s.limit), codes.PreferredWindow, bindsPrefer)
	}
	if c := s.shut(t); c != nil {
		t = s.move(t, c.until, codes.CapReached, c.cap.name)
		s.forbidden = c.until == never
	}
	return t
}

// longest gives what, by itself, would keep the contact waiting longest: that
// is what a person who asks why should be told.
func (s *search) longest(at, start int64) binding {
	found, most := binding{}, at
	ask := func(t int64, reason codes.Reason, rule string) {
		if t > most {
			found, most = binding{reason, rule}, t
		}
	}
	ask(start, codes.Gap, bindsGap)
	if c := s.shut(start); c != nil {
		ask(c.until, codes.CapReached, c.cap.name)
	}
	for p, r := range s.rules {
		if len(r.windows) == 0 {
			continue
		}
		for _, z := range s.where.zones() {
			x := schedule{windows: r.windows, zone: z, days: p.days}
			ask(x.next(start, s.ring, s.limit), windowReason(r), r.name)
		}
	}
	if s.own.zone != nil {
		ask(s.own.next(start, s.ring, s.limit), codes.OwnHours, bindsOwn)
	}
	if s.prefer {
		ask(s.preferred.next(start, s.ring, s.limit), codes.PreferredWindow, bindsPrefer)
	}
	return found
}

func windowReason(r *rule) codes.Reason {
	if r.law {
		return codes.LawWindow
	}
	return codes.HouseWindow
}

// denial says why there is no instant left: what moved the start last moved it
// beyond the limit.
func (s *search) denial() codes.Reason {
	bounded := !s.f.Deadline.IsZero() && nanos(s.f.Deadline) <= s.limit
	switch s.last.reason {
	case codes.CapReached:
		if s.forbidden {
			return codes.CapForbids
		}
		return codes.CapClosedUntilDeadline
	case codes.Gap:
		return codes.GapUntilDeadline
	case codes.OwnHours:
		return codes.OwnHoursUntilDeadline
	default:
		if bounded {
			return codes.WindowClosedUntilDeadline
		}
		return codes.WindowNeverOpens
	}
}
