package answer_test

import (
	"context"
	"sync/atomic"
	"testing"

	"github.com/huiyin/huiyin/internal/followup"
	"github.com/huiyin/huiyin/internal/hear/answer"
	"github.com/huiyin/huiyin/internal/platform/clock"
	"github.com/huiyin/huiyin/internal/platform/crypt"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/db/dbtest"
	"github.com/huiyin/huiyin/internal/platform/ids"
	"github.com/huiyin/huiyin/internal/platform/tally"
)

// BenchmarkSave is a durable save of one question by one of many customers at
// once: their score with a reason first, then a choice.
func BenchmarkSave(b *testing.B) {
	for name, open := range map[string]func(testing.TB, db.Options) *db.DB{"sqlite": dbtest.SQLite, "postgres": dbtest.Postgres} {
		b.Run(name, func(b *testing.B) {
			s, tokens := crowd(b, open(b, db.Options{}), b.N/2+1)
			b.SetParallelism(64)
			b.ResetTimer()
			var n atomic.Int64
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					i := int(n.Add(1)) - 1
					token, question, v := tokens[i%len(tokens)], "stars", answer.Value{Given: int64(2), Tags: []string{"1-3.1"}}
					if i >= len(tokens) {
						question, v = "app", answer.Value{Given: "ios"}
					}
					if _, err := s.Save(context.Background(), token, question, v); err != nil {
						b.Error(err)
						return
					}
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "saves/s")
		})
	}
}

// crowd starts n follow-ups and gives their tokens.
func crowd(b *testing.B, d *db.DB, n int) (*answer.Store, []string) {
	b.Helper()
	f, err := shelf()
	if err != nil {
		b.Fatal(err)
	}
	c := clock.NewVirtual(start)
	s := &answer.Store{DB: d, Clock: c, IDs: ids.New(c, 1, zeros{}), Forms: f}
	links := answer.NewLinks(crypt.FromSeed([]byte("a seed for tests")))
	var tokens []string
	const batch = 500
	for len(tokens) < n {
		var fs []followup.FollowUp
		var in []answer.Invitation
		for range batch {
			id := s.IDs.Next()
			fs = append(fs, followup.FollowUp{
				ID: id, Program: program, Customer: id, TriggerType: "t", TriggerData: "{}", TriggerAt: start,
				State: followup.Waiting, Lane: "email", DueAt: start, Deadline: start.Add(validity), CreatedAt: start,
			})
			in = append(in, answer.Invitation{FollowUp: id, Questionnaire: scored, Channel: "email", Language: "en", Until: start.Add(validity)})
		}
		var issued []string
		err := d.Write(context.Background(), db.Outcome, "crowd", func(tx *db.Tx) (err error) {
			var counts tally.Batch
			if _, err := followup.Start(tx, &counts, fs); err != nil {
				return err
			}
			if issued, err = links.IssueAll(tx, start, in); err != nil {
				return err
			}
			return counts.Flush(tx)
		})
		if err != nil {
			b.Fatal(err)
		}
		tokens = append(tokens, issued...)
	}
	return s, tokens[:n]
}
