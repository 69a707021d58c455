package kill

import (
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/huiyin/huiyin/test/fake/gateway"
)

const (
	killSeed     = 20261122
	killsDefault = 200
	eventsAKill  = 45
	startShare   = 0.15 // of the kills come while the server starts
	startMost    = 60 * time.Millisecond
	liveLeast    = 20 * time.Millisecond
	liveMost     = 200 * time.Millisecond
	gatewayKills = "take-then-kill=0.004,delay=0.05"
	terminations = 20
)

func kills(t *testing.T) int {
	text := os.Getenv("HUIYIN_KILLS")
	if text == "" {
		return killsDefault
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("HUIYIN_KILLS is %q; write a number", text)
	}
	return n
}

func TestKilledHundredsOfTimesNothingIsLostOrSentTwice(t *testing.T) {
	n := kills(t)
	y := newYard(t, n*eventsAKill, gatewayKills)
	l := y.begin(n*eventsAKill, batchEvery)
	chance := rand.New(rand.NewPCG(killSeed, uint64(n))) //nolint:gosec // repeatable on purpose
	began := time.Now()
	ours, theirs := 0, 0
	for ours+theirs < n {
		s := y.serve().hunted()
		if chance.Float64() < startShare {
			time.Sleep(time.Duration(chance.Int64N(int64(startMost))))
		} else if s.ready() {
			select {
			case <-s.ended:
			case <-time.After(liveLeast + time.Duration(chance.Int64N(int64(liveMost-liveLeast)))):
			}
		}
		select {
		case <-s.ended:
			if !s.wait() {
				t.Fatalf("the server ended well, and nobody had asked it to\n%s", s.complaints.String())
			}
			theirs++
		default:
			s.kill()
			ours++
		}
	}
	took := time.Since(began)
	s := y.serve()
	if !s.ready() {
		t.Fatalf("the server doesn't start after %d kills: %v\n%s", n, s.err, s.complaints.String())
	}
	l.pace.Store(0) // what is left of the events, as fast as they go
	l.end()
	y.idle(0)
	s.stop()
	y.settle()
	v := y.verify(l)
	if most := n*len(lanes)*laneInFlight*recordedAhead + y.misbehaved(gateway.TakeThenKill); v.unknown > most {
		t.Errorf("%d attempts were in doubt, and no more than %d were ever in flight", v.unknown, most)
	}
	if ours == 0 || theirs == 0 || v.repeated == 0 || v.aside == 0 || v.answers == 0 || v.refusals == 0 {
		t.Errorf("the rig tried too little: %d and %d kills, %+v", ours, theirs, v)
	}
	t.Logf("%d kills by us, %d by the gateways, %.1f a second; requests repeated %d", ours, theirs, float64(n)/took.Seconds(), l.resent)
	t.Logf("events %d, answers %d, refusals %d acknowledged, none lost; %d contacted, none twice", v.acknowledged, v.answers, v.refusals, v.contacted)
	t.Logf("in doubt %d: sent again under the same key and known again %d, set aside %d, the rest found out by asking; shown by the customer's answer before anybody said so %d", v.unknown, v.repeated, v.aside, v.proven)
}

func TestSIGTERMInEveryStateEndsCleanly(t *testing.T) {
	const events = terminations * 60
	y := newYard(t, events, "delay=0.3")
	l := y.begin(events, batchEvery)
	chance := rand.New(rand.NewPCG(killSeed, terminations)) //nolint:gosec // repeatable on purpose
	for i := range terminations {
		s := y.serve()
		if i%5 == 4 { // while it starts: it has its port, and perhaps nothing else yet
			s.listens()
			time.Sleep(time.Duration(chance.Int64N(int64(startMost))))
		} else if s.ready() {
			time.Sleep(time.Duration(chance.Int64N(int64(liveMost))))
		}
		s.stop()
		if n := y.rows(1, `SELECT CAST(COUNT(*) AS TEXT) FROM attempt WHERE state IN ('intended', 'unknown')`); n[0][0] != "0" {
			t.Errorf("stop %d left %s attempts in doubt", i+1, n[0][0])
		}
	}
	s := y.serve()
	if !s.ready() {
		t.Fatalf("the server doesn't start: %v\n%s", s.err, s.complaints.String())
	}
	l.end()
	y.idle(0)
	s.stop()
	y.settle()
	v := y.verify(l)
	if v.unknown != 0 || v.aside != 0 || v.repeated != 0 {
		t.Errorf("in doubt after nothing but clean stops: %+v", v)
	}
	t.Logf("%d stops; events %d, answers %d, refusals %d acknowledged; %d contacted, nothing in doubt", terminations, v.acknowledged, v.answers, v.refusals, v.contacted)
}
