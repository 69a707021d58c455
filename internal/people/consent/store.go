package consent

import (
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/huiyin/huiyin/internal/decide/policy"
	"github.com/huiyin/huiyin/internal/people/customer"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/errs"
	"github.com/huiyin/huiyin/internal/platform/ids"
	"github.com/huiyin/huiyin/internal/platform/outbox"
)

const (
	refusalInserted = `id, customer_id, address_key, channel, purpose, at, recorded_at, source, words, wording, actor, withdrawn_at`
	refusalColumns  = refusalInserted + `, again_at`
	consentColumns  = `id, customer_id, purpose, channel, granted, at, recorded_at, source, wording, proof, actor`

	insertRefusal = `INSERT INTO refusal (` + refusalInserted + `) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`
	insertConsent = `INSERT INTO consent (` + consentColumns + `) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`

	// The same refusal, still standing. A withdrawal left behind says less.
	standingRefusal = `SELECT id FROM refusal
WHERE customer_id = $1 AND address_key = $2 AND channel = $3 AND purpose = $4 AND withdrawn_at = 0 AND source <> '` + sourceWithdrew + `' LIMIT 1`
	saidAgain   = `UPDATE refusal SET again_at = $1 WHERE id = $2 AND at < $1 AND again_at < $1`
	sameConsent = `SELECT count(*) FROM consent WHERE customer_id = $1 AND purpose = $2 AND channel = $3 AND granted = $4 AND at = $5`

	selectSharers = `SELECT DISTINCT customer_id FROM contact_point WHERE address_key = $1`

	selectByPerson = `SELECT customer_id, channel, purpose FROM refusal WHERE customer_id = ANY($1) AND withdrawn_at = 0 ORDER BY id`
	selectByPoint  = `SELECT p.customer_id, p.channel, r.channel, r.purpose, r.at, r.source
FROM contact_point p JOIN refusal r ON r.address_key = p.address_key AND r.customer_id <> p.customer_id
WHERE p.customer_id = ANY($1) AND r.withdrawn_at = 0 ORDER BY r.id`
	selectConsents = `SELECT customer_id, purpose, channel, granted, at FROM consent WHERE customer_id = ANY($1) ORDER BY at, id`

	lift = `UPDATE refusal SET withdrawn_at = $1 WHERE id = $2 AND withdrawn_at = 0`
)

// Refuse records a refusal; it holds from the commit on. It gives the refusal's id, or that
// of the same one that stands already.
func Refuse(tx *db.Tx, source *ids.Source, r Refusal, now time.Time) (int64, error) {
	if err := r.prepare(now); err != nil {
		return 0, err
	}
	if err := lockAll(tx, r.Customer, r.Key); err != nil {
		return 0, err
	}
	if hash, err := hashOf(tx, r.Customer); err != nil || hash != nil {
		if err != nil {
			return 0, err
		}
		return refuseGone(tx, source, r, hash, now)
	}
	var id int64
	err := tx.QueryRow(standingRefusal, r.Customer, r.Key, r.Channel, r.Purpose).Scan(&id)
	if err == nil {
		_, err = tx.Exec(saidAgain, db.Millis(r.At), id)
		return id, err
	}
	if !errors.Is(err, db.ErrNoRows) {
		return 0, err
	}
	lifted, err := takenBack(tx, &r)
	if err != nil {
		return 0, err
	}
	id = source.Next()
	_, err = tx.Exec(insertRefusal, id, r.Customer, r.Key, r.Channel, r.Purpose,
		db.Millis(r.At), db.Millis(r.Recorded), r.Source, r.Words, r.Wording, r.Actor, db.Millis(lifted))
	if err != nil || !lifted.IsZero() {
		return id, err
	}
	return id, outbox.Tell(tx, r.tell(outbox.RefusalRecorded, id, now))
}

// lockAll locks the customer and everyone who shares the contact point.
func lockAll(tx *db.Tx, person int64, key []byte) error {
	var all []int64
	if len(key) > 0 {
		var err error
		if all, err = db.All(tx, scanID, selectSharers, key); err != nil {
			return err
		}
	}
	if person != 0 && !slices.Contains(all, person) {
		all = append(all, person)
	}
	return customer.Lock(tx, all)
}

func scanID(r *db.Rows) (id int64, err error) {
	err = r.Scan(&id)
	return id, err
}

