package outbox

import (
	"errors"
	"strings"
	"time"

	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/db"
)

const (
	answerBytesMax = 500 // of what a receiver answered
	faultBytesMax  = 300
	logMost        = 500
)

// State is where a delivery stands.
type State string

// The states. Those after Waiting are final until somebody sends it again.
const (
	Waiting   State = "waiting"
	Delivered State = "delivered"
	Dead      State = "dead"    // tried to the end of the schedule, or refused for good
	Dropped   State = "dropped" // its customer was erased, or its endpoint removed
)

// Delivery is one notice for one endpoint.
type Delivery struct {
	ID, Notice, Endpoint int64
	State                State
	Tries                int // since it was last asked for
	DueAt                time.Time
	Epoch                int64 // the fence
	UpdatedAt            time.Time

	Kind                        Kind
	Customer, FollowUp, Program int64
	Subject                     string
	At                          time.Time
	Data                        string // JSON object
}

// Try is one sending of a delivery.
type Try struct {
	ID, Delivery int64
	At           time.Time
	Status       int // of HTTP; 0: there was no answer
	Millis       int64
	Fault        string // why there was no answer
	Answer       string // its beginning
}

const (
	deliveryColumns = `d.id, d.outbox_id, d.endpoint_id, d.state, d.tries, d.due_at, d.epoch, d.updated_at,
		o.kind, o.customer_id, o.follow_up_id, o.program_id, o.subject, o.at, o.data`
	fromDelivery = ` FROM webhook_delivery d JOIN outbox o ON o.id = d.outbox_id `
)

func scanDelivery(r *db.Rows) (Delivery, error) {
	var d Delivery
	var due, updated, at int64
	err := r.Scan(&d.ID, &d.Notice, &d.Endpoint, &d.State, &d.Tries, &due, &d.Epoch, &updated,
		&d.Kind, &d.Customer, &d.FollowUp, &d.Program, &d.Subject, &at, &d.Data)
	d.DueAt, d.UpdatedAt, d.At = db.Time(due), db.Time(updated), db.Time(at)
	return d, err
}

// Share makes deliveries of up to limit new notices, for each active endpoint that
// wants them, and says how many notices it took.
func Share(tx *db.Tx, endpoints []Endpoint, now time.Time, limit int) (int, error) {
	type fresh struct {
		id   int64
		kind Kind
	}
	all, err := db.All(tx, func(r *db.Rows) (f fresh, err error) {
		err = r.Scan(&f.id, &f.kind)
		return f, err
	}, `SELECT id, kind FROM outbox WHERE shared_at = 0 ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED`, limit)
	if err != nil || len(all) == 0 {
		return 0, err
	}
	notices := make([]int64, len(all))
	var pairs [][2]int64
	for i, f := range all {
		notices[i] = f.id
		for _, e := range endpoints {
			if e.State == Active && wanted(join(e.Kinds), f.kind) {
				pairs = append(pairs, [2]int64{f.id, e.ID})
			}
		}
	}
	ms := db.Millis(now)
	if _, err := tx.InsertEach(`INSERT INTO webhook_delivery (outbox_id, endpoint_id, state, due_at, updated_at) VALUES ($1, $2, 'waiting', $3, $3)
		ON CONFLICT (outbox_id, endpoint_id) DO NOTHING`, len(pairs), func(i int) []any { return []any{pairs[i][0], pairs[i][1], ms} }); err != nil {
		return 0, err
	}
	_, err = tx.Exec(`UPDATE outbox SET shared_at = $2 WHERE id = ANY($1)`, notices, ms)
	return len(all), err
}

// Pending says whether there are notices to share.
func Pending(tx *db.Tx) (bool, error) {
	var id int64
	err := tx.QueryRow(`SELECT id FROM outbox WHERE shared_at = 0 LIMIT 1`).Scan(&id)
	return err == nil, ignoreNone(err)
}

// NextDue is when the next delivery of an endpoint is due; zero if none waits.
func NextDue(tx *db.Tx, endpoint int64) (time.Time, error) {
	var ms int64
	err := tx.QueryRow(`SELECT due_at FROM webhook_delivery WHERE endpoint_id = $1 AND state = 'waiting' ORDER BY due_at LIMIT 1`, endpoint).Scan(&ms)
	return db.Time(ms), ignoreNone(err)
}

