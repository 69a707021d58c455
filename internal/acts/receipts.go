package acts

import (
	"context"
	"net/http"

	"github.com/huiyin/huiyin/internal/channel"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/errs"
)

// Takes says whether a channel takes receipts, or replies.
func (h *House) Takes(channelName string, replies bool) error {
	var err error
	if replies {
		_, err = h.replyReader(channelName)
	} else {
		_, err = h.receiptReader(channelName)
	}
	return err
}

func (h *House) receiptReader(channelName string) (channel.ReceiptReader, error) {
	c, connected := h.Channels.Get(channelName)
	reader, reads := c.(channel.ReceiptReader)
	if !connected || !reads || !c.Abilities().Receipts {
		return nil, errs.New(errs.NotFound, codes.ChannelUnknown, "no channel %.40q is connected that takes receipts; configure its receipt_secrets", channelName)
	}
	return reader, nil
}

func (h *House) replyReader(channelName string) (channel.ReplyReader, error) {
	c, connected := h.Channels.Get(channelName)
	reader, reads := c.(channel.ReplyReader)
	if !connected || !reads {
		return nil, errs.New(errs.NotFound, codes.ChannelUnknown, "no channel %.40q is connected that takes replies", channelName)
	}
	return reader, nil
}

// Receive keeps what a channel's provider reports. The channel checks that it is the
// provider who speaks; nothing else is believed.
func (h *House) Receive(ctx context.Context, channelName string, header http.Header, body []byte) error {
	reader, err := h.receiptReader(channelName)
	if err != nil {
		return err
	}
	receipts, err := reader.ReadReceipts(header, body)
	if err != nil {
		return err
	}
	moved, err := h.Dispatcher.Receive(ctx, channelName, receipts)
	if moved > 0 {
		h.wake()
	}
	return err
}

// Hear keeps what customers wrote back on a channel, and acts on it: when it returns, a refusal
// among it holds. The channel checks that it is the provider who speaks.
func (h *House) Hear(ctx context.Context, channelName string, header http.Header, body []byte) error {
	reader, err := h.replyReader(channelName)
	if err != nil {
		return err
	}
	replies, err := reader.ReadReplies(header, body)
	if err != nil {
		return err
	}
	kept, err := h.Hearer.Hear(ctx, channelName, replies)
	if kept > 0 {
		h.wake()
	}
	return err
}

// Acknowledge gives what a channel's provider wants to hear once a post is kept; empty: nothing.
func (h *House) Acknowledge(channelName string, replies bool) (contentType string, body []byte) {
	c, _ := h.Channels.Get(channelName)
	if speaks, ok := c.(channel.Acknowledger); ok {
		return speaks.Acknowledge(replies)
	}
	return "", nil
}
