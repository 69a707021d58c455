package channeltest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/huiyin/huiyin/internal/channel"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/errs"
)

const (
	sendTimeout = 400 * time.Millisecond
	// slack is what a busy machine may add to a time-out.
	slack    = 3 * time.Second
	inFlight = 4
	patience = 10 * time.Second
)

// Mode is how the fake provider treats messages.
type Mode string

// The modes that a rig's provider must know.
const (
	Accept       Mode = "accept"
	Refuse       Mode = "refuse"         // for good
	Busy         Mode = "busy"           // for now
	TakeThenHang Mode = "take-then-hang" // taken, never answered
	TakeThenDrop Mode = "take-then-drop" // taken, connection closed without an answer
	TakeThenFail Mode = "take-then-fail" // taken, answered with something that makes no sense
	Hang         Mode = "hang"           // not taken, never answered
	Drop         Mode = "drop"           // not taken, connection closed without an answer
)

// Settings are what the suite asks of the channel under test.
type Settings struct {
	InFlight    int
	SendTimeout time.Duration
}

// Line is one message in the provider's wire log.
type Line struct {
	Key   string
	Taken bool
}

// Rig is a channel and the provider it is connected to.
type Rig struct {
	Channel channel.Channel
	Message channel.Message // a good one; the suite sets its key
	Force   func(Mode)      // treats every message from now on in this mode
	Wire    func() []Line   // what the provider has seen, in order
	Stop    func()          // takes the provider away: nothing listens any more
}

// Factory builds a rig and registers its cleaning up with t.
type Factory func(t *testing.T, s Settings) *Rig

// Conformance runs the suite.
func Conformance(t *testing.T, build Factory) {
	suite := []struct {
		name string
		run  func(*testing.T, Factory)
	}{
		{"a message that is accepted arrives once, with its key", acceptedArrivesOnce},
		{"the last look is taken once, before anything is on the wire", lookOnceBeforeWire},
		{"a last look that says no leaves the wire empty", withheldLeavesNothing},
		{"a retry carries the same key", retryCarriesSameKey},
		{"what the provider answers, or doesn't, is told truly", answersAreToldTruly},
		{"a provider that isn't there means that nothing was sent", absentProvider},
		{"a context that has ended sends nothing", endedContext},
		{"a context that ends while the provider is silent ends the send", endedWhileSilent},
		{"a last look that outlasts the time-out sends nothing", lookOutlastsTimeout},
		{"as many sends as declared run at once, and no more", inFlightIsKept},
		{"among many kinds of trouble at once nothing taken is called rejected", troubleAtOnce},
		{"the declared abilities are there", abilitiesAreThere},
	}
	for _, test := range suite {
		t.Run(test.name, func(t *testing.T) { test.run(t, build) })
	}
}

func rigFor(t *testing.T, build Factory) *Rig {
	return build(t, Settings{InFlight: inFlight, SendTimeout: sendTimeout})
}

// send sends one message and checks what holds for every send.
func (r *Rig) send(t *testing.T, ctx context.Context, key string, look channel.LastLook) channel.Outcome {
	t.Helper()
	m := r.Message
	m.Key = key
	began := time.Now()
	outcome := r.Channel.Send(ctx, m, look)
	if took := time.Since(began); took > sendTimeout+slack {
		t.Errorf("%s: Send took %v; its time-out is %v", key, took, sendTimeout)
	}
	if outcome.Reason == "" || !codes.Known(string(outcome.Reason)) {
		t.Errorf("%s: the reason %q is not in the registry", key, outcome.Reason)
	}
	if outcome.Result != channel.Rejected && outcome.RetryAfter != 0 {
		t.Errorf("%s: %v, yet with a time to retry (%v)", key, outcome.Result, outcome.RetryAfter)
	}
	return outcome
}

// seen counts the lines of a key.
func (r *Rig) seen(key string) (lines, taken int) {
	for _, line := range r.Wire() {
		if line.Key == key {
			lines++
			if line.Taken {
				taken++
			}
		}
	}
	return lines, taken
}

func yes(context.Context) error { return nil }

func acceptedArrivesOnce(t *testing.T, build Factory) {
	r := rigFor(t, build)
	for n := range 3 { // the later ones on a kept connection
		key := fmt.Sprintf("accepted-%d", n)
		outcome := r.send(t, t.Context(), key, yes)
		if outcome.Result != channel.OK {
			t.Fatalf("want ok, got %+v", outcome)
		}
		if lines, taken := r.seen(key); lines != 1 || taken != 1 {
			t.Fatalf("the provider saw %q %d times and took it %d times, want once", key, lines, taken)
		}
	}
}

func lookOnceBeforeWire(t *testing.T, build Factory) {
	r := rigFor(t, build)
	for n := range 3 {
		key := fmt.Sprintf("looked-%d", n)
		looks := 0
		r.send(t, t.Context(), key, func(context.Context) error {
			looks++
			if lines, _ := r.seen(key); lines != 0 {
				t.Errorf("the provider knew of %q before the last look", key)
			}
			return nil
		})
		if looks != 1 {
			t.Errorf("the last look was taken %d times, want once", looks)
		}
	}
}