// Claim gives up to limit deliveries of an endpoint that are due, the oldest first, to
// one sender: until the lease ends nobody else is given them.
func Claim(tx *db.Tx, endpoint int64, now time.Time, lease time.Duration, limit int) ([]Delivery, error) {
	all, err := db.All(tx, scanDelivery, `SELECT `+deliveryColumns+fromDelivery+`WHERE d.endpoint_id = $1 AND d.state = 'waiting' AND d.due_at <= $2
		ORDER BY d.due_at, d.id LIMIT $3 FOR UPDATE OF d SKIP LOCKED`, endpoint, db.Millis(now), limit)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	ids := make([]int64, len(all))
	for i := range all {
		all[i].Epoch++
		all[i].DueAt = now.Add(lease)
		ids[i] = all[i].ID
	}
	_, err = tx.Exec(`UPDATE webhook_delivery SET due_at = $2, epoch = epoch + 1 WHERE id = ANY($1)`, ids, db.Millis(now.Add(lease)))
	return all, err
}

// Conclude keeps a try and what it came to. It says whether the fence still held: if
// not, somebody else has the delivery and only the try is kept.
func Conclude(tx *db.Tx, d Delivery, t Try, to State, due, now time.Time) (bool, error) {
	if _, err := tx.Exec(`INSERT INTO webhook_try (delivery_id, at, status, ms, fault, answer) VALUES ($1, $2, $3, $4, $5, $6)`,
		d.ID, db.Millis(t.At), t.Status, t.Millis, fit(t.Fault, faultBytesMax), fit(t.Answer, answerBytesMax)); err != nil {
		return false, err
	}
	return move(tx, d, to, d.Tries+1, due, now)
}

// Drop ends a delivery that is not to be sent: its customer was erased.
func Drop(tx *db.Tx, d Delivery, now time.Time) (bool, error) {
	return move(tx, d, Dropped, d.Tries, now, now)
}

func move(tx *db.Tx, d Delivery, to State, tries int, due, now time.Time) (bool, error) {
	n, err := tx.Exec(`UPDATE webhook_delivery SET state = $3, tries = $4, due_at = $5, epoch = epoch + 1, updated_at = $6 WHERE id = $1 AND epoch = $2 AND state = 'waiting'`,
		d.ID, d.Epoch, string(to), tries, db.Millis(due), db.Millis(now))
	return n == 1, err
}

// fit makes a receiver's words fit to be kept: bounded, whole characters, no zeros.
func fit(words string, most int) string {
	if len(words) > most {
		words = words[:most]
	}
	return strings.ReplaceAll(strings.ToValidUTF8(words, ""), "\x00", "")
}

// Log lists the deliveries of an endpoint, the newest first, before one (0: from the newest), of a state ("": any).
func Log(tx *db.Tx, endpoint, before int64, s State, limit int) ([]Delivery, error) {
	return db.All(tx, scanDelivery, `SELECT `+deliveryColumns+fromDelivery+`WHERE d.endpoint_id = $1 AND ($2 = 0 OR d.id < $2) AND ($3 = '' OR d.state = $3)
		ORDER BY d.id DESC LIMIT $4`, endpoint, before, string(s), min(limit, logMost))
}

// Tries gives what was tried for deliveries, in order.
func Tries(tx *db.Tx, deliveries []int64) (map[int64][]Try, error) {
	all, err := db.All(tx, func(r *db.Rows) (t Try, err error) {
		var at int64
		err = r.Scan(&t.ID, &t.Delivery, &at, &t.Status, &t.Millis, &t.Fault, &t.Answer)
		t.At = db.Time(at)
		return t, err
	}, `SELECT id, delivery_id, at, status, ms, fault, answer FROM webhook_try WHERE delivery_id = ANY($1) ORDER BY id`, deliveries)
	out := map[int64][]Try{}
	for _, t := range all {
		out[t.Delivery] = append(out[t.Delivery], t)
	}
	return out, err
}

// Again makes one delivery wait anew, whatever became of it.
func Again(tx *db.Tx, endpoint, id int64, now time.Time) error {
	n, err := tx.Exec(`UPDATE webhook_delivery SET state = 'waiting', tries = 0, due_at = $3, epoch = epoch + 1, updated_at = $3 WHERE id = $1 AND endpoint_id = $2`,
		id, endpoint, db.Millis(now))
	if err == nil && n == 0 {
		err = errNoDelivery(id)
	}
	return err
}

