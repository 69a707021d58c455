package app

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/huiyin/huiyin/internal/platform/clock"
)

// turner fails, panics or works as its list says, then works.
type turner struct {
	does []string
	n    atomic.Int64
}

func (t *turner) Turn(context.Context) (time.Time, bool, error) {
	n := int(t.n.Add(1))
	if n > len(t.does) {
		return time.Time{}, false, nil
	}
	switch t.does[n-1] {
	case "fail":
		return time.Time{}, false, errors.New("the database is away")
	case "panic":
		panic("that can't be")
	case "busy":
		return time.Time{}, true, nil
	}
	return time.Time{}, false, nil
}

func TestALoopThatFailsOrPanicsIsTriedAgainAndToldOfOnce(t *testing.T) {
	var mu sync.Mutex
	var text bytes.Buffer
	log := slog.New(slog.NewTextHandler(writerFunc(func(p []byte) (int, error) {
		mu.Lock()
		defer mu.Unlock()
		return text.Write(p)
	}), nil))
	a := &App{Log: log, Clock: clock.System{}}
	a.troubles.log = log
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	work := &turner{does: []string{"busy", "fail", "panic", "fail", "busy"}}
	told := 0
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		a.loop(ctx, "router", work, nil, time.Millisecond, func() { told++ })
	}()
	for deadline := time.Now().Add(10 * time.Second); work.n.Load() < 7; {
		if time.Now().After(deadline) {
			t.Fatalf("after %d turns", work.n.Load())
		}
		time.Sleep(time.Millisecond)
	}
	cancel()
	<-ended
	mu.Lock()
	defer mu.Unlock()
	if got := text.String(); strings.Count(got, "trouble") != 1 || strings.Count(got, "works again") != 1 || !strings.Contains(got, "times_failed=3") {
		t.Errorf("%s", got)
	}
	if told != 3 { // two turns that left work over, and the one asked for after the second
		t.Errorf("told %d times", told)
	}
}

type writerFunc func(p []byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

func TestAPasswordIsNotShownWithItsDatabase(t *testing.T) {
	if got := withoutPassword("postgres://u:secret@h/d"); strings.Contains(got, "secret") || !strings.Contains(got, "@h/d") {
		t.Error(got)
	}
}
