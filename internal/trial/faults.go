package trial

import (
	"strings"
	"time"
)

// mix is how often each fault strikes in a run. It is drawn anew per seed: some faults
// are absent, so that others get further, and some are frequent.
type mix struct {
	weights []weighted // what providers do with a message
	total   float64

	unreachable, noLookUp, slow            float64 // per try
	atOnce                                 float64 // refusals in the moment somebody is being contacted
	lateReceipt, doubled, undelivered      float64 // per receipt
	longRest, outagePerDay, crashPerDay    float64
	freezePerDay, opsPerDay, burstPerDay   float64
	lateEvent, twiceEvent, reordered       float64
	refusedAtCommit, ambiguous, skewed     float64
	movesPerDay, scannerStorm, wordsPerDay float64
}

type weighted struct {
	what  string
	share float64
}

// drawMix draws the faults of this run.
func (w *world) drawMix() mix {
	m := mix{movesPerDay: 0.25, wordsPerDay: 0.004, undelivered: 0.05, weights: []weighted{{"accepts", 100}}}
	if !w.cfg.Faults {
		m.total = 100
		return m
	}
	// often is the share at full strength; a third of the faults are absent from a run.
	draw := func(often float64) float64 {
		if w.chance(1.0 / 3) {
			return 0
		}
		return often * w.rng.Float64()
	}
	for _, x := range []weighted{
		{"is busy", 12},
		{"rejects", 8},
		{"accepts and hangs", 12},
		{"accepts and fails", 12},
		{"hangs and accepts", 12},
		{"hangs", 8},
		{"answers and never delivers", 3},
	} {
		m.weights = append(m.weights, weighted{x.what, draw(x.share)})
	}
	for _, x := range m.weights {
		m.total += x.share
	}
	m.unreachable, m.noLookUp, m.slow, m.atOnce = draw(0.1), draw(0.4), draw(0.3), draw(0.08)
	m.lateReceipt, m.doubled = draw(0.4), draw(0.4)
	m.longRest, m.outagePerDay, m.crashPerDay = draw(0.02), draw(1), draw(12)
	m.freezePerDay, m.opsPerDay, m.burstPerDay = draw(4), draw(0.6), draw(0.6)
	m.lateEvent, m.twiceEvent, m.reordered = draw(0.2), draw(0.3), draw(0.3)
	m.refusedAtCommit, m.ambiguous, m.skewed = draw(0.03), draw(0.015), draw(1)
	m.scannerStorm = draw(1)
	return m
}

// behaviour draws what a provider does with a message.
func (m *mix) behaviour(w *world) string {
	if w.calm() {
		return "accepts"
	}
	x := w.rng.Float64() * m.total
	for _, b := range m.weights {
		if x -= b.share; x < 0 {
			if b.what != "accepts" {
				w.res.Faults["provider "+b.what]++
			}
			return b.what
		}
	}
	return "accepts"
}

// strikes draws whether a fault strikes now, and counts it.
func (w *world) strikes(what string, share float64) bool {
	if w.calm() || !w.chance(share) {
		return false
	}
	w.res.Faults[what]++
	return true
}

// pause draws how long a step takes before the next: mostly nothing, sometimes very long.
func (w *world) pause() time.Duration {
	switch x := w.rng.IntN(100); {
	case x < 60:
		return w.upTo(500 * time.Microsecond)
	case x < 95:
		return w.upTo(10 * time.Millisecond)
	}
	if w.strikes("long rest", w.mix.longRest*20) { // of this one movement; the rest of its node goes on
		if w.chance(0.5) {
			return w.between(time.Second, 2*time.Minute)
		}
		return w.between(time.Minute, 9*time.Hour)
	}
	return w.upTo(300 * time.Millisecond)
}

// outage says no to a node while the database is away, and now and then at a commit
// that fails, or that came through and wasn't heard of.
func (w *world) outage(point string) error {
	if w.now().Before(w.downTil) && !strings.HasSuffix(point, ":committed") {
		return errDown
	}
	switch {
	case strings.HasSuffix(point, ":commit") && w.strikes("refused at commit", w.mix.refusedAtCommit),
		strings.HasSuffix(point, ":committed") && w.strikes("committed and not heard of", w.mix.ambiguous):
		return errDown
	}
	return nil
}

// skew draws how far a node's clock is off.
func (w *world) skew() time.Duration {
	if w.mix.skewed == 0 {
		return 0
	}
	most := 2 * time.Second
	if w.chance(0.3) {
		most = 3 * time.Minute
	}
	w.res.Faults["clock off"]++
	return w.between(-most, most)
}

// daily puts something on the agenda again and again, so often a day on average.
func (w *world) daily(often float64, name string, fn func()) {
	if often <= 0 {
		return
	}
	var again func()
	again = func() {
		if w.calm() {
			return
		}
		fn()
		w.after(w.gap(often), name, again)
	}
	w.after(w.gap(often), name, again)
}

// gap draws the time until what happens so often a day happens next.
func (w *world) gap(often float64) time.Duration {
	return min(time.Duration(w.rng.ExpFloat64()/often*float64(day)), 365*day)
}

// crash dooms a node to die at one of the next points it comes to.
func (w *world) crash() {
	if n := w.alive(); n != nil && n.doom == 0 {
		n.doom = 1 + w.rng.IntN(40)
	}
}

// freeze stops a node between any two of its steps, for seconds or hours.
func (w *world) freeze() {
	n := w.alive()
	if n == nil {
		return
	}
	w.res.Faults["node frozen"]++
	d := w.between(time.Second, 3*time.Minute)
	if w.chance(0.4) {
		d = w.between(time.Minute, 10*time.Hour)
	}
	n.frozenUntil = w.now().Add(d)
}

// lose takes the database away for a while.
func (w *world) lose() {
	w.res.Faults["database away"]++
	w.downTil = w.now().Add(w.between(time.Second, 15*time.Minute))
}
