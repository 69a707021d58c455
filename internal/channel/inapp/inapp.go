package inapp

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/huiyin/huiyin/internal/channel"
	"github.com/huiyin/huiyin/internal/platform/clock"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/errs"
	"github.com/huiyin/huiyin/internal/platform/ids"
)

const (
	inFlightDefault    = 32
	inFlightMost       = 256
	sendTimeoutDefault = 5 * time.Second
	textCharsMax       = 4_000
	retryLater         = 15 * time.Second

	// keptMost is how long a card is kept that never ends by itself.
	keptMost = 90 * 24 * time.Hour

	// honoured is how long the same key makes no second card. Cards are kept longer: until
	// some time after they have outlived their use.
	honoured = 30 * 24 * time.Hour
)

// Settings of the channel.
type Settings struct {
	InFlight    int           // 0: 32
	SendTimeout time.Duration // 0: 5 s
}

// Shelf is where cards are put. Inbox is the one there is; what it answers decides what is
// known of a send: an error of the kinds Busy and Invalid says that nothing was written.
type Shelf interface {
	Put(ctx context.Context, card *Card) error
	Find(ctx context.Context, key string) (bool, error)
}

// Sealer seals what belongs to a customer under that customer's own key, bound to the place
// it will lie in.
type Sealer interface {
	Seal(ctx context.Context, key int64, column string, row int64, plain []byte) ([]byte, error)
	Open(ctx context.Context, key int64, column string, row int64, sealed []byte) ([]byte, error)
}

// contentColumn is the place a card's texts are bound to.
const contentColumn = "inbox_item.content"

// Channel puts messages into inboxes. It is safe for concurrent use.
type Channel struct {
	settings Settings
	shelf    Shelf
	sealer   Sealer
	ids      *ids.Source
	clock    clock.Clock
	slots    chan struct{}
	bell     *Bell
}

var (
	_ channel.Channel       = (*Channel)(nil)
	_ channel.LookUper      = (*Channel)(nil)
	_ channel.ReceiptReader = (*Channel)(nil)
)

// New checks the settings. bell may be nil: nobody waits for cards then.
func New(s Settings, shelf Shelf, sealer Sealer, source *ids.Source, c clock.Clock, bell *Bell) (*Channel, error) {
	if s.InFlight == 0 {
		s.InFlight = inFlightDefault
	}
	if s.SendTimeout == 0 {
		s.SendTimeout = sendTimeoutDefault
	}
	if s.InFlight < 1 || s.InFlight > inFlightMost {
		return nil, errs.New(errs.Invalid, codes.SettingInvalid, "%d cards at once; write 1 to %d", s.InFlight, inFlightMost).At("in_flight")
	}
	return &Channel{settings: s, shelf: shelf, sealer: sealer, ids: source, clock: c, slots: make(chan struct{}, s.InFlight), bell: bell}, nil
}

// Abilities: a key is honoured as long as its card lies here, and the inbox can be asked.
func (c *Channel) Abilities() channel.Abilities {
	return channel.Abilities{
		Idempotency: honoured, LookUp: true, Receipts: true,
		InFlight: c.settings.InFlight, SendTimeout: c.settings.SendTimeout, TextLimit: textCharsMax,
	}
}

// Close has nothing to close: the database is the server's.
func (c *Channel) Close() {}

// Send puts a card into the customer's inbox. What it needs is at hand before the last look,
// and the card is durable when it says OK.
func (c *Channel) Send(ctx context.Context, m channel.Message, look channel.LastLook) channel.Outcome {
	ctx, cancel := context.WithTimeout(ctx, c.settings.SendTimeout)
	defer cancel()
	if utf8.RuneCountInString(m.Text) > textCharsMax {
		return channel.Refused(codes.MessageTooLarge, "the text has more than 4,000 characters")
	}
	select {
	case c.slots <- struct{}{}:
		defer func() { <-c.slots }()
	case <-ctx.Done():
		return notSent(ctx, ctx.Err())
	}
	if ctx.Err() != nil {
		return notSent(ctx, ctx.Err())
	}
	card, err := c.card(ctx, &m)
	switch errs.KindOf(err) {
	case errs.NotFound: // their key is gone, and they with it
		return channel.Refused(codes.CustomerErased, channel.Detail(err.Error(), m.To))
	case errs.Invalid:
		return channel.Refused(codes.RenderFailed, channel.Detail(err.Error(), m.To))
	}
	if err != nil {
		return notSent(ctx, err)
	}
	if err := look(ctx); err != nil {
		return channel.Held(err)
	}
	if ctx.Err() != nil {
		return notSent(ctx, ctx.Err())
	}
	return c.put(ctx, &m, card)
}

