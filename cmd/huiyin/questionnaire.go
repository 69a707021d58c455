package main

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/huiyin/huiyin/internal/app"
	"github.com/huiyin/huiyin/internal/measure/report"
)

const qrScale = 8 // pixels to a square of a PNG

func questionnaireCommand(f *flags) *cobra.Command {
	c := &cobra.Command{Use: "questionnaire", Short: "The public link of a questionnaire, its QR code, and what came by it"}
	c.AddCommand(linkCommand(f), qrCommand(f), publicReportCommand(f))
	return c
}

func linkCommand(f *flags) *cobra.Command {
	return &cobra.Command{
		Use: "link NAME", Short: "Where everybody answers a public questionnaire", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return f.with(cmd, func(ctx context.Context, a *app.App) error {
				link, err := a.House.PublicLink(ctx, args[0])
				if err != nil {
					return err
				}
				return line(cmd, "%s", link)
			})
		},
	}
}

func qrCommand(f *flags) *cobra.Command {
	var to string
	var scale int
	c := &cobra.Command{
		Use: "qr NAME", Short: "That link as a QR code: an SVG, or a PNG if the file's name ends so", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return f.with(cmd, func(ctx context.Context, a *app.App) error {
				code, err := a.House.PublicCode(ctx, args[0])
				if err != nil {
					return err
				}
				picture := code.SVG()
				if strings.HasSuffix(strings.ToLower(to), ".png") {
					if picture, err = code.PNG(scale); err != nil {
						return err
					}
				}
				if to == "-" {
					_, err = cmd.OutOrStdout().Write(picture)
					return err
				}
				return os.WriteFile(to, picture, 0o644) //nolint:gosec // a picture to hand out
			})
		},
	}
	c.Flags().StringVarP(&to, "output", "o", "-", "a file, or - for standard output (SVG)")
	c.Flags().IntVar(&scale, "scale", qrScale, "pixels of a PNG to each square, 1 to 64")
	return c
}

func publicReportCommand(f *flags) *cobra.Command {
	var asJSON bool
	var from, to, language string
	c := &cobra.Command{
		Use: "report NAME", Short: "What came by the public link; programs' reports hold none of it", Args: cobra.ExactArgs(1),
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
				r, err := a.House.PublicReport(ctx, args[0], first, last)
				if err != nil {
					return err
				}
				if asJSON {
					return object(cmd, r)
				}
				return printPublic(cmd, r, language)
			})
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "one JSON object, each figure with its definition")
	c.Flags().StringVar(&from, "from", "", "first day by UTC, such as 2026-11-01")
	c.Flags().StringVar(&to, "to", "", "last day by UTC")
	addLanguage(c, &language)
	return c
}

func printPublic(cmd *cobra.Command, r *report.Public, language string) error {
	say := func(chinese, english string) string {
		return in(language, report.Text{Chinese: chinese, English: english})
	}
	state := say("已结束", "closed")
	if r.Open {
		state = say("开放中", "open")
	}
	wanted := say("不限", "any number")
	if r.Quota > 0 {
		wanted = fmt.Sprint(r.Quota)
	}
	if err := line(cmd, "%s  %s\n%s", r.Questionnaire, state, fmt.Sprintf(say("开始 %d · 提交 %d(其中疑似敷衍 %d)· 需要 %s", "begun %d · handed in %d (careless %d) · wanted %s"),
		r.Answers.Started, r.Answers.Completed, r.Answers.Careless, wanted)); err != nil {
		return err
	}
	for _, s := range r.Scores {
		mean := "–"
		if s.Mean != nil {
			mean = fmt.Sprintf("%.2f", s.Mean.Value)
		}
		if err := line(cmd, "%s  %s %s  n=%d", in(language, s.Ask), say("平均", "mean"), mean, s.N); err != nil {
			return err
		}
	}
	return nil
}
