package report

import (
	"time"

	"github.com/huiyin/huiyin/internal/people/customer"
	"github.com/huiyin/huiyin/internal/people/vault"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/errs"
	"github.com/huiyin/huiyin/internal/program/condition"
	"github.com/huiyin/huiyin/internal/program/document"
	"github.com/huiyin/huiyin/internal/program/program"
	"github.com/huiyin/huiyin/internal/program/questionnaire"
	"github.com/huiyin/huiyin/internal/program/segment"
)

// versionsMax bounds the versions of one program whose hold-out is compared.
const versionsMax = 50

// subject is what a report needs to know of a program.
type subject struct {
	id      int64
	name    string
	title   Text
	state   string
	measure measured
	asks    map[int]bool // by step from 0; nil: not known
	asked   []*questionnaire.Question
}

// askedAt says whether a step, from 0, asks for an answer; if that isn't known, each may.
func (s *subject) askedAt(step int) bool { return s.asks == nil || s.asks[step] }

// Program reports on a program from the day of from to the day of to, both included, by
// UTC. A zero from is the beginning, a zero to is today. set is what is published.
func Program(tx *db.Tx, set *program.Set, name string, from, to time.Time) (*Report, error) {
	s, err := subjectOf(tx, set, name)
	if err != nil {
		return nil, err
	}
	return build(tx, s, from, to)
}

func subjectOf(tx *db.Tx, set *program.Set, name string) (subject, error) {
	id, state, err := findProgram(tx, name)
	if err != nil {
		return subject{}, err
	}
	s := subject{id: id, name: name, state: state}
	doc, err := program.Get(tx, document.KindProgram, name)
	if err == nil {
		var d program.Definition
		if err = document.Decode(doc.Node, &d); err == nil {
			s.title = words(d.Title)
		}
	}
	if err != nil && errs.KindOf(err) != errs.NotFound {
		return subject{}, err
	}
	live := liveOf(set, id)
	if live == nil {
		return s, nil // never published, or its version doesn't compile any more: its figures are given without their questions
	}
	s.measure = measured{event: live.Measure.Event, within: live.Measure.Within}
	if s.measure.holdOut, err = heldOutShare(tx, set, live); err != nil {
		return subject{}, err
	}
	s.asks = map[int]bool{}
	for i := range live.Steps {
		q := live.Steps[i].Questionnaire
		if q == nil {
			continue
		}
		s.asks[i] = true
		for j := range q.Questions {
			s.asked = append(s.asked, &q.Questions[j])
		}
	}
	return s, nil
}

// liveOf gives the published version of a program; nil if there is none.
func liveOf(set *program.Set, id int64) *program.Live {
	for _, p := range set.Published() {
		if p.Live.ID == id {
			return p.Live
		}
	}
	return nil
}

// heldOutShare is the share a program holds out, if all its versions hold out the same; else 0.
func heldOutShare(tx *db.Tx, set *program.Set, live *program.Live) (float64, error) {
	versions, err := db.All(tx, func(r *db.Rows) (int64, error) {
		var id int64
		return id, r.Scan(&id)
	}, `SELECT id FROM program_version WHERE program_id = $1 ORDER BY id DESC LIMIT $2`, live.ID, versionsMax+1)
	if err != nil || len(versions) > versionsMax {
		return 0, err
	}
	for _, id := range versions {
		v, _, err := set.Version(tx, id)
		if err != nil || v.Audience.HoldOut != live.Audience.HoldOut {
			return 0, nil // one that can't be read any more counts as another share
		}
	}
	return live.Audience.HoldOut, nil
}

// Explain tells everything that happened between a customer and a program, in order of
// time; if nothing did, why not, as far as can be worked out again.
func Explain(tx *db.Tx, set *program.Set, v *vault.Vault, name, ref string) (*Explanation, error) {
	id, _, err := findProgram(tx, name)
	if err != nil {
		return nil, err
	}
	c, err := customer.Get(tx, ref)
	if errs.KindOf(err) == errs.NotFound {
		return &Explanation{Program: name, Customer: ref, Moments: []Moment{}, Why: []Text{{
			"没有这位客户:既没有收到过客户资料,也没有收到过相关事件。",
			"There is no such customer: neither a record nor an event has been received.",
		}}}, nil
	}
	if err != nil {
		return nil, err
	}
	e := &Explanation{Program: name, Customer: ref, Moments: []Moment{}}
	moments, err := story(tx, id, c.ID)
	if err != nil || len(moments) > 0 {
		e.Moments = moments
		return e, err
	}
	if err := customer.OpenProfiles(tx.Context(), v, c); err != nil { // a condition may ask for the age
		return nil, err
	}
	b, err := bystanderOf(tx, set, id, c)
	if err == nil {
		e.Why, err = why(liveOf(set, id), b)
	}
	return e, err
}

func bystanderOf(tx *db.Tx, set *program.Set, id int64, c *customer.Customer) (bystander, error) {
	now, err := tx.Now()
	if err != nil {
		return bystander{}, err
	}
	facts, err := customer.LoadFacts(tx, []int64{c.ID})
	if err != nil {
		return bystander{}, err
	}
	b := bystander{customer: c, facts: facts[c.ID]}
	arms, err := db.All(tx, func(r *db.Rows) (string, error) {
		var arm string
		return arm, r.Scan(&arm)
	}, `SELECT arm FROM assignment WHERE program_id = $1 AND customer_id = $2`, id, c.ID)
	if err != nil {
		return bystander{}, err
	}
	if len(arms) > 0 {
		b.assigned = arms[0]
	}
	segments := set.Segments()
	view := &customer.View{Customer: c, Facts: b.facts, Now: now}
	b.inSegment = func(name string) (bool, error) {
		if name == segment.Everyone || name == "" {
			return true, nil
		}
		s := segments[name]
		if s == nil {
			return false, errs.New(errs.Internal, codes.ReferenceUnknown, "the segment %s is not among those published", name)
		}
		return s.Match(condition.Vars{Customer: view})
	}
	view.IsSegment = func(name string) bool { in, err := b.inSegment(name); return err == nil && in }
	return b, nil
}
