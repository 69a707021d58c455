package channel

import (
	"context"
	"net/http"
	"time"

	"github.com/huiyin/huiyin/internal/platform/codes"
)

// Message is one attempt's content, finished: nothing in it is filled in later.
type Message struct {
	Key         string // idempotency key: one per attempt, the same at every retry; letters, digits, - . _
	Attempt     int64
	To          string // the address on this channel
	Language    string // BCP 47
	Purpose     string
	Subject     string
	Text        string
	HTML        string            // only for channels whose abilities say so
	Template    string            // the template's name, for providers that must have approved it
	Link        string            // the personal link the text leads to, if any
	Unsubscribe string            // https address that takes a one-click refusal, if any
	Headers     map[string]string // further headers, for channels that have headers
	Customer    int64             // whose it is: an opaque number, for channels that keep something of theirs
	SealKey     int64             // the key under which a channel seals what it keeps of theirs
	Reference   string            // what the customer may ask about it by; the text holds it already
	Program     string            // why we write, in a few words and the message's language
	Until       time.Time         // when it has outlived its use; zero: never
}

// Result is what is known of a message after Send. The zero value is Unknown:
// an outcome that nobody filled in must never pass for a success or a failure.
type Result uint8

// The results.
const (
	Unknown  Result = iota // it may have reached the customer; never send it again blindly
	OK                     // the provider took it
	Rejected               // the provider didn't take it, or nothing was sent
	Withheld               // the last look said no: nothing that could reach the customer left
)

func (r Result) String() string {
	switch r {
	case OK:
		return "ok"
	case Rejected:
		return "rejected"
	case Withheld:
		return "withheld"
	default:
		return "unknown"
	}
}

// Outcome is what Send and LookUp answer.
type Outcome struct {
	Result     Result
	Reason     codes.Reason
	Detail     string        // the provider's words, without the customer's address
	Ref        string        // the provider's name for the message
	RetryAfter time.Duration // Rejected only: may be tried again after this long; 0 = for good
}

// LastLook is called by the channel once per Send, when the connection is in
// hand and immediately before the first byte that could reach the customer.
// An error means: don't send. A send that fails earlier doesn't call it.
type LastLook func(ctx context.Context) error

// Channel is a way of reaching customers. Send is safe for concurrent use and
// returns within SendTimeout or when ctx ends, whichever comes first.
type Channel interface {
	Abilities() Abilities
	Send(ctx context.Context, m Message, look LastLook) Outcome
}

// Abilities is what a channel declares of itself; the engine acts on nothing else.
type Abilities struct {
	Idempotency time.Duration // the provider repeats the same answer for the same key this long; 0 = none
	LookUp      bool          // the channel is a LookUper and its provider can be asked
	Receipts    bool          // the channel is a ReceiptReader and its provider sends receipts
	InFlight    int           // how many sends may run at once
	SendTimeout time.Duration // the longest a Send takes
	HTML        bool          // Message.HTML is used
	TextLimit   int           // the most characters of text the provider takes; 0 = no limit
}

// LookUper is offered by channels whose provider can be asked what became of a key.
// Result Unknown means that the provider couldn't say either.
type LookUper interface {
	LookUp(ctx context.Context, key, ref string) Outcome
}

// ReceiptReader is offered by channels whose provider reports on messages later.
// It verifies that the report is the provider's own; an error means that nothing
// in the body may be believed.
type ReceiptReader interface {
	ReadReceipts(h http.Header, body []byte) ([]Receipt, error)
}

// Status is what a receipt reports.
type Status string

// The statuses, in the order in which a message can go through them.
const (
	Undelivered Status = "undelivered"
	Delivered   Status = "delivered"
	Seen        Status = "seen"
)

// Receipt is one later report on one message. Receipts come late, twice and out
// of order; the reader of a receipt moves states only forward.
type Receipt struct {
	Key    string // at least one of Key and Ref is set
	Ref    string
	Status Status
	Reason codes.Reason
	At     time.Time
}
