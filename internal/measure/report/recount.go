package report

import (
	"fmt"
	"strconv"

	"github.com/huiyin/huiyin/internal/contact/attempt"
	"github.com/huiyin/huiyin/internal/followup"
	"github.com/huiyin/huiyin/internal/hear/answer"
	"github.com/huiyin/huiyin/internal/measure/study"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/tally"
)

// answersPage is how many answers are read at a time.
const answersPage = 500

// noted are the reasons for which a trigger that isn't selected leaves a note; the others are only counted.
var noted = []codes.Reason{codes.SettledBeforeStart, codes.LateTrigger, codes.TriggerFailed}

// Recount goes through all rows of a program and names each counter that disagrees
// with them. It scans: it is for audits and rigs, not for pages. Rows that retention
// or an erasure removed stay counted, so it holds for programs that lost none.
func Recount(tx *db.Tx, program string) ([]string, error) {
	id, _, err := findProgram(tx, program)
	if err != nil {
		return nil, err
	}
	total, err := tally.Sum(tx, id, 0, forever)
	if err != nil {
		return nil, err
	}
	r := recount{tx: tx, program: id, counted: total, rows: sums{}, exact: map[string]bool{}}
	for _, scan := range []func() error{r.followUps, r.notes, r.decisions, r.attempts, r.answers, r.study} {
		if err := scan(); err != nil {
			return nil, err
		}
	}
	return r.compare(), nil
}

type recount struct {
	tx      *db.Tx
	program int64
	counted sums
	rows    sums            // what the counters should say
	exact   map[string]bool // metrics of which every dim is recounted
}

func (r *recount) add(metric, dim string, n int64) { r.rows[[2]string{metric, dim}] += n }

// compare names the counters that differ from the rows.
func (r *recount) compare() []string {
	var broken []string
	every := map[string][2]string{}
	for k := range r.rows {
		every[k[0]+" "+k[1]] = k
	}
	for k := range r.counted {
		if r.exact[k[0]] {
			every[k[0]+" "+k[1]] = k
		}
	}
	for _, text := range sortedKeys(every) {
		k := every[text]
		if r.rows[k] != r.counted[k] {
			broken = append(broken, fmt.Sprintf("%s: %d in the rows, %d counted", text, r.rows[k], r.counted[k]))
		}
	}
	return broken
}

// each runs a query whose rows are words and, at the end, numbers.
func (r *recount) each(query string, words, numbers int, fn func(w []string, n []int64)) error {
	_, err := db.All(r.tx, func(row *db.Rows) (struct{}, error) {
		w, n := make([]string, words), make([]int64, numbers)
		into := make([]any, 0, words+numbers)
		for i := range w {
			into = append(into, &w[i])
		}
		for i := range n {
			into = append(into, &n[i])
		}
		err := row.Scan(into...)
		if err == nil {
			fn(w, n)
		}
		return struct{}{}, err
	}, query, r.program)
	return err
}

func (r *recount) followUps() error {
	r.exact[followup.MetricStarted], r.exact[followup.MetricEnded], r.exact[followup.MetricReason] = true, true, true
	r.add(followup.MetricTrigger, dimStarted, 0)
	r.add(followup.MetricTrigger, dimMerged, 0)
	return r.each(`SELECT CASE WHEN held_out THEN 'held-out' ELSE 'treated' END, CASE WHEN ended_at > 0 THEN state ELSE '' END, CASE WHEN ended_at > 0 THEN reason ELSE '' END,
			COUNT(*), CAST(SUM(merged) AS BIGINT)
		FROM follow_up WHERE program_id = $1 GROUP BY 1, 2, 3`, 3, 2, func(w []string, n []int64) {
		r.add(followup.MetricStarted, w[0], n[0])
		r.add(followup.MetricTrigger, dimStarted, n[0])
		r.add(followup.MetricTrigger, dimMerged, n[1])
		if w[1] != "" {
			r.add(followup.MetricEnded, w[1], n[0])
			r.add(followup.MetricReason, w[1]+":"+w[2], n[0])
		}
	})
}

func (r *recount) notes() error {
	for _, reason := range noted {
		r.add(followup.MetricTrigger, dimNotSelected+string(reason), 0)
	}
	return r.each(`SELECT reason, COUNT(*) FROM trigger_note WHERE program_id = $1 AND outcome = 'not-selected' GROUP BY reason`, 1, 1,
		func(w []string, n []int64) { r.add(followup.MetricTrigger, dimNotSelected+w[0], n[0]) })
}

// attempts recounts the states that leave a trace: a time, or the state they end in.
func (r *recount) attempts() error {
	return r.each(`SELECT channel, step, COUNT(*),
			CAST(SUM(CASE WHEN state = 'withheld' THEN 1 ELSE 0 END) AS BIGINT), CAST(SUM(CASE WHEN state = 'rejected' THEN 1 ELSE 0 END) AS BIGINT),
			CAST(SUM(CASE WHEN accepted_at > 0 THEN 1 ELSE 0 END) AS BIGINT), CAST(SUM(CASE WHEN delivered_at > 0 THEN 1 ELSE 0 END) AS BIGINT),
			CAST(SUM(CASE WHEN seen_at > 0 THEN 1 ELSE 0 END) AS BIGINT)
		FROM attempt WHERE program_id = $1 GROUP BY channel, step`, 1, 7, func(w []string, n []int64) {
		stage := strconv.FormatInt(n[0], 10) + ":" + w[0] + ":"
		for i, s := range []attempt.State{attempt.Intended, attempt.Withheld, attempt.Rejected, attempt.Accepted, attempt.Delivered, attempt.Seen} {
			r.add(attempt.MetricAttempt, stage+string(s), n[i+1])
		}
	})
}

func (r *recount) decisions() error {
	r.exact[followup.MetricDecided] = true
	return r.each(`SELECT d.verdict, d.reason, COUNT(*) FROM follow_up f JOIN decision d ON d.follow_up_id = f.id WHERE f.program_id = $1 GROUP BY d.verdict, d.reason`,
		2, 1, func(w []string, n []int64) { r.add(followup.MetricDecided, w[0]+":"+w[1], n[0]) })
}

// answers recounts answers, scores and tags; words chosen can't be told from words written.
func (r *recount) answers() error {
	r.exact[answer.MetricAnswer], r.exact[answer.MetricScore], r.exact[answer.MetricTag], r.exact[answer.MetricDoubt] = true, true, true, true
	for after := int64(0); ; {
		page, err := answer.List(r.tx, r.program, after, answersPage)
		if err != nil || len(page) == 0 {
			return err
		}
		for i := range page {
			a := &page[i]
			after = a.ID
			r.add(answer.MetricAnswer, answer.DimStarted, 1)
			if !a.CompletedAt.IsZero() {
				r.add(answer.MetricAnswer, answer.DimCompleted, 1)
			}
			if len(a.Careless) > 0 {
				r.add(answer.MetricAnswer, answer.DimCareless, 1)
			}
			for _, reason := range a.Careless {
				r.add(answer.MetricDoubt, string(reason), 1)
			}
			for question, v := range a.Values {
				if n, ok := v.Given.(int64); ok {
					r.add(answer.MetricScore, question+":"+strconv.FormatInt(n, 10), 1)
				}
				for _, tag := range v.Tags {
					r.add(answer.MetricTag, question+":"+tag, 1)
				}
			}
		}
	}
}

func (r *recount) study() error {
	r.exact[study.MetricMember], r.exact[study.MetricHit] = true, true
	rows, err := study.Recount(r.tx, r.program)
	for k, n := range rows {
		r.add(k[0], k[1], n)
	}
	return err
}