func withheldLeavesNothing(t *testing.T, build Factory) {
	r := rigFor(t, build)
	refused := errs.New(errs.Conflict, string(codes.Refused), "the customer has refused contact just now")
	for n, no := range []error{refused, errors.New("some other reason"), refused, refused, refused, refused} {
		key := fmt.Sprintf("withheld-%d", n)
		outcome := r.send(t, t.Context(), key, func(context.Context) error { return no })
		if outcome.Result != channel.Withheld {
			t.Errorf("want withheld, got %+v", outcome)
		}
		if errors.Is(no, refused) && outcome.Reason != codes.Refused {
			t.Errorf("the look's reason was lost: %+v", outcome)
		}
	}
	if lines := r.Wire(); len(lines) != 0 {
		t.Errorf("the provider saw %v", lines)
	}
	if outcome := r.send(t, t.Context(), "afterwards", yes); outcome.Result != channel.OK {
		t.Errorf("after messages withheld the channel doesn't work: %+v", outcome)
	}
	if lines := r.Wire(); len(lines) != 1 || lines[0].Key != "afterwards" {
		t.Errorf("want one message on the wire, got %v", lines)
	}
}

func retryCarriesSameKey(t *testing.T, build Factory) {
	r := rigFor(t, build)
	r.Force(TakeThenDrop)
	first := r.send(t, t.Context(), "again", yes)
	if first.Result != channel.Unknown {
		t.Fatalf("want unknown, got %+v", first)
	}
	if lines, _ := r.seen("again"); lines != 1 {
		t.Fatalf("the provider saw the key %d times after one send: the channel sends again of its own accord", lines)
	}
	r.Force(Accept)
	if second := r.send(t, t.Context(), "again", yes); second.Result != channel.OK {
		t.Fatalf("want ok, got %+v", second)
	}
	if lines, _ := r.seen("again"); lines != 2 {
		t.Errorf("the provider saw the key %d times, want twice", lines)
	}
}

// answersAreToldTruly goes through the provider's modes, each on a fresh
// connection and again on a kept one.
func answersAreToldTruly(t *testing.T, build Factory) {
	for _, want := range []struct {
		mode  Mode
		fits  func(channel.Outcome) bool
		words string
	}{
		{Refuse, forGood, "rejected for good"},
		{Busy, forNow, "rejected for now"},
		{TakeThenHang, unknown, "unknown"},
		{TakeThenDrop, unknown, "unknown"},
		{TakeThenFail, unknown, "unknown"},
		{Hang, notOK, "anything but ok"},
		{Drop, notOK, "anything but ok"},
	} {
		for _, kept := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, connection kept: %v", want.mode, kept), func(t *testing.T) {
				r := rigFor(t, build)
				if kept {
					r.send(t, t.Context(), "before", yes)
				}
				r.Force(want.mode)
				if outcome := r.send(t, t.Context(), "troubled", yes); !want.fits(outcome) {
					t.Errorf("want %s, got %+v", want.words, outcome)
				}
				r.Force(Accept)
				if outcome := r.send(t, t.Context(), "after", yes); outcome.Result != channel.OK {
					t.Errorf("afterwards the channel doesn't work: %+v", outcome)
				}
			})
		}
	}
}

func forGood(o channel.Outcome) bool { return o.Result == channel.Rejected && o.RetryAfter == 0 }
func forNow(o channel.Outcome) bool  { return o.Result == channel.Rejected && o.RetryAfter > 0 }
func unknown(o channel.Outcome) bool { return o.Result == channel.Unknown }
func notOK(o channel.Outcome) bool   { return o.Result == channel.Unknown || forNow(o) }

func absentProvider(t *testing.T, build Factory) {
	for _, kept := range []bool{false, true} {
		t.Run(fmt.Sprintf("connection kept: %v", kept), func(t *testing.T) {
			r := rigFor(t, build)
			if kept {
				r.send(t, t.Context(), "before", yes)
			}
			r.Stop()
			looks := 0
			outcome := r.send(t, t.Context(), "absent", func(context.Context) error { looks++; return nil })
			if !forNow(outcome) {
				t.Errorf("want rejected for now, got %+v", outcome)
			}
			if looks != 0 {
				t.Errorf("the last look was taken without a connection in hand")
			}
		})
	}
}

func endedContext(t *testing.T, build Factory) {
	r := rigFor(t, build)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if outcome := r.send(t, ctx, "ended", yes); !forNow(outcome) {
		t.Errorf("want rejected for now, got %+v", outcome)
	}
	if lines := r.Wire(); len(lines) != 0 {
		t.Errorf("the provider saw %v", lines)
	}
}

