package main

import (
	"context"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/huiyin/huiyin/internal/acts"
	"github.com/huiyin/huiyin/internal/app"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/errs"
)

// bouncesBytesMax bounds a mailbox read at once.
const bouncesBytesMax = 256 << 20

func importBouncesCommand(f *flags) *cobra.Command {
	var channelName, recipient string
	c := &cobra.Command{
		Use: "bounces FILE", Short: "Take in mail that came back: one message, or a mailbox (mbox); - is standard input", Args: cobra.ExactArgs(1),
		Long: "Reports of delivery (RFC 3464) and complaints (RFC 5965). For postfix:\n  huiyin-bounces unix - n n - - pipe flags=q user=huiyin argv=huiyin import bounces - --recipient ${original_recipient}",
		RunE: func(cmd *cobra.Command, args []string) error {
			raw, err := readBounces(cmd, args[0])
			if err != nil {
				return err
			}
			return f.with(cmd, func(ctx context.Context, a *app.App) error {
				taken, others := 0, 0
				err := a.House.BounceFile(ctx, channelName, raw, recipient, func(n int, b acts.Bounced, err error) {
					if err != nil {
						others++
						_ = line(cmd, "message %d: %v", n, err) // the count below says it again
						return
					}
					taken++
				})
				if err != nil {
					return err
				}
				return line(cmd, "%d taken in, %d others", taken, others)
			})
		},
	}
	c.Flags().StringVar(&channelName, "channel", "email", "on which they were sent")
	c.Flags().StringVar(&recipient, "recipient", "", "the address they came to, if the mail server tells")
	return c
}

func readBounces(cmd *cobra.Command, name string) (raw []byte, err error) {
	in := io.NopCloser(cmd.InOrStdin())
	if name != "-" {
		if in, err = os.Open(name); err != nil {
			return nil, errs.New(errs.Invalid, codes.FileUnreadable, "%s can't be read; check its name and that you may read it", name).Because(err)
		}
	}
	defer func() { _ = in.Close() }() // it was read
	raw, err = io.ReadAll(io.LimitReader(in, bouncesBytesMax+1))
	if err == nil && len(raw) > bouncesBytesMax {
		err = errs.New(errs.TooLarge, codes.FileUnreadable, "%s has more than %d bytes; take it in in parts", name, bouncesBytesMax)
	}
	return raw, err
}
