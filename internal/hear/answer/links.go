package answer

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"time"

	"github.com/huiyin/huiyin/internal/people/customer"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/crypt"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/errs"
	"github.com/huiyin/huiyin/internal/platform/ids"
)

const (
	tokenBytes      = ids.TokenBytes
	tokenChars      = 26 // tokenBytes spelled
	idBytes         = 8
	keyBytes        = 16 // of an address's keyed hash
	keyMarkBytes    = 8  // as much of it as tells a customer's few addresses apart
	channelCharsMax = 32

	purposeAnswer  = "answer-link"
	purposeRefusal = "refusal-link"    // of a token that names no address
	purposeStop    = "refusal-link-to" // of one that does
	purposeWishes  = "preferences-link"
)

// Links makes the tokens customers hold. A token is computed, not drawn, so a
// message made twice for one attempt carries the same link.
type Links struct{ keys *crypt.Keyring }

// NewLinks makes tokens under these keys.
func NewLinks(keys *crypt.Keyring) *Links { return &Links{keys: keys} }

// Invitation asks one customer to answer.
type Invitation struct {
	FollowUp, Questionnaire int64
	Channel, Language       string
	Until                   time.Time // when the link closes
}

// Token gives the token of a follow-up's questionnaire. It opens nothing before it is issued.
func (l *Links) Token(followUp, questionnaire int64) string {
	return ids.Spell(l.keys.MAC(purposeAnswer, id8(followUp), id8(questionnaire))[:tokenBytes])
}

// Issue makes a follow-up's link good for ttl from now on. Issuing it again gives the
// same token and can only prolong it. A held-out customer never gets one.
func (l *Links) Issue(tx *db.Tx, followUp, questionnaire int64, channel, language string, now time.Time, ttl time.Duration) (string, error) {
	tokens, err := l.IssueAll(tx, now, []Invitation{{followUp, questionnaire, channel, language, now.Add(ttl)}})
	if err != nil {
		return "", err
	}
	if tokens[0] == "" {
		return "", errs.New(errs.Internal, string(codes.AssertionStopped),
			"follow-up %d is held out or gone, so it gets no link; its steps other than notices must not be taken", followUp)
	}
	return tokens[0], nil
}

const insertLink = `INSERT INTO answer_link (hash, follow_up_id, questionnaire_id, channel, language, created_at, expires_at)
		SELECT CAST($1 AS BYTEA), f.id, $3::bigint, $4::text, $5::text, $6::bigint, $7::bigint FROM follow_up f WHERE f.id = $2 AND NOT f.held_out
		ON CONFLICT (hash) DO UPDATE SET channel = excluded.channel, language = excluded.language,
			expires_at = GREATEST(answer_link.expires_at, excluded.expires_at)`

// IssueAll issues many links in one round trip, each of another follow-up. The token
// of one that is held out or gone is empty: stop that one, and go on with the others.
func (l *Links) IssueAll(tx *db.Tx, now time.Time, all []Invitation) ([]string, error) {
	tokens := make([]string, len(all))
	args := func(i int) []any {
		in := &all[i]
		tokens[i] = l.Token(in.FollowUp, in.Questionnaire)
		return []any{hashOf(tokens[i]), in.FollowUp, in.Questionnaire, in.Channel, in.Language, db.Millis(now), db.Millis(in.Until)}
	}
	if n, err := tx.InsertEach(insertLink, len(all), args); err != nil || n == int64(len(all)) {
		return tokens, err
	}
	touched, err := tx.Each(insertLink, len(all), args) // which were left out; issuing twice changes nothing
	if err != nil {
		return nil, err
	}
	for i, n := range touched {
		if n == 0 {
			tokens[i] = ""
		}
	}
	return tokens, nil
}

// Preferences gives the token of the page on which a customer says how they want to be reached.
// It carries the customer's number, when it ends and a mark of the address it goes to; the MAC
// proves it. Without the address's key it is a link that can only end contact.
func (l *Links) Preferences(customer int64, key []byte, until time.Time) string {
	body := append(id8(customer), id8(db.Millis(until))...)
	if len(key) == keyBytes {
		body = append(body, key[:keyMarkBytes]...)
	}
	return ids.Spell(append(body, l.keys.MAC(purposeWishes, body)[:tokenBytes]...))
}

