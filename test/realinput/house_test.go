package realinput

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/db/dbtest"
	"github.com/huiyin/huiyin/test/fake/mailsink"
	"github.com/huiyin/huiyin/test/fake/process"
	"github.com/huiyin/huiyin/test/fake/wirelog"
)

const (
	commandTimeout = 10 * time.Minute
	publicURL      = "http://customers.huiyin.test" // in the mails; nobody is reached by it
)

// binaries are built once.
var binaries struct {
	once         sync.Once
	folder       string
	huiyin, sink string
	err          error
}

func TestMain(m *testing.M) {
	if os.Getenv("HUIYIN_DATA") == "" {
		fmt.Fprintln(os.Stderr, "REAL INPUT IS NOT TRIED: HUIYIN_DATA is not set. Let it name the folder of the data sets.")
		if os.Getenv("CI") == "true" {
			os.Exit(1)
		}
	}
	code := m.Run()
	if binaries.folder != "" {
		_ = os.RemoveAll(binaries.folder) // what is left is in the machine's own temporary folder
	}
	os.Exit(code)
}

func dataFolder(t *testing.T) string {
	t.Helper()
	folder := os.Getenv("HUIYIN_DATA")
	if folder == "" {
		t.Skip("HUIYIN_DATA is not set, so there is no real input to try")
	}
	if !filepath.IsAbs(folder) { // it was set from the repository's root
		folder = filepath.Join("..", "..", folder)
	}
	return folder
}

func build(t *testing.T) {
	t.Helper()
	binaries.once.Do(func() {
		b := &binaries
		if b.folder, b.err = os.MkdirTemp("", "huiyin-realinput-"); b.err != nil {
			return
		}
		if b.huiyin, b.err = process.Build(b.folder, "./cmd/huiyin"); b.err != nil {
			return
		}
		b.sink, b.err = process.Build(b.folder, "./test/fake/mailsink/fakemailsink")
	})
	if binaries.err != nil {
		t.Fatal(binaries.err)
	}
}

// house is one database with its settings and its mail server.
type house struct {
	t        *testing.T
	folder   string
	database string
	settings string
	wire     string // the mail server's log
	pidFile  string // whom the mail server kills

	linesRead int // of the wire
	bytesRead int64
	cpu       time.Duration // of the command that ran last
}

// options are what tests want of their houses.
type options struct {
	country string
	sink    []string // further arguments of the mail server
	long    bool     // on PostgreSQL only with HUIYIN_LONG
}

// eachEngine runs fn in a new house on each engine.
func eachEngine(t *testing.T, o options, fn func(h *house)) {
	dataFolder(t)
	build(t)
	t.Parallel()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		folder := scratch(t)
		fn(newHouse(t, folder, "sqlite:"+filepath.Join(folder, "huiyin.db"), o.country, o.sink))
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		if o.long && os.Getenv("HUIYIN_LONG") == "" {
			t.Skip("this takes minutes more on PostgreSQL: HUIYIN_LONG=1 runs it")
		}
		fn(newHouse(t, scratch(t), forgiving(t, dbtest.PostgresURL(t)), o.country, o.sink))
	})
}

// scratch is a folder in memory where there is one. These tests end processes, not
// machines: what was written survives that without reaching a disk, and weeks of small
// transactions go by in seconds. That commits are on the disk is for package db's tests.
func scratch(t *testing.T) string {
	t.Helper()
	folder, err := os.MkdirTemp("/dev/shm", "huiyin-realinput-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(folder); err != nil {
			t.Error(err)
		}
	})
	return folder
}

// forgiving makes a PostgreSQL database not wait for the disk either.
func forgiving(t *testing.T, address string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), commandTimeout)
	defer cancel()
	conn, err := pgx.Connect(ctx, address)
	if err != nil {
		t.Fatal(err)
	}
	_, err = conn.Exec(ctx, "ALTER DATABASE "+pgx.Identifier{strings.TrimPrefix(u.Path, "/")}.Sanitize()+" SET synchronous_commit = off")
	if err := errors.Join(err, conn.Close(ctx)); err != nil {
		t.Fatal(err)
	}
	return address
}

func newHouse(t *testing.T, folder, database, country string, sinkArguments []string) *house {
	t.Helper()
	h := &house{
		t: t, folder: folder, database: database, settings: filepath.Join(folder, "settings.yaml"),
		wire: filepath.Join(folder, "wire.jsonl"), pidFile: filepath.Join(folder, "pid"),
	}
	sink, err := process.Start(binaries.sink, append([]string{"-log", h.wire, "-bodies", "-kill", h.pidFile}, sinkArguments...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := sink.Stop(); err != nil {
			t.Error(err)
		}
	})
	settings := fmt.Sprintf("database: %q\nkeys_file: %q\npublic_url: %s\nwallet: {hotline: \"100\", country: %s}\nchannels:\n  email: {adapter: smtp, server: %q, encryption: none, from: survey@bank.test, in_flight: %d}\n",
		database, filepath.Join(folder, "keys"), publicURL, country, sink.Line, inFlight(country))
	if err := os.WriteFile(h.settings, []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}
	return h
}

