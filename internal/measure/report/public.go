package report

import (
	"time"

	"github.com/huiyin/huiyin/internal/hear/answer"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/tally"
	"github.com/huiyin/huiyin/internal/program/questionnaire"
)

// Public is what came by the public link of a questionnaire. Its answers belong to no customer
// and to no program, and no program's report holds them.
type Public struct {
	Questionnaire string    `json:"questionnaire"`
	Title         Text      `json:"title"`
	Open          bool      `json:"open"`            // it takes answers now
	Quota         int64     `json:"quota"`           // 0: none
	Until         time.Time `json:"until,omitzero"`  // when it closes; absent: never
	Complete      int64     `json:"complete"`        // answers handed in since it was opened
	From          string    `json:"from"`            // 2026-11-01; empty: from the beginning
	To            string    `json:"to"`              //
	At            time.Time `json:"at"`              // when the figures were read
	Answers       Answers   `json:"answers"`         // without a response rate: nobody was invited
	Scores        []Score   `json:"scores"`          //
	Choices       []Choice  `json:"choices"`         //
	Check         []string  `json:"check,omitempty"` // what doesn't add up
}

// OfPublic is what came of a public questionnaire from one day to another, both included; zero
// times mean from the beginning and until today.
func OfPublic(tx *db.Tx, form *questionnaire.Questionnaire, from, to time.Time) (*Public, error) {
	now, err := tx.Now()
	if err != nil {
		return nil, err
	}
	d, err := daysOf(from, to, now)
	if err != nil {
		return nil, err
	}
	p, err := answer.Published(tx, form.Name)
	if err != nil {
		return nil, err
	}
	r := &Public{Questionnaire: form.Name, Title: words(form.Title), Complete: p.Complete, To: spell(d.last), At: now}
	if d.bounded {
		r.From = spell(d.first)
	}
	if pub := form.Publish; pub != nil {
		r.Quota, r.Until = pub.Quota, pub.Until
		r.Open = (pub.Quota == 0 || p.Complete < pub.Quota) && (pub.Until.IsZero() || now.Before(pub.Until))
	}
	period, ever := sums{}, sums{}
	if p.ID != 0 {
		if period, err = tally.Sum(tx, p.ID, d.first, d.last); err != nil {
			return nil, err
		}
		if ever, err = tally.Sum(tx, p.ID, 0, forever); err != nil {
			return nil, err
		}
	}
	if handedIn := answered(ever).Completed; handedIn != p.Complete {
		r.Check = append(r.Check, both("提交的答卷应为 %d 份,计数为 %d", "answers handed in: %d by the publication, %d counted", p.Complete, handedIn).English)
	}
	r.Answers = answered(period)
	r.Answers.Response = share(0, 0, definePublic)
	var asked []*questionnaire.Question
	for i := range form.Questions {
		asked = append(asked, &form.Questions[i])
	}
	r.Scores, r.Choices = scores(period, asked), choices(period, asked)
	return r, nil
}

var definePublic = Text{
	"公开问卷没有发出邀请,无法计算参评率。",
	"Nobody is invited to a public questionnaire, so it has no response rate.",
}
