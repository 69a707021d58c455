package trial

import (
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/huiyin/huiyin/internal/people/consent"
)

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

// report says what a run came to, in one line, and its stories.
func tell(t *testing.T, r *Result) {
	t.Helper()
	t.Logf("seed %d: %d turns, %d contacts, %d crashes, %.0f days from %s, %.0f contacts/cpu-s, trace %s, violations %v",
		r.Seed, r.Turns, r.Contacts, r.Crashes, r.VirtualDays, r.Start, r.ContactsPerCPUSecond, r.TraceHash, r.Violations)
	if r.Broken() {
		t.Errorf("promises were broken\n%s", strings.Join(r.Stories, "\n"))
	}
}

func TestOne(t *testing.T) {
	seed := number(t, "HUIYIN_TRIAL_SEED", 1)
	r, err := Run(t.Context(), Config{
		Seed: uint64(seed), Faults: os.Getenv("HUIYIN_TRIAL_CALM") == "", CPU: CPU,
		Customers: number(t, "HUIYIN_TRIAL_CUSTOMERS", 40), Days: number(t, "HUIYIN_TRIAL_DAYS", 21),
	})
	if err != nil {
		t.Fatal(err)
	}
	tell(t, r)
	t.Logf("%+v", *r)
	_ = time.Second
}

func TestTheWordsOfTheTrialAreUnderstood(t *testing.T) {
	for _, words := range Words {
		if !consent.Refuses(words) {
			t.Errorf("%q is a refusal and was not understood", words)
		}
	}
}
