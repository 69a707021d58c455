package followup

import (
	"errors"
	"fmt"
	"time"

	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/errs"
	"github.com/huiyin/huiyin/internal/platform/outbox"
	"github.com/huiyin/huiyin/internal/platform/tally"
)

const columns = `id, program_id, version_id, customer_id, reentry, trigger_seq, trigger_type, trigger_at, trigger_data,
	held_out, state, reason, step, lane, due_at, priority, deadline_at, epoch, merged, created_at, updated_at, ended_at`

func scan(r *db.Rows) (FollowUp, error) {
	var f FollowUp
	var triggerAt, due, deadline, created, updated, ended int64
	err := r.Scan(&f.ID, &f.Program, &f.Version, &f.Customer, &f.Reentry, &f.TriggerSeq, &f.TriggerType, &triggerAt, &f.TriggerData,
		&f.HeldOut, &f.State, &f.Reason, &f.Step, &f.Lane, &due, &f.Priority, &deadline, &f.Epoch, &f.Merged, &created, &updated, &ended)
	f.TriggerAt, f.DueAt, f.Deadline = db.Time(triggerAt), db.Time(due), db.Time(deadline)
	f.CreatedAt, f.UpdatedAt, f.EndedAt = db.Time(created), db.Time(updated), db.Time(ended)
	return f, err
}

// Start inserts new follow-ups and says which of them stand. One that finds its
// customer, program and re-entry key taken by an open one is not inserted: the
// trigger merges into that. A follow-up may be inserted already ended (held out
// of a program without notices).
func Start(tx *db.Tx, counts *tally.Batch, fs []FollowUp) (started []bool, err error) {
	touched, err := tx.Each(`INSERT INTO follow_up (id, program_id, version_id, customer_id, reentry, trigger_seq, trigger_type, trigger_at, trigger_data,
			held_out, state, reason, step, lane, due_at, priority, deadline_at, created_at, updated_at, ended_at, merged)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $18, $19, $20)
		ON CONFLICT (program_id, customer_id, reentry) WHERE ended_at = 0 DO NOTHING`, len(fs),
		func(i int) []any {
			f := &fs[i]
			return []any{
				f.ID, f.Program, f.Version, f.Customer, f.Reentry, f.TriggerSeq, f.TriggerType, db.Millis(f.TriggerAt), f.TriggerData,
				f.HeldOut, string(f.State), string(f.Reason), f.Step, f.Lane, db.Millis(f.DueAt), f.Priority, db.Millis(f.Deadline), db.Millis(f.CreatedAt), db.Millis(f.EndedAt), f.Merged,
			}
		})
	if err != nil {
		return nil, err
	}
	started = make([]bool, len(fs))
	var told []outbox.Notice
	for i, n := range touched {
		if started[i] = n == 1; started[i] {
			countStart(counts, &fs[i])
			told = append(told, tellStart(&fs[i])...)
		}
	}
	return started, outbox.Tell(tx, told...)
}

func countStart(counts *tally.Batch, f *FollowUp) {
	arm := "treated"
	if f.HeldOut {
		arm = "held-out"
	}
	counts.Add(tally.Key{Program: f.Program, Day: tally.Day(f.CreatedAt), Metric: MetricStarted, Dim: arm}, 1)
	if f.State.Final() {
		countEnd(counts, f.Program, f.EndedAt, f.State, f.Reason, 1)
	}
}

func countEnd(counts *tally.Batch, program int64, at time.Time, s State, reason codes.Reason, n int64) {
	day := tally.Day(at)
	counts.Add(tally.Key{Program: program, Day: day, Metric: MetricEnded, Dim: string(s)}, n)
	counts.Add(tally.Key{Program: program, Day: day, Metric: MetricReason, Dim: string(s) + ":" + string(reason)}, n)
}

// Merge counts a later trigger in the open follow-up of (program, customer, reentry) and gives its id.
func Merge(tx *db.Tx, program, customer int64, reentry string) (int64, error) {
	var id int64
	err := tx.QueryRow(`UPDATE follow_up SET merged = merged + 1 WHERE program_id = $1 AND customer_id = $2 AND reentry = $3 AND ended_at = 0 RETURNING id`,
		program, customer, reentry).Scan(&id)
	return id, err
}

