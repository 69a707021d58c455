package customer

import (
	"bytes"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

const paid = "wallet.payment.succeeded"

var now = time.Date(2026, 11, 22, 9, 30, 0, 0, time.UTC)

// told is one observation, kept plainly: the other way of counting.
type told struct {
	seq     int64
	at      time.Time
	amounts []Amount
}

func drawTold(rt *rapid.T, most int) []told {
	list := make([]told, rapid.IntRange(0, most).Draw(rt, "n"))
	for i := range list {
		// From further back than facts reach to a little ahead of now.
		ago := rapid.Int64Range(-24*60, 450*24*60).Draw(rt, "minutes ago")
		list[i] = told{seq: int64(i + 1), at: now.Add(-time.Duration(ago) * time.Minute)}
		for range rapid.IntRange(0, 2).Draw(rt, "amounts") {
			list[i].amounts = append(list[i].amounts, Amount{
				Field:    rapid.SampledFrom([]string{"amount_minor", "points"}).Draw(rt, "field"),
				Currency: rapid.SampledFrom([]string{"", "CNY", "USD"}).Draw(rt, "currency"),
				N:        rapid.Int64Range(-100, 1_000_000).Draw(rt, "amount"),
			})
		}
	}
	return list
}

func observeAll(list []told) *Facts {
	f := NewFacts()
	for _, o := range list {
		f.Observe(paid, o.seq, o.at, o.amounts)
	}
	return f
}

func dayOf(t time.Time) time.Time { return t.UTC().Truncate(24 * time.Hour) }

// plainly counts by going through all there is.
func plainly(list []told, days int, name string) (count, sum int64) {
	newest := time.Time{}
	for _, o := range list {
		if dayOf(o.at).After(newest) {
			newest = dayOf(o.at)
		}
	}
	for _, o := range list {
		day := dayOf(o.at)
		if day.After(dayOf(now)) || !day.After(dayOf(now).AddDate(0, 0, -days)) || !day.After(newest.AddDate(0, 0, -FactDays)) {
			continue
		}
		count++
		for _, a := range o.amounts {
			if a.Field+":"+a.Currency == name || a.Currency == "" && a.Field == name {
				sum += a.N
			}
		}
	}
	return count, sum
}

func TestFactsCountAsPlainCountingDoes(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		list := drawTold(rt, 40)
		f := observeAll(list)
		if f.Total(paid) != int64(len(list)) {
			rt.Fatalf("total %d of %d", f.Total(paid), len(list))
		}
		for _, window := range []struct {
			text string
			days int
		}{{"1d", 1}, {"7d", 7}, {"30d", 30}, {"400d", 400}} {
			for _, name := range []string{"amount_minor:CNY", "points:USD"} {
				count, sum := plainly(list, window.days, name)
				if got := f.Count(paid, window.text, now); got != count {
					rt.Fatalf("%s: counted %d, plainly %d", window.text, got, count)
				}
				if got := f.Sum(paid, name, window.text, now); got != sum {
					rt.Fatalf("%s of %s: summed %d, plainly %d", window.text, name, got, sum)
				}
			}
		}
	})
}

func TestFactsAreTheSameInWhateverOrderEventsCome(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		list := drawTold(rt, 30)
		mixed := rapid.Permutation(list).Draw(rt, "order")
		one, other := observeAll(list), observeAll(mixed)
		if len(list) > 0 && !bytes.Equal(one.get(paid).encode(), other.get(paid).encode()) {
			rt.Fatalf("%+v\nbut in another order\n%+v", one.get(paid), other.get(paid))
		}
	})
}

func TestAFactReadsBackAsItWasWritten(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		list := append(drawTold(rt, 30), told{seq: 99, at: now})
		f := observeAll(list).get(paid)
		back, err := decodeFact(f.encode())
		if err != nil {
			rt.Fatal(err)
		}
		if !bytes.Equal(back.encode(), f.encode()) || len(back.recent) != min(len(list), recentMax) {
			rt.Fatalf("wrote %+v, read %+v", f, back)
		}
	})
}

