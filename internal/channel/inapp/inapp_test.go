package inapp_test

import (
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/huiyin/huiyin/internal/channel"
	"github.com/huiyin/huiyin/internal/channel/channeltest"
	"github.com/huiyin/huiyin/internal/channel/inapp"
	"github.com/huiyin/huiyin/internal/platform/clock"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/db/dbtest"
	"github.com/huiyin/huiyin/internal/platform/errs"
	"github.com/huiyin/huiyin/internal/platform/ids"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m, goleak.IgnoreCurrent()) }

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

const someone = 7

func message() channel.Message {
	return channel.Message{
		Key: "k", Attempt: 42, To: "W1004", Customer: someone, Language: "zh-CN", Purpose: "survey", Subject: "想听听您的感受",
		Text: "请花一分钟说说:https://wallet.example/q/abc 我们不会索要密码。", Link: "https://wallet.example/q/abc", Program: "支付失败回访",
		Until: noon.Add(48 * time.Hour),
	}
}

func yes(context.Context) error { return nil }

// cipher stands in for the vault: it turns the bytes over, so that what lies in the table
// can't be read, and knows no key that was destroyed.
type cipher struct {
	mu     sync.Mutex
	erased bool
	broken bool
}

func (c *cipher) Seal(_ context.Context, _ int64, column string, row int64, plain []byte) ([]byte, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.broken:
		return nil, errors.New("the vault's database is gone")
	case c.erased:
		return nil, errs.New(errs.NotFound, string(codes.CustomerErased), "erased")
	case column == "" || row == 0:
		return nil, errors.New("sealed text must be bound to its place")
	}
	return turned(plain), nil
}

func (c *cipher) Open(_ context.Context, _ int64, _ string, _ int64, sealed []byte) ([]byte, error) {
	return turned(sealed), nil
}

func turned(b []byte) []byte {
	out := slices.Clone(b)
	for i := range out {
		out[i] ^= 0xff
	}
	return out
}

// faulty is an inbox that is in trouble, and a log of what came to it.
type faulty struct {
	*inapp.Inbox
	cipher *cipher

	mu   sync.Mutex
	mode channeltest.Mode
	wire []channeltest.Line
}

func (f *faulty) force(m channeltest.Mode) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.mode = m
}

func (f *faulty) log(key string, taken bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.wire = append(f.wire, channeltest.Line{Key: key, Taken: taken})
}

func (f *faulty) lines() []channeltest.Line {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.wire)
}

func (f *faulty) Put(ctx context.Context, c *inapp.Card) error {
	f.mu.Lock()
	mode := f.mode
	f.mu.Unlock()
	gone := errors.New("the connection to the database broke off")
	switch mode {
	case channeltest.Refuse:
		f.log(c.Key, false)
		return inapp.ErrFull
	case channeltest.Busy:
		f.log(c.Key, false)
		return errs.New(errs.Busy, "database-busy", "too many writers")
	case channeltest.Hang:
		f.log(c.Key, false)
		<-ctx.Done()
		return ctx.Err()
	case channeltest.Drop:
		f.log(c.Key, false)
		return gone
	}
	if err := f.Inbox.Put(ctx, c); err != nil {
		f.log(c.Key, false)
		return err
	}
	f.log(c.Key, true)
	switch mode {
	case channeltest.TakeThenHang:
		<-ctx.Done()
		return ctx.Err()
	case channeltest.TakeThenDrop, channeltest.TakeThenFail:
		return gone
	}
	return nil
}

func open(t *testing.T, d *db.DB, s inapp.Settings) (*inapp.Channel, *faulty) {
	t.Helper()
	box := &faulty{cipher: &cipher{}, mode: channeltest.Accept}
	box.Inbox = &inapp.Inbox{DB: d, Sealer: box.cipher}
	c := clock.NewVirtual(noon)
	made, err := inapp.New(s, box, box.cipher, ids.New(c, 1, rand.Reader), c, inapp.NewBell())
	if err != nil {
		t.Fatal(err)
	}
	return made, box
}

func TestTheInboxConformsToTheSuiteOfAllChannels(t *testing.T) {
	channeltest.Conformance(t, func(t *testing.T, s channeltest.Settings) *channeltest.Rig {
		c, box := open(t, dbtest.Memory(t, db.Options{}), inapp.Settings{InFlight: s.InFlight, SendTimeout: s.SendTimeout})
		m := message()
		return &channeltest.Rig{
			Channel: c, Message: m, Force: box.force, Wire: box.lines,
			Stop: func() {
				box.cipher.mu.Lock()
				defer box.cipher.mu.Unlock()
				box.cipher.broken = true
			},
		}
	})
}

