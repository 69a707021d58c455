package engine

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/huiyin/huiyin/internal/channel"
	"github.com/huiyin/huiyin/internal/contact/attempt"
	"github.com/huiyin/huiyin/internal/followup"
	"github.com/huiyin/huiyin/internal/hear/answer"
	"github.com/huiyin/huiyin/internal/people/vault"
	"github.com/huiyin/huiyin/internal/platform/clock"
	"github.com/huiyin/huiyin/internal/platform/crypt"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/ids"
	"github.com/huiyin/huiyin/internal/program/program"
)

const (
	// leaseSlack is what a lease has beyond the longest send: the wait for a
	// connection, for the other sends of the batch, and for the commit of the outcome.
	leaseSlack = 30 * time.Second

	// lookFresh is how old a last look may be when the first byte leaves. A refusal
	// committed after the look can be missed by no more than this.
	lookFresh = 200 * time.Millisecond

	// keyMargin is kept free at the end of a provider's idempotency window.
	keyMargin = time.Minute

	// askAgain is how long after an unknown outcome the provider is asked again.
	askAgain = 30 * time.Second

	// lookUpSettle is how long after the send a provider's "I don't know it" isn't believed.
	lookUpSettle = 15 * time.Minute

	// lookUpMax is how long an unknown outcome is looked up before it is set aside.
	lookUpMax = 24 * time.Hour

	// rejectionsMax bounds how often one step is tried again after a provider said "not
	// now": after notNowFirst at the earliest, then after twice that and so on up to
	// notNowMost, so that a provider may be away for more than a day.
	rejectionsMax = 40
	notNowFirst   = 30 * time.Second
	notNowMost    = time.Hour

	// heldRecheck is how soon follow-ups of a paused program, or of a customer we don't
	// know yet, are looked at again; resuming and learning wake them at once. Those that
	// have waited long are looked at after heldRecheckMost: there may be a million.
	heldRecheck     = 15 * time.Minute
	heldRecheckMost = 2 * time.Hour

	// answerWait is how long a last step that asks a question waits when it doesn't say.
	answerWait = 72 * time.Hour

	// linkGrace is how long an answer link outlives the deadline of its follow-up. A link never
	// closes while its follow-up may still ask, and whoever comes late is heard for a month more.
	linkGrace = 30 * 24 * time.Hour
)

// Dispatcher takes due follow-ups to attempts and attempts to outcomes, in three
// movements: Record (decide and make durable what will be sent), Send (the last
// look, then the wire), Conclude (what came of it). Each is safe to be cut off at
// any point; docs/states.md tells what the next one then finds.
type Dispatcher struct {
	DB        *db.DB
	Clock     clock.Clock // the node's own: only differences of it are used, never the time of day
	IDs       *ids.Source
	Keys      *crypt.Keyring
	Vault     *vault.Vault
	Programs  Source
	Links     *answer.Links
	Channels  *channel.Registry
	PublicURL string // where customers find the pages, without a slash at the end
	Hotline   string

	assertions atomic.Int64
	zones      zoneCache
}

// Sending is one attempt on its way: recorded, not yet concluded.
type Sending struct {
	FollowUp followup.FollowUp
	Attempt  attempt.Attempt
	Message  channel.Message
	Outcome  channel.Outcome

	live     *program.Live
	channel  channel.Channel
	facts    lookFacts
	again    bool // under a key that went out before: it may have arrived already
	lookUp   bool // ask what became of it instead of sending
	settled  bool // long enough after the last send for "I don't know it" to be believed
	keyUntil time.Time
	rejected int       // how often the step was rejected before
	recorded time.Time // on the node's clock
	lease    time.Duration
	lookedAt time.Time // on the node's clock
	lookErr  error
	looks    *lookGroup // of its lane; nil: it looks for itself alone
}

// Batch is what one Record made: the sendings to carry out, and when the lane is
// next due if there are none.
type Batch struct {
	Sendings []*Sending
	Handled  int // follow-ups that were due
	Next     time.Time
	Now      time.Time // the database's time at which nothing was due
}

// Assertions is how many follow-ups this dispatcher set aside because something
// that can't be was so.
func (d *Dispatcher) Assertions() int64 { return d.assertions.Load() }

// Lanes are the lanes there can be work in: one per channel name, connected or not.
var Lanes = []string{"phone", "email", "sms", "inapp", "push", "im", "webhook"}

// Capacity is how many attempts of a lane may be in flight at once on this node.
func (d *Dispatcher) Capacity(lane string) int {
	if c, ok := d.Channels.Get(lane); ok {
		return max(1, c.Abilities().InFlight)
	}
	return unconnectedBatch
}

// unconnectedBatch bounds a turn on a lane whose channel isn't connected: nothing is sent there.
const unconnectedBatch = 200

// Turn takes one lane through all three movements, one sending after another; it
// says how many follow-ups it handled and when the lane is next due. Replays and
// small tools use it; the server overlaps the movements (see Lane).
func (d *Dispatcher) Turn(ctx context.Context, lane string, limit int) (handled int, next time.Time, err error) {
	b, err := d.Record(ctx, lane, limit)
	if err != nil {
		return 0, time.Time{}, err
	}
	for _, s := range b.Sendings {
		d.Send(ctx, s)
	}
	return b.Handled, b.Next, d.Conclude(ctx, b.Sendings)
}
