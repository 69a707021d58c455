package importer

import (
	"context"
	"errors"
	"io"

	"github.com/huiyin/huiyin/internal/platform/errs"
)

const (
	batchRows = 1_000 // handed on together
	shownMax  = 20    // refused rows kept to be shown; all go to Refused
)

// Refusal is a row that was not taken.
type Refusal struct {
	Line   int    `json:"line"`
	Code   string `json:"code"`
	Detail string `json:"detail"`
	Path   string `json:"path,omitempty"`
}

// Report is what became of a file.
type Report struct {
	Encoding string         `json:"encoding"` // what the file was found to be in
	Rows     int            `json:"rows"`
	Taken    int            `json:"taken"` // new or changed
	Again    int            `json:"again"` // as they were already
	Refused  int            `json:"refused"`
	Reasons  map[string]int `json:"reasons,omitempty"` // refused, by code
	First    []Refusal      `json:"first,omitempty"`   // the first refused
}

// Job is one import.
type Job struct {
	Reader   *Reader
	Refused  func(Refusal) error         // told of every refused row; nil: nobody
	Progress func(rows int, bytes int64) // told after every batch; nil: nobody
	Report   Report
}

// refuse keeps a refused row.
func (j *Job) refuse(line int, e *errs.Error) error {
	r := Refusal{Line: line, Code: e.Code, Detail: e.Text, Path: e.Path}
	j.Report.Refused++
	if j.Report.Reasons == nil {
		j.Report.Reasons = map[string]int{}
	}
	j.Report.Reasons[e.Code]++
	if len(j.Report.First) < shownMax {
		j.Report.First = append(j.Report.First, r)
	}
	if j.Refused == nil {
		return nil
	}
	return j.Refused(r)
}

// batch is rows on their way; index i of what is written is line lines[i].
type batch[T any] struct {
	rows  []T
	lines []int
}

// run reads every row, makes a T of it and hands them on in batches. write says what it
// took and calls refuse for what it didn't.
func run[T any](ctx context.Context, j *Job, read func(Row) (T, *errs.Error), write func(b *batch[T], refuse func(i int, e *errs.Error) error) (taken, again int, err error)) error {
	b := &batch[T]{}
	flush := func() error {
		if len(b.rows) == 0 {
			return nil
		}
		taken, again, err := write(b, func(i int, e *errs.Error) error { return j.refuse(b.lines[i], e) })
		if err != nil {
			return err
		}
		j.Report.Taken += taken
		j.Report.Again += again
		b.rows, b.lines = b.rows[:0], b.lines[:0]
		if j.Progress != nil {
			j.Progress(j.Report.Rows, j.Reader.Read())
		}
		return nil
	}
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		row, err := j.Reader.Next()
		if errors.Is(err, io.EOF) {
			j.Report.Encoding = j.Reader.Encoding()
			return flush()
		}
		if err != nil {
			return err
		}
		j.Report.Rows++
		bad := row.Err
		var made T
		if bad == nil {
			made, bad = read(row)
		}
		if bad != nil {
			if err := j.refuse(row.Line, bad); err != nil {
				return err
			}
			continue
		}
		if b.rows, b.lines = append(b.rows, made), append(b.lines, row.Line); len(b.rows) == batchRows {
			if err := flush(); err != nil {
				return err
			}
		}
	}
}
