package faults

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

const (
	compileMost = 3 * time.Minute
	huntSeconds = 75 // in which each fault must be found
	huntMost    = 2 * time.Minute
	customers   = "60"
	days        = "18"
)

// planted is a fault compiled into the trial's tests.
type planted struct {
	fault  fault
	binary string
	took   time.Duration
	err    error
}

// TestEveryPlantedFaultIsFound compiles the faults one after another while the one before
// is hunted. HUIYIN_FAULT chooses those whose name it matches.
func TestEveryPlantedFaultIsFound(t *testing.T) {
	internal, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	chosen, err := regexp.Compile(os.Getenv("HUIYIN_FAULT"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	ready := make(chan planted)
	go func() {
		defer close(ready)
		for i, f := range list {
			if chosen.MatchString(f.name) {
				ready <- plant(t.Context(), internal, filepath.Join(dir, fmt.Sprint(i)), f)
			}
		}
	}()
	hunted := 0
	for p := range ready {
		hunted++
		t.Run(p.fault.name, func(t *testing.T) { hunt(t, p) })
	}
	if hunted == 0 {
		t.Fatalf("no fault is called %s", chosen)
	}
}

// plant lays the fault over the source and compiles the trial's tests.
func plant(ctx context.Context, internal, dir string, f fault) (p planted) {
	p.fault = f
	began := time.Now()
	if p.err = os.MkdirAll(dir, 0o755); p.err != nil {
		return p
	}
	texts := map[string]string{}
	for _, e := range f.edits {
		path := filepath.Join(internal, filepath.FromSlash(e.file))
		if _, open := texts[path]; !open {
			b, err := os.ReadFile(path)
			if err != nil {
				p.err = err
				return p
			}
			texts[path] = string(b)
		}
		if n := strings.Count(texts[path], e.from); n != 1 {
			p.err = fmt.Errorf("the text to change stands %d times in %s; bring the list up to date:\n%s", n, e.file, e.from)
			return p
		}
		texts[path] = strings.Replace(texts[path], e.from, e.to, 1)
	}
	overlay := struct{ Replace map[string]string }{map[string]string{}}
	for path, text := range texts {
		changed := filepath.Join(dir, fmt.Sprintf("%d.go", len(overlay.Replace)))
		if p.err = os.WriteFile(changed, []byte(text), 0o600); p.err != nil {
			return p
		}
		overlay.Replace[path] = changed
	}
	b, err := json.Marshal(overlay)
	if err != nil {
		p.err = err
		return p
	}
	file := filepath.Join(dir, "overlay.json")
	if p.err = os.WriteFile(file, b, 0o600); p.err != nil {
		return p
	}
	ctx, cancel := context.WithTimeout(ctx, compileMost)
	defer cancel()
	p.binary = filepath.Join(dir, "trial.test")
	out, err := command(ctx, internal, "go", "test", "-c", "-overlay", file, "-o", p.binary, "./trial").CombinedOutput()
	if err != nil {
		p.err = fmt.Errorf("with the fault the source doesn't compile: %w\n%s", err, out)
	}
	p.took = time.Since(began)
	return p
}

func command(ctx context.Context, dir, name string, args ...string) *exec.Cmd {
	c := exec.CommandContext(ctx, name, args...)
	c.Dir = dir
	c.WaitDelay = 5 * time.Second
	return c
}

var (
	seedLine  = regexp.MustCompile(`seed (\d+): (\d+) turns, (\d+) contacts.*violations map\[(.+)\]`)
	storyLine = regexp.MustCompile(`(?m)^ *(\S+ BROKEN: .*)$`)
)

// hunt runs the trial with the fault in it: it must fail, by a broken promise.
func hunt(t *testing.T, p planted) {
	t.Helper()
	if p.err != nil {
		t.Fatal(p.err)
	}
	defer func() { _ = os.Remove(p.binary) }()
	began := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), huntMost)
	defer cancel()
	c := command(ctx, filepath.Dir(p.binary), p.binary, "-test.run", "TestPromisesAreKeptInSpiteOfFaults|TestTheWordsOfTheTrial", "-test.v")
	c.Env = append(os.Environ(), fmt.Sprint("HUIYIN_TRIAL_SECONDS=", huntSeconds), "HUIYIN_TRIAL_SEED=1", "HUIYIN_TRIAL_CUSTOMERS="+customers, "HUIYIN_TRIAL_DAYS="+days)
	out, err := c.CombinedOutput()
	took := time.Since(began).Round(100 * time.Millisecond)
	seed, story := seedLine.FindStringSubmatch(string(out)), storyLine.FindStringSubmatch(string(out))
	words := strings.Contains(string(out), "was not understood")
	switch {
	case err == nil:
		t.Errorf("not found in %s\n%s", took, tail(string(out)))
	case words && story == nil:
		t.Logf("found in %s by the words (compiled in %s)", took, p.took.Round(100*time.Millisecond))
	case seed == nil || story == nil:
		t.Errorf("the trial failed, but no promise was broken: %v\n%s", err, tail(string(out)))
	default:
		t.Logf("found in %s (compiled in %s): seed %s, %s contacts in it, %s\n%s", took, p.took.Round(100*time.Millisecond), seed[1], seed[3], seed[4], story[1])
	}
}

func tail(text string) string {
	const most = 3_000
	return text[max(0, len(text)-most):]
}
