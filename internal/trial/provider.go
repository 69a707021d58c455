package trial

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/huiyin/huiyin/internal/channel"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/trial/oracle"
)

const (
	sendTimeout  = 10 * time.Second
	connectTime  = 60 * time.Millisecond
	toTheWire    = 150 * time.Millisecond // between a look that said yes and the first byte
	answerTime   = 400 * time.Millisecond
	hangsAtLeast = 11 * time.Second
	hangsAtMost  = 12 * time.Minute // less than the engine waits before it believes "I don't know it"
)

// provider is whoever delivers for one channel, with the log of what reached it.
type provider struct {
	w    *world
	name string
	can  channel.Abilities
	took map[string]time.Time // by key, when it was first accepted
	mull map[string]bool      // keys whose first message it is still chewing on
}

func newProvider(w *world, name string) *provider {
	p := &provider{w: w, name: name, took: map[string]time.Time{}, mull: map[string]bool{}}
	p.can = channel.Abilities{InFlight: recordMost, SendTimeout: sendTimeout}
	switch name {
	case keyed:
		p.can.Idempotency, p.can.Receipts = 2*time.Hour, true
	case asked:
		p.can.LookUp = true
	case capable:
		p.can.Idempotency, p.can.LookUp, p.can.Receipts = 10*time.Minute, true, true
	}
	return p
}

// line is a node's connection to the provider.
func (p *provider) line(n *node) channel.Channel {
	l := &phoneLine{n: n, p: p}
	if p.can.LookUp {
		return askable{l}
	}
	return l
}

// phoneLine is the provider's channel as one node holds it.
type phoneLine struct {
	n *node
	p *provider
}

var (
	_ channel.Channel       = (*phoneLine)(nil)
	_ channel.ReceiptReader = (*phoneLine)(nil)
	_ channel.LookUper      = askable{}
)

// Abilities are the provider's.
func (l *phoneLine) Abilities() channel.Abilities { return l.p.can }

// Send connects, looks a last time, writes, and waits for the answer as long as a send may take.
func (l *phoneLine) Send(ctx context.Context, m channel.Message, look channel.LastLook) channel.Outcome {
	w, t := l.n.w, l.n.w.cur
	began := w.now()
	connect := w.upTo(connectTime)
	if w.strikes("slow to connect", w.mix.slow) {
		connect = w.upTo(sendTimeout - 2*time.Second)
	}
	if !t.rest(connect) {
		return channel.Outcome{}
	}
	if w.strikes("unreachable", w.mix.unreachable) {
		return channel.Later(codes.ProviderUnreachable, w.between(time.Second, 10*time.Minute), "no connection")
	}
	if err := look(ctx); err != nil {
		return channel.Held(err)
	}
	// A process can't know that it stands still between its look and its write. It is
	// taken to be quick there, whatever else is frozen; it may die there, though.
	t.urgent = true
	goesOn := t.rest(w.upTo(toTheWire)) && !l.n.doomed("send:looked")
	t.urgent = false
	if !goesOn {
		return channel.Outcome{}
	}
	after, outcome := l.p.receive(m, l.n)
	if l.n.doomed("send:written") {
		return channel.Outcome{}
	}
	left := sendTimeout - w.now().Sub(began)
	if after > left {
		after, outcome = max(0, left), channel.Lost("no answer in time")
	}
	if !t.rest(after) || l.n.doomed("send:answered") {
		return channel.Outcome{}
	}
	return outcome
}

// ReadReceipts reads what the provider of the trial writes.
func (l *phoneLine) ReadReceipts(_ http.Header, body []byte) (all []channel.Receipt, err error) {
	return all, json.Unmarshal(body, &all)
}

// askable is a line to a provider that can be asked.
type askable struct{ *phoneLine }

// LookUp tells the truth as the provider knows it by now, if it answers at all.
func (l askable) LookUp(_ context.Context, key, _ string) channel.Outcome {
	w, t := l.n.w, l.n.w.cur
	if !t.rest(w.upTo(answerTime)) {
		return channel.Outcome{}
	}
	if w.strikes("no look-up", w.mix.noLookUp) {
		return channel.Lost("the provider does not say")
	}
	if _, took := l.p.took[key]; took {
		return channel.Accepted("r-"+key, "we have it")
	}
	return channel.Refused(codes.LookUpNotFound, "no such message")
}

