package main

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/huiyin/huiyin/internal/app"
	"github.com/huiyin/huiyin/internal/measure/report"
	"github.com/huiyin/huiyin/internal/measure/statistics"
)

func reportCommand(f *flags) *cobra.Command {
	var asJSON bool
	var from, to, language string
	c := &cobra.Command{
		Use: "report PROGRAM", Short: "What came of a program: funnel, reasons, scores, effect", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			first, err := dayFlag("--from", from)
			if err != nil {
				return err
			}
			last, err := dayFlag("--to", to)
			if err != nil {
				return err
			}
			return f.with(cmd, func(ctx context.Context, a *app.App) error {
				r, err := a.House.Report(ctx, args[0], first, last)
				if err != nil {
					return err
				}
				if asJSON {
					return object(cmd, r)
				}
				return printReport(cmd.OutOrStdout(), r, language)
			})
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "one JSON object, each figure with its definition")
	c.Flags().StringVar(&from, "from", "", "first day by UTC, such as 2026-11-01")
	c.Flags().StringVar(&to, "to", "", "last day by UTC")
	addLanguage(c, &language)
	return c
}

func dayFlag(name, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return t, misused("%s %q is no day; write it as 2026-11-01", name, text)
	}
	return t, nil
}

// sheet writes lines of cells; the first trouble stays.
type sheet struct {
	*tabwriter.Writer
	language string
	err      error
}

func (s *sheet) row(format string, a ...any) {
	if _, err := fmt.Fprintf(s.Writer, format+"\n", a...); s.err == nil {
		s.err = err
	}
}

func (s *sheet) say(chinese, english string) string {
	return in(s.language, report.Text{Chinese: chinese, English: english})
}

func (s *sheet) in(t report.Text) string { return in(s.language, t) }

// printReport writes a report for people.
func printReport(w io.Writer, r *report.Report, language string) error {
	s := &sheet{Writer: tabwriter.NewWriter(w, 0, 8, 2, ' ', 0), language: language}
	s.row("%s\t%s (%s)\t%s – %s UTC", r.Program, s.in(r.Title), r.State, orDash(r.From), r.To)
	if !r.Balanced {
		for _, problem := range r.Check {
			s.row("!\t%s", problem)
		}
	}
	s.counts(r)
	s.funnel(r)
	s.scores(r)
	s.effect(r)
	if err := s.Flush(); s.err == nil {
		s.err = err
	}
	return s.err
}

func (s *sheet) counts(r *report.Report) {
	s.row("\n%s\t%d", s.say("触发", "Triggers"), r.Triggers.Total)
	s.row("  %s\t%d", s.say("生成回访单", "started"), r.Triggers.Started)
	s.row("  %s\t%d", s.say("并入", "merged"), r.Triggers.Merged)
	for _, x := range r.Triggers.NotSelected {
		s.row("  %s\t%d\t%s", x.Reason, x.N, s.in(x.Text))
	}
	s.row("\n%s\t%d", s.say("回访单", "Follow-ups"), r.FollowUps.Started)
	s.row("  %s\t%d", s.say("未完结", "open"), r.FollowUps.Open)
	s.row("  %s\t%d", s.say("待人工确认", "set aside"), r.FollowUps.SetAside)
	for _, x := range r.FollowUps.Ended {
		if x.N > 0 {
			s.row("  %s\t%d\t%s", x.State, x.N, s.in(x.Text))
		}
	}
	if len(r.Withheld) > 0 {
		s.row("\n%s\t%s", s.say("未触达的原因", "Why contact was withheld"), s.say("拦截回访单\t否决\t延后\t跳过", "suppressed\tdenied\tdeferred\tpassed over"))
	}
	for _, x := range r.Withheld {
		s.row("  %s\t%d\t%d\t%d\t%d\t%s", x.Reason, x.Suppressed, x.Denied, x.Deferred, x.PassedOver, s.in(x.Text))
	}
}

func (s *sheet) funnel(r *report.Report) {
	if len(r.Funnel) == 0 {
		return
	}
	s.row("\n%s\t%s", s.say("触达", "Contacts"), s.say(
		"步骤\t渠道\t发出\t受理\t送达\t已看\t被拒\t未送达\t不明\t核对未过\t作答", "step\tchannel\tintended\taccepted\tdelivered\tseen\trejected\tundelivered\tunknown\twithheld\tanswered"))
	for _, x := range r.Funnel {
		s.row("\t%d\t%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d", x.Step, x.Channel, x.Intended, x.Taken, x.Delivered, x.Seen,
			x.Rejected, x.Undelivered, x.Unknown, x.Withheld, x.Answered)
	}
}

func (s *sheet) scores(r *report.Report) {
	if len(r.Scores) == 0 {
		return
	}
	s.row("\n%s", s.say("评分", "Scores"))
	for _, x := range r.Scores {
		if x.Mean == nil {
			s.row("  %s\tn=0", x.Question)
			continue
		}
		s.row("  %s\tn=%d\t%s %s", x.Question, x.N, s.say("平均", "mean"), figure(&x.Mean.Value, x.Mean.Interval, "%.2f", 1))
		if x.NetPromoter != nil {
			s.row("\t\tNPS %s", figure(&x.NetPromoter.Value, x.NetPromoter.Interval, "%.1f", 1))
		}
		if x.Satisfied != nil {
			s.row("\t\t%s %s", s.say("满意率", "satisfied"), figure(x.Satisfied.Rate, x.Satisfied.Interval, "%.1f%%", 100))
		}
	}
}

func (s *sheet) effect(r *report.Report) {
	if len(r.Effect.Arms) == 0 {
		return
	}
	s.row("\n%s", s.say("效果", "Effect"))
	for _, x := range r.Effect.Arms {
		s.row("  %s\tn=%d\t%d\t%s", s.in(x.Text), x.N, x.Converted, figure(x.Rate, x.Interval, "%.2f%%", 100))
	}
	s.row("  %s", s.in(r.Effect.Sentence))
}

// figure writes a value with its interval.
func figure(value *float64, between *statistics.Interval, form string, times float64) string {
	if value == nil {
		return "–"
	}
	text := fmt.Sprintf(form, *value*times)
	if between != nil {
		text += fmt.Sprintf(" ["+form+", "+form+"]", between.Low*times, between.High*times)
	}
	return text
}

func orDash(text string) string {
	if text == "" {
		return "…"
	}
	return text
}
