package attempt

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/huiyin/huiyin/internal/decide/policy"
	"github.com/huiyin/huiyin/internal/platform/crypt"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/db/dbtest"
	"github.com/huiyin/huiyin/internal/platform/tally"
)

var states = []State{Intended, Withheld, Rejected, Unknown, Accepted, Undelivered, Delivered, Seen}

// progress is how much is known of an attempt; only Undelivered and Delivered may trade places.
var progress = map[State]int{Intended: 0, Unknown: 1, Withheld: 9, Rejected: 9, Accepted: 2, Undelivered: 3, Delivered: 4, Seen: 5}

func TestNoReportMovesAnAttemptBack(t *testing.T) {
	for _, from := range states {
		for _, to := range states {
			if MayFollow(from, to) && progress[to] <= progress[from] {
				t.Errorf("%s may follow %s", to, from)
			}
		}
		if MayFollow(from, from) {
			t.Errorf("%s may follow itself, and would be counted twice", from)
		}
	}
	for _, end := range []State{Withheld, Rejected, Seen} {
		for _, to := range states {
			if MayFollow(end, to) {
				t.Errorf("%s is an end, and %s may follow it", end, to)
			}
		}
	}
}

// reported are reports as providers send them: some twice, in any order.
func reported(rt *rapid.T) []State {
	return rapid.SliceOfN(rapid.SampledFrom(states[1:]), 1, 12).Draw(rt, "reports")
}

func TestAnyOrderOfReportsMovesAnAttemptOnlyForwardAndCountsEachStateOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		id := int64(0)
		rapid.Check(t, func(rt *rapid.T) {
			id++
			a := Attempt{ID: id, FollowUp: 1, Program: id, Customer: 1, Channel: "sms", AddressKey: []byte{1}, State: Intended, IntendedAt: time.UnixMilli(1)}
			var counts tally.Batch
			write(t, d, func(tx *db.Tx) error { return Intend(tx, nil, &counts, []Attempt{a}) })
			entered := map[State]int{}
			for i, to := range reported(rt) {
				before := a.State
				var stands []bool
				write(t, d, func(tx *db.Tx) (err error) {
					stands, err = Apply(tx, &counts, []Change{{Attempt: &a, To: to, At: time.UnixMilli(int64(i + 2))}})
					return err
				})
				if stands[0] != MayFollow(before, to) {
					rt.Fatalf("%s after %s: stands %v", to, before, stands[0])
				}
				if stands[0] {
					entered[to]++
				}
				if got := stored(t, d, id); got != a.State {
					rt.Fatalf("stored as %s, told as %s", got, a.State)
				}
			}
			for s, n := range entered {
				if n > 1 {
					rt.Fatalf("%s was entered %d times", s, n)
				}
			}
			if implied(a.State) {
				entered[Accepted] = 1 // on the way, whether it was reported or not
			}
			var sums map[[2]string]int64
			write(t, d, func(tx *db.Tx) (err error) {
				if err := counts.Flush(tx); err != nil {
					return err
				}
				sums, err = tally.Sum(tx, id, 0, 1)
				return err
			})
			for _, s := range states[1:] {
				if got := sums[[2]string{MetricAttempt, "0:sms:" + string(s)}]; got != int64(entered[s]) {
					rt.Fatalf("%s was counted %d times and entered %d times", s, got, entered[s])
				}
			}
		})
	})
}

func TestAnAnswerProvesThatTheOneInDoubtArrived(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		for followUp, c := range map[int64]struct{ were, are []State }{
			1: {[]State{Intended}, []State{Seen}},
			2: {[]State{Rejected, Unknown}, []State{Rejected, Seen}},
			3: {[]State{Accepted, Unknown}, []State{Accepted, Unknown}}, // it may have been the first that was answered
			4: {[]State{Delivered}, []State{Delivered}},
			5: {[]State{Unknown, Unknown}, []State{Unknown, Unknown}},
		} {
			for i, s := range c.were {
				a := Attempt{ID: followUp*10 + int64(i), FollowUp: followUp, Program: followUp, Customer: 1, Channel: "sms", AddressKey: []byte{1}, State: Intended, IntendedAt: time.UnixMilli(1)}
				write(t, d, func(tx *db.Tx) error {
					var counts tally.Batch
					if err := Intend(tx, nil, &counts, []Attempt{a}); err != nil {
						return err
					}
					_, err := Apply(tx, &counts, []Change{{Attempt: &a, To: s, At: time.UnixMilli(2)}})
					return err
				})
			}
			write(t, d, func(tx *db.Tx) error {
				var counts tally.Batch
				if err := Prove(tx, &counts, followUp, time.UnixMilli(3)); err != nil {
					return err
				}
				return counts.Flush(tx)
			})
			for i, want := range c.are {
				if got := stored(t, d, followUp*10+int64(i)); got != want {
					t.Errorf("follow-up %d, attempt %d is %s, want %s", followUp, i+1, got, want)
				}
			}
		}
	})
}

