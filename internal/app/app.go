package app

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"slices"
	"sync/atomic"

	"github.com/huiyin/huiyin/internal/acts"
	"github.com/huiyin/huiyin/internal/api"
	"github.com/huiyin/huiyin/internal/channel"
	"github.com/huiyin/huiyin/internal/channel/inapp"
	"github.com/huiyin/huiyin/internal/engine"
	"github.com/huiyin/huiyin/internal/engine/deliver"
	"github.com/huiyin/huiyin/internal/hear/answer"
	"github.com/huiyin/huiyin/internal/intake/event"
	"github.com/huiyin/huiyin/internal/people/staff"
	"github.com/huiyin/huiyin/internal/people/vault"
	"github.com/huiyin/huiyin/internal/platform/clock"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/crypt"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/errs"
	"github.com/huiyin/huiyin/internal/platform/ids"
	"github.com/huiyin/huiyin/internal/program/program"
)

// memorySeedBytes is the size of the keys of a database in memory, which die with it.
const memorySeedBytes = 32

// Options are what tests, rigs and the demo choose beside the settings.
type Options struct {
	Clock   clock.Clock                                          // nil: the machine's, and on PostgreSQL the server's
	Random  io.Reader                                            // nil: the machine's
	Log     *slog.Logger                                         // nil: JSON lines on stderr
	Version string                                               // of the program
	Hook    db.Hook                                              // crash points; nil: none
	Channel func(name string, c channel.Channel) channel.Channel // a decorator; nil: none
	Mount   func(a *App, mux *http.ServeMux) error               // further pages; nil: none
	Fresh   func(ctx context.Context, a *App) error              // called before the loops start; nil: nothing
	Ready   func(address string)                                 // told once everything runs; nil: nobody
}

// App is one node, put together.
type App struct {
	Config  Config
	Options Options
	Log     *slog.Logger
	Clock   clock.Clock
	Node    uint8

	DB         *db.DB
	Keys       *crypt.Keyring
	IDs        *ids.Source
	Vault      *vault.Vault
	Channels   *channel.Registry
	Inbox      *inapp.Inbox
	Bell       *inapp.Bell
	Library    *engine.Library
	Intake     *event.Intake
	Links      *answer.Links
	Answers    *answer.Store
	Dispatcher *engine.Dispatcher
	Router     *engine.Router
	Folder     *engine.Folder
	Keeper     *engine.Keeper
	Eraser     *engine.Eraser
	Lanes      []*engine.Lane
	Deliverer  *deliver.Deliverer
	House      *acts.House
	API        *api.API

	routerWake chan struct{}
	keeperWake chan struct{}
	closers    []closer
	stopping   atomic.Bool
	troubles   troubles
}

// New opens the database, brings its schema up to date and puts a node together. It starts nothing.
func New(ctx context.Context, cfg Config, o Options) (*App, error) {
	a := &App{Config: cfg, Options: o, Log: o.Log, Clock: o.Clock, routerWake: make(chan struct{}, 1), keeperWake: make(chan struct{}, 1)}
	if a.Log == nil {
		a.Log = Logger(os.Stderr)
	}
	a.troubles.log = a.Log
	if a.Clock == nil {
		a.Clock = clock.System{}
	}
	if a.Options.Random == nil {
		a.Options.Random = rand.Reader
	}
	if err := a.build(ctx); err != nil {
		return nil, errors.Join(err, a.Close())
	}
	return a, nil
}

func (a *App) build(ctx context.Context) error {
	var err error
	if a.DB, err = db.Open(ctx, a.Config.Database, db.Options{Clock: a.Options.Clock, Hook: a.Options.Hook}); err != nil {
		return opening(a.Config.Database, err)
	}
	if err := a.DB.Migrate(ctx); err != nil {
		return opening(a.Config.Database, err)
	}
	if a.Keys, err = a.openKeys(ctx); err != nil {
		return err
	}
	host, err := os.Hostname()
	if err != nil {
		host = "unnamed"
	}
	if a.Node, err = a.DB.ClaimNode(ctx, fmt.Sprintf("%s/%d", host, os.Getpid())); err != nil {
		return err
	}
	a.IDs = ids.New(a.Clock, a.Node, a.Options.Random)
	if err := a.openVault(ctx); err != nil {
		return err
	}
	if err := a.connectChannels(); err != nil {
		return err
	}
	return a.assemble(ctx)
}

