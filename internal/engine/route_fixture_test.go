package engine

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/huiyin/huiyin/internal/followup"
	"github.com/huiyin/huiyin/internal/intake/event"
	"github.com/huiyin/huiyin/internal/people/customer"
	"github.com/huiyin/huiyin/internal/people/vault"
	"github.com/huiyin/huiyin/internal/people/vault/vaulttest"
	"github.com/huiyin/huiyin/internal/platform/clock"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/ids"
	"github.com/huiyin/huiyin/internal/platform/tally"
	"github.com/huiyin/huiyin/internal/program/condition"
	"github.com/huiyin/huiyin/internal/program/program"
)

// noon is when the tests of the router begin.
var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

const (
	failed    = "wallet.payment.failed"
	succeeded = "wallet.payment.succeeded"
	opened    = "wallet.app.opened"
)

// house is a database with a router over programs made in Go.
type house struct {
	t         testing.TB
	db        *db.DB
	vault     *vault.Vault
	clock     *clock.Virtual
	ids       *ids.Source
	catalogue *event.Catalogue
	env       *condition.Env
	published []Published
	segments  map[string]*condition.Condition
	made      int64 // programs so far
	logged    int   // events so far
	nodes     uint8 // that made identifiers so far
}

func newHouse(t testing.TB, d *db.DB) *house {
	t.Helper()
	c := clock.NewVirtual(noon)
	catalogue, err := event.NewCatalogue()
	if err != nil {
		t.Fatal(err)
	}
	env, err := condition.NewEnv(catalogue)
	if err != nil {
		t.Fatal(err)
	}
	return &house{
		t: t, db: d, vault: vaulttest.New(t), clock: c, ids: ids.New(c, 255, rand.NewChaCha8([32]byte{})), catalogue: catalogue, env: env,
		segments: map[string]*condition.Condition{},
	}
}

func (h *house) compile(text string, place condition.Place, eventType string) *condition.Condition {
	h.t.Helper()
	c, err := h.env.TriggeredBy(failed).Compile(text, place, eventType)
	if err != nil {
		h.t.Fatal(err)
	}
	return c
}

// program publishes a follow-up of failed payments, changed as the test wants it.
func (h *house) program(change func(l *program.Live)) *program.Live {
	h.t.Helper()
	h.made++
	n := h.made
	l := &program.Live{
		ID: n, VersionID: 100 + n, Version: 1, Name: fmt.Sprintf("program-%d", n), Priority: 50,
		Trigger:  program.Trigger{Event: failed, Delay: 5 * time.Minute},
		Deadline: 48 * time.Hour,
		Audience: program.Audience{Segment: everyone, Sample: 1},
		Steps:    []program.Step{{Channel: "email", Purpose: "survey"}},
	}
	if change != nil {
		change(l)
	}
	h.published = append(h.published, Published{Live: l, State: program.Running})
	h.write(func(tx *db.Tx) error {
		_, err := tx.Exec(`INSERT INTO program (id, name, state, version_id) VALUES ($1, $2, 'running', $3)`, l.ID, l.Name, l.VersionID)
		return err
	})
	return l
}

func (h *house) write(fn func(tx *db.Tx) error) {
	h.t.Helper()
	if err := h.db.Write(h.t.Context(), db.Event, "test", fn); err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) read(fn func(tx *db.Tx) error) {
	h.t.Helper()
	if err := h.db.Read(h.t.Context(), fn); err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) source() Source {
	p := NewPrograms(h.published, nil, h.segments)
	return func(context.Context) (*Programs, error) { return p, nil }
}

func (h *house) router(batch int) *Router { return h.routerOn(h.db, batch) }

// routerOn makes the router of a node of its own: the clock stands still, and nodes of one
// number would make the same identifiers.
func (h *house) routerOn(d *db.DB, batch int) *Router {
	h.nodes++
	return NewRouter(RouterConfig{
		DB: d, Vault: h.vault, Clock: h.clock, IDs: ids.New(h.clock, h.nodes, rand.NewChaCha8([32]byte{h.nodes})), Programs: h.source(),
		Catalogue: func() *event.Catalogue { return h.catalogue }, Batch: batch,
	})
}

