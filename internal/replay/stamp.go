package replay

import (
	"context"
	"maps"
	"time"

	"github.com/huiyin/huiyin/internal/channel"
	"github.com/huiyin/huiyin/internal/platform/clock"
)

// HeaderAt tells whoever gets a message when it was sent, in the stream's time.
const HeaderAt = "X-Huiyin-At"

type stamped struct {
	channel.Channel
	clock clock.Clock
}

// Send sends the message with the stream's time in its headers.
func (s stamped) Send(ctx context.Context, m channel.Message, look channel.LastLook) channel.Outcome {
	headers := maps.Clone(m.Headers)
	if headers == nil {
		headers = map[string]string{}
	}
	headers[HeaderAt] = s.clock.Now().UTC().Format(time.RFC3339Nano)
	m.Headers = headers
	return s.Channel.Send(ctx, m, look)
}

// Stamp makes a channel say in every message when it was sent by the clock. What else
// the channel can do it goes on being able to do.
func Stamp(c channel.Channel, clk clock.Clock) channel.Channel {
	s := stamped{c, clk}
	asks, canAsk := c.(channel.LookUper)
	hears, canHear := c.(channel.ReceiptReader)
	switch {
	case canAsk && canHear:
		return struct {
			stamped
			channel.LookUper
			channel.ReceiptReader
		}{s, asks, hears}
	case canAsk:
		return struct {
			stamped
			channel.LookUper
		}{s, asks}
	case canHear:
		return struct {
			stamped
			channel.ReceiptReader
		}{s, hears}
	default:
		return s
	}
}
