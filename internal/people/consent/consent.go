package consent

import (
	"regexp"
	"time"
	"unicode/utf8"

	"github.com/huiyin/huiyin/internal/decide/policy"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/errs"
)

const (
	wordsCharsMax  = 500 // of what the customer said, and of wording and proof
	sourceCharsMax = 100
	actorCharsMax  = 100
	keyBytes       = 16
	historyMax     = 1_000 // rows of one customer's history
)

// wordForm is how channels and purposes are spelt. Which of them exist is not asked: a
// refusal of a channel that isn't connected yet must hold on the day it is.
var wordForm = regexp.MustCompile(`^(\*|[a-z][a-z0-9-]{0,31})$`)

// Refusal is a customer's no.
type Refusal struct {
	ID       int64
	Customer int64  // 0: only the contact point is known
	Key      []byte // of the contact point; empty: only the customer is known
	Channel  string // "*" or empty: every channel
	Purpose  string // "*" or empty: every purpose
	At       time.Time
	Recorded time.Time
	Source   string // where it was said: sms, email, phone, web, wallet, staff …
	Words    string // what was said
	Wording  string // what the customer was shown, or which version of it
	Actor    string // who recorded it, when it wasn't the customer
	Lifted   time.Time
	Again    time.Time // when the same was said last, while it stood; zero: once only
}

// Last is when the refusal was said last.
func (r *Refusal) Last() time.Time {
	if r.Again.After(r.At) {
		return r.Again
	}
	return r.At
}

// Record is one grant or withdrawal of consent.
type Record struct {
	ID       int64
	Customer int64
	Purpose  string
	Channel  string // "*" or empty: every channel
	Granted  bool
	At       time.Time
	Recorded time.Time
	Source   string // where it was given: app, web, paper …
	Wording  string // what the customer was told, or which version of it
	Proof    string // where it can be found again
	Actor    string
}

// Standing is what holds for one customer now, as decisions take it.
type Standing struct {
	Refusals []policy.Refusal
	Consents []policy.Consent
	Own      *policy.OwnHours // the hours the customer chose, if OwnSaid
	OwnSaid  bool             // over what the wallet says
	Language string           // the one the customer chose; "": none
}

// OwnHours is the customer's own wish, or what the wallet knows of it.
func (s *Standing) OwnHours(known *policy.OwnHours) *policy.OwnHours {
	if s.OwnSaid {
		return s.Own
	}
	return known
}

func invalid(path, format string, a ...any) *errs.Error {
	return errs.New(errs.Invalid, codes.FieldInvalid, format, a...).At(path)
}

func orAny(word string) string {
	if word == "" {
		return policy.Any
	}
	return word
}

func checkWords(channel, purpose string) error {
	if !wordForm.MatchString(channel) {
		return invalid("channel", "%q is no channel: write phone, sms, email or another, or * for every one", channel)
	}
	if !wordForm.MatchString(purpose) {
		return invalid("purpose", "%q is no purpose: write service, survey, marketing or another, or * for every one", purpose)
	}
	return nil
}

// prepare checks a refusal. What the customer said is cut rather than refused: no refusal is
// lost because it was long. It can't lie in the future either: it holds from now.
func (r *Refusal) prepare(now time.Time) error {
	r.Channel, r.Purpose = orAny(r.Channel), orAny(r.Purpose)
	if err := checkWords(r.Channel, r.Purpose); err != nil {
		return err
	}
	if r.Customer == 0 && len(r.Key) == 0 {
		return errs.New(errs.Invalid, codes.FieldMissing, "the refusal names neither a customer nor a contact point: give one")
	}
	if len(r.Key) != 0 && len(r.Key) != keyBytes {
		return invalid("key", "the key of a contact point has %d bytes, this one %d", keyBytes, len(r.Key))
	}
	r.Words, r.Source, r.Actor = cut(r.Words, wordsCharsMax), cut(r.Source, sourceCharsMax), cut(r.Actor, actorCharsMax)
	r.Wording = cut(r.Wording, wordsCharsMax)
	r.At, r.Recorded = noLater(r.At, now), now
	if r.Key == nil {
		r.Key = []byte{}
	}
	return nil
}

func (r *Record) prepare(now time.Time) error {
	r.Channel = orAny(r.Channel)
	if err := checkWords(r.Channel, r.Purpose); err != nil {
		return err
	}
	switch {
	case r.Customer == 0:
		return errs.New(errs.Invalid, codes.FieldMissing, "the consent names no customer: give one").At("customer")
	case r.Granted && r.Proof == "":
		return errs.New(errs.Invalid, codes.FieldMissing,
			"a consent needs its proof: say where it can be found again, such as a form and its version").At("proof")
	}
	r.Wording, r.Proof = cut(r.Wording, wordsCharsMax), cut(r.Proof, wordsCharsMax)
	r.Source, r.Actor = cut(r.Source, sourceCharsMax), cut(r.Actor, actorCharsMax)
	r.At, r.Recorded = noLater(r.At, now), now
	return nil
}

func noLater(at, now time.Time) time.Time {
	if at.IsZero() || at.After(now) {
		return now
	}
	return at
}

// cut keeps the first characters and mends what isn't UTF-8: PostgreSQL takes no other text.
func cut(text string, most int) string {
	kept := make([]rune, 0, min(utf8.RuneCountInString(text), most))
	for _, c := range text {
		if len(kept) == most {
			break
		}
		if c != 0 {
			kept = append(kept, c)
		}
	}
	return string(kept)
}
