package trial

import (
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/huiyin/huiyin/internal/people/consent"
)

// number reads a setting of the environment:
//
//	HUIYIN_TRIAL_SEED       the first seed
//	HUIYIN_TRIAL_SECONDS    how long to go on with the seeds after it
//	HUIYIN_TRIAL_CUSTOMERS  and HUIYIN_TRIAL_DAYS, the size of each world
func number(t *testing.T, name string, standard int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return standard
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

// TestPromisesAreKeptInSpiteOfFaults runs seed after seed for a while. A planted fault
// is hunted with it too, so it stops at the first promise that is broken.
func TestPromisesAreKeptInSpiteOfFaults(t *testing.T) {
	c := Config{Faults: true, CPU: CPU, Customers: number(t, "HUIYIN_TRIAL_CUSTOMERS", 0), Days: number(t, "HUIYIN_TRIAL_DAYS", 0)}
	seconds := number(t, "HUIYIN_TRIAL_SECONDS", 60)
	began, cpu := time.Now(), CPU()
	var seeds, turns, contacts, crashes int
	var days float64
	_, err := Soak(t.Context(), c, uint64(number(t, "HUIYIN_TRIAL_SEED", 1)), func(r *Result) bool {
		t.Logf("seed %d: %d turns, %d contacts, %d crashes, %.0f days from %s, %.0f contacts per CPU second, trace %s, violations %v",
			r.Seed, r.Turns, r.Contacts, r.Crashes, r.VirtualDays, r.Start, r.ContactsPerCPUSecond, r.TraceHash, r.Violations)
		seeds, turns, contacts, crashes, days = seeds+1, turns+r.Turns, contacts+r.Contacts, crashes+r.Crashes, days+r.VirtualDays
		if r.Broken() {
			t.Errorf("promises were broken: %v\n%s", r.Violations, strings.Join(r.Stories, "\n"))
		}
		return !r.Broken() && time.Since(began) < time.Duration(seconds)*time.Second
	})
	if err != nil {
		t.Fatal(err)
	}
	used := (CPU() - cpu).Seconds()
	t.Logf("%d seeds, %d turns, %d contacts, %d crashes, %.0f virtual days in %.0f s, %.0f contacts per CPU second", seeds, turns, contacts, crashes, days, time.Since(began).Seconds(), float64(contacts)/used)
	if contacts == 0 {
		t.Error("nobody was contacted: nothing was tried")
	}
}

func TestTheSameSeedTakesTheSameSteps(t *testing.T) {
	for _, faults := range []bool{false, true} {
		var first *Result
		for range 2 {
			r, err := Run(t.Context(), Config{Seed: 7, Faults: faults, Customers: 30, Days: 12})
			if err != nil {
				t.Fatal(err)
			}
			if first == nil {
				first = r
			}
			if r.TraceHash != first.TraceHash || r.Turns != first.Turns || r.Contacts != first.Contacts {
				t.Fatalf("faults %v: %d turns, trace %s; and again %d turns, trace %s", faults, first.Turns, first.TraceHash, r.Turns, r.TraceHash)
			}
		}
		other, err := Run(t.Context(), Config{Seed: 8, Faults: faults, Customers: 30, Days: 12})
		if err != nil {
			t.Fatal(err)
		}
		if other.TraceHash == first.TraceHash {
			t.Fatalf("two seeds took the same steps, trace %s", first.TraceHash)
		}
	}
}

func TestWithoutFaultsNothingIsSetAsideAndNobodyDies(t *testing.T) {
	r, err := Run(t.Context(), Config{Seed: 3, Customers: 60, Days: 21})
	if err != nil {
		t.Fatal(err)
	}
	if r.Broken() || r.SetAside > 0 || r.Crashes > 0 || r.CutShort || r.Contacts < 300 {
		t.Fatalf("%+v\n%s", *r, strings.Join(r.Stories, "\n"))
	}
}

func TestTheWordsOfTheTrialAreUnderstood(t *testing.T) {
	for _, words := range Words {
		if !consent.Refuses(words) {
			t.Errorf("%q is a refusal and was not understood", words)
		}
	}
}
