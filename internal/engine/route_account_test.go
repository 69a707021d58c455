package engine

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/huiyin/huiyin/internal/followup"
	"github.com/huiyin/huiyin/internal/intake/event"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/db/dbtest"
	"github.com/huiyin/huiyin/internal/program/condition"
	"github.com/huiyin/huiyin/internal/program/program"
	"github.com/huiyin/huiyin/internal/program/segment"
)

// happening is an event of a generated stream.
type happening struct {
	kind   string
	who    string
	order  string
	minute int // from noon, by the event's own time
}

// rule is a program of the generated worlds, in plain terms.
type rule struct {
	live     *program.Live
	perOrder bool // one open follow-up per order, else per customer
	cancels  bool // a success of the same order ends it
	often    int  // only for customers with so many failures in a day; 0: for all
}

// account is what a program's triggers and follow-ups came to.
type account struct {
	outcomes map[string]int
	ended    int
	merged   int
	open     map[string]int // by customer and key
}

// expect goes through a stream event by event, as a person with a pencil would.
func expect(r rule, now time.Time, stream []happening) account {
	a := account{outcomes: map[string]int{}, open: map[string]int{}}
	type matter struct {
		who, key, order string
		minute          int
	}
	var open []matter
	failures := map[string][]int{}
	for i, h := range stream {
		if h.kind == failed {
			failures[h.who] = append(failures[h.who], h.minute)
		}
		if h.kind == succeeded && r.cancels {
			before := len(open)
			open = slices.DeleteFunc(open, func(m matter) bool { return m.who == h.who && m.order == h.order && h.minute >= m.minute })
			a.ended += before - len(open)
		}
		if h.kind != failed {
			continue
		}
		settled := r.cancels && slices.ContainsFunc(newest(stream[:i], h.who), func(e happening) bool {
			return e.order == h.order && e.minute >= h.minute
		})
		deadline := noon.Add(time.Duration(h.minute)*time.Minute + r.live.Deadline)
		key := ""
		if r.perOrder {
			key = h.order
		}
		at := slices.IndexFunc(open, func(m matter) bool { return m.who == h.who && m.key == key })
		heldOut := segment.HeldOut(r.live.Name, h.who, r.live.Audience.HoldOut)
		switch {
		case !segment.Sampled(r.live.Name, h.who, r.live.Audience.Sample):
			a.outcomes["not-selected:not-sampled"]++
		case len(failures[h.who]) < r.often:
			a.outcomes["not-selected:not-in-segment"]++
		case settled:
			a.outcomes["not-selected:settled-before-start"]++
		case now.After(deadline):
			a.outcomes["not-selected:late-trigger"]++
		case at >= 0:
			a.outcomes["merged"]++
			a.merged++
		case heldOut: // of a program without notices
			a.outcomes["started"]++
			a.ended++
		default:
			a.outcomes["started"]++
			open = append(open, matter{h.who, key, h.order, h.minute})
		}
	}
	for _, m := range open {
		a.open[m.who+" "+m.key]++
	}
	return a
}

// newest gives the eight newest successes of a customer by their own time: as many as facts remember one by one.
func newest(stream []happening, who string) []happening {
	var all []happening
	for _, h := range stream {
		if h.kind == succeeded && h.who == who {
			all = append(all, h)
		}
	}
	slices.Reverse(all)
	slices.SortStableFunc(all, func(a, b happening) int { return b.minute - a.minute })
	return all[:min(8, len(all))]
}

func TestTheAccountOfAnyStreamAddsUpInBatchesOfAnySize(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		worlds := 0
		rapid.Check(t, func(rt *rapid.T) {
			worlds++
			rules := h.rules(rt)
			stream := rapid.SliceOfN(rapid.Custom(func(rt *rapid.T) happening {
				return happening{
					kind:   rapid.SampledFrom([]string{failed, succeeded, failed, opened}).Draw(rt, "kind"),
					who:    fmt.Sprintf("%s-%d", rapid.SampledFrom([]string{"ann", "bob"}).Draw(rt, "who"), worlds),
					order:  rapid.SampledFrom([]string{"o-1", "o-2"}).Draw(rt, "order"),
					minute: rapid.IntRange(-90, 0).Draw(rt, "minute"),
				}
			}), 10, 60).Draw(rt, "stream")
			var events []event.Event
			for _, x := range stream {
				events = append(events, pay(x.kind, x.who, noon.Add(time.Duration(x.minute)*time.Minute), map[string]any{"order_id": x.order}))
			}
			h.log(events...)
			h.route(h.router(rapid.IntRange(2, 30).Draw(rt, "batch")))
			for _, r := range rules {
				h.compare(rt, r, expect(r, noon, stream))
			}
		})
	})
}

