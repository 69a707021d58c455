package db

import (
	"context"
	"sync"

	"github.com/huiyin/huiyin/internal/platform/errs"
)

// call is one caller of Write who waits.
type call struct {
	ctx  context.Context
	name string
	hook Hook
	fn   func(*Tx) error
	done chan error
}

// queue holds the callers in order of priority, first come first served within each.
type queue struct {
	mu      sync.Mutex
	more    *sync.Cond
	waiting [priorities][]*call
	n       int
	closed  bool
}

func newQueue() *queue {
	q := &queue{}
	q.more = sync.NewCond(&q.mu)
	return q
}

func (q *queue) push(p Priority, c *call) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return errs.New(errs.Unavailable, "database-closed", "the server is stopping; send this again to one that runs")
	}
	if len(q.waiting[p]) >= queueMax {
		return errs.New(errs.Busy, "database-busy", "%d writers wait already; come back in a moment", queueMax)
	}
	q.waiting[p] = append(q.waiting[p], c)
	q.n++
	q.more.Signal()
	return nil
}

// pop takes the most urgent caller; it waits for one if told to, and returns nil when there is none or the queue is closed.
func (q *queue) pop(wait bool) *call {
	q.mu.Lock()
	defer q.mu.Unlock()
	for q.n == 0 {
		if q.closed || !wait {
			return nil
		}
		q.more.Wait()
	}
	for p := range q.waiting {
		if l := q.waiting[p]; len(l) > 0 {
			c := l[0]
			l[0] = nil
			q.waiting[p] = l[1:]
			q.n--
			return c
		}
	}
	return nil
}

func (q *queue) len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.n
}

func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.more.Broadcast()
}
