package e2e

import (
	"database/sql"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	_ "modernc.org/sqlite" // makes a file as a newer version would leave it
)

func TestAServerThatCanNotStartSaysWhyInOneSentence(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }() // nothing was said on it
	for _, c := range []struct {
		name string
		want []string
		args []string
		set  func(p *place)
	}{
		{"a port in use", []string{taken.Addr().String(), "listens"}, []string{"--listen", taken.Addr().String()}, nil},
		{"a database from a newer version", []string{"newer"}, nil, func(p *place) {
			p.must("migrate")
			p.sql(`INSERT INTO schema_version (version, name, applied_at) VALUES (999, '0999_future', 1)`)
		}},
		{"a key file that is none", []string{"key file"}, nil, func(p *place) { p.write("keys", "not a key") }},
		{"a key file of another house", []string{"not the one this database was used with"}, nil, func(p *place) {
			p.must("migrate")
			p.must("key", "list")
			other := newPlace(p.t, "")
			other.must("apply", "-f", other.write("one.yaml", strings.ReplaceAll(documents, "CHANNEL", "email")))
			text, err := os.ReadFile(filepath.Join(other.folder, "keys"))
			if err != nil {
				p.t.Fatal(err)
			}
			p.write("keys", string(text))
		}},
		{"a key file that is lost", []string{"backup", "keys"}, nil, func(p *place) {
			p.must("migrate")
			p.must("key", "list")
			if err := os.Remove(filepath.Join(p.folder, "keys")); err != nil {
				p.t.Fatal(err)
			}
		}},
		{"a misspelt setting", []string{"`databse`", "`database`"}, nil, func(p *place) { p.config = p.write("bad.yaml", "databse: sqlite:x.db\n") }},
		{"a setting of the wrong type", []string{"in_flight", "whole number"}, nil, func(p *place) {
			p.settings(map[string]string{"email": "{adapter: smtp, server: \"127.0.0.1:25\", from: a@example.com, in_flight: many}"})
		}},
		{"a channel without what it needs", []string{"channels.email", "host:port"}, nil, func(p *place) {
			p.settings(map[string]string{"email": "{adapter: smtp, from: a@example.com}"})
		}},
		{"a settings file that isn't there", []string{"no settings file"}, nil, func(p *place) { p.config = filepath.Join(p.folder, "none.yaml") }},
		{"a database that doesn't answer", []string{"database"}, []string{"--database", "postgres://nobody@127.0.0.1:1/none"}, nil},
		{"an address of no database", []string{"sqlite:PATH"}, []string{"--database", "mysql://x"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPlace(t, "")
			if c.set != nil {
				c.set(p)
			}
			r := p.huiyin(append([]string{"serve"}, c.args...)...)
			said := strings.TrimSpace(r.complaints)
			if r.code != 1 || strings.Count(said, "\n") > 0 || !strings.HasPrefix(said, "huiyin: ") {
				t.Errorf("exit %d: %s", r.code, said)
			}
			for _, want := range c.want {
				if !strings.Contains(said, want) {
					t.Errorf("%q says nothing of %q", said, want)
				}
			}
		})
	}
}

// sql changes the place's SQLite file by hand.
func (p *place) sql(statement string) {
	p.t.Helper()
	d, err := sql.Open("sqlite", strings.TrimPrefix(p.database, "sqlite:"))
	if err != nil {
		p.t.Fatal(err)
	}
	defer func() { _ = d.Close() }() // what it did is committed
	if _, err := d.Exec(statement); err != nil {
		p.t.Fatal(err)
	}
}

func TestAnIdleServerIsReadyAtOnceAndStopsAtOnce(t *testing.T) {
	p := newPlace(t, "")
	p.must("migrate")
	began := time.Now()
	s := p.serve()
	took := time.Since(began)
	t.Logf("ready after %d ms", took.Milliseconds())
	if took > 1500*time.Millisecond { // a loaded machine; the figure itself is in docs/benchmarks.md
		t.Errorf("ready after %s", took)
	}
	for path, want := range map[string]int{"/healthz": http.StatusOK, "/readyz": http.StatusOK, "/metrics": http.StatusOK, "/openapi.json": http.StatusOK, "/": http.StatusOK, "/nowhere": http.StatusNotFound} {
		if status, answer, _ := s.do(http.MethodGet, path, "", nil); status != want {
			t.Errorf("%s: %d %.200s", path, status, answer)
		}
	}
	began = time.Now()
	if code := s.signal(syscall.SIGINT); code != 0 {
		t.Errorf("exit %d:\n%s", code, s.said())
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it stopped after %s", took)
	}
}
