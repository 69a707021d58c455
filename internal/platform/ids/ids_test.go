package ids_test

import (
	"bytes"
	"crypto/rand"
	"sync"
	"testing"
	"time"

	"github.com/huiyin/huiyin/internal/platform/clock"
	"github.com/huiyin/huiyin/internal/platform/ids"
)

var start = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func TestIdentifiersGrowWhateverTheClockDoes(t *testing.T) {
	c := clock.NewVirtual(start)
	s := ids.New(c, 3, rand.Reader)
	last := int64(0)
	for i := range 100_000 {
		switch i % 1000 {
		case 10:
			c.Advance(time.Millisecond)
		case 20:
			c.Advance(-time.Hour) // somebody sets the clock back
		case 30:
			c.Advance(time.Hour)
		}
		id := s.Next()
		if id <= last {
			t.Fatalf("identifier %d is %d after %d", i, id, last)
		}
		last = id
	}
}

func TestTwoNodesNeverMakeTheSame(t *testing.T) {
	c := clock.NewVirtual(start)
	seen := map[int64]bool{}
	for _, node := range []uint8{0, 1, 255} {
		s := ids.New(c, node, rand.Reader)
		for range 20_000 {
			id := s.Next()
			if seen[id] {
				t.Fatalf("%d twice", id)
			}
			seen[id] = true
		}
	}
}

func TestManyCallersOfOneSourceGetDifferentOnes(t *testing.T) {
	s := ids.New(clock.System{}, 1, rand.Reader)
	var mu sync.Mutex
	var callers sync.WaitGroup
	seen := map[int64]bool{}
	for range 8 {
		callers.Go(func() {
			for range 5_000 {
				id := s.Next()
				mu.Lock()
				if seen[id] {
					t.Errorf("%d twice", id)
				}
				seen[id] = true
				mu.Unlock()
			}
		})
	}
	callers.Wait()
}

func TestTheFirstIdentifierOfAMomentPartsThoseBeforeFromThoseAfter(t *testing.T) {
	c := clock.NewVirtual(start)
	s := ids.New(c, 255, rand.Reader)
	before := s.Next()
	c.Advance(time.Millisecond)
	bound := ids.First(c.Now())
	if after := ids.New(c, 0, rand.Reader).Next(); before >= bound || after < bound || ids.First(time.Unix(0, 0)) != 0 {
		t.Errorf("%d, %d, %d", before, bound, after)
	}
}

func TestAnIdentifierTellsItsMillisecond(t *testing.T) {
	s := ids.New(clock.NewVirtual(start), 1, rand.Reader)
	if got := ids.At(s.Next()); !got.Equal(start) {
		t.Fatalf("made at %s, says %s", start, got)
	}
}

func TestTheSameChanceMakesTheSameToken(t *testing.T) {
	seed := bytes.Repeat([]byte{7}, 64)
	a := ids.New(clock.System{}, 1, bytes.NewReader(seed)).Token()
	b := ids.New(clock.System{}, 1, bytes.NewReader(seed)).Token()
	if a != b || len(a) != 26 {
		t.Fatalf("%q and %q", a, b)
	}
	raw, err := ids.Unspell(a)
	if err != nil || !bytes.Equal(raw, seed[:ids.TokenBytes]) {
		t.Fatalf("%x %v", raw, err)
	}
}
