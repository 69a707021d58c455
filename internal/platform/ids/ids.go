package ids

import (
	"encoding/base32"
	"io"
	"sync"
	"time"

	"github.com/huiyin/huiyin/internal/platform/clock"
)

const (
	nodeBits     = 8
	sequenceBits = 14
	sequenceMax  = 1<<sequenceBits - 1

	// TokenBytes is the size of a token before it is spelled: 128 bits.
	TokenBytes = 16
)

// epochMillis is 1990-01-01T00:00:00Z; 41 bits of milliseconds from there last until 2059.
// It lies that early so that recorded streams of the past can be replayed in their own time.
const epochMillis = 631152000000

// Source makes identifiers for one node. It is safe for concurrent use.
type Source struct {
	clock  clock.Clock
	random io.Reader
	node   int64

	mu       sync.Mutex
	last     int64 // milliseconds of the last identifier; never goes back
	sequence int64
}

// New makes a Source. Two processes on one database need different nodes.
func New(c clock.Clock, node uint8, random io.Reader) *Source {
	return &Source{clock: c, node: int64(node), random: random}
}

// Next makes an identifier greater than all before it from this Source.
// If the clock steps back, or more than 16,384 are asked of one millisecond,
// it borrows from the milliseconds to come.
func (s *Source) Next() int64 {
	ms := max(s.clock.Now().UnixMilli()-epochMillis, 1)
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case ms > s.last:
		s.last, s.sequence = ms, 0
	case s.sequence < sequenceMax:
		s.sequence++
	default:
		s.last, s.sequence = s.last+1, 0
	}
	return s.last<<(nodeBits+sequenceBits) | s.node<<sequenceBits | s.sequence
}

// Token makes 128 bits of chance spelled as 26 lower-case letters and digits.
// A source of chance that fails is a machine one must not go on with: it panics.
func (s *Source) Token() string {
	var b [TokenBytes]byte
	s.mu.Lock()
	_, err := io.ReadFull(s.random, b[:])
	s.mu.Unlock()
	if err != nil {
		panic("ids: the source of chance failed: " + err.Error())
	}
	return Spell(b[:])
}

var spelling = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// Spell writes bytes as lower-case letters and digits that survive a URL, a header and a phone call.
func Spell(b []byte) string { return spelling.EncodeToString(b) }

// Unspell reads what Spell wrote.
func Unspell(s string) ([]byte, error) { return spelling.DecodeString(s) }

// At tells when an identifier was made, to the millisecond.
func At(id int64) time.Time {
	return time.UnixMilli(id>>(nodeBits+sequenceBits) + epochMillis).UTC()
}

// First is the smallest identifier that can have been made at a moment: a bound for reading
// by time.
func First(t time.Time) int64 {
	return max(t.UnixMilli()-epochMillis, 0) << (nodeBits + sequenceBits)
}
