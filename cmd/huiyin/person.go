package main

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/huiyin/huiyin/internal/app"
)

func exportCommand(f *flags) *cobra.Command {
	return &cobra.Command{
		Use: "export CUSTOMER", Short: "Everything held on a customer, as JSON", Args: cobra.ExactArgs(1),
		Long: "Profile, addresses, consents and refusals, events, follow-ups with their decisions, messages as sent, answers. Exporting is audited.",
		RunE: func(cmd *cobra.Command, args []string) error {
			return f.with(cmd, func(ctx context.Context, a *app.App) error {
				all, err := a.House.Export(ctx, actor(), args[0])
				if err != nil {
					return err
				}
				enc := json.NewEncoder(cmd.OutOrStdout())
				enc.SetEscapeHTML(false)
				enc.SetIndent("", "  ")
				return enc.Encode(all)
			})
		},
	}
}

func eraseCommand(f *flags) *cobra.Command {
	var reason string
	c := &cobra.Command{
		Use: "erase CUSTOMER", Short: "Erase a customer; it can't be undone", Args: cobra.ExactArgs(1),
		Long: "The customer's key is destroyed, so that no backup of the database says who they were; then their rows are blanked. Refusals stay behind as keyed hashes. A legal hold stops it.",
		RunE: func(cmd *cobra.Command, args []string) error {
			return f.with(cmd, func(ctx context.Context, a *app.App) error {
				already, err := a.House.Erase(ctx, actor(), args[0], reason)
				if err != nil {
					return err
				}
				if already {
					return line(cmd, "%s was erased before", args[0])
				}
				for busy := true; busy; { // the event log too, which a server leaves to its keeper
					if busy, err = a.Eraser.Turn(ctx); err != nil {
						return err
					}
				}
				return line(cmd, "%s is erased", args[0])
			})
		},
	}
	c.Flags().StringVar(&reason, "reason", "", "why; it goes into the audit trail, so write no name or number")
	return c
}

func holdCommand(f *flags) *cobra.Command {
	c := &cobra.Command{Use: "hold", Short: "Legal holds: they keep customers from being erased"}
	one := func(use, short, done string, act func(ctx context.Context, a *app.App, ref, reason string) error) *cobra.Command {
		var reason string
		s := &cobra.Command{
			Use: use + " CUSTOMER", Short: short, Args: cobra.ExactArgs(1),
			RunE: func(cmd *cobra.Command, args []string) error {
				return f.with(cmd, func(ctx context.Context, a *app.App) error {
					if err := act(ctx, a, args[0], reason); err != nil {
						return err
					}
					return line(cmd, done, args[0])
				})
			},
		}
		s.Flags().StringVar(&reason, "reason", "", "why; who asks for the erasure is told it")
		return s
	}
	c.AddCommand(
		one("set", "Set one", "%s is under a legal hold", func(ctx context.Context, a *app.App, ref, reason string) error {
			return a.House.HoldData(ctx, actor(), ref, reason)
		}),
		one("lift", "Lift it", "%s is under no legal hold any more", func(ctx context.Context, a *app.App, ref, reason string) error {
			return a.House.LiftHold(ctx, actor(), ref, reason)
		}),
	)
	return c
}

func keyRotateCommand(f *flags) *cobra.Command {
	return &cobra.Command{
		Use: "rotate", Short: "Wrap the vault under a new key; old copies of the vault are worthless then", Args: cobra.NoArgs,
		Long: "Servers go on meanwhile. Cut off, it is begun again and goes on where it stood. When several machines have a copy of the key file, copy it to them before and after.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return f.with(cmd, func(ctx context.Context, a *app.App) error {
				var all int64
				number, err := a.Vault.Rotate(ctx, func(done, left int64) {
					all = done
					_, _ = fmt.Fprintf(cmd.ErrOrStderr(), "\r%d wrapped, %d left ", done, left) // progress, for whoever watches
				})
				if err != nil {
					return err
				}
				return line(cmd, "%d keys are wrapped under key %d; the ones before are gone from the key file", all, number)
			})
		},
	}
}
