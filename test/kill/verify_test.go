package kill

import (
	"fmt"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/huiyin/huiyin/internal/measure/report"
	"github.com/huiyin/huiyin/internal/platform/audit"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/test/fake/gateway"
)

// refusalSlack is how long after a refusal was acknowledged a message may still come in:
// 200 ms that a last look serves, and what a busy machine takes to write it down.
const refusalSlack = 2 * time.Second

// idlePolls is how often in a row nothing must be due.
const idlePolls = 5

// verdict is what a rig found at its end.
type verdict struct {
	acknowledged, answers, refusals int
	contacted                       int // customers who got a message
	repeated                        int // messages sent again under a key that the gateway honoured
	unknown                         int // attempts whose outcome was unknown at some time
	aside                           int
	proven                          int // attempts nobody concluded, whose customer's answer showed that they had arrived
	wrong                           []string
}

func (v *verdict) say(format string, a ...any) {
	if len(v.wrong) < 40 {
		v.wrong = append(v.wrong, fmt.Sprintf(format, a...))
	}
}

// followUp is one row of what the house says, with its last attempt.
type followUp struct{ state, attempt string }

// verify holds the tables and the wires to what was acknowledged.
func (y *yard) verify(l *load) *verdict {
	y.t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	v := &verdict{acknowledged: len(l.acknowledged), answers: len(l.answered), refusals: len(l.refused), wrong: l.faults}
	y.events(l, v)
	y.answers(l, v)
	house := y.followUps(l, v)
	for _, lane := range lanes {
		y.wire(lane, l, house, v)
	}
	y.accounts(v)
	sort.Strings(v.wrong)
	for _, w := range v.wrong {
		y.t.Error(w)
	}
	return v
}

// events: each acknowledged one is in the log once, each one there has one follow-up.
func (y *yard) events(l *load, v *verdict) {
	logged := map[string]int{}
	for _, r := range y.rows(1, `SELECT id FROM event_log`) {
		logged[r[0]]++
	}
	for id := range l.acknowledged {
		if logged[id] == 0 {
			v.say("event %s was acknowledged and is lost", id)
		}
	}
	for id, n := range logged {
		if n > 1 {
			v.say("event %s is in the log %d times", id, n)
		}
	}
	for _, r := range y.rows(2, `SELECT e.id, CAST(COUNT(f.id) AS TEXT) FROM event_log e LEFT JOIN follow_up f ON f.trigger_seq = e.seq GROUP BY e.id HAVING COUNT(f.id) <> 1`) {
		v.say("event %s has %s follow-ups", r[0], r[1])
	}
}

// answers and refusals: what was acknowledged is there.
func (y *yard) answers(l *load, v *verdict) {
	kept := map[string]string{}
	for _, r := range y.rows(2, `SELECT c.ref, v.value FROM answer_value v JOIN answer a ON a.id = v.answer_id JOIN customer c ON c.id = a.customer_id`) {
		kept[r[0]] = r[1]
	}
	for i, stars := range l.answered {
		if kept[ref(i)] != strconv.Itoa(stars) {
			v.say("customer %s answered %d, and %q is kept", ref(i), stars, kept[ref(i)])
		}
	}
	refused := map[string]bool{}
	for _, r := range y.rows(1, `SELECT c.ref FROM refusal r JOIN customer c ON c.id = r.customer_id`) {
		refused[r[0]] = true
	}
	for i := range l.refused {
		if !refused[ref(i)] {
			v.say("the refusal of %s was acknowledged and is lost", ref(i))
		}
	}
}

// followUps reads every customer's follow-up; each has one.
func (y *yard) followUps(l *load, v *verdict) map[string]followUp {
	house := map[string]followUp{}
	for _, r := range y.rows(3, `SELECT c.ref, f.state, COALESCE((SELECT a.state FROM attempt a WHERE a.follow_up_id = f.id ORDER BY a.id DESC LIMIT 1), '')
		FROM follow_up f JOIN customer c ON c.id = f.customer_id`) {
		if _, twice := house[r[0]]; twice {
			v.say("customer %s has two follow-ups", r[0])
		}
		house[r[0]] = followUp{r[1], r[2]}
		switch r[1] {
		case "waiting", "contacting":
			v.say("the follow-up of %s is still %s", r[0], r[1])
		case "set_aside":
			v.aside++
			// Under a key it is sent again, except to somebody who has refused meanwhile.
			if i, err := strconv.Atoi(r[0][1:]); err != nil || (laneOf(i) == "sms" && l.refused[i].IsZero()) {
				v.say("the follow-up of %s is set aside, though its gateway honours keys", r[0])
			}
		}
	}
	n := y.rows(1, `SELECT CAST(COUNT(*) AS TEXT) FROM attempt WHERE state IN ('intended', 'unknown') AND follow_up_id NOT IN (SELECT id FROM follow_up WHERE state = 'set_aside')`)
	if n[0][0] != "0" {
		v.say("%s attempts are in doubt though their follow-up is not set aside", n[0][0])
	}
	return house
}

