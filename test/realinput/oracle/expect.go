package oracle

import (
	"fmt"
	"sort"
	"time"
)

// Terms is what the program, the rule pack and the caps say, written down again.
type Terms struct {
	Delay    time.Duration // from the trigger to the mail
	Wait     time.Duration // from the mail to the end, when nobody answers
	Deadline time.Duration // from the trigger; no mail starts later
	CapPer   time.Duration // one mail per customer in this time
	Zone     *time.Location
	Hours    [][2]int // minutes of the local day, the second not in it
	Closed   time.Weekday
}

// Call is one trigger.
type Call struct {
	Customer string
	At       time.Time
}

// End is how a follow-up should have ended.
type End string

// The ends a stream of this kind can come to.
const (
	HeldOut    End = "held-out"
	Unanswered End = "unanswered"
	Suppressed End = "suppressed"
	Expired    End = "expired"
)

// FollowUp is what should have come of a trigger that started one.
type FollowUp struct {
	Customer string
	At       time.Time // the trigger's
	Mailed   time.Time // zero: no mail
	End      End
	Ended    time.Time
}

// Expected is what should have come of a stream.
type Expected struct {
	FollowUps []FollowUp
	Merged    int
	Mailed    map[string]FollowUp // by customer; no customer is mailed twice in less than CapPer
}

// Expect lives a stream through, one customer after another.
func Expect(calls []Call, heldOut map[string]bool, t Terms) (Expected, error) {
	byCustomer := map[string][]time.Time{}
	for _, c := range calls {
		byCustomer[c.Customer] = append(byCustomer[c.Customer], c.At)
	}
	e := Expected{Mailed: map[string]FollowUp{}}
	for customer, times := range byCustomer {
		sort.Slice(times, func(i, j int) bool { return times[i].Before(times[j]) })
		if times[len(times)-1].Sub(times[0])+t.Deadline >= t.CapPer {
			return e, fmt.Errorf("the stream is too long for this oracle: customer %s could be mailed twice", customer)
		}
		e.customer(customer, times, heldOut[customer], t)
	}
	sort.Slice(e.FollowUps, func(i, j int) bool {
		a, b := e.FollowUps[i], e.FollowUps[j]
		return a.At.Before(b.At) || a.At.Equal(b.At) && a.Customer < b.Customer
	})
	return e, nil
}

// customer lives one customer's triggers through. A trigger that comes while a
// follow-up is open, at its last moment too, merges into it.
func (e *Expected) customer(customer string, times []time.Time, heldOut bool, t Terms) {
	var openUntil time.Time
	mailed := false
	for _, at := range times {
		if heldOut {
			e.FollowUps = append(e.FollowUps, FollowUp{Customer: customer, At: at, End: HeldOut, Ended: at})
			continue
		}
		if !openUntil.IsZero() && !at.After(openUntil) {
			e.Merged++
			continue
		}
		f := FollowUp{Customer: customer, At: at}
		switch allowed := t.Open(at.Add(t.Delay)); {
		case mailed: // the cap can't open before the deadline, so it ends at once
			f.End, f.Ended = Suppressed, at.Add(t.Delay)
		case allowed.After(at.Add(t.Deadline)):
			f.End, f.Ended = Suppressed, at.Add(t.Delay)
		default:
			mailed = true
			f.Mailed, f.End, f.Ended = allowed, Unanswered, allowed.Add(t.Wait)
			e.Mailed[customer] = f
		}
		openUntil = f.Ended
		e.FollowUps = append(e.FollowUps, f)
	}
}

// Open is the first moment from at on at which mail is allowed.
func (t Terms) Open(at time.Time) time.Time {
	if t.allows(at) {
		return at
	}
	for m := at.Truncate(time.Minute).Add(time.Minute); ; m = m.Add(time.Minute) {
		if t.allows(m) {
			return m
		}
	}
}

func (t Terms) allows(at time.Time) bool {
	local := at.In(t.Zone)
	if local.Weekday() == t.Closed {
		return false
	}
	minute := local.Hour()*60 + local.Minute()
	for _, h := range t.Hours {
		if minute >= h[0] && minute < h[1] {
			return true
		}
	}
	return false
}
