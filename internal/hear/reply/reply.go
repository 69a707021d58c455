package reply

import (
	"crypto/sha256"
	"errors"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/outbox"
	"github.com/huiyin/huiyin/internal/platform/tally"
)

// MetricReply counts replies in tally, by their kind, for programs whose message was replied to.
const MetricReply = "reply"

const (
	bodyCharsMax = 2_000
	pageMax      = 500
	nameBytes    = 16 // of the hash a reply is known again by
)

// Kind is what a reply was taken for.
type Kind string

// The kinds.
const (
	Refusal  Kind = "refusal"
	Restored Kind = "restored" // it took a refusal back
	Answer   Kind = "answer"   // a number for the question asked last
	Words    Kind = "words"    // feedback
	Stranger Kind = "stranger" // from an address nobody of ours has; its words are not kept
)

// Confirmation is what became of the one message that confirms a refusal.
type Confirmation string

// The states of a confirmation. From intended on it is never sent again, whatever became of it.
const (
	NoConfirmation Confirmation = ""
	Intended       Confirmation = "intended"
	Accepted       Confirmation = "accepted"
	Rejected       Confirmation = "rejected"
	Unknown        Confirmation = "unknown"
	Withheld       Confirmation = "withheld"
)

// Reply is one reply.
type Reply struct {
	ID                          int64
	Channel                     string
	Name                        string // the provider's for it; kept as a hash
	AddressKey                  []byte // keyed hash of the address it came from
	Customer, FollowUp, Program int64  // 0: not known
	Kind                        Kind
	Body                        string // personal
	Refusal                     int64  // that it made or took back
	Confirmation                Confirmation
	At, Received                time.Time
}

const columns = `id, channel, address_key, customer_id, follow_up_id, program_id, kind, body, refusal_id, confirmation, at, received_at`

func scan(r *db.Rows) (Reply, error) {
	var one Reply
	var at, received int64
	err := r.Scan(&one.ID, &one.Channel, &one.AddressKey, &one.Customer, &one.FollowUp, &one.Program, &one.Kind, &one.Body, &one.Refusal, &one.Confirmation, &at, &received)
	one.At, one.Received = db.Time(at), db.Time(received)
	return one, err
}

// hashOf is how a reply is known again.
func hashOf(channel, name string) []byte {
	sum := sha256.Sum256([]byte(channel + "\x00" + name))
	return sum[:nameBytes]
}

// Known says whether a reply is kept already.
func Known(tx *db.Tx, channel, name string) (bool, error) {
	var id int64
	err := tx.QueryRow(`SELECT id FROM reply WHERE name_hash = $1`, hashOf(channel, name)).Scan(&id)
	if errors.Is(err, db.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

// Keep writes a reply down; false if it is kept already.
func Keep(tx *db.Tx, counts *tally.Batch, r *Reply) (bool, error) {
	if r.Kind == Stranger {
		r.Body = ""
	}
	if r.At.IsZero() || r.At.After(r.Received) {
		r.At = r.Received
	}
	n, err := tx.Exec(`INSERT INTO reply (`+columns+`, name_hash) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) ON CONFLICT (name_hash) DO NOTHING`,
		r.ID, r.Channel, r.AddressKey, r.Customer, r.FollowUp, r.Program, string(r.Kind), fit(r.Body), r.Refusal, string(r.Confirmation), db.Millis(r.At), db.Millis(r.Received), hashOf(r.Channel, r.Name))
	if err != nil || n == 0 {
		return false, err
	}
	if r.Program != 0 {
		counts.Add(tally.Key{Program: r.Program, Day: tally.Day(r.Received), Metric: MetricReply, Dim: string(r.Kind)}, 1)
	}
	if r.Customer == 0 {
		return true, nil
	}
	return true, outbox.Tell(tx, r.tell())
}

// tell is what the wallet is told of a reply: what it was taken for, not the words.
func (r *Reply) tell() outbox.Notice {
	data := map[string]any{"reply": strconv.FormatInt(r.ID, 10), "channel": r.Channel, "kind": string(r.Kind)}
	if r.FollowUp != 0 {
		data["follow_up"] = strconv.FormatInt(r.FollowUp, 10)
	}
	return outbox.Notice{Kind: outbox.ReplyReceived, Customer: r.Customer, FollowUp: r.FollowUp, Program: r.Program, At: r.Received, Data: data}
}

// fit makes a customer's words fit to be kept: both engines take them, and they are bounded.
func fit(words string) string {
	words = strings.ReplaceAll(strings.ToValidUTF8(words, ""), "\x00", "")
	if utf8.RuneCountInString(words) > bodyCharsMax {
		words = string([]rune(words)[:bodyCharsMax])
	}
	return words
}

// Confirmed writes down what became of a confirmation.
func Confirmed(tx *db.Tx, id int64, c Confirmation) error {
	_, err := tx.Exec(`UPDATE reply SET confirmation = $2 WHERE id = $1 AND confirmation = 'intended'`, id, string(c))
	return err
}

// OfCustomer reads a customer's replies, the newest first.
func OfCustomer(tx *db.Tx, customer int64, limit int) ([]Reply, error) {
	return db.All(tx, scan, `SELECT `+columns+` FROM reply WHERE customer_id = $1 ORDER BY id DESC LIMIT $2`, customer, min(limit, pageMax))
}

// OfFollowUp reads the replies to a follow-up's messages, in order.
func OfFollowUp(tx *db.Tx, followUp int64) ([]Reply, error) {
	return db.All(tx, scan, `SELECT `+columns+` FROM reply WHERE follow_up_id = $1 ORDER BY id LIMIT $2`, followUp, pageMax)
}

// Erase removes a customer's replies. A refusal that one made stands: it is tied to the address.
func Erase(tx *db.Tx, customer int64) error {
	_, err := tx.Exec(`DELETE FROM reply WHERE customer_id = $1`, customer)
	return err
}

// Forget removes replies received before a time, some at a time, and says how many.
func Forget(tx *db.Tx, before time.Time, limit int) (int64, error) {
	return tx.Exec(`DELETE FROM reply WHERE id IN (SELECT id FROM reply WHERE received_at < $1 ORDER BY received_at LIMIT $2)`, db.Millis(before), limit)
}