// openKeys opens the key file. A database that was used with other keys is refused: with
// the wrong ones every link already sent would be dead and every refusal by address lost.
func (a *App) openKeys(ctx context.Context) (*crypt.Keyring, error) {
	if a.Config.Database == sqliteMemory {
		seed := make([]byte, memorySeedBytes)
		if _, err := io.ReadFull(a.Options.Random, seed); err != nil {
			return nil, err
		}
		return crypt.FromSeed(seed), nil
	}
	path := a.Config.KeysFile
	if path == "" {
		return nil, errs.New(errs.Invalid, codes.SettingInvalid,
			"on PostgreSQL say where the house's keys lie, since all nodes share one file: set keys_file, or %sKEYS_FILE", envPrefix).At("keys_file")
	}
	var used bool
	err := a.DB.Read(ctx, func(tx *db.Tx) (err error) {
		used, err = engine.KeysUsed(tx)
		return err
	})
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(path); used && errors.Is(err, fs.ErrNotExist) {
		return nil, errs.New(errs.Conflict, codes.KeyFileMissing,
			"this database was used with a key file, and there is none at %s; put it back from your backup, or say with keys_file where it lies", path)
	}
	keys, err := crypt.Open(path)
	if err != nil {
		if _, ours := errs.As(err); !ours {
			err = errs.New(errs.Invalid, codes.FileUnreadable, "the key file %s can't be read; check who owns it and who may read it", path).Because(err)
		}
		return nil, err
	}
	return keys, a.DB.Write(ctx, db.Outcome, "check-keys", func(tx *db.Tx) error { return engine.CheckKeys(tx, keys, path) })
}

// opening says what to do about a database that can't be opened.
func opening(address string, err error) error {
	e, ours := errs.As(err)
	if errors.Is(err, context.Canceled) || ours && e.Code != codes.DatabaseGone {
		return err
	}
	if ours {
		err = e.Err
	}
	return errs.New(errs.Unavailable, codes.DatabaseGone, "the database %s can't be opened; check that it runs, that the address is right and that you may use it", withoutPassword(address)).Because(err)
}

// connectChannels makes the channels of the settings, in the order of their names.
func (a *App) connectChannels() error {
	a.Channels, a.Bell = channel.NewRegistry(), inapp.NewBell()
	a.Inbox = &inapp.Inbox{DB: a.DB, Sealer: a.Vault}
	for _, name := range slices.Sorted(maps.Keys(a.Config.Channels)) {
		c, err := a.connect(name, a.Config.Channels[name])
		if err != nil {
			return err
		}
		a.closers = append(a.closers, c)
		var used channel.Channel = c
		if a.Options.Channel != nil {
			used = a.Options.Channel(name, c)
		}
		if err := a.Channels.Register(name, used); err != nil {
			return err
		}
	}
	return nil
}

