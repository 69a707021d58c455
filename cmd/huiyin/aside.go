package main

import (
	"context"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/huiyin/huiyin/internal/app"
	"github.com/huiyin/huiyin/internal/engine"
	"github.com/huiyin/huiyin/internal/platform/codes"
)

// asidePage is how many set-aside follow-ups are read at once.
const asidePage = 500

func asideCommand(f *flags) *cobra.Command {
	c := &cobra.Command{Use: "set-aside", Short: "Follow-ups whose outcome only a person can find out"}
	c.AddCommand(asideListCommand(f), asideEndCommand(f))
	return c
}

type asideLine struct {
	ID       string    `json:"id"`
	Program  string    `json:"program"`
	Customer string    `json:"customer"`
	Reason   string    `json:"reason"`
	Since    time.Time `json:"since"`
	Step     int       `json:"step"`
	Channel  string    `json:"channel"`
	Attempt  string    `json:"attempt,omitempty"`
	Ref      string    `json:"ref,omitempty"`
}

func asideListCommand(f *flags) *cobra.Command {
	var asJSON bool
	var language string
	c := &cobra.Command{
		Use: "list", Short: "List them, oldest first", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return f.with(cmd, func(ctx context.Context, a *app.App) error {
				all, err := asides(ctx, a)
				if err != nil {
					return err
				}
				if asJSON {
					return object(cmd, map[string]any{"set_aside": all, "n": len(all)})
				}
				for _, x := range all {
					if err := line(cmd, "%s  %s  %s  step %d (%s)  customer %s  %s", x.ID, x.Since.Local().Format("2006-01-02 15:04:05"),
						x.Program, x.Step, x.Channel, x.Customer, codes.Sentence(x.Reason, language)); err != nil {
						return err
					}
				}
				return line(cmd, "%d set aside", len(all))
			})
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "one JSON object on the last line")
	addLanguage(c, &language)
	return c
}

func asides(ctx context.Context, a *app.App) ([]asideLine, error) {
	all := []asideLine{}
	for after := int64(0); ; {
		page, err := a.House.ListAside(ctx, after, asidePage)
		if err != nil {
			return nil, err
		}
		for _, x := range page {
			l := asideLine{
				ID: strconv.FormatInt(x.FollowUp.ID, 10), Program: x.Program, Customer: x.Customer, Reason: string(x.FollowUp.Reason),
				Since: x.FollowUp.UpdatedAt, Step: x.FollowUp.Step + 1, Channel: x.FollowUp.Lane,
			}
			if x.Attempt != nil {
				l.Attempt, l.Ref, l.Channel = strconv.FormatInt(x.Attempt.ID, 10), x.Attempt.Ref, x.Attempt.Channel
			}
			all = append(all, l)
		}
		if len(page) < asidePage {
			return all, nil
		}
		after = page[len(page)-1].FollowUp.ID
	}
}

func asideEndCommand(f *flags) *cobra.Command {
	var verdict, reason string
	c := &cobra.Command{
		Use: "end ID", Short: "Say what you found out about one", Args: cobra.ExactArgs(1),
		Long: "--verdict arrived: it reached the customer, go on; not-arrived: it didn't, the step may be tried again; end: neither, end the follow-up.\nThe reason goes into the audit trail.",
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := strconv.ParseInt(args[0], 10, 64)
			if err != nil {
				return misused("%q is no number of a follow-up; `huiyin set-aside list` gives them", args[0])
			}
			switch engine.Verdict(verdict) {
			case engine.Arrived, engine.NotArrived, engine.EndIt:
			default:
				return misused("say what you found out: --verdict arrived, not-arrived or end")
			}
			return f.with(cmd, func(ctx context.Context, a *app.App) error {
				if err := a.House.EndAside(ctx, actor(), id, engine.Verdict(verdict), reason); err != nil {
					return err
				}
				return line(cmd, "%d: %s", id, verdict)
			})
		},
	}
	c.Flags().StringVar(&verdict, "verdict", "", "arrived, not-arrived or end")
	c.Flags().StringVar(&reason, "reason", "", "how you found out")
	return c
}
