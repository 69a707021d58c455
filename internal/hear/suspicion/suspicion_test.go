package suspicion_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/huiyin/huiyin/internal/hear/suspicion"
	"github.com/huiyin/huiyin/internal/platform/clock"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/db/dbtest"
	"github.com/huiyin/huiyin/internal/platform/errs"
	"github.com/huiyin/huiyin/internal/platform/ids"
)

var noon = time.Date(2026, 11, 18, 4, 0, 0, 0, time.UTC)

func TestReportsAreKeptBoundedAndForgotten(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		source := ids.New(clock.NewVirtual(noon), 1, bytes.NewReader(nil))
		take := func(r suspicion.Report, now time.Time) error {
			return d.Write(t.Context(), db.Count, "test", func(tx *db.Tx) error { return suspicion.Take(tx, source, r, now) })
		}
		page := func() (all []suspicion.Report) {
			if err := d.Read(t.Context(), func(tx *db.Tx) (err error) { all, err = suspicion.Page(tx, 0, 10); return err }); err != nil {
				t.Fatal(err)
			}
			return all
		}
		for name, r := range map[string]suspicion.Report{
			"nothing": {}, "blanks": {Text: " \n\x00 "}, "a book": {Text: strings.Repeat("字", suspicion.TextCharsMax+1)}, "a long sender": {Text: "x", Sender: strings.Repeat("9", 201)},
		} {
			if err := take(r, noon); errs.KindOf(err) != errs.Invalid && errs.KindOf(err) != errs.TooLarge {
				t.Errorf("%s: %v", name, err)
			}
		}
		if err := take(suspicion.Report{Text: "中奖了\xff", Sender: "+86 170", Language: "zh-CN"}, noon.Add(-200*24*time.Hour)); err != nil {
			t.Fatal(err)
		}
		if all := page(); len(all) != 1 || all[0].Text != "中奖了" || all[0].Sender != "+86 170" {
			t.Fatalf("%+v", all)
		}
		if err := take(suspicion.Report{Text: "second"}, noon); err != nil {
			t.Fatal(err)
		}
		if all := page(); len(all) != 1 || all[0].Text != "second" {
			t.Errorf("after half a year there is %+v", all)
		}
	})
}

func TestNobodyFillsTheHouseWithReports(t *testing.T) {
	d := dbtest.Memory(t, db.Options{})
	source := ids.New(clock.NewVirtual(noon), 1, bytes.NewReader(nil))
	kept := 0
	err := d.Write(t.Context(), db.Count, "test", func(tx *db.Tx) error {
		for kept = range 3_000 {
			if err := suspicion.Take(tx, source, suspicion.Report{Text: fmt.Sprint(kept)}, noon); err != nil {
				return err
			}
		}
		return nil
	})
	if errs.KindOf(err) != errs.Busy || kept != 2_000 {
		t.Errorf("after %d: %v", kept, err)
	}
}
