package main

import (
	"context"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/huiyin/huiyin/internal/app"
	"github.com/huiyin/huiyin/internal/channel"
	"github.com/huiyin/huiyin/internal/channel/sms"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/errs"
)

func gatewayCommand(f *flags) *cobra.Command {
	c := &cobra.Command{
		Use: "gateway", Short: "SMS gateways: list, show, check, count, try",
		Long: "A gateway document says how an SMS provider is spoken to. Some come with the program; another is a file of your own\n(`document:` in the channel's settings). None of these commands sends anything.",
	}
	c.AddCommand(gatewayList(), gatewayShow(), gatewayCheck(), gatewayCount(), gatewayTry(f))
	return c
}

func gatewayList() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "The gateways that come with the program", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			for _, name := range sms.Ready() {
				d, ok := sms.Named(name)
				if !ok {
					continue
				}
				if err := line(cmd, "%-12s %s · %s", name, d.Title["zh-CN"], d.Title["en"]); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

func gatewayShow() *cobra.Command {
	return &cobra.Command{
		Use: "show NAME", Short: "A ready gateway's document, to be copied and changed", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			text, ok := sms.Source(args[0])
			if !ok {
				return errs.New(errs.NotFound, codes.NotFound, "there is no gateway %s; there are %s", args[0], strings.Join(sms.Ready(), ", "))
			}
			_, err := cmd.OutOrStdout().Write(text)
			return err
		},
	}
}

func gatewayCheck() *cobra.Command {
	return &cobra.Command{
		Use: "check FILE", Short: "Judge a gateway document", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			d, err := app.ReadGateway(args[0])
			if err != nil {
				return err
			}
			return line(cmd, "%s is sound; keys %s, look-up %s, receipts %s, replies %s", d.Name,
				yesOrNo(d.Idempotency > 0), yesOrNo(d.LookUp != nil), yesOrNo(d.Receipts != nil), yesOrNo(d.Replies != nil))
		},
	}
}

func yesOrNo(yes bool) string {
	if yes {
		return "yes"
	}
	return "no"
}

func gatewayCount() *cobra.Command {
	var ucs2 bool
	c := &cobra.Command{
		Use: "count TEXT", Short: "How many messages a text counts as", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			n, alphabet := sms.Segments(args[0], ucs2)
			return line(cmd, "%d (%s, %d characters)", n, alphabet, len([]rune(args[0])))
		},
	}
	c.Flags().BoolVar(&ucs2, "ucs2", false, "count as gateways in mainland China do, where every text is UCS-2")
	return c
}

func gatewayTry(f *flags) *cobra.Command {
	var to, text, template, language string
	c := &cobra.Command{
		Use: "try CHANNEL", Short: "Show the request that a message would make on a connected channel; nothing is sent", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return f.with(cmd, func(_ context.Context, a *app.App) error {
				connected, _ := a.Channels.Get(args[0])
				gateway, ok := connected.(*sms.Channel)
				if !ok {
					return errs.New(errs.NotFound, codes.ChannelUnknown, "no channel %s with an SMS gateway is connected; set channels.%s with `adapter: sms`", args[0], args[0])
				}
				request, err := gateway.Preview(channel.Message{
					Key: "preview", To: to, Text: text, Template: template, Language: language, Purpose: "notice",
				})
				if err != nil {
					return err
				}
				n, most := gateway.SegmentsOf(text)
				return line(cmd, "%s\n\n%s of at most %d segments", strings.ReplaceAll(request, "\r\n", "\n"), strconv.Itoa(n), most)
			})
		},
	}
	c.Flags().StringVar(&to, "to", "+8613800000000", "number, as + and its digits")
	c.Flags().StringVar(&text, "text", "【示例钱包】您好", "text as it would be sent")
	c.Flags().StringVar(&template, "template", "", "template it was made from")
	c.Flags().StringVar(&language, "language", "zh-CN", "language of it")
	return c
}
