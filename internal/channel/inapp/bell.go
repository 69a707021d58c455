package inapp

import "sync"

// waitersMost bounds who may wait at once on a node; further ones are told at once that
// nothing is new.
const waitersMost = 2_000

// Bell wakes those on this node who wait for a customer's cards. Cards that another node
// puts in are found by looking again.
type Bell struct {
	mu      sync.Mutex
	waiting map[int64]map[chan struct{}]bool
	n       int
	closed  chan struct{}
}

// NewBell makes a bell.
func NewBell() *Bell {
	return &Bell{waiting: map[int64]map[chan struct{}]bool{}, closed: make(chan struct{})}
}

// Wait gives a channel that is closed when something may be new for a customer; stop must be
// called. It says no when too many wait already, or the bell is closed.
func (b *Bell) Wait(customer int64) (rung <-chan struct{}, stop func(), ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.n >= waitersMost || b.isClosed() {
		return nil, nil, false
	}
	mine := make(chan struct{})
	if b.waiting[customer] == nil {
		b.waiting[customer] = map[chan struct{}]bool{}
	}
	b.waiting[customer][mine] = true
	b.n++
	return mine, func() { b.leave(customer, mine) }, true
}

func (b *Bell) leave(customer int64, mine chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.waiting[customer][mine] {
		return // it was rung
	}
	b.drop(customer, mine)
}

func (b *Bell) drop(customer int64, one chan struct{}) {
	delete(b.waiting[customer], one)
	if len(b.waiting[customer]) == 0 {
		delete(b.waiting, customer)
	}
	b.n--
}

// Ring wakes all who wait for a customer's cards.
func (b *Bell) Ring(customer int64) {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for one := range b.waiting[customer] {
		close(one)
		b.drop(customer, one)
	}
}

// Closed is closed with the bell: whoever waits goes home.
func (b *Bell) Closed() <-chan struct{} { return b.closed }

// Close ends all waiting, so that a server can stop.
func (b *Bell) Close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.isClosed() {
		close(b.closed)
	}
}

func (b *Bell) isClosed() bool {
	select {
	case <-b.closed:
		return true
	default:
		return false
	}
}
