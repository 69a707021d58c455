package trial

import (
	"bytes"
	"time"

	"github.com/huiyin/huiyin/internal/contact/attempt"
	"github.com/huiyin/huiyin/internal/engine"
	"github.com/huiyin/huiyin/internal/followup"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/program/document"
	"github.com/huiyin/huiyin/internal/program/program"
	"github.com/huiyin/huiyin/internal/trial/oracle"
)

const (
	settleEvery = 6 * time.Hour
	settleAfter = time.Hour // a person looks into an unknown outcome this long after it at the earliest
	settleMost  = 100
)

// operate is somebody pausing, resuming, stopping or changing a program under load.
func (w *world) operate() {
	r := w.programs[w.rng.IntN(len(w.programs))]
	w.res.Faults["program operated"]++
	switch w.rng.IntN(4) {
	case 0:
		w.turnProgram(r, program.Paused, program.Pause)
		w.after(w.between(time.Minute, 12*time.Hour), "resume", func() { w.resumeProgram(r) })
	case 1:
		if r.lasting {
			return
		}
		w.turnProgram(r, program.Stopped, program.Stop)
		w.after(w.between(time.Minute, 12*time.Hour), "publish", func() { w.publish(r) })
	default:
		w.publish(r)
	}
}

func (w *world) turnProgram(r *running, to string, do func(tx *db.Tx, name, by string) error) {
	w.boss.errand("turns "+r.name, func(t *task, n *node) error {
		t.committed = func() { r.become(to, w.now()) }
		return n.db.Write(w.ctx, db.Outcome, "turn-program", func(tx *db.Tx) error { return do(tx, r.name, operator) })
	})
}

// become takes a program's true state to what was just committed.
func (r *running) become(to string, now time.Time) {
	held := func(s string) bool { return s != program.Running }
	switch {
	case held(to) && !held(r.state):
		r.truth.Pauses = append(r.truth.Pauses, oracle.Pause{From: now})
	case !held(to) && held(r.state):
		r.truth.Pauses[len(r.truth.Pauses)-1].Until = now
	}
	r.state = to
}

func (w *world) resumeProgram(r *running) {
	w.boss.errand("resumes "+r.name, func(t *task, n *node) error {
		t.committed = func() {
			if r.state == program.Paused {
				r.become(program.Running, w.now())
			}
		}
		return n.db.Write(w.ctx, db.Outcome, "turn-program", func(tx *db.Tx) error {
			if err := program.Resume(tx, r.name, operator); err != nil {
				return err
			}
			var id int64
			if err := tx.QueryRow(`SELECT id FROM program WHERE name = $1`, r.name).Scan(&id); err != nil {
				return err
			}
			now, err := tx.Now()
			if err != nil {
				return err
			}
			_, err = followup.Wake(tx, id, codes.ProgramPaused, now)
			return err
		})
	})
}

// publish publishes a program again, with other waits. A stopped one runs from then on.
func (w *world) publish(r *running) {
	text := r.document(2 + w.rng.IntN(12))
	w.boss.errand("publishes "+r.name, func(t *task, n *node) error {
		docs, err := document.Parse(bytes.NewReader([]byte(text)))
		if err != nil {
			return err
		}
		t.committed = func() {
			if r.state == program.Stopped {
				r.become(program.Running, w.now())
			}
		}
		return n.db.Write(w.ctx, db.Import, "apply", func(tx *db.Tx) error {
			now, err := tx.Now()
			if err != nil {
				return err
			}
			o := program.Options{IDs: n.ids, Now: now, By: operator, Home: "CN", Channels: lanes}
			if _, err := program.Apply(tx, docs, o, false); err != nil {
				return err
			}
			_, err = program.Publish(tx, r.name, o)
			return err
		})
	})
	if w.calm() {
		w.resumeProgram(r)
	}
}

// settle is the person who finds out what became of what was set aside. The person asks
// the provider, and so knows the truth.
func (w *world) settle() {
	w.after(w.between(settleEvery/2, settleEvery), "settle", w.settle)
	var aside []followup.FollowUp
	attempts := map[int64][]attempt.Attempt{}
	err := w.db.Read(w.ctx, func(tx *db.Tx) (err error) {
		if aside, err = followup.ListAside(tx, 0, settleMost); err != nil {
			return err
		}
		ids := make([]int64, len(aside))
		for i := range aside {
			ids[i] = aside[i].ID
		}
		attempts, err = attempt.OfFollowUps(tx, ids)
		return err
	})
	if err != nil {
		return
	}
	for i := range aside {
		f := &aside[i]
		verdict := engine.EndIt
		for _, a := range attempts[f.ID] {
			if !a.State.Open() {
				continue
			}
			if w.now().Sub(a.IntendedAt) < settleAfter {
				verdict = ""
			} else if _, took := w.providers[a.Channel].took[attempt.Key(w.keys, a.ID)]; took {
				verdict = engine.Arrived
			} else if w.chance(0.8) {
				verdict = engine.NotArrived
			}
		}
		if verdict != "" {
			w.endAside(f.ID, verdict)
		}
	}
}

func (w *world) endAside(id int64, v engine.Verdict) {
	w.boss.errand("settles", func(_ *task, n *node) error {
		set, err := n.known(w.ctx)
		if err != nil {
			return err
		}
		return n.db.Write(w.ctx, db.Outcome, "end-aside", func(tx *db.Tx) error { return n.dispatcher.EndAside(tx, set, id, v) })
	})
}
