package pages_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"slices"
	"testing"
	"time"

	"github.com/huiyin/huiyin/internal/platform/clock"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/db/dbtest"
	"github.com/huiyin/huiyin/internal/program/document"
)

// BenchmarkFirstByte asks for a questionnaire over a socket and reports how long
// its first byte took, in the middle and at the 99th of a hundred.
func BenchmarkFirstByte(b *testing.B) {
	for name, open := range map[string]func(testing.TB, db.Options) *db.DB{"sqlite": dbtest.SQLite, "postgres": dbtest.Postgres} {
		b.Run(name, func(b *testing.B) {
			s := newSite(b, open(b, db.Options{}))
			_, link := s.invite(short, document.ZhCN)
			server := httptest.NewServer(s)
			defer server.Close()
			waits := make([]time.Duration, 0, b.N)
			size := 0
			for b.Loop() {
				wait, n := firstByte(b, server.URL+link)
				waits, size = append(waits, wait), n
			}
			slices.Sort(waits)
			b.ReportMetric(float64(waits[len(waits)/2].Microseconds())/1000, "p50-ms")
			b.ReportMetric(float64(waits[len(waits)*99/100].Microseconds())/1000, "p99-ms")
			b.ReportMetric(float64(size), "page-bytes")
		})
	}
}

func firstByte(b *testing.B, address string) (wait time.Duration, size int) {
	b.Helper()
	var sent, first time.Time
	trace := &httptrace.ClientTrace{
		WroteRequest:         func(httptrace.WroteRequestInfo) { sent = clock.System{}.Now() },
		GotFirstResponseByte: func() { first = clock.System{}.Now() },
	}
	r, err := http.NewRequestWithContext(httptrace.WithClientTrace(b.Context(), trace), http.MethodGet, address, nil)
	if err != nil {
		b.Fatal(err)
	}
	w, err := http.DefaultClient.Do(r)
	if err != nil {
		b.Fatal(err)
	}
	body, err := io.ReadAll(w.Body)
	if err != nil || w.Body.Close() != nil || w.StatusCode != http.StatusOK {
		b.Fatalf("status %d, %v", w.StatusCode, err)
	}
	return first.Sub(sent), len(body)
}
