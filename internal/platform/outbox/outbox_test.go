package outbox_test

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"github.com/huiyin/huiyin/internal/platform/clock"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/crypt"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/db/dbtest"
	"github.com/huiyin/huiyin/internal/platform/errs"
	"github.com/huiyin/huiyin/internal/platform/ids"
	"github.com/huiyin/huiyin/internal/platform/outbox"
)

var start = time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)

// desk is an outbox with a clock of its own.
type desk struct {
	t   *testing.T
	db  *db.DB
	ids *ids.Source
	now time.Time
}

func newDesk(t *testing.T, d *db.DB) *desk {
	return &desk{t: t, db: d, ids: ids.New(clock.NewVirtual(start), 1, bytes.NewReader(make([]byte, 1<<12))), now: start}
}

func (d *desk) write(fn func(tx *db.Tx) error) error {
	d.t.Helper()
	return d.db.Write(context.Background(), db.Outcome, "test", fn)
}

func (d *desk) must(fn func(tx *db.Tx) error) {
	d.t.Helper()
	if err := d.write(fn); err != nil {
		d.t.Fatal(err)
	}
}

func (d *desk) endpoint(name string, kinds ...outbox.Kind) (e outbox.Endpoint) {
	d.t.Helper()
	d.must(func(tx *db.Tx) (err error) {
		e, err = outbox.Create(tx, d.ids, outbox.Endpoint{Name: name, URL: "https://wallet.example/" + name, Kinds: kinds}, d.now)
		return err
	})
	return e
}

func (d *desk) tell(kinds ...outbox.Kind) {
	d.t.Helper()
	d.must(func(tx *db.Tx) error {
		var all []outbox.Notice
		for _, k := range kinds {
			all = append(all, outbox.Notice{Kind: k, Customer: 7, At: d.now, Data: map[string]any{"channel": "sms"}})
		}
		return outbox.Tell(tx, all...)
	})
}

func (d *desk) share() {
	d.t.Helper()
	d.must(func(tx *db.Tx) error {
		all, err := outbox.Endpoints(tx)
		if err != nil {
			return err
		}
		_, err = outbox.Share(tx, all, d.now, 100)
		return err
	})
}

func (d *desk) claim(e outbox.Endpoint) (got []outbox.Delivery) {
	d.t.Helper()
	d.must(func(tx *db.Tx) (err error) {
		got, err = outbox.Claim(tx, e.ID, d.now, time.Minute, 100)
		return err
	})
	return got
}

func (d *desk) log(e outbox.Endpoint) (all []outbox.Delivery) {
	d.t.Helper()
	if err := d.db.Read(context.Background(), func(tx *db.Tx) (err error) {
		all, err = outbox.Log(tx, e.ID, 0, "", 100)
		return err
	}); err != nil {
		d.t.Fatal(err)
	}
	return all
}

func kindsOf(all []outbox.Delivery) string {
	var words []string
	for _, d := range all {
		words = append(words, string(d.Kind))
	}
	return strings.Join(words, " ")
}

func TestANoticeGoesToEveryEndpointThatWantsItsKindAndOthersAreNotKept(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, data *db.DB) {
		d := newDesk(t, data)
		d.tell(outbox.RewardDue) // nobody listens yet
		some := d.endpoint("some", outbox.RewardDue, outbox.CustomerErased)
		d.tell(outbox.RewardDue, outbox.FollowUpEnded, outbox.RewardDue)
		all := d.endpoint("all")
		d.tell(outbox.FollowUpEnded)
		d.share()
		if got := kindsOf(d.claim(some)); got != "reward.due reward.due" {
			t.Errorf("the endpoint that wants rewards was given %q", got)
		}
		// What some endpoint wanted before this one was there is shared with it too: it had not been sent yet.
		if got := kindsOf(d.claim(all)); got != "reward.due reward.due follow-up.ended" {
			t.Errorf("the endpoint that wants all was given %q", got)
		}
		if got := d.claim(some); len(got) != 0 {
			t.Errorf("%d deliveries were claimed twice", len(got))
		}
	})
}

