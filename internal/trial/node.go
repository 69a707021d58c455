package trial

import (
	"context"
	"time"

	"github.com/huiyin/huiyin/internal/channel"
	"github.com/huiyin/huiyin/internal/engine"
	"github.com/huiyin/huiyin/internal/followup"
	"github.com/huiyin/huiyin/internal/hear/answer"
	"github.com/huiyin/huiyin/internal/intake/event"
	"github.com/huiyin/huiyin/internal/people/vault"
	"github.com/huiyin/huiyin/internal/platform/clock"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/ids"
)

const (
	recordMost  = 8                      // sendings one record may make in a lane
	lookAgain   = 500 * time.Millisecond // a lane or router looks at the latest this long after there is work
	trouble     = time.Second            // after trouble with the database a loop waits this long
	programsFor = time.Second            // a node goes on with the programs it knows this long
	foldEvery   = 5 * time.Hour

	fruitlessMost = 8  // looks that came to nothing after which the pauses between them grow no more
	routeAtOnce   = 40 // events in one transaction of the router
	concludeSoon  = 3 * time.Millisecond
	slowSending   = 30 * time.Second // from the record to the outcome; every lease is longer
)

// node is one life of one server: everything it holds in memory.
type node struct {
	w           *world
	slot, life  int
	name        string
	number      uint8
	dead        bool
	frozenUntil time.Time
	doom        int // points until it dies; 0: it doesn't
	tasks       map[*task]struct{}

	db         *db.DB
	clock      clock.Clock
	ids        *ids.Source
	vault      *vault.Vault
	router     *engine.Router
	dispatcher *engine.Dispatcher
	folder     *engine.Folder
	intake     *event.Intake
	answers    *answer.Store

	programs   *engine.Programs
	programsAt time.Time
	edition    int // of the documents they were made of
	takingIn   bool
	turning    bool
	recording  map[string]bool
	concluding map[string]bool
	sending    map[string]map[*engine.Sending]struct{} // recorded and not concluded
	ended      map[string][]*engine.Sending            // of those, the ones with an outcome
}

// boot starts a node in a slot.
func (w *world) boot(slot int) {
	w.lives++
	n := &node{
		w: w, slot: slot, life: w.lives, tasks: map[*task]struct{}{},
		recording: map[string]bool{}, concluding: map[string]bool{},
		sending: map[string]map[*engine.Sending]struct{}{}, ended: map[string][]*engine.Sending{},
	}
	n.name = n.String()
	var err error
	if n.number, err = w.db.ClaimNode(w.ctx, n.name); err != nil {
		panic("trial: the world's own database failed: " + err.Error())
	}
	n.db = w.db.Hooked(n.hook)
	n.clock = clock.Skewed{Base: w.clock, Offset: w.skew()}
	n.ids = ids.New(n.clock, n.number, w.random())
	if n.vault, err = w.vaultOf(n.clock, n.number, n.life); err != nil {
		panic("trial: the world's own vault failed: " + err.Error())
	}
	n.router = engine.NewRouter(engine.RouterConfig{
		DB: n.db, Vault: n.vault, Clock: n.clock, IDs: n.ids, Programs: n.known, Batch: routeAtOnce,
		Catalogue: func() *event.Catalogue { return w.catalogue },
	})
	links := answer.NewLinks(w.keys)
	n.dispatcher = &engine.Dispatcher{
		DB: n.db, Clock: n.clock, IDs: n.ids, Keys: w.keys, Vault: n.vault, Programs: n.known, Links: links, Channels: channel.NewRegistry(),
		PublicURL: publicAddress, Hotline: "95500",
	}
	for _, lane := range lanes {
		if err := n.dispatcher.Channels.Register(lane, w.providers[lane].line(n)); err != nil {
			panic("trial: " + err.Error())
		}
		n.sending[lane] = map[*engine.Sending]struct{}{}
	}
	n.folder = engine.NewFolder(n.db, n.fresh, n.clock.Now)
	n.intake = event.NewIntake(n.db, n.clock, w.catalogue, event.IntakeOptions{})
	n.answers = &answer.Store{DB: n.db, Clock: n.clock, IDs: n.ids, Forms: w.lib}
	w.nodes[slot] = n
	w.wake()
}

