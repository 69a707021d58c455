package engine

import (
	"context"
	"encoding/hex"
	"errors"
	"slices"
	"strconv"
	"sync"

	"github.com/huiyin/huiyin/internal/followup"
	"github.com/huiyin/huiyin/internal/intake/event"
	"github.com/huiyin/huiyin/internal/people/customer"
	"github.com/huiyin/huiyin/internal/people/vault"
	"github.com/huiyin/huiyin/internal/platform/audit"
	"github.com/huiyin/huiyin/internal/platform/clock"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/crypt"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/outbox"
	"github.com/huiyin/huiyin/internal/platform/tally"
)

const (
	blankStretch = 20_000 // numbers of the event log looked through at once: some 20 ms
	erasingMost  = 100    // erasures taken up at once
	ledgerPage   = 1_000
)

// Eraser erases customers over all rooms, and sees to it that who was erased stays so:
// what lies in the vault's ledger is done to the house's database and the other way round,
// whichever of the two was restored from before it.
type Eraser struct {
	DB    *db.DB
	Vault *vault.Vault
	Keys  *crypt.Keyring
	Clock clock.Clock
	Rooms []vault.Room
	Wake  func() // the log is to be blanked; nil: the keeper comes by itself

	mu   sync.Mutex
	read int64 // the ledger is carried out up to here
}

// Erase erases a customer. It may be cut off anywhere and is then taken up by the keeper.
// already says that they were erased before.
func (e *Eraser) Erase(ctx context.Context, actor, ref, reason string) (already bool, err error) {
	hash := customer.RefKey(e.Keys, ref)
	var id int64
	err = e.DB.Write(ctx, db.First, "erase-begin", func(tx *db.Tx) error {
		c, err := customer.Get(tx, ref)
		if c == nil {
			if before, asked := vault.WasErased(tx, hash); asked != nil || before {
				already = before
				return asked
			}
			return err
		}
		already, id = false, c.ID // a damaged record is erased all the same
		if err := customer.Lock(tx, []int64{id}); err != nil {
			return err
		}
		_, key, err := customer.Named(tx, id) // only now: they may have been given one while we waited
		if err != nil {
			return err
		}
		now, err := tx.Now()
		if err != nil {
			return err
		}
		end, err := event.Tail(tx)
		if err != nil {
			return err
		}
		if err := vault.Begin(tx, vault.Erasure{Customer: id, Key: key, RefHash: hash, At: now, Reason: reason}, ref, end); err != nil {
			return err
		}
		return audit.Append(tx, audit.Entry{Actor: actor, Act: "customer.erase", Object: customerObject(id), Detail: reason})
	})
	if err != nil || already {
		return already, err
	}
	if err := e.finish(ctx, id); err != nil {
		return false, err
	}
	if e.Wake != nil {
		e.Wake()
	}
	return false, nil
}

// finish carries an erasure that was begun through the vault and the rows. What is left for
// the keeper is the log.
func (e *Eraser) finish(ctx context.Context, id int64) error {
	var p []vault.Pending
	err := e.DB.Read(ctx, func(tx *db.Tx) (err error) {
		p, err = vault.PendingOf(tx, id)
		return err
	})
	if err != nil || len(p) == 0 {
		return err
	}
	return e.carry(ctx, &p[0])
}

// carry destroys the key, then blanks the rows.
func (e *Eraser) carry(ctx context.Context, p *vault.Pending) error {
	if err := e.Vault.Destroy(ctx, p.Erasure); err != nil {
		return err
	}
	return e.DB.Write(ctx, db.First, "erase-rows", func(tx *db.Tx) error { return e.rows(tx, p) })
}

func (e *Eraser) rows(tx *db.Tx, p *vault.Pending) error {
	ref, _, err := customer.Named(tx, p.Customer)
	if err != nil || ref == "" || ref == customer.ErasedRef(p.Customer) {
		return err
	}
	routed, err := holdOffset(tx, offsetRoute) // a batch under way ends first, and is erased with the rest
	if err != nil {
		return err
	}
	now, err := tx.Now()
	if err != nil {
		return err
	}
	// The follow-ups first: whoever contacts locks in that order too.
	open, err := followup.OpenOf(tx, []int64{p.Customer})
	if err != nil {
		return err
	}
	var counts tally.Batch
	for i := range open {
		if _, err := followup.End(tx, &counts, open[i].ID, now, followup.Cancelled, codes.CustomerErased); err != nil {
			return err
		}
	}
	if err := customer.Lock(tx, []int64{p.Customer}); err != nil {
		return err
	}
	s := &vault.Subject{Customer: p.Customer, Ref: p.Ref, RefKey: p.RefHash, At: now, Vault: e.Vault}
	for _, r := range e.Rooms {
		if r.Erase == nil {
			continue
		}
		if err := r.Erase(tx, s); err != nil {
			return err
		}
	}
	if err := unrouted(tx, p, routed); err != nil {
		return err
	}
	if err := outbox.Tell(tx, outbox.Notice{Kind: outbox.CustomerErased, Subject: p.Ref, At: now}); err != nil {
		return err
	}
	return counts.Flush(tx)
}

// unrouted blanks at once the events the router hasn't come to, so that none of them brings
// back in the next moment whom they are about. Nor may a router that has read them already.
func unrouted(tx *db.Tx, p *vault.Pending, routed int64) error {
	if routed >= p.LogEnd {
		return nil
	}
	events, err := event.OfSubjects(tx, []string{p.Ref}, routed, p.LogEnd)
	if err != nil || len(events) == 0 {
		return err
	}
	if err := outdate(tx, offsetRoute); err != nil {
		return err
	}
	return event.Blank(tx, events, customer.ErasedRef(p.Customer))
}

