package attempt

import (
	"strconv"
	"strings"
	"time"

	"github.com/huiyin/huiyin/internal/people/vault"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/errs"
	"github.com/huiyin/huiyin/internal/platform/outbox"
	"github.com/huiyin/huiyin/internal/platform/tally"
)

const columns = `id, follow_up_id, program_id, customer_id, step, try, channel, purpose, key_id, content, address_key, language,
	state, reason, detail, epoch, ref, sends, intended_at, accepted_at, delivered_at, seen_at, updated_at`

func scan(r *db.Rows) (Attempt, error) {
	var a Attempt
	var intended, accepted, delivered, seen, updated int64
	err := r.Scan(&a.ID, &a.FollowUp, &a.Program, &a.Customer, &a.Step, &a.Try, &a.Channel, &a.Purpose, &a.KeyID, &a.sealed, &a.AddressKey, &a.Language,
		&a.State, &a.Reason, &a.Detail, &a.Epoch, &a.Ref, &a.Sends, &intended, &accepted, &delivered, &seen, &updated)
	a.UpdatedAt = db.Time(updated)
	a.IntendedAt, a.AcceptedAt, a.DeliveredAt, a.SeenAt = db.Time(intended), db.Time(accepted), db.Time(delivered), db.Time(seen)
	return a, err
}

// Intend makes attempts durable, their contents sealed, before anything of them can reach the wire.
func Intend(tx *db.Tx, v *vault.Vault, counts *tally.Batch, as []Attempt) error {
	if len(as) == 0 {
		return nil
	}
	if err := seal(tx.Context(), v, as); err != nil {
		return err
	}
	for i := range as {
		count(counts, &as[i], Intended, as[i].IntendedAt)
	}
	_, err := tx.InsertEach(`INSERT INTO attempt (id, follow_up_id, program_id, customer_id, step, try, channel, purpose, key_id, content, address_key,
			language, state, reason, epoch, intended_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 'intended', '', $13, $14, $14)`, len(as), func(i int) []any {
		a := &as[i]
		return []any{
			a.ID, a.FollowUp, a.Program, a.Customer, a.Step, a.Try, a.Channel, a.Purpose, a.KeyID, a.sealed, a.AddressKey,
			a.Language, a.Epoch, db.Millis(a.IntendedAt),
		}
	})
	return err
}

func count(counts *tally.Batch, a *Attempt, s State, at time.Time) {
	counts.Add(tally.Key{Program: a.Program, Day: tally.Day(at), Metric: MetricAttempt, Dim: strconv.Itoa(a.Step) + ":" + a.Channel + ":" + string(s)}, 1)
}

// Resend marks attempts as going to the wire again, under the same key and a new fence.
func Resend(tx *db.Tx, as []Attempt, now time.Time) error {
	_, err := tx.Each(`UPDATE attempt SET epoch = $2, sends = sends + 1, updated_at = $3 WHERE id = $1 AND state IN ('intended', 'unknown')`,
		len(as), func(i int) []any { return []any{as[i].ID, as[i].Epoch, db.Millis(now)} })
	return err
}

// Prove marks an attempt whose outcome is in doubt as seen, because the customer answered
// it: nobody would ask after it any more, the follow-up being over. With another attempt
// that reached the customer nobody knows which of the two they answered, and the doubt stays.
func Prove(tx *db.Tx, counts *tally.Batch, followUp int64, now time.Time) error {
	all, err := OfFollowUps(tx, []int64{followUp})
	if err != nil {
		return err
	}
	var proven []Change
	for i := range all[followUp] {
		switch a := &all[followUp][i]; {
		case a.State.Reached():
			return nil
		case a.State.Open():
			proven = append(proven, Change{Attempt: a, To: Seen, Reason: codes.Answered, At: now})
		}
	}
	if len(proven) != 1 {
		return nil
	}
	_, err = Apply(tx, counts, proven)
	return err
}

