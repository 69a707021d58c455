package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	_ "modernc.org/sqlite" // registers the driver "sqlite"

	"github.com/huiyin/huiyin/internal/platform/clock"
)

const (
	groupMax     = 20 * time.Millisecond // a group of writers commits at the latest after this
	groupCallers = 1_000                 // and with at most this many callers
	liteReaders  = 4
	busyTimeout  = 15 * time.Second // another process (a command-line tool) may hold the file this long
	statementMax = 512              // prepared statements kept per connection
	scrubWait    = 250 * time.Millisecond
)

// liteStore is SQLite: one writing connection that groups its callers, and a few reading ones.
type liteStore struct {
	clock   clock.Clock
	pool    *sql.DB
	reads   *sql.DB
	writer  *liteConn
	readers chan *liteConn
	queue   *queue
	stopped chan struct{}
	memory  bool
	path    string
}

func openSQLite(ctx context.Context, path string, c clock.Clock, o Options) (store, error) {
	memory := path == ":memory:"
	s := &liteStore{clock: c, queue: newQueue(), stopped: make(chan struct{}), memory: memory, path: path}
	var err error
	if s.pool, err = sql.Open("sqlite", liteDSN(path, memory, false)); err != nil {
		return nil, err
	}
	s.pool.SetMaxOpenConns(1)
	if s.writer, err = newLiteConn(ctx, s.pool); err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", path, err), s.pool.Close())
	}
	if err := s.openReaders(ctx, path, o.Readers); err != nil {
		return nil, errors.Join(err, s.pool.Close())
	}
	go s.serve()
	return s, nil
}

// openReaders makes the reading connections. A database in memory belongs to one
// connection, so there the writer reads too.
func (s *liteStore) openReaders(ctx context.Context, path string, n int) error {
	if s.memory {
		return nil
	}
	if n <= 0 {
		n = liteReaders
	}
	var err error
	if s.reads, err = sql.Open("sqlite", liteDSN(path, false, true)); err != nil {
		return err
	}
	s.reads.SetMaxOpenConns(n)
	s.readers = make(chan *liteConn, n)
	for range n {
		c, err := newLiteConn(ctx, s.reads)
		if err != nil {
			return errors.Join(fmt.Errorf("open %s to read: %w", path, err), s.reads.Close())
		}
		s.readers <- c
	}
	return nil
}

func liteDSN(path string, memory, readOnly bool) string {
	pragmas := []string{
		fmt.Sprintf("busy_timeout(%d)", busyTimeout.Milliseconds()), "temp_store(MEMORY)", "cache_size(-65536)",
	}
	if memory {
		return "file::memory:?_pragma=" + strings.Join(pragmas, "&_pragma=")
	}
	// FULL: a commit is on the disk when it returns, also through a power cut.
	// secure_delete: what is deleted or written over is gone from the file, not only from the tables.
	pragmas = append(pragmas, "journal_mode(WAL)", "synchronous(FULL)", "secure_delete(1)", "journal_size_limit(67108864)", "mmap_size(268435456)")
	if readOnly {
		pragmas = append(pragmas, "query_only(1)")
	}
	return "file:" + escapePath(path) + "?_pragma=" + strings.Join(pragmas, "&_pragma=")
}

func escapePath(p string) string {
	return strings.NewReplacer("%", "%25", "?", "%3f", "#", "%23").Replace(p)
}

func (s *liteStore) write(ctx context.Context, p Priority, name string, hook Hook, fn func(*Tx) error) error {
	c := &call{ctx: ctx, name: name, hook: hook, fn: fn, done: make(chan error, 1)}
	if err := s.queue.push(p, c); err != nil {
		return err
	}
	return <-c.done
}

// serve is the one writer: it takes the most urgent caller, opens a transaction,
// lets everyone who waits in too for at most groupMax, and commits once for all.
func (s *liteStore) serve() {
	defer close(s.stopped)
	for {
		first := s.queue.pop(true)
		if first == nil {
			return
		}
		s.group(first)
	}
}

// outcome is what one caller of a group will be told if the group commits.
type outcome struct {
	c   *call
	err error
}

func (s *liteStore) group(first *call) {
	if s.memory { // readers use the same connection
		s.writer.mu.Lock()
		defer s.writer.mu.Unlock()
	}
	if _, err := s.writer.exec("BEGIN IMMEDIATE", nil); err != nil {
		first.done <- err
		return
	}
	var told []outcome
	broken := error(nil)
	began := clock.System{}.Now()
	for c := first; c != nil && broken == nil; {
		err, lost := s.one(c)
		told = append(told, outcome{c, err})
		broken = lost
		c = nil
		if broken == nil && len(told) < groupCallers && (clock.System{}).Now().Sub(began) < groupMax {
			c = s.queue.pop(false)
		}
	}
	if broken == nil {
		_, broken = s.writer.exec("COMMIT", nil)
	}
	if broken != nil {
		_, _ = s.writer.exec("ROLLBACK", nil) // fails when SQLite rolled back by itself already
	}
	for _, o := range told {
		if o.err == nil {
			o.err = broken
		}
		o.c.done <- o.err
	}
}

// one runs one caller inside the group, in a savepoint of its own. lost is set when
// SQLite gave up the whole transaction (disk full, I/O error).
func (s *liteStore) one(c *call) (err, lost error) {
	if err := c.ctx.Err(); err != nil { // the caller has left meanwhile
		return err, nil
	}
	if _, err := s.writer.exec("SAVEPOINT one", nil); err != nil {
		return err, err
	}
	tx := &Tx{ctx: c.ctx, lite: s.writer, clock: s.clock}
	err = runSafely(tx, c.fn)
	if err == nil && c.hook != nil {
		err = c.hook("write:" + c.name + ":commit")
	}
	if err != nil {
		if _, back := s.writer.exec("ROLLBACK TO one", nil); back != nil {
			return err, errors.Join(err, back)
		}
	}
	if _, release := s.writer.exec("RELEASE one", nil); release != nil {
		return errors.Join(err, release), release
	}
	return err, nil
}

func (s *liteStore) read(ctx context.Context, fn func(*Tx) error) error {
	c := s.writer
	if s.memory {
		c.mu.Lock()
		defer c.mu.Unlock()
	} else {
		select {
		case c = <-s.readers:
			defer func() { s.readers <- c }()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if _, err := c.exec("BEGIN", nil); err != nil {
		return err
	}
	err := runSafely(&Tx{ctx: ctx, lite: c, clock: s.clock}, fn)
	_, end := c.exec("ROLLBACK", nil)
	return errors.Join(err, end)
}

// scrub works on a connection of its own, which waits for readers only a moment: the
// writer is kept waiting no longer.
func (s *liteStore) scrub(ctx context.Context) (whole bool, err error) {
	if s.memory {
		return true, nil
	}
	d, err := sql.Open("sqlite", "file:"+escapePath(s.path)+fmt.Sprintf("?_pragma=busy_timeout(%d)", scrubWait.Milliseconds()))
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	var busy, frames, moved int
	if err := d.QueryRowContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &frames, &moved); err != nil {
		return false, err
	}
	return busy == 0, nil
}

func (s *liteStore) queued() int { return s.queue.len() }

func (s *liteStore) close() error {
	s.queue.close()
	<-s.stopped
	err := s.writer.close()
	if s.reads != nil {
		for range cap(s.readers) {
			err = errors.Join(err, (<-s.readers).close())
		}
		err = errors.Join(err, s.reads.Close())
	}
	return errors.Join(err, s.pool.Close())
}
