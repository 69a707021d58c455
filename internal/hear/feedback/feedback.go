package feedback

import (
	"errors"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/errs"
	"github.com/huiyin/huiyin/internal/platform/ids"
	"github.com/huiyin/huiyin/internal/platform/outbox"
)

// Bounds on what is said.
const (
	TextCharsMax = 2_000
	ScoreMin     = 1
	ScoreMax     = 5
	keyCharsMax  = 64
	perDayMost   = 20 // of one customer
	pageMost     = 500

	// Kept is how long feedback is kept.
	Kept = 2 * 365 * 24 * time.Hour
)

// Feedback is one thing a customer said.
type Feedback struct {
	ID       int64
	Customer int64
	Key      string // the app's own name for it
	Source   string // inapp, widget …
	Language string
	Topic    string // a word the app offered; "" if none
	Scored   bool
	Score    int64
	Text     string // personal
	At       time.Time
}

var wordForm = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,63}$`)

// Check judges a piece and brings its text into the form it is kept in.
func (f *Feedback) Check() error {
	f.Text = strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return -1
		}
		return r
	}, f.Text))
	switch {
	case utf8.RuneCountInString(f.Text) > TextCharsMax:
		return errs.New(errs.TooLarge, codes.FieldInvalid, "the text is longer than %d characters; shorten it", TextCharsMax).At("text")
	case !utf8.ValidString(f.Text):
		return errs.New(errs.Invalid, codes.FieldInvalid, "the text isn't UTF-8").At("text")
	case f.Text == "" && !f.Scored:
		return errs.New(errs.Invalid, codes.FieldMissing, "there is neither a text nor a score; give one of them").At("text")
	case f.Scored && (f.Score < ScoreMin || f.Score > ScoreMax):
		return errs.New(errs.Invalid, codes.FieldInvalid, "the score is %d; write %d to %d, or leave it out", f.Score, ScoreMin, ScoreMax).At("score")
	case f.Topic != "" && !wordForm.MatchString(f.Topic):
		return errs.New(errs.Invalid, codes.FieldInvalid, "the topic is %.40q; write it in small letters, digits and hyphens", f.Topic).At("topic")
	case f.Key == "" || utf8.RuneCountInString(f.Key) > keyCharsMax || strings.ContainsFunc(f.Key, unicode.IsControl):
		return errs.New(errs.Invalid, codes.FieldInvalid, "give each piece of feedback an id of its own, of up to %d characters: sent twice under one id it is kept once", keyCharsMax).At("id")
	}
	return nil
}

const columns = `id, customer_id, key, source, language, topic, score, scored, text, said_at`

// Keep writes a piece down and gives the id it is known by; one that was kept under the same
// key already keeps its own.
func Keep(tx *db.Tx, source *ids.Source, f Feedback) (int64, error) {
	if err := f.Check(); err != nil {
		return 0, err
	}
	id, err := find(tx, f.Customer, f.Key)
	if err != nil || id != 0 {
		return id, err
	}
	var today int64
	if err := tx.QueryRow(`SELECT count(*) FROM feedback WHERE customer_id = $1 AND said_at > $2`, f.Customer, db.Millis(f.At.Add(-24*time.Hour))).Scan(&today); err != nil {
		return 0, err
	}
	if today >= perDayMost {
		return 0, errs.New(errs.Busy, codes.RateLimited, "this customer has said %d things within a day; we have them all, and take more tomorrow", perDayMost).After(time.Hour)
	}
	id = source.Next()
	n, err := tx.Exec(`INSERT INTO feedback (`+columns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (customer_id, key) DO NOTHING`,
		id, f.Customer, f.Key, f.Source, f.Language, f.Topic, f.Score, f.Scored, f.Text, db.Millis(f.At))
	if err != nil {
		return id, err
	}
	if n == 0 {
		return find(tx, f.Customer, f.Key)
	}
	return id, outbox.Tell(tx, f.tell(id))
}

// tell is what the wallet is told of a piece of feedback: the score, not the words.
func (f *Feedback) tell(id int64) outbox.Notice {
	data := map[string]any{"feedback": strconv.FormatInt(id, 10), "source": f.Source, "topic": f.Topic}
	if f.Scored {
		data["score"] = f.Score
	}
	return outbox.Notice{Kind: outbox.FeedbackReceived, Customer: f.Customer, At: f.At, Data: data}
}

// find gives the id of what a customer said under a key; 0: nothing.
func find(tx *db.Tx, customer int64, key string) (id int64, err error) {
	err = tx.QueryRow(`SELECT id FROM feedback WHERE customer_id = $1 AND key = $2`, customer, key).Scan(&id)
	if errors.Is(err, db.ErrNoRows) {
		return 0, nil
	}
	return id, err
}

// Page lists feedback in the order in which it was said, after a place.
func Page(tx *db.Tx, after int64, limit int) ([]Feedback, error) {
	return db.All(tx, scan, `SELECT `+columns+` FROM feedback WHERE id > $1 ORDER BY id LIMIT $2`, after, min(limit, pageMost))
}

// Of lists all that a customer said.
func Of(tx *db.Tx, customer int64) ([]Feedback, error) {
	return db.All(tx, scan, `SELECT `+columns+` FROM feedback WHERE customer_id = $1 ORDER BY id`, customer)
}

func scan(r *db.Rows) (f Feedback, err error) {
	var at int64
	err = r.Scan(&f.ID, &f.Customer, &f.Key, &f.Source, &f.Language, &f.Topic, &f.Score, &f.Scored, &f.Text, &at)
	f.At = db.Time(at)
	return f, err
}

// Erase deletes all that a customer said.
func Erase(tx *db.Tx, customer int64) error {
	_, err := tx.Exec(`DELETE FROM feedback WHERE customer_id = $1`, customer)
	return err
}

// Forget deletes what was kept for as long as it may be; it says how many. An id tells when
// its piece was said, so the oldest are found without reading the others.
func Forget(tx *db.Tx, now time.Time, limit int) (int64, error) {
	return tx.Exec(`DELETE FROM feedback WHERE id IN (SELECT id FROM feedback WHERE id < $1 ORDER BY id LIMIT $2)`, ids.First(now.Add(-Kept)), limit)
}
