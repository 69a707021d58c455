package trial

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/huiyin/huiyin/internal/followup"
	"github.com/huiyin/huiyin/internal/measure/report"
	"github.com/huiyin/huiyin/internal/people/customer"
	"github.com/huiyin/huiyin/internal/platform/audit"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/tally"
	"github.com/huiyin/huiyin/internal/trial/oracle"
)

const (
	stampForm      = "2006-01-02 15:04:05.000"
	storyLinesMost = 150
	storyBefore    = 12 * day
	storyAfter     = time.Hour
)

func (w *world) found(v oracle.Violation) { w.early = append(w.early, v) }

// judge hands the run to the oracle and tells the stories of what it finds.
func (w *world) judge() (*Result, error) {
	c := &oracle.Case{People: map[string]*oracle.Person{}, Programs: map[string]*oracle.Program{}, Caps: houseCaps, Writes: w.writes, Kept: map[string]bool{}}
	for _, p := range w.people {
		c.People[p.Ref] = &p.Person
	}
	for _, r := range w.programs {
		c.Programs[r.name] = r.truth
		w.res.Triggers += len(r.triggers)
		for _, ref := range r.triggers {
			if r.truth.Control(ref) {
				r.truth.ControlMatters++
			}
		}
	}
	for _, n := range w.nodes {
		if n != nil && !n.dead {
			w.asserted += n.dispatcher.Assertions()
		}
	}
	w.res.Events = w.events
	w.res.LatestWireAfterRefusalMillis = oracle.Latest(c).Milliseconds()
	if !w.res.CutShort {
		if err := w.account(c); err != nil {
			return nil, err
		}
	}
	for _, v := range append(w.early, oracle.Judge(c)...) {
		w.res.Violations[v.Invariant]++
		if len(w.res.Stories) < storiesMax {
			w.res.Stories = append(w.res.Stories, w.tellStory(v))
		}
	}
	return w.res, nil
}

// account fills in what was promised and kept, and what was counted twice: by the world and by the product.
func (w *world) account(c *oracle.Case) error {
	set, err := w.lib.Set(w.ctx)
	if err != nil {
		return err
	}
	return w.db.Read(w.ctx, func(tx *db.Tx) error {
		if err := w.kept(tx, c); err != nil {
			return err
		}
		if err := w.totals(tx, c); err != nil {
			return err
		}
		for _, r := range w.programs {
			id, ok := set.ID(r.name)
			if !ok {
				return fmt.Errorf("the program %s is gone", r.name)
			}
			sums, err := tally.Sum(tx, id, tally.Day(w.start.Add(-400*day)), tally.Day(w.now().Add(400*day)))
			if err != nil {
				return err
			}
			w.countTriggers(c, r, sums)
			rep, err := report.Program(tx, set, r.name, time.Time{}, time.Time{})
			if err != nil {
				return err
			}
			wrong, err := report.Recount(tx, r.name)
			if err != nil {
				return err
			}
			for _, s := range append(rep.Check, wrong...) {
				c.Said = append(c.Said, r.name+": "+s)
			}
		}
		if _, err := audit.Verify(tx); err != nil {
			c.Said = append(c.Said, "the audit trail: "+err.Error())
		}
		return nil
	})
}

func (w *world) countTriggers(c *oracle.Case, r *running, sums map[[2]string]int64) {
	var all int64
	for k, n := range sums {
		if k[0] == followup.MetricTrigger {
			all += n
		}
	}
	c.Counts = append(c.Counts, oracle.Count{What: r.name + ": triggers", True: int64(len(r.triggers)), Said: all})
	if !r.lasting {
		return
	}
	var outside int64
	for _, ref := range r.triggers {
		if _, assigned := r.truth.Assigned[ref]; !assigned && r.sample > 0 && oracle.Lot("sample:"+r.name, ref) >= r.sample {
			outside++
		}
	}
	dim := "not-selected:" + string(codes.NotSampled)
	c.Counts = append(c.Counts, oracle.Count{What: r.name + ": triggers outside of the sample", True: outside, Said: sums[[2]string{followup.MetricTrigger, dim}]})
}

// totals are counts over all programs.
func (w *world) totals(tx *db.Tx, c *oracle.Case) error {
	var all, open, aside int64
	for _, q := range []struct {
		into  *int64
		query string
	}{
		{&all, `SELECT count(*) FROM follow_up`},
		{&open, `SELECT count(*) FROM follow_up WHERE ended_at = 0`},
		{&aside, `SELECT coalesce(sum(n), 0) FROM (SELECT n FROM counter WHERE metric = 'aside' AND dim = 'in' UNION ALL SELECT n FROM tally_delta WHERE metric = 'aside' AND dim = 'in') AS x`},
	} {
		if err := tx.QueryRow(q.query).Scan(q.into); err != nil {
			return err
		}
	}
	w.res.FollowUps, w.res.SetAside = int(all), int(aside)
	c.Counts = append(c.Counts,
		oracle.Count{What: "follow-ups still open long after their deadline", True: 0, Said: open},
		oracle.Count{What: "set aside, against outcomes that could be lost", True: int64(w.unsure), Said: aside, AtMost: true},
		oracle.Count{What: "follow-ups stopped by an assertion", True: 0, Said: w.asserted},
	)
	return nil
}