// Change is what became of an attempt.
type Change struct {
	Attempt *Attempt // as last read; State is moved on when the change stands
	To      State
	Reason  codes.Reason
	Detail  string
	Ref     string
	At      time.Time
}

// Apply moves attempts forward and says which changes stand; one that would move
// an attempt back changes nothing. What was delivered, seen or lost on its way was accepted
// before, even if a report of that never came: whoever reports one of these holds the
// attempt's follow-up locked and has read the attempt since.
func Apply(tx *db.Tx, counts *tally.Batch, changes []Change) (stands []bool, err error) {
	stands = make([]bool, len(changes))
	if err := moveForward(tx, changes, stands); err != nil {
		return nil, err
	}
	var told []outbox.Notice
	for i, ok := range stands {
		if !ok {
			continue
		}
		c := &changes[i]
		if c.Attempt.State.Open() && implied(c.To) {
			count(counts, c.Attempt, Accepted, c.At)
			told = append(told, c.tell(outbox.ContactAccepted, codes.Accepted))
		}
		count(counts, c.Attempt, c.To, c.At)
		c.Attempt.State = c.To
		switch c.To {
		case Accepted:
			told = append(told, c.tell(outbox.ContactAccepted, codes.Accepted))
		case Undelivered:
			told = append(told, c.tell(outbox.ContactUndelivered, c.Reason))
		}
	}
	return stands, outbox.Tell(tx, told...)
}

// tell is what the wallet is told of a change: which contact it was, never where it went.
func (c *Change) tell(kind outbox.Kind, reason codes.Reason) outbox.Notice {
	a := c.Attempt
	return outbox.Notice{
		Kind: kind, Customer: a.Customer, FollowUp: a.FollowUp, Program: a.Program, At: c.At,
		Data: map[string]any{
			"follow_up": strconv.FormatInt(a.FollowUp, 10), "contact": strconv.FormatInt(a.ID, 10),
			"step": a.Step + 1, "try": a.Try, "channel": a.Channel, "purpose": a.Purpose, "reason": string(reason),
		},
	}
}

// moveForward writes the changes, those to one state together: each state has its
// own statement, which names the states it may follow.
func moveForward(tx *db.Tx, changes []Change, stands []bool) error {
	for _, to := range []State{Withheld, Rejected, Unknown, Accepted, Undelivered, Delivered, Seen} {
		var at []int
		for i := range changes {
			if changes[i].To == to {
				at = append(at, i)
			}
		}
		moved, err := tx.UpdateEach(forward[to], len(at), func(i int) []any {
			c := &changes[at[i]]
			args := []any{c.Attempt.ID, string(c.Reason), fit(c.Detail), fit(c.Ref), db.Millis(c.At)}
			if fenced(to) {
				args = append(args, c.Attempt.Epoch)
			}
			return args
		})
		if err != nil {
			return err
		}
		for i, ok := range moved {
			stands[at[i]] = ok
		}
	}
	return nil
}

// fenced says that only the latest sender of an attempt may move it to a state: a
// node whose lease ran out knows that its own send failed, not what the next
// node's send under the same key came to.
func fenced(to State) bool { return to == Withheld || to == Rejected }

// implied says that whoever is in this state was accepted before.
func implied(s State) bool { return s == Undelivered || s == Delivered || s == Seen }

// forward is the statement that moves an attempt to a state.
var forward = func() map[State]string {
	stamp := map[State]string{Accepted: "accepted_at", Delivered: "delivered_at", Seen: "seen_at"}
	out := map[State]string{}
	for to, from := range before {
		list := ""
		for i, s := range from {
			if i > 0 {
				list += ", "
			}
			list += "'" + string(s) + "'"
		}
		set := ""
		if c := stamp[to]; c != "" {
			set = ", " + c + " = $5"
		}
		if implied(to) {
			set += ", accepted_at = CASE WHEN accepted_at = 0 THEN $5 ELSE accepted_at END"
		}
		out[to] = `UPDATE attempt SET state = '` + string(to) + `', reason = $2, detail = $3, ref = CASE WHEN $4 = '' THEN ref ELSE $4 END, updated_at = $5` + set +
			` WHERE id = $1 AND state IN (` + list + `)`
		if fenced(to) {
			out[to] += ` AND epoch = $6`
		}
	}
	return out
}()