func (c *Channel) put(ctx context.Context, m *channel.Message, card *Card) channel.Outcome {
	err := c.shelf.Put(ctx, card)
	switch {
	case err == nil:
		c.bell.Ring(card.Customer)
		return channel.Accepted(m.Key, "")
	case errors.Is(err, ErrFull):
		return channel.Refused(codes.MailboxFull, "")
	case errs.KindOf(err) == errs.Busy:
		return channel.Later(codes.ProviderBusy, retryLater, channel.Detail(err.Error(), m.To))
	}
	return channel.Lost("the inbox said neither yes nor no: " + channel.Detail(err.Error(), m.To))
}

// card makes what is put into the inbox of a message.
func (c *Channel) card(ctx context.Context, m *channel.Message) (*Card, error) {
	if m.Key == "" || m.Customer == 0 {
		return nil, errs.New(errs.Invalid, codes.FieldMissing, "the message names no key or no customer, so there is no inbox for it")
	}
	card := &Card{
		ID: c.ids.Next(), Key: m.Key, Customer: m.Customer, SealKey: m.SealKey, Purpose: m.Purpose, Language: m.Language,
		Asks: m.Link != "", Made: c.clock.Now().UTC().Truncate(time.Millisecond), Until: m.Until,
	}
	if card.Until.IsZero() {
		card.Until = card.Made.Add(keptMost)
	}
	plain, err := json.Marshal(Content{Title: m.Subject, Text: WithoutLink(m.Text, m.Link), Program: m.Program, Link: m.Link, Reference: m.Reference})
	if err != nil {
		return nil, err
	}
	card.sealed, err = c.sealer.Seal(ctx, card.SealKey, contentColumn, card.ID, plain)
	return card, err
}

// notSent is the outcome of whatever fails before the card could have been written.
func notSent(ctx context.Context, err error) channel.Outcome {
	if errors.Is(ctx.Err(), context.Canceled) {
		return channel.Later(codes.CutShort, 0, channel.Detail(err.Error(), ""))
	}
	return channel.Later(codes.ProviderUnreachable, retryLater, channel.Detail(err.Error(), ""))
}

// LookUp says whether a key has its card.
func (c *Channel) LookUp(ctx context.Context, key, _ string) channel.Outcome {
	ctx, cancel := context.WithTimeout(ctx, c.settings.SendTimeout)
	defer cancel()
	found, err := c.shelf.Find(ctx, key)
	switch {
	case err != nil:
		return channel.Lost("the inbox could not be asked: " + channel.Detail(err.Error(), ""))
	case found:
		return channel.Accepted(key, "")
	}
	return channel.Refused(codes.LookUpNotFound, "")
}

// ReadReceipts believes nothing: what became of a card is known from the customer's own app,
// which speaks under the customer's token and not as a provider.
func (c *Channel) ReadReceipts(http.Header, []byte) ([]channel.Receipt, error) {
	return nil, errs.New(errs.Unauthorized, codes.SignatureInvalid, "the inbox has no provider who could report on it; an app says shown with the customer's token at /v1/inapp/cards/{id}/shown")
}

// WithoutLink takes the personal link out of a text: a card has a button for it. A text that
// led up to it with a colon is closed with a full stop.
func WithoutLink(text, link string) string {
	if link == "" {
		return text
	}
	before, after, found := strings.Cut(text, link)
	if !found {
		return text
	}
	before, after = strings.TrimRight(before, " \n"), strings.TrimLeft(after, " ")
	if lead := strings.TrimRight(before, ":\uff1a "); lead != before {
		stop := "."
		if r, _ := utf8.DecodeLastRuneInString(lead); r >= 0x2e80 {
			stop = "。"
		}
		before = lead + stop
	}
	if r, _ := utf8.DecodeLastRuneInString(before); r < 0x2e80 && before != "" && after != "" && !strings.HasPrefix(after, "\n") {
		before += " "
	}
	return before + WithoutLink(after, link)
}