// rules publishes three programs with drawn settings in place of those before.
func (h *house) rules(rt *rapid.T) []rule {
	h.published = nil
	var all []rule
	for i := range 3 {
		r := rule{perOrder: rapid.Bool().Draw(rt, "per order"), cancels: rapid.Bool().Draw(rt, "cancels")}
		if i == 2 {
			r.often = rapid.IntRange(0, 3).Draw(rt, "often")
		}
		r.live = h.program(func(l *program.Live) {
			l.Deadline = time.Duration(rapid.IntRange(30, 120).Draw(rt, "deadline")) * time.Minute
			l.Audience.Sample = rapid.SampledFrom([]float64{1, 1, 0.7}).Draw(rt, "sample")
			l.Audience.HoldOut = rapid.SampledFrom([]float64{0, 0.3}).Draw(rt, "hold out")
			if r.perOrder {
				l.Reentry = h.compile(`trigger.data.order_id`, condition.Reentry, failed)
			}
			if r.cancels {
				l.Trigger.CancelOn = []program.CancelOn{{Event: succeeded, When: h.compile(`event.data.order_id == trigger.data.order_id`, condition.CancelOn, succeeded)}}
			}
			if r.often > 0 {
				l.Audience.Segment = fmt.Sprint("often-", r.often)
				h.segments[l.Audience.Segment] = h.compile(fmt.Sprintf(`customer.count(%q, "2d") >= %d`, failed, r.often), condition.Segment, "")
			}
		})
		all = append(all, r)
	}
	return all
}

// compare holds what the database says of a program against what was expected.
func (h *house) compare(rt *rapid.T, r rule, want account) {
	counted := map[string]int{}
	var started, ended int64
	for k, n := range h.counted(r.live.ID) {
		switch k[0] {
		case followup.MetricTrigger:
			counted[k[1]] += int(n)
		case followup.MetricStarted:
			started += n
		case followup.MetricEnded:
			ended += n
		}
	}
	if fmt.Sprint(counted) != fmt.Sprint(want.outcomes) {
		rt.Fatalf("program %d: triggers came to %v, want %v", r.live.ID, counted, want.outcomes)
	}
	open := map[string]int{}
	var rows, merged, over int64
	h.read(func(tx *db.Tx) error {
		list, err := tx.Query(`SELECT c.ref, f.reentry, f.merged, f.ended_at FROM follow_up f JOIN customer c ON c.id = f.customer_id WHERE f.program_id = $1`, r.live.ID)
		if err != nil {
			return err
		}
		defer func() { _ = list.Close() }()
		for list.Next() {
			var ref, key string
			var m, end int64
			if err := list.Scan(&ref, &key, &m, &end); err != nil {
				return err
			}
			rows++
			merged += m
			if end == 0 {
				open[ref+" "+key]++
			} else {
				over++
			}
		}
		return list.Err()
	})
	switch {
	case rows != started || started != int64(want.outcomes["started"]):
		rt.Fatalf("program %d: %d rows, %d counted as started, want %d", r.live.ID, rows, started, want.outcomes["started"])
	case over != ended || ended != int64(want.ended):
		rt.Fatalf("program %d: %d rows ended, %d counted, want %d", r.live.ID, over, ended, want.ended)
	case merged != int64(want.merged):
		rt.Fatalf("program %d: %d merged into rows, want %d", r.live.ID, merged, want.merged)
	case fmt.Sprint(open) != fmt.Sprint(want.open):
		rt.Fatalf("program %d: open %v, want %v", r.live.ID, open, want.open)
	}
}
