package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/huiyin/huiyin/internal/app"
	"github.com/huiyin/huiyin/internal/importer"
	"github.com/huiyin/huiyin/internal/intake/event"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/errs"
)

// fileFlags are those of every command that reads a file of rows.
type fileFlags struct {
	encoding, format, refused string
	asJSON                    bool
}

func (x *fileFlags) add(c *cobra.Command) {
	c.Flags().StringVar(&x.encoding, "encoding", "", "utf-8, gb18030 (GBK too) or utf-16; by itself it is told from the text")
	c.Flags().StringVar(&x.format, "format", "", "csv or ndjson; by itself it is told from the name, or the first character")
	c.Flags().StringVar(&x.refused, "refused", "", "write every refused row (line, code, detail) to this file, as NDJSON")
	c.Flags().BoolVar(&x.asJSON, "json", false, "one JSON object on the last line")
}

func importCommand(f *flags) *cobra.Command {
	c := &cobra.Command{
		Use: "import", Short: "Import customers, events, a list or assignments from a file",
		Long: "Files are CSV (headings in the first line) or NDJSON; - is standard input. They may be of any length.\nA row that can't be taken costs only itself, and is reported with its line and what to mend.",
	}
	c.AddCommand(importCustomersCommand(f), importEventsCommand(f), importListCommand(f), importAssignmentsCommand(f), importBouncesCommand(f))
	return c
}

func importCustomersCommand(f *flags) *cobra.Command {
	x := &fileFlags{}
	c := &cobra.Command{
		Use: "customers FILE", Short: "Write customers: id, name, language, country, birth_year, zones, has, email, phone …", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return x.run(f, cmd, args[0], func(ctx context.Context, a *app.App, j *importer.Job) error {
				return importer.Customers(ctx, a.House, j)
			})
		},
	}
	x.add(c)
	return c
}

func importEventsCommand(f *flags) *cobra.Command {
	x := &fileFlags{}
	c := &cobra.Command{
		Use: "events FILE", Short: "Take in events: NDJSON, one CloudEvent in each line", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return x.run(f, cmd, args[0], func(ctx context.Context, a *app.App, j *importer.Job) error {
				set, err := a.Library.Set(ctx)
				if err != nil {
					return err
				}
				// No server need run while a file is taken in, so nobody may be there to work on it.
				intake := event.NewIntake(a.DB, a.Clock, set.Catalogue(), event.IntakeOptions{LagEvents: math.MaxInt64 / 2})
				return importer.Events(ctx, intake, j)
			})
		},
	}
	x.add(c)
	return c
}

func importListCommand(f *flags) *cobra.Command {
	x := &fileFlags{}
	var program, name string
	c := &cobra.Command{
		Use: "list FILE --program NAME", Short: "Start a program for the customers of a list", Args: cobra.ExactArgs(1),
		Long: "A CSV needs a column customer (or 客户号 …); the program sees the other columns as trigger.data.\nA list is known by its name (by itself: the file's name, size and time): sent again, after a crash perhaps, nobody is started twice.",
		RunE: func(cmd *cobra.Command, args []string) error {
			if program == "" {
				return misused("say which program the list starts: --program NAME")
			}
			if name == "" {
				var err error
				if name, err = listName(args[0]); err != nil {
					return err
				}
			}
			return x.run(f, cmd, args[0], func(ctx context.Context, a *app.App, j *importer.Job) error {
				return importer.List(ctx, a.House, j, actor(), program, name)
			})
		},
	}
	x.add(c)
	c.Flags().StringVar(&program, "program", "", "the program that the list starts")
	c.Flags().StringVar(&name, "list", "", "the list's name")
	return c
}

// listName is what a list is known by when nobody named it.
func listName(path string) (string, error) {
	if path == "-" {
		return "", misused("a list from standard input needs a name: --list NAME")
	}
	info, err := os.Stat(path)
	if err != nil {
		return "", unreadable(path, err)
	}
	base := []rune(filepath.Base(path))
	if len(base) > 50 {
		base = base[:50]
	}
	return string(base) + "@" + strconv.FormatInt(info.Size(), 10) + "-" + info.ModTime().UTC().Format("20060102T150405"), nil
}

