package e2e

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/huiyin/huiyin/test/fake/gateway"
	"github.com/huiyin/huiyin/test/fake/process"
	"github.com/huiyin/huiyin/test/fake/wirelog"
)

// loader posts events until it is told to stop, and remembers what was acknowledged.
type loader struct {
	s     *server
	batch int
	next  atomic.Int64
	stop  chan struct{}
	done  sync.WaitGroup

	mu    sync.Mutex
	acked []string // ids
	other map[int]int
}

func load(t *testing.T, s *server, clients, batch int) *loader {
	t.Helper()
	l := &loader{s: s, batch: batch, stop: make(chan struct{}), other: map[int]int{}}
	for range clients {
		l.done.Go(func() { l.run(t) })
	}
	return l
}

func (l *loader) run(t *testing.T) {
	for {
		select {
		case <-l.stop:
			return
		default:
		}
		var ids []string
		var events []any
		for range l.batch {
			n := l.next.Add(1)
			id := fmt.Sprint("e", n)
			ids, events = append(ids, id), append(events, failed(id, fmt.Sprint("c", n%50)))
		}
		status, _, _, err := l.s.try(http.MethodPost, "/v1/events", "application/cloudevents-batch+json", encode(t, events))
		l.mu.Lock()
		switch {
		case err != nil:
			l.other[0]++
		case status == http.StatusAccepted:
			l.acked = append(l.acked, ids...)
		default:
			l.other[status]++
		}
		l.mu.Unlock()
		if err != nil || status != http.StatusAccepted {
			time.Sleep(waitStep)
		}
	}
}

func (l *loader) end() ([]string, map[int]int) {
	close(l.stop)
	l.done.Wait()
	return l.acked, l.other
}

func (l *loader) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.acked)
}

// everAcknowledgedIsThere sends all that was acknowledged again: each must be known.
func everAcknowledgedIsThere(t *testing.T, s *server, acked []string, at time.Time) {
	t.Helper()
	for len(acked) > 0 {
		part := acked[:min(len(acked), 5_000)]
		acked = acked[len(part):]
		var events []any
		for _, id := range part {
			e := failed(id, "x")
			e["time"] = at.UTC().Format(time.RFC3339Nano)
			events = append(events, e)
		}
		status, answer, _ := s.do(http.MethodPost, "/v1/events", "application/cloudevents-batch+json", encode(t, events))
		if status != http.StatusAccepted || !strings.Contains(string(answer), fmt.Sprintf(`"duplicate":%d`, len(part))) {
			t.Fatalf("of %d acknowledged: %d %.300s", len(part), status, answer)
		}
	}
}

// notAcrossTheHour waits when the hour is about to end: an event is known again by its hour, and these tests send them again.
func notAcrossTheHour() time.Time {
	for time.Now().Add(2*time.Minute).Hour() != time.Now().Hour() {
		time.Sleep(time.Second)
	}
	return time.Now()
}

func TestATerminatedServerKeepsWhatItAcknowledgedAndLeavesNothingInDoubt(t *testing.T) {
	eachEngine(t, func(t *testing.T, p *place) {
		log := filepath.Join(p.folder, "gateway.jsonl")
		gate, err := process.Start(fakeGateway, "-log", log, "-durable=false", "-shares", "delay=0.5", "-delay", "300ms")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := gate.Stop(); err != nil {
				t.Error(err)
			}
		})
		p.settings(map[string]string{"webhook": "{adapter: webhook, url: \"" + gate.Line + "\"}"})
		p.publish("webhook")
		p.feed(customers(50), "import", "customers", "-")
		at := notAcrossTheHour()
		s := p.serve()
		s.key = p.keyFor("events-write")
		l := load(t, s, 4, 10)
		until(t, "some hundred events and messages", func() bool {
			seen, err := wirelog.Read[gateway.Seen](log)
			return err == nil && len(seen) > 100 && l.count() > 300
		})
		if code := s.signal(syscall.SIGTERM); code != 0 {
			t.Errorf("exit %d:\n%s", code, s.said())
		}
		acked, _ := l.end()
		if strings.Contains(s.said(), `"level":"ERROR"`) {
			t.Errorf("the log complains:\n%s", s.said())
		}
		key := s.key
		s = p.serve()
		s.key = key
		everAcknowledgedIsThere(t, s, acked, at)
		if code := s.signal(syscall.SIGTERM); code != 0 {
			t.Errorf("exit %d:\n%s", code, s.said())
		}
		if r := p.must("set-aside", "list", "--json"); !strings.Contains(r.last(), `"n":0`) {
			t.Errorf("in doubt after two orderly stops: %s", r.last())
		}
		seen, err := wirelog.Read[gateway.Seen](log)
		if err != nil {
			t.Fatal(err)
		}
		times := map[string]int{}
		for _, x := range seen {
			if times[x.Key]++; times[x.Key] > 1 {
				t.Errorf("the message %s was sent twice", x.Key)
			}
		}
		t.Logf("%d events acknowledged, %d messages, two orderly stops", len(acked), len(times))
	})
}