// receive is the first byte's arrival: it goes into the log, and then whatever the provider does.
func (p *provider) receive(m channel.Message, n *node) (after time.Duration, answer channel.Outcome) {
	w := p.w
	tag, ok := oracle.ReadTag(m.Text)
	if !ok {
		panic("trial: a message without a tag: " + m.Text)
	}
	w.traced("wire " + p.name + m.Key + m.To)
	w.writes = append(w.writes, oracle.Write{At: w.now(), Node: n.name, Channel: p.name, Key: m.Key, To: m.To, Tag: tag})
	i := len(w.writes) - 1
	after = w.between(5*time.Millisecond, answerTime)
	accepted := channel.Accepted("r-"+m.Key, "")
	what := p.consistent(m.Key, w.mix.behaviour(w))
	w.noted(i, m, what)
	switch what {
	case "accepts":
		p.accept(i, m)
		return after, accepted
	case "is busy":
		return after, channel.Later(codes.ProviderBusy, w.between(10*time.Second, 20*time.Minute), "busy")
	case "rejects":
		return after, channel.Refused(codes.ProviderRejected, "not deliverable")
	case "accepts and hangs":
		p.accept(i, m)
		return 2 * sendTimeout, accepted
	case "accepts and fails":
		p.accept(i, m)
		return after, channel.Lost("500 internal error")
	case "hangs and accepts":
		p.mull[m.Key] = true
		w.after(w.between(hangsAtLeast, hangsAtMost), "late accept", func() {
			delete(p.mull, m.Key)
			p.accept(i, m)
		})
		return 2 * sendTimeout, accepted
	case "hangs":
		return 2 * sendTimeout, accepted
	default: // answers and never delivers
		w.writes[i].Claimed = true
		return after, accepted
	}
}

// consistent keeps a provider that honours keys to what that means: it doesn't refuse what
// it took, and puts off a second message of a key while it is at the first.
func (p *provider) consistent(key, what string) string {
	if p.can.Idempotency == 0 {
		return what
	}
	switch first, took := p.took[key]; {
	case p.mull[key]:
		return "is busy"
	case took && p.w.now().Sub(first) <= p.can.Idempotency && (what == "rejects" || what == "hangs and accepts"):
		return "accepts"
	}
	return what
}

func (w *world) noted(i int, m channel.Message, what string) {
	w.writes[i].Note = what
	w.note(m.Text, "WIRE %s to %s by %s, key …%s: the provider %s", w.writes[i].Channel, m.To, w.writes[i].Node, tail(m.Key), what)
}

// accept takes a message for delivery, unless its key says that it was taken already.
func (p *provider) accept(i int, m channel.Message) {
	w := p.w
	first, took := p.took[m.Key]
	if took && p.can.Idempotency > 0 && w.now().Sub(first) <= p.can.Idempotency {
		return
	}
	p.took[m.Key] = w.now()
	w.writes[i].Delivered = w.now()
	w.res.Contacts++
	w.traced("delivered")
	w.note(m.Text, "DELIVERED by %s, key …%s", p.name, tail(m.Key))
	if p.can.Receipts {
		p.report(m)
	}
	if who := w.byRef[w.writes[i].Tag.Ref()]; who != nil {
		who.receive(p.name, m)
	}
}

// report sends receipts, when the world wills late, twice and out of order.
func (p *provider) report(m channel.Message) {
	w := p.w
	statuses := []channel.Status{channel.Delivered, channel.Seen}
	if w.chance(w.mix.undelivered) {
		statuses = []channel.Status{channel.Undelivered}
	}
	for i, s := range statuses {
		if s == channel.Seen && w.chance(0.4) {
			continue
		}
		wait := w.between(time.Second, 2*time.Minute) * time.Duration(i+1)
		if w.strikes("late receipt", w.mix.lateReceipt) {
			wait = w.between(time.Hour, 3*day)
		}
		times := 1
		if w.strikes("receipt twice", w.mix.doubled) {
			times = 2
		}
		for range times {
			w.after(wait+w.upTo(time.Minute), "receipt", func() { w.receipt(p.name, m, s, w.now(), 0) })
		}
	}
}
