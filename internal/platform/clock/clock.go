package clock

import (
	"context"
	"sync"
	"time"
)

// Clock tells the time.
type Clock interface{ Now() time.Time }

// System is the machine's clock. Its times carry the monotonic reading, so
// differences between two of them survive a step of the wall clock.
type System struct{}

// Now is time.Now.
func (System) Now() time.Time { return time.Now() }

// Virtual is a clock that stands still until it is moved. It is safe for concurrent use.
type Virtual struct {
	mu  sync.Mutex
	now time.Time
}

// NewVirtual makes a clock that stands at t.
func NewVirtual(t time.Time) *Virtual { return &Virtual{now: t} }

// Now is where the clock stands.
func (v *Virtual) Now() time.Time {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.now
}

// Set moves the clock to t, backwards too.
func (v *Virtual) Set(t time.Time) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.now = t
}

// Advance moves the clock by d and says where it stands.
func (v *Virtual) Advance(d time.Duration) time.Time {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.now = v.now.Add(d)
	return v.now
}

// Skewed is Base seen through a wrong offset: a node whose clock is off.
type Skewed struct {
	Base   Clock
	Offset time.Duration
}

// Now is the base clock's time plus the offset.
func (s Skewed) Now() time.Time { return s.Base.Now().Add(s.Offset) }

// Sleep waits for d of the machine's time or until ctx ends; it says whether it slept it out.
// Loops that live in real time wait through it; nothing that decides does.
func Sleep(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
