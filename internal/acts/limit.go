package acts

import (
	"sync"
	"time"
)

// askersMax bounds whom a limit remembers; beyond it the oldest windows are forgotten.
const askersMax = 100_000

// limit counts how often each asker asked, in windows of fixed length. It is of one node.
type limit struct {
	mu     sync.Mutex
	askers map[string]window
}

type window struct {
	began time.Time
	n     int
}

// take counts one question; it says how long to wait when it is one too many.
func (l *limit) take(who string, now time.Time, most int, length time.Duration) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.askers == nil {
		l.askers = map[string]window{}
	}
	w := l.askers[who]
	if now.Sub(w.began) >= length || now.Before(w.began) {
		w = window{began: now}
	}
	if w.n >= most {
		return w.began.Add(length).Sub(now)
	}
	w.n++
	if len(l.askers) >= askersMax {
		l.forget(now, length)
	}
	l.askers[who] = w
	return 0
}

// forget drops windows that are over; if none is, all: a full house asks too much anyway.
func (l *limit) forget(now time.Time, length time.Duration) {
	for who, w := range l.askers {
		if now.Sub(w.began) >= length {
			delete(l.askers, who)
		}
	}
	if len(l.askers) >= askersMax {
		clear(l.askers)
	}
}
