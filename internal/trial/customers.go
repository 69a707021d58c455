package trial

import (
	"errors"
	"strings"
	"time"

	"github.com/huiyin/huiyin/internal/channel"
	"github.com/huiyin/huiyin/internal/followup"
	"github.com/huiyin/huiyin/internal/hear/answer"
	"github.com/huiyin/huiyin/internal/intake/event"
	"github.com/huiyin/huiyin/internal/people/consent"
	"github.com/huiyin/huiyin/internal/people/customer"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/trial/oracle"
)

// Words are the ways in which the trial's customers say no. Every one must be understood.
var Words = []string{
	"TD", "td。", "退订", "退 订", "退订!!!", "T.D", "STOP", "stop pls", "Stooop", "S T O P", "UNSUBSCRIBE", "unsub me", "请不要再打扰我了", "别再给我发短信了",
	"不要再打电话给我", "别烦我", "再发我就投诉了,别发了", "以后不要联系我", "拒收", "我不想再收到你们的短信", "請不要再發訊息給我", "别打了", "滚", "不接受回访",
	"please stop texting me", "take me off your list", "do not contact me again", "leave me alone", "don't call me anymore", "remove my number from your list",
	"QX", "取消订阅", "0000", "不要再做问卷调查了,烦死了", "no more surveys please", "I said STOP", "stop sending me these messages", "don’t text me", "把我从名单上删掉",
	"我要退订", "opt out", "OptOut", "lose my number", "免打扰",
	"回复TD", "麻烦取消，谢谢", "我要停",
}

// aroundNow has a customer refuse, now and then, just as something is on its way to them.
func (w *world) aroundNow(text string) {
	tag, _ := oracle.ReadTag(text)
	if p := w.byRef[tag.Ref()]; p != nil && w.strikes("refused on the way", w.mix.atOnce) {
		w.after(w.upTo(100*time.Millisecond), "refuses", func() { p.refuse(w.lane()) })
	}
}

// pendingRefusal is a no that lies in the event log and isn't routed yet.
type pendingRefusal struct {
	eventID string
	who     *person
	refusal oracle.Refusal
}

// refuse is a customer's no: in odd words, on some channel, in one of the ways there are.
func (p *person) refuse(lane string) {
	w := p.w
	if w.calm() {
		return
	}
	words := Words[w.rng.IntN(len(Words))]
	if !consent.Refuses(words) {
		w.found(oracle.Violation{Invariant: oracle.Will, Ref: p.Ref, At: w.now(), Text: "a refusal was not understood: " + words})
		return
	}
	r := oracle.Refusal{Channel: "*", Purpose: "*", Words: words}
	switch w.rng.IntN(6) {
	case 0:
		r.Channel = lane
	case 1:
		r.Purpose = "survey"
	case 2:
		r.Channel, r.Address = lane, p.address(lane)
	case 3:
		r.Address, r.Stranger = p.address(lane), true
	case 4:
		p.refuseByEvent(r)
		return
	}
	p.say("says %q by %s: no to channel %s, purpose %s", words, lane, r.Channel, r.Purpose)
	said := consent.Refusal{Channel: r.Channel, Purpose: r.Purpose, Source: lane, Words: words}
	if r.Address != "" {
		said.Key = customer.PointKey(w.keys, customer.PointKind(lane), r.Address)
	}
	p.errand("refuses", func(t *task, n *node) error {
		entered := false
		t.committed = func() {
			if !entered { // it may be said again when the first answer was lost
				entered = true
				p.durable(r)
			}
		}
		err := n.db.Write(w.ctx, db.First, "refuse", func(tx *db.Tx) error {
			now, err := tx.Now()
			if err != nil {
				return err
			}
			x := said
			if !r.Stranger {
				found, err := customer.Resolve(tx, n.ids, []string{p.Ref}, now)
				if err != nil {
					return err
				}
				x.Customer = found[p.Ref]
			}
			_, err = consent.Refuse(tx, n.ids, x, now)
			return err
		})
		if err == nil && !t.cut && !n.dead {
			w.promised = append(w.promised, "refusal of "+p.Ref+" "+r.Channel+" "+r.Purpose+" "+r.Address)
		}
		return err
	})
	p.repent(r.Stranger)
}

