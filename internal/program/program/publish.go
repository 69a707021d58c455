package program

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/huiyin/huiyin/internal/platform/audit"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/errs"
	"github.com/huiyin/huiyin/internal/platform/outbox"
	"github.com/huiyin/huiyin/internal/program/document"
)

// version is one published version as stored.
type version struct {
	id, program int64
	number      int
	name, state string
	pins        pins
	document    document.Document
	bad         error // why it can't be read any more
}

// Publish makes the newest draft of a program, with the newest versions of what it names, the one that
// runs. Follow-ups already begun keep theirs. A paused program stays paused. Publishing what is published
// already changes nothing.
func Publish(tx *db.Tx, name string, o Options) (*Live, error) {
	if err := lock(tx); err != nil {
		return nil, err
	}
	p, err := programNamed(tx, name)
	if err != nil {
		return nil, err
	}
	entries, err := newest(tx)
	if err != nil {
		return nil, err
	}
	l := newLibrary(entries, o.Now)
	if err := l.prepare(o.Home); err != nil {
		return nil, err
	}
	draft, err := l.find(document.KindProgram, name)
	if err != nil {
		return nil, err
	}
	live, pinned, err := l.compile(draft.doc)
	if err != nil {
		return nil, err
	}
	if err := notConnected(live, o.Channels); err != nil {
		return nil, draft.doc.Locate(err)
	}
	body, err := document.Encode(draft.doc)
	if err != nil {
		return nil, err
	}
	pinText, err := json.Marshal(pinned)
	if err != nil {
		return nil, err
	}
	live.ID = p.ID
	same, err := publishedAlready(tx, p, string(body), string(pinText), live)
	if err != nil || same {
		return live, err
	}
	return live, insertVersion(tx, p, live, string(body), string(pinText), o)
}

// publishedAlready says whether the newest draft runs already; a stopped program is published anew.
func publishedAlready(tx *db.Tx, p Summary, body, pinText string, live *Live) (bool, error) {
	if p.VersionID == 0 || p.State == Stopped {
		return false, nil
	}
	var was, wasPins string
	if err := tx.QueryRow(`SELECT body, pins FROM program_version WHERE id = $1`, p.VersionID).Scan(&was, &wasPins); err != nil {
		return false, err
	}
	live.VersionID, live.Version = p.VersionID, p.Version
	return was == body && wasPins == pinText, nil
}

