package attempt

import (
	"encoding/binary"
	"time"

	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/crypt"
	"github.com/huiyin/huiyin/internal/platform/errs"
	"github.com/huiyin/huiyin/internal/platform/ids"
)

// State is where an attempt stands.
type State string

// The states.
const (
	Intended    State = "intended"    // durable; it may be on the wire
	Withheld    State = "withheld"    // the last look said no: it never was on the wire
	Rejected    State = "rejected"    // the provider said no, or it never left
	Unknown     State = "unknown"     // nobody can say
	Accepted    State = "accepted"    // the provider took it
	Undelivered State = "undelivered" // it took it and reported later that it didn't arrive
	Delivered   State = "delivered"
	Seen        State = "seen"
)

// before lists, for each state, the states an attempt may come from. Everything
// else is a report that came too late, and changes nothing.
var before = map[State][]State{
	Withheld:    {Intended},
	Rejected:    {Intended, Unknown},
	Unknown:     {Intended},
	Accepted:    {Intended, Unknown},
	Undelivered: {Intended, Unknown, Accepted},
	Delivered:   {Intended, Unknown, Accepted, Undelivered},
	Seen:        {Intended, Unknown, Accepted, Undelivered, Delivered},
}

// MayFollow says whether an attempt in state from may go to state to.
func MayFollow(from, to State) bool {
	for _, s := range before[to] {
		if s == from {
			return true
		}
	}
	return false
}

// Open says that the outcome is still to come or to be found out.
func (s State) Open() bool { return s == Intended || s == Unknown }

// Failed says that it is known not to have reached the customer, so that it gives back its allowance.
func (s State) Failed() bool { return s == Withheld || s == Rejected || s == Undelivered }

// Reached says that the provider took it, as far as we know.
func (s State) Reached() bool { return s == Accepted || s == Delivered || s == Seen }

// Attempt is one try to reach a person on one channel.
type Attempt struct {
	ID, FollowUp, Program, Customer int64

	Step, Try        int
	Channel, Purpose string
	AddressKey       []byte // keyed hash of the address
	Language         string
	Content                // personal: sealed in the database, empty until opened; see Open
	KeyID            int64 // of the vault

	State  State
	Reason codes.Reason
	Detail string // the provider's words
	Epoch  int64  // the fence of the follow-up when it was last sent
	Ref    string // the provider's name for it
	Sends  int    // how often it went to the wire under its one key

	IntendedAt, AcceptedAt, DeliveredAt, SeenAt time.Time
	UpdatedAt                                   time.Time // when it last went to the wire or changed its state

	sealed []byte
}

// ReachedAt is when it was first known to be taken; zero if it isn't.
func (a *Attempt) ReachedAt() time.Time {
	for _, at := range []time.Time{a.AcceptedAt, a.DeliveredAt, a.SeenAt} {
		if !at.IsZero() {
			return at
		}
	}
	return time.Time{}
}

// keyPurpose separates idempotency keys from everything else computed with the house's keys.
const keyPurpose = "attempt-key"

// keyMACBytes of the MAC go into a key: 64 bits nobody can guess.
const keyMACBytes = 8

// Key is the idempotency key of an attempt: its id and a MAC over it, so that a
// receipt that names the key finds the attempt without an index and can't be
// made up.
func Key(k *crypt.Keyring, id int64) string {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], uint64(id))
	return ids.Spell(append(b[:], k.MAC(keyPurpose, b[:])[:keyMACBytes]...))
}

// ParseKey gives the id of a key we made.
func ParseKey(k *crypt.Keyring, key string) (int64, error) {
	b, err := ids.Unspell(key)
	if err != nil || len(b) != 8+keyMACBytes || !crypt.Equal(b[8:], k.MAC(keyPurpose, b[:8])[:keyMACBytes]) {
		return 0, errs.New(errs.Invalid, "attempt-key-unknown", "%.40q is not a key we gave to a provider", key)
	}
	return int64(binary.BigEndian.Uint64(b)), nil
}

// MetricAttempt counts each state an attempt enters, once. Dim: <step>:<channel>:<state>.
const MetricAttempt = "attempt"
