package consent

import (
	"cmp"
	"encoding/json"
	"strings"
	"time"

	"github.com/huiyin/huiyin/internal/decide/policy"
	"github.com/huiyin/huiyin/internal/people/customer"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/errs"
	"github.com/huiyin/huiyin/internal/platform/ids"
)

// What a wish is about.
const (
	Hours     = "own-hours"  // the value is a customer.OwnDoc as JSON; empty: at any hour
	Language  = "language"   // the value is the language
	Lifted    = "lifted"     // refusals were taken back; the value is their channel and purpose
	NotTheirs = "not-theirs" // a contact point belongs to somebody else; the value is its kind
)

const (
	wishColumns = `id, customer_id, what, value, at, recorded_at, source, wording, proof, actor`
	insertWish  = `INSERT INTO wish (` + wishColumns + `) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`
	sameWish    = `SELECT count(*) FROM wish WHERE customer_id = $1 AND what = $2 AND value = $3 AND at = $4 AND source = $5`
	selectOwn   = `SELECT customer_id, what, value FROM wish WHERE customer_id = ANY($1) AND what IN ('own-hours', 'language') ORDER BY at, id`
	liftedLater = `SELECT value, at FROM wish WHERE customer_id = $1 AND what = 'lifted' AND at > $2 ORDER BY at, id`
	liftCovered = `UPDATE refusal SET withdrawn_at = $2 WHERE customer_id = $1 AND withdrawn_at = 0 AND at <= $2 AND again_at <= $2
AND ($3 = '*' OR channel = $3) AND ($4 = '*' OR purpose = $4)`

	valueBytesMax = 2_000
)

// Wish is one thing a customer said about how we may reach them. The latest of its kind counts.
type Wish struct {
	ID       int64
	Customer int64
	What     string
	Value    string
	At       time.Time
	Recorded time.Time
	Source   string
	Wording  string // what the customer was shown, or which version of it
	Proof    string // where it can be found again, or what was said
	Actor    string
}

func (w *Wish) prepare(now time.Time) error {
	switch {
	case w.Customer == 0:
		return errs.New(errs.Invalid, codes.FieldMissing, "the wish names no customer: give one").At("customer")
	case len(w.Value) > valueBytesMax:
		return invalid("value", "it has %d bytes; at most %d are possible", len(w.Value), valueBytesMax)
	case w.What == Hours && w.Value != "":
		if _, err := ownHours(w.Value); err != nil {
			return err
		}
	}
	w.Wording, w.Proof = cut(w.Wording, wordsCharsMax), cut(w.Proof, wordsCharsMax)
	w.Source, w.Actor = cut(w.Source, sourceCharsMax), cut(w.Actor, actorCharsMax)
	w.At, w.Recorded = noLater(w.At, now), now
	return nil
}

func ownHours(value string) (*policy.OwnHours, error) {
	var d customer.OwnDoc
	if err := json.Unmarshal([]byte(value), &d); err != nil {
		return nil, invalid("own_hours", "own hours are an object with windows, such as {\"windows\": [{\"days\": [\"all\"], \"hours\": [\"19:00-21:00\"]}]}").Because(err)
	}
	return d.Policy()
}

// Say records a wish, unless it is there already: events may be told twice.
func Say(tx *db.Tx, source *ids.Source, w Wish, now time.Time) error {
	if err := w.prepare(now); err != nil {
		return err
	}
	if err := customer.Lock(tx, []int64{w.Customer}); err != nil {
		return err
	}
	if hash, err := hashOf(tx, w.Customer); err != nil || hash != nil {
		return cmp.Or(err, errGone())
	}
	var n int
	err := tx.QueryRow(sameWish, w.Customer, w.What, w.Value, db.Millis(w.At), w.Source).Scan(&n)
	if err != nil || n > 0 {
		return err
	}
	_, err = tx.Exec(insertWish, source.Next(), w.Customer, w.What, w.Value, db.Millis(w.At), db.Millis(w.Recorded), w.Source, w.Wording, w.Proof, w.Actor)
	return err
}

