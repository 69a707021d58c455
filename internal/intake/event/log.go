package event

import (
	"crypto/sha256"
	"slices"
	"strings"
	"time"

	"github.com/huiyin/huiyin/internal/platform/db"
)

const (
	// dedupeBucket is the stretch of event time within which an id is known again. The
	// same event must carry the same time (our profile of CloudEvents), so it always falls
	// in the same bucket; keys of old buckets can be dropped without reading the others.
	dedupeBucket = time.Hour
	dedupeBytes  = 16 // of SHA-256; a chance collision needs about 2^64 events in one hour

	readMax = 10_000 // events in one Read

	// appendLock is the advisory lock that writers of the log hold on PostgreSQL.
	appendLock = 0x68757969_6c6f67
)

const (
	insertKey = `INSERT INTO event_key (bucket, key) VALUES ($1, $2) ON CONFLICT DO NOTHING`
	insertLog = `INSERT INTO event_log (id, source, type, subject, at, received_at, data) VALUES ($1, $2, $3, $4, $5, $6, $7)`

	insertBoth = `WITH incoming AS (
  SELECT bucket, key, id, source, type, subject, at, received_at, data, n
  FROM unnest($1::bigint[], $2::bytea[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::bigint[], $9::text[])
    WITH ORDINALITY AS i(bucket, key, id, source, type, subject, at, received_at, data, n)
), fresh AS (
  INSERT INTO event_key (bucket, key) SELECT bucket, key FROM incoming ORDER BY bucket, key
  ON CONFLICT DO NOTHING RETURNING bucket, key
)
INSERT INTO event_log (id, source, type, subject, at, received_at, data)
SELECT id, source, type, subject, at, received_at, data FROM incoming JOIN fresh USING (bucket, key) ORDER BY n`

	selectEvents = `SELECT seq, id, source, type, subject, at, received_at, data FROM event_log `
)

// dedupeKey is what an event is known again by.
type dedupeKey struct {
	bucket int64
	key    [dedupeBytes]byte
}

func keyOf(e *Event) dedupeKey {
	b := make([]byte, 0, 256)
	b = append(b, e.Source...)
	b = append(b, 0) // neither may hold it, so ("a", "bc") and ("ab", "c") differ
	b = append(b, e.ID...)
	sum := sha256.Sum256(b)
	k := dedupeKey{bucket: e.At.UnixMilli() / dedupeBucket.Milliseconds()}
	copy(k.key[:], sum[:])
	return k
}

// Append puts the events that are new behind the end of the log, in the given order.
// An event is a duplicate when its source, id and hour are in the log or earlier in events.
func Append(tx *db.Tx, events []Event) (accepted, duplicates int, err error) {
	fresh := make([]int, 0, len(events)) // indexes of events met for the first time here
	keys := make([]dedupeKey, len(events))
	met := make(map[dedupeKey]struct{}, len(events))
	for i := range events {
		keys[i] = keyOf(&events[i])
		if _, again := met[keys[i]]; !again {
			met[keys[i]] = struct{}{}
			fresh = append(fresh, i)
		}
	}
	if len(fresh) == 0 {
		return 0, len(events), nil
	}
	if tx.Engine() == db.Postgres {
		accepted, err = appendPostgres(tx, events, keys, fresh)
	} else {
		accepted, err = appendSQLite(tx, events, keys, fresh)
	}
	if err != nil {
		return 0, 0, err
	}
	return accepted, len(events) - accepted, nil
}

// appendSQLite goes key by key: in process a prepared statement per row is the fastest way.
// Keys go in sorted, since neighbours then share a page.
func appendSQLite(tx *db.Tx, events []Event, keys []dedupeKey, fresh []int) (int, error) {
	sorted := slices.Clone(fresh)
	slices.SortFunc(sorted, func(a, b int) int {
		if keys[a].bucket != keys[b].bucket {
			return int(keys[a].bucket - keys[b].bucket)
		}
		return strings.Compare(string(keys[a].key[:]), string(keys[b].key[:]))
	})
	touched, err := tx.Each(insertKey, len(sorted), func(i int) []any {
		k := &keys[sorted[i]]
		return []any{k.bucket, k.key[:]}
	})
	if err != nil {
		return 0, err
	}
	isNew := make([]bool, len(events))
	for i, n := range touched {
		isNew[sorted[i]] = n == 1
	}
	accepted := slices.DeleteFunc(fresh, func(i int) bool { return !isNew[i] })
	_, err = tx.Each(insertLog, len(accepted), func(i int) []any {
		e := &events[accepted[i]]
		return []any{e.ID, e.Source, e.Type, e.Subject, db.Millis(e.At), db.Millis(e.Received), string(e.Data)}
	})
	return len(accepted), err
}

// appendPostgres sends everything in one statement, under a lock that lasts until the commit
// is visible. Sequence numbers are drawn when a row is inserted but seen when its transaction
// commits: without the lock a reader that has seen number 8 may find 7 appear behind its back,
// and never read it. With it, the order of numbers is the order of commits. Writers of the log
// go in large batches, so waiting for each other costs them little.
func appendPostgres(tx *db.Tx, events []Event, keys []dedupeKey, fresh []int) (int, error) {
	if _, err := tx.Exec(`SELECT pg_advisory_xact_lock($1)`, int64(appendLock)); err != nil {
		return 0, err
	}
	n := len(fresh)
	bucket, at, received := make([]int64, n), make([]int64, n), make([]int64, n)
	key := make([][]byte, n)
	id, source, kind, subject, data := make([]string, n), make([]string, n), make([]string, n), make([]string, n), make([]string, n)
	for j, i := range fresh {
		e := &events[i]
		bucket[j], key[j] = keys[i].bucket, keys[i].key[:]
		id[j], source[j], kind[j], subject[j], data[j] = e.ID, e.Source, e.Type, e.Subject, string(e.Data)
		at[j], received[j] = db.Millis(e.At), db.Millis(e.Received)
	}
	accepted, err := tx.Exec(insertBoth, bucket, key, id, source, kind, subject, at, received, data)
	return int(accepted), err
}

// Read gives up to limit events after the given place, in the order of the log.
func Read(tx *db.Tx, after int64, limit int) ([]Event, error) {
	return db.All(tx, scanEvent, selectEvents+`WHERE seq > $1 ORDER BY seq LIMIT $2`, after, min(limit, readMax))
}

// BySeq gives the events at the given places, in the order of the log; places that are empty are left out.
func BySeq(tx *db.Tx, seqs []int64) ([]Event, error) {
	return db.All(tx, scanEvent, selectEvents+`WHERE seq = ANY($1) ORDER BY seq`, seqs)
}

// Tail is the newest place of the log; 0 when it is empty.
func Tail(tx *db.Tx) (int64, error) {
	var seq int64
	err := tx.QueryRow(`SELECT coalesce(max(seq), 0) FROM event_log`).Scan(&seq)
	return seq, err
}

func scanEvent(r *db.Rows) (Event, error) {
	var e Event
	var at, received int64
	var data string
	err := r.Scan(&e.Seq, &e.ID, &e.Source, &e.Type, &e.Subject, &at, &received, &data)
	e.At, e.Received, e.Data = db.Time(at), db.Time(received), []byte(data)
	return e, err
}
