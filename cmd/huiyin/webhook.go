package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/huiyin/huiyin/internal/acts"
	"github.com/huiyin/huiyin/internal/app"
	"github.com/huiyin/huiyin/internal/platform/outbox"
	"github.com/huiyin/huiyin/internal/program/document"
)

const (
	overlapUsual = "1d"
	logUsual     = 50
)

func webhookCommand(f *flags) *cobra.Command {
	c := &cobra.Command{Use: "webhook", Short: "Endpoints of the wallet's own systems, and what they were told"}
	c.AddCommand(webhookListCommand(f), webhookCreateCommand(f), webhookLogCommand(f), webhookReplayCommand(f), webhookRotateCommand(f),
		webhookTestCommand(f),
		webhookActCommand(f, "disable NAME", "Send it nothing for now", "is disabled", func(ctx context.Context, h *acts.House, name string) error {
			return h.TurnWebhook(ctx, actor(), name, false)
		}),
		webhookActCommand(f, "enable NAME", "Let it be told again", "is active", func(ctx context.Context, h *acts.House, name string) error {
			return h.TurnWebhook(ctx, actor(), name, true)
		}),
		webhookActCommand(f, "remove NAME", "Remove an endpoint and what waits for it", "is removed", func(ctx context.Context, h *acts.House, name string) error {
			return h.RemoveWebhook(ctx, actor(), name)
		}))
	return c
}

func webhookActCommand(f *flags, use, short, did string, act func(ctx context.Context, h *acts.House, name string) error) *cobra.Command {
	return &cobra.Command{
		Use: use, Short: short, Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return f.with(cmd, func(ctx context.Context, a *app.App) error {
				if err := act(ctx, a.House, args[0]); err != nil {
					return err
				}
				return line(cmd, "%s %s", args[0], did)
			})
		},
	}
}

func webhookListCommand(f *flags) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the endpoints", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return f.with(cmd, func(ctx context.Context, a *app.App) error {
				all, err := a.House.Webhooks(ctx)
				if err != nil {
					return err
				}
				for _, w := range all {
					kinds := "everything"
					if len(w.Kinds) > 0 {
						kinds = strings.Trim(fmt.Sprint(w.Kinds), "[]")
					}
					if err := line(cmd, "%s  %s  %s  waiting %d  delivered %d  dead %d  %s", w.Name, w.State, w.URL,
						w.Counts[outbox.Waiting], w.Counts[outbox.Delivered], w.Counts[outbox.Dead], kinds); err != nil {
						return err
					}
				}
				return line(cmd, "%d endpoints", len(all))
			})
		},
	}
}

func webhookCreateCommand(f *flags) *cobra.Command {
	var kinds []string
	c := &cobra.Command{
		Use: "create NAME URL", Short: "Make an endpoint; its secret is the last line, and shown this once", Args: cobra.ExactArgs(2),
		Long: "The address must lead outside, by https. Kinds:\n  " + strings.Trim(fmt.Sprint(outbox.Kinds()), "[]"),
		RunE: func(cmd *cobra.Command, args []string) error {
			e := outbox.Endpoint{Name: args[0], URL: args[1]}
			for _, k := range kinds {
				e.Kinds = append(e.Kinds, outbox.Kind(k))
			}
			return f.withNew(cmd, func(ctx context.Context, a *app.App) error {
				made, secret, err := a.House.CreateWebhook(ctx, actor(), e)
				if err != nil {
					return err
				}
				if err := line(cmd, "endpoint %s", made.Name); err != nil {
					return err
				}
				return line(cmd, "%s", secret)
			})
		},
	}
	c.Flags().StringSliceVar(&kinds, "kind", nil, "what it is told of; several with commas; without it everything")
	return c
}

