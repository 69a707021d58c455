package attempt

import (
	"encoding/binary"
	"strings"

	"golang.org/x/text/unicode/norm"

	"github.com/huiyin/huiyin/internal/platform/crypt"
	"github.com/huiyin/huiyin/internal/platform/db"
)

// What a message is called by, so that a customer can ask whether we really sent it.
const (
	// ReferenceChars is how long a reference is: short enough to be typed from one telephone into another.
	ReferenceChars = 8

	// referenceLetters can't be taken for one another, and spell no words.
	referenceLetters = "23456789BCDFGHJKMNPQRSTVWXYZ"

	// markChars at the end show that a reference is one of ours, whoever's message it is.
	markChars = 3

	referencePurpose = "attempt-reference"
	markPurpose      = "attempt-reference-mark"

	// checkedMax is how many of a customer's last messages can be asked about.
	checkedMax = 500
)

// Reference is what an attempt's message is called by. It follows from the attempt's id and
// the house's keys, so it isn't stored, and nobody else can make one up.
func Reference(k *crypt.Keyring, id int64) string {
	head := letters(k.MAC(referencePurpose, binary.BigEndian.AppendUint64(nil, uint64(id))), ReferenceChars-markChars)
	return head + mark(k, head)
}

func mark(k *crypt.Keyring, head string) string {
	return letters(k.MAC(markPurpose, []byte(head)), markChars)
}

// letters spells the first n letters of a MAC. It is far longer than what is taken of it, so
// each letter is as likely as the others but for one part in 2^25.
func letters(mac []byte, n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteByte(referenceLetters[binary.BigEndian.Uint32(mac[4*i:])%uint32(len(referenceLetters))])
	}
	return b.String()
}

// ReadReference brings what a customer typed into the one spelling; "" if it can't be a reference.
func ReadReference(typed string) string {
	if len(typed) > 16*ReferenceChars {
		return ""
	}
	text := strings.Map(func(c rune) rune {
		if c == ' ' || c == '-' || c == '.' || c == '\u00a0' {
			return -1
		}
		return c
	}, strings.ToUpper(norm.NFKC.String(typed)))
	if len(text) != ReferenceChars || strings.Trim(text, referenceLetters) != "" {
		return ""
	}
	return text
}

// IsReference says whether a reference is one of ours, whoever's message it names.
func IsReference(k *crypt.Keyring, reference string) bool {
	if len(reference) != ReferenceChars {
		return false
	}
	head := reference[:ReferenceChars-markChars]
	return crypt.Equal([]byte(reference[ReferenceChars-markChars:]), []byte(mark(k, head)))
}

// Sent is what a customer may be told of a message.
type Sent struct {
	ID, Program      int64
	Channel, Purpose string
	State            State
	IntendedAtMillis int64
}

// Named finds the message a customer means among their last ones; nil: they were sent none of
// that name. What never left isn't found.
func Named(tx *db.Tx, k *crypt.Keyring, customer int64, reference string) (*Sent, error) {
	all, err := db.All(tx, func(r *db.Rows) (Sent, error) {
		var s Sent
		return s, r.Scan(&s.ID, &s.Program, &s.Channel, &s.Purpose, &s.State, &s.IntendedAtMillis)
	}, `SELECT id, program_id, channel, purpose, state, intended_at FROM attempt WHERE customer_id = $1 ORDER BY id DESC LIMIT $2`, customer, checkedMax)
	if err != nil {
		return nil, err
	}
	for i := range all {
		if s := &all[i]; s.State != Withheld && s.State != Rejected && crypt.Equal([]byte(Reference(k, s.ID)), []byte(reference)) {
			return s, nil
		}
	}
	return nil, nil
}