func due(t *testing.T, d *db.DB, now time.Time) (all []inapp.Card) {
	t.Helper()
	err := d.Read(t.Context(), func(tx *db.Tx) (err error) {
		all, err = inapp.Due(tx, someone, 0, inapp.PageMost, now)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func write(t *testing.T, d *db.DB, fn func(tx *db.Tx) error) {
	t.Helper()
	if err := d.Write(t.Context(), db.Outcome, "test", fn); err != nil {
		t.Fatal(err)
	}
}

func send(t *testing.T, c *inapp.Channel, key string) channel.Outcome {
	t.Helper()
	m := message()
	m.Key = key
	return c.Send(t.Context(), m, yes)
}

func TestAKeySentTwiceIsOneCardAndCanBeLookedUp(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		c, box := open(t, d, inapp.Settings{})
		if o := c.LookUp(t.Context(), "k-1", ""); o.Result != channel.Rejected || o.Reason != codes.LookUpNotFound {
			t.Errorf("before it is sent: %+v", o)
		}
		box.force(channeltest.TakeThenDrop)
		if o := send(t, c, "k-1"); o.Result != channel.Unknown {
			t.Fatalf("a commit nobody heard of: %+v", o)
		}
		if o := c.LookUp(t.Context(), "k-1", ""); o.Result != channel.OK {
			t.Errorf("looked up: %+v", o)
		}
		box.force(channeltest.Accept)
		for range 3 {
			if o := send(t, c, "k-1"); o.Result != channel.OK {
				t.Fatalf("again: %+v", o)
			}
		}
		cards := due(t, d, noon)
		if len(cards) != 1 {
			t.Fatalf("%d cards of one key", len(cards))
		}
		said, err := box.Read(t.Context(), &cards[0])
		if err != nil {
			t.Fatal(err)
		}
		want := inapp.Content{Title: "想听听您的感受", Text: "请花一分钟说说。我们不会索要密码。", Program: "支付失败回访", Link: "https://wallet.example/q/abc"}
		if said != want || !cards[0].Asks || cards[0].Purpose != "survey" || !cards[0].Until.Equal(noon.Add(48*time.Hour)) {
			t.Errorf("the card says %+v in %+v", said, cards[0])
		}
	})
}

func TestNothingACardSaysLiesOpenInTheTable(t *testing.T) {
	d := dbtest.Memory(t, db.Options{})
	c, _ := open(t, d, inapp.Settings{})
	if o := send(t, c, "k-1"); o.Result != channel.OK {
		t.Fatal(o)
	}
	var content []byte
	err := d.Read(t.Context(), func(tx *db.Tx) error {
		return tx.QueryRow(`SELECT content FROM inbox_item`).Scan(&content)
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, word := range []string{"一分钟", "感受", "wallet.example", "回访"} {
		if strings.Contains(string(content), word) {
			t.Errorf("%s can be read in the table", word)
		}
	}
}

func TestWhatBecomesOfACard(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		c, _ := open(t, d, inapp.Settings{})
		for _, key := range []string{"shown", "dismissed", "answered", "answered-then-dismissed"} {
			if o := send(t, c, key); o.Result != channel.OK {
				t.Fatal(o)
			}
		}
		of := func(key string) *inapp.Card {
			var card *inapp.Card
			write(t, d, func(tx *db.Tx) (err error) {
				card, err = inapp.Get(tx, someone, key)
				return err
			})
			return card
		}
		shown, dismissed, answered, both := of("shown").ID, of("dismissed").ID, of("answered").ID, of("answered-then-dismissed").ID
		write(t, d, func(tx *db.Tx) error {
			return errors.Join(
				inapp.Fetched(tx, []int64{shown}, noon), inapp.Shown(tx, shown, noon), inapp.Shown(tx, shown, noon.Add(time.Hour)),
				inapp.Dismiss(tx, dismissed, noon), inapp.Answered(tx, answered, noon), inapp.Answered(tx, both, noon), inapp.Dismiss(tx, both, noon))
		})
		if cards := due(t, d, noon.Add(time.Hour)); len(cards) != 1 || cards[0].Key != "shown" || !cards[0].Shown.Equal(noon) || !cards[0].Fetched.Equal(noon) {
			t.Errorf("due are %+v", cards)
		}
		if card := of("dismissed"); card.Dismissed.IsZero() || !card.Answered.IsZero() {
			t.Errorf("dismissed counts as answered: %+v", card)
		}
		if card := of("answered-then-dismissed"); !card.Dismissed.IsZero() {
			t.Errorf("what was answered was dismissed after: %+v", card)
		}
		if cards := due(t, d, noon.Add(48*time.Hour)); len(cards) != 0 {
			t.Errorf("beyond their use: %+v", cards)
		}
		var forgotten int64
		write(t, d, func(tx *db.Tx) (err error) {
			forgotten, err = inapp.Forget(tx, noon.Add(31*24*time.Hour), 100)
			return err
		})
		if forgotten != 0 {
			t.Errorf("%d cards were forgotten while their keys are honoured", forgotten)
		}
		write(t, d, func(tx *db.Tx) (err error) {
			forgotten, err = inapp.Forget(tx, noon.Add(79*24*time.Hour), 100)
			return err
		})
		if forgotten != 4 {
			t.Errorf("%d cards were forgotten at last, want 4", forgotten)
		}
	})
}

func TestAnotherCustomersCardIsUnknown(t *testing.T) {
	d := dbtest.Memory(t, db.Options{})
	c, _ := open(t, d, inapp.Settings{})
	send(t, c, "k-1")
	err := d.Read(t.Context(), func(tx *db.Tx) error {
		_, err := inapp.Get(tx, someone+1, "k-1")
		return err
	})
	if errs.CodeOf(err) != codes.CardUnknown {
		t.Errorf("got %v", err)
	}
}

func TestAnInboxNobodyLooksAtFillsUp(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		c, _ := open(t, d, inapp.Settings{})
		for n := range 100 {
			if o := send(t, c, "k-"+strings.Repeat("i", n)); o.Result != channel.OK {
				t.Fatalf("card %d: %+v", n, o)
			}
		}
		if o := send(t, c, "one-too-many"); o.Result != channel.Rejected || o.Reason != codes.MailboxFull || o.RetryAfter != 0 {
			t.Errorf("the card beyond the bound: %+v", o)
		}
		if o := send(t, c, "k-"); o.Result != channel.OK {
			t.Errorf("a card that is there already: %+v", o)
		}
		write(t, d, func(tx *db.Tx) error {
			card, err := inapp.Get(tx, someone, "k-")
			if err != nil {
				return err
			}
			return inapp.Dismiss(tx, card.ID, noon)
		})
		if o := send(t, c, "one-too-many"); o.Result != channel.OK {
			t.Errorf("with room again: %+v", o)
		}
	})
}

