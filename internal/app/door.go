package app

import (
	"context"
	"crypto/rand"
	"net/http"

	"github.com/huiyin/huiyin/internal/acts"
	"github.com/huiyin/huiyin/internal/api"
	"github.com/huiyin/huiyin/internal/intake/event"
	"github.com/huiyin/huiyin/internal/people/staff"
	"github.com/huiyin/huiyin/internal/platform/clock"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/ids"
)

// doorNode is the node of identifiers made for a bench, whose database is its own.
const doorNode = 1

// Door makes the API over a database and a key for it, with nothing behind: a bench
// measures intake with it.
func Door(d *db.DB) (http.Handler, string, error) {
	source := ids.New(clock.System{}, doorNode, rand.Reader)
	house := &acts.House{DB: d, Clock: clock.System{}, IDs: source, APIKeys: staff.NewKeys(d, clock.System{})}
	catalogue, err := event.NewCatalogue()
	if err != nil {
		return nil, "", err
	}
	secret, _, err := house.CreateKey(context.Background(), "bench", staff.Key{Name: "bench", Scopes: []codes.Scope{codes.EventsWrite}})
	if err != nil {
		return nil, "", err
	}
	handler, err := api.New(api.Config{House: house, Intake: event.NewIntake(d, clock.System{}, catalogue, event.IntakeOptions{})})
	return handler, "Bearer " + secret, err
}
