package answer

import (
	"context"
	"slices"
	"time"

	"github.com/huiyin/huiyin/internal/contact/attempt"
	"github.com/huiyin/huiyin/internal/followup"
	"github.com/huiyin/huiyin/internal/platform/clock"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/errs"
	"github.com/huiyin/huiyin/internal/platform/ids"
	"github.com/huiyin/huiyin/internal/platform/tally"
	"github.com/huiyin/huiyin/internal/program/questionnaire"
)

// Forms finds questionnaires by the id of their version, older ones that are still answered included.
type Forms interface {
	Questionnaire(tx *db.Tx, id int64) (*questionnaire.Questionnaire, error)
}

// Store takes answers by their links. It is safe for concurrent use.
type Store struct {
	DB    *db.DB
	Clock clock.Clock // judges whether a link has expired
	IDs   *ids.Source
	Forms Forms
}

// Open reads the sheet a token opens. It changes nothing. With an error that says
// the link is used or has expired the sheet comes too, so that thanks can be
// said in the customer's language; any other token opens nothing.
func (s *Store) Open(ctx context.Context, token string) (*Sheet, error) {
	if !formed(token) {
		return nil, errLink()
	}
	var sheet *Sheet
	err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
		sheet, err = s.read(tx, hashOf(token))
		return err
	})
	if err != nil {
		return nil, err
	}
	return sheet, sheet.err()
}

// Save keeps what the customer says to one question; when it returns, that is
// durable. An empty value takes back what was said. Saying again what is kept
// already does nothing, and no harm whatever has become of the link meanwhile.
func (s *Store) Save(ctx context.Context, token, question string, v Value) (*Sheet, error) {
	return s.change(ctx, token, "answer", func(c *change) error { return c.save(question, v) })
}

// Complete ends the answer and uses the link up. Completing again does nothing.
func (s *Store) Complete(ctx context.Context, token string) (*Sheet, error) {
	return s.change(ctx, token, "answer-complete", func(c *change) error { return c.complete(false) })
}

// CompletePaced is Complete for one whose questions were shown and answered one after
// the other, so that the time between them says how they were read.
func (s *Store) CompletePaced(ctx context.Context, token string) (*Sheet, error) {
	return s.change(ctx, token, "answer-complete", func(c *change) error { return c.complete(true) })
}

// change is one transaction on one sheet.
type change struct {
	*Sheet
	tx     *db.Tx
	now    time.Time
	hash   []byte
	counts tally.Batch
}

func (s *Store) change(ctx context.Context, token, name string, fn func(*change) error) (*Sheet, error) {
	if !formed(token) {
		return nil, errLink()
	}
	var sheet *Sheet
	err := s.DB.Write(ctx, db.First, name, func(tx *db.Tx) (err error) {
		sheet, err = s.within(tx, token, fn)
		return err
	})
	if err != nil {
		return nil, err
	}
	return sheet, nil
}

// within changes a sheet in a transaction of the caller's.
func (s *Store) within(tx *db.Tx, token string, fn func(*change) error) (*Sheet, error) {
	hash := hashOf(token)
	sheet, err := s.lock(tx, hash)
	if err != nil {
		return nil, err
	}
	c := &change{Sheet: sheet, tx: tx, now: s.Clock.Now().UTC(), hash: hash}
	fresh := c.ID == 0
	if fresh {
		c.ID = s.IDs.Next() // a row only once there is something to keep in it
	}
	if err := fn(c); err != nil {
		return nil, err
	}
	if fresh && len(c.Values) == 0 {
		c.ID = 0
	}
	return sheet, c.counts.Flush(tx)
}

// Reply keeps a number somebody wrote back, as the answer to the question that is scored, in
// a transaction of the caller's; taken is false, and nothing changes, where the link does
// nothing more or the number isn't on the scale. When no other question is left the answer
// is handed in.
func (s *Store) Reply(tx *db.Tx, token string, number int64) (taken bool, err error) {
	_, err = s.within(tx, token, func(c *change) error {
		q, ok := c.Form.Question(c.Form.Score())
		if !ok || !q.Scaled() || number < q.Min || number > q.Max || c.err() != nil || !slices.Contains(c.Visible(), q.ID) {
			return nil
		}
		if err := c.save(q.ID, Value{Given: number}); err != nil {
			return err
		}
		taken = true
		if slices.ContainsFunc(c.Visible(), func(id string) bool { v := c.Values[id]; return v.Empty() }) {
			return nil
		}
		return c.complete(false)
	})
	if errs.CodeOf(err) == codes.LinkInvalid {
		return false, nil // the customer was erased meanwhile
	}
	return taken, err
}

