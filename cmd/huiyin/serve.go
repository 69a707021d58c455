package main

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/huiyin/huiyin/internal/app"
)

func serveCommand(f *flags) *cobra.Command {
	var listen string
	c := &cobra.Command{
		Use: "serve", Short: "Run the server: API, pages and engine", Args: cobra.NoArgs,
		Long: "Runs until SIGINT or SIGTERM, then stops in order: no more requests, nothing new recorded, sends under way come to their end.\nPrints its address once it is ready. Logs are JSON lines on standard error.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := f.settings(listen)
			if err != nil {
				return err
			}
			log := app.Logger(cmd.ErrOrStderr())
			for _, note := range cfg.Notes {
				log.Warn(note)
			}
			l, err := app.Listen(cfg.Listen)
			if err != nil {
				return err
			}
			cfg.Listening(l)
			a, err := app.New(cmd.Context(), cfg, app.Options{Version: version, Log: log, Ready: func(address string) {
				_ = line(cmd, "http://%s", address) // a server goes on when nobody reads what it prints
			}})
			if cmd.Context().Err() != nil { // told to stop before it had begun: nothing is wrong
				if a != nil {
					return errors.Join(a.Close(), l.Close())
				}
				return l.Close()
			}
			if err != nil {
				return errors.Join(err, l.Close())
			}
			return a.Run(cmd.Context(), l)
		},
	}
	c.Flags().StringVar(&listen, "listen", "", "host:port; instead of the setting")
	return c
}
