package trial

import (
	"container/heap"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"
)

// task is one movement of one node: a piece of the engine's own code that rests
// wherever it meets the database or a provider, so that others go on meanwhile.
type task struct {
	w      *world
	n      *node
	name   string
	id     int
	next   func() (time.Duration, bool)
	stop   func()
	yield  func(time.Duration) bool
	cut    bool // its node died
	urgent bool // between the last look and the wire: a frozen node doesn't hold it
	done   bool

	begun     bool
	unbegun   func() // what is done when its node dies before it has begun
	committed func() // told when its transaction is committed, whatever it learns of that
}

// turn is something that is to happen at a time: a task that goes on, or an event of the world.
type turn struct {
	at   time.Time
	seq  int
	task *task
	fn   func()
	name string
}

// agenda is what is to come, the earliest first; of two at one instant the one put down first.
type agenda []*turn

func (a agenda) Len() int { return len(a) }
func (a agenda) Less(i, j int) bool {
	if a[i].at.Equal(a[j].at) {
		return a[i].seq < a[j].seq
	}
	return a[i].at.Before(a[j].at)
}
func (a agenda) Swap(i, j int) { a[i], a[j] = a[j], a[i] }

// Push and Pop serve container/heap.
func (a *agenda) Push(x any) { *a = append(*a, x.(*turn)) }

// Pop takes the last.
func (a *agenda) Pop() any {
	old := *a
	x := old[len(old)-1]
	old[len(old)-1] = nil
	*a = old[:len(old)-1]
	return x
}

func (w *world) now() time.Time { return w.clock.Now() }

// after puts down an event of the world.
func (w *world) after(d time.Duration, name string, fn func()) {
	w.put(&turn{at: w.now().Add(d), fn: fn, name: name})
}

// at is after, for a time; one that has passed is now.
func (w *world) at(t time.Time, name string, fn func()) { w.after(max(0, t.Sub(w.now())), name, fn) }

func (w *world) put(t *turn) {
	w.seq++
	t.seq = w.seq
	heap.Push(&w.agenda, t)
}

// spawn begins a movement of a node after a while.
func (w *world) spawn(n *node, name string, after time.Duration, fn func(t *task)) *task {
	w.spawned++
	t := &task{w: w, n: n, name: name, id: w.spawned}
	t.next, t.stop = iter.Pull(func(yield func(time.Duration) bool) {
		t.yield, t.begun = yield, true
		fn(t)
	})
	n.tasks[t] = struct{}{}
	w.put(&turn{at: w.now().Add(after), task: t})
	return t
}

// rest lets others go on for d. It says no when the node died meanwhile: the caller must end.
func (t *task) rest(d time.Duration) bool {
	if t.cut || t.n.dead {
		return false
	}
	if !t.yield(d) {
		t.cut = true
	}
	return !t.cut && !t.n.dead
}

// resume takes a task on to its next rest.
func (w *world) resume(t *task) {
	if t.done || t.cut {
		return
	}
	if frozen := t.n.frozenUntil.Sub(w.now()); frozen > 0 && !t.urgent {
		w.put(&turn{at: t.n.frozenUntil.Add(w.upTo(5 * time.Millisecond)), task: t})
		return
	}
	w.cur = t
	d, more := t.next()
	w.cur = nil
	if !more {
		t.done = true
		delete(t.n.tasks, t)
		return
	}
	w.put(&turn{at: w.now().Add(d), task: t})
}

// step takes the world one turn further.
func (w *world) step() {
	x := heap.Pop(&w.agenda).(*turn)
	if x.at.After(w.now()) {
		w.clock.Set(x.at)
	}
	w.res.Turns++
	name := x.name
	if x.task != nil {
		name = x.task.n.name + x.task.name
	}
	w.traced(name)
	if x.task != nil {
		w.resume(x.task)
	} else {
		x.fn()
	}
	for len(w.dying) > 0 {
		n := w.dying[0]
		w.dying = w.dying[1:]
		n.bury()
	}
}

// traced adds to the hash over all that happens.
func (w *world) traced(what string) {
	var b [8]byte
	ms := w.now().UnixNano()
	for i := range b {
		b[i] = byte(ms >> (8 * i))
	}
	_, _ = w.trace.Write(b[:])
	_, _ = w.trace.Write([]byte(what))
	if w.cfg.Trace != nil {
		w.cfg.Trace(w.now(), what)
	}
}

// hook is a node's view of the database's points: where it may rest, fail and die.
func (n *node) hook(point string) error {
	w := n.w
	if n.dead {
		return errDead
	}
	w.traced(point)
	inside := strings.HasSuffix(point, ":commit")
	if strings.HasSuffix(point, ":committed") {
		if w.cur != nil && w.cur.committed != nil {
			w.cur.committed()
		}
		w.wrote(point)
	}
	if n.doomed(point) {
		return errDead
	}
	if err := w.outage(point); err != nil {
		return err
	}
	if inside { // within the transaction, on the writer's own goroutine
		return nil
	}
	if !w.cur.rest(w.pause()) {
		return errDead
	}
	return nil
}

// doomed counts down to a node's death, and kills it at the point it has reached.
func (n *node) doomed(point string) bool {
	if n.doom == 0 {
		return false
	}
	if n.doom--; n.doom > 0 {
		return false
	}
	n.die(point)
	return true
}

// die ends a node at a point: nothing it does from here on has any effect.
func (n *node) die(point string) {
	if n.dead {
		return
	}
	w := n.w
	n.dead = true
	w.res.Crashes++
	w.res.CrashPoints[point]++
	w.traced("dies at " + point)
	w.dying = append(w.dying, n)
	for lane := range n.sending {
		w.unsure += len(n.sending[lane])
	}
	w.asserted += n.dispatcher.Assertions()
	if point == "write:record:committed" {
		w.unsure += recordMost
	}
	again := w.between(time.Second, 4*time.Minute)
	w.after(again, "boot", func() { w.boot(n.slot) })
}

// bury ends the movements of a dead node.
func (n *node) bury() {
	tasks := make([]*task, 0, len(n.tasks))
	for t := range n.tasks {
		tasks = append(tasks, t)
	}
	slices.SortFunc(tasks, func(a, b *task) int { return a.id - b.id })
	for _, t := range tasks { // each learns at its rest that it is dead
		t.cut = true
		t.stop()
		t.done = true
		if !t.begun && t.unbegun != nil {
			t.unbegun()
		}
	}
	clear(n.tasks)
}

func (n *node) String() string { return fmt.Sprintf("node %d.%d", n.slot, n.life) }