// The locks of a follow-up's sheet and of a visitor's. The follow-up's row is the lock because the
// engine takes that one first too.
const (
	lockFollowUp = `SELECT f.id FROM answer_link l JOIN follow_up f ON f.id = l.follow_up_id WHERE l.hash = $1 FOR UPDATE OF f`
	lockVisit    = `SELECT follow_up_id FROM answer_link WHERE hash = $1 AND publication_id > 0 FOR UPDATE`
)

// lock reads a sheet and keeps other savers of it waiting. What is read is asked for together with
// the lock, in one round trip, and comes after it. SQLite has one writer.
func (s *Store) lock(tx *db.Tx, hash []byte) (*Sheet, error) {
	if tx.Engine() == db.SQLite {
		return s.read(tx, hash)
	}
	for _, lock := range []string{lockFollowUp, lockVisit} {
		held := false
		var sh *Sheet
		err := tx.Ask(db.Question{Query: lock, Args: []any{hash}, Row: func(r *db.Rows) error {
			held = true
			var id int64
			return r.Scan(&id)
		}}, s.asks(hash, &sh))
		if err != nil {
			return nil, err
		}
		if held {
			return s.formed(tx, sh)
		}
	}
	return nil, errLink()
}

// read finds a sheet.
func (s *Store) read(tx *db.Tx, hash []byte) (*Sheet, error) {
	var sh *Sheet
	if err := tx.Ask(s.asks(hash, &sh)); err != nil {
		return nil, err
	}
	return s.formed(tx, sh)
}

// formed gives a sheet its questionnaire.
func (s *Store) formed(tx *db.Tx, sh *Sheet) (_ *Sheet, err error) {
	if sh == nil {
		return nil, errLink()
	}
	sh.Form, err = s.Forms.Questionnaire(tx, sh.Questionnaire)
	return sh, err
}

// asks asks for a sheet, all of it in one query since it stands in every customer's way.
func (s *Store) asks(hash []byte, into **Sheet) db.Question {
	return db.Question{
		Query: `SELECT l.follow_up_id, l.questionnaire_id, l.channel, l.language, l.expires_at, l.used_at, COALESCE(f.program_id, l.publication_id), COALESCE(f.customer_id, 0), COALESCE(f.reason, ''),
			COALESCE(a.id, 0), COALESCE(a.questionnaire_id, 0), COALESCE(a.score, 0), COALESCE(a.scored, false), COALESCE(a.started_at, 0), COALESCE(a.completed_at, 0),
			COALESCE(a.careless, ''), COALESCE(a.rewarded, false), COALESCE(v.question, ''), COALESCE(v.value, ''), COALESCE(v.saved_at, 0)
		FROM answer_link l LEFT JOIN follow_up f ON f.id = l.follow_up_id
			LEFT JOIN answer a ON a.follow_up_id = l.follow_up_id LEFT JOIN answer_value v ON v.answer_id = a.id
		WHERE l.hash = $1 AND (f.id IS NOT NULL OR l.publication_id > 0)`,
		Args: []any{hash},
		Row: func(row *db.Rows) error {
			if *into == nil {
				*into = &Sheet{Answer: Answer{Values: map[string]Value{}}}
			}
			return s.scan(row, *into)
		},
	}
}

// scan reads one row of a sheet: the sheet itself, and one of its values if it has any.
func (s *Store) scan(row *db.Rows, sh *Sheet) error {
	var expires, used, started, completed, asked, saved int64
	var reason, careless, question, text string
	err := row.Scan(&sh.FollowUp, &sh.Questionnaire, &sh.Channel, &sh.Language, &expires, &used, &sh.Program, &sh.Customer, &reason,
		&sh.ID, &asked, &sh.Score, &sh.Scored, &started, &completed, &careless, &sh.Rewarded, &question, &text, &saved)
	if err != nil {
		return err
	}
	if reason == string(codes.CustomerErased) {
		return errLink()
	}
	sh.Careless = reasons(careless)
	sh.ExpiresAt, sh.StartedAt, sh.CompletedAt = db.Time(expires), db.Time(started), db.Time(completed)
	switch {
	case used != 0 || completed != 0, asked != 0 && asked != sh.Questionnaire: // a follow-up is answered once
		sh.Standing = Used
	case !s.Clock.Now().Before(sh.ExpiresAt):
		sh.Standing = Expired
	}
	if question == "" {
		return nil
	}
	v, err := decode(text)
	v.At = db.Time(saved)
	sh.Values[question] = v
	return err
}

