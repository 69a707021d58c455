package answer

import (
	"crypto/sha256"
	"encoding/binary"
	"time"

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
	channelCharsMax = 32

	purposeAnswer  = "answer-link"
	purposeRefusal = "refusal-link"
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
// It carries the customer's number and when it ends; the MAC proves it.
func (l *Links) Preferences(customer int64, until time.Time) string {
	body := append(id8(customer), id8(db.Millis(until))...)
	return ids.Spell(append(body, l.keys.MAC(purposeWishes, body)[:tokenBytes]...))
}

// ReadPreferences reads the token back, by the clock of whoever asks.
func (l *Links) ReadPreferences(token string, now time.Time) (customer int64, err error) {
	const size = 2*idBytes + tokenBytes
	if len(token) > 2*size {
		return 0, errLink()
	}
	b, bad := ids.Unspell(token)
	if bad != nil || len(b) != size || ids.Spell(b) != token || !crypt.Equal(b[2*idBytes:], l.keys.MAC(purposeWishes, b[:2*idBytes])[:tokenBytes]) {
		return 0, errLink()
	}
	if until := db.Time(int64(binary.BigEndian.Uint64(b[idBytes:]))); !now.Before(until) {
		return 0, errs.New(errs.NotFound, codes.LinkExpired, "this link has expired; a newer message has a newer one")
	}
	return int64(binary.BigEndian.Uint64(b)), nil
}

// Refusal gives the token by which a customer refuses a channel. It needs no row
// and never expires: whoever was written to can always say stop.
func (l *Links) Refusal(customer int64, channel string) string {
	body := append(id8(customer), channel...)
	return ids.Spell(append(body, l.keys.MAC(purposeRefusal, body)[:tokenBytes]...))
}

// ReadRefusal says whose refusal of which channel a token is.
func (l *Links) ReadRefusal(token string) (customer int64, channel string, err error) {
	if len(token) <= 2*(idBytes+tokenBytes+channelCharsMax) {
		b, bad := ids.Unspell(token)
		if n := len(b) - tokenBytes; bad == nil && n > idBytes && n <= idBytes+channelCharsMax && ids.Spell(b) == token &&
			crypt.Equal(b[n:], l.keys.MAC(purposeRefusal, b[:n])[:tokenBytes]) {
			return int64(binary.BigEndian.Uint64(b)), string(b[idBytes:n]), nil
		}
	}
	return 0, "", errLink()
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
