package customer

import (
	"context"
	"fmt"
	"testing"

	"github.com/huiyin/huiyin/internal/people/vault/vaulttest"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/db/dbtest"
)

// BenchmarkUpsert writes newcomers with a phone and a mailbox, 1,000 in a transaction.
func BenchmarkUpsert(b *testing.B) {
	const n = 1_000
	for _, engine := range []string{"sqlite", "postgres"} {
		b.Run(engine, func(b *testing.B) {
			open := dbtest.SQLite
			if engine == "postgres" {
				open = dbtest.Postgres
			}
			v := vaulttest.New(b)
			d, s, batch := open(b, db.Options{}), source(1), 0
			for b.Loop() {
				list := make([]*Customer, n)
				for i := range list {
					list[i] = &Customer{Ref: fmt.Sprintf("C%d-%d", batch, i), Name: "张三", Language: "zh-CN", Country: "CN", Zones: []string{"Asia/Shanghai"}, Points: []Point{
						{Channel: "phone", Address: fmt.Sprintf("+86138%04d%04d", batch, i)}, {Channel: "email", Address: fmt.Sprintf("c%d-%d@example.com", batch, i)},
					}}
					if err := Normalise(list[i], keys, now); err != nil {
						b.Fatal(err)
					}
				}
				err := d.Write(context.Background(), db.Import, "bench", func(tx *db.Tx) error {
					_, err := Upsert(tx, v, s, list, now)
					return err
				})
				if err != nil {
					b.Fatal(err)
				}
				batch++
			}
			b.ReportMetric(float64(batch*n)/b.Elapsed().Seconds(), "customers/s")
		})
	}
}