// customers is a CSV of n customers whom a webhook reaches.
func customers(n int) string {
	var b strings.Builder
	b.WriteString("id,name,language,country,zones,webhook\n")
	for i := range n {
		_, _ = fmt.Fprintf(&b, "c%d,客户%d,zh-CN,CN,Asia/Shanghai,c%d\n", i, i, i) // a Builder takes everything
	}
	return b.String()
}

func TestAServerOutlivesItsDatabase(t *testing.T) {
	cluster := startCluster(t)
	p := newPlace(t, cluster.url)
	p.settings(nil)
	p.must("migrate")
	at := notAcrossTheHour()
	s := p.serve()
	s.key = p.keyFor("events-write")
	l := load(t, s, 2, 5)
	until(t, "some events", func() bool { return l.count() > 50 })
	cluster.stop()
	until(t, "the server says that it isn't ready", func() bool {
		status, _, _, err := s.try(http.MethodGet, "/readyz", "", nil)
		return err == nil && status == http.StatusServiceUnavailable
	})
	status, answer, header := s.do(http.MethodPost, "/v1/events", "application/cloudevents+json", encode(t, failed("while-away", "ann")))
	if status != http.StatusServiceUnavailable || header.Get("Retry-After") == "" || !strings.Contains(string(answer), "database-gone") {
		t.Errorf("while it is away: %d %s", status, answer)
	}
	if status, _, _ := s.do(http.MethodGet, "/healthz", "", nil); status != http.StatusOK {
		t.Errorf("the server itself is well and says %d", status)
	}
	cluster.start()
	before := l.count()
	until(t, "events are taken again", func() bool { return l.count() > before+50 })
	until(t, "the router works again", func() bool {
		_, text, _ := s.do(http.MethodGet, "/metrics", "", nil)
		return strings.Contains(string(text), "huiyin_log_lag_events") && !strings.Contains(string(text), "huiyin_database_up 0")
	})
	acked, other := l.end()
	for status := range other {
		if status != 0 && status != http.StatusServiceUnavailable && status != http.StatusTooManyRequests {
			t.Errorf("a request was answered with %d", status)
		}
	}
	everAcknowledgedIsThere(t, s, acked, at)
	if n := strings.Count(s.said(), `"part":"router"`); n > 4 {
		t.Errorf("the router told of its trouble %d times", n)
	}
	if code := s.signal(syscall.SIGTERM); code != 0 {
		t.Errorf("exit %d:\n%s", code, s.said())
	}
}

// cluster is a private PostgreSQL that can be stopped and started.
type cluster struct {
	t      *testing.T
	url    string
	folder string
	bin    string
	port   string
}

func startCluster(t *testing.T) *cluster {
	t.Helper()
	script, err := filepath.Abs("../../scripts/postgres.sh")
	if err != nil {
		t.Fatal(err)
	}
	state := filepath.Join(t.TempDir(), "cluster")
	env := append(os.Environ(), "HUIYIN_POSTGRES_STATE="+state)
	run := func(word string) string {
		t.Helper()
		c := exec.Command(script, word)
		c.Env, c.Stderr = env, os.Stderr
		out, err := c.Output()
		if err != nil {
			t.Fatalf("postgres.sh %s: %v", word, err)
		}
		return strings.TrimSpace(string(out))
	}
	run("start")
	t.Cleanup(func() { run("stop") })
	c := &cluster{t: t, url: run("url")}
	text, err := os.ReadFile(state)
	if err != nil {
		t.Fatal(err)
	}
	c.folder = filepath.Join(strings.SplitN(string(text), "\n", 2)[0], "data")
	u, err := url.Parse(c.url)
	if err != nil {
		t.Fatal(err)
	}
	c.port = u.Port()
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/pg_ctl")
	if err != nil {
		t.Fatal(err)
	}
	if c.bin = "pg_ctl"; len(found) > 0 {
		c.bin = found[len(found)-1]
	}
	return c
}

