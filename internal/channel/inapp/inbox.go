package inapp

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/errs"
)

const (
	// waitingMost bounds an inbox: a customer who never looks is not written to for ever.
	waitingMost = 100

	// PageMost is the most cards of one list.
	PageMost = 50

	// keptAfter is how long a card stays after it has outlived its use, for the record and
	// so that its key is still known.
	keptAfter = honoured
)

// ErrFull says that the inbox takes no more.
var ErrFull = errs.New(errs.Conflict, string(codes.MailboxFull), "%d cards wait in this inbox already, and none was looked at; nothing more is put in until some are gone", waitingMost)

// Card is one message in an inbox.
type Card struct {
	ID       int64
	Key      string // of its attempt; what apps call it
	Customer int64
	SealKey  int64 // under which its content is sealed
	Purpose  string
	Language string
	Asks     bool // a questionnaire goes with it

	Made, Until                         time.Time
	Fetched, Shown, Answered, Dismissed time.Time // zero: not yet

	sealed []byte
}

// Content is what a card says. It is personal.
type Content struct {
	Title   string `json:"title,omitempty"`
	Text    string `json:"text"`
	Program string `json:"program,omitempty"`
	Link    string `json:"link,omitempty"`

	Reference string `json:"reference,omitempty"` // by which the customer may ask whether it is really ours
}

// Inbox is the shelf in the database.
type Inbox struct {
	DB     *db.DB
	Sealer Sealer
}

var _ Shelf = (*Inbox)(nil)

const (
	columns = `id, key, customer_id, seal_key, purpose, language, asks, content, made_at, until_at, fetched_at, shown_at, answered_at, dismissed_at`

	insertCard = `INSERT INTO inbox_item (id, key, customer_id, seal_key, purpose, language, asks, content, made_at, until_at)
SELECT CAST($1 AS BIGINT), CAST($2 AS TEXT), CAST($3 AS BIGINT), CAST($4 AS BIGINT), CAST($5 AS TEXT), CAST($6 AS TEXT), CAST($7 AS BOOLEAN), CAST($8 AS BYTEA), CAST($9 AS BIGINT), CAST($10 AS BIGINT)
WHERE (SELECT count(*) FROM inbox_item WHERE customer_id = $3 AND dismissed_at = 0 AND answered_at = 0 AND until_at > $9) < $11
ON CONFLICT (key) DO NOTHING`
)

// Put writes a card; one whose key is there already is left as it is.
func (b *Inbox) Put(ctx context.Context, c *Card) error {
	return b.DB.Write(ctx, db.Outcome, "inbox", func(tx *db.Tx) error {
		n, err := tx.Exec(insertCard, c.ID, c.Key, c.Customer, c.SealKey, c.Purpose, c.Language, c.Asks, c.sealed,
			db.Millis(c.Made), db.Millis(c.Until), waitingMost)
		if err != nil || n > 0 {
			return err
		}
		if found, err := has(tx, c.Key); err != nil || found {
			return err
		}
		return ErrFull
	})
}

// Find says whether a key has its card.
func (b *Inbox) Find(ctx context.Context, key string) (found bool, err error) {
	err = b.DB.Read(ctx, func(tx *db.Tx) error {
		found, err = has(tx, key)
		return err
	})
	return found, err
}

func has(tx *db.Tx, key string) (bool, error) {
	var id int64
	err := tx.QueryRow(`SELECT id FROM inbox_item WHERE key = $1`, key).Scan(&id)
	if errors.Is(err, db.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

// Read opens what a card says.
func (b *Inbox) Read(ctx context.Context, c *Card) (said Content, err error) {
	plain, err := b.Sealer.Open(ctx, c.SealKey, contentColumn, c.ID, c.sealed)
	if err != nil {
		return Content{}, err
	}
	return said, json.Unmarshal(plain, &said)
}

// Due lists a customer's cards that may still be shown, the newest first, before a place
// (0: from the newest). Whether what they are about still stands is for the caller to ask.
func Due(tx *db.Tx, customer, before int64, limit int, now time.Time) ([]Card, error) {
	if before == 0 {
		before = 1<<63 - 1
	}
	return db.All(tx, scan, `SELECT `+columns+` FROM inbox_item
WHERE customer_id = $1 AND id < $2 AND dismissed_at = 0 AND answered_at = 0 AND until_at > $3 ORDER BY id DESC LIMIT $4`,
		customer, before, db.Millis(now), min(limit, PageMost))
}

// Get finds a customer's own card; another's is as unknown as one that never was.
func Get(tx *db.Tx, customer int64, key string) (*Card, error) {
	all, err := db.All(tx, scan, `SELECT `+columns+` FROM inbox_item WHERE key = $1 AND customer_id = $2`, key, customer)
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, errs.New(errs.NotFound, codes.CardUnknown, "this customer has no such card, or has it no more; fetch the list again")
	}
	return &all[0], nil
}

func scan(r *db.Rows) (c Card, err error) {
	var made, until, fetched, shown, answered, dismissed int64
	err = r.Scan(&c.ID, &c.Key, &c.Customer, &c.SealKey, &c.Purpose, &c.Language, &c.Asks, &c.sealed, &made, &until, &fetched, &shown, &answered, &dismissed)
	c.Made, c.Until, c.Fetched, c.Shown = db.Time(made), db.Time(until), db.Time(fetched), db.Time(shown)
	c.Answered, c.Dismissed = db.Time(answered), db.Time(dismissed)
	return c, err
}

// Fetched notes that cards went to an app for the first time.
func Fetched(tx *db.Tx, cards []int64, at time.Time) error {
	_, err := tx.Exec(`UPDATE inbox_item SET fetched_at = $2 WHERE id = ANY($1) AND fetched_at = 0`, cards, db.Millis(at))
	return err
}

// Shown notes that the customer had a card before their eyes. The first time counts.
func Shown(tx *db.Tx, card int64, at time.Time) error {
	_, err := tx.Exec(`UPDATE inbox_item SET shown_at = $2 WHERE id = $1 AND shown_at = 0`, card, db.Millis(at))
	return err
}

// Answered notes that a card's questionnaire was handed in: it needs no more showing.
func Answered(tx *db.Tx, card int64, at time.Time) error {
	_, err := tx.Exec(`UPDATE inbox_item SET answered_at = $2 WHERE id = $1 AND answered_at = 0`, card, db.Millis(at))
	return err
}

// Dismiss notes that the customer doesn't want to see a card. One that was answered stays so.
func Dismiss(tx *db.Tx, card int64, at time.Time) error {
	_, err := tx.Exec(`UPDATE inbox_item SET dismissed_at = $2 WHERE id = $1 AND dismissed_at = 0 AND answered_at = 0`, card, db.Millis(at))
	return err
}

// Forget deletes cards that outlived their use long ago; it says how many.
func Forget(tx *db.Tx, now time.Time, limit int) (int64, error) {
	return tx.Exec(`DELETE FROM inbox_item WHERE id IN (SELECT id FROM inbox_item WHERE until_at < $1 LIMIT $2)`, db.Millis(now.Add(-keptAfter)), limit)
}

// Erase deletes all of a customer's cards.
func Erase(tx *db.Tx, customer int64) error {
	_, err := tx.Exec(`DELETE FROM inbox_item WHERE customer_id = $1`, customer)
	return err
}

// Of lists every card kept of a customer, for an export of all that is held on them.
func Of(tx *db.Tx, customer int64) ([]Card, error) {
	return db.All(tx, scan, `SELECT `+columns+` FROM inbox_item WHERE customer_id = $1 ORDER BY id`, customer)
}
