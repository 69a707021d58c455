package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/huiyin/huiyin/internal/app"
)

func programCommand(f *flags) *cobra.Command {
	c := &cobra.Command{Use: "program", Short: "List, publish, pause, resume, stop and explain programs"}
	c.AddCommand(programListCommand(f), publishCommand(f), explainCommand(f))
	for _, turn := range []struct {
		word, short, done string
		fn                func(ctx context.Context, a *app.App, name string) error
	}{
		{"pause", "Hold a program: nobody is contacted until it is resumed", "paused", func(ctx context.Context, a *app.App, name string) error { return a.House.Pause(ctx, actor(), name) }},
		{"resume", "Let a paused program go on", "running", func(ctx context.Context, a *app.App, name string) error { return a.House.Resume(ctx, actor(), name) }},
		{"stop", "End a program; its open follow-ups are cancelled", "stopped", func(ctx context.Context, a *app.App, name string) error { return a.House.Stop(ctx, actor(), name) }},
	} {
		c.AddCommand(&cobra.Command{
			Use: turn.word + " NAME", Short: turn.short, Args: cobra.ExactArgs(1),
			RunE: func(cmd *cobra.Command, args []string) error {
				return f.with(cmd, func(ctx context.Context, a *app.App) error {
					if err := turn.fn(ctx, a, args[0]); err != nil {
						return err
					}
					return line(cmd, "%s is %s", args[0], turn.done)
				})
			},
		})
	}
	return c
}

func programListCommand(f *flags) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the programs", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return f.with(cmd, func(ctx context.Context, a *app.App) error {
				all, err := a.House.Programs(ctx)
				if err != nil {
					return err
				}
				for _, p := range all {
					if err := line(cmd, "%-8s  version %-3d  %s", p.State, p.Version, p.Name); err != nil {
						return err
					}
				}
				return nil
			})
		},
	}
}

func publishCommand(f *flags) *cobra.Command {
	return &cobra.Command{
		Use: "publish NAME", Short: "Publish a program's newest draft", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return f.with(cmd, func(ctx context.Context, a *app.App) error {
				version, err := a.House.Publish(ctx, actor(), args[0])
				if err != nil {
					return err
				}
				return line(cmd, "%s: version %d is published", args[0], version)
			})
		},
	}
}

func explainCommand(f *flags) *cobra.Command {
	var asJSON bool
	var language string
	c := &cobra.Command{
		Use: "explain PROGRAM CUSTOMER", Short: "Say why a customer was, or wasn't, contacted", Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return f.with(cmd, func(ctx context.Context, a *app.App) error {
				e, err := a.House.Explain(ctx, args[0], args[1])
				if err != nil {
					return err
				}
				if asJSON {
					return object(cmd, e)
				}
				for _, m := range e.Moments {
					if err := line(cmd, "%s  %s", m.At.Local().Format("2006-01-02 15:04:05"), in(language, m.Text)); err != nil {
						return err
					}
				}
				for _, w := range e.Why {
					if err := line(cmd, "%s", in(language, w)); err != nil {
						return err
					}
				}
				return nil
			})
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "one JSON object")
	addLanguage(c, &language)
	return c
}
