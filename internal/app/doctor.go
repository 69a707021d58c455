package app

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/huiyin/huiyin/internal/channel/sms"
	"github.com/huiyin/huiyin/internal/decide/policy"
	"github.com/huiyin/huiyin/internal/platform/db"
	"github.com/huiyin/huiyin/internal/platform/errs"
)

const (
	clockOffWarn  = 2 * time.Second  // between this machine and the database
	clockOffFail  = 30 * time.Second // leases and windows would be judged wrongly
	diskFreeWarn  = 5 << 30          // bytes
	diskFreeFail  = 500 << 20
	lagWarn       = 1_000   // events
	lagFail       = 100_000 // half of what makes intake say no
	dueWarn       = 10_000  // follow-ups due at once on a lane
	asideWarn     = 1
	reachTimeout  = 3 * time.Second
	holidaysAhead = 60 * 24 * time.Hour // next year's days should be there this long before
	keysMode      = 0o077               // nobody but the owner
	checkTimeout  = 2 * time.Minute     // for the whole database
)

// Health is how a check came out.
type Health string

// The outcomes.
const (
	OK   Health = "ok"
	Warn Health = "warn"
	Fail Health = "fail"
)

// Finding is one check.
type Finding struct {
	Check  string `json:"check"`
	Health Health `json:"health"`
	Found  string `json:"found"`
	Mend   string `json:"mend,omitempty"` // what to do about it
}

func finding(check string, h Health, found, mend string) Finding {
	if h == OK {
		mend = ""
	}
	return Finding{check, h, found, mend}
}

// Doctor looks a node over. It makes no database and changes no schema. What can't be asked
// for want of a database is left out.
func Doctor(ctx context.Context, cfg Config, o Options) []Finding {
	found := []Finding{settingsCheck(cfg)}
	if bad, stop := schemaCheck(ctx, cfg); stop {
		return append(found, bad)
	}
	a, err := New(ctx, cfg, o)
	if err != nil {
		text, mend := err.Error(), "start the database, or give its right address with --database"
		if e, ours := errs.As(err); ours {
			text, mend = e.Text, "see what it says"
		}
		return append(found, finding("database", Fail, text, mend))
	}
	defer func() { _ = a.Close() }() // nothing was written
	found = append(found, a.databaseCheck(ctx), a.clockCheck(ctx), a.diskCheck(), a.keysCheck())
	found = append(found, a.channelChecks(ctx)...)
	found = append(found, a.holidayChecks(ctx)...)
	found = append(found, a.workChecks(ctx)...)
	return append(found, a.programCheck(ctx))
}

// schemaCheck says whether there is a database this program can work with as it stands.
func schemaCheck(ctx context.Context, cfg Config) (bad Finding, stop bool) {
	if err := Exists(cfg); err != nil {
		return finding("database", Fail, err.Error(), "give its right address with --database; huiyin serve or migrate makes a new one"), true
	}
	d, err := db.Open(ctx, cfg.Database, db.Options{})
	if err != nil {
		return finding("database", Fail, opening(cfg.Database, err).Error(), "start the database, or give its right address with --database"), true
	}
	defer func() { _ = d.Close() }() // nothing was written
	version, err := d.Version(ctx)
	switch {
	case err != nil:
		return finding("database", Fail, err.Error(), "look at the database's logs"), true
	case version < db.SchemaVersion():
		return finding("database", Fail, fmt.Sprintf("its schema is %d, this program works with %d", version, db.SchemaVersion()), "huiyin migrate"), true
	case version > db.SchemaVersion():
		return finding("database", Fail, fmt.Sprintf("its schema is %d, this program knows %d", version, db.SchemaVersion()), "use the newer program"), true
	}
	return bad, false
}

func settingsCheck(cfg Config) Finding {
	if len(cfg.Notes) > 0 {
		return finding("settings", Warn, strings.Join(cfg.Notes, "; "), "rename or unset the variables")
	}
	return finding("settings", OK, fmt.Sprintf("database %s, pages at %s", withoutPassword(cfg.Database), cfg.PublicURL), "")
}

