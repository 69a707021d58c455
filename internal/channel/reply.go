package channel

import (
	"net/http"
	"time"

	"github.com/huiyin/huiyin/internal/platform/codes"
)

// Reply is what somebody wrote back to a message of ours.
type Reply struct {
	ID   string // the provider's name for it: a reply that comes twice has the same
	From string // the address it came from, as the provider writes it
	To   string // our address, if the provider says it
	Ref  string // the provider's name for the message replied to, if it says it
	Text string
	At   time.Time // zero: not said
}

// ReplyReader is offered by channels whose customers can write back. It verifies that the
// post is the provider's own; an error means that nothing in the body may be believed.
type ReplyReader interface {
	ReadReplies(h http.Header, body []byte) ([]Reply, error)
}

// Acknowledger is offered by channels whose provider wants certain words once a post of
// receipts or replies is kept; else an empty answer does.
type Acknowledger interface {
	Acknowledge(replies bool) (contentType string, body []byte)
}

// Approver is offered by channels whose provider must approve templates. The reason says why a
// template may not be sent in a language; empty: it may.
type Approver interface {
	Approval(template, language string) codes.Reason
}

// Confirmer is offered by channels that confirm a refusal by reply, once.
type Confirmer interface{ Confirms() bool }

// SegmentCounter is offered by channels whose provider counts a text as several messages: how
// many this one counts as, and the most that are sent as one.
type SegmentCounter interface {
	SegmentsOf(text string) (n, most int)
}