func TestTheNewestEventsAreRememberedByTheirOwnTime(t *testing.T) {
	f := NewFacts()
	for i := range 12 {
		hours := []int{5, 1, 9, 3, 7, 2, 11, 4, 10, 6, 8, 0}[i]
		f.Observe(paid, int64(i), now.Add(-time.Duration(hours)*time.Hour), nil)
	}
	var hours []int
	for _, s := range f.Recent(paid) {
		hours = append(hours, int(now.Sub(s.At).Hours()))
	}
	if diff := cmp.Diff([]int{0, 1, 2, 3, 4, 5, 6, 7}, hours); diff != "" {
		t.Error(diff)
	}
	if !f.Last(paid).Equal(now) || f.DaysSince(paid, now.Add(50*time.Hour)) != 2 || f.DaysSince(paid, now.Add(-time.Hour)) != 0 {
		t.Errorf("last %s", f.Last(paid))
	}
}

func TestWhatNeverHappened(t *testing.T) {
	for _, f := range []*Facts{nil, NewFacts()} {
		if f.DaysSince(paid, now) != NeverDays || f.Count(paid, "90d", now) != 0 || f.Sum(paid, "amount_minor", "90d", now) != 0 ||
			f.Total(paid) != 0 || !f.Last(paid).IsZero() || f.Recent(paid) != nil {
			t.Error("something is known of what never happened")
		}
	}
}

func TestSumsOfDifferentCurrenciesNeverMix(t *testing.T) {
	f := NewFacts()
	for i, a := range []Amount{{"amount_minor", "USD", 7}, {"amount_minor", "CNY", 100}, {"amount_minor", "CNY", 20}} {
		f.Observe(paid, int64(i), now, []Amount{a})
	}
	for field, want := range map[string]int64{"amount_minor": 120, "amount_minor:USD": 7, "amount_minor:EUR": 0, "amount": 0} {
		if got := f.Sum(paid, field, "1d", now); got != want {
			t.Errorf("%s: %d, want %d", field, got, want)
		}
	}
}

func TestAWindowIsWholeDays(t *testing.T) {
	for text, want := range map[string]int{"1d": 1, "90d": 90, "400d": 400, "": 0, "d": 0, "0d": 0, "-3d": 0, "+3d": 0, "401d": 0, "24h": 0, "3": 0, "1.5d": 0, "99999999999999999999d": 0} {
		days, err := ParseWindow(text)
		if days != want || (err == nil) != (want > 0) {
			t.Errorf("%q: %d %v", text, days, err)
		}
	}
}

func FuzzDecodeFact(f *testing.F) {
	full := observeAll([]told{{1, now, []Amount{{"amount_minor", "CNY", 5}}}, {2, now.AddDate(0, 0, -3), nil}}).get(paid).encode()
	f.Add(full)
	f.Add(full[:len(full)-1])
	f.Add([]byte{factVersion, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01})
	f.Fuzz(func(t *testing.T, b []byte) {
		fact, err := decodeFact(b)
		if err != nil {
			return
		}
		again, err := decodeFact(fact.encode())
		if err != nil || !bytes.Equal(again.encode(), fact.encode()) {
			t.Fatalf("%x decodes to %+v, which doesn't read back: %v", b, fact, err)
		}
		fact.observe(1, now.UnixMilli(), []Amount{{"amount_minor", "CNY", 5}}) // a row that decodes can be gone on with
	})
}

func BenchmarkFactDecodeObserveEncode(b *testing.B) {
	var list []told
	for i := range 60 { // a customer who pays on most days of two months
		list = append(list, told{int64(i), now.AddDate(0, 0, -i), []Amount{{"amount_minor", "CNY", 12345}}})
	}
	raw := observeAll(list).get(paid).encode()
	b.ReportMetric(float64(len(raw)), "bytes/fact")
	b.ReportAllocs()
	for b.Loop() {
		f, err := decodeFact(raw)
		if err != nil {
			b.Fatal(err)
		}
		f.observe(99, now.UnixMilli(), list[0].amounts)
		if len(f.encode()) == 0 {
			b.Fatal("empty")
		}
	}
}
