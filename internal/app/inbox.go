package app

import (
	"context"
	"net/url"
	"slices"
	"strings"

	"github.com/huiyin/huiyin/internal/channel/inapp"
	"github.com/huiyin/huiyin/internal/people/pass"
	"github.com/huiyin/huiyin/internal/people/vault"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/errs"
)

// inboxChannel is the one channel that an inbox serves: its addresses are customers of the wallet.
const inboxChannel = "inapp"

// InboxSettings are those of in-app cards.
type InboxSettings struct {
	inapp.Settings
	Origins []string // of the wallet's web pages that show cards
}

func inboxFields(s *InboxSettings) map[string]setter {
	return map[string]setter{"origins": list(&s.Origins), "in_flight": number(&s.InFlight), "send_timeout": span(&s.SendTimeout)}
}

// completeInbox checks the settings of the inbox, if there is one.
func (c *Config) completeInbox() error {
	for name, ch := range c.Channels {
		if ch.Adapter != adapterInbox {
			continue
		}
		if name != inboxChannel {
			return errs.New(errs.Invalid, codes.SettingInvalid, "an inbox serves the channel %s alone", inboxChannel).At("channels." + name + ".adapter")
		}
		for i, origin := range ch.Inbox.Origins {
			o, ok := originOf(origin)
			if !ok || o != strings.ToLower(strings.TrimSuffix(origin, "/")) {
				return errs.New(errs.Invalid, codes.SettingInvalid, "%q is no origin; write scheme, host and perhaps a port, such as https://shop.example", origin).At("channels.inapp.origins")
			}
			ch.Inbox.Origins[i] = o
		}
	}
	return nil
}

// originOf gives the origin of an address, as browsers write it.
func originOf(address string) (string, bool) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return "", false
	}
	return strings.ToLower(u.Scheme + "://" + u.Host), true
}

// Origins lists whose pages may call the in-app routes: the wallet's, and our own frame.
func (c *Config) Origins() []string {
	origins := slices.Clone(c.Channels[inboxChannel].Inbox.Origins)
	if own, ok := originOf(c.PublicURL); ok && !slices.Contains(origins, own) {
		origins = append(origins, own)
	}
	return origins
}

// connectInbox makes the channel whose provider is this very server.
func (a *App) connectInbox(s InboxSettings) (closer, error) {
	made, err := inapp.New(s.Settings, a.Inbox, a.Inbox.Sealer, a.IDs, a.Clock, a.Bell)
	if e, ours := errs.As(err); ours {
		return nil, e.At("channels." + inboxChannel)
	}
	return made, err
}

// passes reads the tokens wallets sign for their customers.
func (a *App) passes() *pass.Checker {
	return &pass.Checker{Clock: a.Clock, Secret: func(ctx context.Context, number string) (string, error) {
		return a.House.APIKeys.SigningSecret(ctx, a.Keys, number)
	}}
}

// exportCards gives a customer's cards with what they say.
func (a *App) exportCards(tx *db.Tx, s *vault.Subject) (any, error) {
	type card struct {
		inapp.Card
		inapp.Content
	}
	found, err := inapp.Of(tx, s.Customer)
	if err != nil {
		return nil, err
	}
	cards := make([]card, len(found))
	for i := range found {
		cards[i].Card = found[i]
		if cards[i].Content, err = a.Inbox.Read(tx.Context(), &found[i]); err != nil {
			return nil, err
		}
	}
	return cards, nil
}
