package policy

import (
	"fmt"
	"slices"
	"time"
)

// maxCaps bounds the caps of one policy.
const maxCaps = 32

var exemptions = []string{AgreedCallBack, CustomerAsked}

// per writes a length as documents do.
func per(d time.Duration) string {
	switch {
	case d%(24*time.Hour) == 0 && d > 24*time.Hour:
		return fmt.Sprintf("%dd", d/(24*time.Hour))
	case d%time.Hour == 0:
		return fmt.Sprintf("%dh", d/time.Hour)
	case d%time.Minute == 0:
		return fmt.Sprintf("%dm", d/time.Minute)
	default:
		return d.String()
	}
}

func compilePolicy(p CapPolicy) ([]*capRule, error) {
	for _, e := range p.Exempt {
		if !slices.Contains(exemptions, e) {
			return nil, fmt.Errorf("exemption %q is not known; write %s or %s", e, AgreedCallBack, CustomerAsked)
		}
	}
	var caps []*capRule
	add := func(what string, c Cap, made capRule) error {
		if err := checkCap(c); err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		made.name = fmt.Sprintf("%s: %s %d per %s", p.Name, what, c.N, per(c.Per))
		made.n, made.per, made.exempt = c.N, int64(c.Per), p.Exempt
		caps = append(caps, &made)
		return nil
	}
	for _, purpose := range purposeNames {
		for _, c := range p.Purposes[purpose] {
			set := purposeOf(purpose)
			made := capRule{asks: set, counts: set, followUps: true, kinds: kindsOf(CountFollowUps)}
			if err := add(purpose, c, made); err != nil {
				return nil, err
			}
		}
	}
	for purpose := range p.Purposes {
		if purposeOf(purpose) == otherPurpose {
			_, err := purposesOf([]string{purpose})
			return nil, err
		}
	}
	for _, c := range p.Tries {
		if err := add("tries", c, capRule{asks: anyPurpose, counts: anyPurpose, kinds: kindsOf(CountTries)}); err != nil {
			return nil, err
		}
	}
	for _, c := range p.Conversations {
		if err := add("conversations", c, capRule{asks: anyPurpose, counts: anyPurpose, kinds: kindsOf(CountConversations)}); err != nil {
			return nil, err
		}
	}
	if len(caps) > maxCaps {
		return nil, fmt.Errorf("%d caps are too many; at most %d", len(caps), maxCaps)
	}
	return caps, nil
}

// kindsOf says which rows a count looks at. Follow-ups count once whatever
// reached the customer, so every kind stands for them.
func kindsOf(c Count) (kinds [Conversation + 1]bool) {
	switch c {
	case CountFollowUps:
		kinds[Message], kinds[Try], kinds[Conversation] = true, true, true
	case CountMessages:
		kinds[Message] = true
	case CountTries:
		kinds[Try] = true
	case CountConversations:
		kinds[Conversation] = true
	}
	return kinds
}

func compileRuleCap(name string, from Rule, asked purposes) *capRule {
	c := &capRule{
		name: name, asks: asked, counts: asked, n: from.Cap.N, per: int64(from.Cap.Per),
		followUps: from.Cap.Count == CountFollowUps, kinds: kindsOf(from.Cap.Count),
	}
	if from.Basis == House {
		c.exempt = exemptions // an exemption sets the house's caps aside, never the law's
	}
	return c
}

// holds says whether the cap is asked of this contact at all. Messages are
// never tries, and calls never messages.
func (c *capRule) holds(f *Facts, asked purposes) bool {
	if c.asks&asked == 0 {
		return false
	}
	if !c.followUps && (f.Channel == Phone) == c.kinds[Message] {
		return false
	}
	return f.Exempt == "" || !slices.Contains(c.exempt, f.Exempt)
}

func (c *capRule) sees(row *Counted) bool {
	return row.Kind <= Conversation && c.kinds[row.Kind] && c.counts&purposeOf(row.Purpose) != 0
}

// closed is when a cap is closed to one contact: from, up to but not at, until.
// Before from, the follow-up's own row is still in sight and it counts no
// second time.
type closed struct {
	from, until int64
	cap         *capRule
}

// closure works out when the cap is closed, by the rows counted. now serves
// only to skip the work when too few rows are in sight.
func (c *capRule) closure(f *Facts, now int64) (closed, bool) {
	if c.n == 0 {
		return closed{from: -never, until: never, cap: c}, true
	}
	inSight := 0
	for i := range f.Counted {
		if row := &f.Counted[i]; nanos(row.At) > now-c.per && c.sees(row) {
			inSight++
		}
	}
	if inSight < c.n {
		return closed{}, false
	}
	return c.close(f)
}

// slot is one thing counted and its latest row.
type slot struct{ followUp, attempt, at int64 }

func (s slot) same(t slot) bool {
	return s.followUp != 0 && s.followUp == t.followUp || s.attempt != 0 && s.attempt == t.attempt
}

// close keeps the n latest of what is counted. The cap opens when the earliest
// of those n falls out of sight.
func (c *capRule) close(f *Facts) (closed, bool) {
	var latest [MaxCapN]slot // latest first
	held := 0
	own := int64(-never)
	for i := range f.Counted {
		row := &f.Counted[i]
		if !c.sees(row) {
			continue
		}
		at := nanos(row.At)
		s := slot{at: at, attempt: row.Attempt}
		if c.followUps {
			if row.FollowUp != 0 && row.FollowUp == f.FollowUp {
				own = max(own, at+c.per)
				continue
			}
			s.followUp = row.FollowUp
		}
		held = keep(latest[:c.n], held, s)
	}
	if held < c.n {
		return closed{}, false
	}
	return closed{from: own, until: latest[c.n-1].at + c.per, cap: c}, true
}

// keep puts s among the latest, once each, and returns how many there are.
func keep(latest []slot, held int, s slot) int {
	for i := range held {
		if latest[i].same(s) {
			if latest[i].at >= s.at {
				return held
			}
			copy(latest[i:held-1], latest[i+1:held])
			held--
			break
		}
	}
	i := held
	for i > 0 && latest[i-1].at < s.at {
		i--
	}
	if i == len(latest) {
		return held
	}
	if held < len(latest) {
		held++
	}
	copy(latest[i+1:held], latest[i:held-1])
	latest[i] = s
	return held
}
