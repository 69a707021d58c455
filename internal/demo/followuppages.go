package demo

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/huiyin/huiyin/internal/contact/attempt"
	"github.com/huiyin/huiyin/internal/followup"
	"github.com/huiyin/huiyin/internal/hear/answer"
	"github.com/huiyin/huiyin/internal/measure/report"
	"github.com/huiyin/huiyin/internal/people/customer"
	"github.com/huiyin/huiyin/internal/people/vault"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/errs"
	"github.com/huiyin/huiyin/internal/program/document"
	"github.com/huiyin/huiyin/internal/program/program"
)

const followUpsListed = 40

// followUpRow is one line of a list of follow-ups.
type followUpRow struct {
	followup.FollowUp
	Program, Name, Ref string
	Title              document.Text
	Event              document.Text
	Steps              int // of the version it runs under
}

// followUpsPage lists the newest.
type followUpsPage struct {
	Rows   []followUpRow
	State  string // only these; "" for all
	States []followup.State
	Before int64 // the page begins below this id
	Older  int64 // the next page does; 0: this is the last
}

// shelf is the published programs and their titles.
type shelf struct {
	*program.Set
	titles map[string]document.Text
}

func (d *Demo) shelf(ctx context.Context) (*shelf, error) {
	set, err := d.Library.Set(ctx)
	if err != nil {
		return nil, err
	}
	docs, err := d.House.Documents(ctx, document.KindProgram, "")
	if err != nil {
		return nil, err
	}
	s := &shelf{Set: set, titles: map[string]document.Text{}}
	for _, doc := range docs {
		var def program.Definition
		if err := doc.Decode(&def); err != nil {
			return nil, err
		}
		s.titles[doc.Name] = def.Title
	}
	return s, nil
}

func (d *Demo) followUps(q *request) (any, error) {
	p := &followUpsPage{State: q.URL.Query().Get("state"), States: append([]followup.State{followup.Waiting, followup.Contacting, followup.SetAside}, followup.Finals...)}
	if p.State != "" && !slices.Contains(p.States, followup.State(p.State)) {
		return nil, errs.New(errs.Invalid, codes.FieldInvalid, "no follow-up stands at %q; choose a state from the list", p.State).At("state")
	}
	p.Before = math.MaxInt64
	if text := q.URL.Query().Get("before"); text != "" {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return nil, errs.New(errs.Invalid, codes.CursorInvalid, "the place in the list can't be read; begin again at the first page").At("before")
		}
		p.Before, q.quiet = n, true
	}
	set, err := d.shelf(q.Context())
	if err != nil {
		return nil, err
	}
	err = d.DB.Read(q.Context(), func(tx *db.Tx) error {
		ids, err := db.All(tx, func(r *db.Rows) (id int64, err error) { return id, r.Scan(&id) },
			`SELECT id FROM follow_up WHERE id < $1 AND ($2 = '' OR state = $3) ORDER BY id DESC LIMIT $4`, p.Before, p.State, p.State, followUpsListed)
		if err != nil {
			return err
		}
		p.Rows, p.Older = nil, 0
		if len(ids) == followUpsListed {
			p.Older = ids[len(ids)-1]
		}
		all, err := followup.Get(tx, ids)
		if err != nil {
			return err
		}
		if p.Rows, err = rowsOf(tx, d.House.Vault, set, all); err != nil {
			return err
		}
		slices.SortFunc(p.Rows, func(a, b followUpRow) int { return cmp.Compare(b.ID, a.ID) })
		return nil
	})
	return p, err
}

// rowsOf adds to follow-ups whose they are and of what.
func rowsOf(tx *db.Tx, v *vault.Vault, set *shelf, all []followup.FollowUp) ([]followUpRow, error) {
	customers := make([]int64, len(all))
	for i := range all {
		customers[i] = all[i].Customer
	}
	people, err := customer.Load(tx, customers)
	if err != nil {
		return nil, err
	}
	if err := customer.OpenProfiles(tx.Context(), v, slices.Collect(maps.Values(people))...); err != nil {
		return nil, err
	}
	rows := make([]followUpRow, len(all))
	for i := range all {
		rows[i].FollowUp = all[i]
		live, _, err := set.Version(tx, all[i].Version)
		if err != nil {
			return nil, err
		}
		rows[i].Program, rows[i].Title, rows[i].Steps = live.Name, set.titles[live.Name], len(live.Steps)
		if c := people[all[i].Customer]; c != nil {
			rows[i].Name, rows[i].Ref = c.MaskedName(), c.Ref
		}
		if t, known := set.Catalogue().Type(all[i].TriggerType); known {
			rows[i].Event = t.Title
		}
	}
	return rows, nil
}

