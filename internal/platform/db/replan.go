package db

import (
	"math/bits"
	"strconv"
	"sync"
	"sync/atomic"
)

// PostgreSQL keeps the plan of a prepared statement until the table is analysed,
// which autovacuum does once a minute at best. A plan made while a table was empty
// reads all of it for each list of keys, and is kept while the table fills with the
// first burst of work. So a statement that takes lists is told apart, by a comment,
// each time the rows it was asked for have doubled: then it is planned anew, by the
// table's size at that moment. That is some twenty plans in a connection's life.

// plannedRows is how many rows a statement is asked for before it is planned anew for the first time.
const plannedRows = 512

var lists sync.Map // query -> *list

// list is a statement that takes lists.
type list struct {
	rows  atomic.Int64
	texts [64]atomic.Pointer[string] // by how often it was planned anew
}

// replanned gives the text of a query with these arguments.
func replanned(query string, args []any) string {
	n := listed(args)
	if n == 0 {
		return query
	}
	v, ok := lists.Load(query)
	if !ok {
		v, _ = lists.LoadOrStore(query, new(list))
	}
	l := v.(*list)
	times := bits.Len64(uint64(l.rows.Add(int64(n))) / plannedRows)
	if times == 0 {
		return query
	}
	if text := l.texts[times].Load(); text != nil {
		return *text
	}
	text := query + " /* planned anew: " + strconv.Itoa(times) + " */"
	l.texts[times].Store(&text)
	return text
}

// listed is how long the first list among the arguments is.
func listed(args []any) int {
	for _, a := range args {
		switch l := a.(type) {
		case []int64:
			return len(l)
		case []string:
			return len(l)
		case [][]byte:
			return len(l)
		}
	}
	return 0
}
