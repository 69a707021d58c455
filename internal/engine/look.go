package engine

import (
	"context"
	"sync"
	"time"
)

// lookTimeout bounds a look that several sendings share.
const lookTimeout = 10 * time.Second

// lookGroup makes the last looks of sendings that reach the wire at about the same
// time together: while one look is read, those who come meanwhile gather for the
// next. With a mail server that takes a second to answer, every sending needs a look
// of its own moment, and one snapshot serves all connections.
type lookGroup struct {
	look func(ctx context.Context, all []*Sending) error

	mu      sync.Mutex
	waiting *lookTurn
	busy    bool
}

// lookTurn is one look to come.
type lookTurn struct {
	all  []*Sending
	done chan struct{}
	err  error
}

// join has s looked at in the next look, and waits for it.
func (g *lookGroup) join(ctx context.Context, s *Sending) error {
	g.mu.Lock()
	if g.waiting == nil {
		g.waiting = &lookTurn{done: make(chan struct{})}
	}
	mine := g.waiting
	mine.all = append(mine.all, s)
	if !g.busy {
		g.busy = true
		go g.serve(context.WithoutCancel(ctx))
	}
	g.mu.Unlock()
	select {
	case <-mine.done:
		return mine.err
	case <-ctx.Done():
		return ctx.Err() // what the look finds for s is not read any more
	}
}

// serve looks until nobody waits any more.
func (g *lookGroup) serve(ctx context.Context) {
	for {
		g.mu.Lock()
		turn := g.waiting
		g.waiting = nil
		g.busy = turn != nil
		g.mu.Unlock()
		if turn == nil {
			return
		}
		one, cancel := context.WithTimeout(ctx, lookTimeout)
		turn.err = g.look(one, turn.all)
		cancel()
		close(turn.done)
	}
}
