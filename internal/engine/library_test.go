package engine

import (
	"testing"
	"time"

	"github.com/huiyin/huiyin/internal/platform/clock"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/db/dbtest"
	"github.com/huiyin/huiyin/internal/platform/errs"
)

func TestAQuestionnaireIsFoundWhileTheLibraryWaitsForAConnection(t *testing.T) {
	// One connection: the page that asks for the form holds it, and whoever refreshes waits for it.
	try := func(t *testing.T, d *db.DB) {
		l := NewLibrary(d, clock.System{}.Now, "CN", nil)
		if _, err := l.Programs(t.Context()); err != nil {
			t.Fatal(err)
		}
		l.Stale()
		refreshed, found := make(chan error, 1), make(chan error, 1)
		go func() {
			_ = d.Read(t.Context(), func(tx *db.Tx) error {
				go func() {
					_, err := l.Programs(t.Context())
					refreshed <- err
				}()
				time.Sleep(100 * time.Millisecond) // until it holds what it holds
				_, err := l.Questionnaire(tx, 12345)
				found <- err
				return nil
			})
		}()
		select {
		case err := <-found:
			if errs.CodeOf(err) != string(codes.ReferenceUnknown) {
				t.Fatalf("got %v, want that there is no such questionnaire", err)
			}
		case <-time.After(5 * time.Second):
			t.Fatal("the page waits for the library, and the library for the page")
		}
		if err := <-refreshed; err != nil {
			t.Fatal(err)
		}
	}
	t.Run("sqlite", func(t *testing.T) { try(t, dbtest.SQLite(t, db.Options{Readers: 1})) })
	t.Run("postgres", func(t *testing.T) { try(t, dbtest.Postgres(t, db.Options{Readers: 1})) })
}
