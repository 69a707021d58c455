// Command huiyin is the follow-up platform: the server, and what one does with it
// from a shell. Each command has a file of its own here.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/huiyin/huiyin/internal/platform/errs"
	"github.com/huiyin/huiyin/internal/program/document"
)

// version is stamped in when the binary is built.
var version string

// Exit codes.
const (
	exitFailed = 1
	exitUsage  = 2
)

// gcPercent lets the heap grow to three times what is live before it is swept: on the
// way of one contact that saves a tenth of the CPU time, and an idle server grows by 2 MB.
const gcPercent = 200

func main() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// run is main with its surroundings passed in.
func run(args []string, in io.Reader, out, complaints io.Writer) int {
	// A second signal ends the process at once: the first one is given back when it has come.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	root := rootCommand()
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(complaints)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	complain(complaints, err)
	var usage *usageError
	if errors.As(err, &usage) {
		return exitUsage
	}
	return exitFailed
}

// complain says what went wrong: one line for each thing.
func complain(w io.Writer, err error) {
	var quiet *quietError
	if errors.As(err, &quiet) {
		return // it has been said
	}
	for _, e := range document.All(err) {
		text := e.Text
		if e.Path != "" {
			text = e.Path + ": " + text
		}
		if e.Err != nil && e.Kind != errs.Internal {
			text += " (" + strings.Join(strings.Fields(e.Err.Error()), " ") + ")" // on one line
		}
		_, _ = fmt.Fprintln(w, "huiyin: "+text) // nobody is left to tell
	}
}

// usageError is a command used wrongly.
type usageError struct{ err error }

func (u *usageError) Error() string { return u.err.Error() }

func (u *usageError) Unwrap() error { return u.err }

// quietError fails a command that has said why already.
type quietError struct{ why string }

func (q *quietError) Error() string { return q.why }

// misused makes a usageError.
func misused(format string, a ...any) error {
	return &usageError{errs.New(errs.Invalid, "usage-invalid", format, a...)}
}

// commands are all there are. A new one is a file with a function, and a line here.
var commands = []func(*flags) *cobra.Command{
	serveCommand,
	demoCommand,
	applyCommand,
	getCommand,
	importCommand,
	eventsCommand,
	programCommand,
	questionnaireCommand,
	reportCommand,
	asideCommand, exportCommand, eraseCommand, holdCommand,
	replayCommand,
	simulateCommand,
	keyCommand,
	webhookCommand,
	gatewayCommand,
	benchCommand,
	migrateCommand,
	doctorCommand,
	versionCommand,
	sinkCommand,
}

func rootCommand() *cobra.Command {
	f := &flags{}
	root := &cobra.Command{
		Use: "huiyin", Short: "Huiyin 回音: the follow-up platform of a digital wallet",
		SilenceUsage: true, SilenceErrors: true,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		Args: cobra.NoArgs,
	}
	root.PersistentFlags().StringVar(&f.config, "config", os.Getenv("HUIYIN_CONFIG"), "settings file (YAML)")
	root.PersistentFlags().StringVar(&f.database, "database", "", "sqlite:PATH or postgres://…; instead of the setting")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return misused("%s; see `%s --help`", err, cmd.CommandPath())
	})
	for _, c := range commands {
		root.AddCommand(c(f))
	}
	judgeArguments(root)
	return root
}

// judgeArguments makes wrong numbers of arguments, and unknown commands, usage errors everywhere.
func judgeArguments(c *cobra.Command) {
	if check := c.Args; check != nil {
		c.Args = func(cmd *cobra.Command, args []string) error {
			if err := check(cmd, args); err != nil {
				return misused("%s; see `%s --help`", err, cmd.CommandPath())
			}
			return nil
		}
	}
	for _, inner := range c.Commands() {
		judgeArguments(inner)
	}
}
