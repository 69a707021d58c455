package db

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"sort"
	"strconv"
	"strings"

	"github.com/huiyin/huiyin/internal/platform/errs"
)

//go:embed schema/*.sql
var schemaFiles embed.FS

// migrateLock is the advisory lock under which one node of many migrates.
const migrateLock = 0x68_75_69_79_69_6e // "huiyin"

// migration is one step of the schema. Steps are only ever added.
type migration struct {
	version    int
	name       string
	statements []string
}

// migrations reads the steps of a schema, in order.
func migrations(files fs.FS, engine Engine) ([]migration, error) {
	names, err := fs.Glob(files, "schema/*.sql")
	if err != nil {
		return nil, err
	}
	sort.Strings(names)
	var all []migration
	for _, n := range names {
		text, err := fs.ReadFile(files, n)
		if err != nil {
			return nil, err
		}
		base := strings.TrimSuffix(strings.TrimPrefix(n, "schema/"), ".sql")
		version, err := strconv.Atoi(strings.SplitN(base, "_", 2)[0])
		if err != nil {
			return nil, fmt.Errorf("schema file %s: its name begins with its number", n)
		}
		all = append(all, migration{version, base, statements(string(text), engine)})
	}
	return all, nil
}

// statements splits a file at semicolons that end a line, drops comments, and keeps
// of the statements that begin with /*sqlite*/ or /*postgres*/ those for this engine.
func statements(text string, engine Engine) []string {
	var lines []string
	for line := range strings.Lines(text) {
		if i := strings.Index(line, "--"); i >= 0 {
			line = line[:i] + "\n"
		}
		lines = append(lines, line)
	}
	var out []string
	for _, s := range strings.Split(strings.Join(lines, ""), ";\n") {
		s = strings.TrimSuffix(strings.TrimSpace(s), ";")
		for _, e := range []Engine{SQLite, Postgres} {
			if rest, only := strings.CutPrefix(s, "/*"+e.String()+"*/"); only {
				if s = ""; e == engine {
					s = strings.TrimSpace(rest)
				}
			}
		}
		if s != "" {
			out = append(out, s)
		}
	}
	return out
}

// SchemaVersion is the version of the schema this program knows.
func SchemaVersion() int {
	all, err := migrations(schemaFiles, SQLite)
	if err != nil {
		panic("db: the embedded schema can't be read: " + err.Error())
	}
	return all[len(all)-1].version
}

// Migrate brings the schema up to date, each step in its own transaction. A
// database made by a newer program is refused, and left untouched.
func (d *DB) Migrate(ctx context.Context) error { return d.MigrateTo(ctx, schemaFiles) }

// MigrateTo does the same for a database that isn't the house's own, with the steps in
// the folder schema of files.
func (d *DB) MigrateTo(ctx context.Context, files fs.FS) error {
	all, err := migrations(files, d.engine)
	if err != nil {
		return err
	}
	if err := d.Write(ctx, First, "migrate", createVersionTable); err != nil {
		return err
	}
	for _, m := range all {
		if err := d.Write(ctx, First, "migrate", func(tx *Tx) error { return m.apply(tx, all[len(all)-1].version) }); err != nil {
			return err
		}
	}
	return nil
}

func createVersionTable(tx *Tx) error {
	if err := lockMigrations(tx); err != nil {
		return err
	}
	_, err := tx.Exec(`CREATE TABLE IF NOT EXISTS schema_version (version BIGINT PRIMARY KEY, name TEXT NOT NULL, applied_at BIGINT NOT NULL)`)
	return err
}

func lockMigrations(tx *Tx) error {
	if tx.Engine() == SQLite {
		return nil
	}
	_, err := tx.Exec(`SELECT pg_advisory_xact_lock($1)`, int64(migrateLock))
	return err
}

func (m migration) apply(tx *Tx, known int) error {
	if err := lockMigrations(tx); err != nil {
		return err
	}
	var have int
	if err := tx.QueryRow(`SELECT COALESCE(MAX(version), 0) FROM schema_version`).Scan(&have); err != nil {
		return err
	}
	if have > known {
		return errs.New(errs.Conflict, "database-newer",
			"this database was made by a newer Huiyin (schema %d, this one knows %d); start that version, or restore a backup from before the upgrade", have, known)
	}
	if have >= m.version {
		return nil
	}
	now, err := tx.Now()
	if err != nil {
		return err
	}
	for _, s := range m.statements {
		if _, err := tx.Exec(s); err != nil {
			return fmt.Errorf("schema %s: %w\n%s", m.name, err, s)
		}
	}
	_, err = tx.Exec(`INSERT INTO schema_version (version, name, applied_at) VALUES ($1, $2, $3)`, m.version, m.name, Millis(now))
	return err
}

// Version is the schema version of the database; 0 if it is empty.
func (d *DB) Version(ctx context.Context) (int, error) {
	var v int
	err := d.Read(ctx, func(tx *Tx) error {
		return tx.QueryRow(`SELECT COALESCE(MAX(version), 0) FROM schema_version`).Scan(&v)
	})
	if err != nil && strings.Contains(err.Error(), "schema_version") {
		return 0, nil // no such table: nothing was ever migrated
	}
	return v, err
}
