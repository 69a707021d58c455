package report

import (
	"compress/gzip"
	"encoding/csv"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/huiyin/huiyin/internal/measure/study"
	"github.com/huiyin/huiyin/internal/people/customer"
	"github.com/huiyin/huiyin/internal/platform/db"
)

// A real campaign of 2008, randomised over three arms: two e-mails and none. Its customers
// are imported with their arms, their visits told to the study, and the report compared with
// a count straight from the file.

const (
	campaignControl = "No E-Mail"
	campaignChunk   = 5_000 // rows of one transaction
)

type shopper struct {
	arm     string
	visited bool
}

// campaign reads the file. Without it the test can say nothing: in CI that is a failure.
func campaign(t *testing.T) []shopper {
	t.Helper()
	folder := os.Getenv("HUIYIN_DATA")
	if folder == "" {
		const loud = "HUIYIN_DATA is not set: the effect was NOT tried on the real campaign hillstrom_uplift"
		if os.Getenv("CI") == "true" {
			t.Fatal(loud)
		}
		t.Log(loud)
		_, _ = fmt.Fprintln(os.Stderr, "!!! "+loud)
		return nil
	}
	file, err := os.Open(filepath.Join(folder, "hillstrom_uplift", "dev.csv.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	unzipped, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	rows := csv.NewReader(unzipped)
	head, err := rows.Read()
	if err != nil {
		t.Fatal(err)
	}
	column := map[string]int{}
	for i, name := range head {
		column[name] = i
	}
	var all []shopper
	for {
		row, err := rows.Read()
		if err == io.EOF {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, shopper{row[column["segment"]], row[column["visit"]] == "1"})
	}
}

// scoreLimits finds by halving where (rate − p)² = z²·p(1−p)/n.
func scoreLimits(hits, n float64) (low, high float64) {
	rate := hits / n
	beyond := func(p float64) bool { return (rate-p)*(rate-p) > 1.959963984540054*1.959963984540054*p*(1-p)/n }
	search := func(inside, outside float64) float64 {
		for range 100 {
			if mid := (inside + outside) / 2; beyond(mid) {
				outside = mid
			} else {
				inside = mid
			}
		}
		return inside
	}
	return search(rate, 0), search(rate, 1)
}

func TestHillstromsCampaignIsReportedAsCountedByHand(t *testing.T) {
	all := campaign(t)
	if all == nil {
		return
	}
	n, visits := map[string]float64{}, map[string]float64{}
	for _, s := range all {
		n[s.arm]++
		if s.visited {
			visits[s.arm]++
		}
	}
	if len(n) != 3 || len(all) < 30_000 {
		t.Fatalf("read %d shoppers in arms %v: the file is another one", len(all), n)
	}
	each(t, func(t *testing.T, d *db.DB) {
		set := publish(t, d, documents)
		id, _ := set.ID("failed-payment")
		live := liveOf(set, id)
		for from := 0; from < len(all); from += campaignChunk {
			part := all[from:min(from+campaignChunk, len(all))]
			importPart(t, d, study.Plan{Program: id, Within: live.Measure.Within}, from, part)
		}
		read(t, d, func(tx *db.Tx) error {
			r, err := Program(tx, set, "failed-payment", time.Time{}, time.Time{})
			if err == nil {
				compareCampaign(t, &r.Effect, n, visits)
			}
			return err
		})
	})
}

// importPart imports shoppers and tells the study of their visits, some twice and some too late.
func importPart(t *testing.T, d *db.DB, plan study.Plan, from int, part []shopper) {
	t.Helper()
	write(t, d, func(tx *db.Tx) error {
		rows := make([]study.Assignment, len(part))
		refs := make([]string, len(part))
		for i, s := range part {
			refs[i] = fmt.Sprint("shopper-", from+i)
			rows[i] = study.Assignment{Ref: refs[i], Arm: s.arm, Control: s.arm == campaignControl, At: monday}
		}
		done, err := study.ImportAssignments(tx, source, plan, rows, monday)
		if err != nil {
			return err
		}
		if done.New != len(part) {
			t.Errorf("%d of %d were imported: %+v", done.New, len(part), done.Refused)
		}
		found, err := customer.Find(tx, refs)
		if err != nil {
			return err
		}
		var hits []study.Hit
		for i, s := range part {
			at := monday.Add(plan.Within + time.Second) // too late: counts for nobody
			if s.visited {
				at = monday.Add(time.Duration(i%7*24) * time.Hour)
				hits = append(hits, study.Hit{Program: plan.Program, Customer: found[refs[i]], At: at.Add(time.Minute)})
			}
			hits = append(hits, study.Hit{Program: plan.Program, Customer: found[refs[i]], At: at})
		}
		return study.Observe(tx, hits)
	})
}

func compareCampaign(t *testing.T, e *Effect, n, visits map[string]float64) {
	t.Helper()
	if len(e.Arms) != 3 || len(e.Differences) != 2 {
		t.Fatalf("%d arms, %d differences", len(e.Arms), len(e.Differences))
	}
	for _, a := range e.Arms {
		if float64(a.N) != n[a.Name] || float64(a.Converted) != visits[a.Name] || a.Control != (a.Name == campaignControl) {
			t.Errorf("%+v, want %g of %g", a, visits[a.Name], n[a.Name])
		}
	}
	for _, d := range e.Differences {
		rate, base := visits[d.Arm]/n[d.Arm], visits[campaignControl]/n[campaignControl]
		low, high := scoreLimits(visits[d.Arm], n[d.Arm])
		baseLow, baseHigh := scoreLimits(visits[campaignControl], n[campaignControl])
		want := [3]float64{
			rate - base,
			rate - base - math.Hypot(rate-low, baseHigh-base),
			rate - base + math.Hypot(high-rate, base-baseLow),
		}
		got := [3]float64{*d.Value, d.Interval.Low, d.Interval.High}
		for i := range got {
			if math.Abs(got[i]-want[i]) > 1e-9 {
				t.Errorf("%s: %v, want %v", d.Arm, got, want)
			}
		}
		t.Log(d.Sentence.English)
	}
}
