// Command crasher is the server, killing itself at a named point.
//
// It serves as `huiyin serve` does, from the same parts. With -point it ends itself by
// SIGKILL the n-th time that point is reached; with -ahead its clock runs ahead, so that
// leases run out without waiting for them.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/huiyin/huiyin/internal/app"
	"github.com/huiyin/huiyin/internal/channel"
	"github.com/huiyin/huiyin/internal/platform/clock"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "crasher:", err)
		os.Exit(1)
	}
}

func run() error {
	config := flag.String("config", "", "settings file")
	point := flag.String("point", "", "where to die, e.g. write:record:commit or send:after")
	nth := flag.Int64("nth", 1, "at which time it is reached")
	ahead := flag.Duration("ahead", 0, "how far the clock runs ahead")
	flag.Parse()
	cfg, err := app.Load(*config, nil)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	b := &bomb{point: *point, nth: *nth}
	o := app.Options{Version: "crasher", Hook: func(p string) error { b.at(p); return nil }}
	if *ahead != 0 {
		o.Clock = clock.Skewed{Base: clock.System{}, Offset: *ahead}
	}
	o.Channel = func(_ string, c channel.Channel) channel.Channel { return arm(c, b) }
	l, err := app.Listen(cfg.Listen)
	if err != nil {
		return err
	}
	a, err := app.New(ctx, cfg, o)
	if err != nil {
		return err
	}
	return a.Run(ctx, l)
}

// bomb ends the process at its point.
type bomb struct {
	point string
	nth   int64
	seen  atomic.Int64
}

func (b *bomb) at(point string) {
	if point != b.point || b.seen.Add(1) != b.nth {
		return
	}
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL) // it can't fail for ourselves
	time.Sleep(time.Minute)                        // nothing more is done in the instant before it works
}

// armed is a channel with points before the last look, between it and the wire, and
// between the wire and whoever waits for the outcome.
type armed struct {
	channel.Channel
	bomb *bomb
}

func (a armed) Send(ctx context.Context, m channel.Message, look channel.LastLook) channel.Outcome {
	a.bomb.at("send:before")
	out := a.Channel.Send(ctx, m, func(ctx context.Context) error {
		a.bomb.at("look:before")
		err := look(ctx)
		a.bomb.at("look:after")
		return err
	})
	a.bomb.at("send:after")
	return out
}

// asking is an armed channel whose provider can be asked.
type asking struct {
	armed
	channel.LookUper
}

func (a asking) LookUp(ctx context.Context, key, ref string) channel.Outcome {
	a.bomb.at("lookup:before")
	out := a.LookUper.LookUp(ctx, key, ref)
	a.bomb.at("lookup:after")
	return out
}

func arm(c channel.Channel, b *bomb) channel.Channel {
	if l, ok := c.(channel.LookUper); ok {
		return asking{armed{c, b}, l}
	}
	return armed{c, b}
}
