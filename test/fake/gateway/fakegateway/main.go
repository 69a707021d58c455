// Command fakegateway runs the message gateway as a process of its own.
//
// It prints the URL it takes messages at as the only line of its output and
// stops on SIGINT or SIGTERM.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/huiyin/huiyin/test/fake/gateway"
	"github.com/huiyin/huiyin/test/fake/wirelog"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "fakegateway:", err)
		os.Exit(1)
	}
}

func run() error {
	var o gateway.Options
	flag.StringVar(&o.Address, "listen", "127.0.0.1:0", "address to listen on")
	flag.StringVar(&o.Log, "log", "gateway.jsonl", "path of the wire log; it is appended to")
	flag.BoolVar(&o.Durable, "durable", true, "sync every line of the wire log")
	flag.Uint64Var(&o.Seed, "seed", 1, "seed of the shares")
	flag.DurationVar(&o.Idempotency, "idempotency", 0, "how long a key is honoured; 0 = never")
	flag.DurationVar(&o.Hang, "hang", time.Minute, "how long hang-then-take waits")
	flag.DurationVar(&o.Delay, "delay", 100*time.Millisecond, "how long delay waits")
	flag.DurationVar(&o.RetryAfter, "retry-after", time.Second, "what busy and away tell")
	flag.StringVar(&o.Token, "token", "", "ask for this bearer token")
	flag.StringVar(&o.KillPIDFile, "kill", "", "file with the id of the process that take-then-kill kills")
	flag.StringVar(&o.Receipts.URL, "receipts", "", "where receipts are posted")
	flag.StringVar(&o.Receipts.Secret, "receipts-secret", "", "and signed with")
	flag.Float64Var(&o.Receipts.Doubled, "receipts-doubled", 0, "share sent twice")
	flag.Float64Var(&o.Receipts.OutOfOrder, "receipts-out-of-order", 0, "share of messages seen before they are delivered")
	flag.Float64Var(&o.Receipts.Lost, "receipts-lost", 0, "share of messages never reported on")
	flag.Float64Var(&o.Receipts.Failed, "receipts-failed", 0, "share of messages reported as undelivered")
	shares := flag.String("shares", "", "how often which mode, e.g. take-then-hang=0.05,busy=0.1")
	flag.Parse()
	var err error
	if o.Shares, err = wirelog.ParseShares(*shares, gateway.Modes); err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	g, err := gateway.Start(o)
	if err != nil {
		return err
	}
	fmt.Println(g.URL())
	<-ctx.Done()
	return g.Close()
}
