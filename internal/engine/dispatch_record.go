package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/huiyin/huiyin/internal/channel"
	"github.com/huiyin/huiyin/internal/contact/attempt"
	"github.com/huiyin/huiyin/internal/decide/policy"
	"github.com/huiyin/huiyin/internal/followup"
	"github.com/huiyin/huiyin/internal/hear/answer"
	"github.com/huiyin/huiyin/internal/people/consent"
	"github.com/huiyin/huiyin/internal/people/customer"
	"github.com/huiyin/huiyin/internal/people/vault"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/tally"
	"github.com/huiyin/huiyin/internal/program/program"
)

// Record decides up to limit due follow-ups of a lane and makes durable what will
// be sent, all in one transaction: the rows of the customers and of their
// allowances are locked, so two nodes can't count the same allowance twice and a
// refusal is either seen here or waits until this is committed and is seen by the
// last look.
func (d *Dispatcher) Record(ctx context.Context, lane string, limit int) (*Batch, error) {
	set, err := d.Programs(ctx)
	if err != nil {
		return nil, err
	}
	var r *recording
	err = d.DB.Write(ctx, db.Outcome, "record", func(tx *db.Tx) error {
		r = &recording{d: d, tx: tx, set: set}
		return r.run(lane, limit)
	})
	if err != nil {
		return nil, err
	}
	now := d.Clock.Now()
	for _, s := range r.batch.Sendings {
		s.recorded = now
	}
	return r.batch, nil
}

// recording is one transaction of Record.
type recording struct {
	d     *Dispatcher
	tx    *db.Tx
	set   *Programs
	now   time.Time
	batch *Batch

	customers  map[int64]*customer.Customer
	erased     map[int64]bool // asked only when a key is missing
	facts      map[int64]*customer.Facts
	standing   map[int64]consent.Standing
	attempts   map[int64][]attempt.Attempt
	allowances attempt.Allowances
	filled     map[answer.Quota]int64
	states     map[int64]string // of programs, as they are now: what the node knows may be a second old

	counts      tally.Batch
	moves       []followup.Move
	decisions   []followup.Decision
	programs    []int64 // of the decisions
	unknown     []attempt.Change
	sendings    []*Sending
	invitations []answer.Invitation
}

func (r *recording) run(lane string, limit int) (err error) {
	r.batch = &Batch{}
	if r.now, err = r.tx.Now(); err != nil {
		return err
	}
	due, err := followup.Due(r.tx, lane, r.now, limit)
	if err != nil {
		return err
	}
	if r.batch.Handled = len(due); len(due) == 0 {
		r.batch.Now = r.now
		r.batch.Next, err = followup.NextDue(r.tx, lane)
		return err
	}
	if err := r.load(due, lane); err != nil {
		return err
	}
	for i := range due {
		if err := r.one(&due[i]); err != nil {
			return err
		}
	}
	return r.write()
}

// load locks and reads all that the due follow-ups' decisions need.
func (r *recording) load(due []followup.FollowUp, lane string) (err error) {
	var tried []int64
	customers := make([]int64, len(due))
	for i := range due {
		customers[i] = due[i].Customer
		if due[i].Epoch > 0 { // without a claim there is no attempt
			tried = append(tried, due[i].ID)
		}
	}
	r.customers = make(map[int64]*customer.Customer, len(customers))
	if err := r.tx.Ask(customer.LockRows(customers, r.customers)); err != nil {
		return err
	}
	// What follows is read after the rows are locked: it sees every refusal that was faster.
	r.standing, r.attempts, r.states = make(map[int64]consent.Standing, len(customers)), map[int64][]attempt.Attempt{}, map[int64]string{}
	questions := append(consent.Questions(customers, r.standing), customer.Points(customers, r.customers), program.AskStates(r.states))
	if len(tried) > 0 {
		questions = append(questions, attempt.AskOfFollowUps(tried, r.attempts))
	}
	if err := r.tx.Ask(questions...); err != nil {
		return err
	}
	if r.facts, err = r.loadFacts(due); err != nil {
		return err
	}
	if err := r.open(lane); err != nil {
		return err
	}
	var keys []string
	for id, c := range r.customers {
		keys = append(keys, attempt.CustomerKey(id))
		if p, ok := c.Point(lane); ok {
			keys = append(keys, attempt.PointKey(p.Key))
		}
	}
	for _, of := range r.attempts { // one that goes out again goes where it went
		for i := range of {
			if of[i].State.Open() {
				keys = append(keys, attempt.PointKey(of[i].AddressKey))
			}
		}
	}
	if r.allowances, err = attempt.LockAllowances(r.tx, keys); err != nil {
		return err
	}
	return r.loadQuotas(due) // last: whoever answers waits for it
}