func (a *App) databaseCheck(ctx context.Context) Finding {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	problems, err := a.DB.Check(ctx)
	switch {
	case err != nil:
		return finding("database", Fail, "it could not be looked through: "+err.Error(), "look at the machine's logs")
	case len(problems) > 0:
		return finding("database", Fail, strings.Join(problems, "; "), "stop the server and restore a backup")
	}
	version, err := a.DB.Version(ctx)
	if err != nil {
		return finding("database", Fail, err.Error(), "look at the database's logs")
	}
	return finding("database", OK, fmt.Sprintf("%s answers and is sound, schema %d", a.DB.Engine(), version), "")
}

func (a *App) clockCheck(ctx context.Context) Finding {
	var there time.Time
	before := a.Clock.Now()
	err := a.DB.Read(ctx, func(tx *db.Tx) (err error) {
		there, err = tx.Now()
		return err
	})
	if err != nil {
		return finding("clock", Fail, err.Error(), "see database")
	}
	after := a.Clock.Now()
	off := there.Sub(before.Add(after.Sub(before) / 2)).Abs()
	text := fmt.Sprintf("this machine and the database differ by %s", off.Round(time.Millisecond))
	mend := "run NTP (chrony, systemd-timesyncd) on both"
	switch {
	case off > clockOffFail:
		return finding("clock", Fail, text, mend)
	case off > clockOffWarn:
		return finding("clock", Warn, text, mend)
	}
	return finding("clock", OK, text, "")
}

// diskCheck looks where the SQLite file lies, or this process with PostgreSQL.
func (a *App) diskCheck() Finding {
	folder := "."
	if path, lite := strings.CutPrefix(a.Config.Database, sqlitePrefix); lite && a.Config.Database != sqliteMemory {
		folder = filepath.Dir(path)
	}
	var s syscall.Statfs_t
	if err := syscall.Statfs(folder, &s); err != nil {
		return finding("disk", Warn, "free space can't be read: "+err.Error(), "look with df")
	}
	free := int64(s.Bavail) * s.Bsize
	text := fmt.Sprintf("%d MB free in %s", free>>20, folder)
	mend := "free some space or move the database; when the disk is full nothing is acknowledged any more"
	switch {
	case free < diskFreeFail:
		return finding("disk", Fail, text, mend)
	case free < diskFreeWarn:
		return finding("disk", Warn, text, mend)
	}
	return finding("disk", OK, text, "")
}

func (a *App) keysCheck() Finding {
	if a.Config.KeysFile == "" {
		return finding("keys", OK, "kept in memory, like the database", "")
	}
	info, err := os.Stat(a.Config.KeysFile)
	if err != nil {
		return finding("keys", Fail, err.Error(), "put the key file back from your backup")
	}
	if mode := info.Mode().Perm(); mode&keysMode != 0 {
		return finding("keys", Warn, fmt.Sprintf("%s may be read by others (mode %04o)", a.Config.KeysFile, mode), "chmod 600 "+a.Config.KeysFile)
	}
	return finding("keys", OK, a.Config.KeysFile+" is readable by its owner alone; keep a backup of it apart from the database", "")
}

// channelChecks connect to each channel's provider and say nothing to it.
func (a *App) channelChecks(ctx context.Context) []Finding {
	var found []Finding
	for _, name := range a.Channels.Names() {
		address := a.addressOf(name)
		found = append(found, a.smsCheck(name)...)
		dial, cancel := context.WithTimeout(ctx, reachTimeout)
		conn, err := new(net.Dialer).DialContext(dial, "tcp", address)
		cancel()
		if err != nil {
			found = append(found, finding("channel "+name, Fail, address+" can't be reached: "+err.Error(), "check the address in the settings, and the network"))
			continue
		}
		_ = conn.Close() // nothing was said
		found = append(found, finding("channel "+name, OK, address+" can be reached", ""))
	}
	if len(found) == 0 {
		found = append(found, finding("channels", Warn, "no channel is connected, so nobody can be contacted", "add channels to the settings"))
	}
	return found
}

