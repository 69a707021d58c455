package event_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/huiyin/huiyin/internal/intake/event"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/db/dbtest"
)

func TestForgettingTakesTheOldestKeysInPartsAndNoOthers(t *testing.T) {
	start := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		var events []event.Event
		for i := range 30 { // ten in each of three hours
			at := start.Add(time.Duration(i/10) * time.Hour)
			events = append(events, event.Event{ID: fmt.Sprint(i), Source: "/s", Type: "wallet.app.opened", Subject: "c", At: at, Received: at, Data: []byte(`{}`)})
		}
		var dropped []int64
		err := d.Write(t.Context(), db.Event, "test", func(tx *db.Tx) error {
			if _, _, err := event.Append(tx, events); err != nil {
				return err
			}
			dropped = nil
			for range 4 {
				n, err := event.Forget(tx, start.Add(2*time.Hour), 7)
				if err != nil {
					return err
				}
				dropped = append(dropped, n)
			}
			_, duplicates, err := event.Append(tx, events[20:])
			if err == nil && duplicates != 10 {
				err = fmt.Errorf("%d of the 10 young events are known again", duplicates)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if fmt.Sprint(dropped) != "[7 7 6 0]" {
			t.Fatalf("dropped %v, want 20 in parts of at most 7", dropped)
		}
	})
}
