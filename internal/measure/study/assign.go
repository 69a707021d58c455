package study

import (
	"strings"
	"time"
	"unicode/utf8"

	"github.com/huiyin/huiyin/internal/people/customer"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/errs"
	"github.com/huiyin/huiyin/internal/platform/ids"
)

// Assignment says in which arm a customer was put by whoever randomised.
type Assignment struct {
	Ref     string // the wallet's id of the customer
	Arm     string
	Control bool // an arm the others are compared with
	At      time.Time
}

// Plan is what an import needs to know of the program.
type Plan struct {
	Program int64
	Within  time.Duration // how long after the assignment a measured event counts
}

// Imported is what came of an import.
type Imported struct {
	New     int       // assigned now
	Same    int       // assigned so already
	Refused []Refused // in the order of the rows
}

// Refused is a row that was not taken, and why.
type Refused struct {
	Row int // from 0
	Err *errs.Error
}

// ImportAssignments puts customers in arms that were drawn elsewhere. They are members
// of the study from their assignment on, and the program's own sample and hold-out no
// longer concern them. A customer we haven't met gets a stub. An assignment never
// changes: the same again is counted as Same, another arm is refused. Bad rows cost
// only themselves. Hits count from the event log as it is read later, so assignments
// are imported before the events they are to be measured by.
func ImportAssignments(tx *db.Tx, source *ids.Source, plan Plan, rows []Assignment, now time.Time) (Imported, error) {
	if len(rows) > assignmentsMax {
		return Imported{}, errs.New(errs.TooLarge, codes.BatchTooLarge, "%d assignments came at once; at most %d are allowed: import the file in parts", len(rows), assignmentsMax)
	}
	if plan.Within <= 0 {
		return Imported{}, errs.New(errs.Conflict, codes.FieldMissing, "the program measures nothing; give it `measure: {event: …, within: …}` and publish it before importing who is in which arm")
	}
	arms, err := knownArms(tx, plan.Program)
	if err != nil {
		return Imported{}, err
	}
	good, refused := sift(rows, arms)
	if len(arms) > armsMax {
		return Imported{}, errs.New(errs.TooLarge, codes.StudyArmsTooMany, "the study would have %d arms; at most %d are allowed: the column of the arm may be another one", len(arms), armsMax)
	}
	refs := make([]string, len(good))
	for i, row := range good {
		refs[i] = rows[row].Ref
	}
	found, err := customer.Resolve(tx, source, refs, now)
	if err != nil {
		return Imported{}, err
	}
	members := make([]Member, len(good))
	customers := make([]int64, len(good))
	for i, row := range good {
		a := &rows[row]
		customers[i] = found[a.Ref]
		members[i] = Member{Program: plan.Program, Customer: found[a.Ref], Arm: a.Arm, Control: a.Control, At: a.At, Until: a.At.Add(plan.Within)}
	}
	if err := customer.Lock(tx, customers); err != nil {
		return Imported{}, err
	}
	return join(tx, plan.Program, good, members, customers, refused)
}

// join enrols those who aren't members yet; the others must have the same arm.
func join(tx *db.Tx, program int64, rows []int, members []Member, customers []int64, refused map[int]*errs.Error) (Imported, error) {
	before, err := MembersFor(tx, customers)
	if err != nil {
		return Imported{}, err
	}
	arm := map[int64]string{}
	for _, m := range before {
		if m.Program == program {
			arm[m.Customer] = m.Arm
		}
	}
	var out Imported
	var fresh []Member
	for i, m := range members {
		had, is := arm[m.Customer]
		switch {
		case !is:
			arm[m.Customer] = m.Arm
			fresh = append(fresh, m)
		case had == m.Arm:
			out.Same++
		default:
			refused[rows[i]] = errs.New(errs.Conflict, codes.AssignmentFixed, "the customer is in arm %q already; an arm can't change without spoiling the comparison", had)
		}
	}
	for row, n := 0, len(refused); n > 0; row++ { // in the order of the rows
		if e := refused[row]; e != nil {
			out.Refused = append(out.Refused, Refused{Row: row, Err: e})
			n--
		}
	}
	if err := assign(tx, fresh); err != nil {
		return Imported{}, err
	}
	added, err := enroll(tx, fresh)
	if err == nil && added != int64(len(fresh)) { // the router was faster with some: nothing of this import stands
		err = errs.New(errs.Busy, codes.Busy, "%d of the customers joined the study while they were being imported; import the file again", int64(len(fresh))-added)
	}
	out.New = len(fresh)
	return out, err
}

// assign keeps who was drawn into which arm, for the router.
func assign(tx *db.Tx, members []Member) error {
	_, err := tx.Each(`INSERT INTO assignment (program_id, customer_id, arm, control, at) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (program_id, customer_id) DO NOTHING`, len(members), func(i int) []any {
		m := &members[i]
		return []any{m.Program, m.Customer, m.Arm, m.Control, db.Millis(m.At)}
	})
	return err
}

// sift gives the rows that can stand and what is wrong with the others; arms met on the
// way are added to arms. Of two rows for one customer the later must say the same.
func sift(rows []Assignment, arms map[string]bool) (good []int, refused map[int]*errs.Error) {
	refused = map[int]*errs.Error{}
	for i := range rows {
		if e := check(&rows[i], arms); e != nil {
			refused[i] = e
			continue
		}
		arms[rows[i].Arm] = rows[i].Control
		good = append(good, i)
	}
	return good, refused
}

func check(a *Assignment, arms map[string]bool) *errs.Error {
	control, known := arms[a.Arm]
	switch {
	case a.Ref == "" || utf8.RuneCountInString(a.Ref) > refCharsMax:
		return errs.New(errs.Invalid, codes.FieldInvalid, "the customer must be the wallet's id, 1 to %d characters", refCharsMax).At("customer")
	case a.Arm == "" || utf8.RuneCountInString(a.Arm) > armCharsMax || strings.ContainsFunc(a.Arm, unprintable):
		return errs.New(errs.Invalid, codes.FieldInvalid, "the arm must be a name of 1 to %d printable characters", armCharsMax).At("arm")
	case a.At.Unix() <= 0:
		return errs.New(errs.Invalid, codes.FieldMissing, "the time of the assignment is missing; write it as 2026-11-01T09:00:00Z").At("at")
	case known && control != a.Control:
		return errs.New(errs.Invalid, codes.FieldInvalid, "arm %q is marked as a control in some rows and not in others; it must be the same in all", a.Arm).At("control")
	}
	return nil
}

func unprintable(r rune) bool { return r < ' ' || r == 0x7f || r == utf8.RuneError }
