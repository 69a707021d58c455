package trial

import (
	"context"
	"time"
)

// The sizes taken when Config says none, and their bounds.
const (
	customersDefault = 160
	customersMax     = 200_000
	daysDefault      = 21
	daysMax          = 400
	nodesDefault     = 3
	nodesMax         = 16
	turnsDefault     = 200_000_000
	storiesMax       = 5 // stories told of one run
)

// Config is what to run.
type Config struct {
	Seed      uint64
	Customers int
	Days      int // of events; the run goes on until every follow-up has ended
	Nodes     int
	Faults    bool
	MaxTurns  int                             // steps after which the run is cut short
	CPU       func() time.Duration            // processor time used so far; nil: how fast it was isn't told
	Trace     func(at time.Time, what string) // told of every step; nil: nobody
}

// Result is what a run came to. As JSON it is what `simulate` prints.
type Result struct {
	Seed       uint64         `json:"seed"`
	Turns      int            `json:"turns"`    // steps taken, of all nodes and of the world
	Contacts   int            `json:"contacts"` // messages that reached a customer
	Crashes    int            `json:"crashes"`
	Violations map[string]int `json:"violations"` // by promise; empty: all were kept
	TraceHash  string         `json:"trace_hash"` // over every step: the same from the same seed

	ContactsPerCPUSecond float64 `json:"contacts_per_cpu_s"`

	Customers   int     `json:"customers"`
	Nodes       int     `json:"nodes"`
	Start       string  `json:"start"` // the virtual time at which it began
	VirtualDays float64 `json:"virtual_days"`
	CutShort    bool    `json:"cut_short"` // MaxTurns was reached: that nothing is forgotten wasn't judged

	Events    int `json:"events"`
	Triggers  int `json:"triggers"`
	FollowUps int `json:"follow_ups"`
	Refusals  int `json:"refusals"`
	Answers   int `json:"answers"`
	SetAside  int `json:"set_aside"`

	LatestWireAfterRefusalMillis int64 `json:"latest_wire_after_refusal_ms"` // the latest first byte after a refusal it should have heeded; 0: none

	Faults      map[string]int `json:"faults"`       // how often each struck
	CrashPoints map[string]int `json:"crash_points"` // where nodes died
	Stories     []string       `json:"stories,omitempty"`
}

// Broken says whether a promise was broken.
func (r *Result) Broken() bool { return len(r.Violations) > 0 }

// Run runs one world from its seed to its end and judges it.
func Run(ctx context.Context, c Config) (*Result, error) {
	w, err := newWorld(ctx, c.orDefaults())
	if err != nil {
		return nil, err
	}
	defer w.close()
	if err := w.live(); err != nil {
		return nil, err
	}
	return w.judge()
}

func (c Config) orDefaults() Config {
	pick := func(n, standard, most int) int {
		if n <= 0 {
			n = standard
		}
		return min(n, most)
	}
	c.Customers = pick(c.Customers, customersDefault, customersMax)
	c.Days = pick(c.Days, daysDefault, daysMax)
	c.Nodes = pick(c.Nodes, nodesDefault, nodesMax)
	c.MaxTurns = pick(c.MaxTurns, turnsDefault, turnsDefault)
	return c
}

// Soak runs seed after seed, beginning with from, until each says no or ctx ends. It
// gives the seed to go on with.
func Soak(ctx context.Context, c Config, from uint64, each func(*Result) bool) (next uint64, err error) {
	for next = from; ctx.Err() == nil; next++ {
		c.Seed = next
		r, err := Run(ctx, c)
		if ctx.Err() != nil {
			return next, nil // cut off: to be begun anew
		}
		if err != nil {
			return next, err
		}
		if !each(r) {
			return next + 1, nil
		}
	}
	return next, nil
}
