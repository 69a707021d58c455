package kill

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/test/fake/gateway"
	"github.com/huiyin/huiyin/test/fake/process"
	"github.com/huiyin/huiyin/test/fake/wirelog"
)

const (
	commandTimeout = 2 * time.Minute
	readyTimeout   = 30 * time.Second
	stopTimeout    = 40 * time.Second
	laneInFlight   = 4
	recordedAhead  = 8 // times that many may be recorded: those on the wire, and those that wait for it
	sendTimeout    = 2 * time.Second

	nobody = "2147483646" // a process id that no process has
)

// lanes are the channels, and what their gateways can do.
var lanes = []string{"sms", "push", "im"}

// Built once by TestMain.
var huiyin, crasher, fakeGateway string

func TestMain(m *testing.M) {
	folder, err := os.MkdirTemp("", "huiyin-kill-")
	if err == nil {
		for pkg, into := range map[string]*string{
			"./cmd/huiyin": &huiyin, "./test/kill/crasher": &crasher, "./test/fake/gateway/fakegateway": &fakeGateway,
		} {
			if err == nil {
				*into, err = process.Build(folder, pkg)
			}
		}
	}
	code := 1
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	} else {
		code = m.Run()
	}
	_ = os.RemoveAll(folder) // what is left lies in the machine's own temporary folder
	os.Exit(code)
}

// yard is one house with its three gateways.
type yard struct {
	t        *testing.T
	folder   string
	database string
	settings string
	pidFile  string
	base     string // the server's address
	key      string // of the API
	wires    map[string]*wire
}

// wire is the log of one gateway, read as it grows.
type wire struct {
	path string
	mu   sync.Mutex
	at   int64
}

// newYard makes a house with customers, programs and gateways. shares says how often each
// gateway misbehaves.
func newYard(t *testing.T, customers int, shares string) *yard {
	t.Helper()
	y := &yard{t: t, folder: scratch(t), wires: map[string]*wire{}}
	y.database = "sqlite:" + filepath.Join(y.folder, "huiyin.db")
	y.settings, y.pidFile = filepath.Join(y.folder, "settings.yaml"), filepath.Join(y.folder, "pid")
	y.target(nobody)
	address := freePort(t)
	y.base = "http://" + address
	text := fmt.Sprintf("database: %q\nlisten: %q\nwallet: {hotline: \"100\", country: CN}\nchannels:\n", y.database, address)
	for i, lane := range lanes {
		w := &wire{path: filepath.Join(y.folder, lane+".jsonl")}
		y.wires[lane] = w
		arguments := []string{"-log", w.path, "-durable=false", "-kill", y.pidFile, "-shares", shares, "-seed", strconv.Itoa(i), "-delay", "30ms"}
		if lane == "sms" {
			arguments = append(arguments, "-idempotency", "24h")
		}
		g, err := process.Start(fakeGateway, arguments...)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := g.Stop(); err != nil {
				t.Error(err)
			}
		})
		text += fmt.Sprintf("  %s: {adapter: webhook, url: %q, in_flight: %d, send_timeout: %s", lane, g.Line, laneInFlight, sendTimeout)
		switch lane {
		case "sms":
			text += ", idempotency: 24h"
		case "push":
			text += fmt.Sprintf(", lookup_url: %q", g.Line+"/{key}")
		}
		text += "}\n"
	}
	y.write(y.settings, text)
	y.run("apply", "-f", "testdata", "--publish")
	y.run("import", "customers", y.customers(customers))
	out := strings.Split(strings.TrimSpace(y.run("key", "create", "rig", "--scope", "events-write,refusals-write")), "\n")
	y.key = out[len(out)-1]
	return y
}

// scratch is a folder in memory where there is one: it is processes that end here, and
// what they wrote survives that without reaching a disk.
func scratch(t *testing.T) string {
	t.Helper()
	folder, err := os.MkdirTemp("/dev/shm", "huiyin-kill-")
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

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }() // the server takes it next
	return l.Addr().String()
}

func (y *yard) write(path, text string) {
	y.t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		y.t.Fatal(err)
	}
}

// target says whom the gateways kill.
func (y *yard) target(pid string) {
	y.t.Helper()
	// Renamed into place, so that a gateway never reads half a number.
	y.write(y.pidFile+".new", pid)
	if err := os.Rename(y.pidFile+".new", y.pidFile); err != nil {
		y.t.Fatal(err)
	}
}

func ref(i int) string { return "c" + strconv.Itoa(i) }

// number reads a customer's number back from their address on any lane.
func (y *yard) number(address string) int {
	y.t.Helper()
	digits := strings.TrimPrefix(address[strings.LastIndexByte(address, '-')+1:], "+86138")
	n, err := strconv.Atoi(digits)
	if err != nil {
		y.t.Errorf("a gateway was given the address %q, which nobody has", address)
		return -1
	}
	return n
}

// laneOf is the one lane on which a customer is contacted.
func laneOf(i int) string { return lanes[i%len(lanes)] }

func (y *yard) customers(n int) string {
	y.t.Helper()
	var b strings.Builder
	lines := json.NewEncoder(&b)
	for i := range n {
		point := map[string]any{"channel": laneOf(i), "address": fmt.Sprintf("%s-%d", laneOf(i), i), "verified": true}
		if laneOf(i) == "sms" {
			point["channel"], point["address"] = "phone", fmt.Sprintf("+86138%08d", i)
		}
		if err := lines.Encode(map[string]any{
			"id": ref(i), "language": "en", "country": "CN", "zones": []string{"Asia/Shanghai"}, "points": []any{point},
		}); err != nil {
			y.t.Fatal(err)
		}
	}
	path := filepath.Join(y.folder, "customers.ndjson")
	y.write(path, b.String())
	return path
}

