package importer

import (
	"errors"
	"io"
	"strings"

	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/errs"
)

const (
	recordLinesMax = 100 // physical lines one record may go over: texts with line ends in them
	columnsMax     = 200
)

// The formats of files.
const (
	CSV    = "csv"
	NDJSON = "ndjson"
)

// Row is one row of a file, or why there is none.
type Row struct {
	Line   int
	Fields []string // CSV: as many as there are headings
	JSON   []byte   // NDJSON
	Err    *errs.Error
}

// Options say what is known of a file.
type Options struct {
	Name     string // its path; the ending tells the format
	Encoding string // "" or auto: told from the text
	Format   string // "": told from the name, or from the first character
}

// Reader gives the rows of a file one after another.
type Reader struct {
	Format   string
	Headings []string // CSV: as they stand in the file

	lines     *lines
	line      int // read so far
	pending   []physical
	separator byte
}

// physical is a line read and not used yet.
type physical struct {
	number int
	text   string
	err    *errs.Error
}

// NewReader begins to read; of a CSV it takes the headings.
func NewReader(in io.Reader, o Options) (*Reader, error) {
	encoding, err := encodingNamed(o.Encoding)
	if err != nil {
		return nil, err
	}
	r := &Reader{lines: newLines(in, encoding)}
	if r.Format, err = format(o, r.lines); err != nil || r.Format == NDJSON {
		return r, err
	}
	return r, r.readHeadings(o)
}

func format(o Options, l *lines) (string, error) {
	switch strings.ToLower(o.Format) {
	case CSV, "tsv":
		return CSV, nil
	case NDJSON, "jsonl":
		return NDJSON, nil
	case "":
	default:
		return "", errs.New(errs.Invalid, codes.UsageInvalid, "there is no format %.40q; write csv or ndjson", o.Format)
	}
	switch name := strings.ToLower(o.Name); {
	case strings.HasSuffix(name, ".csv"), strings.HasSuffix(name, ".tsv"), strings.HasSuffix(name, ".txt"):
		return CSV, nil
	case strings.HasSuffix(name, ".ndjson"), strings.HasSuffix(name, ".jsonl"):
		return NDJSON, nil
	case strings.HasSuffix(name, ".xlsx"), strings.HasSuffix(name, ".xls"):
		return "", errs.New(errs.Invalid, codes.FileUnreadable, "%s is a workbook; save the sheet as CSV (UTF-8) and import that", o.Name)
	}
	head, _ := l.in.Peek(peekBytes) // an error shows again when it is read
	for _, c := range head {
		switch c {
		case ' ', '\t', '\r', '\n':
			continue
		case '{':
			return NDJSON, nil
		}
		break
	}
	return CSV, nil
}

func (r *Reader) readHeadings(o Options) error {
	first, err := r.physical()
	for err == nil && first.err == nil && strings.TrimSpace(first.text) == "" {
		first, err = r.physical()
	}
	switch {
	case errors.Is(err, io.EOF):
		return errs.New(errs.Invalid, codes.FileUnreadable, "the file is empty; its first line should hold the headings").At(o.Name)
	case err != nil:
		return err
	case first.err != nil:
		return first.err.At(o.Name)
	}
	r.separator = separatorOf(first.text)
	fields, whole, bad := split(first.text, r.separator)
	if bad != nil || !whole {
		return errs.New(errs.Invalid, codes.RowInvalid, "the headings can't be read; check the quotation marks in the first line").At(o.Name)
	}
	if len(fields) > columnsMax {
		return errs.New(errs.TooLarge, codes.RowInvalid, "there are %d columns; at most %d are allowed", len(fields), columnsMax).At(o.Name)
	}
	for i := range fields {
		fields[i] = strings.TrimSpace(fields[i])
	}
	r.Headings = fields
	return nil
}

// separatorOf is what stands most often between headings.
func separatorOf(headings string) byte {
	best, most := byte(','), 0
	for _, c := range []byte{',', '\t', ';', '|'} {
		if n := strings.Count(headings, string(c)); n > most {
			best, most = c, n
		}
	}
	return best
}

// Read is how many bytes were read, for a progress bar.
func (r *Reader) Read() int64 { return r.lines.read }

