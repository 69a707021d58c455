package main

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/huiyin/huiyin/internal/app"
	"github.com/huiyin/huiyin/internal/channel/email"
	"github.com/huiyin/huiyin/internal/channel/sms"
	"github.com/huiyin/huiyin/internal/demo"
	"github.com/huiyin/huiyin/internal/platform/clock"
	"github.com/huiyin/huiyin/internal/program/document"
)

const (
	demoDatabase = "sqlite:huiyin-demo.db"
	demoListen   = "127.0.0.1:8080"
	demoKeys     = "huiyin-demo.keys" // for a database that is no file, beside which they would lie
	demoHotline  = "400-800-1234"
)

// demoFlags are what the demo is told.
type demoFlags struct {
	*flags
	listen    string
	customers int
	fresh     bool
}

func demoCommand(f *flags) *cobra.Command {
	o := &demoFlags{flags: f}
	c := &cobra.Command{
		Use: "demo", Short: "Run the server with a simulated wallet, customers and a mailbox", Args: cobra.NoArgs,
		Long: `Runs the server on a database of its own (` + demoDatabase + ` in this folder) with sample programs, a
simulated wallet whose customers live by themselves, and a mail server whose messages you can
read in the browser. Nothing leaves this machine.`,
		RunE: func(cmd *cobra.Command, _ []string) error { return o.run(cmd) },
	}
	c.Flags().StringVar(&o.listen, "listen", demoListen, "host:port")
	c.Flags().IntVar(&o.customers, "customers", demo.CustomersDefault, "customers who live by themselves at the start; 0: nothing happens but what you do")
	c.Flags().BoolVar(&o.fresh, "fresh", false, "forget what happened in earlier runs")
	return c
}

// run starts a mailbox, a server that mails to it, and the life around them.
func (o *demoFlags) run(cmd *cobra.Command) (err error) {
	if o.customers < 0 || o.customers > demo.CustomersMax {
		return misused("--customers is %d; choose 0 to %d", o.customers, demo.CustomersMax)
	}
	l, err := app.Listen(o.listen)
	if err != nil {
		return err
	}
	life := &demoLife{cmd: cmd, flags: o, log: slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), &slog.HandlerOptions{Level: slog.LevelWarn}))}
	if err := life.open(); err != nil {
		return errors.Join(err, l.Close(), life.close())
	}
	cfg, err := o.config(l.Addr(), life.mailbox, life.texts)
	if err == nil && o.fresh {
		err = forget(cfg)
	}
	if err != nil {
		return errors.Join(err, l.Close(), life.close())
	}
	ctx, stop := context.WithCancel(cmd.Context())
	defer stop()
	a, err := app.New(ctx, cfg, app.Options{Version: version, Log: life.log, Mount: life.mount, Fresh: life.prepare, Ready: func(string) { life.begin(ctx, cfg) }})
	if err != nil {
		return errors.Join(err, l.Close(), life.close())
	}
	go life.serve("mailbox", life.mailbox.Serve)
	go life.serve("text gateway", life.texts.Serve)
	return errors.Join(a.Run(ctx, l), life.close())
}

// config is the settings of a demo that listens at an address.
func (o *demoFlags) config(at net.Addr, mailbox *demo.Mailbox, texts *demo.Texts) (app.Config, error) {
	database := o.database
	if database == "" {
		database = demoDatabase
	}
	_, port, err := net.SplitHostPort(at.String())
	if err != nil {
		return app.Config{}, err
	}
	cfg := app.Config{
		PublicURL: "http://localhost:" + port,
		Wallet: app.Wallet{
			Name: document.Text{document.ZhCN: "示例钱包", document.En: "Example Wallet"}, Hotline: demoHotline, Country: "CN",
		},
		Channels: map[string]app.Channel{
			"email": {Adapter: "smtp", SMTP: email.Settings{
				Server: mailbox.Address(), Encryption: email.Plain, From: "示例钱包 Example Wallet <service@wallet.example>",
			}},
			"inapp": {Adapter: "inbox"},
			"sms":   {Adapter: "sms", SMS: app.SMS{Gateway: "plain", Settings: sms.Settings{Values: texts.Values(), Confirm: true}}},
		},
	}
	if strings.HasPrefix(database, "postgres") {
		cfg.KeysFile = demoKeys
	}
	return cfg, cfg.Use(database, at.String())
}

// withoutPassword is a database's address fit to be shown on a page.
func withoutPassword(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.User == nil {
		return address
	}
	return u.Redacted()
}

// forget removes the database of earlier runs. Only a file is removed: a server's
// database is not ours to drop.
func forget(cfg app.Config) error {
	path, file := strings.CutPrefix(cfg.Database, "sqlite:")
	if !file || path == ":memory:" {
		return misused("--fresh removes a SQLite file; a database of another kind you empty yourself")
	}
	for _, name := range []string{path, path + "-wal", path + "-shm", cfg.KeysFile} {
		if err := os.Remove(name); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}

// demoLife joins the demo to a node while it starts.
type demoLife struct {
	cmd     *cobra.Command
	flags   *demoFlags
	mailbox *demo.Mailbox
	texts   *demo.Texts
	log     *slog.Logger
	demo    *demo.Demo
}

// open starts what stands in for the world outside: a mail server and a text gateway.
func (l *demoLife) open() (err error) {
	if l.mailbox, err = demo.NewMailbox(clock.System{}.Now); err == nil {
		l.texts, err = demo.NewTexts(clock.System{}.Now, rand.Reader)
	}
	return err
}

func (l *demoLife) close() (err error) {
	if l.mailbox != nil {
		err = l.mailbox.Close()
	}
	if l.texts != nil {
		err = errors.Join(err, l.texts.Close())
	}
	return err
}

func (l *demoLife) serve(what string, serve func() error) {
	if err := serve(); err != nil {
		l.log.Error("the "+what+" stopped", "error", err)
	}
}

// mount puts the demo's pages beside the server's.
func (l *demoLife) mount(a *app.App, mux *http.ServeMux) (err error) {
	l.demo, err = demo.New(demo.Parts{
		House: a.House, Intake: a.Intake, DB: a.DB, Library: a.Library, IDs: a.IDs, Clock: a.Clock, Mailbox: l.mailbox, Texts: l.texts,
		RepliesURL: a.Config.PublicURL + "/v1/replies/sms",
		Random:     a.Options.Random, Log: l.log, Customers: l.flags.customers, Database: withoutPassword(a.Config.Database),
	})
	if err == nil {
		l.demo.Mount(mux)
	}
	return err
}

// prepare fills the house, before anything of it runs.
func (l *demoLife) prepare(ctx context.Context, _ *app.App) error { return l.demo.Prepare(ctx) }

// begin lets the customers live, and says where to go and what to do there.
func (l *demoLife) begin(ctx context.Context, cfg app.Config) {
	go func() {
		if err := l.demo.Run(ctx); err != nil {
			l.log.Error("the simulated customers stopped", "error", err)
		}
	}()
	_ = line(l.cmd, `
  回音 Huiyin · 演示 demo

    %s

    打开它,选一位客户,让一件事发生;几秒后邮箱里就有邮件。
    Open it, choose a customer, make something happen; the mail is in the mailbox within seconds.

    数据在 data in %s (--fresh 重新开始 starts over) · Ctrl-C 停止 stops
`, cfg.PublicURL, cfg.Database) // the demo goes on when nobody reads this
}
