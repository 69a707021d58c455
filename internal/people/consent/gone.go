package consent

import (
	"time"

	"github.com/huiyin/huiyin/internal/decide/policy"
	"github.com/huiyin/huiyin/internal/people/customer"
	"github.com/huiyin/huiyin/internal/people/vault"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/errs"
	"github.com/huiyin/huiyin/internal/platform/ids"
)

// Links in old messages name customers who were erased since, and whom the wallet may have
// sent again under the same id of its own. Their no still holds, for whoever has that id;
// nothing can be allowed or wished in the name of a record there isn't any more.

const (
	selectBehind = `SELECT ` + refusalColumns + ` FROM refusal
WHERE customer_id = 0 AND address_key = $1 AND withdrawn_at = 0 AND source <> '` + sourceWithdrew + `' ORDER BY id LIMIT $2`
	selectBehindReturned = `SELECT ` + refusalColumns + ` FROM refusal
WHERE customer_id = 0 AND withdrawn_at = 0 AND source <> '` + sourceWithdrew + `'
AND address_key IN (SELECT address_key FROM contact_point WHERE customer_id = $1 AND channel = '` + customer.RefPoint + `') ORDER BY id LIMIT $2`
)

// hashOf is the keyed hash of the wallet's id that somebody had who was erased; nil: they weren't.
func hashOf(tx *db.Tx, person int64) ([]byte, error) {
	if person == 0 {
		return nil, nil
	}
	ref, _, err := customer.Named(tx, person)
	if err != nil || ref != "" && ref != customer.ErasedRef(person) {
		return nil, err
	}
	return vault.HashOf(tx, person)
}

func errGone() error {
	return errs.New(errs.Invalid, codes.Erased,
		"the customer was erased, so nothing can be allowed or changed for them: use the record that the wallet has now, or a link from a newer message")
}

// refuseGone records a refusal of somebody who was erased, without their words.
func refuseGone(tx *db.Tx, source *ids.Source, r Refusal, hash []byte, now time.Time) (int64, error) {
	address := r.Key
	r.Customer, r.Key, r.Words, r.Wording, r.Actor = 0, hash, "", "", ""
	id, err := Refuse(tx, source, r, now)
	if err != nil || len(address) == 0 {
		return id, err
	}
	r.Key = address
	return Refuse(tx, source, r, now)
}

// chooseGone takes of a choice what somebody refuses who was erased.
func chooseGone(tx *db.Tx, source *ids.Source, person int64, choice Choice, proof Wish, now time.Time) error {
	if len(choice.On) > 0 {
		return errGone()
	}
	refused := map[Cell]bool{}
	for _, channel := range Lanes {
		for _, purpose := range Purposes {
			refused[Cell{channel, purpose}] = false
		}
	}
	for _, c := range choice.Off {
		refused[c] = true
	}
	for _, r := range shortest(refused) {
		_, err := Refuse(tx, source, Refusal{Customer: person, Channel: r.Channel, Purpose: r.Purpose, At: now, Source: proof.Source}, now)
		if err != nil {
			return err
		}
	}
	return nil
}

// Behind is what somebody refuses who was erased, for a page that is opened by an old link;
// nothing if they weren't erased.
func Behind(tx *db.Tx, person int64) (left []policy.Refusal, err error) {
	hash, err := hashOf(tx, person)
	if err != nil || hash == nil {
		return nil, err
	}
	all, err := db.All(tx, scanRefusal, selectBehind, hash, historyMax)
	for _, r := range all {
		left = append(left, policy.Refusal{Channel: r.Channel, Purpose: r.Purpose})
	}
	return left, err
}