// run runs a command of the product to its end.
func (y *yard) run(arguments ...string) string {
	y.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), commandTimeout)
	defer cancel()
	c := exec.CommandContext(ctx, huiyin, append(arguments, "--config", y.settings)...)
	c.Env = []string{"HOME=" + y.folder, "PATH=" + os.Getenv("PATH")}
	var complaints bytes.Buffer
	c.Stderr = &complaints
	out, err := c.Output()
	if err != nil {
		y.t.Fatalf("huiyin %s: %v\n%s", strings.Join(arguments, " "), err, complaints.String())
	}
	return string(out)
}

// server is a server that runs.
type server struct {
	y          *yard
	command    *exec.Cmd
	complaints bytes.Buffer
	ended      chan struct{}
	err        error
}

// serve starts the product; crash starts the crasher.
func (y *yard) serve() *server { return y.start(huiyin, "serve", "--config", y.settings) }

// hunted makes a server one that the gateways kill.
func (s *server) hunted() *server {
	s.y.target(strconv.Itoa(s.command.Process.Pid))
	return s
}

func (y *yard) crash(arguments ...string) *server {
	return y.start(crasher, append([]string{"-config", y.settings}, arguments...)...)
}

func (y *yard) start(binary string, arguments ...string) *server {
	y.t.Helper()
	s := &server{y: y, command: exec.Command(binary, arguments...), ended: make(chan struct{})}
	s.command.Env = []string{"HOME=" + y.folder, "PATH=" + os.Getenv("PATH")}
	s.command.Stderr = &s.complaints
	if err := s.command.Start(); err != nil {
		y.t.Fatal(err)
	}
	go func() {
		s.err = s.command.Wait()
		close(s.ended)
	}()
	y.t.Cleanup(func() {
		select {
		case <-s.ended:
		default: // the test failed
			_ = s.command.Process.Kill()
			<-s.ended
		}
	})
	return s
}

// ready waits until the server answers; it says no if it ended first.
func (s *server) ready() bool {
	s.y.t.Helper()
	client := http.Client{Timeout: time.Second}
	for began := time.Now(); time.Since(began) < readyTimeout; {
		select {
		case <-s.ended:
			return false
		case <-time.After(2 * time.Millisecond):
		}
		r, err := client.Get(s.y.base + "/readyz")
		if err != nil {
			continue
		}
		_ = r.Body.Close() // its words don't matter
		if r.StatusCode == http.StatusOK {
			return true
		}
	}
	s.y.t.Fatalf("the server was not ready in %s\n%s", readyTimeout, s.complaints.String())
	return false
}

// listens waits until the server has its port.
func (s *server) listens() {
	s.y.t.Helper()
	for began := time.Now(); time.Since(began) < readyTimeout; time.Sleep(time.Millisecond) {
		c, err := net.Dial("tcp", strings.TrimPrefix(s.y.base, "http://"))
		if err == nil {
			_ = c.Close() // nothing is said on it
			return
		}
	}
	s.y.t.Fatalf("the server did not listen in %s\n%s", readyTimeout, s.complaints.String())
}

// kill ends the server without warning.
func (s *server) kill() {
	_ = s.command.Process.Kill() // it may have ended
	s.wait()
}

// wait waits for the end, and says whether SIGKILL was it. Any other end by itself fails the test.
func (s *server) wait() (killed bool) {
	s.y.t.Helper()
	select {
	case <-s.ended:
	case <-time.After(stopTimeout):
		s.y.t.Fatalf("the server did not end in %s\n%s", stopTimeout, s.complaints.String())
	}
	s.y.target(nobody)
	var exit *exec.ExitError
	if errors.As(s.err, &exit) && exit.Sys().(syscall.WaitStatus).Signal() == syscall.SIGKILL {
		return true
	}
	if s.err != nil {
		s.y.t.Fatalf("the server ended by itself: %v\n%s", s.err, s.complaints.String())
	}
	return false
}

// stop asks the server to end, which must end well.
func (s *server) stop() {
	s.y.t.Helper()
	if err := s.command.Process.Signal(syscall.SIGTERM); err != nil {
		s.y.t.Fatalf("the server is gone: %v\n%s", err, s.complaints.String())
	}
	if s.wait() {
		s.y.t.Fatal("the server was killed while it stopped")
	}
}

// seen reads a gateway's log from its beginning.
func (y *yard) seen(lane string) []gateway.Seen {
	y.t.Helper()
	all, err := wirelog.Read[gateway.Seen](y.wires[lane].path)
	if err != nil {
		y.t.Fatal(err)
	}
	return all
}

// fresh reads what a gateway wrote down since the last time, whole lines alone.
func (w *wire) fresh() (all []gateway.Seen, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f, err := os.Open(w.path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // only read from
	var b bytes.Buffer
	if _, err := f.Seek(w.at, 0); err != nil {
		return nil, err
	}
	if _, err := b.ReadFrom(f); err != nil {
		return nil, err
	}
	text := b.Bytes()[:bytes.LastIndexByte(b.Bytes(), '\n')+1]
	w.at += int64(len(text))
	for line := range bytes.Lines(text) {
		var s gateway.Seen
		if err := json.Unmarshal(line, &s); err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
}

// rows reads a query's rows, each value as text.
func (y *yard) rows(columns int, query string) (all [][]string) {
	y.t.Helper()
	y.read(func(tx *db.Tx) error {
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
	return all
}

func (y *yard) read(fn func(tx *db.Tx) error) {
	y.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), commandTimeout)
	defer cancel()
	d, err := db.Open(ctx, y.database, db.Options{})
	if err != nil {
		y.t.Fatal(err)
	}
	if err := errors.Join(d.Read(ctx, fn), d.Close()); err != nil {
		y.t.Fatal(err)
	}
}