// AgainSince makes what happened since a moment wait anew for an endpoint, in order of
// notices after one, some at a time: whether it was told before, died, or came while
// the endpoint was disabled. onlyDead leaves out what was delivered. It says which
// notice came last (0: there are no more) and how many wait now.
func AgainSince(tx *db.Tx, e Endpoint, since time.Time, onlyDead bool, now time.Time, after int64, limit int) (last int64, n int64, err error) {
	ids, err := db.All(tx, func(r *db.Rows) (id int64, err error) {
		err = r.Scan(&id)
		return id, err
	}, `SELECT id FROM outbox WHERE id > $1 AND at >= $2 AND kind <> $3 AND ($4 = '*' OR $4 LIKE '% ' || kind || ' %') ORDER BY id LIMIT $5`,
		after, db.Millis(since), string(WebhookTest), join(e.Kinds), limit)
	if err != nil || len(ids) == 0 {
		return 0, 0, err
	}
	n, err = tx.Exec(`INSERT INTO webhook_delivery (outbox_id, endpoint_id, state, due_at, updated_at)
		SELECT id, $2::bigint, 'waiting', $3::bigint, $3::bigint FROM outbox WHERE id = ANY($1)
		ON CONFLICT (outbox_id, endpoint_id) DO UPDATE SET state = 'waiting', tries = 0, due_at = excluded.due_at, updated_at = excluded.updated_at, epoch = webhook_delivery.epoch + 1
		WHERE webhook_delivery.state = 'dead' OR webhook_delivery.state <> 'waiting' AND NOT $4::boolean`, ids, e.ID, db.Millis(now), onlyDead)
	return ids[len(ids)-1], n, err
}

// Test makes a delivery for one endpoint that tells of nothing, to see whether it arrives.
func Test(tx *db.Tx, e Endpoint, now time.Time) (id int64, err error) {
	var notice int64
	err = tx.QueryRow(`INSERT INTO outbox (kind, at, data, shared_at) VALUES ($1, $2, '{}', $2) RETURNING id`, string(WebhookTest), db.Millis(now)).Scan(&notice)
	if err != nil {
		return 0, err
	}
	err = tx.QueryRow(`INSERT INTO webhook_delivery (outbox_id, endpoint_id, state, due_at, updated_at) VALUES ($1, $2, 'waiting', $3, $3) RETURNING id`,
		notice, e.ID, db.Millis(now)).Scan(&id)
	return id, err
}

// Counts says how many deliveries of each endpoint are in each state, by name; of one that is removed nothing.
func Counts(tx *db.Tx) (map[string]map[State]int64, error) {
	out := map[string]map[State]int64{}
	rows, err := tx.Query(`SELECT e.name, d.state, COUNT(*) FROM webhook_delivery d JOIN webhook_endpoint e ON e.id = d.endpoint_id GROUP BY e.name, d.state`)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var name string
		var s State
		var n int64
		if err := rows.Scan(&name, &s, &n); err != nil {
			return nil, err
		}
		if out[name] == nil {
			out[name] = map[State]int64{}
		}
		out[name][s] = n
	}
	return out, rows.Err()
}

// Forget deletes up to limit notices older than a moment, with their deliveries and tries, and says how many.
func Forget(tx *db.Tx, before time.Time, limit int) (int, error) {
	ids, err := db.All(tx, func(r *db.Rows) (id int64, err error) {
		err = r.Scan(&id)
		return id, err
	}, `SELECT id FROM outbox WHERE at < $1 ORDER BY at LIMIT $2 FOR UPDATE SKIP LOCKED`, db.Millis(before), limit)
	if err != nil || len(ids) == 0 {
		return 0, err
	}
	return len(ids), remove(tx, ids)
}

// Erase deletes what was to be told of a customer; what tells of the erasure itself stays.
func Erase(tx *db.Tx, customer int64) error {
	ids, err := db.All(tx, func(r *db.Rows) (id int64, err error) {
		err = r.Scan(&id)
		return id, err
	}, `SELECT id FROM outbox WHERE customer_id = $1 AND kind <> $2`, customer, string(CustomerErased))
	if err != nil || len(ids) == 0 {
		return err
	}
	return remove(tx, ids)
}

func remove(tx *db.Tx, notices []int64) error {
	_, tries := tx.Exec(`DELETE FROM webhook_try WHERE delivery_id IN (SELECT id FROM webhook_delivery WHERE outbox_id = ANY($1))`, notices)
	_, deliveries := tx.Exec(`DELETE FROM webhook_delivery WHERE outbox_id = ANY($1)`, notices)
	_, outbox := tx.Exec(`DELETE FROM outbox WHERE id = ANY($1)`, notices)
	return errors.Join(tries, deliveries, outbox)
}

// DisableGone disables an endpoint that answered that it is gone.
func DisableGone(tx *db.Tx, id int64) error {
	_, err := tx.Exec(`UPDATE webhook_endpoint SET state = 'disabled', reason = $2 WHERE id = $1 AND state = 'active'`, id, string(codes.EndpointGone))
	return err
}
