package acts

import (
	"context"
	"errors"

	"github.com/huiyin/huiyin/internal/followup"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/errs"
	"github.com/huiyin/huiyin/internal/program/document"
	"github.com/huiyin/huiyin/internal/program/program"
)

// wakeAtOnce is how many held follow-ups one transaction wakes.
const wakeAtOnce = 2_000

// Applied is what became of documents.
type Applied struct {
	Changes   []program.Change
	Published []Publication
	Warnings  []string // what will keep messages of the published programs from being sent
}

// Publication is a program published along with the documents.
type Publication struct {
	Name    string
	Version int
}

func (h *House) options(actor string) program.Options {
	return program.Options{IDs: h.IDs, Now: h.now(), By: actor, Home: h.Home, Channels: h.connected(), Domains: h.Domains}
}

// Apply takes documents in as drafts, all or none, and publishes the programs among
// them if told to. A dry run says the same and changes nothing.
func (h *House) Apply(ctx context.Context, actor string, docs []document.Document, dryRun, publish bool) (Applied, error) {
	if len(docs) == 0 {
		return Applied{}, errs.New(errs.Invalid, codes.FieldMissing, "there is no document in this; begin one with `kind: Program` and `name: …`")
	}
	var done Applied
	o := h.options(actor)
	act := func(tx *db.Tx) (err error) {
		done = Applied{}
		if done.Changes, err = program.Apply(tx, docs, o, dryRun && !publish); err != nil || !publish {
			return err
		}
		var problems document.Problems
		for _, d := range docs {
			if d.Kind != document.KindProgram {
				continue
			}
			live, err := program.Publish(tx, d.Name, o)
			if e, ours := errs.As(err); err != nil && (!ours || e.Kind == errs.Internal) {
				return err
			}
			if problems.Add(err); err == nil {
				done.Published = append(done.Published, Publication{Name: d.Name, Version: live.Version})
			}
		}
		if err := problems.Err(); err != nil {
			return err
		}
		if dryRun { // publishing can only be tried by doing it
			return errDryRun
		}
		return nil
	}
	err := h.DB.Write(ctx, db.Import, "apply", act)
	if dryRun && errors.Is(err, errDryRun) {
		return done, nil
	}
	if err != nil {
		return Applied{}, err
	}
	h.Library.Stale()
	h.wake()
	if len(done.Published) > 0 {
		var names []string
		for _, p := range done.Published {
			names = append(names, p.Name)
		}
		done.Warnings, err = h.Warnings(ctx, names...)
	}
	return done, err
}

// errDryRun rolls a dry run back.
var errDryRun = errs.New(errs.Conflict, codes.Conflict, "a dry run changes nothing")

// Publish makes the newest draft of a program the one that runs.
func (h *House) Publish(ctx context.Context, actor, name string) (version int, err error) {
	o := h.options(actor)
	err = h.DB.Write(ctx, db.Outcome, "publish", func(tx *db.Tx) error {
		live, err := program.Publish(tx, name, o)
		if err == nil {
			version = live.Version
		}
		return err
	})
	h.Library.Stale()
	if err == nil {
		h.wake()
	}
	return version, err
}

// Pause holds a program.
func (h *House) Pause(ctx context.Context, actor, name string) error {
	return h.turn(ctx, actor, name, program.Pause)
}

// Stop ends a program; its open follow-ups are cancelled when they are next due.
func (h *House) Stop(ctx context.Context, actor, name string) error {
	return h.turn(ctx, actor, name, program.Stop)
}

// Resume lets a paused program go on. Who was held falls due at once.
func (h *House) Resume(ctx context.Context, actor, name string) error {
	if err := h.turn(ctx, actor, name, program.Resume); err != nil {
		return err
	}
	all, err := h.Programs(ctx)
	if err != nil {
		return err
	}
	for _, p := range all {
		if p.Name == name {
			return h.wakeHeld(ctx, p.ID)
		}
	}
	return nil
}

// wakeHeld makes the follow-ups that a paused program held due, some at a time. Those who
// are left out when it is interrupted look for themselves, later.
func (h *House) wakeHeld(ctx context.Context, id int64) error {
	for after := int64(0); ; {
		var last int64
		err := h.write(ctx, db.Outcome, "wake-held", func(tx *db.Tx) error {
			now, err := tx.Now()
			if err != nil {
				return err
			}
			last, err = followup.WakeSome(tx, id, codes.ProgramPaused, now, after, wakeAtOnce)
			return err
		})
		if err != nil || last == 0 {
			return err
		}
		after = last
	}
}

func (h *House) turn(ctx context.Context, actor, name string, fn func(tx *db.Tx, name, by string) error) error {
	err := h.DB.Write(ctx, db.Outcome, "turn-program", func(tx *db.Tx) error { return fn(tx, name, actor) })
	h.Library.Stale() // before anybody is woken to look
	if err == nil {
		h.wake()
	}
	return err
}

// Documents gives documents in their newest version: one, those of a kind (name ""), or all (kind "").
func (h *House) Documents(ctx context.Context, kind, name string) (docs []document.Document, err error) {
	if kind, err = Kind(kind); err != nil {
		return nil, err
	}
	err = h.DB.Read(ctx, func(tx *db.Tx) error {
		if name == "" {
			docs, err = program.All(tx, kind)
			return err
		}
		d, err := program.Get(tx, kind, name)
		docs = []document.Document{d}
		return err
	})
	return docs, err
}

// Programs lists the programs.
func (h *House) Programs(ctx context.Context) (all []program.Summary, err error) {
	err = h.DB.Read(ctx, func(tx *db.Tx) error {
		all, err = program.List(tx)
		return err
	})
	return all, err
}
