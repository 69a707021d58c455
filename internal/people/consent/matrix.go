package consent

import (
	"slices"
	"time"

	"github.com/huiyin/huiyin/internal/decide/policy"
	"github.com/huiyin/huiyin/internal/people/customer"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/ids"
)

// Lanes and Purposes are all that can be allowed or refused one by one.
var (
	Lanes    = []string{"phone", "email", "sms", "inapp", "push", "im", "webhook"}
	Purposes = []string{policy.Notice, policy.Service, policy.Safety, policy.Survey, policy.Marketing}
)

// Cell is one purpose on one channel.
type Cell struct{ Channel, Purpose string }

// refuses says whether a refusal reaches a cell.
func refuses(r policy.Refusal, c Cell) bool {
	return (r.Channel == policy.Any || r.Channel == c.Channel) && (r.Purpose == policy.Any || r.Purpose == c.Purpose)
}

// Refuses says whether a cell is refused.
func (s *Standing) Refuses(c Cell) bool {
	return slices.ContainsFunc(s.Refusals, func(r policy.Refusal) bool { return refuses(r, c) })
}

// Allows says whether a customer finds themselves reachable for a purpose on a channel: by
// consent where one was asked for, and without where none was taken back. Marketing needs one.
func (s *Standing) Allows(c Cell) bool {
	if s.Refuses(c) {
		return false
	}
	var latest *policy.Consent
	for i := range s.Consents {
		o := &s.Consents[i]
		if !refuses(policy.Refusal{Channel: o.Channel, Purpose: o.Purpose}, c) {
			continue
		}
		if latest == nil || o.At.After(latest.At) || o.At.Equal(latest.At) && !o.Granted {
			latest = o
		}
	}
	if latest == nil {
		return c.Purpose != policy.Marketing
	}
	return latest.Granted
}

// Choice is what a customer chose of cells: those that changed, and to what.
type Choice struct {
	On, Off []Cell
}

// Choose records a choice: a consent or its withdrawal for each cell, and refusals that say the
// same in as few words as possible. What isn't in the choice stays as it was.
// wording gives what the customer was shown of a purpose.
func Choose(tx *db.Tx, source *ids.Source, person int64, choice Choice, wording func(purpose string) string, proof Wish, now time.Time) error {
	// Before anything is read: what is refused meanwhile must be seen, or it would be lifted.
	if err := customer.Lock(tx, []int64{person}); err != nil {
		return err
	}
	if hash, err := hashOf(tx, person); err != nil || hash != nil {
		if err != nil {
			return err
		}
		return chooseGone(tx, source, person, choice, proof, now)
	}
	standing, err := StandingOf(tx, []int64{person})
	if err != nil {
		return err
	}
	s := standing[person]
	// What is so already, as when a form is sent twice, needs no words.
	choice.On = slices.DeleteFunc(slices.Clone(choice.On), s.Allows)
	choice.Off = slices.DeleteFunc(slices.Clone(choice.Off), s.Refuses)
	for _, c := range choice.On {
		err := Grant(tx, source, Record{
			Customer: person, Purpose: c.Purpose, Channel: c.Channel, At: now, Source: proof.Source, Wording: wording(c.Purpose), Proof: proof.Proof, Actor: proof.Actor,
		}, now)
		if err != nil {
			return err
		}
	}
	for _, c := range choice.Off {
		if len(s.Consents) == 0 {
			break // nothing to take back; the refusal says it
		}
		err := Withdraw(tx, source, Record{
			Customer: person, Purpose: c.Purpose, Channel: c.Channel, At: now, Source: proof.Source, Wording: wording(c.Purpose), Proof: proof.Proof, Actor: proof.Actor,
		}, now)
		if err != nil {
			return err
		}
	}
	refused := map[Cell]bool{}
	for _, channel := range Lanes {
		for _, purpose := range Purposes {
			c := Cell{channel, purpose}
			refused[c] = (s.Refuses(c) || slices.Contains(choice.Off, c)) && !slices.Contains(choice.On, c)
		}
	}
	kept, err := liftWhere(tx, source, person, refused, proof, now)
	if err != nil {
		return err
	}
	for _, r := range shortest(refused) {
		if uncovered(refused, r, kept) {
			_, err := Refuse(tx, source, Refusal{
				Customer: person, Channel: r.Channel, Purpose: r.Purpose, At: now, Source: proof.Source, Words: proof.Proof, Wording: wording(r.Purpose), Actor: proof.Actor,
			}, now)
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// liftWhere ends the customer's refusals that reach a cell which isn't refused any more, and
// gives those that stand.
func liftWhere(tx *db.Tx, source *ids.Source, person int64, refused map[Cell]bool, proof Wish, now time.Time) (kept []policy.Refusal, err error) {
	all, err := Refusals(tx, person)
	if err != nil {
		return nil, err
	}
	// Those they left behind under the wallet's id, when they were erased once, are theirs too.
	behind, err := db.All(tx, scanRefusal, selectBehindReturned, person, historyMax)
	if err != nil {
		return nil, err
	}
	for _, r := range append(all, behind...) {
		if !r.Lifted.IsZero() {
			continue
		}
		scope := policy.Refusal{Channel: r.Channel, Purpose: r.Purpose}
		if !reachesAllowed(scope, refused) {
			kept = append(kept, scope)
			continue
		}
		if err := Lift(tx, r.ID, now); err != nil {
			return nil, err
		}
		w := proof
		w.Customer, w.What, w.Value, w.At = person, Lifted, r.Channel+" "+r.Purpose, now
		if err := Say(tx, source, w, now); err != nil {
			return nil, err
		}
	}
	return kept, nil
}

func reachesAllowed(r policy.Refusal, refused map[Cell]bool) bool {
	for c, no := range refused {
		if !no && refuses(r, c) {
			return true
		}
	}
	return false
}

// uncovered says whether a refusal reaches a cell that those which stand don't.
func uncovered(refused map[Cell]bool, r policy.Refusal, kept []policy.Refusal) bool {
	for c := range refused {
		if refuses(r, c) && !slices.ContainsFunc(kept, func(k policy.Refusal) bool { return refuses(k, c) }) {
			return true
		}
	}
	return false
}

// shortest says the same in as few refusals as possible, so that a channel that is connected
// tomorrow is refused too when all of today's are.
func shortest(refused map[Cell]bool) []policy.Refusal {
	every := func(r policy.Refusal) bool { return !reachesAllowed(r, refused) }
	if every(policy.Refusal{Channel: policy.Any, Purpose: policy.Any}) {
		return []policy.Refusal{{Channel: policy.Any, Purpose: policy.Any}}
	}
	var all []policy.Refusal
	covered := func(c Cell) bool {
		return slices.ContainsFunc(all, func(r policy.Refusal) bool { return refuses(r, c) })
	}
	for _, channel := range Lanes {
		if r := (policy.Refusal{Channel: channel, Purpose: policy.Any}); every(r) {
			all = append(all, r)
		}
	}
	for _, purpose := range Purposes {
		if r := (policy.Refusal{Channel: policy.Any, Purpose: purpose}); every(r) {
			all = append(all, r)
		}
	}
	for _, channel := range Lanes {
		for _, purpose := range Purposes {
			if c := (Cell{channel, purpose}); refused[c] && !covered(c) {
				all = append(all, policy.Refusal{Channel: channel, Purpose: purpose})
			}
		}
	}
	return all
}
