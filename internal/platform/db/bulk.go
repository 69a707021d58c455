package db

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"
)

// bulkLeast is from how many rows on PostgreSQL takes them as one statement: below,
// planning it costs more than it saves.
const bulkLeast = 4

// UpdateEach runs an UPDATE for n rows, with the arguments args gives for each, and
// says which of them it changed. No two may be meant for the same row.
//
// It takes the text Each takes. On PostgreSQL it becomes one statement over arrays,
// which costs the server a third of n statements: the work of starting and ending
// each of them, and the messages about it, are most of what a small UPDATE costs.
func (t *Tx) UpdateEach(query string, n int, args func(i int) []any) ([]bool, error) {
	changed := make([]bool, n)
	if t.lite != nil || n < bulkLeast {
		touched, err := t.Each(query, n, args)
		for i := range touched {
			changed[i] = touched[i] == 1
		}
		return changed, err
	}
	text, columns, err := bulk(query, n, args, updateText)
	if err != nil {
		return nil, err
	}
	at, err := All(t, func(r *Rows) (int64, error) {
		var i int64
		return i, r.Scan(&i)
	}, text, columns...)
	for _, i := range at {
		changed[i-1] = true
	}
	return changed, err
}

// InsertEach runs an INSERT for n rows, likewise, and says how many it wrote. Of an
// INSERT that gives its rows by a SELECT, the arguments must stand in the SELECT.
func (t *Tx) InsertEach(query string, n int, args func(i int) []any) (int64, error) {
	if t.lite != nil || n < bulkLeast {
		touched, err := t.Each(query, n, args)
		sum := int64(0)
		for _, k := range touched {
			sum += k
		}
		return sum, err
	}
	text, columns, err := bulk(query, n, args, insertText)
	if err != nil {
		return 0, err
	}
	return t.Exec(text, columns...)
}

// bulk gathers the arguments of n rows into one array per place, and makes the
// text that takes them.
func bulk(query string, n int, args func(i int) []any, text func(query, rows string) (string, error)) (string, []any, error) {
	first := args(0)
	columns := make([]column, len(first))
	types := make([]string, len(first))
	for i, a := range first {
		c, kind := newColumn(a, n)
		if c == nil {
			return "", nil, fmt.Errorf("%s: argument %d is a %T, of which no array can be made", query, i+1, a)
		}
		columns[i], types[i] = c, kind
	}
	for row := range n {
		if row > 0 {
			first = args(row)
		}
		for i, c := range columns {
			if !c.add(first[i]) {
				return "", nil, fmt.Errorf("%s: argument %d is a %T in row %d, not as in the first", query, i+1, first[i], row+1)
			}
		}
	}
	made, err := bulkText(query, types, text)
	arrays := make([]any, len(columns))
	for i, c := range columns {
		arrays[i] = c.array()
	}
	return made, arrays, err
}

var bulkTexts sync.Map // PostgreSQL text and types -> text over arrays

func bulkText(query string, types []string, text func(query, rows string) (string, error)) (string, error) {
	key := strings.Join(types, ",") + query
	if s, ok := bulkTexts.Load(key); ok {
		return s.(string), nil
	}
	arrays, names := make([]string, len(types)), make([]string, len(types))
	for i, kind := range types {
		n := strconv.Itoa(i + 1)
		arrays[i], names[i] = "$"+n+"::"+kind+"[]", "c"+n
	}
	rows := "unnest(" + strings.Join(arrays, ", ") + ") WITH ORDINALITY AS v (" + strings.Join(names, ", ") + ", row)"
	made, err := text(placeholder.ReplaceAllString(query, "v.c$1"), rows)
	if err != nil {
		return "", fmt.Errorf("%s: %w", query, err)
	}
	bulkTexts.Store(key, made)
	return made, nil
}

var (
	placeholder = regexp.MustCompile(`\$(\d+)`)
	update      = regexp.MustCompile(`(?s)^(UPDATE \w+ SET .*?)\s+WHERE (.*)$`)
	values      = regexp.MustCompile(`(?s)^(INSERT INTO \w+ \([^)]*\)\s+)VALUES \(([^()]*)\)(.*)$`)
	selects     = regexp.MustCompile(`(?s)^(INSERT INTO \w+ \([^)]*\)\s+SELECT .*?\sFROM )(.*)$`)

	errBulk = errors.New("this statement can't be run for many rows at once; use Each")
)

func updateText(query, rows string) (string, error) {
	m := update.FindStringSubmatch(query)
	if m == nil {
		return "", errBulk
	}
	return m[1] + " FROM " + rows + " WHERE " + m[2] + " RETURNING v.row", nil
}

func insertText(query, rows string) (string, error) {
	if m := values.FindStringSubmatch(query); m != nil {
		return m[1] + "SELECT " + m[2] + " FROM " + rows + m[3], nil
	}
	if m := selects.FindStringSubmatch(query); m != nil {
		return m[1] + rows + ", " + m[2], nil
	}
	return "", errBulk
}

// column gathers one argument of many rows.
type column interface {
	add(v any) bool
	array() any
}

type slice[T any] struct{ all []T }

func (s *slice[T]) add(v any) bool {
	t, ok := v.(T)
	s.all = append(s.all, t)
	return ok
}

func (s *slice[T]) array() any { return s.all }

// integers takes int as well as int64.
type integers struct{ slice[int64] }

func (s *integers) add(v any) bool {
	switch v := v.(type) {
	case int64:
		s.all = append(s.all, v)
	case int:
		s.all = append(s.all, int64(v))
	case int32:
		s.all = append(s.all, int64(v))
	default:
		return false
	}
	return true
}

func newColumn(v any, n int) (c column, kind string) {
	switch v.(type) {
	case int, int32, int64:
		return &integers{slice[int64]{make([]int64, 0, n)}}, "bigint"
	case string:
		return &slice[string]{make([]string, 0, n)}, "text"
	case []byte:
		return &slice[[]byte]{make([][]byte, 0, n)}, "bytea"
	case bool:
		return &slice[bool]{make([]bool, 0, n)}, "boolean"
	}
	return nil, ""
}
