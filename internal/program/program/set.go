package program

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"github.com/huiyin/huiyin/internal/decide/policy"
	"github.com/huiyin/huiyin/internal/intake/event"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/errs"
	"github.com/huiyin/huiyin/internal/program/condition"
	"github.com/huiyin/huiyin/internal/program/document"
	"github.com/huiyin/huiyin/internal/program/questionnaire"
)

// Set is all that is published, compiled, as of one revision. It is safe for concurrent use.
//
// A segment means the same to all programs: the newest version that a published program pins.
type Set struct {
	revision  string
	lib       *library
	published []Published
	states    map[int64]string
	names     map[string]int64
	segments  map[string]*condition.Condition
	broken    map[string]error

	mu             sync.Mutex
	versions       map[int64]*Live
	unusable       map[int64]error // versions that don't compile any more
	questionnaires map[int64]*questionnaire.Questionnaire
}

// Published is a program's published version and the state the program is in.
type Published struct {
	Live  *Live
	State string
}

// Revision tells the state of all documents and programs in one word; it moves with every change.
func Revision(tx *db.Tx) (string, error) {
	var out strings.Builder
	var doc, docs, version int64
	// Counted too: a node whose clock is behind makes a newer document a smaller number.
	if err := tx.QueryRow(`SELECT coalesce((SELECT max(id) FROM document), 0), (SELECT count(*) FROM document), coalesce((SELECT max(id) FROM program_version), 0)`).
		Scan(&doc, &docs, &version); err != nil {
		return "", err
	}
	_, _ = fmt.Fprintf(&out, "%d.%d.%d", doc, docs, version)
	list, err := List(tx)
	if err != nil {
		return "", err
	}
	for _, p := range list {
		out.WriteString("." + strconv.FormatInt(p.VersionID, 36) + p.State[:2])
	}
	return out.String(), nil
}

// Load compiles what is published. A version that no longer compiles, which Apply doesn't allow, takes
// its own program out and no other; Broken names it.
func Load(tx *db.Tx, o Options) (*Set, error) {
	s := &Set{
		states: map[int64]string{}, names: map[string]int64{}, segments: map[string]*condition.Condition{}, broken: map[string]error{},
		versions: map[int64]*Live{}, unusable: map[int64]error{}, questionnaires: map[int64]*questionnaire.Questionnaire{},
	}
	var err error
	if s.revision, err = Revision(tx); err != nil {
		return nil, err
	}
	entries, err := newest(tx)
	if err != nil {
		return nil, err
	}
	s.lib = newLibrary(entries, o.Now)
	if err := s.lib.prepare(o.Home); err != nil {
		return nil, err
	}
	all, err := List(tx)
	if err != nil {
		return nil, err
	}
	for _, p := range all {
		s.states[p.ID], s.names[p.Name] = p.State, p.ID
	}
	return s, s.load(tx)
}

func (s *Set) load(tx *db.Tx) error {
	versions, err := published(tx)
	if err != nil {
		return err
	}
	documents := map[int64]document.Document{}
	newestPin := map[string]int64{}
	for _, v := range versions {
		live, bad, err := compileVersion(tx, v, s.lib, documents)
		if err != nil {
			return err // not a fault of the program: it must not be taken out for it
		}
		if bad != nil {
			s.broken[v.name], s.unusable[v.id] = bad, bad
			continue
		}
		s.versions[v.id] = live
		s.published = append(s.published, Published{live, v.state})
		for name, id := range v.pins[document.KindSegment] {
			newestPin[name] = max(newestPin[name], id)
		}
	}
	for name, id := range newestPin {
		own := newLibrary(byKind([]*entry{{id: id, doc: documents[id]}}), s.lib.now)
		own.env = s.lib.env
		compiled, _, err := own.segment(name)
		if err != nil {
			return err
		}
		s.segments[name] = compiled.Condition()
	}
	return nil
}

// Revision tells which state of the documents the Set was made of; see the function of this name.
func (s *Set) Revision() string { return s.revision }

// Published lists the programs that have been published, whatever their state now, by name.
func (s *Set) Published() []Published { return s.published }

// Segments gives the conditions of the segments that published programs name. The caller must not change it.
func (s *Set) Segments() map[string]*condition.Condition { return s.segments }

// ID finds a program by name, published or not.
func (s *Set) ID(name string) (int64, bool) {
	id, ok := s.names[name]
	return id, ok
}

// State tells a program's state as of the Set's revision.
func (s *Set) State(program int64) string { return s.states[program] }

// Name gives a program's name as of the Set's revision, "" if it has none.
func (s *Set) Name(program int64) string {
	for name, id := range s.names {
		if id == program {
			return name
		}
	}
	return ""
}

// Broken names the programs that can't run, and why.
func (s *Set) Broken() map[string]error { return s.broken }

// ErrBroken says that a version can't be compiled any more, since the catalogue changed
// under it perhaps. It concerns those who follow that version, and nobody else.
var ErrBroken = errors.New("this version of the program can't run any more")

// Version finds a version, published or replaced, and the state of its program. An error
// that is ErrBroken will stay; any other means that the database couldn't be asked.
func (s *Set) Version(tx *db.Tx, id int64) (*Live, string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if live, ok := s.versions[id]; ok {
		return live, s.states[live.ID], nil
	}
	if bad := s.unusable[id]; bad != nil {
		return nil, "", fmt.Errorf("%w: %w", ErrBroken, bad)
	}
	list, err := db.All(tx, scanVersion, `SELECT `+versionColumns+` FROM program_version v JOIN program p ON p.id = v.program_id WHERE v.id = $1`, id)
	if err != nil {
		return nil, "", err
	}
	if len(list) == 0 {
		return nil, "", errs.New(errs.NotFound, codes.ReferenceUnknown, "there is no version %d of a program", id)
	}
	live, bad, err := compileVersion(tx, list[0], s.lib, map[int64]document.Document{})
	if err != nil {
		return nil, "", err
	}
	if bad != nil {
		s.unusable[id] = bad
		return nil, "", fmt.Errorf("%w: %w", ErrBroken, bad)
	}
	s.versions[id] = live
	return live, list[0].state, nil
}

// Questionnaire finds a questionnaire by the id of its version, however old.
func (s *Set) Questionnaire(tx *db.Tx, id int64) (*questionnaire.Questionnaire, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if q, ok := s.questionnaires[id]; ok {
		return q, nil
	}
	list, err := db.All(tx, scanEntry, `SELECT id, kind, name, version, body FROM document WHERE id = $1 AND kind = $2`, id, document.KindQuestionnaire)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, errs.New(errs.NotFound, codes.ReferenceUnknown, "there is no version %d of a questionnaire", id)
	}
	q, err := compileQuestionnaire(list[0].doc, s.lib.env)
	if err != nil {
		return nil, err
	}
	s.questionnaires[id] = q
	return q, nil
}

// Newest finds a questionnaire by its name, in its newest version.
func (s *Set) Newest(name string) (*questionnaire.Questionnaire, int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, e, err := s.lib.questionnaire(name)
	if err != nil {
		return nil, 0, err
	}
	return q, e.id, nil
}

// Rules gives the rules that contacts are judged by.
func (s *Set) Rules() *policy.Rules { return s.lib.rules }

// Catalogue gives the event types there are.
func (s *Set) Catalogue() *event.Catalogue { return s.lib.env.Catalogue() }
