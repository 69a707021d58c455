package importer

import (
	"bytes"
	"context"
	"encoding/json"
	"time"

	"github.com/huiyin/huiyin/internal/acts"
	"github.com/huiyin/huiyin/internal/engine"
	"github.com/huiyin/huiyin/internal/measure/study"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/errs"
)

// List starts a program for the customers of a file: a CSV whose other columns the program
// sees as trigger.data, or NDJSON of {"customer": …, "data": {…}}.
func List(ctx context.Context, house *acts.House, j *Job, actor, program, name string) error {
	read := readListJSON
	if j.Reader.Format == CSV {
		others := map[int]string{}
		cols, err := find(j.Reader.Headings, []string{"id"}, func(i int, heading string) { others[i] = heading })
		if err == nil {
			err = cols.need("id")
		}
		if err != nil {
			return err
		}
		read = func(row Row) (engine.ListRow, *errs.Error) {
			made := engine.ListRow{Ref: cols.of(row, "id"), Data: map[string]any{}}
			for i, heading := range others {
				if heading != "" {
					made.Data[heading] = row.Fields[i]
				}
			}
			return made, nil
		}
	}
	return run(ctx, j, read, func(b *batch[engine.ListRow], refuse func(int, *errs.Error) error) (int, int, error) {
		res, err := house.StartList(ctx, actor, program, name, b.rows)
		if err != nil {
			return 0, 0, err
		}
		for _, r := range res.Refused {
			if err := refuse(r.Row, r.Err); err != nil {
				return 0, 0, err
			}
		}
		return res.Taken, res.Again, nil
	})
}

func readListJSON(row Row) (engine.ListRow, *errs.Error) {
	var doc struct {
		Customer string         `json:"customer"`
		Data     map[string]any `json:"data"`
	}
	if bad := strict(row.JSON, &doc, `{"customer": "…", "data": {…}}`); bad != nil {
		return engine.ListRow{}, bad
	}
	return engine.ListRow{Ref: doc.Customer, Data: doc.Data}, nil
}

// strict reads one JSON object and nothing else.
func strict(raw []byte, into any, shape string) *errs.Error {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil || dec.More() {
		return errs.New(errs.Invalid, codes.MalformedJSON, "the line is not of the form %s", shape).Because(err)
	}
	return nil
}

var assignmentColumns = []string{"id", "arm", "control", "at"}

// Assignments imports who was put in which arm elsewhere: a CSV with the columns customer,
// arm, control and at, or NDJSON of the same. at is the time for rows without one.
func Assignments(ctx context.Context, house *acts.House, j *Job, actor, program string, at time.Time) error {
	read := func(row Row) (study.Assignment, *errs.Error) { return readAssignmentJSON(row, at) }
	if j.Reader.Format == CSV {
		cols, err := find(j.Reader.Headings, assignmentColumns, nil)
		for _, column := range []string{"id", "arm"} {
			if err == nil {
				err = cols.need(column)
			}
		}
		if err != nil {
			return err
		}
		read = func(row Row) (study.Assignment, *errs.Error) { return cols.assignment(row, at) }
	}
	return run(ctx, j, read, func(b *batch[study.Assignment], refuse func(int, *errs.Error) error) (int, int, error) {
		res, err := house.Assign(ctx, actor, program, b.rows)
		if err != nil {
			return 0, 0, err
		}
		for _, r := range res.Refused {
			if err := refuse(r.Row, r.Err); err != nil {
				return 0, 0, err
			}
		}
		return res.New, res.Same, nil
	})
}

func (c columns) assignment(row Row, at time.Time) (study.Assignment, *errs.Error) {
	made := study.Assignment{Ref: c.of(row, "id"), Arm: c.of(row, "arm"), At: at}
	control, ok := truth(c.of(row, "control"))
	if !ok {
		return made, errs.New(errs.Invalid, codes.FieldInvalid, "control is %.20q; write yes or no", c.of(row, "control")).At("control")
	}
	made.Control = control
	if text := c.of(row, "at"); text != "" {
		if made.At, ok = moment(text); !ok {
			return made, errs.New(errs.Invalid, codes.FieldInvalid, "%.40q is no time; write 2026-11-01T09:00:00+08:00 or 2026-11-01", text).At("at")
		}
	}
	return made, nil
}

func readAssignmentJSON(row Row, at time.Time) (study.Assignment, *errs.Error) {
	var doc struct {
		Customer string    `json:"customer"`
		Arm      string    `json:"arm"`
		Control  bool      `json:"control"`
		At       time.Time `json:"at"`
	}
	if bad := strict(row.JSON, &doc, `{"customer": "…", "arm": "…", "control": false, "at": "2026-11-01T09:00:00Z"}`); bad != nil {
		return study.Assignment{}, bad
	}
	if doc.At.IsZero() {
		doc.At = at
	}
	return study.Assignment{Ref: doc.Customer, Arm: doc.Arm, Control: doc.Control, At: doc.At}, nil
}