// durable puts a refusal into the customer's true story: it holds from now. One that
// stands already is the same refusal.
func (p *person) durable(r oracle.Refusal) {
	for i := range p.Refusals {
		x := &p.Refusals[i]
		if x.Until.IsZero() && x.Channel == r.Channel && x.Purpose == r.Purpose && x.Address == r.Address && x.Stranger == r.Stranger {
			return
		}
	}
	r.From = p.w.now()
	p.w.res.Refusals++
	p.Refusals = append(p.Refusals, r)
	p.say("the refusal (%s, %s, %s) is durable", r.Channel, r.Purpose, r.Address)
}

// refuseByEvent has the wallet tell of the refusal; it is durable when it is routed.
func (p *person) refuseByEvent(r oracle.Refusal) {
	w := p.w
	before := w.events
	p.tellRaw("wallet.customer.refused", `{"channel":"*","purpose":"*","words":"stop"}`)
	w.refusing = append(w.refusing, &pendingRefusal{eventID: eventID(before + 1), who: p, refusal: r})
	p.say("tells the wallet to stop all contact")
	p.repent(false)
}

// routed marks the refusals as durable that the router has come past.
func (w *world) routed() {
	if len(w.refusing) == 0 {
		return
	}
	done := map[string]bool{}
	err := w.db.Read(w.ctx, func(tx *db.Tx) error {
		for _, r := range w.refusing {
			var n int
			if err := tx.QueryRow(`SELECT count(*) FROM event_log WHERE type = 'wallet.customer.refused' AND id = $1
				AND seq <= coalesce((SELECT seq FROM log_offset WHERE name = 'route'), 0)`, r.eventID).Scan(&n); err != nil {
				return err
			}
			done[r.eventID] = n > 0
		}
		return nil
	})
	if err != nil {
		return
	}
	var still []*pendingRefusal
	for _, r := range w.refusing {
		if done[r.eventID] {
			r.who.durable(r.refusal)
		} else {
			still = append(still, r)
		}
	}
	w.refusing = still
}

// repent takes all refusals back after some days, if the customer is of that kind.
func (p *person) repent(stranger bool) {
	w := p.w
	if !p.kind.repents || stranger {
		return
	}
	w.after(w.between(time.Hour, 4*day), "repents", func() {
		p.errand("repents", func(t *task, n *node) error {
			t.committed = func() {
				for i := range p.Refusals {
					if r := &p.Refusals[i]; r.Until.IsZero() && !r.Stranger {
						r.Until = w.now()
					}
				}
				p.say("takes the refusals back")
			}
			return n.db.Write(w.ctx, db.First, "lift-refusal", func(tx *db.Tx) error {
				now, err := tx.Now()
				if err != nil {
					return err
				}
				found, err := customer.Find(tx, []string{p.Ref})
				if err != nil || found[p.Ref] == 0 {
					return err
				}
				all, err := consent.Refusals(tx, found[p.Ref])
				if err != nil {
					return err
				}
				for _, r := range all {
					if !r.Lifted.IsZero() {
						continue
					}
					if err := consent.Lift(tx, r.ID, now); err != nil {
						return err
					}
				}
				return nil
			})
		})
	})
}

// receive is a message reaching the customer: they may open it, answer, refuse.
func (p *person) receive(lane string, m channel.Message) {
	w := p.w
	token := link(m.Text)
	if w.chance(p.kind.refuses) {
		from := lane
		if w.chance(0.5) {
			from = w.lane() // the no comes on another channel
		}
		w.after(w.upTo(6*time.Hour), "refuses", func() { p.refuse(from) })
	}
	if token == "" || w.calm() {
		return
	}
	if p.kind.scanner && w.chance(0.5+w.mix.scannerStorm/2) {
		p.scan(token)
	}
	if !w.chance(p.kind.answers) || p.pages[token] {
		return
	}
	p.pages[token] = true
	wait := w.between(time.Minute, 5*time.Hour)
	if w.chance(0.15) {
		wait = w.between(day, 45*day) // long after: the link may be dead
	}
	w.after(wait, "answers", func() { p.answer(token) })
}

