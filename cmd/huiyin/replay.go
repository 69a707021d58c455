package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/huiyin/huiyin/internal/app"
	"github.com/huiyin/huiyin/internal/channel"
	"github.com/huiyin/huiyin/internal/intake/event"
	"github.com/huiyin/huiyin/internal/measure/report"
	"github.com/huiyin/huiyin/internal/platform/clock"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/errs"
	"github.com/huiyin/huiyin/internal/replay"
)

const (
	progressEvery = 2 * time.Second
	refusedShown  = 5 // of the lines that are no events
)

// replayFlags are what a replay is told.
type replayFlags struct {
	*flags
	events, apply, listen, until string
	json                         bool
}

// replayed is what is printed at the end.
type replayed struct {
	replay.Result
	Refused     int                       `json:"refused"` // lines that are no events
	Programs    map[string]*programResult `json:"programs"`
	WallSeconds float64                   `json:"wall_s"`
}

// programResult is the account of one program, since the beginning of the database.
type programResult struct {
	Triggers  map[string]int64 `json:"triggers"`   // by outcome: total, started, merged, not-selected
	FollowUps map[string]int64 `json:"follow_ups"` // by final state; open, and of those set_aside
	Attempts  int64            `json:"attempts"`
	Taken     int64            `json:"taken"` // by the provider, as far as we know
	Balanced  bool             `json:"balanced"`
	Check     []string         `json:"check,omitempty"`
}

func replayCommand(f *flags) *cobra.Command {
	r := &replayFlags{flags: f}
	c := &cobra.Command{
		Use: "replay", Short: "Live a recorded stream of events through again, in its own time", Args: cobra.NoArgs,
		Long: `Takes events (NDJSON, one CloudEvent on each line, "-" for standard input) in at their own time
and lets the engine do all it would have done, over the channels of the settings: messages are
really sent. The clock is virtual and kept in the database, so a replay that was killed goes on
where it was when the same command is given again. Use a database of its own.

With --listen the customers' pages and the API are served meanwhile, by the stream's clock, and
go on being served at its end until standard input is closed.`,
		RunE: func(cmd *cobra.Command, _ []string) error { return r.run(cmd) },
	}
	c.Flags().StringVar(&r.events, "events", "", "file of events, NDJSON (required)")
	c.Flags().StringVar(&r.apply, "apply", "", "file or folder of documents to apply and publish first")
	c.Flags().StringVar(&r.listen, "listen", "", "host:port to serve pages and API on while it runs and afterwards")
	c.Flags().StringVar(&r.until, "until", "", "stop at this moment of the stream, e.g. 1999-02-10T00:00:00Z; a later run goes on")
	c.Flags().BoolVar(&r.json, "json", false, "print the result as one JSON object")
	return c
}

func (r *replayFlags) run(cmd *cobra.Command) (err error) {
	if r.events == "" {
		return misused("say which events with --events FILE; see `huiyin replay --help`")
	}
	var until time.Time
	if r.until != "" {
		if until, err = time.Parse(time.RFC3339, r.until); err != nil {
			return misused("--until %q is no moment; write it as 1999-02-10T00:00:00Z", r.until)
		}
	}
	began := clock.System{}.Now()
	events, refused, err := r.read(cmd)
	if err != nil {
		return err
	}
	v := clock.NewVirtual(time.Unix(0, 0).UTC())
	if len(events) > 0 {
		v.Set(events[0].At)
	}
	a, err := r.node(cmd, v)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	if now, _, ok, err := replay.Place(cmd.Context(), a.DB); err != nil {
		return err
	} else if ok {
		v.Set(now)
	}
	if err := r.applyFirst(cmd, a); err != nil {
		return err
	}
	res := replayed{Refused: len(refused)}
	if err := r.live(cmd, a, v, events, until, &res); err != nil {
		return err
	}
	res.WallSeconds = clock.System{}.Now().Sub(began).Seconds()
	return r.say(cmd, a, &res)
}

// read reads the stream, and says which lines are none of it.
func (r *replayFlags) read(cmd *cobra.Command) ([]event.Event, []replay.Refused, error) {
	in := cmd.InOrStdin()
	if r.events != "-" {
		f, err := os.Open(r.events)
		if err != nil {
			return nil, nil, misused("the events can't be read: %v", err)
		}
		defer func() { _ = f.Close() }() // only read from
		in = f
	}
	events, refused, err := replay.Read(in)
	for i, line := range refused {
		if i == refusedShown {
			complainf(cmd, "… and %d further lines", len(refused)-i)
			break
		}
		complainf(cmd, "line %d is no event: %s", line.Line, line.Err.Text)
	}
	return events, refused, err
}

