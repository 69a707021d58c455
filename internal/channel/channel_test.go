package channel

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/errs"
)

type plain struct{ abilities Abilities }

func (p plain) Abilities() Abilities                            { return p.abilities }
func (p plain) Send(context.Context, Message, LastLook) Outcome { return Outcome{} }

type asking struct{ plain }

func (asking) LookUp(context.Context, string, string) Outcome { return Outcome{} }

func TestAnOutcomeNobodyFilledInIsUnknown(t *testing.T) {
	if (Outcome{}).Result != Unknown {
		t.Errorf("it is %v", (Outcome{}).Result)
	}
}

func TestTheRegistryTakesOnlyWhatItsAbilitiesPromise(t *testing.T) {
	good := Abilities{InFlight: 1, SendTimeout: time.Second}
	with := func(change func(*Abilities)) Abilities {
		a := good
		change(&a)
		return a
	}
	for name, test := range map[string]struct {
		name    string
		channel Channel
		taken   bool
	}{
		"a plain channel":               {"email", plain{good}, true},
		"look-up that is there":         {"sms", asking{plain{with(func(a *Abilities) { a.LookUp = true })}}, true},
		"look-up that is missing":       {"sms", plain{with(func(a *Abilities) { a.LookUp = true })}, false},
		"receipts that nobody can read": {"sms", plain{with(func(a *Abilities) { a.Receipts = true })}, false},
		"nothing in flight":             {"sms", plain{with(func(a *Abilities) { a.InFlight = 0 })}, false},
		"no time-out":                   {"sms", plain{with(func(a *Abilities) { a.SendTimeout = 0 })}, false},
		"no name":                       {"", plain{good}, false},
		"no channel":                    {"sms", nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			r := NewRegistry()
			err := r.Register(test.name, test.channel)
			_, there := r.Get(test.name)
			if (err == nil) != test.taken || there != test.taken {
				t.Errorf("%v, there: %v", err, there)
			}
		})
	}
}

func TestTheRegistryNamesItsChannelsInOrder(t *testing.T) {
	r := NewRegistry()
	for _, name := range []string{"sms", "email", "push", "email"} {
		if err := r.Register(name, plain{Abilities{InFlight: 1, SendTimeout: time.Second}}); err != nil {
			t.Fatal(err)
		}
	}
	if got := strings.Join(r.Names(), " "); got != "email push sms" {
		t.Error(got)
	}
}

func TestALastLooksReasonIsKept(t *testing.T) {
	if o := Held(errs.New(errs.Conflict, string(codes.Refused), "no")); o.Result != Withheld || o.Reason != codes.Refused {
		t.Errorf("%+v", o)
	}
	for _, err := range []error{errors.New("no"), errs.New(errs.Conflict, "not-in-the-registry", "no")} {
		if o := Held(err); o.Result != Withheld || o.Reason != codes.LastLookRefused {
			t.Errorf("%+v", o)
		}
	}
}

func TestWhatMayBeTriedAgainAlwaysSaysWhen(t *testing.T) {
	for _, after := range []time.Duration{-time.Hour, 0, time.Second, time.Hour, 1000 * time.Hour} {
		if o := Later(codes.ProviderBusy, after, ""); o.RetryAfter < time.Second || o.RetryAfter > RetryAfterMost {
			t.Errorf("%v becomes %v", after, o.RetryAfter)
		}
	}
}

func TestAProvidersWordsAreMadeFitToBeKept(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		address := rapid.StringMatching(`[a-z]{3,8}@[a-z]{3,8}\.com`).Draw(t, "address")
		words := rapid.String().Draw(t, "before") + address + rapid.String().Draw(t, "after") + strings.Repeat("长", rapid.IntRange(0, 200).Draw(t, "more"))
		got := Detail(words, address)
		if strings.Contains(got, address) || strings.ContainsAny(got, "\r\n\x00") || !utf8.ValidString(got) || len(got) > DetailLimitBytes+len("…") {
			t.Fatalf("%q becomes %q", words, got)
		}
	})
}