func webhookRotateCommand(f *flags) *cobra.Command {
	var overlap string
	c := &cobra.Command{
		Use: "rotate NAME", Short: "Change its secret; the new one is the last line, and both sign for a while", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			d := time.Duration(0)
			if overlap != "0" {
				var err error
				if d, err = document.ParseDuration(overlap); err != nil {
					return misused("%q is no span; write 12h or 1d, or 0 when the secret is known to others", overlap)
				}
			}
			return f.with(cmd, func(ctx context.Context, a *app.App) error {
				e, secret, err := a.House.RotateWebhook(ctx, actor(), args[0], d)
				if err != nil {
					return err
				}
				if d > 0 {
					if err := line(cmd, "the secret before signs till %s too", e.PreviousUntil.Local().Format(time.DateTime)); err != nil {
						return err
					}
				}
				return line(cmd, "%s", secret)
			})
		},
	}
	c.Flags().StringVar(&overlap, "overlap", overlapUsual, "how long the secret before signs too")
	return c
}

func webhookTestCommand(f *flags) *cobra.Command {
	return &cobra.Command{
		Use: "test NAME", Short: "Send it a test; `webhook log` shows what came of it once a server runs", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return f.with(cmd, func(ctx context.Context, a *app.App) error {
				id, err := a.House.TestWebhook(ctx, actor(), args[0])
				if err != nil {
					return err
				}
				return line(cmd, "delivery %d waits", id)
			})
		},
	}
}

func webhookLogCommand(f *flags) *cobra.Command {
	var state string
	var limit int
	c := &cobra.Command{
		Use: "log NAME", Short: "What was sent, each try, the newest first", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return f.with(cmd, func(ctx context.Context, a *app.App) error {
				all, err := a.House.WebhookLog(ctx, args[0], 0, outbox.State(state), limit)
				if err != nil {
					return err
				}
				for _, d := range all {
					if err := line(cmd, "%d  %s  %s  %s  %s", d.ID, d.At.Local().Format(time.DateTime), d.State, d.Kind, d.Message); err != nil {
						return err
					}
					for _, t := range d.Tries {
						if err := line(cmd, "    %s  %d  %d ms  %s", t.At.Local().Format(time.DateTime), t.Status, t.Millis, oneLine(t.Fault+t.Answer)); err != nil {
							return err
						}
					}
				}
				return line(cmd, "%d deliveries", len(all))
			})
		},
	}
	c.Flags().StringVar(&state, "state", "", "only waiting, delivered, dead or dropped")
	c.Flags().IntVar(&limit, "limit", logUsual, "how many, 500 at most")
	return c
}

// oneLine keeps a receiver's words from moving the cursor.
func oneLine(words string) string {
	return strings.Join(strings.FieldsFunc(words, func(r rune) bool { return r <= ' ' || r == 0x7f }), " ")
}

func webhookReplayCommand(f *flags) *cobra.Command {
	var delivery, since string
	var onlyDead bool
	c := &cobra.Command{
		Use: "replay NAME", Short: "Send again, under the same ids", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if (delivery == "") == (since == "") {
				return misused("say which: --delivery NUMBER or --since 2h")
			}
			return f.with(cmd, func(ctx context.Context, a *app.App) error {
				if delivery != "" {
					id, err := strconv.ParseInt(delivery, 10, 64)
					if err != nil {
						return misused("%q is no number of a delivery; `huiyin webhook log` gives them", delivery)
					}
					if err := a.House.ResendWebhook(ctx, actor(), args[0], id); err != nil {
						return err
					}
					return line(cmd, "delivery %d waits anew", id)
				}
				from, err := moment(since, a.Clock.Now())
				if err != nil {
					return err
				}
				n, err := a.House.ResendWebhookSince(ctx, actor(), args[0], from, onlyDead)
				if err != nil {
					return err
				}
				return line(cmd, "%d deliveries wait anew", n)
			})
		},
	}
	c.Flags().StringVar(&delivery, "delivery", "", "one, by its number in the log")
	c.Flags().StringVar(&since, "since", "", "everything that happened since: a span (2h, 3d) or a time (2026-11-22T08:00:00Z)")
	c.Flags().BoolVar(&onlyDead, "only-dead", false, "with --since: leave out what was delivered")
	return c
}

// moment reads a time, or a span back from now.
func moment(text string, now time.Time) (time.Time, error) {
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t, nil
	}
	d, err := document.ParseDuration(text)
	if err != nil {
		return time.Time{}, misused("%q is no time or span; write 2026-11-22T08:00:00Z or 2h", text)
	}
	return now.Add(-d), nil
}
