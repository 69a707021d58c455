package feedback_test

import (
	"crypto/rand"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/huiyin/huiyin/internal/hear/feedback"
	"github.com/huiyin/huiyin/internal/platform/clock"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/db/dbtest"
	"github.com/huiyin/huiyin/internal/platform/errs"
	"github.com/huiyin/huiyin/internal/platform/ids"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

type book struct {
	t   *testing.T
	db  *db.DB
	ids *ids.Source
}

func newBook(t *testing.T, d *db.DB) *book {
	return &book{t, d, ids.New(clock.NewVirtual(noon), 1, rand.Reader)}
}

func (b *book) keep(f feedback.Feedback) (id int64, err error) {
	b.t.Helper()
	err = b.db.Write(b.t.Context(), db.First, "feedback", func(tx *db.Tx) (err error) {
		id, err = feedback.Keep(tx, b.ids, f)
		return err
	})
	return id, err
}

func (b *book) of(customer int64) (all []feedback.Feedback) {
	b.t.Helper()
	if err := b.db.Read(b.t.Context(), func(tx *db.Tx) (err error) { all, err = feedback.Of(tx, customer); return err }); err != nil {
		b.t.Fatal(err)
	}
	return all
}

func said() feedback.Feedback {
	return feedback.Feedback{
		Customer: 7, Key: "f-1", Source: "inapp", Language: "zh-CN", Topic: "refund", Scored: true, Score: 2,
		Text: "  退款太慢了\x00\r\n等了五天  ", At: noon,
	}
}

func TestFeedbackIsKeptAsItWasSaidAndOnceUnderOneKey(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		b := newBook(t, d)
		first, err := b.keep(said())
		if err != nil || first == 0 {
			t.Fatal(first, err)
		}
		again := said()
		again.Text = "another text under the same key"
		if id, err := b.keep(again); err != nil || id != first {
			t.Errorf("said again it is %d, not %d: %v", id, first, err)
		}
		theirs := said()
		theirs.Customer = 8
		if id, err := b.keep(theirs); err != nil || id == first {
			t.Errorf("another customer's under the same key is %d: %v", id, err)
		}
		all := b.of(7)
		want := said()
		want.ID, want.Text = first, "退款太慢了\n等了五天"
		if len(all) != 1 || all[0] != want {
			t.Errorf("kept is %+v, not %+v", all, want)
		}
	})
}

func TestWhatIsNoFeedbackIsRefused(t *testing.T) {
	b := newBook(t, dbtest.Memory(t, db.Options{}))
	for name, c := range map[string]struct {
		change func(*feedback.Feedback)
		kind   errs.Kind
	}{
		"a text of 1 MB":          {func(f *feedback.Feedback) { f.Text = strings.Repeat("长", 1<<20/3) }, errs.TooLarge},
		"neither text nor score":  {func(f *feedback.Feedback) { f.Text, f.Scored = " \n", false }, errs.Invalid},
		"a score of six":          {func(f *feedback.Feedback) { f.Score = 6 }, errs.Invalid},
		"a score of none":         {func(f *feedback.Feedback) { f.Score = 0 }, errs.Invalid},
		"a topic that is a text":  {func(f *feedback.Feedback) { f.Topic = "Refund, please" }, errs.Invalid},
		"no id":                   {func(f *feedback.Feedback) { f.Key = "" }, errs.Invalid},
		"an id beyond all bounds": {func(f *feedback.Feedback) { f.Key = strings.Repeat("k", 65) }, errs.Invalid},
		"bytes that are no text":  {func(f *feedback.Feedback) { f.Key = "k\x00" }, errs.Invalid},
		"one character too many":  {func(f *feedback.Feedback) { f.Text = strings.Repeat("x", 2_001) }, errs.TooLarge},
	} {
		f := said()
		c.change(&f)
		if _, err := b.keep(f); errs.KindOf(err) != c.kind {
			t.Errorf("%s: %v", name, err)
		}
	}
	if all := b.of(7); len(all) != 0 {
		t.Errorf("something was kept: %+v", all)
	}
	f := said()
	f.Text = ""
	if _, err := b.keep(f); err != nil {
		t.Errorf("a score alone: %v", err)
	}
}

func TestOneCustomerSaysNoMoreThanTwentyThingsADay(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		b := newBook(t, d)
		for n := range 20 {
			f := said()
			f.Key = fmt.Sprint(n)
			if _, err := b.keep(f); err != nil {
				t.Fatal(err)
			}
		}
		f := said()
		if _, err := b.keep(f); errs.CodeOf(err) != codes.RateLimited {
			t.Errorf("the twenty-first: %v", err)
		}
		f.Key = "3"
		if _, err := b.keep(f); err != nil {
			t.Errorf("one we have already: %v", err)
		}
		f.Key, f.At = "tomorrow", noon.Add(24*time.Hour)
		if _, err := b.keep(f); err != nil {
			t.Errorf("a day later: %v", err)
		}
	})
}

func TestFeedbackIsForgottenInItsTimeAndErasedByRow(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		b := newBook(t, d)
		theirs := said()
		theirs.Customer = 8
		for _, f := range []feedback.Feedback{said(), theirs} {
			if _, err := b.keep(f); err != nil {
				t.Fatal(err)
			}
		}
		forget := func(at time.Time) (n int64) {
			err := d.Write(t.Context(), db.Count, "forget", func(tx *db.Tx) (err error) { n, err = feedback.Forget(tx, at, 100); return err })
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		if n := forget(noon.Add(feedback.Kept)); n != 0 {
			t.Errorf("%d were forgotten too soon", n)
		}
		if err := d.Write(t.Context(), db.First, "erase", func(tx *db.Tx) error { return feedback.Erase(tx, 7) }); err != nil {
			t.Fatal(err)
		}
		if len(b.of(7)) != 0 || len(b.of(8)) != 1 {
			t.Error("erasing took too little or too much")
		}
		if n := forget(noon.Add(feedback.Kept + time.Second)); n != 1 {
			t.Errorf("%d were forgotten in their time", n)
		}
	})
}