// pay is an event about a payment; data is what differs from an ordinary one.
func pay(kind, who string, at time.Time, data map[string]any) event.Event {
	all := map[string]any{"order_id": "o-1", "amount_minor": 9900, "currency": "CNY", "merchant": "m", "reason": "r", "charged": false}
	for k, v := range data {
		all[k] = v
	}
	b, err := json.Marshal(all)
	if err != nil {
		panic(err)
	}
	return event.Event{Source: "/wallet/payments", Type: kind, Subject: who, At: at, Received: at, Data: b}
}

// log appends events to the log, each as new.
func (h *house) log(events ...event.Event) {
	h.t.Helper()
	for i := range events {
		h.logged++
		if events[i].ID == "" {
			events[i].ID = fmt.Sprintf("e-%d", h.logged)
		}
	}
	h.write(func(tx *db.Tx) error {
		n, _, err := event.Append(tx, events)
		if err == nil && n != len(events) {
			err = fmt.Errorf("%d of %d events were new", n, len(events))
		}
		return err
	})
}

// route turns a router until it has nothing left to do.
func (h *house) route(r *Router) {
	h.t.Helper()
	for range 10_000 {
		_, busy, err := r.Turn(h.t.Context())
		if err != nil {
			h.t.Fatal(err)
		}
		if !busy {
			return
		}
	}
	h.t.Fatal("the router never came to an end")
}

// outcomes are the counted outcomes of a program's triggers, "merged 1, started 2".
func (h *house) outcomes(programID int64) string {
	h.t.Helper()
	var all []string
	for k, n := range h.counted(programID) {
		if k[0] == followup.MetricTrigger && n != 0 {
			all = append(all, fmt.Sprintf("%s %d", k[1], n))
		}
	}
	sort.Strings(all)
	return strings.Join(all, ", ")
}

func (h *house) counted(programID int64) (sums map[[2]string]int64) {
	h.t.Helper()
	h.read(func(tx *db.Tx) (err error) {
		sums, err = tally.Sum(tx, programID, 0, 1<<30)
		return err
	})
	return sums
}

// followUps are all follow-ups of a customer in order, "waiting email step 1".
func (h *house) followUps(who string) (all []followup.FollowUp) {
	h.t.Helper()
	h.read(func(tx *db.Tx) error {
		c, err := customer.Get(tx, who)
		if err != nil {
			return err
		}
		if all, err = followup.OfCustomer(tx, c.ID, 500); err != nil {
			return err
		}
		sort.Slice(all, func(i, j int) bool { return all[i].ID < all[j].ID })
		return nil
	})
	return all
}

func (h *house) states(who string) string {
	h.t.Helper()
	var all []string
	for _, f := range h.followUps(who) {
		s := string(f.State)
		if f.Reason != "" {
			s += ":" + string(f.Reason)
		}
		if f.Merged > 0 {
			s += fmt.Sprintf(" +%d", f.Merged)
		}
		all = append(all, s)
	}
	return strings.Join(all, ", ")
}

func (h *house) notes(who string) string {
	h.t.Helper()
	var all []string
	h.read(func(tx *db.Tx) error {
		c, err := customer.Get(tx, who)
		if err != nil {
			return err
		}
		notes, err := followup.NotesOf(tx, c.ID, 500)
		for i := len(notes) - 1; i >= 0; i-- {
			all = append(all, notes[i].Outcome+":"+string(notes[i].Reason))
		}
		return err
	})
	return strings.Join(all, ", ")
}

// garbled makes an event's data unreadable as its type.
func garbled(e event.Event) event.Event {
	e.Data = bytes.ReplaceAll(e.Data, []byte("9900"), []byte(`"much"`))
	return e
}
