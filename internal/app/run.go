package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"runtime/debug"
	"sync"
	"syscall"
	"time"

	"github.com/huiyin/huiyin/internal/engine"
	"github.com/huiyin/huiyin/internal/platform/clock"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/errs"
)

const (
	routerIdle   = 200 * time.Millisecond // other processes write the log too, and can't wake us
	loopIdle     = time.Second
	backoffFirst = 100 * time.Millisecond
	backoffMost  = 5 * time.Second
	requestGrace = 10 * time.Second // how long requests may go on after a stop

	headerTimeout  = 5 * time.Second
	requestTimeout = time.Minute
	idleTimeout    = 2 * time.Minute
	headerBytesMax = 64 << 10
)

// Listen takes the port; one that is taken already is said so in one sentence.
func Listen(address string) (net.Listener, error) {
	l, err := net.Listen("tcp", address)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, errs.New(errs.Conflict, codes.PortInUse, "another program listens on %s already; stop it, or choose another address with --listen", address)
	}
	if err != nil {
		return nil, errs.New(errs.Invalid, codes.SettingInvalid, "can't listen on %s; choose another address with --listen", address).Because(err)
	}
	return l, nil
}

// Run works until ctx ends, then stops in order and closes the database. It serves HTTP on l.
func (a *App) Run(ctx context.Context, l net.Listener) error {
	handler, err := a.handler()
	if err == nil {
		err = a.Eraser.CatchUp(ctx) // either database may have been restored from before an erasure
	}
	if err != nil {
		return errors.Join(err, l.Close(), a.Close())
	}
	if a.Options.Fresh != nil {
		if err := a.Options.Fresh(ctx, a); err != nil {
			return errors.Join(err, l.Close(), a.Close())
		}
	}
	back, err := a.openReturns()
	if err != nil {
		return errors.Join(err, l.Close(), a.Close())
	}
	server := a.server(handler)
	work, stopWork := context.WithCancel(context.WithoutCancel(ctx))
	defer stopWork()
	var loops sync.WaitGroup
	a.start(work, &loops)
	for _, r := range back {
		loops.Go(func() { r.run(work) })
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(l) }()
	a.Log.Info("ready", "listen", l.Addr().String(), "engine", a.DB.Engine().String(), "node", a.Node, "channels", a.Channels.Names())
	if a.Options.Ready != nil {
		a.Options.Ready(l.Addr().String())
	}
	var broken error
	select {
	case <-ctx.Done():
	case broken = <-failed:
	}
	a.stop(server, stopWork, &loops)
	err = a.Close()
	if broken != nil {
		return errors.Join(fmt.Errorf("the HTTP server stopped: %w", broken), err)
	}
	a.Log.Info("stopped")
	return err
}

func (a *App) server(handler http.Handler) *http.Server {
	return &http.Server{
		Handler: handler, ReadHeaderTimeout: headerTimeout, ReadTimeout: requestTimeout, WriteTimeout: requestTimeout,
		IdleTimeout: idleTimeout, MaxHeaderBytes: headerBytesMax, ErrorLog: quiet(a.Log),
	}
}

// stop ends things in the order in which they need each other: no more requests, then
// nothing new recorded, then the sends on the wire.
func (a *App) stop(server *http.Server, stopWork func(), loops *sync.WaitGroup) {
	a.stopping.Store(true)
	a.Log.Info("stopping: no more requests are taken")
	a.Bell.Close() // who waits for a card goes home
	grace, cancel := context.WithTimeout(context.Background(), requestGrace)
	defer cancel()
	if err := server.Shutdown(grace); err != nil {
		a.Log.Warn("requests were cut off", "error", err)
		_ = server.Close() // they had their grace
	}
	stopWork()
	loops.Wait() // lanes let their sends end
}

// start runs the loops.
func (a *App) start(ctx context.Context, loops *sync.WaitGroup) {
	loops.Go(func() { a.loop(ctx, "router", a.Router, a.routerWake, routerIdle, a.WakeLanes) })
	loops.Go(func() { a.loop(ctx, "folder", a.Folder, nil, loopIdle, nil) })
	loops.Go(func() { a.loop(ctx, "keeper", a.Keeper, a.keeperWake, loopIdle, nil) })
	loops.Go(func() { a.Deliverer.Run(ctx) })
	for _, l := range a.Lanes {
		loops.Go(func() { l.Run(ctx) })
	}
}

// loop turns one loop of the engine until ctx ends. What goes wrong is said once and tried
// again, more and more slowly; did is told of turns that were asked for or left work over.
func (a *App) loop(ctx context.Context, name string, t engine.Turner, wake <-chan struct{}, idle time.Duration, did func()) {
	backoff := backoffFirst
	woken := true
	for ctx.Err() == nil {
		next, busy, err := a.turn(ctx, t)
		if err != nil {
			if ctx.Err() != nil {
				return
			}
			a.troubles.tell(clock.System{}.Now(), name, "turn", err)
			clock.Sleep(ctx, backoff)
			backoff = min(2*backoff, backoffMost)
			continue
		}
		if backoff != backoffFirst {
			a.troubles.over(name, "turn")
			backoff = backoffFirst
		}
		if did != nil && (woken || busy) {
			did()
		}
		if woken = busy; busy {
			continue
		}
		rest := idle
		if !next.IsZero() {
			rest = max(idle, next.Sub(a.Clock.Now()))
		}
		woken = waitFor(ctx, rest, wake)
	}
}

// turn makes one turn. A panic is an error of this turn: what it did was rolled back.
func (a *App) turn(ctx context.Context, t engine.Turner) (next time.Time, busy bool, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("a loop panicked: %v\n%s", p, debug.Stack())
		}
	}()
	return t.Turn(ctx)
}

// waitFor says whether it was woken.
func waitFor(ctx context.Context, d time.Duration, wake <-chan struct{}) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	case <-wake:
		return true
	}
	return false
}

// laneTrouble is told of every failure of a lane.
func (a *App) laneTrouble(lane, doing string, err error) {
	a.troubles.tell(clock.System{}.Now(), "lane "+lane, doing, err)
}
