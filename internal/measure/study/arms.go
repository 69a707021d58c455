package study

import (
	"cmp"
	"slices"
	"strings"

	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/tally"
)

// The metrics this package counts in tally, both on the day the member entered, so that
// the days of a report choose members and not their hits.
const (
	MetricMember = "study-member" // dim: control:<arm>, arm:<arm>
	MetricHit    = "study-hit"    // likewise: members with a hit inside their window
)

const (
	dimControl = "control"
	dimArm     = "arm"
)

func dim(arm string, control bool) string {
	if control {
		return dimControl + ":" + arm
	}
	return dimArm + ":" + arm
}

// Arm is what came of one arm.
type Arm struct {
	Name    string
	Control bool
	N       int64 // members
	Hits    int64 // of them with the measured event inside their window
	Running int64 // of them with a window that may not have ended yet
}

// Arms reads the arms from tally's sums, as tally.Sum gives them: of the days a report is
// about, and of those among them on which members entered whose windows may still be
// running. The controls come first, then by name.
func Arms(sums, running map[[2]string]int64) []Arm {
	by := map[string]*Arm{}
	for k, n := range sums {
		kind, name, ok := strings.Cut(k[1], ":")
		if !ok || k[0] != MetricMember && k[0] != MetricHit {
			continue
		}
		if by[k[1]] == nil {
			by[k[1]] = &Arm{Name: name, Control: kind == dimControl, Running: running[[2]string{MetricMember, k[1]}]}
		}
		if k[0] == MetricMember {
			by[k[1]].N = n
		} else {
			by[k[1]].Hits = n
		}
	}
	arms := make([]Arm, 0, len(by))
	for _, a := range by {
		arms = append(arms, *a)
	}
	slices.SortFunc(arms, func(a, b Arm) int {
		if a.Control != b.Control {
			if a.Control {
				return -1
			}
			return 1
		}
		return cmp.Compare(a.Name, b.Name)
	})
	return arms
}

// Recount reads from the members' rows what MetricMember and MetricHit should say over the
// program's whole life. It scans: it is for audits.
func Recount(tx *db.Tx, program int64) (map[[2]string]int64, error) {
	sums := map[[2]string]int64{}
	arms, err := db.All(tx, func(r *db.Rows) (Arm, error) {
		var a Arm
		return a, r.Scan(&a.Name, &a.Control, &a.N, &a.Hits)
	}, `SELECT arm, control, COUNT(*), CAST(SUM(CASE WHEN hit_at > 0 THEN 1 ELSE 0 END) AS BIGINT) FROM study_member WHERE program_id = $1 GROUP BY arm, control`, program)
	for _, a := range arms {
		sums[[2]string{MetricMember, dim(a.Name, a.Control)}] = a.N
		sums[[2]string{MetricHit, dim(a.Name, a.Control)}] = a.Hits
	}
	return sums, err
}

// knownArms gives a program's arms and which of them are controls.
func knownArms(tx *db.Tx, program int64) (map[string]bool, error) {
	sums, err := tally.Sum(tx, program, 0, daysMax)
	arms := map[string]bool{}
	for _, a := range Arms(sums, nil) {
		arms[a.Name] = a.Control
	}
	return arms, err
}
