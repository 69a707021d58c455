package answer

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/errs"
)

// The metrics this package counts in tally, in the transaction that saves.
const (
	MetricAnswer = "answer" // dim: started, completed
	MetricScore  = "score"  // dim: <question>:<value>, for questions on a scale
	MetricChoice = "choice" // dim: <question>:<option>, for single, multiple and yes-no
	MetricTag    = "tag"    // dim: <question>:<tag>, the reasons tapped beside a score
)

// The dims of MetricAnswer.
const (
	DimStarted   = "started"
	DimCompleted = "completed"
)

// Value is what a customer said to one question.
type Value struct {
	Given any      // int64, bool, string or []string, as conditions see it; nil: nothing
	Tags  []string // the reasons tapped beside a score
	At    time.Time
}

// Empty says whether nothing was said.
func (v Value) Empty() bool {
	switch g := v.Given.(type) {
	case nil:
		return true
	case string:
		return g == ""
	case []string:
		return len(g) == 0
	}
	return false
}

// Standing is what a link can still do.
type Standing uint8

// The standings.
const (
	Live Standing = iota
	Used
	Expired
)

// Sheet is one customer's answer as far as it has come, and the link it is given by.
type Sheet struct {
	ID                          int64 // of the answer; 0: nothing saved yet
	FollowUp, Program, Customer int64
	Questionnaire               int64 // the version asked, by its document's id
	Form                        Form
	Channel, Language           string // of the invitation
	Standing                    Standing
	Values                      map[string]Value // by question, hidden ones included until the answer is complete
	Scored                      bool
	Score                       int64
	StartedAt, CompletedAt      time.Time
	ExpiresAt                   time.Time
}

// Answers gives the values as conditions see them.
func (s *Sheet) Answers() map[string]any { return given(s.Values) }

// Visible lists the questions to be asked, in order.
func (s *Sheet) Visible() []string { return s.Form.Visible(s.Answers()) }

// err is what the holder of a link that does nothing more is told.
func (s *Sheet) err() error {
	switch s.Standing {
	case Used:
		return errs.New(errs.Conflict, codes.LinkUsed, "this questionnaire has been answered already; thank you, nothing more is needed")
	case Expired:
		return errs.New(errs.NotFound, codes.LinkExpired, "the time for answering ended at %s; customer service still listens", s.ExpiresAt.Format(time.RFC3339))
	}
	return nil
}

func given(values map[string]Value) map[string]any {
	m := make(map[string]any, len(values))
	for q, v := range values {
		m[q] = v.Given
	}
	return m
}

// stored is how a value with tags lies in answer_value; one without is its bare JSON.
type stored struct {
	Value any      `json:"value"`
	Tags  []string `json:"tags"`
}

func encode(v Value) (string, error) {
	var doc any = v.Given
	if len(v.Tags) > 0 {
		doc = stored{v.Given, v.Tags}
	}
	b, err := json.Marshal(doc)
	return string(b), err
}

func decode(text string) (Value, error) {
	var raw any
	if err := json.Unmarshal([]byte(text), &raw); err != nil {
		return Value{}, fmt.Errorf("a saved answer can't be read: %w", err)
	}
	var v Value
	if m, ok := raw.(map[string]any); ok {
		tags, ok := plain(m["tags"]).([]string)
		if !ok {
			return Value{}, fmt.Errorf("a saved answer has tags that are no list of words: %.80s", text)
		}
		raw, v.Tags = m["value"], tags
	}
	v.Given = plain(raw)
	return v, nil
}

// plain turns what JSON gives into what conditions take.
func plain(v any) any {
	switch v := v.(type) {
	case float64:
		return int64(v)
	case []any:
		list := make([]string, 0, len(v))
		for _, e := range v {
			if s, ok := e.(string); ok {
				list = append(list, s)
			}
		}
		return list
	}
	return v
}