// stop ends the cluster's own postmaster, by its id.
func (c *cluster) stop() {
	c.t.Helper()
	text, err := os.ReadFile(filepath.Join(c.folder, "postmaster.pid"))
	if err != nil {
		c.t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.SplitN(string(text), "\n", 2)[0])
	if err != nil {
		c.t.Fatal(err)
	}
	if err := syscall.Kill(pid, syscall.SIGINT); err != nil { // fast: connections are cut
		c.t.Fatal(err)
	}
	until(c.t, "PostgreSQL has stopped", func() bool { return syscall.Kill(pid, 0) != nil })
}

func (c *cluster) start() {
	c.t.Helper()
	args := []string{c.bin, "start", "--silent", "--wait", "--pgdata=" + c.folder, "--log=" + filepath.Join(filepath.Dir(c.folder), "again.log"), "--options=-p " + c.port}
	if os.Getuid() == 0 {
		args = append([]string{"setpriv", "--reuid", "postgres", "--regid", "postgres", "--init-groups"}, args...)
	}
	start := exec.Command(args[0], args[1:]...)
	start.Dir = filepath.Dir(c.folder) // one that its owner may enter
	if out, err := start.CombinedOutput(); err != nil {
		c.t.Fatalf("%v: %s", err, out)
	}
}

func TestAFullDiskLosesNothingThatWasAcknowledged(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("NOT TRIED: a small disk is mounted for this, which only root may do")
	}
	disk := t.TempDir()
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", disk).CombinedOutput(); err != nil {
		t.Skipf("NOT TRIED: no small disk can be mounted here: %v %s", err, out)
	}
	t.Cleanup(func() {
		if out, err := exec.Command("umount", disk).CombinedOutput(); err != nil {
			t.Errorf("%v %s", err, out)
		}
	})
	p := newPlace(t, "sqlite:"+filepath.Join(disk, "small.db"))
	at := notAcrossTheHour()
	s := p.serve()
	s.key = p.keyFor("events-write")
	l := load(t, s, 2, 50)
	until(t, "the disk is full", func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		return l.other[http.StatusServiceUnavailable] > 5
	})
	status, answer, header := s.do(http.MethodPost, "/v1/events", "application/cloudevents-batch+json", encode(t, many(500)))
	if status != http.StatusServiceUnavailable || !strings.Contains(string(answer), "disk-full") || header.Get("Retry-After") == "" {
		t.Errorf("on a full disk: %d %s", status, answer)
	}
	if status, _, _ := s.do(http.MethodGet, "/healthz", "", nil); status != http.StatusOK {
		t.Errorf("health: %d", status)
	}
	full := l.count()
	if out, err := exec.Command("mount", "-o", "remount,size=200m", disk).CombinedOutput(); err != nil {
		t.Fatalf("%v %s", err, out)
	}
	until(t, "events are taken again", func() bool { return l.count() > full+100 })
	acked, _ := l.end()
	everAcknowledgedIsThere(t, s, acked, at)
	if r := p.huiyin("doctor", "--json"); !strings.Contains(r.last(), `"check":"database","health":"ok"`) {
		t.Errorf("%s", r.last())
	}
	if code := s.signal(syscall.SIGTERM); code != 0 {
		t.Errorf("exit %d:\n%s", code, s.said())
	}
	t.Logf("%d events acknowledged, %d of them before the disk was full", len(acked), full)
}

// many are events with enough data to fill what is left of a disk.
func many(n int) []any {
	var all []any
	for i := range n {
		e := failed(fmt.Sprint("big", i), "ann")
		e["data"].(map[string]any)["merchant"] = strings.Repeat("茶", 200)
		all = append(all, e)
	}
	return all
}
