package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/huiyin/huiyin/internal/channel"
	"github.com/huiyin/huiyin/internal/contact/attempt"
	"github.com/huiyin/huiyin/internal/decide/policy"
	"github.com/huiyin/huiyin/internal/followup"
	"github.com/huiyin/huiyin/internal/hear/answer"
	"github.com/huiyin/huiyin/internal/people/consent"
	"github.com/huiyin/huiyin/internal/people/customer"
	"github.com/huiyin/huiyin/internal/people/vault"
	"github.com/huiyin/huiyin/internal/people/vault/vaulttest"
	"github.com/huiyin/huiyin/internal/platform/clock"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/crypt"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/db/dbtest"
	"github.com/huiyin/huiyin/internal/platform/ids"
	"github.com/huiyin/huiyin/internal/platform/tally"
	"github.com/huiyin/huiyin/internal/program/program"
)

// dispatchNoon is a Wednesday in Shanghai, well inside every window.
var dispatchNoon = time.Date(2026, 11, 18, 4, 0, 0, 0, time.UTC)

// wire is a channel whose provider does what the test says.
type wire struct {
	can    channel.Abilities
	answer func(m channel.Message) channel.Outcome // after the message arrived
	before func()                                  // between the connection and the last look

	mu   sync.Mutex
	sent []channel.Message
}

func (w *wire) Abilities() channel.Abilities { return w.can }

func (w *wire) Send(ctx context.Context, m channel.Message, look channel.LastLook) channel.Outcome {
	if w.before != nil {
		w.before()
	}
	if err := look(ctx); err != nil {
		return channel.Outcome{Result: channel.Withheld, Detail: err.Error()}
	}
	w.mu.Lock()
	w.sent = append(w.sent, m)
	w.mu.Unlock()
	if w.answer != nil {
		return w.answer(m)
	}
	return channel.Outcome{Result: channel.OK, Ref: "r-" + m.Key}
}

func (w *wire) keys() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []string
	for _, m := range w.sent {
		out = append(out, m.Key)
	}
	return out
}

var (
	keyless = channel.Abilities{InFlight: 8, SendTimeout: 10 * time.Second}
	keyed   = channel.Abilities{InFlight: 8, SendTimeout: 10 * time.Second, Idempotency: 24 * time.Hour}
)

// desk is one dispatcher with its world.
type desk struct {
	t     *testing.T
	db    *db.DB
	vault *vault.Vault
	clock *clock.Virtual
	ids   *ids.Source
	wire  *wire
	d     *Dispatcher
	live  *program.Live
	state string
	rules *policy.Rules
}

func newDesk(t *testing.T, url string, can channel.Abilities) *desk {
	t.Helper()
	c := clock.NewVirtual(dispatchNoon)
	d, err := db.Open(t.Context(), url, db.Options{Clock: c})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	if err := d.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	h := &desk{t: t, db: d, vault: vaulttest.New(t), clock: c, ids: ids.New(c, 1, bytes.NewReader(make([]byte, 1<<20))), wire: &wire{can: can}, state: program.Running}
	h.rules, err = policy.New(policy.Spec{Home: "CN", Packs: []policy.Pack{{
		Name: "test", Country: "CN", Version: "1",
		Rules: []policy.Rule{{ID: "hours", Basis: "house", Channels: []string{"sms"}, Windows: hours(t, "08:00-21:00")}},
	}}, Caps: []policy.CapPolicy{{Name: "test", Purposes: map[string][]policy.Cap{"survey": {{N: 1, Per: 30 * 24 * time.Hour}}}}}})
	if err != nil {
		t.Fatal(err)
	}
	h.live = &program.Live{ID: 7, VersionID: 70, Name: "p", Deadline: 48 * time.Hour, Steps: []program.Step{
		{Channel: "sms", Purpose: policy.Survey, Tries: 1, Wait: time.Hour},
	}}
	h.write(func(tx *db.Tx) error {
		_, err := tx.Exec(`INSERT INTO program (id, name, state, version_id) VALUES (7, 'p', 'running', 70)`)
		return err
	})
	h.d = h.dispatcher(d)
	return h
}

func hours(t *testing.T, text string) []policy.Window {
	t.Helper()
	spans, err := policy.ParseHours(text)
	if err != nil {
		t.Fatal(err)
	}
	days, err := policy.ParseDays("all")
	if err != nil {
		t.Fatal(err)
	}
	return []policy.Window{{Days: days, Hours: spans}}
}

