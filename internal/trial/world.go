package trial

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"hash/fnv"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/huiyin/huiyin/internal/engine"
	"github.com/huiyin/huiyin/internal/intake/event"
	"github.com/huiyin/huiyin/internal/people/vault"
	"github.com/huiyin/huiyin/internal/platform/clock"
	"github.com/huiyin/huiyin/internal/platform/crypt"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/ids"
	"github.com/huiyin/huiyin/internal/program/document"
	"github.com/huiyin/huiyin/internal/program/program"
	"github.com/huiyin/huiyin/internal/trial/oracle"
)

const (
	day           = 24 * time.Hour
	worldNode     = 255     // the number under which the world's own rows are made
	operator      = "trial" // who publishes and pauses, for the audit
	drainMost     = 60 * day
	publicAddress = "https://w.example"
)

// What the faults of the world are called in errors.
var (
	errDead = errors.New("the node died here")
	errDown = errors.New("the database did not answer")
)

// world is everything there is in one run.
type world struct {
	ctx   context.Context
	cfg   Config
	res   *Result
	rng   *rand.Rand
	trace hash.Hash64
	clock *clock.Virtual
	start time.Time
	end   time.Time // no more events, faults and whims of people after this

	agenda  agenda
	seq     int
	cur     *task
	spawned int
	dying   []*node

	db        *db.DB
	vaultDB   *db.DB
	vault     *vault.Vault
	keys      *crypt.Keyring
	ids       *ids.Source
	lib       *engine.Library
	catalogue *event.Catalogue
	programs  []*running
	edition   int // of documents and states, raised by every change

	nodes     []*node // by slot; nil: none alive there
	lives     int
	providers map[string]*provider
	people    []*person
	byRef     map[string]*person
	byAddress map[string][]*person

	mix       mix
	downTil   time.Time // the database refuses until then
	lookAt    time.Time // when the lanes are next looked at
	routeAt   time.Time // and the log
	fruitless int       // looks at the lanes since anything changed
	unrouted  int       // and at the log

	writes   []oracle.Write
	refusing []*pendingRefusal // told by events that aren't routed yet
	promised []string
	unsure   int // attempts whose outcome may have been lost in a crash or by a provider
	events   int
	asserted int64
	early    []oracle.Violation // found while it ran
	boss     *person            // who operates the programs
	saved    map[int64]int64    // the latest acknowledged score, by follow-up
}

// running is a program of this run.
type running struct {
	*spec
	truth    *oracle.Program
	state    string
	triggers map[string]string // matters that met its condition, and whose they are
}

func newWorld(ctx context.Context, c Config) (*world, error) {
	w := &world{
		ctx: ctx, cfg: c, rng: rand.New(rand.NewPCG(c.Seed, 0x6875_6979_696e)), trace: fnv.New64a(),
		byRef: map[string]*person{}, byAddress: map[string][]*person{}, providers: map[string]*provider{}, saved: map[int64]int64{},
		res: &Result{Seed: c.Seed, Violations: map[string]int{}, Faults: map[string]int{}, CrashPoints: map[string]int{}, Customers: c.Customers, Nodes: c.Nodes},
	}
	w.start = w.beginning()
	w.end = w.start.Add(time.Duration(c.Days) * day)
	w.res.Start = w.start.Format(time.RFC3339)
	w.clock = clock.NewVirtual(w.start)
	w.keys = crypt.FromSeed(fmt.Appendf(nil, "trial %d", c.Seed))
	w.ids = ids.New(w.clock, worldNode, w.random())
	w.mix = w.drawMix()
	var err error
	if w.db, err = db.Open(ctx, "sqlite::memory:", db.Options{Clock: w.clock}); err != nil {
		return nil, err
	}
	if w.vaultDB, err = db.Open(ctx, "sqlite::memory:", db.Options{Clock: w.clock}); err != nil {
		return nil, errors.Join(err, w.db.Close())
	}
	if w.vault, err = w.vaultOf(w.clock, worldNode, 0); err == nil {
		err = w.furnish()
	}
	if err != nil {
		return nil, errors.Join(err, w.db.Close(), w.vaultDB.Close())
	}
	return w, nil
}

func (w *world) close() {
	for _, n := range w.nodes {
		if n != nil {
			n.dead = true
			n.bury()
		}
	}
	_ = w.db.Close() // it lives in memory and nobody reads it again
	_ = w.vaultDB.Close()
}

// changes are days on which clocks change somewhere in the trial's zones.
var changes = []string{"2026-02-15", "2026-03-08", "2026-03-22", "2026-03-29", "2026-04-05", "2026-09-06", "2026-10-04", "2026-10-25", "2026-11-01", "2027-02-07"}

// beginning draws when the run begins: mostly so that a change of clocks lies within it.
func (w *world) beginning() time.Time {
	change, err := time.Parse(time.DateOnly, changes[w.rng.IntN(len(changes))])
	if err != nil {
		panic("trial: " + err.Error())
	}
	before := time.Duration(w.rng.Int64N(int64(w.cfg.Days)*int64(day) + 1))
	return change.Add(-before).Truncate(time.Second)
}