func endedWhileSilent(t *testing.T, build Factory) {
	r := build(t, Settings{InFlight: inFlight, SendTimeout: time.Minute})
	r.Force(TakeThenHang)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	outcome := make(chan channel.Outcome, 1)
	m := r.Message
	m.Key = "silent"
	go func() { outcome <- r.Channel.Send(ctx, m, yes) }()
	for began := time.Now(); ; time.Sleep(time.Millisecond) {
		if _, taken := r.seen("silent"); taken > 0 {
			break
		}
		if time.Since(began) > patience {
			t.Fatal("the provider never got the message")
		}
	}
	cancel()
	select {
	case o := <-outcome:
		if o.Result != channel.Unknown {
			t.Errorf("want unknown, got %+v", o)
		}
	case <-time.After(patience):
		t.Error("Send goes on though its context has ended")
	}
}

func lookOutlastsTimeout(t *testing.T, build Factory) {
	r := rigFor(t, build)
	outcome := r.send(t, t.Context(), "slow-look", func(ctx context.Context) error {
		<-ctx.Done()
		return nil
	})
	if outcome.Result == channel.OK || outcome.Result == channel.Unknown {
		t.Errorf("want rejected or withheld, got %+v", outcome)
	}
	if lines := r.Wire(); len(lines) != 0 {
		t.Errorf("the provider saw %v", lines)
	}
}

func inFlightIsKept(t *testing.T, build Factory) {
	r := build(t, Settings{InFlight: inFlight, SendTimeout: time.Minute})
	if got := r.Channel.Abilities().InFlight; got != inFlight {
		t.Fatalf("declares %d sends in flight, was asked for %d", got, inFlight)
	}
	var inside, most atomic.Int64
	full := make(chan struct{})
	var once, all sync.WaitGroup
	once.Add(inFlight)
	go func() { once.Wait(); close(full) }()
	for n := range 3 * inFlight {
		all.Go(func() {
			r.send(t, t.Context(), fmt.Sprintf("many-%d", n), func(context.Context) error {
				now := inside.Add(1)
				defer inside.Add(-1)
				for m := most.Load(); now > m && !most.CompareAndSwap(m, now); m = most.Load() {
				}
				select {
				case <-full: // the first ones have met
					return nil
				default:
				}
				once.Done()
				select {
				case <-full:
				case <-time.After(patience):
					t.Errorf("no more than %d sends got to their last look at once", now)
				}
				return nil
			})
		})
	}
	all.Wait()
	if most.Load() != inFlight {
		t.Errorf("%d sends ran at once, declared are %d", most.Load(), inFlight)
	}
	if got := len(r.Wire()); got != 3*inFlight {
		t.Errorf("%d messages arrived, want %d", got, 3*inFlight)
	}
}

// troubleAtOnce changes the provider's mode under many sends and then compares
// what was said of each message with what the provider took.
func troubleAtOnce(t *testing.T, build Factory) {
	const messages = 160
	r := rigFor(t, build)
	modes := []Mode{Accept, TakeThenDrop, Accept, Busy, TakeThenFail, Accept, Refuse, Drop, Accept, TakeThenHang, Hang}
	outcomes := make([]channel.Outcome, messages)
	var all sync.WaitGroup
	for n := range messages {
		if n%4 == 0 {
			r.Force(modes[n/4%len(modes)])
		}
		all.Go(func() {
			look := yes
			if n%7 == 0 {
				look = func(context.Context) error { return errors.New("no") }
			}
			// Waiting for a connection counts as part of the time-out, so a few are cut short: also a case to be told truly.
			outcomes[n] = r.send(t, t.Context(), fmt.Sprintf("trouble-%d", n), look)
		})
		if n == 3 {
			all.Wait() // the first few get through, however busy the machine is
		}
		if n%8 == 7 {
			time.Sleep(5 * time.Millisecond)
		}
	}
	all.Wait()
	count := map[channel.Result]int{}
	for n, outcome := range outcomes {
		count[outcome.Result]++
		_, taken := r.seen(fmt.Sprintf("trouble-%d", n))
		switch outcome.Result {
		case channel.OK:
			if taken != 1 {
				t.Errorf("message %d is called ok and was taken %d times", n, taken)
			}
		case channel.Rejected, channel.Withheld:
			if taken != 0 {
				t.Errorf("message %d was taken, yet is called %+v", n, outcome)
			}
		case channel.Unknown:
			if taken > 1 {
				t.Errorf("message %d was taken %d times", n, taken)
			}
		}
	}
	if count[channel.OK] == 0 || count[channel.Rejected] == 0 || count[channel.Unknown] == 0 {
		t.Errorf("the mixture shows too little: %v", count)
	}
}

func abilitiesAreThere(t *testing.T, build Factory) {
	r := rigFor(t, build)
	if err := channel.NewRegistry().Register("any", r.Channel); err != nil {
		t.Error(err)
	}
}