// Invited is whom a link of preferences was sent to, and where.
type Invited struct {
	Customer int64
	mark     []byte // of the address; empty: it isn't known
}

// Via says whether the link was sent to the address with this key.
func (i *Invited) Via(key []byte) bool { return len(i.mark) > 0 && bytes.HasPrefix(key, i.mark) }

// InWallet says whether the link lay on a card inside the wallet, where the customer with this
// ref had signed in.
func (l *Links) InWallet(i *Invited, ref string) bool {
	return ref != "" && i.Via(customer.PointKey(l.keys, customer.InApp, ref))
}

// ReadPreferences reads the token back, by the clock of whoever asks.
func (l *Links) ReadPreferences(token string, now time.Time) (Invited, error) {
	const sizeMax = 2*idBytes + keyMarkBytes + tokenBytes
	if len(token) > 2*sizeMax {
		return Invited{}, errLink()
	}
	b, bad := ids.Unspell(token)
	n := len(b) - tokenBytes
	if bad != nil || n != 2*idBytes && n != 2*idBytes+keyMarkBytes || ids.Spell(b) != token || !crypt.Equal(b[n:], l.keys.MAC(purposeWishes, b[:n])[:tokenBytes]) {
		return Invited{}, errLink()
	}
	if until := db.Time(int64(binary.BigEndian.Uint64(b[idBytes:]))); !now.Before(until) {
		return Invited{}, errs.New(errs.NotFound, codes.LinkExpired, "this link has expired; a newer message has a newer one")
	}
	return Invited{Customer: int64(binary.BigEndian.Uint64(b)), mark: b[2*idBytes : n]}, nil
}

// Refusal gives the token by which a customer refuses a channel. It needs no row
// and never expires: whoever was written to can always say stop. It names the address the
// message goes to by its key, since only that one can be said to be somebody else's.
func (l *Links) Refusal(customer int64, channel string, key []byte) string {
	purpose, body := purposeRefusal, id8(customer)
	if len(key) == keyBytes {
		purpose, body = purposeStop, append(body, key...)
	}
	body = append(body, channel...)
	return ids.Spell(append(body, l.keys.MAC(purpose, body)[:tokenBytes]...))
}

// ReadRefusal says whose refusal of which channel a token is, and the key of the address it
// was sent to; nil: it doesn't say.
func (l *Links) ReadRefusal(token string) (customer int64, channel string, key []byte, err error) {
	if len(token) > 2*(idBytes+keyBytes+channelCharsMax+tokenBytes) {
		return 0, "", nil, errLink()
	}
	b, bad := ids.Unspell(token)
	if bad != nil || ids.Spell(b) != token {
		return 0, "", nil, errLink()
	}
	n := len(b) - tokenBytes
	says := func(purpose string, head int) bool {
		return n > head && n <= head+channelCharsMax && crypt.Equal(b[n:], l.keys.MAC(purpose, b[:n])[:tokenBytes])
	}
	switch {
	case says(purposeStop, idBytes+keyBytes):
		return int64(binary.BigEndian.Uint64(b)), string(b[idBytes+keyBytes : n]), b[idBytes : idBytes+keyBytes], nil
	case says(purposeRefusal, idBytes):
		return int64(binary.BigEndian.Uint64(b)), string(b[idBytes:n]), nil, nil
	}
	return 0, "", nil, errLink()
}

// formed says whether a token could be one of ours at all.
func formed(token string) bool {
	b, err := ids.Unspell(token)
	return err == nil && len(token) == tokenChars && len(b) == tokenBytes
}

// errLink is what everybody hears whose token opens nothing, whatever the cause.
func errLink() error {
	return errs.New(errs.NotFound, codes.LinkInvalid, "this link is not valid, or no longer is; open it from the message as it stands there")
}

// hashOf is what lies at rest for a token. A token has 128 bits of its own, so a plain hash can't be turned back.
func hashOf(token string) []byte {
	h := sha256.Sum256([]byte(token))
	return h[:]
}

func id8(id int64) []byte { return binary.BigEndian.AppendUint64(nil, uint64(id)) }
