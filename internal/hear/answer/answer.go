package answer

import (
	"time"

	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/errs"
	"github.com/huiyin/huiyin/internal/program/questionnaire"
)

// The metrics this package counts in tally, in the transaction that saves.
const (
	MetricAnswer = "answer" // dim: started, completed
	MetricScore  = "score"  // dim: <question>:<value>, for questions on a scale
	MetricChoice = "choice" // dim: <question>:<value>, for single, multiple and yes-no
	MetricTag    = "tag"    // dim: <question>:<key>, the reasons tapped beside a score
	MetricDoubt  = "doubt"  // dim: the code of what makes an answer look as if it wasn't meant
)

// The dims of MetricAnswer.
const (
	DimStarted   = "started"
	DimCompleted = "completed"
	DimCareless  = "careless" // completed, and doubted for one reason or several
)

// Standing is what a link can still do.
type Standing uint8

// The standings.
const (
	Live Standing = iota
	Used
	Expired
)

// Answer is what one customer replied in one follow-up.
type Answer struct {
	ID                          int64 // 0: nothing saved yet
	FollowUp, Program, Customer int64
	Questionnaire               int64            // the version asked, by its document's id
	Channel, Language           string           // of the invitation
	Values                      map[string]Value // by question; until the answer is complete, those of hidden questions too
	Scored                      bool
	Score                       int64
	StartedAt, CompletedAt      time.Time
	Careless                    []codes.Reason // what makes it look as if it wasn't meant
	Rewarded                    bool           // it earned what the questionnaire gives
}

// Sheet is an answer in the making, as the holder of its link sees it.
type Sheet struct {
	Answer
	Form      *questionnaire.Questionnaire
	Standing  Standing
	ExpiresAt time.Time
}

// Visitor says whether it is the answer of someone who came by a public link: nobody we know.
func (a *Answer) Visitor() bool { return a.FollowUp < 0 }

// Given gives the values as conditions see them.
func (a *Answer) Given() map[string]any {
	m := make(map[string]any, len(a.Values))
	for q, v := range a.Values {
		m[q] = v.Given
	}
	return m
}

// Said gives the values as the questionnaire takes and shows them.
func (a *Answer) Said() map[string]questionnaire.Reply {
	m := make(map[string]questionnaire.Reply, len(a.Values))
	for q, v := range a.Values {
		m[q] = questionnaire.Reply{Given: v.Given, Tags: v.Tags, Other: v.Other}
	}
	return m
}

// Visible lists the questions to be asked, in order.
func (s *Sheet) Visible() []string { return s.Form.Visible(s.Given()) }

// err is what the holder of a link that does nothing more is told.
func (s *Sheet) err() error {
	switch s.Standing {
	case Used:
		return errs.New(errs.Conflict, codes.LinkUsed, "this questionnaire has been answered already; thank you, nothing more is needed")
	case Expired:
		return errs.New(errs.NotFound, codes.LinkExpired, "the time for answering ended at %s; customer service still listens", s.ExpiresAt.Format(time.RFC3339))
	default:
		return nil
	}
}