func TestAnOldSenderCantSayThatNothingWentOut(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		a := Attempt{ID: 1, Channel: "sms", AddressKey: []byte{1}, State: Intended, Epoch: 1, IntendedAt: time.UnixMilli(1)}
		var counts tally.Batch
		write(t, d, func(tx *db.Tx) error { return Intend(tx, nil, &counts, []Attempt{a}) })
		newer := a
		newer.Epoch = 2
		write(t, d, func(tx *db.Tx) error { return Resend(tx, []Attempt{newer}, time.UnixMilli(2)) })
		for _, to := range []State{Withheld, Rejected} {
			old := a
			write(t, d, func(tx *db.Tx) error {
				stands, err := Apply(tx, &counts, []Change{{Attempt: &old, To: to, At: time.UnixMilli(3)}})
				if err == nil && stands[0] {
					err = fmt.Errorf("the sleeper made it %s", to)
				}
				return err
			})
		}
		if s := stored(t, d, 1); s != Intended {
			t.Fatalf("the attempt is %s", s)
		}
	})
}

func TestAllowancesComeBackAsTheyWere(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		n := 0
		rapid.Check(t, func(rt *rapid.T) {
			n++
			person, point := fmt.Sprint("c:", n), fmt.Sprint("p:", n)
			now := time.UnixMilli(1_700_000_000_000).UTC()
			contacts := rapid.IntRange(1, 8).Draw(rt, "contacts")
			given := rapid.IntRange(0, contacts).Draw(rt, "given back")
			write(t, d, func(tx *db.Tx) error {
				rows, err := LockAllowances(tx, []string{point, person, point})
				if err != nil {
					return err
				}
				for i := range contacts {
					rows.Reserve(policy.Counted{At: now, Purpose: "survey", Kind: policy.Message, FollowUp: int64(i), Attempt: int64(i + 1)}, person, point)
				}
				return rows.Save(tx, now)
			})
			write(t, d, func(tx *db.Tx) error {
				rows, err := LockAllowances(tx, []string{person, point})
				if err != nil {
					return err
				}
				for i := range given {
					rows.Release(int64(i+1), person, point)
				}
				return rows.Save(tx, now)
			})
			write(t, d, func(tx *db.Tx) error {
				rows, err := LockAllowances(tx, []string{person, point})
				if err != nil {
					return err
				}
				if got := len(rows.Counted(person, point)); got != contacts-given {
					return fmt.Errorf("%d contacts counted, want %d", got, contacts-given)
				}
				return nil
			})
		})
	})
}

func TestAKeyNamesItsAttemptAndCantBeMadeUp(t *testing.T) {
	keys := crypt.FromSeed([]byte("a"))
	rapid.Check(t, func(rt *rapid.T) {
		id := rapid.Int64Min(0).Draw(rt, "id")
		key := Key(keys, id)
		if got, err := ParseKey(keys, key); err != nil || got != id {
			rt.Fatalf("%d came back as %d, %v", id, got, err)
		}
		at := rapid.IntRange(0, len(key)-2).Draw(rt, "letter") // the last letter has bits to spare
		forged := []byte(key)
		forged[at] = "abcdefghijklmnopqrstuvwxyz234567"[(int(forged[at])+rapid.IntRange(1, 31).Draw(rt, "by"))%32]
		if string(forged) == key {
			return
		}
		if _, err := ParseKey(keys, string(forged)); err == nil {
			rt.Fatalf("%s passes for %s", forged, key)
		}
	})
	if _, err := ParseKey(crypt.FromSeed([]byte("b")), Key(keys, 1)); err == nil {
		t.Fatal("a key of another house passes")
	}
}

func FuzzParseKey(f *testing.F) {
	keys := crypt.FromSeed([]byte("a"))
	f.Add(Key(keys, 1))
	f.Add("")
	f.Fuzz(func(t *testing.T, key string) {
		if id, err := ParseKey(keys, key); err == nil && Key(keys, id)[:25] != key[:25] {
			t.Fatalf("%q passes for %d", key, id)
		}
	})
}

func write(t *testing.T, d *db.DB, fn func(*db.Tx) error) {
	t.Helper()
	if err := d.Write(t.Context(), db.Outcome, "test", fn); err != nil {
		t.Fatal(err)
	}
}

func stored(t *testing.T, d *db.DB, id int64) (s State) {
	t.Helper()
	write(t, d, func(tx *db.Tx) error {
		a, err := Lock(tx, id)
		s = a.State
		return err
	})
	return s
}
