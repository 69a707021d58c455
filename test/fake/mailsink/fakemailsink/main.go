// Command fakemailsink runs the mail sink as a process of its own.
//
// It prints the address it listens on as the only line of its output and stops
// on SIGINT or SIGTERM.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/huiyin/huiyin/test/fake/mailsink"
	"github.com/huiyin/huiyin/test/fake/wirelog"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "fakemailsink:", err)
		os.Exit(1)
	}
}

func run() error {
	o := mailsink.Options{Problems: os.Stderr}
	flag.StringVar(&o.Address, "listen", "127.0.0.1:0", "address to listen on")
	flag.StringVar(&o.Log, "log", "mailsink.jsonl", "path of the wire log; it is appended to")
	flag.BoolVar(&o.Durable, "durable", false, "sync every line of the wire log")
	flag.BoolVar(&o.Bodies, "bodies", false, "keep whole messages in the wire log")
	flag.Uint64Var(&o.Seed, "seed", 1, "seed of the shares")
	flag.IntVar(&o.RefusalsForNow, "refusals-for-now", 1, "how often refuse-for-now refuses an address; 0 = always")
	flag.DurationVar(&o.Hang, "hang", 0, "how long hang-then-take waits")
	flag.DurationVar(&o.Delay, "delay", 0, "wait before every answer to a message")
	flag.StringVar(&o.KillPIDFile, "kill", "", "file with the id of the process that take-then-kill kills")
	flag.StringVar(&o.User, "user", "", "ask for this login")
	flag.StringVar(&o.Password, "password", "", "and this password")
	shares := flag.String("shares", "", "how often which mode, e.g. refuse-for-now=0.1,take-then-drop=0.02")
	flag.Parse()
	var err error
	if o.Shares, err = wirelog.ParseShares(*shares, mailsink.Modes); err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	sink, err := mailsink.Start(o)
	if err != nil {
		return err
	}
	fmt.Println(sink.Address())
	<-ctx.Done()
	return sink.Close()
}
