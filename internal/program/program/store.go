package program

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/huiyin/huiyin/internal/platform/audit"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/errs"
	"github.com/huiyin/huiyin/internal/platform/ids"
	"github.com/huiyin/huiyin/internal/program/document"
)

// StoredMax bounds the documents of one deployment, each in its newest version.
const StoredMax = 5_000

// Options is what documents are judged by besides themselves.
type Options struct {
	IDs      *ids.Source
	Now      time.Time // of the engine's clock
	By       string    // who does it, for the audit
	Home     string    // the country taken for customers of whom none is known
	Channels []string  // connected; asked when publishing
	Domains  []string  // the wallet's own, to which alone texts may link; none: any
}

// What Apply did, or would do, with a document.
const (
	Created   = "created"
	Changed   = "changed"
	Restyled  = "restyled" // comments or layout only: the same version
	Unchanged = "unchanged"
)

// Change is what became of one document.
type Change struct {
	Kind, Name, Act string
	Version         int
	ID              int64 // 0 in a dry run
}

// Apply takes documents in as drafts. Nothing is taken unless all of it is right together with what is
// stored; a dry run judges and tells the same, and writes nothing.
func Apply(tx *db.Tx, docs []document.Document, o Options, dryRun bool) ([]Change, error) {
	if err := lock(tx); err != nil {
		return nil, err
	}
	entries, err := newest(tx)
	if err != nil {
		return nil, err
	}
	ordered := slices.Clone(docs)
	slices.SortStableFunc(ordered, func(a, b document.Document) int {
		return slices.Index(document.Kinds(), a.Kind) - slices.Index(document.Kinds(), b.Kind)
	})
	changes := make([]Change, 0, len(ordered))
	for _, d := range ordered {
		changes = append(changes, take(entries, d))
	}
	if err := judge(tx, entries, ordered, o); err != nil {
		return nil, err
	}
	if dryRun {
		return changes, nil
	}
	for i := range changes {
		if err := write(tx, &changes[i], ordered[i], o); err != nil {
			return nil, err
		}
	}
	return changes, nil
}

// lock makes those who change documents wait for each other on PostgreSQL; SQLite has one writer.
func lock(tx *db.Tx) error {
	if tx.Engine() != db.Postgres {
		return nil
	}
	const documentsLock = 0x64_6f_63_73 // "docs"
	_, err := tx.Exec(`SELECT pg_advisory_xact_lock($1)`, int64(documentsLock))
	return err
}

// take puts a document among the entries and says what that changes.
func take(entries map[string]map[string]*entry, d document.Document) Change {
	c := Change{Kind: d.Kind, Name: d.Name, Act: Created, Version: 1}
	if entries[d.Kind] == nil {
		entries[d.Kind] = map[string]*entry{}
	}
	fresh := &entry{version: 1, doc: d}
	if old, ok := entries[d.Kind][d.Name]; ok {
		c.Act, c.Version, c.ID = Changed, old.version+1, 0
		fresh.version = c.Version
		if document.Same(old.doc, d) {
			c.Act, c.Version, c.ID = Restyled, old.version, old.id
			fresh.version, fresh.id = old.version, old.id
			x, errX := document.Encode(old.doc)
			y, errY := document.Encode(d)
			if errX == nil && errY == nil && bytes.Equal(x, y) {
				c.Act = Unchanged
			}
		}
	}
	entries[d.Kind][d.Name] = fresh
	return c
}

// judge compiles what is taken in, and what is published, against the new whole.
func judge(tx *db.Tx, entries map[string]map[string]*entry, docs []document.Document, o Options) error {
	count := 0
	for _, byName := range entries {
		count += len(byName)
	}
	if count > StoredMax {
		return errs.New(errs.TooLarge, codes.DocumentTooLarge, "there would be %d documents, and %d are allowed", count, StoredMax)
	}
	l := newLibrary(entries, o.Now)
	if err := l.prepare(o.Home); err != nil {
		return err
	}
	var p document.Problems
	for _, d := range docs {
		if err := l.check(d); err != nil {
			l.failed[d.Kind+"/"+d.Name] = true
			p.Add(err)
		}
		p.Add(lintLinks(d, o.Domains))
	}
	if err := p.Err(); err != nil {
		return err
	}
	judgesOthers := slices.ContainsFunc(docs, func(d document.Document) bool {
		return d.Kind == document.KindEventType || d.Kind == document.KindRulePack || d.Kind == document.KindCapPolicy
	})
	if !judgesOthers {
		return nil
	}
	versions, err := published(tx)
	if err != nil {
		return err
	}
	for _, v := range versions {
		_, bad, err := compileVersion(tx, v, l, map[int64]document.Document{})
		if err != nil {
			return err
		}
		if bad != nil {
			p.AddAt("the published program "+v.name+" would break", bad)
		}
	}
	return p.Err()
}

