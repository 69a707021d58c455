package engine

import (
	"crypto/rand"
	"strings"
	"testing"
	"time"

	"github.com/huiyin/huiyin/internal/followup"
	"github.com/huiyin/huiyin/internal/platform/clock"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/db/dbtest"
	"github.com/huiyin/huiyin/internal/platform/errs"
	"github.com/huiyin/huiyin/internal/platform/ids"
	"github.com/huiyin/huiyin/internal/platform/tally"
	"github.com/huiyin/huiyin/internal/program/document"
	"github.com/huiyin/huiyin/internal/program/program"
)

const (
	parcelType = `
kind: EventType
name: parcel.lost
title: {zh-CN: 包裹丢失, en: Parcel lost}
schema: {type: object, properties: {carrier: {type: string}, weight: {type: integer}}}
`
	parcelProgram = `
kind: Program
name: parcels
trigger: {event: parcel.lost, when: 'event.data.weight > 1'}
deadline: 48h
steps: [{channel: email, purpose: service, template: sorry}]
---
kind: Template
name: sorry
channels: [email]
subject: {zh-CN: 抱歉, en: Sorry}
variants: [{body: {zh-CN: 您的包裹丢了。, en: Your parcel is lost.}}]
`
)

func TestALibraryOpensAlthoughAVersionStillFollowedCannotRunAnyMore(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		o := program.Options{IDs: ids.New(clock.System{}, 1, rand.Reader), Now: time.Now(), By: "test", Home: "CN", Channels: []string{"email"}}
		var live *program.Live
		publish := func(texts ...string) {
			t.Helper()
			docs, err := document.Parse(strings.NewReader(strings.Join(texts, "---\n")))
			if err != nil {
				t.Fatal(err)
			}
			err = d.Write(t.Context(), db.Import, "test", func(tx *db.Tx) (err error) {
				if _, err = program.Apply(tx, docs, o, false); err == nil {
					live, err = program.Publish(tx, "parcels", o)
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		publish(parcelType, parcelProgram)
		first := live.VersionID
		now := time.Now()
		err := d.Write(t.Context(), db.Import, "test", func(tx *db.Tx) error {
			var counts tally.Batch
			_, err := followup.Start(tx, &counts, []followup.FollowUp{{
				ID: 1, Program: live.ID, Version: first, Customer: 1, TriggerType: "parcel.lost", TriggerAt: now, TriggerData: "{}",
				State: followup.Waiting, Lane: "email", DueAt: now, Deadline: now.Add(time.Hour), CreatedAt: now,
			}})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		publish(strings.ReplaceAll(parcelProgram, ", when: 'event.data.weight > 1'", ""))
		publish(strings.ReplaceAll(parcelType, "weight", "mass")) // nothing that runs asks for the weight
		l := NewLibrary(d, time.Now, "CN", nil)
		p, err := l.Programs(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		err = d.Read(t.Context(), func(tx *db.Tx) error {
			if _, _, err := p.Version(tx, live.VersionID); err != nil {
				t.Errorf("what runs: %v", err)
			}
			if _, _, err := p.Version(tx, first); err == nil || !strings.Contains(err.Error(), program.ErrBroken.Error()) {
				t.Errorf("what can't run any more: %v", err)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

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