func TestWhoWasErasedGetsNothing(t *testing.T) {
	d := dbtest.Memory(t, db.Options{})
	c, box := open(t, d, inapp.Settings{})
	send(t, c, "before")
	box.cipher.erased = true
	if o := send(t, c, "after"); o.Result != channel.Rejected || o.RetryAfter != 0 || o.Reason != codes.CustomerErased {
		t.Errorf("got %+v", o)
	}
	write(t, d, func(tx *db.Tx) error { return inapp.Erase(tx, someone) })
	if cards := due(t, d, noon); len(cards) != 0 {
		t.Errorf("%d cards are left", len(cards))
	}
}

func TestWhatCannotBeACardIsRefusedForGood(t *testing.T) {
	d := dbtest.Memory(t, db.Options{})
	c, _ := open(t, d, inapp.Settings{})
	for name, change := range map[string]func(*channel.Message){
		"a text of 1 MB":     func(m *channel.Message) { m.Text = strings.Repeat("长", 1<<20/3) },
		"without a key":      func(m *channel.Message) { m.Key = "" },
		"without a customer": func(m *channel.Message) { m.Customer = 0 },
	} {
		m := message()
		change(&m)
		if o := c.Send(t.Context(), m, yes); o.Result != channel.Rejected || o.RetryAfter != 0 {
			t.Errorf("%s: %+v", name, o)
		}
	}
	if _, err := c.ReadReceipts(nil, []byte(`[{"key":"k-1","status":"seen"}]`)); errs.KindOf(err) != errs.Unauthorized {
		t.Errorf("a receipt from nobody was believed: %v", err)
	}
	if _, err := inapp.New(inapp.Settings{InFlight: 10_000}, nil, nil, nil, nil, nil); err == nil {
		t.Error("ten thousand at once were taken for a setting")
	}
}

func TestALinkIsTakenOutOfItsText(t *testing.T) {
	const link = "https://w.example/q/a"
	for text, want := range map[string]string{
		"说说感受:" + link + " 我们不会索要密码。":   "说说感受。我们不会索要密码。",
		"说说感受: " + link:                 "说说感受。",
		"How was it? " + link + " Bye.": "How was it? Bye.",
		"说说感受\uff1a" + link + "谢谢":      "说说感受。谢谢",
		"Tell us: " + link:              "Tell us.",
		link + " — thank you":           "— thank you",
		"one " + link + " two " + link:  "one two",
		"no link":                       "no link",
	} {
		if got := inapp.WithoutLink(text, link); strings.TrimSpace(got) != want {
			t.Errorf("%q became %q, not %q", text, got, want)
		}
	}
}

func TestABellWakesThoseWhoWaitForThatCustomerAlone(t *testing.T) {
	b := inapp.NewBell()
	mine, stop, ok := b.Wait(1)
	other, stopOther, _ := b.Wait(2)
	if !ok {
		t.Fatal("nobody waits yet, and one more may not")
	}
	b.Ring(1)
	<-mine
	select {
	case <-other:
		t.Error("another customer's was rung")
	default:
	}
	stop()
	stopOther()
	stopOther()
	for range 2_000 {
		if _, _, ok := b.Wait(3); !ok {
			t.Fatal("too few may wait")
		}
	}
	if _, _, ok := b.Wait(4); ok {
		t.Error("more wait than may")
	}
	b.Ring(3)
	b.Close()
	b.Close()
	<-b.Closed()
	if _, _, ok := b.Wait(4); ok {
		t.Error("one waits at a bell that is closed")
	}
}