// wire: nobody was contacted twice, or after their refusal; what the house says of an
// attempt is what its gateway saw.
func (y *yard) wire(lane string, l *load, house map[string]followUp, v *verdict) {
	took := map[int]int{}
	requests := map[string]int{}
	for _, s := range y.seen(lane) {
		i := y.number(s.To)
		if i < 0 || laneOf(i) != lane {
			v.say("a message to %s came in on %s", s.To, lane)
			continue
		}
		requests[s.Key]++
		if s.Repeated {
			v.repeated++
		}
		if s.Taken {
			took[i]++
		}
		if at, refused := l.refused[i]; refused && s.Taken && s.At.After(at.Add(refusalSlack)) {
			v.say("customer %s refused at %s, and was contacted at %s", ref(i), at.Format(time.StampMilli), s.At.Format(time.StampMilli))
		}
		if lane == "im" && requests[s.Key] > 1 {
			v.say("a message went out again blindly on %s, key %s", lane, s.Key)
		}
	}
	for i, n := range took {
		v.contacted++
		if n > 1 {
			v.say("customer %s was contacted %d times", ref(i), n)
		}
	}
	for customer, f := range house {
		i, err := strconv.Atoi(customer[1:])
		if err != nil || laneOf(i) != lane {
			continue
		}
		if f.state == "set_aside" {
			if lane == "push" && took[i] > 0 {
				v.say("the follow-up of %s is set aside, though its gateway knows the message", customer)
			}
			continue
		}
		reached := map[string]bool{"accepted": true, "delivered": true, "seen": true}[f.attempt]
		if reached != (took[i] > 0) {
			v.say("customer %s: the last attempt is %q, the gateway took %d messages; the follow-up is %s", customer, f.attempt, took[i], f.state)
		}
	}
}

// accounts: the reports add up, agree with a recount of the rows, and the trail is whole.
func (y *yard) accounts(v *verdict) {
	y.read(func(tx *db.Tx) error {
		for _, lane := range lanes {
			wrong, err := report.Recount(tx, "by-"+lane)
			if err != nil {
				return err
			}
			for _, w := range wrong {
				v.say("the account of by-%s: %s", lane, w)
			}
		}
		_, err := audit.Verify(tx)
		return err
	})
	n := y.rows(2, `SELECT CAST(COALESCE(SUM(CASE WHEN sends > 1 OR state = 'unknown' THEN 1 ELSE 0 END), 0) AS TEXT),
		CAST(COALESCE(SUM(CASE WHEN state = 'seen' AND reason = 'answered' THEN 1 ELSE 0 END), 0) AS TEXT) FROM attempt`)
	v.unknown, _ = strconv.Atoi(n[0][0]) // counts are numbers
	v.proven, _ = strconv.Atoi(n[0][1])
}

// misbehaved counts a gateway's requests in a mode.
func (y *yard) misbehaved(mode gateway.Mode) (n int) {
	for _, lane := range lanes {
		for _, s := range y.seen(lane) {
			if s.Mode == mode {
				n++
			}
		}
	}
	return n
}

// settle lets servers whose clocks run ahead find out what became of everything: leases
// run out, keys are sent again, gateways are asked, waits end.
func (y *yard) settle() {
	y.t.Helper()
	for _, ahead := range []time.Duration{4 * time.Minute, 25 * time.Minute, 90 * time.Minute, 5 * time.Hour, 26 * time.Hour} {
		s := y.crash("-ahead", ahead.String())
		if !s.ready() {
			y.t.Fatalf("the server ended while it settled: %v\n%s", s.err, s.complaints.String())
		}
		y.idle(ahead)
		s.stop()
	}
}

// idle waits until nothing is due by a clock that runs ahead, and stays so for a while:
// what is being sent then comes to its end when the server stops.
func (y *yard) idle(ahead time.Duration) {
	y.t.Helper()
	query := `SELECT CAST(COUNT(*) AS TEXT) FROM follow_up WHERE state IN ('waiting', 'contacting') AND due_at <= %d
		UNION ALL SELECT CAST((SELECT COALESCE(MAX(seq), 0) FROM event_log) - COALESCE((SELECT seq FROM log_offset WHERE name = 'route'), 0) AS TEXT)`
	still := 0
	for began := time.Now(); time.Since(began) < commandTimeout; time.Sleep(50 * time.Millisecond) {
		n := y.rows(1, fmt.Sprintf(query, time.Now().Add(ahead).UnixMilli()))
		if still++; n[0][0] != "0" || n[1][0] != "0" {
			still = 0
		}
		if still == idlePolls {
			return
		}
	}
	var due []string
	for _, r := range y.rows(6, fmt.Sprintf(`SELECT c.ref, f.lane, f.state, f.reason, CAST(f.due_at AS TEXT), COALESCE((SELECT a.state || ' ' || a.reason || ' ' || a.detail FROM attempt a WHERE a.follow_up_id = f.id ORDER BY a.id DESC LIMIT 1), 'no attempt')
		FROM follow_up f JOIN customer c ON c.id = f.customer_id WHERE f.state IN ('waiting', 'contacting') AND f.due_at <= %d ORDER BY f.due_at LIMIT 10`, time.Now().Add(ahead).UnixMilli())) {
		due = append(due, strings.Join(r, " "))
	}
	y.t.Fatalf("the server still has work %s after it began to settle; due are:\n%s", commandTimeout, strings.Join(due, "\n"))
}