// OfFollowUps reads the attempts of follow-ups, oldest first.
func OfFollowUps(tx *db.Tx, followUps []int64) (map[int64][]Attempt, error) {
	out := map[int64][]Attempt{}
	return out, tx.Ask(AskOfFollowUps(followUps, out))
}

// AskOfFollowUps asks for the same, into out, together with other questions.
func AskOfFollowUps(followUps []int64, out map[int64][]Attempt) db.Question {
	return db.Question{Query: `SELECT ` + columns + ` FROM attempt WHERE follow_up_id = ANY($1) ORDER BY id`, Args: []any{followUps}, Row: func(r *db.Rows) error {
		a, err := scan(r)
		out[a.FollowUp] = append(out[a.FollowUp], a)
		return err
	}}
}

// OfCustomer reads the ledger of one person, newest first.
func OfCustomer(tx *db.Tx, customer int64, limit int) ([]Attempt, error) {
	return db.All(tx, scan, `SELECT `+columns+` FROM attempt WHERE customer_id = $1 ORDER BY id DESC LIMIT $2`, customer, limit)
}

// One reads an attempt.
func One(tx *db.Tx, id int64) (Attempt, error) {
	return first(tx, `SELECT `+columns+` FROM attempt WHERE id = $1`, id)
}

// Lock reads an attempt, whose follow-up is locked already, and keeps others from changing it until the transaction ends.
func Lock(tx *db.Tx, id int64) (Attempt, error) {
	return first(tx, `SELECT `+columns+` FROM attempt WHERE id = $1 FOR UPDATE`, id)
}

// ByRef is One by the provider's name for it.
func ByRef(tx *db.Tx, channel, ref string) (Attempt, error) {
	return first(tx, `SELECT `+columns+` FROM attempt WHERE channel = $1 AND ref = $2 AND ref <> '' ORDER BY id DESC LIMIT 1`, channel, fit(ref))
}

// fit makes a provider's words fit to be kept: a database takes no broken characters and
// no zeros, and a provider that sends some must not keep outcomes from being written.
func fit(words string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(words, ""), "\x00", "")
}

func first(tx *db.Tx, query string, args ...any) (Attempt, error) {
	as, err := db.All(tx, scan, query, args...)
	if err == nil && len(as) == 0 {
		err = errs.New(errs.NotFound, "attempt-unknown", "no attempt of ours has that name")
	}
	if err != nil {
		return Attempt{}, err
	}
	return as[0], nil
}

// clocksApart is how far a provider's clock may be behind ours, or its times be cut short.
const clocksApart = 30 * time.Second

// LastTo gives the attempt on a channel to an address of one of the customers that something
// said at a time is about: the one the provider names, else the latest made until then that may
// have reached the address; false if there is none.
func LastTo(tx *db.Tx, customers []int64, channel string, addressKey []byte, ref string, at time.Time) (Attempt, bool, error) {
	const those = `SELECT ` + columns + ` FROM attempt WHERE customer_id = ANY($1) AND channel = $2 AND address_key = $3`
	var as []Attempt
	var err error
	if ref = fit(ref); ref != "" {
		as, err = db.All(tx, scan, those+` AND ref = $4 ORDER BY id DESC LIMIT 1`, customers, channel, addressKey, ref)
	}
	if err == nil && len(as) == 0 {
		as, err = db.All(tx, scan, those+` AND intended_at <= $4 AND state NOT IN ('intended', 'withheld', 'rejected') ORDER BY id DESC LIMIT 1`,
			customers, channel, addressKey, db.Millis(at.Add(clocksApart)))
	}
	if err != nil || len(as) == 0 {
		return Attempt{}, false, err
	}
	return as[0], true, nil
}