func (h *desk) dispatcher(d *db.DB) *Dispatcher {
	reg := channel.NewRegistry()
	if err := reg.Register("sms", h.wire); err != nil {
		h.t.Fatal(err)
	}
	keys := crypt.FromSeed([]byte("test"))
	return &Dispatcher{
		DB: d, Clock: h.clock, IDs: h.ids, Keys: keys, Vault: h.vault, Links: answer.NewLinks(keys), Channels: reg, PublicURL: "https://x.example",
		Programs: func(context.Context) (*Programs, error) {
			return NewPrograms([]Published{{Live: h.live, State: h.state}}, nil, nil).Under(h.rules, nil), nil
		},
	}
}

func (h *desk) write(fn func(tx *db.Tx) error) {
	h.t.Helper()
	if err := h.db.Write(h.t.Context(), db.Import, "test", fn); err != nil {
		h.t.Fatal(err)
	}
}

// person makes a customer with a phone.
func (h *desk) person(ref, phone string) int64 {
	h.t.Helper()
	c := &customer.Customer{Ref: ref, Known: true, Country: "CN", Language: "zh-CN", Name: "王小明", Zones: []string{"Asia/Shanghai"}, Points: []customer.Point{{Channel: "phone", Address: phone}}}
	var id int64
	h.write(func(tx *db.Tx) error {
		if err := customer.Normalise(c, h.d.Keys, dispatchNoon); err != nil {
			return err
		}
		if _, err := customer.Upsert(tx, h.vault, h.ids, []*customer.Customer{c}, dispatchNoon); err != nil {
			return err
		}
		found, err := customer.Find(tx, []string{ref})
		id = found[ref]
		return err
	})
	return id
}

// start makes a follow-up that is due now.
func (h *desk) start(person int64, reentry string) int64 {
	h.t.Helper()
	now := h.clock.Now()
	f := followup.FollowUp{
		ID: h.ids.Next(), Program: 7, Version: 70, Customer: person, Reentry: reentry, TriggerType: "wallet.ticket.solved", TriggerAt: now, TriggerData: "{}",
		State: followup.Waiting, Lane: h.live.Steps[0].Channel, DueAt: now, Deadline: now.Add(h.live.Deadline), CreatedAt: now,
	}
	h.write(func(tx *db.Tx) error {
		var counts tally.Batch
		if _, err := followup.Start(tx, &counts, []followup.FollowUp{f}); err != nil {
			return err
		}
		return counts.Flush(tx)
	})
	return f.ID
}

// turn lets the lane work until nothing is due now.
func (h *desk) turn() {
	h.t.Helper()
	for range 20 {
		n, _, err := h.d.Turn(h.t.Context(), "sms", 50)
		if err != nil {
			h.t.Fatal(err)
		}
		if n == 0 {
			return
		}
	}
	h.t.Fatal("the lane never came to rest")
}

// is turns the program into a state, and lets the dispatcher know.
func (h *desk) is(state string) {
	h.t.Helper()
	h.state = state
	h.exec(`UPDATE program SET state = $1 WHERE id = 7`, state)
}

func (h *desk) followUp(id int64) (f followup.FollowUp) {
	h.t.Helper()
	err := h.db.Read(h.t.Context(), func(tx *db.Tx) (err error) { f, err = followup.One(tx, id); return err })
	if err != nil {
		h.t.Fatal(err)
	}
	return f
}

