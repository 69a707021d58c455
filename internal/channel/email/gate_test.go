package email

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/huiyin/huiyin/internal/channel"
	"github.com/huiyin/huiyin/internal/platform/clock"
	"github.com/huiyin/huiyin/test/fake/mailsink"
)

func TestNoMoreAtOnceGoToOneDomainThanItsProviderAllows(t *testing.T) {
	g := newGate(clock.System{}, 0, 2)
	var now, most atomic.Int64
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			leave, err := g.enter(t.Context(), fmt.Sprintf("u%d@Example.com", i))
			if err != nil {
				t.Error(err)
				return
			}
			n := now.Add(1)
			for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
			}
			time.Sleep(time.Millisecond)
			now.Add(-1)
			leave()
		})
	}
	all.Wait()
	if most.Load() != 2 || len(g.domains) != 0 {
		t.Errorf("%d at once, %d domains left over", most.Load(), len(g.domains))
	}
}

func TestADomainThatIsFullHoldsUpNoOther(t *testing.T) {
	g := newGate(clock.System{}, 0, 1)
	leave, err := g.enter(t.Context(), "a@slow.example")
	if err != nil {
		t.Fatal(err)
	}
	other, err := g.enter(t.Context(), "a@fast.example")
	if err != nil {
		t.Fatal(err)
	}
	other()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := g.enter(ctx, "b@slow.example"); err == nil {
		t.Error("two at once to a domain that takes one")
	}
	leave()
	if again, err := g.enter(t.Context(), "b@slow.example"); err != nil {
		t.Error(err)
	} else {
		again()
	}
}

func TestMessagesComeNoFasterThanTheProviderAllows(t *testing.T) {
	c := clock.NewVirtual(someDay)
	g := newGate(c, 600, 0)
	var waits []time.Duration
	turn := func() (at time.Time) {
		at, wait, ok := g.turn(t.Context())
		if !ok {
			t.Error("no turn without a deadline")
		}
		waits = append(waits, wait)
		return at
	}
	turn()
	second := turn()
	turn()
	g.giveBack(second)
	turn() // takes the second's
	c.Advance(time.Second)
	turn()
	if fmt.Sprint(waits) != "[0s 100ms 200ms 100ms 0s]" {
		t.Errorf("the waits are %v", waits)
	}
}

func TestUnderLoadMessagesGoOnAtTheRateOfTheProvider(t *testing.T) {
	const every, timeout, lasting = 100 * time.Millisecond, 500 * time.Millisecond, 2 * time.Second
	g := newGate(clock.System{}, int(time.Minute/every), 0)
	ctx, cancel := context.WithTimeout(t.Context(), lasting)
	defer cancel()
	var sent, late atomic.Int64
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for ctx.Err() == nil {
				sending, done := context.WithTimeout(t.Context(), timeout)
				if leave, err := g.enter(sending, "a@example.com"); err == nil {
					if clock.Sleep(sending, timeout/5) && ctx.Err() == nil { // the server takes its time
						sent.Add(1)
					}
					leave()
				} else {
					late.Add(1)
					clock.Sleep(ctx, every)
				}
				done()
			}
		})
	}
	all.Wait()
	if most := int64(lasting/every) + 1; sent.Load() < most/2 || sent.Load() > most || late.Load() == 0 {
		t.Errorf("%d were sent in %v, %d had no turn; one each %v may be", sent.Load(), lasting, late.Load(), every)
	}
}

func TestATurnWhoseOwnerGoesIsAnothers(t *testing.T) {
	g := newGate(clock.System{}, 6, 0) // one each ten seconds
	if _, err := g.enter(t.Context(), "a@example.com"); err != nil {
		t.Fatal(err)
	}
	next := g.next
	for range 3 {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		if _, err := g.enter(ctx, "a@example.com"); err == nil {
			t.Error("a turn before its time")
		}
		cancel()
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := g.enter(gone, "a@example.com"); err == nil {
			t.Error("a turn for one who had gone")
		}
	}
	if at, _, ok := g.turn(t.Context()); !ok || !at.Equal(next) {
		t.Errorf("the next turn is at %v, not %v", at, next)
	}
}

func TestEachMessageHasAReturnPathOfItsOwn(t *testing.T) {
	c, sink := connect(t, mailsink.Options{}, Settings{ReturnPath: "bounces@wallet.example"})
	if o := c.Send(t.Context(), letterTo("ann@example.com"), yes); o.Result != channel.OK {
		t.Fatalf("%+v", o)
	}
	seen, err := sink.Seen()
	if err != nil || len(seen) != 1 {
		t.Fatalf("%d, %v", len(seen), err)
	}
	if got := c.returnPath("k-1"); got != "bounces+k-1@wallet.example" {
		t.Errorf("the return path is %s", got)
	}
	for _, bad := range []string{"bounces", "a+b@wallet.example", strings.Repeat("a", 31) + "@wallet.example", "a b@wallet.example"} {
		if _, err := New(Settings{Server: "127.0.0.1:25", From: "care@wallet.example", ReturnPath: bad}, clock.System{}); err == nil {
			t.Errorf("the return path %q was taken", bad)
		}
	}
}

// A mail says nothing back when it is opened: its HTML is the template's, and nothing is put into it.
func TestNoPixelIsPutIntoAMail(t *testing.T) {
	c := plainChannel(t)
	m := letterTo("ann@example.com")
	m.HTML = "<p>Please tell us.</p><p><a href=\"https://wallet.example/q/abc\">Answer</a></p>"
	m.Unsubscribe = "https://wallet.example/u/abc"
	var l letter
	if err := c.compose(&l, &m); err != nil {
		t.Fatal(err)
	}
	text := l.wire.String()
	if !strings.Contains(text, "Please tell us.") {
		t.Fatalf("the HTML is not readable here: %s", text)
	}
	for _, bad := range []string{"<img", "background", "url(", "<link", "<iframe", "<object", "<script", "Disposition-Notification-To", "Return-Receipt-To"} {
		if strings.Contains(strings.ToLower(text), strings.ToLower(bad)) {
			t.Errorf("the mail holds %s: %s", bad, text)
		}
	}
	for _, want := range []string{"List-Unsubscribe: <https://wallet.example/u/abc>", "List-Unsubscribe-Post: List-Unsubscribe=One-Click"} {
		if !strings.Contains(text, want) {
			t.Errorf("the mail lacks %s", want)
		}
	}
}
