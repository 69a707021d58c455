package channel

import "github.com/huiyin/huiyin/internal/platform/codes"

// BounceKind is what a message that came back says of ours.
type BounceKind uint8

// The kinds.
const (
	NoBounce      BounceKind = iota // it is no report at all
	Arrived                         // it was delivered
	Delayed                         // it is still being tried
	Failed                          // it didn't arrive; another may
	NoSuchAddress                   // it didn't arrive, and nothing sent there will
	Complained                      // it arrived, and the customer called it spam
)

// Bounce is a report that came as a message of its own.
type Bounce struct {
	Kind   BounceKind
	Reason codes.Reason
	Detail string   // the other server's words; they may name the address
	Keys   []string // that may be the message's, the surest first; whoever believes one checks that it is ours
}

// BounceReader is offered by channels whose failures come back as messages.
type BounceReader interface {
	ReadBounce(raw []byte, to string) (Bounce, error)
}