func (c *change) save(question string, v Value) error {
	if !slices.Contains(c.Visible(), question) {
		if err := c.err(); err != nil {
			return err
		}
		return errs.New(errs.Invalid, codes.AnswerInvalid,
			"this question isn't asked, given the answers so far; go on with one that is").At(question)
	}
	kept, err := c.Form.Check(question, questionnaire.Reply{Given: v.Given, Tags: v.Tags, Other: v.Other})
	if err != nil {
		return err
	}
	v = Value{Given: kept.Given, Tags: kept.Tags, Other: kept.Other}
	old, had := c.Values[question]
	if had && same(old, v) || !had && v.Empty() {
		return nil
	}
	if err := c.err(); err != nil {
		return err
	}
	if question == c.Form.Score() {
		if err := c.score(v); err != nil {
			return err
		}
	}
	if c.StartedAt.IsZero() {
		if err := c.start(); err != nil {
			return err
		}
	}
	return c.put(question, v)
}

// start makes the answer's row, with its score if that is what it starts with.
func (c *change) start() error {
	c.StartedAt = c.now
	c.counts.Add(tally.Key{Program: c.Program, Day: tally.Day(c.now), Metric: MetricAnswer, Dim: DimStarted}, 1)
	_, err := c.tx.Exec(`INSERT INTO answer (id, follow_up_id, program_id, customer_id, questionnaire_id, channel, language, score, scored, started_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
		c.ID, c.FollowUp, c.Program, c.Customer, c.Questionnaire, c.Channel, c.Language, c.Score, c.Scored, db.Millis(c.now))
	return err
}

// put replaces the value of a question, or removes it if v is empty, and moves its counts.
func (c *change) put(question string, v Value) error {
	if old, had := c.Values[question]; had {
		c.count(question, old, old.At, -1)
	}
	if v.Empty() {
		delete(c.Values, question)
		_, err := c.tx.Exec(`DELETE FROM answer_value WHERE answer_id = $1 AND question = $2`, c.ID, question)
		return err
	}
	v.At = c.now
	c.Values[question] = v
	c.count(question, v, c.now, 1)
	text, err := encode(v)
	if err != nil {
		return err
	}
	_, err = c.tx.Exec(`INSERT INTO answer_value (answer_id, question, value, saved_at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (answer_id, question) DO UPDATE SET value = excluded.value, saved_at = excluded.saved_at`, c.ID, question, text, db.Millis(c.now))
	return err
}

// score keeps the follow-up's score; a score given is an answer, even if nothing follows.
func (c *change) score(v Value) error {
	c.Score, c.Scored = 0, false
	if n, ok := v.Given.(int64); ok {
		c.Score, c.Scored = n, true
	}
	if !c.StartedAt.IsZero() {
		if _, err := c.tx.Exec(`UPDATE answer SET score = $2, scored = $3 WHERE id = $1`, c.ID, c.Score, c.Scored); err != nil {
			return err
		}
	}
	if !c.Scored {
		return nil
	}
	return c.answered()
}

// answered ends the follow-up; what the customer answers has arrived.
func (c *change) answered() error {
	if c.Visitor() {
		return nil
	}
	ended, err := followup.Answer(c.tx, &c.counts, c.FollowUp, c.now)
	if err != nil || !ended {
		return err
	}
	return attempt.Prove(c.tx, &c.counts, c.FollowUp, c.now)
}

// metric says under what a question's values are counted; "" for free text.
func (c *change) metric(question string) string {
	q, known := c.Form.Question(question)
	switch {
	case !known, q.Type == questionnaire.FreeText:
		return ""
	case q.Scaled():
		return MetricScore
	default:
		return MetricChoice
	}
}

// count adds n to every counter a value moves, on the day it was said.
func (c *change) count(question string, v Value, at time.Time, n int64) {
	day := tally.Day(at)
	if metric := c.metric(question); metric != "" {
		for _, dim := range dims(v) {
			c.counts.Add(tally.Key{Program: c.Program, Day: day, Metric: metric, Dim: question + ":" + dim}, n)
		}
	}
	for _, tag := range v.Tags {
		c.counts.Add(tally.Key{Program: c.Program, Day: day, Metric: MetricTag, Dim: question + ":" + tag}, n)
	}
}
