// Command fakesmsgateway runs the SMS gateway as a process of its own.
//
// It prints its URL as the only line of its output and stops on SIGINT or SIGTERM.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/huiyin/huiyin/test/fake/smsgateway"
	"github.com/huiyin/huiyin/test/fake/wirelog"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "fakesmsgateway:", err)
		os.Exit(1)
	}
}

func run() error {
	var o smsgateway.Options
	shape := flag.String("shape", string(smsgateway.Plain), "cn-cloud, twilio or plain")
	flag.StringVar(&o.Address, "listen", "127.0.0.1:0", "address to listen on")
	flag.StringVar(&o.Log, "log", "", "path of the wire log; it is appended to; empty = none")
	flag.BoolVar(&o.Durable, "durable", true, "sync every line of the wire log")
	flag.Uint64Var(&o.Seed, "seed", 1, "seed of the shares")
	flag.DurationVar(&o.Hang, "hang", 30*time.Second, "how long hang-then-take waits")
	flag.DurationVar(&o.Delay, "delay", 100*time.Millisecond, "how long delay waits")
	flag.StringVar(&o.User, "user", "user", "access key id or account SID")
	flag.StringVar(&o.Secret, "secret", "secret", "access key secret, auth token or bearer token")
	flag.IntVar(&o.KeyHours, "keys", 0, "plain: honour keys if above zero")
	flag.StringVar(&o.Hooks.Receipts, "receipts", "", "where receipts are posted")
	flag.StringVar(&o.Hooks.User, "hook-user", "huiyin", "cn-cloud: user of that address")
	flag.StringVar(&o.Hooks.Secret, "hook-secret", "", "what posts are signed with")
	flag.Float64Var(&o.Hooks.Doubled, "doubled", 0, "share of receipts posted twice")
	flag.Float64Var(&o.Hooks.Failed, "failed", 0, "share of messages reported as undelivered")
	shares := flag.String("shares", "", "how often which mode, e.g. take-then-hang=0.05,busy=0.1")
	flag.Parse()
	o.Shape = smsgateway.Shape(*shape)
	var err error
	if o.Shares, err = wirelog.ParseShares(*shares, smsgateway.Modes); err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	g, err := smsgateway.Start(o)
	if err != nil {
		return err
	}
	fmt.Println(g.URL())
	<-ctx.Done()
	return g.Close()
}
