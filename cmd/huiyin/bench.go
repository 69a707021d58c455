package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/huiyin/huiyin/internal/app"
	"github.com/huiyin/huiyin/internal/bench"
)

// sinkCommandName starts the provider that bench send needs in a process of its own.
const sinkCommandName = "bench-sink"

func benchCommand(f *flags) *cobra.Command {
	c := &cobra.Command{
		Use: "bench", Short: "Measure this machine: intake, route, dispatch, decide, send",
		Long: "Each measures the product beside its limit, in turns, and prints one JSON object. They work in databases of their own\nbeside the one given with --database (by itself: SQLite in a temporary folder) and remove them.",
	}
	c.AddCommand(
		benchOne(f, "intake", "Events from an HTTP request to their durable acknowledgement", func(ctx context.Context, address string) (bench.Result, error) {
			return bench.RunIntake(ctx, address, bench.IntakeDefault, app.Door, rand.Reader)
		}),
		benchOne(f, "route", "Events of the log to facts and follow-ups", func(ctx context.Context, address string) (bench.Result, error) {
			return bench.RunRoute(ctx, address, bench.RouteDefault, rand.Reader)
		}),
		benchOne(f, "dispatch", "Due follow-ups to attempts and their outcomes", func(ctx context.Context, address string) (bench.Result, error) {
			return bench.RunDispatch(ctx, address, bench.DispatchDefault, rand.Reader)
		}),
		benchOne(f, "decide", "Deciding one follow-up", func(ctx context.Context, _ string) (bench.Result, error) {
			return bench.RunDecide(ctx, bench.DecideDefault)
		}),
		benchSend(f),
	)
	return c
}

func benchOne(f *flags, name, short string, run func(ctx context.Context, address string) (bench.Result, error)) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use: name, Short: short, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			r, err := run(cmd.Context(), f.database)
			if err != nil {
				return err
			}
			if !asJSON {
				if err := line(cmd, "%s: %.4g/s; the limit (%s) %.4g/s; ratio %.3g", r.Bench, r.RatePerS, r.Limit, r.LimitRatePerS, r.Ratio); err != nil {
					return err
				}
			}
			return object(cmd, r)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "one JSON object and nothing else")
	return c
}

// benchSend measures one channel's messages.
func benchSend(f *flags) *cobra.Command {
	size := bench.SendDefault
	c := benchOne(f, "send", "Messages from due follow-ups to a mail server or SMS gateway on this machine, or into the inbox", func(ctx context.Context, address string) (bench.Result, error) {
		switch size.Channel {
		case "inapp":
			return bench.RunInbox(ctx, address, size, rand.Reader)
		case "email", "sms":
		default:
			return bench.Result{}, misused("--channel is email, sms or inapp")
		}
		self, err := os.Executable()
		if err != nil {
			return bench.Result{}, err
		}
		return bench.RunSend(ctx, address, []string{self, sinkCommandName, "--channel", size.Channel}, size, rand.Reader)
	})
	c.Flags().StringVar(&size.Channel, "channel", size.Channel, "email, sms or inapp")
	c.Flags().IntVar(&size.Messages, "messages", size.Messages, "how many at most")
	return c
}

// sinkCommand is the mail server or SMS gateway that bench send starts.
func sinkCommand(*flags) *cobra.Command {
	var name string
	c := &cobra.Command{
		Use: sinkCommandName, Hidden: true, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			sink, err := bench.StartSink(name)
			if err != nil {
				return err
			}
			if _, err := fmt.Fprintln(cmd.OutOrStdout(), sink.Address()); err != nil {
				return err
			}
			return sink.Serve(ctx)
		},
	}
	c.Flags().StringVar(&name, "channel", "email", "email or sms")
	return c
}
