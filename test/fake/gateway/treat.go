package gateway

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/huiyin/huiyin/test/fake/wirelog"
)

// answer is what the gateway says to a message or a question.
type answer struct {
	Key    string `json:"key,omitempty"`
	Ref    string `json:"ref,omitempty"`
	Status string `json:"status,omitempty"`
	Reason string `json:"reason,omitempty"`
	Detail string `json:"detail,omitempty"`
}

// treat handles one request as its mode says.
func (g *Gateway) treat(w http.ResponseWriter, r *http.Request, k *known, seen Seen) {
	switch seen.Mode {
	case Refuse:
		if g.record(seen) {
			reply(w, http.StatusUnprocessableEntity, answer{Status: "rejected", Reason: "mailbox-unknown", Detail: "no such recipient " + seen.To})
		}
	case Busy, Away:
		if !g.record(seen) {
			return
		}
		status := http.StatusTooManyRequests
		if seen.Mode == Away {
			status = http.StatusServiceUnavailable
		}
		w.Header().Set("Retry-After", strconv.Itoa(max(1, int(g.options.RetryAfter/time.Second))))
		reply(w, status, answer{Status: "rejected", Detail: "too much to do"})
	case Hang:
		g.record(seen)
		g.hang(r)
	case Fail:
		if g.record(seen) {
			reply(w, http.StatusInternalServerError, answer{Detail: "something broke"})
		}
	case Drop:
		g.record(seen)
		panic(http.ErrAbortHandler) // closes the connection
	case HangThenTake:
		g.wait(g.options.Hang)
		g.take(w, k, seen)
	case Delay:
		g.wait(g.options.Delay)
		g.take(w, k, seen)
	default:
		g.takeThen(w, r, k, seen)
	}
}

// takeThen takes the message and does what its mode says instead of answering.
func (g *Gateway) takeThen(w http.ResponseWriter, r *http.Request, k *known, seen Seen) {
	switch seen.Mode {
	case TakeThenHang:
		g.deliver(k, seen)
		g.hang(r)
	case TakeThenFail:
		g.deliver(k, seen)
		reply(w, http.StatusInternalServerError, answer{Detail: "something broke"})
	case TakeThenDrop:
		g.deliver(k, seen)
		panic(http.ErrAbortHandler) // closes the connection
	case TakeOdd:
		g.deliver(k, seen)
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte("<!doctype html><title>It works!</title>")) // nobody minds whether it arrives
	case TakeThenKill:
		g.deliver(k, seen)
		if err := wirelog.Kill(g.options.KillPIDFile); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	default:
		g.take(w, k, seen)
	}
}

// take takes the message and answers as a provider should.
func (g *Gateway) take(w http.ResponseWriter, k *known, seen Seen) {
	if g.deliver(k, seen) {
		reply(w, http.StatusAccepted, answer{Key: seen.Key, Ref: k.ref, Status: "accepted"})
	}
}

// deliver counts the message as delivered, unless its key is honoured, and
// writes it down.
func (g *Gateway) deliver(k *known, seen Seen) bool {
	now := g.options.Now()
	g.mu.Lock()
	seen.Duplicate = !k.takenAt.IsZero()
	seen.Repeated = seen.Duplicate && g.options.Idempotency > 0 && now.Sub(k.takenAt) < g.options.Idempotency
	seen.Taken = !seen.Repeated
	if seen.Taken {
		k.takenAt, k.to = now, seen.To
	}
	g.mu.Unlock()
	if seen.Taken {
		g.taken.Add(1)
	}
	if !g.record(seen) {
		return false
	}
	if seen.Taken {
		g.receipts.send(seen.Key, k.ref)
	}
	return true
}

// record writes the line; a gateway that can't write must not answer.
func (g *Gateway) record(seen Seen) bool {
	seen.At = time.Now()
	if err := g.log.Append(seen); err != nil {
		panic(http.ErrAbortHandler)
	}
	return true
}

// lookUp says what became of a key.
func (g *Gateway) lookUp(w http.ResponseWriter, r *http.Request) {
	key := r.PathValue("key")
	g.mu.Lock()
	k, heard := g.keys[key]
	taken := heard && !k.takenAt.IsZero()
	g.mu.Unlock()
	switch {
	case taken:
		reply(w, http.StatusOK, answer{Key: key, Ref: k.ref, Status: "accepted"})
	default:
		reply(w, http.StatusNotFound, answer{Key: key, Status: "unknown", Detail: "no message with this key"})
	}
}

// hang answers nothing until the client leaves or the gateway is closed.
func (g *Gateway) hang(r *http.Request) {
	select {
	case <-r.Context().Done():
	case <-g.done:
	}
	panic(http.ErrAbortHandler)
}

// wait waits out d, or less if the gateway is closed; the client's leaving doesn't end it.
func (g *Gateway) wait(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-g.done:
	}
}

func reply(w http.ResponseWriter, status int, a answer) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(a) // the client may have gone
}