func (h *desk) attempts(id int64) (as []attempt.Attempt) {
	h.t.Helper()
	err := h.db.Read(h.t.Context(), func(tx *db.Tx) error {
		m, err := attempt.OfFollowUps(tx, []int64{id})
		as = m[id]
		for i := range as {
			if err == nil {
				err = attempt.Open(tx.Context(), h.vault, &as[i])
			}
		}
		return err
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return as
}

func (h *desk) wantState(id int64, s followup.State, reason codes.Reason) {
	h.t.Helper()
	if f := h.followUp(id); f.State != s || f.Reason != reason {
		h.t.Fatalf("follow-up is %s (%s), want %s (%s)", f.State, f.Reason, s, reason)
	}
}

func (h *desk) wantSent(n int) {
	h.t.Helper()
	if got := len(h.wire.keys()); got != n {
		h.t.Fatalf("%d messages on the wire, want %d", got, n)
	}
}

// houses runs fn on both engines.
func desks(t *testing.T, can channel.Abilities, fn func(h *desk)) {
	t.Run("sqlite", func(t *testing.T) { fn(newDesk(t, "sqlite:"+t.TempDir()+"/x.db", can)) })
	t.Run("postgres", func(t *testing.T) { fn(newDesk(t, dbtest.PostgresURL(t), can)) })
}

func TestAMessageGoesOutOnceAndIsWaitedFor(t *testing.T) {
	desks(t, keyless, func(h *desk) {
		f := h.start(h.person("a", "13800000001"), "")
		h.turn()
		h.wantSent(1)
		h.wantState(f, followup.Waiting, "")
		h.clock.Advance(time.Hour)
		h.turn()
		h.wantSent(1)
		h.wantState(f, followup.Told, codes.Told)
	})
}

func TestARefusalBetweenRecordAndWireStopsTheMessage(t *testing.T) {
	desks(t, keyless, func(h *desk) {
		p := h.person("a", "13800000001")
		f := h.start(p, "")
		h.wire.before = func() {
			h.wire.before = nil
			h.write(func(tx *db.Tx) error {
				_, err := consent.Refuse(tx, h.ids, consent.Refusal{Customer: p, Channel: "sms", Purpose: policy.Any, Source: "reply"}, h.clock.Now())
				return err
			})
		}
		h.turn()
		h.wantSent(0)
		if as := h.attempts(f); len(as) != 1 || as[0].State != attempt.Withheld {
			t.Fatalf("attempts %+v, want one withheld", as)
		}
		h.wantState(f, followup.Unreachable, codes.Unreachable)
	})
}

func TestOnePersonIsCountedOnceOverAllFollowUps(t *testing.T) {
	desks(t, keyless, func(h *desk) {
		a, b := h.person("a", "13800000001"), h.person("b", "13800000001") // one telephone
		first, second, third := h.start(a, "1"), h.start(a, "2"), h.start(b, "")
		h.turn()
		h.wantSent(1)
		h.wantState(first, followup.Waiting, "")
		h.wantState(second, followup.Suppressed, codes.CapClosedUntilDeadline)
		h.wantState(third, followup.Suppressed, codes.CapClosedUntilDeadline)
	})
}

func TestARejectedMessageGivesItsAllowanceBack(t *testing.T) {
	desks(t, keyless, func(h *desk) {
		a := h.person("a", "13800000001")
		h.wire.answer = func(channel.Message) channel.Outcome {
			return channel.Outcome{Result: channel.Rejected, Reason: codes.ProviderRejected}
		}
		first := h.start(a, "1")
		h.turn()
		h.wantState(first, followup.Unreachable, codes.Unreachable)
		h.wire.answer = nil
		second := h.start(a, "2")
		h.turn()
		h.wantSent(2)
		h.wantState(second, followup.Waiting, "")
	})
}

func TestNotNowIsTriedAgainInsideTheDeadline(t *testing.T) {
	desks(t, keyless, func(h *desk) {
		n := 0
		h.wire.answer = func(channel.Message) channel.Outcome {
			if n++; n < 3 {
				return channel.Outcome{Result: channel.Rejected, Reason: codes.ProviderBusy, RetryAfter: time.Minute}
			}
			return channel.Outcome{Result: channel.OK}
		}
		f := h.start(h.person("a", "13800000001"), "")
		for range 3 {
			h.turn()
			h.clock.Advance(time.Minute)
		}
		h.wantSent(3)
		if as := h.attempts(f); len(as) != 3 || as[2].State != attempt.Accepted {
			t.Fatalf("attempts %+v, want two rejected and one accepted", as)
		}
	})
}

func TestAnUnknownOutcomeOfAProviderWithoutKeysIsForAPerson(t *testing.T) {
	desks(t, keyless, func(h *desk) {
		h.wire.answer = func(channel.Message) channel.Outcome { return channel.Outcome{} }
		a := h.person("a", "13800000001")
		f := h.start(a, "1")
		h.turn()
		h.clock.Advance(time.Hour)
		h.turn()
		h.wantSent(1)
		h.wantState(f, followup.SetAside, codes.OutcomeUnknown)
		// It may have arrived, so it counts.
		second := h.start(a, "2")
		h.turn()
		h.wantState(second, followup.Suppressed, codes.CapClosedUntilDeadline)
		// A receipt that names it answers the question.
		if n, err := h.d.Receive(t.Context(), "sms", []channel.Receipt{{Key: h.wire.keys()[0], Status: channel.Delivered, At: h.clock.Now()}}); n != 1 || err != nil {
			t.Fatalf("receive: %d %v", n, err)
		}
		h.wantState(f, followup.Waiting, "")
	})
}

func TestAnUnknownOutcomeIsAskedAgainUnderTheSameKey(t *testing.T) {
	desks(t, keyed, func(h *desk) {
		n := 0
		h.wire.answer = func(channel.Message) channel.Outcome {
			if n++; n == 1 {
				return channel.Outcome{}
			}
			return channel.Outcome{Result: channel.OK}
		}
		f := h.start(h.person("a", "13800000001"), "")
		h.turn()
		h.clock.Advance(askAgain)
		h.turn()
		h.wantSent(2)
		if k := h.wire.keys(); k[0] != k[1] {
			t.Fatalf("sent again under another key: %v", k)
		}
		if as := h.attempts(f); len(as) != 1 || as[0].State != attempt.Accepted || as[0].Sends != 2 {
			t.Fatalf("attempts %+v, want one, accepted at its second send", as)
		}
	})
}

func TestAKeyIsNotUsedBeyondTheProvidersWindow(t *testing.T) {
	desks(t, keyed, func(h *desk) {
		h.wire.answer = func(channel.Message) channel.Outcome { return channel.Outcome{} }
		f := h.start(h.person("a", "13800000001"), "")
		h.turn()
		h.clock.Advance(24 * time.Hour)
		h.turn()
		h.wantSent(1)
		h.wantState(f, followup.SetAside, codes.OutcomeUnknown)
	})
}

var errDead = errors.New("the node died here")

func TestACrashLosesNothingAndRepeatsNothing(t *testing.T) {
	for _, tt := range []struct {
		point string
		can   channel.Abilities
		sends int // on the wire in the end, over the crash and after it
		state followup.State
	}{
		{"write:record:commit", keyless, 1, followup.Waiting},     // nothing was durable: as if never begun
		{"write:record:committed", keyless, 0, followup.SetAside}, // durable, never sent: nobody can know
		{"write:record:committed", keyed, 1, followup.Waiting},
		{"read:begin", keyless, 0, followup.SetAside},
		{"write:conclude:begin", keyless, 1, followup.SetAside},
		{"write:conclude:begin", keyed, 2, followup.Waiting},
		{"write:conclude:commit", keyed, 2, followup.Waiting},
		{"write:conclude:committed", keyless, 1, followup.Waiting},
	} {
		t.Run(fmt.Sprint(tt.point, tt.can.Idempotency), func(t *testing.T) {
			desks(t, tt.can, func(h *desk) {
				f := h.start(h.person("a", "13800000001"), "")
				dead := false
				node := h.dispatcher(h.db.Hooked(func(p string) error {
					if dead = dead || p == tt.point; dead {
						return errDead
					}
					return nil
				}))
				if _, _, err := node.Turn(t.Context(), "sms", 50); err != nil && !errors.Is(err, errDead) {
					t.Fatal(err)
				}
				h.clock.Advance(2 * time.Minute) // the lease runs out
				h.turn()
				h.wantSent(tt.sends)
				if got := h.followUp(f); got.State != tt.state {
					t.Fatalf("follow-up is %s (%s), want %s", got.State, got.Reason, tt.state)
				}
			})
		})
	}
}

func TestANodeThatStalledPastItsLeaseSendsNothing(t *testing.T) {
	desks(t, keyed, func(h *desk) {
		f := h.start(h.person("a", "13800000001"), "")
		b, err := h.d.Record(t.Context(), "sms", 10)
		if err != nil || len(b.Sendings) != 1 {
			t.Fatalf("%+v %v", b, err)
		}
		h.clock.Advance(5 * time.Minute)
		other := h.dispatcher(h.db)
		if _, _, err := other.Turn(t.Context(), "sms", 10); err != nil {
			t.Fatal(err)
		}
		h.wantSent(1)
		h.d.Send(t.Context(), b.Sendings[0]) // the sleeper wakes
		if err := h.d.Conclude(t.Context(), b.Sendings); err != nil {
			t.Fatal(err)
		}
		h.wantSent(1)
		if as := h.attempts(f); as[0].State != attempt.Accepted {
			t.Fatalf("the sleeper turned the outcome into %s", as[0].State)
		}
	})
}

func TestAPausedProgramHoldsPeopleAndAStoppedOneLetsThemGo(t *testing.T) {
	desks(t, keyless, func(h *desk) {
		f := h.start(h.person("a", "13800000001"), "")
		h.is(program.Paused)
		h.turn()
		h.wantSent(0)
		h.wantState(f, followup.Waiting, codes.ProgramPaused)
		h.is(program.Stopped)
		h.clock.Advance(time.Hour)
		h.turn()
		h.wantState(f, followup.Cancelled, codes.ProgramStopped)
	})
}
