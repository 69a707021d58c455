package reply_test

import (
	"context"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/huiyin/huiyin/internal/hear/reply"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/db/dbtest"
	"github.com/huiyin/huiyin/internal/platform/tally"
)

var now = time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)

func write(t *testing.T, d *db.DB, fn func(tx *db.Tx) error) {
	t.Helper()
	if err := d.Write(context.Background(), db.First, "test", fn); err != nil {
		t.Fatal(err)
	}
}

func keep(t *testing.T, d *db.DB, r reply.Reply) (stands bool) {
	t.Helper()
	write(t, d, func(tx *db.Tx) (err error) {
		var counts tally.Batch
		if stands, err = reply.Keep(tx, &counts, &r); err != nil {
			return err
		}
		return counts.Flush(tx)
	})
	return stands
}

func TestAReplyIsKeptOnceAndErasedWithItsCustomer(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		one := reply.Reply{
			ID: 1, Channel: "sms", Name: "m-1", AddressKey: []byte("k"), Customer: 7, FollowUp: 8, Program: 9, Kind: reply.Words,
			Body: strings.Repeat("长", 5_000) + "\x00\xff", At: now.Add(time.Hour), Received: now,
		}
		if !keep(t, d, one) {
			t.Fatal("it was not kept")
		}
		one.ID, one.Body = 2, "another"
		if keep(t, d, one) {
			t.Error("a second copy was kept")
		}
		one.ID, one.Channel = 3, "im"
		if !keep(t, d, one) {
			t.Error("the same name on another channel is another reply")
		}
		write(t, d, func(tx *db.Tx) error {
			all, err := reply.OfFollowUp(tx, 8)
			if err != nil {
				return err
			}
			if len(all) != 2 || utf8.RuneCountInString(all[0].Body) > 2_000 || !all[0].At.Equal(now) {
				t.Errorf("%d replies, the first of %d bytes, at %v", len(all), len(all[0].Body), all[0].At)
			}
			if known, err := reply.Known(tx, "sms", "m-1"); err != nil || !known {
				t.Errorf("known: %v, %v", known, err)
			}
			if sums, err := tally.Sum(tx, 9, tally.Day(now), tally.Day(now)); err != nil || sums[[2]string{reply.MetricReply, "words"}] != 2 {
				t.Errorf("%v, %v", sums, err)
			}
			return reply.Erase(tx, 7)
		})
		write(t, d, func(tx *db.Tx) error {
			all, err := reply.OfCustomer(tx, 7, 10)
			if len(all) != 0 {
				t.Errorf("%d replies are left", len(all))
			}
			return err
		})
	})
}

func TestOldRepliesAreForgottenSomeAtATime(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		for i := range int64(5) {
			keep(t, d, reply.Reply{ID: i + 1, Channel: "sms", Name: string(rune('a' + i)), AddressKey: []byte("k"), Kind: reply.Stranger, Body: "not kept", Received: now.Add(time.Duration(i) * time.Hour)})
		}
		write(t, d, func(tx *db.Tx) error {
			for _, want := range []int64{2, 1, 0} {
				if n, err := reply.Forget(tx, now.Add(3*time.Hour), 2); err != nil || n != want {
					t.Errorf("%d were forgotten, want %d: %v", n, want, err)
				}
			}
			return nil
		})
	})
}

func TestAConfirmationMovesOnlyFromIntended(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		keep(t, d, reply.Reply{ID: 1, Channel: "sms", Name: "a", AddressKey: []byte("k"), Customer: 7, Kind: reply.Refusal, Confirmation: reply.Intended, Received: now})
		write(t, d, func(tx *db.Tx) error {
			if err := reply.Confirmed(tx, 1, reply.Unknown); err != nil {
				return err
			}
			if err := reply.Confirmed(tx, 1, reply.Accepted); err != nil {
				return err
			}
			all, err := reply.OfCustomer(tx, 7, 10)
			if err == nil && all[0].Confirmation != reply.Unknown {
				t.Errorf("it is %s", all[0].Confirmation)
			}
			return err
		})
	})
}