// Turn takes up erasures that were begun and blanks the event log for them, one stretch at
// a time. It says whether there is more to do.
func (e *Eraser) Turn(ctx context.Context) (busy bool, err error) {
	if err := e.tellHouse(ctx); err != nil {
		return false, err
	}
	var pending []vault.Pending
	if err := e.DB.Read(ctx, func(tx *db.Tx) (err error) {
		pending, err = vault.Unfinished(tx, erasingMost)
		return err
	}); err != nil || len(pending) == 0 {
		return false, err
	}
	for i := range pending {
		if err := e.carry(ctx, &pending[i]); err != nil {
			return false, err
		}
	}
	if err := e.blank(ctx, pending); err != nil {
		return false, err
	}
	if err := e.scrub(ctx); err != nil {
		return false, err
	}
	return true, nil
}

// blank blanks the next stretch of the log for those who are furthest behind.
func (e *Eraser) blank(ctx context.Context, pending []vault.Pending) error {
	from := pending[0].LogSeq
	for _, p := range pending {
		from = min(from, p.LogSeq)
	}
	pending = slices.DeleteFunc(slices.Clone(pending), func(p vault.Pending) bool { return p.LogSeq > from })
	to := from + blankStretch
	return e.DB.Write(ctx, db.Count, "erase-log", func(tx *db.Tx) error {
		now, err := tx.Now()
		if err != nil {
			return err
		}
		for _, p := range pending {
			end := min(to, p.LogEnd)
			events, err := event.OfSubjects(tx, []string{p.Ref}, from, end)
			if err != nil {
				return err
			}
			if err := event.Blank(tx, events, customer.ErasedRef(p.Customer)); err != nil {
				return err
			}
			if end == p.LogEnd {
				err = vault.Finish(tx, p.Customer, now)
			} else {
				err = vault.Blanked(tx, p.Customer, end)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// scrub makes what was blanked vanish from the files as well.
func (e *Eraser) scrub(ctx context.Context) error {
	_, house := e.DB.Scrub(ctx)
	_, ledger := e.Vault.Scrub(ctx)
	return errors.Join(house, ledger)
}

// CatchUp compares the vault's ledger with the house's database: either may have been
// restored from before an erasure. It is done at every start, before anything else runs.
func (e *Eraser) CatchUp(ctx context.Context) error {
	if err := e.tellVault(ctx); err != nil {
		return err
	}
	if err := e.tellHouse(ctx); err != nil {
		return err
	}
	for { // the rows at once, the log in the keeper's time
		var pending []vault.Pending
		if err := e.DB.Read(ctx, func(tx *db.Tx) (err error) {
			pending, err = vault.Unblanked(tx, erasingMost)
			return err
		}); err != nil || len(pending) == 0 {
			return err
		}
		for i := range pending {
			if err := e.carry(ctx, &pending[i]); err != nil {
				return err
			}
		}
	}
}

// tellVault destroys again what an old vault has brought back.
func (e *Eraser) tellVault(ctx context.Context) error {
	for after := int64(0); ; {
		var known []vault.Pending
		if err := e.DB.Read(ctx, func(tx *db.Tx) (err error) {
			known, err = vault.Remembered(tx, after, ledgerPage)
			return err
		}); err != nil || len(known) == 0 {
			return err
		}
		people := make([]int64, len(known))
		for i := range known {
			people[i] = known[i].Customer
		}
		missing, err := e.Vault.Unwritten(ctx, people)
		if err != nil {
			return err
		}
		for i := range known {
			if slices.Contains(missing, known[i].Customer) {
				if err := e.Vault.Destroy(ctx, known[i].Erasure); err != nil {
					return err
				}
			}
		}
		after = people[len(people)-1]
	}
}

// tellHouse begins again what the ledger tells and a database restored from before doesn't know.
func (e *Eraser) tellHouse(ctx context.Context) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	for {
		lines, err := e.Vault.Erased(ctx, e.read, ledgerPage)
		if err != nil || len(lines) == 0 {
			return err
		}
		if err := e.DB.Write(ctx, db.First, "erase-again", func(tx *db.Tx) error { return again(tx, lines) }); err != nil {
			return err
		}
		e.read = lines[len(lines)-1].Seq
	}
}

func again(tx *db.Tx, lines []vault.Erasure) error {
	people := make([]int64, len(lines))
	for i := range lines {
		people[i] = lines[i].Customer
	}
	begun, err := vault.Begun(tx, people)
	if err != nil {
		return err
	}
	end, err := event.Tail(tx)
	if err != nil {
		return err
	}
	for _, l := range lines {
		if begun[l.Customer] {
			continue
		}
		ref, key, err := customer.Named(tx, l.Customer)
		if err != nil {
			return err
		}
		if l.Key == 0 {
			l.Key = key
		}
		if err := vault.Repeat(tx, l, ref, end); err != nil {
			return err
		}
		if err := audit.Append(tx, audit.Entry{Actor: "keeper", Act: "customer.erase-again", Object: customerObject(l.Customer), Detail: hex.EncodeToString(l.RefHash)}); err != nil {
			return err
		}
	}
	return nil
}

func customerObject(id int64) string { return "customer/" + strconv.FormatInt(id, 10) }
