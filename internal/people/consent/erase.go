package consent

import (
	"slices"

	"github.com/huiyin/huiyin/internal/decide/policy"
	"github.com/huiyin/huiyin/internal/people/customer"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/ids"
)

// What marks rows that somebody left behind: refusals, and consents they had taken back. A
// later consent goes over the second kind, as it goes over a withdrawal.
const (
	sourceErased   = "erased"
	sourceWithdrew = "erased-withdrawal"
)

const (
	blankOfAddress = `UPDATE refusal SET words = '', wording = '', actor = '' WHERE customer_id = 0 AND address_key = $1`
	// A point that isn't theirs was taken from them, so what was said is found by its own entry.
	selectDisowned = `SELECT ` + wishColumns + ` FROM wish WHERE customer_id = $1 AND what = '` + NotTheirs + `' ORDER BY id`
	blankDisowned  = `UPDATE refusal SET words = '', wording = '', actor = '' WHERE customer_id = 0 AND at = $1 AND source = $2 AND words = $3`
)

// Erase takes away what a customer agreed to, wished and said. Their standing refusals, and
// what they had taken back, stay behind without them: under the keyed hash of the wallet's id,
// and of each address a refused channel uses, so that whoever comes again by either finds
// them. Refusals that came from their addresses stand without what was said.
func Erase(tx *db.Tx, source *ids.Source, person int64, refKey []byte, points []customer.Point) error {
	all, err := db.All(tx, scanRefusal, `SELECT `+refusalColumns+` FROM refusal WHERE customer_id = $1 AND withdrawn_at = 0 ORDER BY id`, person)
	if err != nil {
		return err
	}
	var left []Refusal
	for i := range all {
		all[i].Source = sourceErased
	}
	withdrawn, err := withdrawals(tx, person)
	if err != nil {
		return err
	}
	for _, r := range append(all, withdrawn...) {
		left = append(left, behind(r, refKey, points)...)
	}
	if err := blankWords(tx, person, refKey, points); err != nil {
		return err
	}
	for _, statement := range []string{
		`DELETE FROM refusal WHERE customer_id = $1`, `DELETE FROM consent WHERE customer_id = $1`, `DELETE FROM wish WHERE customer_id = $1`,
	} {
		if _, err := tx.Exec(statement, person); err != nil {
			return err
		}
	}
	_, err = tx.Each(`INSERT INTO refusal (id, customer_id, address_key, channel, purpose, at, recorded_at, source) VALUES ($1, 0, $2, $3, $4, $5, $6, $7)`,
		len(left), func(i int) []any {
			r := &left[i]
			return []any{source.Next(), r.Key, r.Channel, r.Purpose, db.Millis(r.At), db.Millis(r.Recorded), r.Source}
		})
	return err
}

// withdrawals are the consents that a customer took back and that no later one goes over.
func withdrawals(tx *db.Tx, person int64) (left []Refusal, err error) {
	standing, err := StandingOf(tx, []int64{person})
	if err != nil {
		return nil, err
	}
	all := standing[person].Consents
	for _, c := range all {
		scope := policy.Refusal{Channel: c.Channel, Purpose: c.Purpose}
		over := func(o policy.Consent) bool {
			return o.Granted && o.At.After(c.At) && covers(policy.Refusal{Channel: o.Channel, Purpose: o.Purpose}, scope)
		}
		if !c.Granted && !slices.ContainsFunc(all, over) {
			left = append(left, Refusal{Channel: c.Channel, Purpose: c.Purpose, At: c.At, Recorded: c.At, Source: sourceWithdrew})
		}
	}
	return left, nil
}

// covers says whether a scope reaches all that another does.
func covers(wide, narrow policy.Refusal) bool {
	return (wide.Channel == policy.Any || wide.Channel == narrow.Channel) && (wide.Purpose == policy.Any || wide.Purpose == narrow.Purpose)
}

// blankWords takes what was said from refusals of the customer's addresses. The refusals stand.
func blankWords(tx *db.Tx, person int64, refKey []byte, points []customer.Point) error {
	keys := [][]byte{refKey}
	for _, p := range points {
		keys = append(keys, p.Key)
	}
	if _, err := tx.Each(blankOfAddress, len(keys), func(i int) []any { return []any{keys[i]} }); err != nil {
		return err
	}
	disowned, err := db.All(tx, scanWish, selectDisowned, person)
	if err != nil {
		return err
	}
	_, err = tx.Each(blankDisowned, len(disowned), func(i int) []any {
		w := &disowned[i]
		return []any{db.Millis(w.At), w.Source, w.Proof}
	})
	return err
}

// behind is what is left of a refusal: one row for each hash it is to be found by.
func behind(r Refusal, refKey []byte, points []customer.Point) []Refusal {
	keys := [][]byte{refKey}
	if len(r.Key) > 0 {
		keys = append(keys, r.Key)
	}
	for _, p := range points {
		if r.Channel == policy.Any || slices.Contains(channelsOf(p.Channel), r.Channel) {
			keys = append(keys, p.Key)
		}
	}
	var left []Refusal
	for _, key := range keys {
		if slices.ContainsFunc(left, func(l Refusal) bool { return string(l.Key) == string(key) }) {
			continue
		}
		l := r
		l.Key = key
		left = append(left, l)
	}
	return left
}