// assemble joins the parts, from the ground up.
func (a *App) assemble(ctx context.Context) error {
	catalogue, err := event.NewCatalogue()
	if err != nil {
		return err
	}
	a.Intake = event.NewIntake(a.DB, a.Clock, catalogue, event.IntakeOptions{Logged: a.WakeRouter})
	a.Library = engine.NewLibrary(a.DB, a.Clock.Now, a.Config.Wallet.Country, a.documentsChanged)
	if _, err := a.Library.Programs(ctx); err != nil {
		return err
	}
	a.Links = answer.NewLinks(a.Keys)
	a.Answers = &answer.Store{DB: a.DB, Clock: a.Clock, IDs: a.IDs, Forms: a.Library}
	a.Dispatcher = &engine.Dispatcher{
		DB: a.DB, Clock: a.Clock, IDs: a.IDs, Keys: a.Keys, Vault: a.Vault, Programs: a.Library.Programs, Links: a.Links, Channels: a.Channels,
		PublicURL: a.Config.PublicURL, Hotline: a.Config.Wallet.Hotline,
	}
	hearer := &engine.Hearer{Dispatcher: a.Dispatcher, Answers: a.Answers, Wallet: func(language string) string { return a.Config.Wallet.Name.In(language) }}
	a.Router = engine.NewRouter(engine.RouterConfig{DB: a.DB, Vault: a.Vault, IDs: a.IDs, Programs: a.Library.Programs, Catalogue: a.Intake.Catalogue, Trouble: a.oddity})
	a.Folder = engine.NewFolder(a.DB, engine.Fresh(a.Library), a.Clock.Now)
	a.Eraser = &engine.Eraser{DB: a.DB, Vault: a.Vault, Keys: a.Keys, Clock: a.Clock, Rooms: a.rooms(), Wake: a.wakeKeeper}
	a.Keeper = engine.NewKeeper(a.DB, a.Clock, a.Node)
	a.Keeper.Erasing = a.Eraser
	for _, name := range engine.Lanes {
		a.Lanes = append(a.Lanes, engine.NewLane(a.Dispatcher, name, a.laneTrouble))
	}
	if err := a.deliverer(); err != nil {
		return err
	}
	a.House = &acts.House{
		DB: a.DB, Clock: a.Clock, IDs: a.IDs, Keys: a.Keys, Vault: a.Vault, Eraser: a.Eraser, Library: a.Library, Dispatcher: a.Dispatcher, Hearer: hearer, Channels: a.Channels,
		APIKeys: staff.NewKeys(a.DB, a.Clock), Home: a.Config.Wallet.Country, Domains: a.Config.ownDomains(), Wake: a.WakeLanes, Logged: a.WakeRouter,
	}
	a.House.Inbox, a.House.Bell, a.House.Answers, a.House.Passes = a.Inbox, a.Bell, a.Answers, a.passes()
	a.API, err = api.New(api.Config{
		House: a.House, Intake: a.Intake, Version: a.Options.Version, Log: a.Log, Origins: a.Config.Origins(), Hotline: a.Config.Wallet.Hotline,
	})
	return err
}

// oddity is told of what was wrong with single customers in the router.
func (a *App) oddity(text string) {
	a.Log.Error("something is wrong with one customer; the others go on", "part", "router", "error", text)
}

// documentsChanged passes a new set on to those who keep a part of it.
func (a *App) documentsChanged(set *program.Set) {
	a.Intake.SetCatalogue(set.Catalogue())
	for _, name := range slices.Sorted(maps.Keys(set.Broken())) {
		a.Log.Error("a published program can't run; mend and publish it", "program", name, "error", set.Broken()[name])
	}
	a.WakeLanes()
}

// WakeRouter tells the router that there is something in the log.
func (a *App) WakeRouter() {
	select {
	case a.routerWake <- struct{}{}:
	default:
	}
}

// wakeKeeper tells the keeper that somebody was erased.
func (a *App) wakeKeeper() {
	select {
	case a.keeperWake <- struct{}{}:
	default:
	}
}

// WakeLanes tells every lane that follow-ups may have fallen due.
func (a *App) WakeLanes() {
	for _, l := range a.Lanes {
		l.Wake()
	}
}

// Close closes channels and database.
func (a *App) Close() error {
	for _, c := range a.closers {
		c.Close()
	}
	if a.DB == nil {
		return nil
	}
	if a.Vault == nil {
		return a.DB.Close()
	}
	return errors.Join(a.DB.Close(), a.Vault.Close())
}

// Migrate brings a database's schema up to date and says what it was and is.
func Migrate(ctx context.Context, cfg Config) (before, after int, err error) {
	d, err := db.Open(ctx, cfg.Database, db.Options{})
	if err != nil {
		return 0, 0, opening(cfg.Database, err)
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	if before, err = d.Version(ctx); err != nil {
		return 0, 0, opening(cfg.Database, err)
	}
	if err := d.Migrate(ctx); err != nil {
		return before, 0, opening(cfg.Database, err)
	}
	after, err = d.Version(ctx)
	return before, after, err
}
