package suspicion

import (
	"strings"
	"time"
	"unicode/utf8"

	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/errs"
	"github.com/huiyin/huiyin/internal/platform/ids"
)

// Bounds on reports.
const (
	TextCharsMax   = 2_000
	SenderCharsMax = 200
	perDayMax      = 2_000
	pageMax        = 500
	keptFor        = 180 * 24 * time.Hour
	forgottenMax   = 200 // rows that one report may find too old and delete
)

// Report is one of them.
type Report struct {
	ID       int64
	At       time.Time
	Text     string // the message, or what is odd about it
	Sender   string // number or address it came from, as far as it was told
	Language string
}

// Take keeps a report, and forgets what is too old.
func Take(tx *db.Tx, source *ids.Source, r Report, now time.Time) error {
	r.Text, r.Sender = clean(r.Text), clean(r.Sender)
	switch {
	case r.Text == "":
		return errs.New(errs.Invalid, codes.FieldMissing, "there is nothing in the report: copy the message into it").At("text")
	case utf8.RuneCountInString(r.Text) > TextCharsMax || utf8.RuneCountInString(r.Sender) > SenderCharsMax:
		return errs.New(errs.TooLarge, codes.FieldInvalid, "at most %d characters of text and %d of the sender are kept: shorten it", TextCharsMax, SenderCharsMax).At("text")
	}
	var today int
	err := tx.QueryRow(`SELECT count(*) FROM suspicion WHERE at > $1`, db.Millis(now.Add(-24*time.Hour))).Scan(&today)
	if err != nil {
		return err
	}
	if today >= perDayMax {
		e := errs.New(errs.Busy, codes.Busy, "%d reports were kept in 24 hours, as many as are read: report it again tomorrow", perDayMax)
		e.RetryAfter = time.Hour
		return e
	}
	_, err = tx.Exec(`DELETE FROM suspicion WHERE id IN (SELECT id FROM suspicion WHERE at < $1 ORDER BY at LIMIT $2)`, db.Millis(now.Add(-keptFor)), forgottenMax)
	if err != nil {
		return err
	}
	_, err = tx.Exec(`INSERT INTO suspicion (id, at, text, sender, language) VALUES ($1, $2, $3, $4, $5)`,
		source.Next(), db.Millis(now), r.Text, r.Sender, r.Language)
	return err
}

// clean leaves out what no database takes and nobody reads.
func clean(text string) string {
	return strings.TrimSpace(strings.ReplaceAll(strings.ToValidUTF8(text, " "), "\x00", ""))
}

// Page lists reports, the newest first, before the given one (0: from the newest).
func Page(tx *db.Tx, before int64, limit int) ([]Report, error) {
	return db.All(tx, func(rows *db.Rows) (Report, error) {
		var r Report
		var at int64
		err := rows.Scan(&r.ID, &at, &r.Text, &r.Sender, &r.Language)
		r.At = db.Time(at)
		return r, err
	}, `SELECT id, at, text, sender, language FROM suspicion WHERE $1 = 0 OR id < $1 ORDER BY id DESC LIMIT $2`, before, min(limit, pageMax))
}
