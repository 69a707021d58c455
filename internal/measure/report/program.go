package report

import (
	"errors"
	"time"

	"github.com/huiyin/huiyin/internal/measure/study"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/errs"
	"github.com/huiyin/huiyin/internal/platform/tally"
)

// days is a period of whole days by UTC.
type days struct {
	first, last int32 // both included
	bounded     bool  // first is not the beginning of time
}

// daysOf reads a period: zero from is the beginning, zero to is today.
func daysOf(from, to, now time.Time) (days, error) {
	d := days{last: tally.Day(now)}
	if !from.IsZero() {
		d.first, d.bounded = tally.Day(from), true
	}
	if !to.IsZero() {
		d.last = tally.Day(to)
	}
	if d.last < d.first {
		return d, errs.New(errs.Invalid, codes.ReportRange, "the report would end on %s, before it begins on %s; change the days round", spell(d.last), spell(d.first))
	}
	return d, nil
}

const dayLength = 24 * time.Hour

// start is the first moment of a day.
func start(day int32) time.Time { return time.Unix(0, 0).UTC().Add(time.Duration(day) * dayLength) }

// spell writes a day as people do.
func spell(day int32) string { return start(day).Format(time.DateOnly) }

// forever is a day after all days: counters reach to wherever the clock has been.
const forever = 1<<31 - 1

// build reads and puts together a report.
func build(tx *db.Tx, s subject, from, to time.Time) (*Report, error) {
	now, err := tx.Now()
	if err != nil {
		return nil, err
	}
	d, err := daysOf(from, to, now)
	if err != nil {
		return nil, err
	}
	ever, err := tally.Sum(tx, s.id, 0, forever)
	if err != nil {
		return nil, err
	}
	before, period := sums{}, sums(ever)
	if d.bounded || !to.IsZero() {
		if period, err = tally.Sum(tx, s.id, d.first, d.last); err != nil {
			return nil, err
		}
	}
	if d.bounded && d.first > 0 {
		if before, err = tally.Sum(tx, s.id, 0, d.first-1); err != nil {
			return nil, err
		}
	}
	open, aside, err := openNow(tx, s.id)
	if err != nil {
		return nil, err
	}
	r := &Report{Program: s.name, Title: s.title, State: s.state, To: spell(d.last), At: now, Check: check(ever, open, aside)}
	if d.bounded {
		r.From = spell(d.first)
	}
	r.Balanced = len(r.Check) == 0
	r.Triggers = triggers(period)
	r.FollowUps = followUps(before, period, aside)
	r.Funnel, _ = funnel(period)
	r.Withheld = withheld(period)
	r.Scores, r.Choices = scores(period, s.asked), choices(period, s.asked)
	if err := addAnswers(tx, s, d, period, r.Funnel); err != nil {
		return nil, err
	}
	r.Answers = answers(period, r.Funnel, s.askedAt)
	running, err := tally.Sum(tx, s.id, max(d.first, tally.Day(now.Add(-s.measure.within))), d.last)
	if err != nil {
		return nil, err
	}
	r.Effect = effect(study.Arms(period, running), s.measure)
	return r, nil
}

// openNow counts the follow-ups of a program that have not ended, and those of them set
// aside, each by an index that holds nothing else.
func openNow(tx *db.Tx, program int64) (open, aside int64, err error) {
	if err = tx.QueryRow(`SELECT COUNT(*) FROM follow_up WHERE program_id = $1 AND ended_at = 0`, program).Scan(&open); err == nil {
		err = tx.QueryRow(`SELECT COUNT(*) FROM follow_up WHERE program_id = $1 AND state = 'set_aside'`, program).Scan(&aside)
	}
	return open, aside, err
}

// findProgram gives the id and state of a program by its name.
func findProgram(tx *db.Tx, name string) (id int64, state string, err error) {
	err = tx.QueryRow(`SELECT id, state FROM program WHERE name = $1`, name).Scan(&id, &state)
	if errors.Is(err, db.ErrNoRows) {
		err = errs.New(errs.NotFound, codes.NotFound, "there is no program %.80q; `huiyin get Program` lists them", name)
	}
	return id, state, err
}
