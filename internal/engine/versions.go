package engine

import (
	"sync"
	"time"

	"github.com/huiyin/huiyin/internal/decide/policy"
	"github.com/huiyin/huiyin/internal/people/customer"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/program/condition"
	"github.com/huiyin/huiyin/internal/program/document"
	"github.com/huiyin/huiyin/internal/program/program"
)

// versions is the part of Programs that serves follow-ups under way: each finishes
// on the version it started with, under the rules that hold now.
type versions struct {
	rules  *policy.Rules
	states map[int64]string // of programs
	load   func(tx *db.Tx, id int64) (*program.Live, error)

	mu    sync.Mutex
	older map[int64]*program.Live // versions met since these programs were arranged
}

func (v *versions) setState(program int64, state string) {
	if v.states == nil {
		v.states = map[int64]string{}
	}
	v.states[program] = state
}

// Under sets the rules that contacts are judged by, and how to find a version that
// only open follow-ups still follow.
func (p *Programs) Under(rules *policy.Rules, load func(tx *db.Tx, id int64) (*program.Live, error)) *Programs {
	p.rules, p.load = rules, load
	return p
}

// Rules are the compiled rule packs and cap policies.
func (p *Programs) Rules() *policy.Rules { return p.rules }

// Version gives a version, and the state its program is in.
func (p *Programs) Version(tx *db.Tx, id int64) (*program.Live, string, error) {
	if v := p.byVersion[id]; v != nil {
		return v, p.states[v.ID], nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if v := p.older[id]; v != nil {
		return v, p.states[v.ID], nil
	}
	v, err := p.load(tx, id)
	if err != nil {
		return nil, "", err
	}
	if p.older == nil {
		p.older = map[int64]*program.Live{}
	}
	p.older[id] = v
	return v, p.states[v.ID], nil
}

// person is the customer as conditions and templates see them at a moment.
func (p *Programs) person(c *customer.Customer, facts *customer.Facts, now time.Time) condition.CustomerView {
	if facts == nil {
		facts = customer.NewFacts()
	}
	v := &customer.View{Customer: c, Facts: facts, Now: now}
	v.IsSegment = func(name string) bool {
		if name == everyone {
			return true
		}
		s := p.segments[name]
		if s == nil {
			return false
		}
		in, err := s.Match(condition.Vars{Customer: v})
		return err == nil && in
	}
	return v
}

// Title is what a program is called to customers: the words of its newest version.
func (p *Programs) Title(id int64) document.Text {
	var newest *program.Live
	for _, live := range p.byVersion {
		if live.ID == id && (newest == nil || live.VersionID > newest.VersionID) {
			newest = live
		}
	}
	if newest == nil {
		return nil
	}
	return newest.Title
}