// known gives the programs as this node knows them: for a while those it asked for last.
func (n *node) known(ctx context.Context) (*engine.Programs, error) {
	if n.programs != nil && n.clock.Now().Sub(n.programsAt) < programsFor {
		return n.programs, nil
	}
	return n.fresh(ctx)
}

func (n *node) fresh(ctx context.Context) (*engine.Programs, error) {
	if err := n.hook("read:begin"); err != nil {
		return nil, err
	}
	at := n.clock.Now()
	if n.programs != nil && n.edition == n.w.edition { // what asking would say, without asking
		n.programsAt = at
		return n.programs, nil
	}
	n.w.lib.Stale()
	n.edition = n.w.edition
	p, err := n.w.lib.Programs(ctx)
	if err == nil {
		n.programs, n.programsAt = p, at
	}
	return p, err
}

// alive picks a node that lives; nil if none does.
func (w *world) alive() *node {
	var live []*node
	for _, n := range w.nodes {
		if n != nil && !n.dead {
			live = append(live, n)
		}
	}
	if len(live) == 0 {
		return nil
	}
	return live[w.rng.IntN(len(live))]
}

// wrote takes note of a commit: there may be work for the loops.
func (w *world) wrote(point string) {
	switch point {
	case "write:intake:committed":
		w.wakeRouter()
	case "write:route:committed":
		w.routed()
		w.wake()
	case "write:fold:committed", "write:study:committed":
	case "write:apply:committed", "write:turn-program:committed":
		w.edition++
		w.wake()
	default:
		w.wake()
	}
}

// wake lets the lanes look soon whether anything is due: something has changed. Servers
// look all the time; here the looks that would find nothing are left out.
func (w *world) wake() {
	w.fruitless = 0
	if w.lookAt.After(w.now()) && !w.lookAt.After(w.now().Add(lookAgain)) {
		return
	}
	w.look(w.between(time.Millisecond, lookAgain))
}

// look puts the next look at the lanes down, unless an earlier one is.
func (w *world) look(after time.Duration) {
	at := w.now().Add(after)
	if w.lookAt.After(w.now()) && !w.lookAt.After(at) {
		return
	}
	w.lookAt = at
	w.after(after, "look", func() {
		if w.lookAt.Equal(at) { // else an earlier one took its place
			w.poll()
		}
	})
}

func (w *world) poll() {
	var next time.Time
	busy := false
	for i, due := range w.nextDue() {
		lane := lanes[i]
		if due.IsZero() {
			continue
		}
		if due.After(w.now()) {
			if next.IsZero() || due.Before(next) {
				next = due
			}
			continue
		}
		busy = true
		for range w.atOnce() {
			if n := w.alive(); n != nil {
				n.record(lane, w.upTo(20*time.Millisecond))
			}
		}
	}
	switch {
	case busy: // nodes may be dead, frozen or without a database: look less and less often
		w.look(w.between(lookAgain/2, lookAgain) << min(w.fruitless, fruitlessMost))
		w.fruitless++
	case !next.IsZero():
		w.look(next.Sub(w.now()))
	}
}

// atOnce draws how many nodes go for the same work.
func (w *world) atOnce() int {
	if w.chance(0.3) {
		return 2
	}
	return 1
}

