package acts

import (
	"context"
	"time"

	"github.com/huiyin/huiyin/internal/channel"
	"github.com/huiyin/huiyin/internal/channel/inapp"
	"github.com/huiyin/huiyin/internal/engine"
	"github.com/huiyin/huiyin/internal/hear/answer"
	"github.com/huiyin/huiyin/internal/people/pass"
	"github.com/huiyin/huiyin/internal/people/staff"
	"github.com/huiyin/huiyin/internal/people/vault"
	"github.com/huiyin/huiyin/internal/platform/clock"
	"github.com/huiyin/huiyin/internal/platform/crypt"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/ids"
)

// House is what acts are done to.
type House struct {
	DB         *db.DB
	Clock      clock.Clock
	IDs        *ids.Source
	Keys       *crypt.Keyring
	Vault      *vault.Vault
	Eraser     *engine.Eraser
	Library    *engine.Library
	Dispatcher *engine.Dispatcher
	Hearer     *engine.Hearer
	Channels   *channel.Registry
	APIKeys    *staff.Keys
	Passes     *pass.Checker
	Inbox      *inapp.Inbox
	Bell       *inapp.Bell
	Answers    *answer.Store
	Home       string   // the country taken for customers of whom none is known
	Domains    []string // the wallet's own, to which alone texts may link; none: any
	Names      []string // of channels that count as connected when publishing; nil: those of Channels
	Wake       func()   // follow-ups may have fallen due; nil: nobody is told
	Logged     func()   // events were put into the log; nil: nobody is told

	checks limit // of questions whether a message is ours
}

func (h *House) now() time.Time { return h.Clock.Now() }

func (h *House) wake() {
	if h.Wake != nil {
		h.Wake()
	}
}

func (h *House) logged() {
	if h.Logged != nil {
		h.Logged()
	}
}

// connected lists the channels programs may use when published.
func (h *House) connected() []string {
	if h.Names != nil {
		return h.Names
	}
	return h.Channels.Names()
}

// write runs one act and tells the loops afterwards.
func (h *House) write(ctx context.Context, p db.Priority, name string, fn func(*db.Tx) error) error {
	if err := h.DB.Write(ctx, p, name, fn); err != nil {
		return err
	}
	h.wake()
	return nil
}
