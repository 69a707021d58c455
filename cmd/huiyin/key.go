package main

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/huiyin/huiyin/internal/app"
	"github.com/huiyin/huiyin/internal/people/staff"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/program/document"
)

const keysPage = 1_000

func keyCommand(f *flags) *cobra.Command {
	c := &cobra.Command{Use: "key", Short: "API keys, and the key of the vault"}
	c.AddCommand(keyCreateCommand(f), keyListCommand(f), keyRevokeCommand(f), keyRotateCommand(f))
	return c
}

func keyCreateCommand(f *flags) *cobra.Command {
	var scopes []string
	var expires string
	c := &cobra.Command{
		Use: "create NAME", Short: "Make a key; its secret is the last line, and shown this once", Args: cobra.ExactArgs(1),
		Long: "NAME says who holds the key. Scopes:\n" + scopesHelp(),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(scopes) == 0 {
				return misused("say what the key may do, such as --scope events-write,customers-write")
			}
			k := staff.Key{Name: args[0]}
			for _, s := range scopes {
				k.Scopes = append(k.Scopes, codes.Scope(s))
			}
			return f.withNew(cmd, func(ctx context.Context, a *app.App) error {
				if expires != "" {
					until, err := expiry(expires, a.Clock.Now())
					if err != nil {
						return err
					}
					k.Expires = until
				}
				secret, made, err := a.House.CreateKey(ctx, actor(), k)
				if err != nil {
					return err
				}
				if err := line(cmd, "key %d for %s", made.ID, made.Name); err != nil {
					return err
				}
				return line(cmd, "%s", secret)
			})
		},
	}
	c.Flags().StringSliceVar(&scopes, "scope", nil, "what it may do; several with commas")
	c.Flags().StringVar(&expires, "expires", "", "a day (2027-01-31) or a span (90d); without it never")
	return c
}

func scopesHelp() string {
	var b strings.Builder
	for _, s := range codes.Scopes() {
		b.WriteString("  " + string(s) + ": " + s.Sentence("en") + "\n")
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// expiry reads a day, which is included, or a span from now.
func expiry(text string, now time.Time) (time.Time, error) {
	if t, err := time.ParseInLocation(time.DateOnly, text, time.Local); err == nil {
		return t.AddDate(0, 0, 1), nil
	}
	d, err := document.ParseDuration(text)
	if err != nil {
		return time.Time{}, misused("%q is no day or span; write 2027-01-31 or 90d", text)
	}
	return now.Add(d), nil
}

func keyListCommand(f *flags) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the keys, without their secrets", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return f.with(cmd, func(ctx context.Context, a *app.App) error {
				for after := int64(0); ; {
					page, err := a.House.ListKeys(ctx, after, keysPage)
					if err != nil {
						return err
					}
					for _, k := range page {
						if err := line(cmd, "%d  %-8s  %s  %s", k.ID, standing(k, a.Clock.Now()), k.Name, scopesText(k.Scopes)); err != nil {
							return err
						}
						after = k.ID
					}
					if len(page) < keysPage {
						return nil
					}
				}
			})
		},
	}
}

func standing(k staff.Key, now time.Time) string {
	switch {
	case !k.Revoked.IsZero():
		return "revoked"
	case !k.Expires.IsZero() && !now.Before(k.Expires):
		return "expired"
	default:
		return "valid"
	}
}

func scopesText(scopes []codes.Scope) string {
	words := make([]string, len(scopes))
	for i, s := range scopes {
		words[i] = string(s)
	}
	return strings.Join(words, ",")
}

func keyRevokeCommand(f *flags) *cobra.Command {
	return &cobra.Command{
		Use: "revoke ID", Short: "End a key; servers stop taking it within five seconds", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := strconv.ParseInt(args[0], 10, 64)
			if err != nil {
				return misused("%q is no number of a key; `huiyin key list` gives them", args[0])
			}
			return f.with(cmd, func(ctx context.Context, a *app.App) error {
				if err := a.House.RevokeKey(ctx, actor(), id); err != nil {
					return err
				}
				return line(cmd, "key %d is revoked", id)
			})
		},
	}
}