// nextDue is when each lane has work next; zero for none.
func (w *world) nextDue() []time.Time {
	due := make([]time.Time, len(lanes))
	err := w.db.Read(w.ctx, func(tx *db.Tx) (err error) {
		for i, lane := range lanes {
			if due[i], err = followup.NextDue(tx, lane); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		panic("trial: the world's own database failed: " + err.Error())
	}
	return due
}

// record makes one movement of a lane: decide, make durable, and let each sending go its way.
func (n *node) record(lane string, after time.Duration) {
	free := recordMost - len(n.sending[lane])
	if n.recording[lane] || free <= 0 {
		return
	}
	n.recording[lane] = true
	limit := 1 + n.w.rng.IntN(free)
	n.w.spawn(n, " records "+lane, after, func(t *task) {
		defer func() { n.recording[lane] = false }()
		b, err := n.dispatcher.Record(n.w.ctx, lane, limit)
		if err != nil {
			n.w.unsure += limit // the commit may have come through nevertheless
			t.rest(trouble)
			return
		}
		for _, s := range b.Sendings {
			n.w.aroundNow(s.Message.Text)
			n.sending[lane][s] = struct{}{}
			n.w.note(s.Message.Text, "%s intends step %d by %s, key …%s", n.name, s.Attempt.Step+1, lane, tail(s.Message.Key))
		}
		if n.w.chance(0.7) { // the look for all of a batch; without it each looks for itself
			_ = n.dispatcher.Look(n.w.ctx, b.Sendings)
		}
		if t.cut || n.dead {
			return
		}
		for _, s := range b.Sendings {
			n.send(lane, s)
		}
	})
}

func (n *node) send(lane string, s *engine.Sending) {
	n.w.spawn(n, " sends", n.w.upTo(time.Millisecond), func(t *task) {
		n.dispatcher.Send(n.w.ctx, s)
		if t.cut || n.dead {
			return
		}
		if s.Outcome.Result == channel.Unknown {
			n.w.unsure++
		}
		n.w.note(s.Message.Text, "%s learns: %s %s %s", n.name, s.Outcome.Result, s.Outcome.Reason, s.Outcome.Detail)
		n.ended[lane] = append(n.ended[lane], s)
		n.conclude(lane)
	})
}

// conclude keeps the outcomes that have come, as often as it takes.
func (n *node) conclude(lane string) {
	if n.concluding[lane] {
		return
	}
	n.concluding[lane] = true
	n.w.spawn(n, " concludes "+lane, n.w.upTo(concludeSoon), func(t *task) {
		defer func() { n.concluding[lane] = false }()
		for len(n.ended[lane]) > 0 {
			all := n.ended[lane]
			n.ended[lane] = nil
			for n.dispatcher.Conclude(n.w.ctx, all) != nil {
				if !t.rest(trouble) {
					return
				}
			}
			for _, s := range all {
				if w := n.w; w.now().Sub(s.Attempt.IntendedAt) > slowSending {
					w.unsure++ // its lease may have run out, and another node may have wondered
				}
				delete(n.sending[lane], s)
			}
		}
	})
}

// wakeRouter lets the routers look soon: there are events.
func (w *world) wakeRouter() {
	w.unrouted = 0
	w.lookAtLog(w.between(time.Millisecond, 100*time.Millisecond))
}

func (w *world) lookAtLog(after time.Duration) {
	at := w.now().Add(after)
	if w.routeAt.After(w.now()) && !w.routeAt.After(at) {
		return
	}
	w.routeAt = at
	w.after(after, "route", func() {
		if !w.routeAt.Equal(at) {
			return
		}
		if behind, err := w.behind(); err == nil && !behind {
			return
		}
		for range w.atOnce() {
			if n := w.alive(); n != nil {
				n.route()
			}
		}
		w.lookAtLog(lookAgain << min(w.unrouted, fruitlessMost))
		w.unrouted++
	})
}

func (w *world) behind() (is bool, err error) {
	err = w.db.Read(w.ctx, func(tx *db.Tx) error {
		last, err := event.Tail(tx)
		if err != nil {
			return err
		}
		var n int64
		if err := tx.QueryRow(`SELECT count(*) FROM log_offset WHERE name = 'route' AND seq >= $1`, last).Scan(&n); err != nil {
			return err
		}
		is = n == 0 && last > 0
		return nil
	})
	return is, err
}

func (n *node) route() {
	if n.turning {
		return
	}
	n.turning = true
	n.w.spawn(n, " routes", n.w.upTo(5*time.Millisecond), func(t *task) {
		defer func() { n.turning = false }()
		for {
			_, busy, err := n.router.Turn(n.w.ctx)
			if t.cut || n.dead {
				return
			}
			if err != nil && !t.rest(trouble) || err == nil && !busy {
				return
			}
		}
	})
}

// fold gathers the counts now and then, on some node.
func (w *world) fold() {
	if n := w.alive(); n != nil {
		w.spawn(n, " folds", 0, func(t *task) {
			for range 50 {
				if _, busy, err := n.folder.Turn(w.ctx); err != nil || !busy {
					return
				}
			}
		})
	}
	w.after(w.between(foldEvery/2, foldEvery), "fold", w.fold)
}

func tail(key string) string { return key[max(0, len(key)-4):] }
