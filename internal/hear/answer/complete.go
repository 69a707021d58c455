package answer

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/errs"
	"github.com/huiyin/huiyin/internal/platform/outbox"
	"github.com/huiyin/huiyin/internal/platform/tally"
)

// complete hands an answer in. What others wait for, the quota, comes last.
func (c *change) complete(paced bool) error {
	if c.Standing == Used {
		return nil
	}
	if err := c.err(); err != nil {
		return err
	}
	visible := c.Visible()
	for _, q := range visible {
		if v := c.Values[q]; v.Empty() && c.Form.Required(q) {
			return errs.New(errs.Invalid, codes.AnswerIncomplete, "this question needs an answer before the rest can be handed in").At(q)
		}
	}
	if err := c.dropHidden(visible); err != nil {
		return err
	}
	if len(c.Values) == 0 {
		return errs.New(errs.Invalid, codes.AnswerIncomplete, "nothing has been answered yet; answer at least one question")
	}
	c.CompletedAt, c.Standing = c.now, Used
	c.add(MetricAnswer, DimCompleted)
	c.judge(paced)
	if err := c.earn(); err != nil {
		return err
	}
	words := make([]string, len(c.Careless))
	for i, r := range c.Careless {
		words[i] = string(r)
	}
	if _, err := c.tx.Exec(`UPDATE answer SET completed_at = $2, careless = $3, rewarded = $4 WHERE id = $1`,
		c.ID, db.Millis(c.now), strings.Join(words, " "), c.Rewarded); err != nil {
		return err
	}
	if _, err := c.tx.Exec(`UPDATE answer_link SET used_at = $2 WHERE hash = $1`, c.hash, db.Millis(c.now)); err != nil {
		return err
	}
	if err := c.answered(); err != nil {
		return err
	}
	if c.Visitor() {
		return c.fillPublic()
	}
	if err := outbox.Tell(c.tx, c.tell()...); err != nil {
		return err
	}
	return c.fill()
}

// tell is what the wallet is told of an answer: the score, not the words; and what it earned.
func (c *change) tell() []outbox.Notice {
	data := map[string]any{
		"follow_up": strconv.FormatInt(c.FollowUp, 10), "answer": strconv.FormatInt(c.ID, 10), "channel": c.Channel, "language": c.Language,
	}
	if c.Scored {
		data["score"] = c.Score
	}
	if len(c.Careless) > 0 {
		data["careless"] = c.Careless
	}
	told := outbox.Notice{Kind: outbox.AnswerCompleted, Customer: c.Customer, FollowUp: c.FollowUp, Program: c.Program, At: c.now, Data: data}
	if !c.Rewarded {
		return []outbox.Notice{told}
	}
	due := told
	due.Kind = outbox.RewardDue
	due.Data = map[string]any{
		"follow_up": data["follow_up"], "answer": data["answer"], "reward": c.Form.Reward.ID, "questionnaire": c.Form.Name,
	}
	return []outbox.Notice{told, due}
}

func (c *change) add(metric, dim string) {
	c.counts.Add(tally.Key{Program: c.Program, Day: tally.Day(c.now), Metric: metric, Dim: dim}, 1)
}

// judge marks an answer that looks as if it wasn't meant. It stands all the same.
func (c *change) judge(paced bool) {
	var at map[string]time.Time
	if paced {
		at = make(map[string]time.Time, len(c.Values))
		for q, v := range c.Values {
			at[q] = v.At
		}
	}
	c.Careless = c.Form.Careless(c.Said(), at, c.Language)
	if len(c.Careless) > 0 {
		c.add(MetricAnswer, DimCareless)
	}
	for _, r := range c.Careless {
		c.add(MetricDoubt, string(r))
	}
}

// earn keeps the reward of an answer, if it earns one and the customer had none for it yet.
func (c *change) earn() error {
	if c.Form.Reward == nil || c.Visitor() || len(c.Careless) > 0 {
		return nil
	}
	n, err := c.tx.Exec(`INSERT INTO reward (program_id, customer_id, questionnaire, answer_id, reward, at) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (customer_id, program_id, questionnaire) DO NOTHING`, c.Program, c.Customer, c.Form.Name, c.ID, c.Form.Reward.ID, db.Millis(c.now))
	c.Rewarded = n > 0
	return err
}

// dropHidden removes what was said to questions that a later change of mind hid.
func (c *change) dropHidden(visible []string) error {
	for _, q := range questions(c.Values) {
		if slices.Contains(visible, q) {
			continue
		}
		if err := c.put(q, Value{}); err != nil {
			return err
		}
		if q != c.Form.Score() {
			continue
		}
		if err := c.score(Value{}); err != nil {
			return err
		}
	}
	return nil
}