func link(text string) string {
	_, rest, found := strings.Cut(text, publicAddress+"/q/")
	if !found {
		return ""
	}
	token, _, _ := strings.Cut(rest, " ")
	return strings.TrimSpace(token)
}

// scan opens the link as machines do, again and again. It must change nothing.
func (p *person) scan(token string) {
	p.w.res.Faults["link scanned"]++
	p.errand("scans", func(t *task, n *node) error {
		for range 4 {
			if _, err := n.answers.Open(p.w.ctx, token); err != nil {
				return nil // nobody minds
			}
		}
		return nil
	})
}

// answer gives a score, a word and hands in; some do it twice, or change their mind.
func (p *person) answer(token string) {
	w := p.w
	score := int64(1 + w.rng.IntN(5))
	type move struct {
		name string
		do   func(n *node) (*answer.Sheet, error)
	}
	save := func(question string, given any) move {
		return move{"answers", func(n *node) (*answer.Sheet, error) {
			sheet, err := n.answers.Save(w.ctx, token, question, answer.Value{Given: given})
			if err == nil && question == "satisfaction" {
				w.saved[sheet.FollowUp] = given.(int64)
			}
			return sheet, err
		}}
	}
	moves := []move{save("satisfaction", score)}
	if w.chance(0.3) {
		score = int64(1 + w.rng.IntN(5))
		moves = append(moves, save("satisfaction", score))
	}
	if score <= 3 {
		moves = append(moves, save("better", "too slow"))
	}
	if w.chance(0.8) {
		moves = append(moves, move{"hands in", func(n *node) (*answer.Sheet, error) { return n.answers.Complete(w.ctx, token) }})
	}
	if w.chance(0.2) {
		moves = append(moves, moves...) // sent twice, by a finger or a proxy
	}
	var go1 func(i int)
	go1 = func(i int) {
		if i == len(moves) {
			return
		}
		p.errand(moves[i].name, func(t *task, n *node) error {
			sheet, err := moves[i].do(n)
			if t.cut || n.dead {
				return errDead
			}
			if err == nil || final(err) {
				w.after(w.upTo(30*time.Second), "goes on", func() { go1(i + 1) })
			}
			if err == nil {
				w.res.Answers++
				p.say("%s in follow-up %d: acknowledged", moves[i].name, sheet.FollowUp)
			}
			return err
		})
	}
	go1(0)
}

// receipt is one try of a provider to report on a message.
func (w *world) receipt(lane string, m channel.Message, s channel.Status, at time.Time, tries int) {
	n := w.alive()
	again := func() {
		if tries < 10 {
			w.after(w.between(retryAfter, retryMost), "receipt again", func() { w.receipt(lane, m, s, at, tries+1) })
		}
	}
	if n == nil {
		again()
		return
	}
	reason := map[channel.Status]codes.Reason{channel.Delivered: codes.Delivered, channel.Seen: codes.Seen, channel.Undelivered: codes.Undelivered}[s]
	t := w.spawn(n, " hears a receipt", 0, func(t *task) {
		_, err := n.dispatcher.Receive(w.ctx, lane, []channel.Receipt{{Key: m.Key, Status: s, Reason: reason, At: at}})
		if err != nil || t.cut || n.dead {
			again()
			return
		}
		w.note(m.Text, "receipt %s of key …%s is in", s, tail(m.Key))
	})
	t.unbegun = again
}

// wakeUnknown makes due what waited to know who a customer is.
func wakeUnknown(tx *db.Tx, id int64, now time.Time) error {
	_, err := followup.WakeCustomer(tx, id, codes.CustomerUnknown, now)
	if errors.Is(err, db.ErrNoRows) {
		return nil
	}
	return err
}

// tellRaw is tell for events that are about no matter.
func (p *person) tellRaw(eventType, data string) {
	w := p.w
	w.events++
	p.busy++
	e := event.Event{ID: eventID(w.events), Source: "/wallet", Type: eventType, Subject: p.Ref, At: w.now().UTC().Truncate(time.Millisecond), Data: []byte(data)}
	w.after(w.upTo(time.Second), "event", func() { p.post(e) })
}
