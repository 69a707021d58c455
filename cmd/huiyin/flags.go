package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os/user"

	"github.com/spf13/cobra"

	"github.com/huiyin/huiyin/internal/app"
)

// flags are those that every command takes.
type flags struct {
	config   string
	database string
}

// settings reads the settings, with what the command line says over them.
func (f *flags) settings(listen string) (app.Config, error) {
	cfg, err := app.Load(f.config, app.Environ())
	if err != nil {
		return cfg, err
	}
	return cfg, cfg.Use(f.database, listen)
}

// open puts a node together for one command, beside a running server if there is one.
// A command that only asks, or changes what is there, makes no database.
func (f *flags) open(ctx context.Context, complaints io.Writer, mayMake bool) (*app.App, error) {
	cfg, err := f.settings("")
	if err != nil {
		return nil, err
	}
	if !mayMake {
		if err := app.Exists(cfg); err != nil {
			return nil, err
		}
	}
	return app.New(ctx, cfg, app.Options{Version: version, Log: slog.New(slog.NewTextHandler(complaints, &slog.HandlerOptions{Level: slog.LevelWarn}))})
}

// with runs fn on a node whose database is there already.
func (f *flags) with(cmd *cobra.Command, fn func(ctx context.Context, a *app.App) error) error {
	return f.run(cmd, false, fn)
}

// withNew is with for commands one may begin with: they make the database if there is none.
func (f *flags) withNew(cmd *cobra.Command, fn func(ctx context.Context, a *app.App) error) error {
	return f.run(cmd, true, fn)
}

// run runs fn on a node and closes it.
func (f *flags) run(cmd *cobra.Command, mayMake bool, fn func(ctx context.Context, a *app.App) error) (err error) {
	a, err := f.open(cmd.Context(), cmd.ErrOrStderr(), mayMake)
	if err != nil {
		return err
	}
	defer func() {
		if closing := a.Close(); err == nil {
			err = closing
		}
	}()
	return fn(cmd.Context(), a)
}

// actor names who sits at the shell, for the audit trail.
func actor() string {
	u, err := user.Current()
	if err != nil || u.Username == "" {
		return "shell"
	}
	return "shell:" + u.Username
}

// line prints one line of output.
func line(cmd *cobra.Command, format string, a ...any) error {
	_, err := fmt.Fprintf(cmd.OutOrStdout(), format+"\n", a...)
	return err
}

// object prints v as one JSON object on a line.
func object(cmd *cobra.Command, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return line(cmd, "%s", b)
}
