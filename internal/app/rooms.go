package app

import (
	"errors"

	"github.com/huiyin/huiyin/internal/channel/inapp"
	"github.com/huiyin/huiyin/internal/contact/attempt"
	"github.com/huiyin/huiyin/internal/followup"
	"github.com/huiyin/huiyin/internal/hear/answer"
	"github.com/huiyin/huiyin/internal/hear/feedback"
	"github.com/huiyin/huiyin/internal/hear/reply"
	"github.com/huiyin/huiyin/internal/intake/event"
	"github.com/huiyin/huiyin/internal/people/consent"
	"github.com/huiyin/huiyin/internal/people/customer"
	"github.com/huiyin/huiyin/internal/people/vault"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/outbox"
)

const (
	exportedMost = 500       // follow-ups, attempts, answers of one customer that are given out, the newest
	exportedLog  = 2_000_000 // numbers of the event log looked through, the newest
)

// rooms are the parts of the house that hold data on customers, in the order in which they
// are erased: who the customer is comes last, since the others look them up.
func (a *App) rooms() []vault.Room {
	return []vault.Room{
		{Name: "events", Export: exportEvents},
		{Name: "follow_ups", Export: exportFollowUps, Erase: func(tx *db.Tx, s *vault.Subject) error { return followup.Erase(tx, s.Customer) }},
		{Name: "attempts", Export: exportAttempts, Erase: func(tx *db.Tx, s *vault.Subject) error { return attempt.Erase(tx, s.Customer) }},
		{
			Name: "answers", Erase: func(tx *db.Tx, s *vault.Subject) error { return answer.Erase(tx, s.Customer) },
			Export: func(tx *db.Tx, s *vault.Subject) (any, error) { return answer.OfCustomer(tx, s.Customer, exportedMost) },
		},
		{
			Name: "feedback", Erase: func(tx *db.Tx, s *vault.Subject) error { return feedback.Erase(tx, s.Customer) },
			Export: func(tx *db.Tx, s *vault.Subject) (any, error) { return feedback.Of(tx, s.Customer) },
		},
		{
			Name: "replies", Erase: func(tx *db.Tx, s *vault.Subject) error { return reply.Erase(tx, s.Customer) },
			Export: func(tx *db.Tx, s *vault.Subject) (any, error) { return reply.OfCustomer(tx, s.Customer, exportedMost) },
		},
		{Name: "cards", Export: a.exportCards, Erase: func(tx *db.Tx, s *vault.Subject) error { return inapp.Erase(tx, s.Customer) }},
		{Name: "webhooks", Erase: func(tx *db.Tx, s *vault.Subject) error { return outbox.Erase(tx, s.Customer) }},
		{Name: "wishes", Export: exportWishes, Erase: func(tx *db.Tx, s *vault.Subject) error {
			points, err := customer.PointsOf(tx, s.Customer)
			if err != nil {
				return err
			}
			return consent.Erase(tx, a.IDs, s.Customer, s.RefKey, points)
		}},
		{Name: "customer", Export: exportCustomer, Erase: func(tx *db.Tx, s *vault.Subject) error { return customer.Erase(tx, s.Customer) }},
	}
}

func exportCustomer(tx *db.Tx, s *vault.Subject) (any, error) {
	loaded, err := customer.Load(tx, []int64{s.Customer})
	if err != nil || loaded[s.Customer] == nil {
		return nil, err
	}
	c := loaded[s.Customer]
	if err := customer.Open(tx.Context(), s.Vault, c); err != nil {
		return nil, err
	}
	c.KeyID, c.RefKey = 0, "" // ours, and nothing about them
	hold, err := vault.HoldOf(tx, s.Customer)
	return struct {
		customer.Customer
		LegalHold *vault.Hold
	}{*c, hold}, errors.Join(err, c.Damaged)
}

func exportEvents(tx *db.Tx, s *vault.Subject) (any, error) {
	end, err := event.Tail(tx)
	if err != nil {
		return nil, err
	}
	return event.OfSubjects(tx, []string{s.Ref}, max(0, end-exportedLog), end)
}

// toldFollowUp is a follow-up with why it went as it did.
type toldFollowUp struct {
	followup.FollowUp
	Decisions []followup.Decision
}

func exportFollowUps(tx *db.Tx, s *vault.Subject) (any, error) {
	all, err := followup.OfCustomer(tx, s.Customer, exportedMost)
	if err != nil {
		return nil, err
	}
	told := make([]toldFollowUp, len(all))
	for i := range all {
		told[i].FollowUp = all[i]
		if told[i].Decisions, err = followup.Decisions(tx, all[i].ID); err != nil {
			return nil, err
		}
	}
	notes, err := followup.NotesOf(tx, s.Customer, exportedMost)
	return struct {
		FollowUps []toldFollowUp
		Triggers  []followup.Note // that started none of their own
	}{told, notes}, err
}

func exportAttempts(tx *db.Tx, s *vault.Subject) (any, error) {
	all, err := attempt.OfCustomer(tx, s.Customer, exportedMost)
	if err != nil {
		return nil, err
	}
	pointers := make([]*attempt.Attempt, len(all))
	for i := range all {
		pointers[i] = &all[i]
	}
	if err := attempt.Open(tx.Context(), s.Vault, pointers...); err != nil {
		return nil, err
	}
	for i := range all {
		all[i].KeyID = 0
	}
	return all, nil
}

func exportWishes(tx *db.Tx, s *vault.Subject) (any, error) {
	records, err := consent.Records(tx, s.Customer)
	if err != nil {
		return nil, err
	}
	refusals, err := consent.Refusals(tx, s.Customer)
	if err != nil {
		return nil, err
	}
	wishes, err := consent.Wishes(tx, s.Customer)
	return struct {
		Consents []consent.Record
		Refusals []consent.Refusal
		Wishes   []consent.Wish
	}{records, refusals, wishes}, err
}