// followUpPage tells one follow-up as a story.
type followUpPage struct {
	followUpRow
	Data     []field
	Moments  []report.Moment
	Attempts []attempt.Attempt
	Answers  []said
	Answer   *answer.Answer
}

// NextStep is the step to take next, from 1.
func (p *followUpPage) NextStep() int { return p.Step + 1 }

// field is one thing the event said.
type field struct{ Name, Value string }

// said is one question and what the customer replied.
type said struct {
	Ask, Value string
	Tags       []string
}

func (d *Demo) followUp(q *request) (any, error) {
	id, err := strconv.ParseInt(q.PathValue("id"), 10, 64)
	if err != nil {
		return nil, errs.New(errs.NotFound, codes.NotFound, "there is no follow-up %q; choose one from the list", q.PathValue("id"))
	}
	set, err := d.shelf(q.Context())
	if err != nil {
		return nil, err
	}
	published, err := d.Library.Set(q.Context())
	if err != nil {
		return nil, err
	}
	p := &followUpPage{}
	var e *report.Explanation
	// One snapshot for both: the page never says "waiting" above a story that has ended.
	err = d.DB.Read(q.Context(), func(tx *db.Tx) error {
		if err := d.gather(tx, q, set, id, p); err != nil {
			return err
		}
		e, err = report.Explain(tx, published, d.House.Vault, p.Program, p.Ref)
		return err
	})
	if err != nil {
		return nil, err
	}
	if p.Data, err = fields(p.TriggerData); err != nil {
		return nil, err
	}
	for i := range e.Moments {
		if e.Moments[i].FollowUp == id {
			p.Moments = append(p.Moments, e.Moments[i])
		}
	}
	q.title = p.Title.In(q.lang) + " · " + p.Name
	return p, nil
}

func (d *Demo) gather(tx *db.Tx, q *request, set *shelf, id int64, p *followUpPage) error {
	*p = followUpPage{}
	f, err := followup.One(tx, id)
	if err != nil {
		return err
	}
	rows, err := rowsOf(tx, d.House.Vault, set, []followup.FollowUp{f})
	if err != nil {
		return err
	}
	p.followUpRow = rows[0]
	attempts, err := attempt.OfFollowUps(tx, []int64{id})
	if err != nil {
		return err
	}
	p.Attempts = attempts[id]
	for i := range p.Attempts {
		if err := attempt.Open(tx.Context(), d.House.Vault, &p.Attempts[i]); err != nil {
			return err
		}
	}
	given, err := answer.Of(tx, []int64{id})
	if err != nil || len(given) == 0 {
		return err
	}
	p.Answer = &given[0]
	form, err := d.Library.Questionnaire(tx, p.Answer.Questionnaire)
	if err != nil {
		return err
	}
	for i := range form.Questions {
		question := &form.Questions[i]
		v := p.Answer.Values[question.ID]
		if v.Empty() {
			continue
		}
		s := said{Ask: question.Ask.In(q.lang), Value: fmt.Sprint(v.Given)}
		if yes, is := v.Given.(bool); is {
			s.Value = map[bool]document.Text{true: {document.ZhCN: "是", document.En: "yes"}, false: {document.ZhCN: "否", document.En: "no"}}[yes].In(q.lang)
		}
		if n, is := v.Given.(int64); is {
			s.Value = fmt.Sprintf("%d / %d", n, question.Max)
		}
		for _, key := range v.Tags {
			s.Tags = append(s.Tags, question.TagWords(key, q.lang))
		}
		p.Answers = append(p.Answers, s)
	}
	return nil
}

// fields lists an event's data in the order of its keys.
func fields(data string) ([]field, error) {
	var all map[string]any
	d := json.NewDecoder(strings.NewReader(data))
	d.UseNumber()
	if err := d.Decode(&all); err != nil {
		return nil, err
	}
	var out []field
	for name, value := range all {
		out = append(out, field{name, fmt.Sprint(value)})
	}
	slices.SortFunc(out, func(a, b field) int { return strings.Compare(a.Name, b.Name) })
	return out, nil
}