// write stores one change.
func write(tx *db.Tx, c *Change, d document.Document, o Options) error {
	if c.Act == Unchanged {
		return nil
	}
	body, err := document.Encode(d)
	if err != nil {
		return err
	}
	if c.Act == Restyled {
		_, err := tx.Exec(`UPDATE document SET body = $1 WHERE id = $2`, string(body), c.ID)
		return err
	}
	now, err := tx.Now()
	if err != nil {
		return err
	}
	c.ID = o.IDs.Next()
	if _, err := tx.Exec(`INSERT INTO document (id, kind, name, version, body, created_at, created_by) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		c.ID, c.Kind, c.Name, c.Version, string(body), db.Millis(now), o.By); err != nil {
		return err
	}
	if c.Kind == document.KindProgram && c.Act == Created {
		if _, err := tx.Exec(`INSERT INTO program (id, name, state, version_id) VALUES ($1, $2, $3, 0)`, o.IDs.Next(), c.Name, Draft); err != nil {
			return err
		}
	}
	return audit.Append(tx, audit.Entry{
		Actor: o.By, Act: "document.apply", Object: c.Kind + "/" + c.Name, Detail: fmt.Sprintf("%s, version %d", c.Act, c.Version),
	})
}

// newest reads every document in its newest version.
func newest(tx *db.Tx) (map[string]map[string]*entry, error) {
	list, err := db.All(tx, scanEntry, `SELECT d.id, d.kind, d.name, d.version, d.body FROM document d
		WHERE d.version = (SELECT max(v.version) FROM document v WHERE v.kind = d.kind AND v.name = d.name)`)
	if err != nil {
		return nil, err
	}
	return byKind(list), nil
}

func byKind(list []*entry) map[string]map[string]*entry {
	entries := map[string]map[string]*entry{}
	for _, e := range list {
		if entries[e.doc.Kind] == nil {
			entries[e.doc.Kind] = map[string]*entry{}
		}
		entries[e.doc.Kind][e.doc.Name] = e
	}
	return entries
}

func scanEntry(r *db.Rows) (*entry, error) {
	var e entry
	var kind, name, body string
	if err := r.Scan(&e.id, &kind, &name, &e.version, &body); err != nil {
		return nil, err
	}
	d, err := reread(kind, name, body)
	e.doc = d
	return &e, err
}

// errStored marks a stored document that can't be read any more.
var errStored = errors.New("it was stored by another version of Huiyin, or is damaged")

// reread parses a stored document; it was right when it was stored.
func reread(kind, name, body string) (document.Document, error) {
	docs, err := document.Parse(bytes.NewReader([]byte(body)))
	if err == nil && (len(docs) != 1 || docs[0].Kind != kind || docs[0].Name != name) {
		err = errors.New("it isn't one document of this kind and name")
	}
	if err != nil {
		return document.Document{}, fmt.Errorf("the stored %s %s can't be read: %w: %w", kind, name, errStored, err)
	}
	return docs[0], nil
}

// Get gives a document back in its newest version.
func Get(tx *db.Tx, kind, name string) (document.Document, error) {
	list, err := db.All(tx, scanEntry,
		`SELECT id, kind, name, version, body FROM document WHERE kind = $1 AND name = $2 ORDER BY version DESC LIMIT 1`, kind, name)
	if err != nil {
		return document.Document{}, err
	}
	if len(list) == 0 {
		return document.Document{}, unknownDocument(tx, kind, name)
	}
	return list[0].doc, nil
}

func unknownDocument(tx *db.Tx, kind, name string) error {
	names, err := db.All(tx, func(r *db.Rows) (string, error) {
		var n string
		return n, r.Scan(&n)
	}, `SELECT DISTINCT name FROM document WHERE kind = $1 ORDER BY name`, kind)
	if err != nil {
		return err
	}
	return errs.New(errs.NotFound, codes.ReferenceUnknown, "there is no %s `%s`%s", kind, name, document.DidYouMean(name, names))
}

// All gives every document of a kind in its newest version, by name; of all kinds if kind is "".
func All(tx *db.Tx, kind string) ([]document.Document, error) {
	entries, err := newest(tx)
	if err != nil {
		return nil, err
	}
	var docs []document.Document
	for _, k := range document.Kinds() {
		if kind != "" && k != kind {
			continue
		}
		for _, e := range newLibrary(entries, time.Time{}).sorted(k) {
			docs = append(docs, e.doc)
		}
	}
	return docs, nil
}

// Summary is one program as lists show it.
type Summary struct {
	ID        int64
	Name      string
	State     string
	VersionID int64 // 0: never published
	Version   int
	Published time.Time
}

// List gives every program, by name.
func List(tx *db.Tx) ([]Summary, error) {
	return db.All(tx, func(r *db.Rows) (Summary, error) {
		var s Summary
		var at int64
		err := r.Scan(&s.ID, &s.Name, &s.State, &s.VersionID, &s.Version, &at)
		s.Published = db.Time(at)
		return s, err
	}, `SELECT p.id, p.name, p.state, p.version_id, coalesce(v.version, 0), coalesce(v.published_at, 0)
		FROM program p LEFT JOIN program_version v ON v.id = p.version_id ORDER BY p.name`)
}

// AskStates asks for the state of every program, into states, together with other questions.
func AskStates(states map[int64]string) db.Question {
	return db.Question{Query: `SELECT id, state FROM program`, Row: func(r *db.Rows) error {
		var id int64
		var state string
		err := r.Scan(&id, &state)
		states[id] = state
		return err
	}}
}

func readPins(text string) (pins, error) {
	var p pins
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		return nil, fmt.Errorf("the pins of a published program can't be read: %w", err)
	}
	return p, nil
}