// LiftAll takes back what a customer refused before w.At of a channel and a purpose; "*" is
// all of them. A refusal that reaches further stands: who allows text messages hasn't taken
// back that they want no contact at all. It is remembered, so that a refusal said earlier and
// told later doesn't stand up again.
func LiftAll(tx *db.Tx, source *ids.Source, w Wish, channel, purpose string, now time.Time) error {
	channel, purpose = orAny(channel), orAny(purpose)
	if err := checkWords(channel, purpose); err != nil {
		return err
	}
	w.What, w.Value = Lifted, channel+" "+purpose
	if err := Say(tx, source, w, now); err != nil {
		return err
	}
	_, err := tx.Exec(liftCovered, w.Customer, db.Millis(noLater(w.At, now)), channel, purpose)
	return err
}

// takenBack is when a refusal that is told late had been taken back already; zero: it stands.
func takenBack(tx *db.Tx, r *Refusal) (time.Time, error) {
	if r.Customer == 0 || !r.At.Before(r.Recorded) {
		return time.Time{}, nil
	}
	rows, err := tx.Query(liftedLater, r.Customer, db.Millis(r.At))
	if err != nil {
		return time.Time{}, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var value string
		var at int64
		if err := rows.Scan(&value, &at); err != nil {
			return time.Time{}, err
		}
		channel, purpose, _ := strings.Cut(value, " ")
		if (channel == policy.Any || channel == r.Channel) && (purpose == policy.Any || purpose == r.Purpose) {
			return db.Time(at), nil
		}
	}
	return time.Time{}, rows.Err()
}

// addWish puts the customer's own words above what the wallet says of them.
func addWish(rows *db.Rows, standing map[int64]Standing) error {
	var id int64
	var what, value string
	if err := rows.Scan(&id, &what, &value); err != nil {
		return err
	}
	s := standing[id]
	switch {
	case what == Language:
		s.Language = value
	case value == "":
		s.OwnSaid, s.Own = true, nil
	default:
		own, err := ownHours(value)
		if err != nil {
			return nil // it was written by another version of ours: the wish before it holds
		}
		s.OwnSaid, s.Own = true, own
	}
	standing[id] = s
	return nil
}

// Wishes is what a customer said about how, the newest first.
func Wishes(tx *db.Tx, person int64) ([]Wish, error) {
	return db.All(tx, scanWish, `SELECT `+wishColumns+` FROM wish WHERE customer_id = $1 ORDER BY id DESC LIMIT $2`, person, historyMax)
}

func scanWish(rows *db.Rows) (Wish, error) {
	var w Wish
	var at, recorded int64
	err := rows.Scan(&w.ID, &w.Customer, &w.What, &w.Value, &at, &recorded, &w.Source, &w.Wording, &w.Proof, &w.Actor)
	w.At, w.Recorded = db.Time(at), db.Time(recorded)
	return w, err
}

// Disown records that a contact point belongs to somebody else. It is refused for everybody
// who shares it, whoever says otherwise later, and the customer's record is left to package
// customer, which takes the point away from it.
func Disown(tx *db.Tx, source *ids.Source, w Wish, point customer.Point, now time.Time) error {
	hash, err := hashOf(tx, w.Customer)
	if err != nil {
		return err
	}
	if hash == nil { // of who was erased there is no record to say it in
		w.What, w.Value = NotTheirs, point.Channel
		if err := Say(tx, source, w, now); err != nil {
			return err
		}
	}
	_, err = Refuse(tx, source, Refusal{
		Key: point.Key, Channel: policy.Any, Purpose: policy.Any, At: w.At, Source: w.Source, Words: w.Proof, Actor: w.Actor, Wording: w.Wording,
	}, now)
	return err
}
