package engine

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/huiyin/huiyin/internal/intake/event"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/errs"
)

// ListRowsMax is how many rows of a list one call takes.
const ListRowsMax = 5_000

const (
	listNameCharsMax = 100
	listRefCharsMax  = 128
)

// listTypePrefix begins the type of the events that rows of lists become.
const listTypePrefix = "huiyin.list."

// listType is the type of the events that rows of a program's lists become. A list is
// events like any other: each row is logged once however often the list is sent, and
// the router does with it what it does with every trigger.
func listType(program string) string { return listTypePrefix + program }

var listName = regexp.MustCompile(`^[^\x00-\x1f\x7f]+$`)

// ListRow is one customer of an uploaded list.
type ListRow struct {
	Ref  string         // the wallet's id
	Data map[string]any // what the list says of them; conditions and texts see it as trigger.data
}

// ListResult is what became of the rows of one call.
type ListResult struct {
	Taken   int // in the log now; the router starts, merges or passes over
	Again   int // of this list already
	Refused []ListRefusal
}

// ListRefusal is a row that was not taken, and why.
type ListRefusal struct {
	Row int // from 0
	Err *errs.Error
}

// TakeList puts rows of a list into the log. The list is known by its name: sent again,
// after a crash perhaps, rows that are in the log already are not taken twice. All rows
// of a list carry the time at which its first came.
func TakeList(tx *db.Tx, programName, name string, rows []ListRow, now time.Time) (ListResult, error) {
	var res ListResult
	if len(rows) > ListRowsMax {
		return res, errs.New(errs.TooLarge, codes.BatchTooLarge, "%d rows came at once; at most %d are allowed: send the list in parts under one name", len(rows), ListRowsMax)
	}
	if len(name) == 0 || len(name) > listNameCharsMax || !listName.MatchString(name) {
		return res, errs.New(errs.Invalid, codes.FieldInvalid, "give the list a name of 1 to %d printable characters; a list sent again is known by it", listNameCharsMax).At("list")
	}
	began, err := listBegan(tx, programName, name, now)
	if err != nil {
		return res, err
	}
	events := make([]event.Event, 0, len(rows))
	for i, r := range rows {
		data, bad := r.data()
		if bad != nil {
			res.Refused = append(res.Refused, ListRefusal{Row: i, Err: bad})
			continue
		}
		events = append(events, event.Event{
			ID: r.Ref, Source: "/lists/" + programName + "/" + name, Type: listType(programName), Subject: r.Ref,
			At: began, Received: now.UTC().Truncate(time.Millisecond), Data: data,
		})
	}
	res.Taken, res.Again, err = event.Append(tx, events)
	return res, err
}

func (r *ListRow) data() ([]byte, *errs.Error) {
	if len(r.Ref) == 0 || len(r.Ref) > listRefCharsMax || !listName.MatchString(r.Ref) {
		return nil, errs.New(errs.Invalid, codes.FieldInvalid, "the customer must be the wallet's id, 1 to %d characters", listRefCharsMax).At("customer")
	}
	if len(r.Data) == 0 {
		return []byte("{}"), nil
	}
	data, err := json.Marshal(r.Data)
	if err != nil {
		return nil, errs.New(errs.Invalid, codes.FieldInvalid, "the row can't be written as JSON").At("data").Because(err)
	}
	if len(data) > event.DataBytesMax {
		return nil, errs.New(errs.TooLarge, codes.EventTooLarge, "the row has %d bytes; at most %d are allowed", len(data), event.DataBytesMax).At("data")
	}
	return data, nil
}

// listBegan is when the first row of a list came.
func listBegan(tx *db.Tx, programName, name string, now time.Time) (time.Time, error) {
	key := "list:" + programName + ":" + name
	if _, err := tx.Exec(`INSERT INTO setting (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING`,
		key, now.UTC().Truncate(time.Millisecond).Format(time.RFC3339Nano)); err != nil {
		return time.Time{}, err
	}
	var text string
	err := tx.QueryRow(`SELECT value FROM setting WHERE name = $1`, key).Scan(&text)
	if errors.Is(err, db.ErrNoRows) {
		return time.Time{}, fmt.Errorf("the list %s vanished while it was being read", key)
	}
	if err != nil {
		return time.Time{}, err
	}
	return time.Parse(time.RFC3339Nano, text)
}
