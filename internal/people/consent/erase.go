package consent

import (
	"slices"

	"github.com/huiyin/huiyin/internal/decide/policy"
	"github.com/huiyin/huiyin/internal/people/customer"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/ids"
)

// sourceErased marks refusals that somebody left behind.
const sourceErased = "erased"

// Erase takes away what a customer agreed to, wished and said. Their standing refusals stay
// behind without them: under the keyed hash of the wallet's id, and of each address a
// refused channel uses, so that whoever comes again by either finds them.
func Erase(tx *db.Tx, source *ids.Source, person int64, refKey []byte, points []customer.Point) error {
	all, err := db.All(tx, scanRefusal, `SELECT `+refusalColumns+` FROM refusal WHERE customer_id = $1 AND withdrawn_at = 0 ORDER BY id`, person)
	if err != nil {
		return err
	}
	var left []Refusal
	for _, r := range all {
		left = append(left, behind(r, refKey, points)...)
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
			return []any{source.Next(), r.Key, r.Channel, r.Purpose, db.Millis(r.At), db.Millis(r.Recorded), sourceErased}
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