func TestANoticeIsKeptOnlyIfWhatItTellsIsCommitted(t *testing.T) {
	d := newDesk(t, dbtest.Memory(t, db.Options{}))
	e := d.endpoint("wallet")
	failed := errs.New(errs.Conflict, codes.Conflict, "the rest of the transaction failed")
	if err := d.write(func(tx *db.Tx) error {
		if err := outbox.Tell(tx, outbox.Notice{Kind: outbox.RewardDue, At: start}); err != nil {
			return err
		}
		return failed
	}); err == nil {
		t.Fatal("the transaction was to fail")
	}
	d.share()
	if got := d.claim(e); len(got) != 0 {
		t.Fatalf("%d notices were told of what never happened", len(got))
	}
}

func TestALeaseThatRanOutGivesTheDeliveryToAnotherAndTheFenceKeepsTheFirstOut(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, data *db.DB) {
		d := newDesk(t, data)
		e := d.endpoint("wallet")
		d.tell(outbox.RewardDue)
		d.share()
		first := d.claim(e)[0]
		d.now = d.now.Add(61 * time.Second)
		second := d.claim(e)[0]
		if first.ID != second.ID || first.Notice != second.Notice {
			t.Fatalf("another delivery came: %d, then %d", first.ID, second.ID)
		}
		conclude := func(x outbox.Delivery, to outbox.State) (held bool) {
			d.must(func(tx *db.Tx) (err error) {
				held, err = outbox.Conclude(tx, x, outbox.Try{At: d.now, Status: 200, Answer: "ok\x00\xff" + strings.Repeat("a", 600)}, to, d.now, d.now)
				return err
			})
			return held
		}
		if conclude(first, outbox.Dead) {
			t.Error("the sender whose lease ran out changed the delivery")
		}
		if !conclude(second, outbox.Delivered) {
			t.Error("the sender that holds the fence changed nothing")
		}
		got := d.log(e)[0]
		if got.State != outbox.Delivered || got.Tries != 1 {
			t.Errorf("it is %s after %d tries", got.State, got.Tries)
		}
		d.must(func(tx *db.Tx) error {
			tries, err := outbox.Tries(tx, []int64{first.ID})
			if len(tries[first.ID]) != 2 || len(tries[first.ID][0].Answer) != 498 {
				t.Errorf("kept %d tries, the first with %d bytes of answer", len(tries[first.ID]), len(tries[first.ID][0].Answer))
			}
			return err
		})
	})
}

func TestSendingAgainSinceAMomentTakesWhatCameWhileDisabledAndLeavesWhatWaits(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, data *db.DB) {
		d := newDesk(t, data)
		e := d.endpoint("wallet", outbox.RewardDue, outbox.FollowUpEnded)
		d.tell(outbox.RewardDue)
		d.share()
		one := d.claim(e)[0]
		d.must(func(tx *db.Tx) error {
			_, err := outbox.Conclude(tx, one, outbox.Try{At: d.now, Status: 200}, outbox.Delivered, d.now, d.now)
			return err
		})
		d.must(func(tx *db.Tx) error { _, err := outbox.Disable(tx, "wallet", codes.EndpointDisabled); return err })
		d.now = d.now.Add(time.Hour)
		since := d.now
		d.tell(outbox.FollowUpEnded)
		d.share()
		d.must(func(tx *db.Tx) error { _, err := outbox.Enable(tx, "wallet"); return err })
		if got := d.claim(e); len(got) != 0 {
			t.Fatalf("a disabled endpoint was given %s", kindsOf(got))
		}
		again := func(since time.Time, onlyDead bool) (n int64) {
			d.must(func(tx *db.Tx) (err error) {
				_, n, err = outbox.AgainSince(tx, e, since, onlyDead, d.now, 0, 100)
				return err
			})
			return n
		}
		if n := again(since, true); n != 1 {
			t.Errorf("%d deliveries wait, want the one that came while it was disabled", n)
		}
		if n := again(start, true); n != 0 {
			t.Errorf("%d deliveries wait anew, and none is dead", n)
		}
		if n := again(start, false); n != 1 {
			t.Errorf("%d deliveries wait anew, want the one that was delivered", n)
		}
		if got := kindsOf(d.claim(e)); got != "follow-up.ended reward.due" && got != "reward.due follow-up.ended" {
			t.Errorf("sent again: %s", got)
		}
	})
}