// open opens what is sealed of the customers, and of the attempts that may go out again.
func (r *recording) open(lane string) error {
	people := make([]*customer.Customer, 0, len(r.customers))
	for _, c := range r.customers {
		people = append(people, c)
	}
	if err := customer.OpenFor(r.tx.Context(), r.d.Vault, lane, people...); err != nil {
		return err
	}
	for _, c := range people {
		if !c.Gone {
			continue
		}
		if err := r.askErased(people); err != nil {
			return err
		}
		break
	}
	var again []*attempt.Attempt
	for _, of := range r.attempts {
		for i := range of {
			if of[i].State.Open() {
				again = append(again, &of[i])
			}
		}
	}
	return attempt.Open(r.tx.Context(), r.d.Vault, again...)
}

// askErased asks who is being erased.
func (r *recording) askErased(people []*customer.Customer) (err error) {
	ids := make([]int64, len(people))
	for i, c := range people {
		ids[i] = c.ID
	}
	r.erased, err = vault.Begun(r.tx, ids)
	return err
}

// one plans one follow-up and gathers what is to be written for it.
func (r *recording) one(f *followup.FollowUp) error {
	live, state, err := r.set.Version(r.tx, f.Version)
	if errors.Is(err, program.ErrBroken) {
		r.hold(f, err)
		return nil
	}
	if err != nil {
		return err
	}
	c := r.customers[f.Customer]
	if c == nil {
		r.assert(f, "its customer is missing")
		return nil
	}
	if now, ok := r.states[f.Program]; ok {
		state = now
	}
	if c.Gone {
		if !r.erased[c.ID] {
			r.assert(f, "the customer's key isn't in the vault: put the vault's latest backup back, or send the customer again")
			return nil
		}
		// The rows are still to follow.
		r.moves = append(r.moves, followup.Move{
			ID: f.ID, Program: f.Program, Epoch: f.Epoch, State: followup.Cancelled, Reason: codes.CustomerErased, Step: f.Step, Lane: f.Lane, DueAt: r.now, Raise: true,
		})
		return nil
	}
	if c.Damaged != nil {
		r.assert(f, c.Damaged.Error())
		return nil
	}
	if chosen := r.standing[f.Customer].Language; chosen != "" {
		c.Language = chosen
	}
	s := &situation{
		f: f, live: live, state: state, customer: c, attempts: r.attempts[f.ID], rules: r.set.Rules(), now: r.now,
		view:    r.set.person(c, r.facts[f.Customer], r.now),
		facts:   baseFacts(c, r.standing[f.Customer]),
		channel: r.d.Channels.Get,
		full: func(step *program.Step) bool {
			q := step.Questionnaire
			return q != nil && q.Quota > 0 && r.filled[answer.Quota{Program: live.ID, Questionnaire: q.Name}] >= q.Quota
		},
		counted: func(p customer.Point) (person, address []policy.Counted) {
			return r.allowances.Counted(attempt.CustomerKey(c.ID)), r.allowances.Counted(attempt.PointKey(p.Key))
		},
	}
	var p plan
	if err := guarded(func() error { p = s.decide(); return nil }); err != nil {
		r.assert(f, err.Error())
		return nil
	}
	for i := range p.decisions {
		p.decisions[i].ID = r.d.IDs.Next()
		r.decisions, r.programs = append(r.decisions, p.decisions[i]), append(r.programs, f.Program)
	}
	switch p.deed {
	case send:
		return r.intend(s, &p)
	case resend, lookUp:
		return r.again(s, &p)
	}
	if p.move.State == followup.SetAside && p.open != nil && p.open.State == attempt.Intended {
		r.unknown = append(r.unknown, attempt.Change{Attempt: p.open, To: attempt.Unknown, Reason: codes.OutcomeUnknown, At: r.now})
	}
	r.moves = append(r.moves, p.move)
	return nil
}

// guarded makes a panic an error: a fault in one program's condition or template must not
// stop the lane.
func guarded(fn func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("it panicked: %v", p)
		}
	}()
	return fn()
}

