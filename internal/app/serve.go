package app

import (
	"context"
	"encoding/json"
	"log"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/huiyin/huiyin/internal/pages"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/errs"
	"github.com/huiyin/huiyin/internal/program/document"
	"github.com/huiyin/huiyin/internal/widget"
)

const readyTimeout = 2 * time.Second

// handler joins everything that is served.
func (a *App) handler() (http.Handler, error) {
	branding := pages.Branding{Name: a.Config.Wallet.Name, Colour: a.Config.Wallet.Colour}
	if h := a.Config.Wallet.Hotline; h != "" {
		branding.Hotline = document.Text{document.ZhCN: h, document.En: h}
	}
	if path := a.Config.Wallet.Logo; path != "" {
		picture, err := os.ReadFile(path)
		if err != nil {
			return nil, errs.New(errs.Invalid, codes.FileUnreadable, "the logo %s can't be read; check the path and that you may read it", path).Because(err).At("wallet.logo")
		}
		if branding.Logo, err = pages.NewLogo(picture); err != nil {
			if e, ours := errs.As(err); ours {
				err = e.At("wallet.logo")
			}
			return nil, err
		}
	}
	customers, err := pages.Handler(pages.Config{
		Answers: a.Answers, Links: a.Links, Branding: branding, Log: a.Log,
		Shelf: a.Library, Secure: strings.HasPrefix(a.Config.PublicURL, "https://"),
	})
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("/q/", customers)
	mux.Handle("/p/", customers)
	mux.Handle("/u/", customers)
	inbox, err := widget.Handler(widget.Config{Origins: a.Config.Origins()})
	if err != nil {
		return nil, err
	}
	mux.Handle("/inapp/", inbox)
	mux.Handle("/w/", customers)
	mux.Handle("/genuine", customers)
	mux.Handle("/v1/", a.API)
	mux.Handle("/openapi.json", a.API)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { say(w, http.StatusOK, map[string]string{"status": "ok"}) })
	mux.HandleFunc("GET /readyz", a.ready)
	mux.Handle("GET /metrics", a.metrics())
	// Browsers ask for an icon whatever the page says; customers' pages carry the wallet's logo.
	mux.HandleFunc("GET /favicon.ico", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Cache-Control", "public, max-age=86400")
		w.WriteHeader(http.StatusNoContent)
	})
	if a.Options.Mount != nil {
		if err := a.Options.Mount(a, mux); err != nil {
			return nil, err
		}
	} else {
		mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
			say(w, http.StatusOK, map[string]string{"name": "Huiyin", "version": a.Options.Version, "api": "/openapi.json", "ready": "/readyz", "metrics": "/metrics"})
		})
	}
	return mux, nil
}

// ready says whether this node can do its work now.
func (a *App) ready(w http.ResponseWriter, r *http.Request) {
	if err := a.Ready(r.Context()); err != nil {
		reason := "the database can't be asked"
		if e, ours := errs.As(err); ours {
			reason = e.Text
		}
		say(w, http.StatusServiceUnavailable, map[string]string{"status": "not ready", "reason": reason})
		return
	}
	say(w, http.StatusOK, map[string]string{"status": "ready"})
}

// Ready asks whether the database answers and has the schema this program knows.
func (a *App) Ready(ctx context.Context) error {
	if a.stopping.Load() {
		return errs.New(errs.Unavailable, "shutting-down", "the server is stopping")
	}
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	version, err := a.DB.Version(ctx)
	if err != nil {
		return err
	}
	if version != db.SchemaVersion() {
		return errs.New(errs.Unavailable, "database-newer", "the database has schema %d, and this program knows %d", version, db.SchemaVersion())
	}
	return nil
}

func say(w http.ResponseWriter, status int, body map[string]string) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // whoever asked may have gone
}

// quiet gives the HTTP server's own complaints, which are about clients, a low voice.
func quiet(l *slog.Logger) *log.Logger { return slog.NewLogLogger(l.Handler(), slog.LevelDebug) }
