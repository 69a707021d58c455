package policy

import "math"

const never = math.MaxInt64

// Every function here takes and gives instants in Unix nanoseconds.

// hours asks, on one local day, whether an instant is inside, and until when
// (as time since midnight) that answer holds at least.
func hours(windows []Window, bits Days, since int64) (open bool, until int64) {
	until = nanosPerDay
	for i := range windows {
		if windows[i].Days&bits == 0 {
			continue
		}
		for _, s := range windows[i].Hours {
			from, to := int64(s.From)*nanosPerMin, int64(s.To)*nanosPerMin
			switch {
			case since >= to:
			case since >= from:
				return true, to // longer ones are found when to is reached
			case from < until:
				until = from
			}
		}
	}
	return false, until
}

// schedule is windows on the clocks of one zone, by one calendar.
type schedule struct {
	windows []Window
	zone    *zone
	days    *calendar
}

// state says whether t is inside, and an instant after t up to which that
// holds without a break.
func (s *schedule) state(t int64) (open bool, until int64) {
	offset, end := s.zone.stretch(t)
	day, since := local(t, offset)
	open, stop := hours(s.windows, s.days.bits(day), since)
	return open, min(t+(stop-since), end)
}

// closedAt gives the first instant of [t, last] that is not inside, or -1.
func (s *schedule) closedAt(t, last int64) (int64, bool) {
	for t <= last {
		open, until := s.state(t)
		if !open {
			return t, true
		}
		t = until
	}
	return 0, false
}

// next gives the first instant from t on at which an attempt may start whose
// ring time lies inside: all of [start, start+ring]. It gives up beyond limit.
func (s *schedule) next(t, ring, limit int64) int64 {
	for t <= limit {
		open, until := s.state(t)
		if !open {
			t = until
			continue
		}
		if until > t+ring {
			return t
		}
		shut, found := s.closedAt(until, t+ring)
		if !found {
			return t
		}
		t = shut
	}
	return never
}
