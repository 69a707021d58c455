package app

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"

	"github.com/huiyin/huiyin/internal/intake/event"
	"github.com/huiyin/huiyin/internal/measure/report"
	"github.com/huiyin/huiyin/internal/platform/clock"
	"github.com/huiyin/huiyin/internal/replay"
)

// Replay lives a stream of events through on this node, in the stream's own time. The
// node was made with the clock, and its channels stamped; Run must not be called.
func (a *App) Replay(ctx context.Context, c *clock.Virtual, events []event.Event, until time.Time, progress func(now time.Time, events, of int)) (replay.Result, error) {
	return replay.Run(ctx, replay.Parts{
		DB: a.DB, Clock: c, Intake: a.Intake, Router: a.Router, Folder: a.Folder, Dispatcher: a.Dispatcher, Progress: progress,
	}, events, until)
}

// Serve serves pages and API on l, without the loops; stop ends that.
func (a *App) Serve(l net.Listener) (stop func() error, err error) {
	handler, err := a.handler()
	if err == nil {
		err = a.Eraser.CatchUp(context.Background())
	}
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	server := a.server(handler)
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	return func() error {
		grace, cancel := context.WithTimeout(context.Background(), requestGrace)
		defer cancel()
		err := server.Shutdown(grace)
		if serving := <-served; !errors.Is(serving, http.ErrServerClosed) {
			err = errors.Join(err, serving)
		}
		return err
	}, nil
}

// Reports are the accounts of every program there is, by name.
func (a *App) Reports(ctx context.Context) (map[string]*report.Report, error) {
	programs, err := a.House.Programs(ctx)
	if err != nil {
		return nil, err
	}
	all := map[string]*report.Report{}
	for _, p := range programs {
		if all[p.Name], err = a.House.Report(ctx, p.Name, time.Time{}, time.Time{}); err != nil {
			return nil, err
		}
	}
	return all, nil
}