// intend makes a new attempt of an allowed step: its content is finished here, so
// that what is durable is what will be sent.
func (r *recording) intend(s *situation, p *plan) error {
	ch, _ := s.channel(p.step.Channel)
	a := attempt.Attempt{
		ID: r.d.IDs.Next(), FollowUp: s.f.ID, Program: s.f.Program, Customer: s.customer.ID,
		Step: p.move.Step, Try: s.tried(p.move.Step) + 1, Channel: p.step.Channel, Purpose: p.step.Purpose,
		Content: attempt.Content{Address: p.point.Address}, AddressKey: p.point.Key, KeyID: s.customer.KeyID,
		State: attempt.Intended, Epoch: s.f.Epoch + 1, IntendedAt: r.now, Sends: 1,
	}
	if err := guarded(func() error { return r.d.compose(s, p, &a) }); err != nil {
		// A template that can't be rendered for this customer concerns this follow-up alone.
		r.assert(s.f, fmt.Sprintf("the message can't be made: %v", err))
		return nil
	}
	keys := []string{attempt.CustomerKey(s.customer.ID), attempt.PointKey(p.point.Key)}
	if err := r.allowances.Damaged(keys...); err != nil {
		r.assert(s.f, err.Error())
		return nil
	}
	// Each message, although a follow-up counts once: a rule may count messages.
	r.allowances.Reserve(policy.Counted{At: r.now, Purpose: p.step.Purpose, Kind: policy.Message, FollowUp: s.f.ID, Attempt: a.ID}, keys...)
	r.push(s, p, &Sending{Attempt: a, Message: r.d.message(s, &a), channel: ch})
	if p.step.Questionnaire != nil {
		r.invitations = append(r.invitations, answer.Invitation{
			FollowUp: s.f.ID, Questionnaire: p.step.QuestionnaireID, Channel: p.step.Channel, Language: a.Language,
			Until: later(r.now, s.f.Deadline).Add(linkGrace),
		})
	}
	return nil
}

// again takes an open attempt to the wire once more, or asks what became of it.
func (r *recording) again(s *situation, p *plan) error {
	ch, _ := s.channel(p.open.Channel)
	a := *p.open
	if p.deed == resend {
		a.Epoch = s.f.Epoch + 1
		r.allowances.Renew(a.ID, r.now, attempt.CustomerKey(a.Customer), attempt.PointKey(a.AddressKey))
	}
	r.push(s, p, &Sending{
		Attempt: a, channel: ch, again: true, lookUp: p.deed == lookUp,
		settled:  r.now.Sub(a.UpdatedAt) >= lookUpSettle, // now, when it is asked: the answer may be kept much later
		Message:  r.d.message(s, &a),
		keyUntil: a.IntendedAt.Add(ch.Abilities().Idempotency - keyMargin),
	})
	return nil
}

// push claims the follow-up for a sending: a higher fence, and a lease that outlasts the send.
func (r *recording) push(s *situation, p *plan, out *Sending) {
	out.lease = 2*out.channel.Abilities().SendTimeout + leaseSlack
	m := p.move
	m.State, m.Reason, m.DueAt, m.Raise = followup.Contacting, "", r.now.Add(out.lease), true
	r.moves = append(r.moves, m)
	out.live, out.rejected = s.live, s.rejections(m.Step)
	out.FollowUp = *s.f
	out.FollowUp.State, out.FollowUp.Step, out.FollowUp.DueAt = m.State, m.Step, m.DueAt
	out.FollowUp.Epoch++
	p.facts.Counted = nil // it has counted itself by now
	out.facts = lookFacts{policy: p.facts, rules: s.rules}
	r.sendings = append(r.sendings, out)
}

// hold keeps a follow-up whose version can't run until what broke it is mended; at its
// deadline a person gets it.
func (r *recording) hold(f *followup.FollowUp, why error) {
	if r.now.After(f.Deadline) {
		r.assert(f, why.Error())
		return
	}
	until := r.now.Add(heldRecheck)
	r.moves = append(r.moves, followup.Move{
		ID: f.ID, Program: f.Program, Epoch: f.Epoch, State: followup.Waiting, Reason: codes.ProgramBroken, Step: f.Step, Lane: f.Lane, DueAt: until,
	})
	if f.Reason == codes.ProgramBroken {
		return
	}
	r.decisions = append(r.decisions, followup.Decision{ID: r.d.IDs.Next(), FollowUp: f.ID, Step: f.Step, At: r.now, Verdict: followup.Defer, Reason: codes.ProgramBroken, Until: until})
	r.programs = append(r.programs, f.Program)
}

