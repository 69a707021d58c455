package pages

import (
	"hash/maphash"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"
)

const (
	visitsMax    = 60 // begun from one address in a window: an office, a shop's tablet
	visitsWindow = 10 * time.Minute
	limiterSlots = 1 << 14
)

// limiter bounds what comes from one address without keeping any: it counts in slots that a
// seed, forgotten with every window, assigns. Two addresses may share a slot; two slots each
// make it rare that both are shared.
type limiter struct {
	mu    sync.Mutex
	began time.Time
	seeds [2]maphash.Seed
	slots [2][limiterSlots]uint16
}

func newLimiter() *limiter { return &limiter{} }

// allow counts one more from an address, and says whether that is still few.
func (l *limiter) allow(address string, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if age := now.Sub(l.began); age >= visitsWindow || age < 0 {
		l.began, l.slots = now, [2][limiterSlots]uint16{}
		l.seeds = [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}
	}
	few := false
	for i := range l.slots {
		n := &l.slots[i][maphash.String(l.seeds[i], address)%limiterSlots]
		if *n < visitsMax {
			few = true
			*n++
		}
	}
	return few
}

// addressOf is where a request comes from: what the proxy before us saw, if there is one on
// this machine or in its network; of an IPv6 address its network, since a visitor has many.
func addressOf(r *http.Request) string {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	from := peer.Addr().Unmap()
	if from.IsLoopback() || from.IsPrivate() {
		list := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
		if seen, err := netip.ParseAddr(strings.TrimSpace(list[len(list)-1])); err == nil {
			from = seen.Unmap()
		}
	}
	const networkBits = 64
	if from.Is6() {
		if p, err := from.Prefix(networkBits); err == nil {
			return p.String()
		}
	}
	return from.String()
}
