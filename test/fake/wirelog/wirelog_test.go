package wirelog

import (
	"math"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
)

type line struct{ N int }

func TestEveryLineAppendedAtTheSameTimeIsReadBackOnce(t *testing.T) {
	for _, durable := range []bool{false, true} {
		path := filepath.Join(t.TempDir(), "wire.jsonl")
		l, err := Open(path, durable)
		if err != nil {
			t.Fatal(err)
		}
		const n = 500
		var all sync.WaitGroup
		for i := range n {
			all.Go(func() {
				if err := l.Append(line{i}); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		lines, err := Read[line](path)
		if err != nil || len(lines) != n {
			t.Fatalf("%d lines, %v", len(lines), err)
		}
		seen := map[int]bool{}
		for _, one := range lines {
			seen[one.N] = true
		}
		if len(seen) != n {
			t.Errorf("%d different lines, want %d", len(seen), n)
		}
		if l.Append(line{}) == nil {
			t.Error("a closed log takes lines")
		}
	}
}

func TestALineIsInTheFileWhenAppendReturns(t *testing.T) {
	path := filepath.Join(t.TempDir(), "wire.jsonl")
	l, err := Open(path, false)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	for i := range 10 {
		if err := l.Append(line{i}); err != nil {
			t.Fatal(err)
		}
		if lines, err := Read[line](path); err != nil || len(lines) != i+1 {
			t.Fatalf("%d lines after %d, %v", len(lines), i+1, err)
		}
	}
}

func TestALastLineWithoutItsEndIsLeftOutAndABrokenOneIsNot(t *testing.T) {
	path := filepath.Join(t.TempDir(), "wire.jsonl")
	write := func(text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("{\"N\":1}\n{\"N\":2}\n{\"N\":")
	if lines, err := Read[line](path); err != nil || len(lines) != 2 {
		t.Errorf("%v, %v", lines, err)
	}
	write("{\"N\":1}\n{\"N\"\n{\"N\":3}\n")
	if _, err := Read[line](path); err == nil {
		t.Error("a broken line in the middle was passed over")
	}
}

func TestModesAreDrawnByTheirSharesAndAlwaysAlike(t *testing.T) {
	shares, err := ParseShares("a=0.1, b=0.25", []string{"a", "b", "c"})
	if err != nil {
		t.Fatal(err)
	}
	const n = 100_000
	count := map[string]int{}
	for i := range n {
		key := "key-" + strconv.Itoa(i)
		mode := Draw(7, shares, "c", key, "1")
		count[mode]++
		if Draw(7, shares, "c", key, "1") != mode {
			t.Fatal("drawn differently the second time")
		}
	}
	for mode, share := range map[string]float64{"a": 0.1, "b": 0.25, "c": 0.65} {
		if got := float64(count[mode]) / n; math.Abs(got-share) > 0.01 {
			t.Errorf("%s: drawn with a share of %.3f, want %.2f", mode, got, share)
		}
	}
}

func TestSharesThatMakeNoSenseAreRefused(t *testing.T) {
	for _, bad := range []string{"a", "a=x", "a=1.5", "a=-1", "a=NaN", "z=0.1", "a=0.6,b=0.6"} {
		if _, err := ParseShares(bad, []string{"a", "b"}); err == nil {
			t.Errorf("%q was let through", bad)
		}
	}
}
