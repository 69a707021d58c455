package answer

import (
	"context"
	"errors"
	"time"

	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/errs"
	"github.com/huiyin/huiyin/internal/program/questionnaire"
)

const (
	// ChannelPublic is the channel of answers that came by a public link.
	ChannelPublic = "public"
	// visitValidity is how long a visitor may come back to finish.
	visitValidity = 30 * 24 * time.Hour
)

// Visit is someone at a public link. The token is theirs alone: it was given to them with the first
// page, so that sending that page twice makes one answer.
type Visit struct {
	Form     *questionnaire.Questionnaire
	Version  int64 // of the questionnaire, by its document's id
	Token    string
	Language string
}

// open says whether a public questionnaire still takes answers; complete is how many it has.
func (v *Visit) open(complete int64, now time.Time) error {
	p := v.Form.Publish
	if p == nil {
		return errLink()
	}
	if (p.Quota > 0 && complete >= p.Quota) || (!p.Until.IsZero() && !now.Before(p.Until)) {
		return errClosed()
	}
	return nil
}

func errClosed() error {
	return errs.New(errs.Conflict, codes.QuestionnaireClosed, "this questionnaire has been closed; thank you for coming")
}

// Publication is what a public questionnaire has heard so far.
type Publication struct {
	ID            int64 // 0: nobody came yet
	Questionnaire string
	Complete      int64
}

// Published reads what is known of a public questionnaire.
func Published(tx *db.Tx, name string) (Publication, error) {
	p := Publication{Questionnaire: name}
	err := tx.QueryRow(`SELECT id, complete FROM publication WHERE questionnaire = $1`, name).Scan(&p.ID, &p.Complete)
	if errors.Is(err, db.ErrNoRows) {
		err = nil
	}
	return p, err
}

// Admit says whether a visitor may begin: with an error that says closed, or that there is nothing
// public here. It changes nothing.
func (s *Store) Admit(ctx context.Context, v Visit) error {
	if v.Form.Publish == nil {
		return errLink()
	}
	return s.DB.Read(ctx, func(tx *db.Tx) error {
		p, err := Published(tx, v.Form.Name)
		if err != nil {
			return err
		}
		return v.open(p.Complete, s.Clock.Now())
	})
}

// Begin keeps a visitor's first answer, and makes their token good for the rest.
func (s *Store) Begin(ctx context.Context, v Visit, question string, said Value) (*Sheet, error) {
	if !formed(v.Token) {
		return nil, errLink()
	}
	nobody, publication, now := -s.IDs.Next(), s.IDs.Next(), s.Clock.Now().UTC()
	until := now.Add(visitValidity)
	if v.Form.Publish != nil && !v.Form.Publish.Until.IsZero() && v.Form.Publish.Until.Before(until) {
		until = v.Form.Publish.Until
	}
	var sheet *Sheet
	err := s.DB.Write(ctx, db.First, "visit", func(tx *db.Tx) error {
		p, err := Published(tx, v.Form.Name)
		if err != nil {
			return err
		}
		if err := v.open(p.Complete, now); err != nil {
			return err
		}
		if p.ID == 0 {
			if _, err := tx.Exec(`INSERT INTO publication (id, questionnaire, created_at) VALUES ($1, $2, $3) ON CONFLICT (questionnaire) DO NOTHING`,
				publication, v.Form.Name, db.Millis(now)); err != nil {
				return err
			}
			if p, err = Published(tx, v.Form.Name); err != nil {
				return err
			}
		}
		if _, err := tx.Exec(`INSERT INTO answer_link (hash, follow_up_id, questionnaire_id, channel, language, created_at, expires_at, publication_id)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (hash) DO NOTHING`,
			hashOf(v.Token), nobody, v.Version, ChannelPublic, v.Language, db.Millis(now), db.Millis(until), p.ID); err != nil {
			return err
		}
		sheet, err = s.within(tx, v.Token, func(c *change) error { return c.save(question, said) })
		return err
	})
	if err != nil {
		return nil, err
	}
	return sheet, nil
}

// fillPublic counts a complete answer; the one beyond the quota isn't taken any more.
func (c *change) fillPublic() error {
	quota := int64(0)
	if p := c.Form.Publish; p != nil {
		quota = p.Quota
	}
	n, err := c.tx.Exec(`UPDATE publication SET complete = complete + 1 WHERE id = $1 AND ($2 = 0 OR complete < $2)`, c.Program, quota)
	if err == nil && n == 0 {
		return errClosed()
	}
	return err
}