func (a *App) addressOf(name string) string {
	c := a.Config.Channels[name]
	if connected, ok := a.Channels.Get(name); ok {
		if gateway, ok := connected.(*sms.Channel); ok {
			return gateway.Address()
		}
	}
	if c.Adapter == adapterSMTP {
		return c.SMTP.Server
	}
	u, err := url.Parse(c.Webhook.URL)
	if err != nil {
		return c.Webhook.URL
	}
	if u.Port() != "" {
		return u.Host
	}
	if u.Scheme == "https" {
		return net.JoinHostPort(u.Hostname(), "443")
	}
	return net.JoinHostPort(u.Hostname(), "80")
}

// holidayChecks ask whether each country's calendar rests on a notice, this year and soon next.
func (a *App) holidayChecks(ctx context.Context) []Finding {
	programs, err := a.Library.Programs(ctx)
	if err != nil {
		return []Finding{finding("holidays", Fail, err.Error(), "see database")}
	}
	var countries []string
	for _, p := range programs.Rules().Packs() {
		if len(p.Country) == 2 && !slices.Contains(countries, p.Country) {
			countries = append(countries, p.Country)
		}
	}
	slices.Sort(countries)
	var found []Finding
	now := a.Clock.Now()
	for _, country := range countries {
		f := finding("holidays "+country, OK, "", "")
		for _, year := range slices.Compact([]int{now.Year(), now.Add(holidaysAhead).Year()}) {
			standing, source := programs.Rules().Holidays(country, year)
			f.Found += fmt.Sprintf("%d: %s (%s); ", year, standing, source)
			if standing == policy.Statutory {
				f.Health, f.Mend = Warn, "when the notice is out, apply a RulePack with that year's calendar, or upgrade"
			}
		}
		f.Found = strings.TrimSuffix(f.Found, "; ")
		found = append(found, f)
	}
	return found
}

func (a *App) workChecks(ctx context.Context) []Finding {
	s, err := a.Standing(ctx)
	if err != nil {
		return []Finding{finding("work", Fail, err.Error(), "see database")}
	}
	lag := finding("lag", OK, fmt.Sprintf("%d events wait for the router", s.Lag), "")
	switch mend := "check that a server runs, and its log"; {
	case s.Lag > lagFail:
		lag.Health, lag.Mend = Fail, mend
	case s.Lag > lagWarn:
		lag.Health, lag.Mend = Warn, mend
	}
	due, behind := int64(0), ""
	for lane, n := range s.Due {
		due += n
		if n > dueWarn {
			behind += " " + lane
		}
	}
	work := finding("backlog", OK, fmt.Sprintf("%d follow-ups are due", due), "")
	if behind != "" {
		work.Health, work.Mend = Warn, "the provider of"+behind+" may be slow or away; raise in_flight if it allows more"
	}
	aside := finding("set aside", OK, fmt.Sprintf("%d follow-ups wait for a person", s.Aside), "")
	if s.Aside >= asideWarn {
		aside.Health, aside.Mend = Warn, "huiyin set-aside list, then ask the provider and say what you found out"
	}
	return []Finding{lag, work, aside}
}

func (a *App) programCheck(ctx context.Context) Finding {
	set, err := a.Library.Set(ctx)
	if err != nil {
		return finding("programs", Fail, err.Error(), "see database")
	}
	var unserved []string
	for _, p := range set.Published() {
		for _, step := range p.Live.Steps {
			if _, ok := a.Channels.Get(step.Channel); !ok && !slices.Contains(unserved, p.Live.Name+" ("+step.Channel+")") {
				unserved = append(unserved, p.Live.Name+" ("+step.Channel+")")
			}
		}
	}
	warnings, err := a.House.Warnings(ctx)
	if err != nil {
		return finding("programs", Fail, err.Error(), "see database")
	}
	switch {
	case len(set.Broken()) > 0:
		return finding("programs", Fail, fmt.Sprintf("%d published programs can't run", len(set.Broken())), "the server's log names them; mend and publish them")
	case len(unserved) > 0:
		return finding("programs", Warn, "steps without a connected channel: "+strings.Join(unserved, ", "), "connect the channel in the settings")
	case len(warnings) > 0:
		return finding("programs", Warn, strings.Join(warnings, "; "), "have the templates approved, or shorten them")
	}
	return finding("programs", OK, fmt.Sprintf("%d are published", len(set.Published())), "")
}
