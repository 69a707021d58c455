package trial

import (
	"context"
	"crypto/rand"
	"fmt"
	"math"
	mathrand "math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/huiyin/huiyin/internal/channel"
	"github.com/huiyin/huiyin/internal/decide/policy"
	"github.com/huiyin/huiyin/internal/engine"
	"github.com/huiyin/huiyin/internal/followup"
	"github.com/huiyin/huiyin/internal/hear/answer"
	"github.com/huiyin/huiyin/internal/people/consent"
	"github.com/huiyin/huiyin/internal/people/customer"
	"github.com/huiyin/huiyin/internal/people/vault"
	"github.com/huiyin/huiyin/internal/people/vault/vaulttest"
	"github.com/huiyin/huiyin/internal/platform/clock"
	"github.com/huiyin/huiyin/internal/platform/crypt"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/db/dbtest"
	"github.com/huiyin/huiyin/internal/platform/ids"
	"github.com/huiyin/huiyin/internal/platform/tally"
	"github.com/huiyin/huiyin/internal/program/program"
)

const (
	raceNodes    = 2
	raceRefusers = 250
	raceAtOnce   = 500 // customers of one heat: all fall due together, and all refuse
	raceHeat     = 2 * time.Minute
	raceProgram  = 7
)

// heat is one race: customers who refuse while messages to them are on their way.
type heat struct {
	vault     *vault.Vault
	customers []int64
	first     int64 // of the heat's follow-ups
	byAddress map[string]int
	refused   []atomic.Int64 // when the refusal was known to be durable, in nanoseconds from a start
	wired     []atomic.Int64 // when the first byte left; 0: never
	start     time.Time
	begun     chan int // customers whose message is on its way
}

func (h *heat) since() int64 { return max(1, time.Since(h.start).Nanoseconds()) }

// Abilities are those of a channel without keys.
func (h *heat) Abilities() channel.Abilities {
	return channel.Abilities{InFlight: 250, SendTimeout: 10 * time.Second}
}

// Send connects for up to half a second, in which the customer refuses, looks, and notes
// the moment of the first byte.
func (h *heat) Send(ctx context.Context, m channel.Message, look channel.LastLook) channel.Outcome {
	h.begun <- h.byAddress[m.To]
	clock.Sleep(ctx, time.Duration(mathrand.IntN(500))*time.Millisecond)
	if err := look(ctx); err != nil {
		return channel.Held(err)
	}
	h.wired[h.byAddress[m.To]].Store(h.since())
	return channel.Accepted("r", "")
}

// TestRefusalsRaceWithDispatch has everybody refuse just as they are being contacted, on
// real goroutines: no first byte may leave more than a second after a refusal was durable.
// HUIYIN_TRIAL_REFUSALS says how many race on each engine.
func TestRefusalsRaceWithDispatch(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		source := ids.New(clock.System{}, 200, rand.Reader)
		write(t, d, func(tx *db.Tx) error {
			_, err := tx.Exec(`INSERT INTO program (id, name, state, version_id) VALUES (7, 'race', 'running', 70)`)
			return err
		})
		total := number(t, "HUIYIN_TRIAL_REFUSALS", 2_000)
		var refusals, sent, after int
		latest := time.Duration(math.MinInt64)
		for ; refusals < total; refusals += raceAtOnce {
			h := race(t, d, source, refusals)
			for i := range h.customers {
				wired, refused := h.wired[i].Load(), h.refused[i].Load()
				if refused == 0 {
					t.Fatal("a refusal was never durable")
				}
				if wired == 0 {
					continue
				}
				sent++
				if late := time.Duration(wired - refused); late > 0 {
					after++
					latest = max(latest, late)
				}
			}
		}
		t.Logf("%s: %d refusals against dispatch on %d nodes: %d messages left, %d of them after the refusal was durable, the latest by %s",
			d.Engine(), refusals, raceNodes, sent, after, max(0, latest))
		if latest > time.Second {
			t.Errorf("a first byte left %s after the refusal was durable", latest)
		}
		if sent == 0 || sent == refusals {
			t.Errorf("%d of %d messages left: that was no race", sent, refusals)
		}
	})
}

func write(t *testing.T, d *db.DB, fn func(tx *db.Tx) error) {
	t.Helper()
	if err := d.Write(t.Context(), db.Import, "test", fn); err != nil {
		t.Fatal(err)
	}
}