// furnish migrates the database, publishes the programs and makes people, providers and nodes.
func (w *world) furnish() error {
	if err := w.db.Migrate(w.ctx); err != nil {
		return err
	}
	w.lib = engine.NewLibrary(w.db, w.now, "CN", nil)
	texts := []string{house}
	for _, s := range specs {
		texts = append(texts, s.document(6))
		w.programs = append(w.programs, &running{spec: s, truth: s.truth(), state: program.Running, triggers: map[string]string{}})
	}
	if err := w.apply(texts...); err != nil {
		return err
	}
	set, err := w.lib.Set(w.ctx)
	if err != nil {
		return err
	}
	w.catalogue = set.Catalogue()
	for _, lane := range lanes {
		w.providers[lane] = newProvider(w, lane)
	}
	w.boss = &person{w: w}
	if err := w.populate(); err != nil {
		return err
	}
	w.nodes = make([]*node, w.cfg.Nodes)
	for slot := range w.nodes {
		w.boot(slot)
	}
	w.schedule()
	return nil
}

// apply takes documents in and publishes the programs among them.
func (w *world) apply(texts ...string) error {
	docs, err := document.Parse(bytes.NewReader([]byte(strings.Join(texts, "\n---\n"))))
	if err != nil {
		return err
	}
	return w.db.Write(w.ctx, db.Import, "apply", func(tx *db.Tx) error {
		o := program.Options{IDs: w.ids, Now: w.now(), By: operator, Home: "CN", Channels: lanes}
		if _, err := program.Apply(tx, docs, o, false); err != nil {
			return err
		}
		for _, d := range docs {
			if d.Kind != document.KindProgram {
				continue
			}
			if _, err := program.Publish(tx, d.Name, o); err != nil {
				return err
			}
		}
		return nil
	})
}

// live runs until nothing is left to do, the turns are used up, or the time to drain is over.
func (w *world) live() error {
	began := time.Duration(0)
	if w.cfg.CPU != nil {
		began = w.cfg.CPU()
	}
	last := w.end.Add(drainMost)
	for len(w.agenda) > 0 && w.now().Before(last) {
		if w.res.Turns >= w.cfg.MaxTurns {
			w.res.CutShort = true
			break
		}
		if w.res.Turns&1023 == 0 && w.ctx.Err() != nil {
			return w.ctx.Err()
		}
		w.step()
		if w.res.Turns&255 == 0 && w.over() {
			break
		}
	}
	w.res.VirtualDays = w.now().Sub(w.start).Hours() / 24
	w.res.TraceHash = fmt.Sprintf("%016x", w.trace.Sum64())
	if w.cfg.CPU != nil {
		if used := (w.cfg.CPU() - began).Seconds(); used > 0 {
			w.res.ContactsPerCPUSecond = float64(w.res.Contacts) / used
		}
	}
	return nil
}

// over says whether the people are done and every follow-up has ended.
func (w *world) over() bool {
	if w.now().Before(w.end.Add(day)) {
		return false
	}
	var open, routed int64
	err := w.db.Read(w.ctx, func(tx *db.Tx) error {
		if err := tx.QueryRow(`SELECT count(*) FROM follow_up WHERE ended_at = 0`).Scan(&open); err != nil {
			return err
		}
		return tx.QueryRow(`SELECT count(*) FROM event_log WHERE seq > coalesce((SELECT seq FROM log_offset WHERE name = 'route'), 0)`).Scan(&routed)
	})
	return err == nil && open == 0 && routed == 0 && w.busyPeople() == 0
}

// calm says that the world's whims are over: what is open is only brought to its end.
func (w *world) calm() bool { return !w.now().Before(w.end) }

// random is a source of chance of its own.
func (w *world) random() *rand.ChaCha8 {
	var seed [32]byte
	for i := range seed {
		seed[i] = byte(w.rng.Uint32())
	}
	return rand.NewChaCha8(seed)
}

// vaultOf is the vault as one life of a node sees it. Its chance is its own, so that what is
// sealed changes nothing of what happens.
func (w *world) vaultOf(c clock.Clock, number uint8, life int) (*vault.Vault, error) {
	random := rand.NewChaCha8(sha256.Sum256(fmt.Appendf(nil, "vault %d %d", w.cfg.Seed, life)))
	return vault.New(w.ctx, vault.Config{DB: w.vaultDB, Keys: w.keys, Clock: c, IDs: ids.New(c, number, random), Random: random})
}

func (w *world) chance(share float64) bool { return share > 0 && w.rng.Float64() < share }

func (w *world) upTo(d time.Duration) time.Duration { return time.Duration(w.rng.Int64N(int64(d) + 1)) }

func (w *world) between(a, b time.Duration) time.Duration { return a + w.upTo(b-a) }
