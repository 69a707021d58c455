package demo

import (
	"bytes"
	"testing"
	"time"

	"github.com/huiyin/huiyin/internal/platform/clock"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/db/dbtest"
	"github.com/huiyin/huiyin/internal/platform/ids"
	"github.com/huiyin/huiyin/internal/program/program"
)

func TestTheSampleDocumentsApplyAndPublish(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		docs, err := Documents()
		if err != nil {
			t.Fatal(err)
		}
		o := program.Options{
			IDs: ids.New(clock.System{}, 1, bytes.NewReader(nil)), Now: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC),
			By: "test", Home: "CN", Channels: []string{"email", "inapp", "sms"},
		}
		err = d.Write(t.Context(), db.Import, "test", func(tx *db.Tx) error {
			if _, err := program.Apply(tx, docs, o, false); err != nil {
				return err
			}
			for _, name := range Programs {
				if _, err := program.Publish(tx, name, o); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}
