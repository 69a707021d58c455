package bench

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/errs"
)

const setUpTimeout = 2 * time.Minute

// scratch is a place for databases of our own, beside the one a bench was given.
type scratch struct {
	address string // of the database given
	folder  string // SQLite
	name    string // PostgreSQL: how the names of our databases begin
	made    []string
}

// newScratch prepares a place. An empty address means SQLite in a temporary folder.
func newScratch(address string, random io.Reader) (*scratch, error) {
	s := &scratch{address: address}
	if path, ok := strings.CutPrefix(address, "sqlite:"); ok || address == "" {
		parent := "" // beside the database, so that the same disk is measured
		if path != "" && path != ":memory:" {
			parent = filepath.Dir(path)
		}
		var err error
		s.folder, err = os.MkdirTemp(parent, "huiyin-bench-")
		return s, err
	}
	var b [6]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return nil, err
	}
	s.name = "huiyin_bench_" + hex.EncodeToString(b[:])
	return s, nil
}

// fresh makes a migrated database and gives its address.
func (s *scratch) fresh(ctx context.Context) (string, error) {
	address, err := s.next(ctx, "")
	if err != nil {
		return "", err
	}
	d, err := db.Open(ctx, address, db.Options{})
	if err != nil {
		return "", err
	}
	return address, errors.Join(d.Migrate(ctx), d.Close())
}

// empty makes a database with nothing in it, for a vault.
func (s *scratch) empty(ctx context.Context) (string, error) { return s.next(ctx, "") }

// twin makes a copy of a database nobody has open.
func (s *scratch) twin(ctx context.Context, of string) (string, error) { return s.next(ctx, of) }

func (s *scratch) next(ctx context.Context, of string) (string, error) {
	n := len(s.made)
	if s.folder != "" {
		path := filepath.Join(s.folder, fmt.Sprintf("%d.db", n))
		s.made = append(s.made, path)
		if of != "" {
			if err := copyFile(strings.TrimPrefix(of, "sqlite:"), path); err != nil {
				return "", err
			}
		}
		return "sqlite:" + path, nil
	}
	u, err := url.Parse(s.address)
	if err != nil {
		return "", errs.New(errs.Invalid, "database-url-unknown", "the database address can't be read; write postgres://user@host/name").Because(err)
	}
	name := fmt.Sprintf("%s_%d", s.name, n)
	statement := `CREATE DATABASE ` + name
	if of != "" {
		from, err := url.Parse(of)
		if err != nil {
			return "", err
		}
		statement += ` TEMPLATE ` + strings.TrimPrefix(from.Path, "/")
	}
	s.made = append(s.made, name)
	u.Path = "/" + name
	return u.String(), s.admin(ctx, statement)
}

func (s *scratch) admin(ctx context.Context, statement string) error {
	ctx, cancel := context.WithTimeout(ctx, setUpTimeout)
	defer cancel()
	conn, err := pgx.Connect(ctx, s.address)
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, statement)
	return errors.Join(err, conn.Close(ctx))
}

// remove drops every database made here.
func (s *scratch) remove() error {
	if s.folder != "" {
		return os.RemoveAll(s.folder)
	}
	var all error
	for _, name := range s.made {
		all = errors.Join(all, s.admin(context.Background(), `DROP DATABASE IF EXISTS `+name+` WITH (FORCE)`))
	}
	return all
}

func copyFile(from, to string) (err error) {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	if _, err := io.Copy(out, in); err != nil {
		return err
	}
	return out.Sync()
}
