package db

import (
	"context"
	"errors"
	"io"
	"net"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"

	"github.com/huiyin/huiyin/internal/platform/errs"
)

// SQLite's primary result codes that mean "not now" rather than "wrong".
const (
	liteBusy  = 5
	liteIOErr = 10
	liteFull  = 13
)

// classify turns the engines' "not now" into an Unavailable with a sentence; all else passes.
func classify(err error) error {
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	if _, ours := errs.As(err); ours {
		return err
	}
	var le *sqlite.Error
	if errors.As(err, &le) {
		switch le.Code() & 0xff {
		case liteFull:
			return errs.New(errs.Unavailable, "disk-full", "the disk of the database is full; nothing of this request was kept; free some space").Because(err)
		case liteIOErr:
			return errs.New(errs.Unavailable, "disk-error", "the disk of the database fails; nothing of this request was acknowledged; look at the machine's logs").Because(err)
		case liteBusy:
			return errs.New(errs.Unavailable, "database-locked", "another process holds the database file; stop it, or try again when it is done").Because(err)
		}
		return err
	}
	if gone(err) {
		return errs.New(errs.Unavailable, "database-gone", "the database doesn't answer; nothing of this request was acknowledged; send it again when it is back").Because(err)
	}
	return err
}

// gone says whether PostgreSQL could not be reached, went away, or has no room.
func gone(err error) bool {
	var pe *pgconn.PgError
	if errors.As(err, &pe) {
		// 08 connection, 53 resources (disk full, too many connections), 57P shutting down
		return len(pe.Code) == 5 && (pe.Code[:2] == "08" || pe.Code[:2] == "53" || pe.Code[:3] == "57P")
	}
	var ce *pgconn.ConnectError
	var ne net.Error
	return errors.As(err, &ce) || errors.As(err, &ne) || pgconn.SafeToRetry(err) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) // killed in the middle of an answer
}