// kept finds again what was acknowledged.
func (w *world) kept(tx *db.Tx, c *oracle.Case) error {
	c.Promised = w.promised
	ids, err := db.All(tx, func(r *db.Rows) (id string, err error) { return id, r.Scan(&id) }, `SELECT id FROM event_log ORDER BY seq`)
	if err != nil {
		return err
	}
	for _, id := range ids {
		c.Kept["event "+id] = true
	}
	if err := w.keptRefusals(tx, c); err != nil {
		return err
	}
	rows, err := tx.Query(`SELECT follow_up_id, score FROM answer WHERE scored`)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var id, score int64
		if err := rows.Scan(&id, &score); err != nil {
			return err
		}
		c.Kept[scorePromise(id, score)] = true
		if _, answered := w.saved[id]; !answered {
			c.Said = append(c.Said, fmt.Sprintf("an answer in follow-up %d that nobody gave", id))
		}
	}
	var given []int64
	for id := range w.saved {
		given = append(given, id)
	}
	slices.Sort(given)
	for _, id := range given {
		c.Promised = append(c.Promised, scorePromise(id, w.saved[id]))
	}
	return rows.Err()
}

func scorePromise(followUp, score int64) string {
	return fmt.Sprintf("score %d in follow-up %d", score, followUp)
}

func (w *world) keptRefusals(tx *db.Tx, c *oracle.Case) error {
	byKey := map[string]string{"": ""}
	for address, people := range w.byAddress {
		for _, lane := range lanes {
			if people[0].address(lane) == address {
				byKey[string(customer.PointKey(w.keys, customer.PointKind(lane), address))] = address
			}
		}
	}
	rows, err := tx.Query(`SELECT coalesce(c.ref, ''), r.channel, r.purpose, r.address_key FROM refusal r LEFT JOIN customer c ON c.id = r.customer_id`)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var ref, channel, purpose string
		var key []byte
		if err := rows.Scan(&ref, &channel, &purpose, &key); err != nil {
			return err
		}
		address := byKey[string(key)]
		who := []string{ref}
		if ref == "" { // a stranger's: whoever has the address said it
			who = nil
			for _, p := range w.byAddress[address] {
				who = append(who, p.Ref)
			}
		}
		for _, ref := range who {
			c.Kept["refusal of "+ref+" "+channel+" "+purpose+" "+address] = true
		}
	}
	return rows.Err()
}

// tellStory writes what happened to a customer, as far as it bears on a broken promise.
func (w *world) tellStory(v oracle.Violation) string {
	var b strings.Builder
	_, _ = fmt.Fprintf(&b, "%s BROKEN: %s\n  again with: simulate --seed %d --customers %d --days %d%s\n", v.Invariant, v.Text, w.cfg.Seed, w.cfg.Customers, w.cfg.Days,
		map[bool]string{true: " --faults"}[w.cfg.Faults])
	p := w.byRef[v.Ref]
	if p == nil {
		return b.String()
	}
	lines := append(slices.Clone(p.story), w.decisions(p)...)
	slices.SortStableFunc(lines, func(a, b line) int { return a.at.Compare(b.at) })
	lines = slices.DeleteFunc(lines, func(l line) bool {
		return l.at.After(v.At.Add(storyAfter)) || l.at.Before(v.At.Add(-storyBefore)) && !l.at.Equal(w.start)
	})
	for _, l := range lines[max(0, len(lines)-storyLinesMost):] {
		_, _ = fmt.Fprintf(&b, "  %s  %s\n", l.at.UTC().Format(stampForm), l.text)
	}
	return b.String()
}

// decisions are what the product wrote down about a customer's follow-ups.
func (w *world) decisions(p *person) (lines []line) {
	err := w.db.Read(w.ctx, func(tx *db.Tx) error {
		found, err := customer.Find(tx, []string{p.Ref})
		if err != nil {
			return err
		}
		fs, err := followup.OfCustomer(tx, found[p.Ref], 500)
		if err != nil {
			return err
		}
		for _, f := range fs {
			ds, err := followup.Decisions(tx, f.ID)
			if err != nil {
				return err
			}
			for _, d := range ds {
				lines = append(lines, line{d.At, fmt.Sprintf("    decided on step %d of follow-up %d: %s %s %s", d.Step+1, f.ID, d.Verdict, d.Reason, d.Rule)})
			}
			if !f.EndedAt.IsZero() {
				lines = append(lines, line{f.EndedAt, fmt.Sprintf("    follow-up %d ended: %s %s", f.ID, f.State, f.Reason)})
			}
		}
		return nil
	})
	if err != nil {
		lines = append(lines, line{w.now(), "the decisions could not be read: " + err.Error()})
	}
	return lines
}