// Notes keeps why triggers started nothing of their own.
func Notes(tx *db.Tx, notes []Note) error {
	_, err := tx.Each(`INSERT INTO trigger_note (id, program_id, customer_id, event_seq, at, outcome, reason, follow_up_id)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`, len(notes), func(i int) []any {
		n := &notes[i]
		return []any{n.ID, n.Program, n.Customer, n.EventSeq, db.Millis(n.At), n.Outcome, string(n.Reason), n.FollowUp}
	})
	return err
}

// Due locks up to limit follow-ups of a lane that are due at now, the oldest first.
// The rows stay locked until the transaction ends; other nodes skip them.
func Due(tx *db.Tx, lane string, now time.Time, limit int) ([]FollowUp, error) {
	return db.All(tx, scan, `SELECT `+columns+` FROM follow_up
		WHERE state IN ('waiting', 'contacting') AND lane = $1 AND due_at <= $2
		ORDER BY due_at, priority DESC, id LIMIT $3 FOR UPDATE SKIP LOCKED`, lane, db.Millis(now), limit)
}

// NextDue is when the next follow-up of a lane is due; zero if none is.
func NextDue(tx *db.Tx, lane string) (time.Time, error) {
	var ms int64
	err := tx.QueryRow(`SELECT due_at FROM follow_up WHERE state IN ('waiting', 'contacting') AND lane = $1 ORDER BY due_at LIMIT 1`, lane).Scan(&ms)
	if errors.Is(err, db.ErrNoRows) {
		return time.Time{}, nil
	}
	return db.Time(ms), err
}

// Move is a change of one follow-up, made by whoever holds its fence.
type Move struct {
	ID, Program int64
	Epoch       int64 // the fence it was read under
	State       State
	Reason      codes.Reason
	Step        int
	Lane        string
	DueAt       time.Time
	Raise       bool // raise the fence: a new claim
}

// Moves applies changes and says which of them still held the fence; the others
// changed nothing. A final state is counted.
func Moves(tx *db.Tx, counts *tally.Batch, now time.Time, moves []Move) (held []bool, err error) {
	held, err = tx.UpdateEach(`UPDATE follow_up SET state = $3, reason = $4, step = $5, lane = $6, due_at = $7, epoch = epoch + $8, updated_at = $9, ended_at = $10
		WHERE id = $1 AND epoch = $2 AND ended_at = 0`, len(moves), func(i int) []any {
		m := &moves[i]
		raise, ended := int64(0), int64(0)
		if m.Raise {
			raise = 1
		}
		if m.State.Final() {
			ended = db.Millis(now)
		}
		return []any{m.ID, m.Epoch, string(m.State), string(m.Reason), m.Step, m.Lane, db.Millis(m.DueAt), raise, db.Millis(now), ended}
	})
	if err != nil {
		return nil, err
	}
	var told []outbox.Notice
	for i := range held {
		m := &moves[i]
		switch {
		case !held[i]:
		case m.State.Final():
			countEnd(counts, m.Program, now, m.State, m.Reason, 1)
			told = append(told, tellEnd(m.ID, m.Program, now, m.State, m.Reason))
		case m.State == SetAside:
			counts.Add(tally.Key{Program: m.Program, Day: tally.Day(now), Metric: MetricAside, Dim: "in"}, 1)
		}
	}
	return held, outbox.Tell(tx, told...)
}

