package channel

import (
	"context"
	"errors"
	"sync"
	"time"
)

// Line is a live connection to a provider.
type Line interface {
	// Alive reports whether the line can be used again; it must not block.
	Alive() bool
	Close() error
}

// ErrPoolClosed is returned by Get once the pool is closed.
var ErrPoolClosed = errors.New("the channel has been closed")

// Pool keeps a channel's lines: never more than its size, the one used last
// first (so that the surplus grows cold), those unused for a while closed.
type Pool[L Line] struct {
	slots chan struct{} // one token per line in use
	idle  time.Duration

	mu     sync.Mutex
	free   []*freeLine[L] // the one used last at the end
	closed bool
}

type freeLine[L Line] struct {
	line  L
	timer *time.Timer // closes the line when it has been unused for too long
}

// NewPool makes a pool of at most size lines that closes one unused for idle.
func NewPool[L Line](size int, idle time.Duration) *Pool[L] {
	return &Pool[L]{slots: make(chan struct{}, size), idle: idle}
}

// Get takes a line: a kept one that is still alive, else a new one by dial. It
// waits while as many as the size are in use. Each line got is given back by
// exactly one of Put and Drop.
func (p *Pool[L]) Get(ctx context.Context, dial func(context.Context) (L, error)) (line L, kept bool, err error) {
	select {
	case p.slots <- struct{}{}:
	case <-ctx.Done():
		return line, false, ctx.Err()
	}
	for {
		kept, open := p.pop()
		if !open {
			<-p.slots
			return line, false, ErrPoolClosed
		}
		if kept == nil {
			break
		}
		if kept.line.Alive() {
			return kept.line, true, nil
		}
		_ = kept.line.Close() // the other end has gone; nothing was under way on it
	}
	line, err = dial(ctx)
	if err != nil {
		<-p.slots
	}
	return line, false, err
}

// Put gives back a line that is ready for the next message.
func (p *Pool[L]) Put(line L) {
	defer func() { <-p.slots }()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		_ = line.Close() // nobody will use it again
		return
	}
	f := &freeLine[L]{line: line}
	f.timer = time.AfterFunc(p.idle, func() { p.expire(f) })
	p.free = append(p.free, f)
}

// Drop gives back a line that must not be used again.
func (p *Pool[L]) Drop(line L) {
	_ = line.Close() // already of no use
	<-p.slots
}

// Close closes the lines kept; those in use are closed as they come back.
func (p *Pool[L]) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	for _, f := range p.free {
		f.timer.Stop()
		_ = f.line.Close() // nothing is under way on it
	}
	p.free = nil
}

// pop takes the line used last, nil if none is kept; open is false once the pool is closed.
func (p *Pool[L]) pop() (f *freeLine[L], open bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, false
	}
	if len(p.free) == 0 {
		return nil, true
	}
	last := len(p.free) - 1
	f = p.free[last]
	p.free[last] = nil
	p.free = p.free[:last]
	f.timer.Stop()
	return f, true
}

func (p *Pool[L]) expire(f *freeLine[L]) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, kept := range p.free {
		if kept == f { // else it was taken while the timer fired
			p.free = append(p.free[:i], p.free[i+1:]...)
			_ = f.line.Close() // nothing is under way on it
			return
		}
	}
}
