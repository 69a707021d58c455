package engine

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/program/program"
	"github.com/huiyin/huiyin/internal/program/questionnaire"
)

// libraryFresh is how long a library goes without asking whether documents were
// changed elsewhere: by another node, or on the command line.
const libraryFresh = time.Second

// Library keeps all that is published compiled, and compiles it anew when documents
// or the state of a program were changed. It is safe for concurrent use.
type Library struct {
	db      *db.DB
	now     func() time.Time
	home    string
	changed func(*program.Set)

	mu       sync.Mutex // held while the database is asked: never take it inside a transaction
	set      *program.Set
	programs *Programs
	asked    time.Time
	newest   atomic.Pointer[program.Set] // set, for those inside a transaction
}

var _ Source = (*Library)(nil).Programs

// NewLibrary makes a library. now is the engine's time, home the country taken for
// customers of whom none is known, changed is told of every new set (nil: nobody).
func NewLibrary(d *db.DB, now func() time.Time, home string, changed func(*program.Set)) *Library {
	return &Library{db: d, now: now, home: home, changed: changed}
}

// Programs gives the published programs as they stand now.
func (l *Library) Programs(ctx context.Context) (*Programs, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.refresh(ctx); err != nil {
		return nil, err
	}
	return l.programs, nil
}

// Set gives what the programs were made of.
func (l *Library) Set(ctx context.Context) (*program.Set, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.refresh(ctx); err != nil {
		return nil, err
	}
	return l.set, nil
}

// Both gives the programs and the set they were made of, of one revision.
func (l *Library) Both(ctx context.Context) (*Programs, *program.Set, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.refresh(ctx); err != nil {
		return nil, nil, err
	}
	return l.programs, l.set, nil
}

// Stale makes the library ask the database the next time it is asked itself: something was just changed here.
func (l *Library) Stale() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.asked = time.Time{}
}

// Questionnaire finds a questionnaire by the id of its version, however old.
func (l *Library) Questionnaire(tx *db.Tx, id int64) (*questionnaire.Questionnaire, error) {
	// Neither refresh nor its lock: whoever refreshes waits for a connection, and may wait for this one.
	set := l.newest.Load()
	if set == nil {
		var err error
		if set, err = program.Load(tx, program.Options{Now: l.now(), Home: l.home}); err != nil {
			return nil, err
		}
	}
	return set.Questionnaire(tx, id)
}

// Newest finds a questionnaire by its name, in its newest version.
func (l *Library) Newest(ctx context.Context, name string) (*questionnaire.Questionnaire, int64, error) {
	set, err := l.Set(ctx)
	if err != nil {
		return nil, 0, err
	}
	return set.Newest(name)
}

// refresh loads what is published, unless it is known to be as it was.
func (l *Library) refresh(ctx context.Context) error {
	now := l.now()
	if age := now.Sub(l.asked); l.set != nil && age >= 0 && age < libraryFresh {
		return nil
	}
	var set *program.Set
	var older []*program.Live
	err := l.db.Read(ctx, func(tx *db.Tx) error {
		revision, err := program.Revision(tx)
		if err != nil || l.set != nil && l.set.Revision() == revision {
			return err
		}
		if set, err = program.Load(tx, program.Options{Now: now, Home: l.home}); err != nil {
			return err
		}
		older, err = stillFollowed(tx, set)
		return err
	})
	if err != nil {
		return err
	}
	l.asked = now
	if set == nil {
		return nil
	}
	published := make([]Published, 0, len(set.Published()))
	for _, p := range set.Published() {
		published = append(published, Published(p))
	}
	l.set = set
	l.newest.Store(set)
	l.programs = NewPrograms(published, older, set.Segments()).Under(set.Rules(), func(tx *db.Tx, id int64) (*program.Live, error) {
		live, _, err := set.Version(tx, id)
		return live, err
	})
	if l.changed != nil {
		l.changed(set)
	}
	return nil
}

// stillFollowed gives the replaced versions that open follow-ups still follow: the
// events these are cancelled by must go on being heard.
func stillFollowed(tx *db.Tx, set *program.Set) ([]*program.Live, error) {
	ids, err := db.All(tx, func(r *db.Rows) (int64, error) {
		var id int64
		return id, r.Scan(&id)
	}, `SELECT v.id FROM program_version v JOIN program p ON p.id = v.program_id WHERE v.id <> p.version_id
		AND EXISTS (SELECT 1 FROM follow_up f WHERE f.program_id = v.program_id AND f.version_id = v.id AND f.ended_at = 0) ORDER BY v.id`)
	if err != nil {
		return nil, err
	}
	var older []*program.Live
	for _, id := range ids {
		live, _, err := set.Version(tx, id)
		if errors.Is(err, program.ErrBroken) {
			continue // it can't say what cancels it; those who follow it are held
		}
		if err != nil {
			return nil, err
		}
		older = append(older, live)
	}
	return older, nil
}