// race runs one heat.
func race(t *testing.T, d *db.DB, source *ids.Source, from int) *heat {
	t.Helper()
	keys := crypt.FromSeed([]byte("race"))
	h := &heat{vault: vaulttest.New(t), byAddress: map[string]int{}, refused: make([]atomic.Int64, raceAtOnce), wired: make([]atomic.Int64, raceAtOnce), start: time.Now(), begun: make(chan int, raceAtOnce)}
	live := &program.Live{ID: raceProgram, VersionID: 70, Name: "race", Deadline: 48 * time.Hour, Steps: []program.Step{{Channel: keyed, Purpose: policy.Survey, Tries: 1, Wait: time.Hour}}}
	rules, err := policy.New(policy.Spec{Home: "CN", Packs: []policy.Pack{{Name: "open", Country: "CN", Version: "1", Rules: []policy.Rule{{ID: "any", Basis: policy.House, Windows: []policy.Window{{Days: policy.AllDays, Hours: []policy.Span{{To: 24 * 60}}}}}}}}})
	if err != nil {
		t.Fatal(err)
	}
	h.invite(t, d, source, keys, live, from)
	ctx, cancel := context.WithTimeout(t.Context(), raceHeat)
	defer cancel()
	var lanes, refusers sync.WaitGroup
	for i := range raceNodes {
		reg := channel.NewRegistry()
		if err := reg.Register(keyed, h); err != nil {
			t.Fatal(err)
		}
		node := &engine.Dispatcher{
			DB: d, Clock: clock.System{}, IDs: ids.New(clock.System{}, uint8(i), rand.Reader), Keys: keys, Vault: h.vault, Links: answer.NewLinks(keys), Channels: reg, PublicURL: publicAddress,
			Programs: func(context.Context) (*engine.Programs, error) {
				return engine.NewPrograms([]engine.Published{{Live: live, State: program.Running}}, nil, nil).Under(rules, nil), nil
			},
		}
		lane := engine.NewLane(node, keyed, func(_, doing string, err error) { t.Logf("%s: %v", doing, err) })
		lanes.Go(func() { lane.Run(ctx) })
	}
	for range raceRefusers {
		refusers.Go(func() {
			for i := range h.begun {
				clock.Sleep(ctx, time.Duration(mathrand.IntN(300))*time.Millisecond)
				h.refuse(t, d, source, i)
			}
		})
	}
	h.settle(ctx, t, d)
	cancel()
	lanes.Wait()
	close(h.begun)
	refusers.Wait()
	return h
}

// invite makes customers with a follow-up each that is due now.
func (h *heat) invite(t *testing.T, d *db.DB, source *ids.Source, keys *crypt.Keyring, live *program.Live, from int) {
	t.Helper()
	var people []*customer.Customer
	for i := range raceAtOnce {
		c := &customer.Customer{
			Ref: fmt.Sprintf("r%d", from+i), Known: true, Name: "Mary Poppins", Language: "en", Country: "CN", Zones: []string{"Asia/Shanghai"},
			Points: []customer.Point{{Channel: customer.Phone, Address: fmt.Sprintf("+86139%08d", from+i)}},
		}
		h.byAddress[c.Points[0].Address] = i
		if err := customer.Normalise(c, keys, time.Now()); err != nil {
			t.Fatal(err)
		}
		people = append(people, c)
	}
	write(t, d, func(tx *db.Tx) error {
		now, err := tx.Now()
		if err != nil {
			return err
		}
		if _, err := customer.Upsert(tx, h.vault, source, people, now); err != nil {
			return err
		}
		var fs []followup.FollowUp
		h.customers = h.customers[:0]
		for _, c := range people {
			h.customers = append(h.customers, c.ID)
			fs = append(fs, followup.FollowUp{
				ID: source.Next(), Program: raceProgram, Version: live.VersionID, Customer: c.ID, TriggerType: "wallet.ticket.solved", TriggerAt: now, TriggerData: "{}",
				State: followup.Waiting, Lane: keyed, DueAt: now, Deadline: now.Add(live.Deadline), CreatedAt: now,
			})
		}
		h.first = fs[0].ID
		var counts tally.Batch
		if _, err := followup.Start(tx, &counts, fs); err != nil {
			return err
		}
		return counts.Flush(tx)
	})
}

// refuse is one customer's no.
func (h *heat) refuse(t *testing.T, d *db.DB, source *ids.Source, i int) {
	err := d.Write(t.Context(), db.First, "refuse", func(tx *db.Tx) error {
		now, err := tx.Now()
		if err != nil {
			return err
		}
		_, err = consent.Refuse(tx, source, consent.Refusal{Customer: h.customers[i], Source: "test"}, now)
		return err
	})
	if err != nil {
		t.Error(err)
		return
	}
	h.refused[i].Store(h.since())
}

// settle waits until nothing of the heat is due or on its way any more.
func (h *heat) settle(ctx context.Context, t *testing.T, d *db.DB) {
	t.Helper()
	for {
		var open int
		err := d.Read(ctx, func(tx *db.Tx) error {
			now, err := tx.Now()
			if err != nil {
				return err
			}
			return tx.QueryRow(`SELECT count(*) FROM follow_up WHERE id >= $1 AND (state = 'contacting' OR state = 'waiting' AND due_at <= $2)`, h.first, db.Millis(now)).Scan(&open)
		})
		if err != nil {
			t.Error(err)
			return
		}
		if open == 0 {
			return
		}
		clock.Sleep(ctx, 20*time.Millisecond)
	}
}
