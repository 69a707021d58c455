package gateway

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/huiyin/huiyin/internal/platform/clock"
)

func start(t *testing.T, o Options) *Gateway {
	t.Helper()
	o.Address, o.Log = "127.0.0.1:0", filepath.Join(t.TempDir(), "wire.jsonl")
	g, err := Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := g.Close(); err != nil {
			t.Error(err)
		}
	})
	return g
}

// post posts a message in a mode and gives the status, 0 if there was no answer.
func post(t *testing.T, g *Gateway, key string, m Mode, patience time.Duration) int {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, g.URL(), bytes.NewBufferString(fmt.Sprintf(`{"key":%q,"to":"+86138"}`, key)))
	if err != nil {
		t.Fatal(err)
	}
	r.GetBody = nil // or the client would post again by itself
	r.Header.Set("Idempotency-Key", key)
	r.Header.Set(HeaderMode, string(m))
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0
	}
	_, _ = io.Copy(io.Discard, response.Body) // a cut body doesn't matter
	_ = response.Body.Close()                 // likewise
	return response.StatusCode
}

func TestEveryModeDoesWhatItSays(t *testing.T) {
	g := start(t, Options{Hang: 300 * time.Millisecond, Delay: 10 * time.Millisecond})
	for mode, want := range map[Mode]struct {
		status int
		taken  bool
	}{
		Accept: {202, true}, Delay: {202, true}, Refuse: {422, false}, Busy: {429, false}, Away: {503, false},
		TakeThenHang: {0, true}, HangThenTake: {0, true}, TakeThenFail: {500, true}, TakeThenDrop: {0, true}, TakeOdd: {200, true},
		Hang: {0, false}, Fail: {500, false}, Drop: {0, false},
	} {
		key := "key-" + string(mode)
		if got := post(t, g, key, mode, 150*time.Millisecond); got != want.status {
			t.Errorf("%s: answered %d, want %d", mode, got, want.status)
		}
		var line *Seen
		for began := time.Now(); line == nil && time.Since(began) < 10*time.Second; time.Sleep(time.Millisecond) {
			seen, err := g.Seen()
			if err != nil {
				t.Fatal(err)
			}
			for i := range seen {
				if seen[i].Key == key {
					line = &seen[i]
				}
			}
		}
		if line == nil || line.Taken != want.taken || line.Mode != mode {
			t.Errorf("%s: the wire log says %+v", mode, line)
		}
	}
}

func TestAKeyIsHonouredForItsWindowAndNoLonger(t *testing.T) {
	now := clock.NewVirtual(time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC))
	g := start(t, Options{Idempotency: time.Hour, Now: now.Now})
	for range 2 {
		post(t, g, "k", Accept, time.Second)
	}
	now.Advance(time.Hour)
	post(t, g, "k", Accept, time.Second)
	seen, err := g.Seen()
	if err != nil || len(seen) != 3 {
		t.Fatalf("%+v, %v", seen, err)
	}
	got := fmt.Sprint(seen[0].Taken, seen[0].Duplicate, seen[1].Taken, seen[1].Duplicate, seen[1].Repeated, seen[2].Taken, seen[2].Duplicate)
	if want := fmt.Sprint(true, false, false, true, true, true, true); got != want || g.Taken() != 2 {
		t.Errorf("got %s, want %s; taken %d", got, want, g.Taken())
	}
}