// node puts a node together whose clock is the stream's and whose channels say so.
func (r *replayFlags) node(cmd *cobra.Command, v *clock.Virtual) (*app.App, error) {
	cfg, err := r.settings(r.listen)
	if err != nil {
		return nil, err
	}
	return app.New(cmd.Context(), cfg, app.Options{
		Version: version, Clock: v,
		Log:     slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), &slog.HandlerOptions{Level: slog.LevelWarn})),
		Channel: func(_ string, c channel.Channel) channel.Channel { return replay.Stamp(c, v) },
	})
}

func (r *replayFlags) applyFirst(cmd *cobra.Command, a *app.App) error {
	if r.apply == "" {
		return nil
	}
	docs, err := readDocuments(r.apply, cmd.InOrStdin())
	if err != nil {
		return err
	}
	_, err = a.House.Apply(cmd.Context(), actor(), docs, false, true)
	return err
}

// live replays and, if asked to, serves meanwhile and afterwards.
func (r *replayFlags) live(cmd *cobra.Command, a *app.App, v *clock.Virtual, events []event.Event, until time.Time, res *replayed) (err error) {
	ctx := cmd.Context()
	if r.listen != "" {
		l, err := app.Listen(r.listen)
		if err != nil {
			return err
		}
		stop, err := a.Serve(l)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, stop()) }()
		if err := line(cmd, "listening on http://%s", l.Addr().(*net.TCPAddr)); err != nil {
			return err
		}
	}
	told := clock.System{}.Now()
	res.Result, err = a.Replay(ctx, v, events, until, func(now time.Time, n, of int) {
		if at := (clock.System{}).Now(); at.Sub(told) >= progressEvery {
			told = at
			complainf(cmd, "%s: %d of %d events", now.UTC().Format(time.DateTime), n, of)
		}
	})
	if ctx.Err() != nil {
		return errs.New(errs.Unavailable, codes.ShuttingDown, "the replay was stopped at %s of the stream; the same command goes on from there", res.To.UTC().Format(time.DateTime))
	}
	if err != nil || r.listen == "" {
		return err
	}
	if err := line(cmd, "nothing is due any more; serving until standard input is closed"); err != nil {
		return err
	}
	closed := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, cmd.InOrStdin()) // its end is all that matters
		close(closed)
	}()
	select {
	case <-closed:
	case <-ctx.Done():
	}
	return nil
}

// say prints what came of it.
func (r *replayFlags) say(cmd *cobra.Command, a *app.App, res *replayed) error {
	reports, err := a.Reports(context.WithoutCancel(cmd.Context()))
	if err != nil {
		return err
	}
	res.Programs = map[string]*programResult{}
	for name, one := range reports {
		res.Programs[name] = programResultOf(one)
	}
	if r.json {
		return object(cmd, res)
	}
	if err := line(cmd, "%d events from %s to %s in %.1f s", res.Events, res.From.UTC().Format(time.DateTime), res.To.UTC().Format(time.DateTime), res.WallSeconds); err != nil {
		return err
	}
	for name, p := range res.Programs {
		if err := line(cmd, "%s: triggers %v, follow-ups %v, %d attempts, %d taken", name, p.Triggers, p.FollowUps, p.Attempts, p.Taken); err != nil {
			return err
		}
	}
	return nil
}

func programResultOf(r *report.Report) *programResult {
	p := &programResult{
		Triggers:  map[string]int64{"total": r.Triggers.Total, "started": r.Triggers.Started, "merged": r.Triggers.Merged},
		FollowUps: map[string]int64{"started": r.FollowUps.Started, "open": r.FollowUps.Open, "set_aside": r.FollowUps.SetAside},
		Balanced:  r.Balanced, Check: r.Check,
	}
	for _, n := range r.Triggers.NotSelected {
		p.Triggers["not-selected:"+string(n.Reason)] = n.N
	}
	for _, e := range r.FollowUps.Ended {
		if e.N > 0 {
			p.FollowUps[string(e.State)] = e.N
		}
	}
	for _, s := range r.Funnel {
		p.Attempts += s.Intended
		p.Taken += s.Taken
	}
	return p
}

// complainf says something that is not the result.
func complainf(cmd *cobra.Command, format string, a ...any) {
	_, _ = fmt.Fprintf(cmd.ErrOrStderr(), format+"\n", a...) // nobody is left to tell
}