// assert stops one follow-up because something that can't be is so, and hands it to a person.
func (r *recording) assert(f *followup.FollowUp, what string) {
	r.d.assertions.Add(1)
	what = channel.Detail(what, "") // one line, and bounded
	r.moves = append(r.moves, followup.Move{
		ID: f.ID, Program: f.Program, Epoch: f.Epoch, State: followup.SetAside, Reason: codes.AssertionStopped, Step: f.Step, Lane: f.Lane, DueAt: r.now, Raise: true,
	})
	r.decisions = append(r.decisions, followup.Decision{ID: r.d.IDs.Next(), FollowUp: f.ID, Step: f.Step, At: r.now, Verdict: followup.Deny, Reason: codes.AssertionStopped, Rule: what})
	r.programs = append(r.programs, f.Program)
}

// write writes everything gathered. Every follow-up was read under its lock, so every
// fence must hold; one that doesn't means that the lock is broken, and nothing of the
// batch may go out.
func (r *recording) write() error {
	held, err := followup.Moves(r.tx, &r.counts, r.now, r.moves)
	if err != nil {
		return err
	}
	for i, ok := range held {
		if !ok {
			return fmt.Errorf("follow-up %d changed while it was locked", r.moves[i].ID)
		}
	}
	var fresh, again []attempt.Attempt
	for _, s := range r.sendings {
		switch {
		case !s.again:
			fresh = append(fresh, s.Attempt)
		case !s.lookUp:
			again = append(again, s.Attempt)
		}
	}
	if err := attempt.Intend(r.tx, r.d.Vault, &r.counts, fresh); err != nil {
		return err
	}
	if err := attempt.Resend(r.tx, again, r.now); err != nil {
		return err
	}
	if _, err := attempt.Apply(r.tx, &r.counts, r.unknown); err != nil {
		return err
	}
	if err := r.invite(); err != nil {
		return err
	}
	if err := r.allowances.Save(r.tx, r.now); err != nil {
		return err
	}
	if err := followup.Decide(r.tx, &r.counts, func(i int) int64 { return r.programs[i] }, r.decisions); err != nil {
		return err
	}
	r.batch.Sendings = r.sendings
	return r.counts.Flush(r.tx)
}

// invite makes the links of the new attempts good.
func (r *recording) invite() error {
	if len(r.invitations) == 0 {
		return nil
	}
	tokens, err := r.d.Links.IssueAll(r.tx, r.now, r.invitations)
	if err != nil {
		return err
	}
	for i, t := range tokens {
		if t == "" {
			return fmt.Errorf("follow-up %d is held out, and would have been asked a question", r.invitations[i].FollowUp)
		}
	}
	return nil
}

// later is the later of two moments: one that goes out again may do so after the deadline.
func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// loadQuotas reads how many answers there are to the questionnaires that want only so many.
func (r *recording) loadQuotas(due []followup.FollowUp) error {
	var quotas []answer.Quota
	for i := range due {
		live, _, err := r.set.Version(r.tx, due[i].Version)
		if errors.Is(err, program.ErrBroken) {
			continue
		}
		if err != nil {
			return err
		}
		for j := range live.Steps {
			if q := live.Steps[j].Questionnaire; q != nil && q.Quota > 0 {
				quotas = append(quotas, answer.Quota{Program: live.ID, Questionnaire: q.Name})
			}
		}
	}
	if len(quotas) == 0 {
		return nil
	}
	var err error
	r.filled, err = answer.Filled(r.tx, quotas)
	return err
}

// loadFacts reads the facts of customers whose next steps ask for them.
func (r *recording) loadFacts(due []followup.FollowUp) (map[int64]*customer.Facts, error) {
	var asked []int64
	for i := range due {
		live, _, err := r.set.Version(r.tx, due[i].Version)
		if errors.Is(err, program.ErrBroken) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(live.Steps, func(s program.Step) bool { return s.UsesFacts }) {
			asked = append(asked, due[i].Customer)
		}
	}
	if len(asked) == 0 {
		return nil, nil
	}
	return customer.LoadFacts(r.tx, asked)
}
