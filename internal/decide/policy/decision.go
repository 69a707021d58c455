package policy

import (
	"time"

	"github.com/huiyin/huiyin/internal/platform/codes"
)

// Verdict is the outcome of a decision.
type Verdict uint8

// The verdicts. The zero value denies, so that a forgotten decision never
// becomes a contact.
const (
	Deny Verdict = iota
	Defer
	Allow
)

func (v Verdict) String() string {
	switch v {
	case Allow:
		return "allow"
	case Defer:
		return "defer"
	default:
		return "deny"
	}
}

// Decision says what may be done and why. When several things stand in the way
// of a contact now, a deferral names the one that keeps it waiting longest, and
// a denial the one that leaves no instant before the deadline.
type Decision struct {
	Verdict Verdict
	Reason  codes.Reason
	Rule    string    // what bound: "cn/phone-hours", "default: service 2 per 7d"; empty when no rule did
	Until   time.Time // Defer: the first instant at which, by these facts, all holds
}