// Lift ends a refusal, because the customer took it back: nothing else may end one.
func Lift(tx *db.Tx, id int64, now time.Time) error {
	n, err := tx.Exec(lift, db.Millis(now), id)
	if err == nil && n == 0 {
		return errs.New(errs.NotFound, codes.NotFound, "there is no standing refusal with this number: read the customer's list again")
	}
	if err != nil {
		return err
	}
	all, err := db.All(tx, scanRefusal, `SELECT `+refusalColumns+` FROM refusal WHERE id = $1`, id)
	if err != nil || len(all) == 0 {
		return err
	}
	return outbox.Tell(tx, all[0].tell(outbox.RefusalWithdrawn, id, now))
}

// tell is what the wallet is told of a refusal: not the words, which may hold anything. One
// of a contact point alone has no customer.
func (r *Refusal) tell(kind outbox.Kind, id int64, at time.Time) outbox.Notice {
	return outbox.Notice{
		Kind: kind, Customer: r.Customer, At: at,
		Data: map[string]any{"refusal": strconv.FormatInt(id, 10), "channel": r.Channel, "purpose": r.Purpose, "source": r.Source},
	}
}

// Grant records a consent with its proof.
func Grant(tx *db.Tx, source *ids.Source, r Record, now time.Time) error {
	r.Granted = true
	return add(tx, source, r, now)
}

// Withdraw records that a consent is taken back.
func Withdraw(tx *db.Tx, source *ids.Source, r Record, now time.Time) error {
	r.Granted = false
	return add(tx, source, r, now)
}

// add writes a record unless it is there already, since events may be told twice.
func add(tx *db.Tx, source *ids.Source, r Record, now time.Time) error {
	if err := r.prepare(now); err != nil {
		return err
	}
	if err := customer.Lock(tx, []int64{r.Customer}); err != nil {
		return err
	}
	switch hash, err := hashOf(tx, r.Customer); {
	case err != nil:
		return err
	case hash != nil && r.Granted:
		return errGone()
	case hash != nil:
		_, err = Refuse(tx, source, Refusal{Customer: r.Customer, Channel: r.Channel, Purpose: r.Purpose, At: r.At, Source: sourceWithdrew}, now)
		return err
	}
	var n int
	err := tx.QueryRow(sameConsent, r.Customer, r.Purpose, r.Channel, r.Granted, db.Millis(r.At)).Scan(&n)
	if err != nil || n > 0 {
		return err
	}
	_, err = tx.Exec(insertConsent, source.Next(), r.Customer, r.Purpose, r.Channel, r.Granted,
		db.Millis(r.At), db.Millis(r.Recorded), r.Source, r.Wording, r.Proof, r.Actor)
	return err
}

// StandingOf gives what holds for each of the customers. A refusal that came from a contact
// point, or from another who shares it, closes the channels that use the point.
func StandingOf(tx *db.Tx, customers []int64) (map[int64]Standing, error) {
	standing := make(map[int64]Standing, len(customers))
	if len(customers) == 0 {
		return standing, nil
	}
	return standing, tx.Ask(Questions(customers, standing)...)
}

// Questions asks what StandingOf asks, into standing, together with other questions.
func Questions(customers []int64, standing map[int64]Standing) []db.Question {
	args := []any{customers}
	return []db.Question{
		{Query: selectByPerson, Args: args, Row: func(r *db.Rows) error { return addByPerson(r, standing) }},
		{Query: selectByPoint, Args: args, Row: func(r *db.Rows) error { return addByPoint(r, standing) }},
		{Query: selectConsents, Args: args, Row: func(r *db.Rows) error { return addConsent(r, standing) }},
		{Query: selectOwn, Args: args, Row: func(r *db.Rows) error { return addWish(r, standing) }},
	}
}

func addByPerson(rows *db.Rows, standing map[int64]Standing) error {
	var id int64
	var r policy.Refusal
	if err := rows.Scan(&id, &r.Channel, &r.Purpose); err != nil {
		return err
	}
	put(standing, id, r)
	return nil
}