// Encoding is what the file was found to be in so far.
func (r *Reader) Encoding() string {
	if r.lines.encoding == "" {
		return "ascii"
	}
	return r.lines.encoding
}

// physical gives the next line, one that was put back first.
func (r *Reader) physical() (physical, error) {
	if len(r.pending) > 0 {
		p := r.pending[0]
		r.pending = r.pending[1:]
		return p, nil
	}
	text, err := r.lines.next()
	if e, ours := errs.As(err); ours {
		r.line++
		return physical{number: r.line, err: e}, nil
	}
	if err != nil {
		return physical{}, err
	}
	r.line++
	return physical{number: r.line, text: text}, nil
}

// Next gives the next row; io.EOF at the end. Empty lines are passed over. What is wrong
// with one row is in the row; an error is about the file.
func (r *Reader) Next() (Row, error) {
	for {
		p, err := r.physical()
		switch {
		case err != nil:
			return Row{}, err
		case p.err != nil:
			return Row{Line: p.number, Err: p.err}, nil
		case strings.TrimSpace(p.text) == "":
			continue
		case r.Format == NDJSON:
			return Row{Line: p.number, JSON: []byte(p.text)}, nil
		}
		return r.record(p)
	}
}

// record reads one CSV record that begins on a line. Should it not come to its end, its
// first line alone is lost: the lines after it are read again as records of their own.
func (r *Reader) record(first physical) (Row, error) {
	text, used := first.text, []physical(nil)
	for {
		fields, whole, bad := split(text, r.separator)
		if bad == nil && whole {
			return r.fit(first.number, fields), nil
		}
		reason := "a quotation mark stands where none may; double it (\"\") inside a quoted field"
		if !whole {
			reason = "a quotation mark is opened and never closed"
		}
		if bad == nil && !whole && len(used) < recordLinesMax && len(text) < lineBytesMax {
			next, err := r.physical()
			if err == nil && next.err == nil {
				used = append(used, next)
				text += "\n" + next.text
				continue
			}
			if err != nil && !errors.Is(err, io.EOF) {
				return Row{}, err
			}
			if err == nil {
				used = append(used, next)
			}
		}
		r.pending = append(used, r.pending...)
		return Row{Line: first.number, Err: errs.New(errs.Invalid, codes.RowInvalid, "%s", reason)}, nil
	}
}

// fit compares a record with the headings.
func (r *Reader) fit(line int, fields []string) Row {
	for len(fields) > len(r.Headings) && fields[len(fields)-1] == "" {
		fields = fields[:len(fields)-1] // a separator too many at the end
	}
	if len(fields) != len(r.Headings) {
		return Row{Line: line, Err: errs.New(errs.Invalid, codes.RowInvalid,
			"the row has %d fields and there are %d headings; a separator is missing or too many", len(fields), len(r.Headings))}
	}
	return Row{Line: line, Fields: fields}
}

// split takes a record apart. whole is false when a quoted field isn't closed.
func split(text string, separator byte) (fields []string, whole bool, bad error) {
	for {
		field, rest, closed, err := cutField(text, separator)
		if err != nil || !closed {
			return nil, closed, err
		}
		fields = append(fields, field)
		if rest == "" {
			return fields, true, nil
		}
		text = rest[1:] // behind the separator
		if len(fields) > columnsMax {
			return nil, true, errQuote
		}
	}
}

var errQuote = errors.New("a quotation mark in the wrong place")

// cutField takes the first field off; rest begins with the separator, or is empty.
func cutField(text string, separator byte) (field, rest string, closed bool, err error) {
	if text == "" || text[0] != '"' {
		end := strings.IndexByte(text, separator)
		if end < 0 {
			return text, "", true, nil
		}
		return text[:end], text[end:], true, nil
	}
	var out strings.Builder
	for i := 1; i < len(text); i++ {
		if text[i] != '"' {
			out.WriteByte(text[i])
			continue
		}
		if i+1 < len(text) && text[i+1] == '"' {
			out.WriteByte('"')
			i++
			continue
		}
		rest = text[i+1:]
		if rest != "" && rest[0] != separator {
			return "", "", true, errQuote
		}
		return out.String(), rest, true, nil
	}
	return "", "", false, nil
}
