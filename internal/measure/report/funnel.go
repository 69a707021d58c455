package report

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/huiyin/huiyin/internal/contact/attempt"
	"github.com/huiyin/huiyin/internal/followup"
	"github.com/huiyin/huiyin/internal/platform/db"
)

// stageKey names a stage: a step from 0, and its channel.
type stageKey struct {
	step    int
	channel string
}

// funnel gives what became of the attempts of each step and channel, in the order of
// steps, and the dims it could not read.
func funnel(s sums) (stages []Stage, unread []string) {
	by := map[stageKey]*Stage{}
	dims := s.of(attempt.MetricAttempt)
	for _, dim := range sortedKeys(dims) {
		first, rest, _ := strings.Cut(dim, ":")
		last := strings.LastIndexByte(rest, ':')
		step, err := strconv.Atoi(first)
		if err != nil || last < 0 {
			unread = append(unread, dim)
			continue
		}
		key := stageKey{step, rest[:last]}
		if by[key] == nil {
			by[key] = &Stage{Step: step + 1, Channel: key.channel, Definition: defineStage}
		}
		field := by[key].of(attempt.State(rest[last+1:]))
		if field == nil {
			unread = append(unread, dim)
			continue
		}
		*field += dims[dim]
	}
	for _, stage := range by {
		stage.Unsettled = stage.Intended - stage.Withheld - stage.Rejected - stage.Taken
		stages = append(stages, *stage)
	}
	slices.SortFunc(stages, func(a, b Stage) int {
		return cmp.Or(cmp.Compare(a.Step, b.Step), strings.Compare(a.Channel, b.Channel))
	})
	return stages, unread
}

// of is the count of a state.
func (s *Stage) of(state attempt.State) *int64 {
	switch state {
	case attempt.Intended:
		return &s.Intended
	case attempt.Withheld:
		return &s.Withheld
	case attempt.Rejected:
		return &s.Rejected
	case attempt.Unknown:
		return &s.Unknown
	case attempt.Accepted:
		return &s.Taken
	case attempt.Undelivered:
		return &s.Undelivered
	case attempt.Delivered:
		return &s.Delivered
	case attempt.Seen:
		return &s.Seen
	}
	return nil
}

// addAnswers puts answers to the stage whose message brought them. Where one stage alone
// asks, they are all its own.
func addAnswers(tx *db.Tx, s subject, d days, period sums, stages []Stage) error {
	var asking []*Stage
	for i := range stages {
		if s.askedAt(stages[i].Step - 1) {
			asking = append(asking, &stages[i])
		}
	}
	switch len(asking) {
	case 0:
		return nil
	case 1:
		asking[0].Answered = period[[2]string{followup.MetricEnded, string(followup.Answered)}]
		return nil
	}
	return attribute(tx, s.id, d, asking)
}

// attribute puts each answer of a program that asks at several stages to the latest message
// on the answer's channel before it was begun. An answer knows its channel but not its step,
// so this reads the answers' rows; there are far fewer of them than messages.
func attribute(tx *db.Tx, program int64, d days, asking []*Stage) error {
	type row struct {
		stageKey
		n int64
	}
	rows, err := db.All(tx, func(r *db.Rows) (row, error) {
		var w row
		return w, r.Scan(&w.step, &w.channel, &w.n)
	}, `SELECT t.step, t.channel, COUNT(*) FROM answer w JOIN attempt t ON t.id = (
			SELECT a.id FROM attempt a WHERE a.follow_up_id = w.follow_up_id AND a.channel = w.channel AND a.intended_at <= w.started_at ORDER BY a.id DESC LIMIT 1)
		WHERE w.program_id = $1 AND w.started_at >= $2 AND w.started_at < $3 AND (w.scored OR w.completed_at > 0)
		GROUP BY t.step, t.channel`, program, db.Millis(start(d.first)), db.Millis(start(d.last).Add(dayLength)))
	if err != nil {
		return err
	}
	for _, w := range rows {
		for _, s := range asking {
			if s.Step == w.step+1 && s.Channel == w.channel {
				s.Answered = w.n
			}
		}
	}
	return nil
}