func addByPoint(rows *db.Rows, standing map[int64]Standing) error {
	var id, at int64
	var kind, source string
	var r policy.Refusal
	if err := rows.Scan(&id, &kind, &r.Channel, &r.Purpose, &at, &source); err != nil {
		return err
	}
	add := func(r policy.Refusal) {
		if source == sourceWithdrew {
			putConsent(standing, id, policy.Consent{Purpose: r.Purpose, Channel: r.Channel, At: db.Time(at)})
			return
		}
		put(standing, id, r)
	}
	if kind == customer.RefPoint { // left behind when they were erased once
		add(r)
		return nil
	}
	for _, channel := range channelsOf(kind) {
		if r.Channel == policy.Any || r.Channel == channel {
			add(policy.Refusal{Channel: channel, Purpose: r.Purpose})
		}
	}
	return nil
}

// channelsOf are the channels that use a kind of contact point.
func channelsOf(kind string) []string {
	if kind == customer.Phone {
		return []string{policy.Phone, "sms"}
	}
	return []string{kind}
}

func put(standing map[int64]Standing, id int64, r policy.Refusal) {
	s := standing[id]
	if !slices.Contains(s.Refusals, r) {
		s.Refusals = append(s.Refusals, r)
		standing[id] = s
	}
}

func addConsent(rows *db.Rows, standing map[int64]Standing) error {
	var id, at int64
	var c policy.Consent
	if err := rows.Scan(&id, &c.Purpose, &c.Channel, &c.Granted, &at); err != nil {
		return err
	}
	c.At = db.Time(at)
	putConsent(standing, id, c)
	return nil
}

// putConsent keeps the latest record per purpose and channel; of two at one instant the withdrawal.
func putConsent(standing map[int64]Standing, id int64, c policy.Consent) {
	s := standing[id]
	i := slices.IndexFunc(s.Consents, func(o policy.Consent) bool { return o.Purpose == c.Purpose && o.Channel == c.Channel })
	switch {
	case i < 0:
		s.Consents = append(s.Consents, c)
	case s.Consents[i].At.Equal(c.At):
		s.Consents[i].Granted = s.Consents[i].Granted && c.Granted
	case s.Consents[i].At.Before(c.At):
		s.Consents[i] = c
	}
	standing[id] = s
}

// Refusals is a customer's refusals, lifted ones too, the newest first: those that are known
// to be theirs, and that they may take back.
func Refusals(tx *db.Tx, person int64) ([]Refusal, error) {
	return db.All(tx, scanRefusal, `SELECT `+refusalColumns+` FROM refusal WHERE customer_id = $1 ORDER BY id DESC LIMIT $2`, person, historyMax)
}

// fromAddresses is the refusals that came from a customer's addresses, nobody knows from whom:
// they hold for all who share the address, and only writing from it takes them back.
func fromAddresses(tx *db.Tx, person int64) ([]Refusal, error) {
	return db.All(tx, scanRefusal, `SELECT `+refusalColumns+` FROM refusal
		WHERE customer_id = 0 AND address_key IN (SELECT address_key FROM contact_point WHERE customer_id = $1) ORDER BY id DESC LIMIT $2`, person, historyMax)
}

// Page lists every refusal in order of id, after the given one.
func Page(tx *db.Tx, after int64, limit int) ([]Refusal, error) {
	return db.All(tx, scanRefusal, `SELECT `+refusalColumns+` FROM refusal WHERE id > $1 ORDER BY id LIMIT $2`, after, min(limit, historyMax))
}

// Records is a customer's ledger of consent, the newest first.
func Records(tx *db.Tx, person int64) ([]Record, error) {
	return db.All(tx, scanRecord, `SELECT `+consentColumns+` FROM consent WHERE customer_id = $1 ORDER BY id DESC LIMIT $2`, person, historyMax)
}

func scanRefusal(rows *db.Rows) (Refusal, error) {
	var r Refusal
	var at, recorded, lifted, again int64
	err := rows.Scan(&r.ID, &r.Customer, &r.Key, &r.Channel, &r.Purpose, &at, &recorded, &r.Source, &r.Words, &r.Wording, &r.Actor, &lifted, &again)
	r.At, r.Recorded, r.Lifted, r.Again = db.Time(at), db.Time(recorded), db.Time(lifted), db.Time(again)
	return r, err
}

func scanRecord(rows *db.Rows) (Record, error) {
	var r Record
	var at, recorded int64
	err := rows.Scan(&r.ID, &r.Customer, &r.Purpose, &r.Channel, &r.Granted, &at, &recorded, &r.Source, &r.Wording, &r.Proof, &r.Actor)
	r.At, r.Recorded = db.Time(at), db.Time(recorded)
	return r, err
}
