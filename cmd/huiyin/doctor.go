package main

import (
	"io"
	"log/slog"

	"github.com/spf13/cobra"

	"github.com/huiyin/huiyin/internal/app"
)

func doctorCommand(f *flags) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use: "doctor", Short: "Look this node over: settings, database, clock, disk, keys, channels, holidays, backlog", Args: cobra.NoArgs,
		Long: "Each line is ok, warn or fail, and says how to mend it. Exits with 1 if anything fails. May be run beside a running server.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := f.settings("")
			if err != nil {
				return err
			}
			found := app.Doctor(cmd.Context(), cfg, app.Options{Version: version, Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
			worst := app.OK
			for _, x := range found {
				if x.Health == app.Fail || x.Health == app.Warn && worst == app.OK {
					worst = x.Health
				}
				if asJSON {
					continue
				}
				if err := line(cmd, "%-4s  %-14s  %s", x.Health, x.Check, x.Found); err != nil {
					return err
				}
				if x.Mend != "" {
					if err := line(cmd, "%-4s  %-14s  → %s", "", "", x.Mend); err != nil {
						return err
					}
				}
			}
			if asJSON {
				if err := object(cmd, map[string]any{"health": worst, "checks": found}); err != nil {
					return err
				}
			}
			if worst == app.Fail {
				return &quietError{"something fails"}
			}
			return nil
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "one JSON object")
	return c
}
