package engine

import (
	"context"
	"strconv"
	"testing"
	"time"

	"github.com/huiyin/huiyin/internal/channel"
	"github.com/huiyin/huiyin/internal/people/consent"
	"github.com/huiyin/huiyin/internal/people/customer"
	"github.com/huiyin/huiyin/internal/platform/db"
)

// confirming is a wire whose channel confirms refusals.
type confirming struct{ *wire }

func (confirming) Confirms() bool { return true }

const replyPhone = "+8613800000001"

// hearer hears replies on a channel that confirms refusals.
func (h *desk) hearer() *Hearer {
	h.t.Helper()
	reg := channel.NewRegistry()
	if err := reg.Register("sms", confirming{h.wire}); err != nil {
		h.t.Fatal(err)
	}
	h.d.Channels = reg
	return &Hearer{Dispatcher: h.d}
}

// says makes a reply of the phone's, some minutes after noon.
func says(id, text string, minute int) channel.Reply {
	return channel.Reply{ID: id, From: replyPhone, Text: text, At: dispatchNoon.Add(time.Duration(minute) * time.Minute)}
}

// refused is the standing refusals of an address.
func (h *desk) refused(phone string) (all []consent.Refusal) {
	h.t.Helper()
	h.write(func(tx *db.Tx) (err error) {
		all, err = consent.OfAddress(tx, customer.PointKey(h.d.Keys, customer.Phone, phone), "sms")
		return err
	})
	return all
}

func TestTheLastOfStopAndStartCountsInWhateverOrderTheyCome(t *testing.T) {
	desks(t, keyless, func(h *desk) {
		hearer := h.hearer()
		for i, c := range []struct {
			minutes  []int // of the replies in order of arrival
			texts    []string
			refusals int
		}{
			{[]int{0, 2, 1}, []string{"STOP", "STOP", "START"}, 1},
			{[]int{2, 0, 1}, []string{"STOP", "STOP", "START"}, 1},
			{[]int{0, 1, 2}, []string{"STOP", "START", "STOP"}, 1},
			{[]int{0, 2, 3}, []string{"STOP", "退订", "START"}, 0},
			{[]int{0, 2, 1, 3}, []string{"STOP", "STOP", "START", "START"}, 0},
		} {
			phone := "+861380000010" + strconv.Itoa(i)
			h.person("p"+strconv.Itoa(i), phone)
			h.clock.Set(dispatchNoon.Add(5 * time.Minute))
			sent := len(h.wire.keys())
			for j, text := range c.texts {
				said := says(strconv.Itoa(i)+"-"+strconv.Itoa(j), text, c.minutes[j])
				said.From = phone
				if _, err := hearer.Hear(t.Context(), "sms", []channel.Reply{said}); err != nil {
					t.Fatal(err)
				}
			}
			if got := h.refused(phone); len(got) != c.refusals {
				t.Errorf("%v at %v: %d refusals stand, want %d", c.texts, c.minutes, len(got), c.refusals)
			}
			if got, want := len(h.wire.keys())-sent, 1; got != want && c.texts[1] != "START" {
				t.Errorf("%v at %v: %d confirmations, want one", c.texts, c.minutes, got)
			}
		}
	})
}

// hanging is a gateway that never says what became of a message.
type hanging struct {
	*wire
	asked func() // on every send
}

func (hanging) Confirms() bool { return true }

func (g hanging) Send(_ context.Context, _ channel.Message, _ channel.LastLook) channel.Outcome {
	g.asked()
	return channel.Outcome{Result: channel.Unknown}
}

func TestAGatewayThatHangsKeepsNoRefusalOfThePostWaiting(t *testing.T) {
	desks(t, keyless, func(h *desk) {
		hearer := h.hearer()
		posted, cancel := context.WithCancel(t.Context())
		defer cancel()
		const phones = 10
		var replies []channel.Reply
		address := func(i int) string { return "+861380000020" + strconv.Itoa(i) }
		for i := range phones {
			h.person("p"+strconv.Itoa(i), address(i))
			said := says(strconv.Itoa(i), "STOP", 0)
			said.From = address(i)
			replies = append(replies, said)
		}
		sends := 0
		reg := channel.NewRegistry()
		if err := reg.Register("sms", hanging{h.wire, func() {
			sends++
			cancel() // the provider hangs up
			for i := range phones {
				if len(h.refused(address(i))) != 1 {
					t.Errorf("at confirmation %d the refusal of %s isn't kept", sends, address(i))
				}
			}
		}}); err != nil {
			t.Fatal(err)
		}
		h.d.Channels = reg
		for i, want := range []int{phones, 0} { // the post comes twice
			ctx := posted
			if i > 0 {
				ctx = t.Context()
			}
			if kept, err := hearer.Hear(ctx, "sms", replies); kept != want || err != nil {
				t.Errorf("%d were kept, want %d: %v", kept, want, err)
			}
		}
		if sends != phones {
			t.Errorf("%d confirmations, want one of each", sends)
		}
	})
}

func TestAReplyBelongsToTheMessageItsWriterSaw(t *testing.T) {
	desks(t, keyless, func(h *desk) {
		hearer := h.hearer()
		p := h.person("a", replyPhone)
		add := func(id int64, minute int, state, ref string) {
			key := customer.PointKey(h.d.Keys, customer.Phone, replyPhone)
			h.exec(`INSERT INTO attempt (id, follow_up_id, program_id, customer_id, step, try, channel, purpose, key_id, content, address_key, language, state, epoch, ref, intended_at, updated_at)
				VALUES ($1, $1, 7, $2, 0, 1, 'sms', 'survey', 1, $3, $3, 'en', $4, 1, $5, $6, $6)`, id, p, key, state, ref, db.Millis(dispatchNoon.Add(time.Duration(minute)*time.Minute)))
		}
		add(1, 0, "accepted", "r-1")
		add(2, 10, "accepted", "r-2")
		add(3, 20, "intended", "")
		h.clock.Set(dispatchNoon.Add(30 * time.Minute))
		unknown := says("e", "fine", 0)
		unknown.At = time.Time{}
		named, strange := says("c", "fine", 25), says("d", "fine", 25)
		named.Ref, strange.Ref = "r-1", "not ours"
		for _, c := range []struct {
			said channel.Reply
			want int64
		}{{says("a", "fine", 5), 1}, {says("b", "fine", 25), 2}, {named, 1}, {strange, 2}, {unknown, 2}} {
			var one heard
			h.write(func(tx *db.Tx) (err error) {
				set, err := h.d.Programs(t.Context())
				if err == nil {
					one, err = hearer.hear(tx, set, "sms", &c.said)
				}
				return err
			})
			if one.FollowUp != c.want {
				t.Errorf("%s belongs to %d, want %d", c.said.ID, one.FollowUp, c.want)
			}
		}
	})
}