func insertVersion(tx *db.Tx, p Summary, live *Live, body, pinText string, o Options) error {
	now, err := tx.Now()
	if err != nil {
		return err
	}
	if err := tx.QueryRow(`SELECT coalesce(max(version), 0) + 1 FROM program_version WHERE program_id = $1`, p.ID).Scan(&live.Version); err != nil {
		return err
	}
	live.VersionID = o.IDs.Next()
	if _, err := tx.Exec(`INSERT INTO program_version (id, program_id, version, body, pins, published_at, published_by) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		live.VersionID, p.ID, live.Version, body, pinText, db.Millis(now), o.By); err != nil {
		return err
	}
	state := Running
	if p.State == Paused {
		state = Paused
	}
	if _, err := tx.Exec(`UPDATE program SET version_id = $1, state = $2 WHERE id = $3`, live.VersionID, state, p.ID); err != nil {
		return err
	}
	if err := outbox.Tell(tx, outbox.Notice{Kind: outbox.ProgramPublished, Program: p.ID, At: now, Data: map[string]any{"version": live.Version, "state": state}}); err != nil {
		return err
	}
	return audit.Append(tx, audit.Entry{Actor: o.By, Act: "program.publish", Object: "Program/" + p.Name, Detail: fmt.Sprintf("version %d", live.Version)})
}

// Pause holds a running program: no follow-up begins and nobody is contacted.
func Pause(tx *db.Tx, name, by string) error { return setState(tx, name, by, Paused, Running) }

// Resume lets a paused program go on.
func Resume(tx *db.Tx, name, by string) error { return setState(tx, name, by, Running, Paused) }

// Stop ends a program; its open follow-ups are cancelled when they are next due. Publishing it starts it again.
func Stop(tx *db.Tx, name, by string) error { return setState(tx, name, by, Stopped, Running, Paused) }

// turned is what is told when a program comes to a state.
var turned = map[string]outbox.Kind{Running: outbox.ProgramResumed, Paused: outbox.ProgramPaused, Stopped: outbox.ProgramStopped}

func setState(tx *db.Tx, name, by, to string, from ...string) error {
	if err := lock(tx); err != nil {
		return err
	}
	p, err := programNamed(tx, name)
	if err != nil || p.State == to {
		return err
	}
	n, err := tx.Exec(`UPDATE program SET state = $1 WHERE id = $2 AND state = ANY($3)`, to, p.ID, from)
	if err != nil {
		return err
	}
	if n == 0 {
		return errs.New(errs.Conflict, codes.PublishingNotPossible, "the program %s is %s and can't become %s; publish it first", name, p.State, to)
	}
	now, err := tx.Now()
	if err != nil {
		return err
	}
	if err := outbox.Tell(tx, outbox.Notice{Kind: turned[to], Program: p.ID, At: now}); err != nil {
		return err
	}
	return audit.Append(tx, audit.Entry{Actor: by, Act: "program." + to, Object: "Program/" + name})
}

func programNamed(tx *db.Tx, name string) (Summary, error) {
	s := Summary{Name: name}
	err := tx.QueryRow(`SELECT p.id, p.state, p.version_id, coalesce(v.version, 0) FROM program p
		LEFT JOIN program_version v ON v.id = p.version_id WHERE p.name = $1`, name).Scan(&s.ID, &s.State, &s.VersionID, &s.Version)
	if errors.Is(err, db.ErrNoRows) {
		return s, unknownDocument(tx, document.KindProgram, name)
	}
	return s, err
}

const versionColumns = `v.id, v.program_id, v.version, v.body, v.pins, p.name, p.state`

func scanVersion(r *db.Rows) (*version, error) {
	var v version
	var body, pinText string
	if err := r.Scan(&v.id, &v.program, &v.number, &body, &pinText, &v.name, &v.state); err != nil {
		return nil, err
	}
	if v.pins, v.bad = readPins(pinText); v.bad == nil {
		v.document, v.bad = reread(document.KindProgram, v.name, body)
	}
	return &v, nil
}

// published reads the version that runs of every published program, by name.
func published(tx *db.Tx) ([]*version, error) {
	return db.All(tx, scanVersion, `SELECT `+versionColumns+` FROM program p JOIN program_version v ON v.id = p.version_id ORDER BY p.name`)
}

// compileVersion compiles a stored version with the documents it pins, under the catalogue and rules of l.
// loaded holds documents read already, by id. bad says why the version can't run; err, that the database couldn't be asked.
func compileVersion(tx *db.Tx, v *version, l *library, loaded map[int64]document.Document) (live *Live, bad, err error) {
	if v.bad != nil {
		return nil, v.bad, nil
	}
	own, err := pinned(tx, v, l, loaded)
	if errors.Is(err, errStored) {
		return nil, err, nil
	}
	if err != nil {
		return nil, nil, err
	}
	if live, _, bad = own.compile(v.document); bad != nil {
		return nil, bad, nil
	}
	live.ID, live.VersionID, live.Version = v.program, v.id, v.number
	return live, nil, nil
}

// pinned gives the library of the documents that a version pins.
func pinned(tx *db.Tx, v *version, l *library, loaded map[int64]document.Document) (*library, error) {
	var missing []int64
	for _, byName := range v.pins {
		for _, id := range byName {
			if _, ok := loaded[id]; !ok {
				missing = append(missing, id)
			}
		}
	}
	if len(missing) > 0 {
		list, err := db.All(tx, scanEntry, `SELECT id, kind, name, version, body FROM document WHERE id = ANY($1)`, missing)
		if err != nil {
			return nil, err
		}
		for _, e := range list {
			loaded[e.id] = e.doc
		}
	}
	entries := map[string]map[string]*entry{}
	for kind, byName := range v.pins {
		entries[kind] = map[string]*entry{}
		for name, id := range byName {
			entries[kind][name] = &entry{id: id, doc: loaded[id]}
		}
	}
	own := newLibrary(entries, l.now)
	own.env, own.rules, own.questionnaires = l.env, l.rules, l.questionnaires
	return own, nil
}