// inFlight is how many mails may be on their way at once: the channel's own default, and
// for the campaign's tens of thousands more.
func inFlight(country string) int {
	if country == "US" {
		return 64
	}
	return claimed
}

// command is the product's binary with its settings.
func (h *house) command(ctx context.Context, arguments ...string) *exec.Cmd {
	c := exec.CommandContext(ctx, binaries.huiyin, append(arguments, "--config", h.settings)...)
	c.Env = []string{"HOME=" + h.folder, "PATH=" + os.Getenv("PATH"), "TZ=UTC"}
	return c
}

// run runs a command to its end and reads the last line of its output into result.
func (h *house) run(result any, arguments ...string) {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), commandTimeout)
	defer cancel()
	c := h.command(ctx, arguments...)
	var complaints bytes.Buffer
	c.Stderr = &complaints
	out, err := c.Output()
	if err != nil {
		h.t.Fatalf("huiyin %s: %v\n%s", strings.Join(arguments, " "), err, complaints.String())
	}
	h.cpu = c.ProcessState.UserTime() + c.ProcessState.SystemTime()
	h.decode(out, result, arguments)
}

func (h *house) decode(out []byte, result any, arguments []string) {
	h.t.Helper()
	if result == nil {
		return
	}
	lines := bytes.Split(bytes.TrimSpace(out), []byte("\n"))
	if err := json.Unmarshal(lines[len(lines)-1], result); err != nil {
		h.t.Fatalf("huiyin %s: the last line is no result: %v\n%s", strings.Join(arguments, " "), err, out)
	}
}

// replayed is what a replay prints.
type replayed struct {
	Events, Duplicate, Rejected, Refused, Moments int
	Resumed                                       bool
	Programs                                      map[string]struct {
		Triggers  map[string]int64
		FollowUps map[string]int64 `json:"follow_ups"`
		Attempts  int64
		Taken     int64
		Balanced  bool
		Check     []string
	}
	WallS float64 `json:"wall_s"`
}

// served replay: it lives the stream through, then serves until it is let go.
type listening struct {
	h         *house
	command   *exec.Cmd
	in        io.WriteCloser
	out       *bufio.Reader
	complains *bytes.Buffer
	url       string
}

// listen starts a replay that serves, and waits until nothing is due any more.
func (h *house) listen(arguments ...string) *listening {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), commandTimeout)
	h.t.Cleanup(cancel)
	l := &listening{h: h, complains: &bytes.Buffer{}}
	l.command = h.command(ctx, append([]string{"replay", "--json", "--listen", "127.0.0.1:0"}, arguments...)...)
	l.command.Stderr = l.complains
	var err error
	if l.in, err = l.command.StdinPipe(); err != nil {
		h.t.Fatal(err)
	}
	out, err := l.command.StdoutPipe()
	if err != nil {
		h.t.Fatal(err)
	}
	if err := l.command.Start(); err != nil {
		h.t.Fatal(err)
	}
	l.out = bufio.NewReader(out)
	l.url = strings.TrimPrefix(l.line(), "listening on ")
	if line := l.line(); !strings.HasPrefix(line, "nothing is due") {
		h.t.Fatalf("the replay said %q\n%s", line, l.complains)
	}
	return l
}

func (l *listening) line() string {
	l.h.t.Helper()
	text, err := l.out.ReadString('\n')
	if err != nil {
		_ = l.command.Wait() // why it ended is in what it complained of
		l.h.t.Fatalf("the replay ended: %v\n%s", err, l.complains)
	}
	return strings.TrimSpace(text)
}

// end lets the replay go and reads its result.
func (l *listening) end() (r replayed) {
	l.h.t.Helper()
	if err := l.in.Close(); err != nil {
		l.h.t.Fatal(err)
	}
	out, err := io.ReadAll(l.out)
	if err != nil {
		l.h.t.Fatal(err)
	}
	if err := l.command.Wait(); err != nil {
		l.h.t.Fatalf("the replay failed: %v\n%s", err, l.complains)
	}
	l.h.decode(out, &r, l.command.Args)
	return r
}

// seen reads the mail server's log.
func (h *house) seen() []mailsink.Seen {
	h.t.Helper()
	all, err := wirelog.Read[mailsink.Seen](h.wire)
	if err != nil {
		h.t.Fatal(err)
	}
	return all
}

// rows reads a query's rows of text and numbers, each as text.
func (h *house) rows(columns int, query string) (all [][]string) {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), commandTimeout)
	defer cancel()
	d, err := db.Open(ctx, h.database, db.Options{})
	if err != nil {
		h.t.Fatal(err)
	}
	err = d.Read(ctx, func(tx *db.Tx) error {
		all = nil
		rows, err := tx.Query(query)
		if err != nil {
			return err
		}
		defer func() { _ = rows.Close() }() // its end is asked for below
		for rows.Next() {
			row, into := make([]string, columns), make([]any, columns)
			for i := range row {
				into[i] = &row[i]
			}
			if err := rows.Scan(into...); err != nil {
				return err
			}
			all = append(all, row)
		}
		return rows.Err()
	})
	if err != nil {
		h.t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		h.t.Fatal(err)
	}
	return all
}
