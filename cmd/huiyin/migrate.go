package main

import (
	"github.com/spf13/cobra"

	"github.com/huiyin/huiyin/internal/app"
	"github.com/huiyin/huiyin/internal/platform/db"
)

func migrateCommand(f *flags) *cobra.Command {
	return &cobra.Command{
		Use: "migrate", Short: "Bring the database's schema up to date", Args: cobra.NoArgs,
		Long: "Servers do this by themselves when they start. Steps are only ever added, so the version before goes on working beside this one.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := f.settings("")
			if err != nil {
				return err
			}
			before, after, err := app.Migrate(cmd.Context(), cfg)
			if err != nil {
				return err
			}
			if before == after {
				return line(cmd, "the schema is up to date (%d)", after)
			}
			return line(cmd, "the schema went from %d to %d", before, after)
		},
	}
}

func versionCommand(*flags) *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Say which version this is", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if version == "" {
				version = "unknown"
			}
			return line(cmd, "huiyin %s, schema %d", version, db.SchemaVersion())
		},
	}
}
