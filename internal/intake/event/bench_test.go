package event

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/huiyin/huiyin/internal/platform/clock"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/db/dbtest"
	"github.com/huiyin/huiyin/internal/platform/ids"
)

// BenchmarkIntake takes batches of 1,000 events in as a request body until they are durable.
func BenchmarkIntake(b *testing.B) {
	const n = 1_000
	for _, engine := range []string{"sqlite", "postgres"} {
		b.Run(engine, func(b *testing.B) {
			d := dbtest.SQLite
			if engine == "postgres" {
				d = dbtest.Postgres
			}
			in := NewIntake(d(b, db.Options{}), clock.NewVirtual(now), catalogue(b), IntakeOptions{LagEvents: 1 << 40})
			chance := rand.New(rand.NewPCG(1, 2))
			batch := 0
			for b.Loop() {
				b.StopTimer()
				body := randomBatch(chance, n)
				b.StartTimer()
				items, err := Decode(body, ContentBatch, in.Limits())
				if err != nil {
					b.Fatal(err)
				}
				if res, err := in.Accept(context.Background(), items); err != nil || res.Accepted != n {
					b.Fatal(res, err)
				}
				batch++
			}
			b.ReportMetric(float64(batch*n)/b.Elapsed().Seconds(), "events/s")
		})
	}
}

func randomBatch(chance *rand.Rand, n int) []byte {
	events := make([]string, n)
	for i := range events {
		id := ids.Spell(binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, chance.Uint64()), chance.Uint64()))
		events[i] = strings.Replace(strings.Replace(good, "e-1", id, 1), "C100", fmt.Sprint("C", chance.IntN(100_000)), 1)
	}
	return []byte("[" + strings.Join(events, ",") + "]")
}