func TestWhatIsOldIsForgottenAndAnErasedCustomerIsToldOfNoMore(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, data *db.DB) {
		d := newDesk(t, data)
		e := d.endpoint("wallet")
		d.tell(outbox.RewardDue)
		d.now = d.now.Add(24 * time.Hour)
		d.tell(outbox.RewardDue, outbox.CustomerErased)
		d.share()
		d.must(func(tx *db.Tx) error {
			n, err := outbox.Forget(tx, start.Add(time.Hour), 100)
			if n != 1 {
				t.Errorf("forgot %d notices, want the old one", n)
			}
			return err
		})
		d.must(func(tx *db.Tx) error { return outbox.Erase(tx, 7) })
		if got := kindsOf(d.log(e)); got != "customer.erased" {
			t.Errorf("left: %q", got)
		}
	})
}

func TestAnEndpointThatCannotBeIsRefusedWithWhatToDo(t *testing.T) {
	d := newDesk(t, dbtest.Memory(t, db.Options{}))
	d.endpoint("there")
	cases := []struct {
		name string
		e    outbox.Endpoint
		want string
	}{
		{"no name", outbox.Endpoint{URL: "https://a.example"}, "no name for an endpoint"},
		{"a name with capitals", outbox.Endpoint{Name: "Wallet", URL: "https://a.example"}, "no name for an endpoint"},
		{"another scheme", outbox.Endpoint{Name: "a", URL: "ftp://a.example"}, "none that can be posted to"},
		{"no host", outbox.Endpoint{Name: "a", URL: "https:///x"}, "none that can be posted to"},
		{"a login", outbox.Endpoint{Name: "a", URL: "https://user:pass@a.example"}, "no login"},
		{"a fragment", outbox.Endpoint{Name: "a", URL: "https://a.example/#x"}, "no #"},
		{"an unknown kind", outbox.Endpoint{Name: "a", URL: "https://a.example", Kinds: []outbox.Kind{"reward"}}, "no kind"},
		{"a name that is taken", outbox.Endpoint{Name: "there", URL: "https://a.example"}, "already"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			err := d.write(func(tx *db.Tx) error { _, err := outbox.Create(tx, d.ids, c.e, start); return err })
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestRotatingLetsBothSecretsSignForAWhileTheNewestFirst(t *testing.T) {
	d := newDesk(t, dbtest.Memory(t, db.Options{}))
	keys := crypt.FromSeed([]byte("a seed for the tests of this package"))
	e := d.endpoint("wallet")
	old := e.Keys(keys, start)
	d.must(func(tx *db.Tx) (err error) { e, err = outbox.Rotate(tx, "wallet", time.Hour, start); return err })
	both := e.Keys(keys, start.Add(59*time.Minute))
	if len(both) != 2 || !bytes.Equal(both[1], old[0]) || bytes.Equal(both[0], old[0]) {
		t.Fatalf("%d keys while both are valid", len(both))
	}
	if after := e.Keys(keys, start.Add(time.Hour)); len(after) != 1 || !bytes.Equal(after[0], both[0]) {
		t.Errorf("%d keys after the overlap", len(after))
	}
	d.must(func(tx *db.Tx) (err error) { e, err = outbox.Rotate(tx, "wallet", 0, start); return err })
	if now := e.Keys(keys, start); len(now) != 1 || bytes.Equal(now[0], both[0]) {
		t.Errorf("a secret known to others signs on: %d keys", len(now))
	}
}

// What a transaction pays while no endpoint is there: one question.
func BenchmarkTellWithoutEndpoints(b *testing.B) {
	d := dbtest.SQLite(b, db.Options{})
	notices := make([]outbox.Notice, 256)
	for i := range notices {
		notices[i] = outbox.Notice{Kind: outbox.FollowUpEnded, FollowUp: int64(i), At: start, Data: map[string]any{"state": "answered"}}
	}
	err := d.Write(context.Background(), db.Outcome, "bench", func(tx *db.Tx) error {
		for b.Loop() {
			if err := outbox.Tell(tx, notices...); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
}