func importAssignmentsCommand(f *flags) *cobra.Command {
	x := &fileFlags{}
	var program, at string
	c := &cobra.Command{
		Use: "assignments FILE --program NAME", Short: "Import who was put in which arm by whoever randomised", Args: cobra.ExactArgs(1),
		Long: "A CSV needs the columns customer and arm, and may have control (yes/no) and at.\nAn arm never changes; assignments come before the events they are measured by.",
		RunE: func(cmd *cobra.Command, args []string) error {
			if program == "" {
				return misused("say which program is measured: --program NAME")
			}
			var when time.Time
			if at != "" {
				var err error
				if when, err = time.Parse(time.RFC3339, at); err != nil {
					return misused("%q is no time; write --at 2026-11-01T09:00:00+08:00", at)
				}
			}
			return x.run(f, cmd, args[0], func(ctx context.Context, a *app.App, j *importer.Job) error {
				return importer.Assignments(ctx, a.House, j, actor(), program, when)
			})
		},
	}
	x.add(c)
	c.Flags().StringVar(&program, "program", "", "the program that is measured")
	c.Flags().StringVar(&at, "at", "", "when the customers were put in their arms, for rows that don't say")
	return c
}

func unreadable(path string, err error) error {
	return errs.New(errs.Invalid, codes.FileUnreadable, "%s can't be read; check its path and that you may read it", path).Because(err)
}

// run imports one file and tells what became of it.
func (x *fileFlags) run(f *flags, cmd *cobra.Command, path string, fn func(context.Context, *app.App, *importer.Job) error) error {
	return f.withNew(cmd, func(ctx context.Context, a *app.App) error {
		return x.read(cmd, path, func(j *importer.Job) error { return fn(ctx, a, j) })
	})
}

// read opens the file, shows progress and reports.
func (x *fileFlags) read(cmd *cobra.Command, path string, fn func(*importer.Job) error) (err error) {
	in, size := cmd.InOrStdin(), int64(0)
	if path != "-" {
		file, err := os.Open(path)
		if err != nil {
			return unreadable(path, err)
		}
		defer func() { _ = file.Close() }() // it was only read
		if info, err := file.Stat(); err == nil {
			size = info.Size()
		}
		in = file
	}
	r, err := importer.NewReader(in, importer.Options{Name: path, Encoding: x.encoding, Format: x.format})
	if err != nil {
		return err
	}
	j := &importer.Job{Reader: r}
	bar := newBar(cmd.ErrOrStderr(), size)
	j.Progress = bar.show
	if x.refused != "" {
		file, err := os.Create(x.refused)
		if err != nil {
			return unreadable(x.refused, err)
		}
		defer func() { err = errors.Join(err, file.Close()) }()
		enc := json.NewEncoder(file)
		j.Refused = func(r importer.Refusal) error { return enc.Encode(r) }
	}
	err = fn(j)
	bar.end()
	if told := x.tell(cmd, j, err); told != nil {
		return told
	}
	return err
}

// tell reports what became of the rows, also when the import broke off: what was taken is taken.
func (x *fileFlags) tell(cmd *cobra.Command, j *importer.Job, broke error) error {
	r := &j.Report
	if broke != nil && r.Rows == 0 {
		return nil
	}
	for _, one := range r.First {
		where := ""
		if one.Path != "" {
			where = one.Path + ": "
		}
		if _, err := fmt.Fprintf(cmd.ErrOrStderr(), "line %d: %s%s [%s]\n", one.Line, where, one.Detail, one.Code); err != nil {
			return err
		}
	}
	if more := r.Refused - len(r.First); more > 0 {
		if _, err := fmt.Fprintf(cmd.ErrOrStderr(), "… and %d more; --refused FILE writes them all\n", more); err != nil {
			return err
		}
	}
	if x.asJSON {
		return object(cmd, r)
	}
	return line(cmd, "%d rows (%s): %d taken, %d as they were already, %d refused", r.Rows, j.Reader.Encoding(), r.Taken, r.Again, r.Refused)
}

// bar shows progress on a terminal, and nothing elsewhere.
type bar struct {
	out      io.Writer
	size     int64
	terminal bool
	shown    time.Time
}

const barEvery = 200 * time.Millisecond

func newBar(out io.Writer, size int64) *bar {
	b := &bar{out: out, size: size}
	if file, ok := out.(*os.File); ok {
		if info, err := file.Stat(); err == nil {
			b.terminal = info.Mode()&os.ModeCharDevice != 0
		}
	}
	return b
}

func (b *bar) show(rows int, read int64) {
	if !b.terminal || time.Since(b.shown) < barEvery {
		return
	}
	b.shown = time.Now()
	if b.size <= 0 {
		_, _ = fmt.Fprintf(b.out, "\r%d rows, %d MB", rows, read>>20) // a terminal that went away needs no progress
		return
	}
	const width = 30
	done := min(int(read*width/b.size), width)
	_, _ = fmt.Fprintf(b.out, "\r[%-*s] %3d%%  %d rows", width, bars[:done], min(read*100/b.size, 100), rows) // likewise
}

const bars = "=============================="

func (b *bar) end() {
	if b.terminal && !b.shown.IsZero() {
		_, _ = fmt.Fprintln(b.out) // likewise
	}
}
