package audit

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"

	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/errs"
)

// auditLock makes appending nodes wait for each other on PostgreSQL: the chain has one end.
const auditLock = 0x61_75_64_69_74 // "audit"

// verifyBatch bounds the entries held in memory while verifying.
const verifyBatch = 5_000

// Entry is one privileged act.
type Entry struct {
	Seq    int64
	At     int64  // milliseconds since 1970 UTC, database time
	Actor  string // key or staff name
	Act    string // program.publish, key.create …
	Object string // what it was done to
	Detail string // further words; no personal data
}

// Append adds an entry in tx: the act and its trace are one.
func Append(tx *db.Tx, e Entry) error {
	if tx.Engine() == db.Postgres {
		if _, err := tx.Exec(`SELECT pg_advisory_xact_lock($1)`, int64(auditLock)); err != nil {
			return err
		}
	}
	seq, prev, err := head(tx)
	if err != nil {
		return err
	}
	now, err := tx.Now()
	if err != nil {
		return err
	}
	e.Seq, e.At = seq+1, db.Millis(now)
	_, err = tx.Exec(`INSERT INTO audit_entry (seq, at, actor, act, object, detail, hash) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		e.Seq, e.At, e.Actor, e.Act, e.Object, e.Detail, link(prev, e))
	return err
}

// Head is the newest entry's number and hash; keep it elsewhere to find a trail cut short.
func Head(tx *db.Tx) (seq int64, hash []byte, err error) { return head(tx) }

func head(tx *db.Tx) (int64, []byte, error) {
	var seq int64
	var hash []byte
	err := tx.QueryRow(`SELECT seq, hash FROM audit_entry ORDER BY seq DESC LIMIT 1`).Scan(&seq, &hash)
	if errors.Is(err, db.ErrNoRows) {
		return 0, nil, nil
	}
	return seq, hash, err
}

// link is the hash of an entry and of the one before it. Each part goes in with its length.
func link(prev []byte, e Entry) []byte {
	h := sha256.New()
	var n [8]byte
	number := func(v int64) {
		binary.BigEndian.PutUint64(n[:], uint64(v))
		h.Write(n[:])
	}
	number(e.Seq)
	number(e.At)
	for _, part := range []string{string(prev), e.Actor, e.Act, e.Object, e.Detail} {
		number(int64(len(part)))
		h.Write([]byte(part))
	}
	return h.Sum(nil)
}

// Verify walks the whole trail and says at which entry it breaks.
func Verify(tx *db.Tx) (entries int64, err error) {
	var prev []byte
	var at int64
	for {
		batch, err := read(tx, at)
		if err != nil {
			return at, err
		}
		for _, s := range batch {
			if s.Seq != at+1 {
				return at, broken("entry %d is missing", at+1)
			}
			if want := link(prev, s.Entry); string(want) != string(s.hash) {
				return at, broken("entry %d was changed, or one before it was", s.Seq)
			}
			prev, at = s.hash, s.Seq
		}
		if len(batch) < verifyBatch {
			return at, nil
		}
	}
}

func broken(format string, seq int64) error {
	return errs.New(errs.Conflict, "audit-chain-broken", format+"; compare with a backup", seq)
}

type stored struct {
	Entry
	hash []byte
}

func read(tx *db.Tx, after int64) ([]stored, error) {
	return db.All(tx, func(r *db.Rows) (stored, error) {
		var s stored
		return s, r.Scan(&s.Seq, &s.At, &s.Actor, &s.Act, &s.Object, &s.Detail, &s.hash)
	}, `SELECT seq, at, actor, act, object, detail, hash FROM audit_entry WHERE seq > $1 ORDER BY seq LIMIT $2`, after, verifyBatch)
}

// List gives the newest entries, newest first.
func List(tx *db.Tx, limit int) ([]Entry, error) {
	return db.All(tx, func(r *db.Rows) (Entry, error) {
		var e Entry
		return e, r.Scan(&e.Seq, &e.At, &e.Actor, &e.Act, &e.Object, &e.Detail)
	}, `SELECT seq, at, actor, act, object, detail FROM audit_entry ORDER BY seq DESC LIMIT $1`, limit)
}
