package channel

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// thread is a line that counts how many of its kind are open.
type thread struct {
	open *atomic.Int64
	dead atomic.Bool
	once sync.Once
}

func (l *thread) Alive() bool  { return !l.dead.Load() }
func (l *thread) Close() error { l.once.Do(func() { l.open.Add(-1) }); return nil }

type spinner struct{ open, made atomic.Int64 }

func (s *spinner) dial(context.Context) (*thread, error) {
	s.open.Add(1)
	s.made.Add(1)
	return &thread{open: &s.open}, nil
}

func TestThePoolNeverOpensMoreLinesThanItsSize(t *testing.T) {
	const size = 3
	var s spinner
	p := NewPool[*thread](size, time.Minute)
	var inUse, most atomic.Int64
	var all sync.WaitGroup
	for n := range 300 {
		all.Go(func() {
			line, _, err := p.Get(t.Context(), s.dial)
			if err != nil {
				t.Error(err)
				return
			}
			now := inUse.Add(1)
			for m := most.Load(); now > m && !most.CompareAndSwap(m, now); m = most.Load() {
			}
			if open := s.open.Load(); open > size {
				t.Errorf("%d lines are open", open)
			}
			inUse.Add(-1)
			switch n % 3 {
			case 0:
				p.Drop(line)
			case 1:
				line.dead.Store(true)
				p.Put(line)
			default:
				p.Put(line)
			}
		})
	}
	all.Wait()
	p.Close()
	if most.Load() > size || s.open.Load() != 0 {
		t.Errorf("%d lines in use at once, %d left open", most.Load(), s.open.Load())
	}
}

func TestALineIsKeptUntilItHasBeenUnusedForAWhile(t *testing.T) {
	var s spinner
	p := NewPool[*thread](2, 20*time.Millisecond)
	line, kept, err := p.Get(t.Context(), s.dial)
	if err != nil || kept {
		t.Fatal(kept, err)
	}
	p.Put(line)
	again, kept, err := p.Get(t.Context(), s.dial)
	if err != nil || !kept || again != line {
		t.Fatal("a fresh line was not kept", err)
	}
	p.Put(again)
	for began := time.Now(); s.open.Load() > 0; time.Sleep(time.Millisecond) {
		if time.Since(began) > 10*time.Second {
			t.Fatal("an unused line stays open")
		}
	}
	if _, kept, err = p.Get(t.Context(), s.dial); kept || err != nil {
		t.Error("a closed line was given out", err)
	}
	p.Close()
}

func TestWaitingForALineEndsWithTheContext(t *testing.T) {
	var s spinner
	p := NewPool[*thread](1, time.Minute)
	line, _, err := p.Get(t.Context(), s.dial)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, _, err := p.Get(ctx, s.dial); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	p.Close()
	p.Put(line)
	if s.open.Load() != 0 {
		t.Error("a line given back to a closed pool stays open")
	}
	if _, _, err := p.Get(t.Context(), s.dial); !errors.Is(err, ErrPoolClosed) {
		t.Error(err)
	}
}

func TestALineThatCannotBeOpenedLeavesRoomForTheNext(t *testing.T) {
	var s spinner
	p := NewPool[*thread](1, time.Minute)
	defer p.Close()
	broken := errors.New("nobody there")
	for range 3 {
		if _, _, err := p.Get(t.Context(), func(context.Context) (*thread, error) { return nil, broken }); !errors.Is(err, broken) {
			t.Fatal(err)
		}
	}
	if _, _, err := p.Get(t.Context(), s.dial); err != nil {
		t.Error(err)
	}
}

func TestAQuietConnectionIsToldFromOneClosedOrSpeaking(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	ours, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ours.Close() }()
	theirs, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	if !Quiet(ours) {
		t.Error("a quiet connection is called otherwise")
	}
	if _, err := theirs.Write([]byte("421")); err != nil {
		t.Fatal(err)
	}
	becomes(t, "a speaking connection is called quiet", func() bool { return !Quiet(ours) })
	if n, err := ours.Read(make([]byte, 8)); n != 3 || err != nil {
		t.Errorf("the look took bytes: %d left, %v", n, err)
	}
	if !Quiet(ours) {
		t.Error("a connection that fell silent is called otherwise")
	}
	_ = theirs.Close() // that is what is looked for
	becomes(t, "a closed connection is called quiet", func() bool { return !Quiet(ours) })
}

func becomes(t *testing.T, otherwise string, holds func() bool) {
	t.Helper()
	for began := time.Now(); !holds(); time.Sleep(time.Millisecond) {
		if time.Since(began) > 10*time.Second {
			t.Fatal(otherwise)
		}
	}
}