// Decide keeps decisions and counts them.
func Decide(tx *db.Tx, counts *tally.Batch, program func(i int) int64, ds []Decision) error {
	for i := range ds {
		counts.Add(tally.Key{Program: program(i), Day: tally.Day(ds[i].At), Metric: MetricDecided, Dim: string(ds[i].Verdict) + ":" + string(ds[i].Reason)}, 1)
	}
	_, err := tx.InsertEach(`INSERT INTO decision (id, follow_up_id, step, at, verdict, reason, rule, until_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		len(ds), func(i int) []any {
			d := &ds[i]
			return []any{d.ID, d.FollowUp, d.Step, db.Millis(d.At), string(d.Verdict), string(d.Reason), d.Rule, db.Millis(d.Until)}
		})
	return err
}

// End ends an open follow-up from outside (an answer, a cancelling event, a person)
// and raises its fence, so that a send in flight is stopped at its last look. It
// says whether it was open. A set-aside one ends too.
func End(tx *db.Tx, counts *tally.Batch, id int64, now time.Time, s State, reason codes.Reason) (bool, error) {
	f, err := Lock(tx, id)
	if err != nil {
		return false, err
	}
	if !f.EndedAt.IsZero() {
		return false, nil
	}
	return true, end(tx, counts, &f, now, s, reason)
}

func end(tx *db.Tx, counts *tally.Batch, f *FollowUp, now time.Time, s State, reason codes.Reason) error {
	_, err := tx.Exec(`UPDATE follow_up SET state = $2, reason = $3, epoch = epoch + 1, updated_at = $4, ended_at = $4 WHERE id = $1`,
		f.ID, string(s), string(reason), db.Millis(now))
	if err != nil {
		return err
	}
	if f.State == SetAside {
		counts.Add(tally.Key{Program: f.Program, Day: tally.Day(now), Metric: MetricAside, Dim: "out"}, 1)
	}
	countEnd(counts, f.Program, now, s, reason, 1)
	return outbox.Tell(tx, tellEnd(f.ID, f.Program, now, s, reason))
}

// Answer ends a follow-up as answered. One that had ended without an answer is
// turned into answered, and what was counted for its former end is taken back.
// A held-out customer was asked nothing, and a cancelled or suppressed matter may
// still be answered by someone who kept the link. It says whether it was this answer that
// ended it.
func Answer(tx *db.Tx, counts *tally.Batch, id int64, now time.Time) (ended bool, err error) {
	f, err := Lock(tx, id)
	if err != nil || f.State == Answered {
		return false, err
	}
	if !f.EndedAt.IsZero() {
		countEnd(counts, f.Program, f.EndedAt, f.State, f.Reason, -1)
	}
	return true, end(tx, counts, &f, now, Answered, codes.Answered)
}

// Lock reads a follow-up and keeps others from changing it until the transaction ends.
// Whoever locks more takes the follow-up first, then customers, attempts and allowances.
func Lock(tx *db.Tx, id int64) (FollowUp, error) {
	fs, err := db.All(tx, scan, `SELECT `+columns+` FROM follow_up WHERE id = $1 FOR UPDATE`, id)
	if err == nil && len(fs) == 0 {
		err = errs.New(errs.NotFound, "follow-up-unknown", "there is no follow-up %d", id)
	}
	if err != nil {
		return FollowUp{}, err
	}
	return fs[0], nil
}

// LockAll is Lock for many, in order of id, so that two who do it never wait for each other in a circle.
func LockAll(tx *db.Tx, ids []int64) error {
	if tx.Engine() == db.SQLite || len(ids) == 0 {
		return nil // one writer: nothing to lock
	}
	_, err := db.All(tx, scanID, `SELECT id FROM follow_up WHERE id = ANY($1) ORDER BY id FOR UPDATE`, ids)
	return err
}

func scanID(r *db.Rows) (id int64, err error) {
	err = r.Scan(&id)
	return id, err
}

// Resume puts a set-aside follow-up back to waiting: a person found out what became of the attempt.
func Resume(tx *db.Tx, counts *tally.Batch, id int64, now time.Time, step int, lane string, due time.Time) error {
	f, err := Lock(tx, id)
	if err != nil {
		return err
	}
	if f.State != SetAside {
		return errs.New(errs.Conflict, "follow-up-not-set-aside", "follow-up %d is %s, not set aside; somebody has ended it already", id, f.State)
	}
	counts.Add(tally.Key{Program: f.Program, Day: tally.Day(now), Metric: MetricAside, Dim: "out"}, 1)
	_, err = tx.Exec(`UPDATE follow_up SET state = 'waiting', reason = '', step = $2, lane = $3, due_at = $4, epoch = epoch + 1, updated_at = $5 WHERE id = $1`,
		id, step, lane, db.Millis(due), db.Millis(now))
	return err
}

// Wake makes the waiting follow-ups of a program due now: it was resumed.
func Wake(tx *db.Tx, program int64, reason codes.Reason, now time.Time) (int64, error) {
	return tx.Exec(`UPDATE follow_up SET due_at = $3 WHERE program_id = $1 AND reason = $2 AND state = 'waiting' AND ended_at = 0 AND due_at > $3`,
		program, string(reason), db.Millis(now))
}

// WakeSome is Wake for some: for those of customers after the given one. It says whose came
// last; 0: there are no more. A program may hold a million, and writers wait for each other.
func WakeSome(tx *db.Tx, program int64, reason codes.Reason, now time.Time, after int64, limit int) (last int64, err error) {
	customers, err := db.All(tx, scanID, `SELECT customer_id FROM follow_up WHERE program_id = $1 AND customer_id > $2 AND ended_at = 0
		ORDER BY customer_id LIMIT $3`, program, after, limit)
	if err != nil || len(customers) == 0 {
		return 0, err
	}
	last = customers[len(customers)-1]
	_, err = tx.Exec(`UPDATE follow_up SET due_at = $5 WHERE program_id = $1 AND customer_id > $2 AND customer_id <= $3 AND ended_at = 0
		AND reason = $4 AND state = 'waiting' AND due_at > $5`, program, after, last, string(reason), db.Millis(now))
	return last, err
}

// LockHeld locks the follow-ups of customers that wait for a reason. Whoever changes the
// customers and then wakes those who waited for it takes the locks so in the order in which
// contacts are recorded.
func LockHeld(tx *db.Tx, customers []int64, reason codes.Reason) error {
	if tx.Engine() == db.SQLite || len(customers) == 0 {
		return nil // one writer: nothing to lock
	}
	_, err := db.All(tx, scanID, `SELECT id FROM follow_up WHERE customer_id = ANY($1) AND reason = $2 AND state = 'waiting' AND ended_at = 0
		ORDER BY id FOR UPDATE`, customers, string(reason))
	return err
}

// WakeCustomer makes the waiting follow-ups of a customer due now: what we know of them changed.
func WakeCustomer(tx *db.Tx, customer int64, reason codes.Reason, now time.Time) (int64, error) {
	return WakeCustomers(tx, []int64{customer}, reason, now)
}

// WakeCustomers is WakeCustomer for many.
func WakeCustomers(tx *db.Tx, customers []int64, reason codes.Reason, now time.Time) (int64, error) {
	return tx.Exec(`UPDATE follow_up SET due_at = $3 WHERE customer_id = ANY($1) AND reason = $2 AND state = 'waiting' AND ended_at = 0 AND due_at > $3`,
		customers, string(reason), db.Millis(now))
}

// Fences asks for the state and fence of follow-ups, for the last look.
func Fences(ids []int64, out map[int64]Fence) db.Question {
	return db.Question{
		Query: `SELECT f.id, f.epoch, f.state, f.due_at, p.state FROM follow_up f JOIN program p ON p.id = f.program_id WHERE f.id = ANY($1)`,
		Args:  []any{ids},
		Row: func(r *db.Rows) error {
			var id, lease int64
			var e Fence
			if err := r.Scan(&id, &e.Epoch, &e.State, &lease, &e.Program); err != nil {
				return err
			}
			e.LeaseUntil = db.Time(lease)
			out[id] = e
			return nil
		},
	}
}

// Fence is what must still hold when a send begins.
type Fence struct {
	Epoch      int64
	State      State
	LeaseUntil time.Time
	Program    string // the program's state
}

// String names a follow-up in messages for people.
func (f *FollowUp) String() string {
	return fmt.Sprintf("follow-up %d (%s, step %d)", f.ID, f.State, f.Step+1)
}
