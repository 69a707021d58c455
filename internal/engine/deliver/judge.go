package deliver

import (
	"net/http"
	"strconv"
	"time"

	"github.com/huiyin/huiyin/internal/platform/outbox"
)

// schedule is how long after each failed try the next one comes: ten tries in 75 hours.
var schedule = []time.Duration{
	5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour,
}

const (
	jitterShare = 0.1 // a try comes up to this share of its wait later
	holdMost    = 24 * time.Hour
)

// verdict is what an answer means.
type verdict struct {
	state outbox.State
	due   time.Time
	gone  bool      // the endpoint is to be disabled
	hold  time.Time // the endpoint is to be left alone till then
}

// judge says what the answer to a sending means. It is pure.
func judge(s *Sending, now time.Time, chance float64) verdict {
	switch status := s.Try.Status; {
	case status >= 200 && status < 300:
		return verdict{state: outbox.Delivered, due: now}
	case status == http.StatusGone:
		return verdict{state: outbox.Dead, due: now, gone: true}
	case s.Delivery.Tries >= len(schedule):
		return verdict{state: outbox.Dead, due: now}
	}
	wait := schedule[s.Delivery.Tries]
	wait += time.Duration(float64(wait) * jitterShare * chance)
	v := verdict{state: outbox.Waiting, due: now.Add(wait)}
	if asked := min(s.Retry, holdMost); asked > 0 {
		v.hold = now.Add(asked)
		if v.due.Before(v.hold) {
			v.due = v.hold
		}
	}
	return v
}

// retryAfter reads how long an overloaded receiver asks to be left alone: seconds or a date.
func retryAfter(status int, text string, now time.Time) time.Duration {
	if status != http.StatusTooManyRequests && status != http.StatusServiceUnavailable {
		return 0
	}
	if seconds, err := strconv.ParseUint(text, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(at.Sub(now), 0)
	}
	return 0
}
