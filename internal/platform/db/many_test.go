package db_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/db/dbtest"
)

func links(t *testing.T, d *db.DB) (all []string) {
	t.Helper()
	err := d.Read(t.Context(), func(tx *db.Tx) error {
		return tx.Ask(db.Question{
			Query: `SELECT hash, follow_up_id, channel, used_at FROM answer_link ORDER BY hash`,
			Row: func(r *db.Rows) error {
				var hash []byte
				var followUp, used int64
				var channel string
				err := r.Scan(&hash, &followUp, &channel, &used)
				all = append(all, fmt.Sprint(string(hash), " ", followUp, " ", channel, " ", used))
				return err
			},
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

const insertLink = `INSERT INTO answer_link (hash, follow_up_id, questionnaire_id, channel, language, created_at, expires_at)
	VALUES ($1, $2, 7, $3, 'en', $2, $2) ON CONFLICT (hash) DO NOTHING`

func insertLinks(tx *db.Tx, names string) (int64, error) {
	return tx.InsertEach(insertLink, len(names), func(i int) []any { return []any{[]byte(names[i : i+1]), i, strings.Repeat("x", i)} })
}

func TestManyRowsAreWrittenAsOneByOne(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		var changed []bool
		var written, rest, none int64
		if err := d.Write(t.Context(), db.Event, "many", func(tx *db.Tx) (err error) {
			if written, err = insertLinks(tx, "abcdef"); err != nil {
				return err
			}
			if rest, err = insertLinks(tx, "abcdefgh"); err != nil {
				return err
			}
			if none, err = insertLinks(tx, ""); err != nil {
				return err
			}
			names := []string{"h", "z", "b", "c", "a", "y"}
			changed, err = tx.UpdateEach(`UPDATE answer_link SET used_at = $2, channel = CASE WHEN $3 = '' THEN channel ELSE $3 END WHERE hash = $1 AND follow_up_id <> 2`,
				len(names), func(i int) []any { return []any{[]byte(names[i]), int64(100 + i), []string{"", "sms"}[i%2]} })
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if written != 6 || rest != 2 || none != 0 {
			t.Errorf("%d, %d and %d rows written, want 6, the 2 that were not there, and none", written, rest, none)
		}
		if want := []bool{true, false, true, false, true, false}; !slices.Equal(changed, want) {
			t.Errorf("changed %v, want %v", changed, want)
		}
		want := []string{"a 0  104", "b 1 x 102", "c 2 xx 0", "d 3 xxx 0", "e 4 xxxx 0", "f 5 xxxxx 0", "g 6 xxxxxx 0", "h 7 xxxxxxx 100"}
		if got := links(t, d); !slices.Equal(got, want) {
			t.Errorf("got\n%q, want\n%q", got, want)
		}
	})
}

func TestArgumentsOfAnotherKindAreRefused(t *testing.T) {
	for _, url := range []string{dbtest.PostgresURL(t)} {
		d, err := db.Open(t.Context(), url, db.Options{})
		if err != nil {
			t.Fatal(err)
		}
		for name, args := range map[string]func(i int) []any{
			"no array can be made of them": func(int) []any { return []any{struct{}{}} },
			"they change from row to row":  func(i int) []any { return []any{[]any{int64(1), "2"}[i%2]} },
		} {
			if err := d.Write(t.Context(), db.Event, "many", func(tx *db.Tx) error {
				_, err := tx.UpdateEach(`UPDATE setting SET value = '' WHERE name = $1`, 10, args)
				return err
			}); err == nil {
				t.Errorf("taken although %s", name)
			}
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestQuestionsAskedTogetherAreAnsweredInOrder(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		if err := d.Write(t.Context(), db.Event, "many", func(tx *db.Tx) error {
			_, err := insertLinks(tx, "abcdef")
			return err
		}); err != nil {
			t.Fatal(err)
		}
		var got []string
		ask := func(query string, args ...any) db.Question {
			return db.Question{Query: query, Args: args, Row: func(r *db.Rows) error {
				var n int64
				err := r.Scan(&n)
				got = append(got, fmt.Sprint(n))
				if n == 13 {
					err = errors.New("unlucky")
				}
				return err
			}}
		}
		few := ask(`SELECT follow_up_id FROM answer_link WHERE follow_up_id = ANY($1) ORDER BY hash`, []int64{1, 3, 99})
		read := func(all ...db.Question) error {
			return d.Read(t.Context(), func(tx *db.Tx) error { return tx.Ask(all...) })
		}
		if err := read(few, ask(`SELECT 5`), ask(`SELECT follow_up_id FROM answer_link WHERE hash = $1`, []byte("none")), few); err != nil {
			t.Fatal(err)
		}
		if want := []string{"1", "3", "5", "1", "3"}; !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
		if err := read(few, ask(`SELECT 13`), few); err == nil || !strings.Contains(err.Error(), "unlucky") {
			t.Errorf("a question whose answer can't be taken came to %v", err)
		}
		if err := read(few, ask(`SELECT nothing FROM nowhere`), few); err == nil {
			t.Error("a question that can't be asked was answered")
		}
		if err := read(few, few); err != nil {
			t.Errorf("after that the database says %v", err)
		}
	})
}

func TestWhoeverWasSlowerBeginsAgain(t *testing.T) {
	d, err := db.Open(t.Context(), dbtest.PostgresURL(t), db.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	if err := d.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	var both, wait sync.WaitGroup
	both.Add(2)
	var runs sync.Map
	for i := range 2 {
		wait.Go(func() {
			first := sync.OnceFunc(func() { both.Done(); both.Wait() })
			n := 0
			err := d.Write(t.Context(), db.Event, "race", func(tx *db.Tx) error {
				n++
				var there int
				if err := tx.QueryRow(`SELECT COUNT(*) FROM setting WHERE name = 'x'`).Scan(&there); err != nil {
					return err
				}
				first() // both have looked, and found nothing
				if there == 1 {
					_, err := tx.Exec(`UPDATE setting SET value = value || 'b' WHERE name = 'x'`)
					return err
				}
				n, err := tx.Exec(`INSERT INTO setting (name, value) VALUES ('x', 'a') ON CONFLICT (name) DO NOTHING`)
				if err == nil && n == 0 {
					err = fmt.Errorf("somebody wrote it: %w", db.ErrAgain)
				}
				return err
			})
			if err != nil {
				t.Error(err)
			}
			runs.Store(i, n)
		})
	}
	wait.Wait()
	a, _ := runs.Load(0)
	b, _ := runs.Load(1)
	var value string
	if err := d.Read(t.Context(), func(tx *db.Tx) error { return tx.QueryRow(`SELECT value FROM setting WHERE name = 'x'`).Scan(&value) }); err != nil {
		t.Fatal(err)
	}
	if value != "ab" || a.(int)+b.(int) != 3 {
		t.Errorf("%q after %v and %v runs, want ab after 3", value, a, b)
	}
}
