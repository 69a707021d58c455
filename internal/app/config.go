package app

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/knadh/koanf/parsers/yaml"
	"github.com/knadh/koanf/providers/env/v2"
	"github.com/knadh/koanf/providers/file"
	"github.com/knadh/koanf/v2"

	"github.com/huiyin/huiyin/internal/channel/email"
	"github.com/huiyin/huiyin/internal/channel/webhook"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/errs"
	"github.com/huiyin/huiyin/internal/program/document"
)

const (
	defaultDatabase = "sqlite:huiyin.db"
	defaultListen   = "127.0.0.1:8080"
	envPrefix       = "HUIYIN_"
	envDeep         = "__" // HUIYIN_WALLET__HOTLINE is wallet.hotline
	sqlitePrefix    = "sqlite:"
	sqliteMemory    = "sqlite::memory:"
	keysSuffix      = ".keys"
)

// The adapters a channel may be served by.
const (
	adapterSMTP    = "smtp"
	adapterWebhook = "webhook"
	adapterInbox   = "inbox"
)

// Config is the settings of one node. docs/operate.md explains each.
type Config struct {
	Database  string // sqlite:PATH or postgres://…
	Listen    string // host:port
	PublicURL string // where customers find the pages, without a slash at the end
	KeysFile  string
	Vault     string // the database of the vault; "": beside the house's
	Wallet    Wallet
	Channels  map[string]Channel
	Webhooks  Webhooks
	Notes     []string // what was odd about the settings and did no harm
}

// Wallet is whom the customers think they deal with.
type Wallet struct {
	Name    document.Text
	Hotline string
	Country string // taken for customers of whom none is known
	Colour  string // of buttons, #rrggbb
	Logo    string // a file, SVG or PNG

	LinkDomains []string // to which messages may link, besides where the pages are
}

// Webhooks is what the guard of endpoints lets through beside the world outside.
type Webhooks struct {
	Allow []string // networks, such as 127.0.0.0/8; plain HTTP may go there too
}

// Channel is how one channel is reached.
type Channel struct {
	Adapter string // smtp, webhook or sms
	SMS     SMS
	SMTP    email.Settings
	// ReturnsListen is where mail that comes back is taken by SMTP; empty: nowhere.
	ReturnsListen string
	Webhook       webhook.Settings
	Inbox         InboxSettings
}

// Load reads settings from a file ("" for none) and from environ over it.
func Load(path string, environ []string) (Config, error) {
	k := koanf.New(".")
	if path != "" {
		if err := k.Load(file.Provider(path), yaml.Parser()); err != nil {
			return Config{}, unreadable(path, err)
		}
	}
	c := Config{Channels: map[string]Channel{}}
	found := env.Provider(".", env.Opt{
		Prefix: envPrefix, EnvironFunc: func() []string { return environ },
		TransformFunc: func(name, value string) (string, any) {
			key, known := keyOfVariable(name)
			switch {
			case notSetting(name):
				return "", nil
			case !known:
				c.Notes = append(c.Notes, "the variable "+name+" is no setting and was passed over"+nearVariable(name))
				return "", nil
			}
			return key, value
		},
	})
	if err := k.Load(found, nil); err != nil {
		return Config{}, err
	}
	if err := c.take(k); err != nil {
		if e, ours := errs.As(err); ours && path != "" {
			err = &errs.Error{Kind: e.Kind, Code: e.Code, Text: e.Text, Path: path + ": " + e.Path, Err: e.Err}
		}
		return c, err
	}
	return c, c.complete()
}

func unreadable(path string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return errs.New(errs.Invalid, codes.FileUnreadable, "there is no settings file %s; give the right path with --config, or leave it out", path)
	}
	return errs.New(errs.Invalid, codes.FileUnreadable, "the settings file %s can't be read; check that it is YAML and that you may read it", path).Because(err)
}

// take reads every key there is; one that means nothing is refused.
func (c *Config) take(k *koanf.Koanf) error {
	top := c.settings()
	adapters := map[string]string{}
	keys := k.Keys()
	slices.Sort(keys)
	for _, key := range keys {
		parts := strings.Split(key, ".")
		if parts[0] == "channels" && len(parts) == 3 && parts[2] == "adapter" {
			adapters[parts[1]] = fmt.Sprint(k.Get(key))
		}
	}
	for _, key := range keys {
		value := k.Get(key)
		if key == "channels" {
			continue // none
		}
		name, inner, isChannel := cutChannel(key)
		if !isChannel {
			set, ok := top[key]
			if !ok {
				return at(unknownKey(key, names(top)), key)
			}
			if err := set(value); err != nil {
				return at(err, key)
			}
			continue
		}
		if err := c.takeChannel(name, inner, adapters[name], value); err != nil {
			return at(err, key)
		}
	}
	return nil
}

// settings lists the keys outside of channels, and where each goes.
func (c *Config) settings() map[string]setter {
	c.Wallet.Name = document.Text{}
	return map[string]setter{
		"database": text(&c.Database), "listen": text(&c.Listen), "public_url": text(&c.PublicURL), "keys_file": text(&c.KeysFile), "vault": text(&c.Vault),
		"wallet.name.zh-CN": func(v any) error { return word(v, func(s string) { c.Wallet.Name[document.ZhCN] = s }) },
		"wallet.name.en":    func(v any) error { return word(v, func(s string) { c.Wallet.Name[document.En] = s }) },
		"wallet.hotline":    text(&c.Wallet.Hotline), "wallet.country": text(&c.Wallet.Country), "wallet.colour": text(&c.Wallet.Colour), "wallet.logo": text(&c.Wallet.Logo),
		"webhooks.allow":      list(&c.Webhooks.Allow),
		"wallet.link_domains": list(&c.Wallet.LinkDomains),
	}
}

func cutChannel(key string) (name, inner string, ok bool) {
	rest, ok := strings.CutPrefix(key, "channels.")
	if !ok {
		return "", "", false
	}
	name, inner, _ = strings.Cut(rest, ".")
	return name, inner, true
}

func (c *Config) takeChannel(name, key, adapter string, value any) error {
	if !slices.Contains(channelNames, name) {
		return errs.New(errs.Invalid, codes.SettingInvalid, "there is no channel `%s`%s", name, document.DidYouMean(name, channelNames))
	}
	ch := c.Channels[name]
	ch.Adapter = adapter
	var fields map[string]setter
	switch adapter {
	case adapterSMTP:
		fields = smtpFields(&ch.SMTP)
		fields["returns_listen"] = text(&ch.ReturnsListen)
	case adapterWebhook:
		fields = webhookFields(&ch.Webhook)
	case adapterInbox:
		fields = inboxFields(&ch.Inbox)
	case adapterSMS:
		fields = map[string]setter{key: smsField(&ch.SMS, key)}
	case "":
		return errs.New(errs.Invalid, codes.SettingInvalid, "the channel %s has no adapter; add `adapter: smtp`, `adapter: webhook`, `adapter: sms` or `adapter: inbox`", name)
	default:
		return errs.New(errs.Invalid, codes.SettingInvalid, "there is no adapter `%s`%s", adapter, document.DidYouMean(adapter, []string{adapterSMTP, adapterWebhook, adapterSMS, adapterInbox}))
	}
	if key != "adapter" {
		set, ok := fields[key]
		if !ok {
			return unknownKey(key, append(names(fields), "adapter"))
		}
		if err := set(value); err != nil {
			return err
		}
	}
	c.Channels[name] = ch
	return nil
}

// complete fills in what is left out and refuses what can't work.
func (c *Config) complete() error {
	if c.Database == "" {
		c.Database = defaultDatabase
	}
	if c.Listen == "" {
		c.Listen = defaultListen
	}
	if _, _, err := net.SplitHostPort(c.Listen); err != nil {
		return errs.New(errs.Invalid, codes.SettingInvalid, "%q is no address to listen on; write host:port, such as %s", c.Listen, defaultListen).At("listen")
	}
	if c.PublicURL == "" {
		c.PublicURL = "http://" + c.Listen
	}
	u, err := url.Parse(c.PublicURL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.RawQuery != "" || u.Fragment != "" {
		return errs.New(errs.Invalid, codes.SettingInvalid, "%q is no address customers could open; write it as https://follow.example.com", c.PublicURL).At("public_url")
	}
	c.PublicURL = strings.TrimSuffix(c.PublicURL, "/")
	if n := len(c.Wallet.Country); n != 0 && (n != 2 || strings.ToUpper(c.Wallet.Country) != c.Wallet.Country) {
		return errs.New(errs.Invalid, codes.SettingInvalid, "%q is no country; write two capitals, such as CN", c.Wallet.Country).At("wallet.country")
	}
	if len(c.Wallet.Name) == 0 {
		c.Wallet.Name = document.Text{document.ZhCN: "示例钱包", document.En: "Example Wallet"}
	}
	if err := c.completeInbox(); err != nil {
		return err
	}
	return c.placeKeys()
}

// placeKeys says where the key file lies when nobody did: beside the SQLite file. Nodes on
// PostgreSQL share one, so there the place must be given.
func (c *Config) placeKeys() error {
	if path, lite := strings.CutPrefix(c.Database, sqlitePrefix); c.KeysFile == "" && lite && c.Database != sqliteMemory {
		c.KeysFile = path + keysSuffix
	}
	return nil
}

// Use takes what was given on the command line over what was read.
func (c *Config) Use(database, listen string) error {
	if database != "" && database != c.Database {
		if c.KeysFile == strings.TrimPrefix(c.Database, sqlitePrefix)+keysSuffix {
			c.KeysFile = "" // it was the other file's
		}
		c.Database = database
	}
	if listen != "" {
		if c.PublicURL == "http://"+c.Listen {
			c.PublicURL = ""
		}
		c.Listen = listen
	}
	return c.complete()
}

// Listening takes the port the machine chose, when the settings left it open.
func (c *Config) Listening(l net.Listener) {
	_, port, err := net.SplitHostPort(c.Listen)
	if err != nil || port != "0" {
		return
	}
	if c.PublicURL == "http://"+c.Listen {
		c.PublicURL = "http://" + l.Addr().String()
	}
	c.Listen = l.Addr().String()
}

// Exists refuses a SQLite file that isn't there: whoever only asks, or mistyped its name, makes none.
func Exists(c Config) error {
	path, lite := strings.CutPrefix(c.Database, sqlitePrefix)
	if !lite || c.Database == sqliteMemory {
		return nil
	}
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return errs.New(errs.NotFound, codes.FileUnreadable, "there is no database %s; give the right one with --database, or start with `huiyin serve` or `huiyin apply`", path)
	}
	return nil
}

// Environ is the machine's environment.
func Environ() []string { return os.Environ() }

// ownDomains is where messages may link to: the pages' host, and what the settings add.
func (c *Config) ownDomains() []string {
	all := slices.Clone(c.Wallet.LinkDomains)
	for i := range all {
		all[i] = strings.ToLower(strings.TrimSpace(all[i]))
	}
	if u, err := url.Parse(c.PublicURL); err == nil && u.Hostname() != "" {
		all = append(all, strings.ToLower(u.Hostname()))
	}
	return all
}

type setter func(value any) error

func at(err error, key string) error {
	if e, ours := errs.As(err); ours {
		return e.At(key)
	}
	return err
}

func unknownKey(key string, known []string) error {
	slices.Sort(known)
	return errs.New(errs.Invalid, codes.SettingInvalid, "there is no setting `%s`%s", key, document.DidYouMean(key, known))
}

func names(fields map[string]setter) []string {
	var all []string
	for k := range fields {
		all = append(all, k)
	}
	return all
}

func wrong(value any, want string) error {
	return errs.New(errs.Invalid, codes.SettingInvalid, "the value is %v; it should be %s", value, want)
}

func word(v any, set func(string)) error {
	switch s := v.(type) {
	case string:
		set(s)
	case int, int64:
		set(fmt.Sprint(s)) // a hotline of digits alone
	default:
		return wrong(v, "a text")
	}
	return nil
}

func text(into *string) setter {
	return func(v any) error { return word(v, func(s string) { *into = s }) }
}

func number(into *int) setter {
	return func(v any) error {
		var n int
		if _, err := fmt.Sscan(fmt.Sprint(v), &n); err != nil || fmt.Sprint(n) != fmt.Sprint(v) {
			return wrong(v, "a whole number")
		}
		*into = n
		return nil
	}
}

func span(into *time.Duration) setter {
	return func(v any) error {
		s, isText := v.(string)
		d, err := document.ParseDuration(s)
		if err != nil {
			d, err = time.ParseDuration(s) // 1m30s, 500ms
		}
		if !isText || err != nil || d < 0 {
			return wrong(v, "a duration such as 30s, 10m or 24h")
		}
		*into = d
		return nil
	}
}

func list(into *[]string) setter {
	return func(v any) error {
		switch all := v.(type) {
		case []any:
			*into = nil
			for _, one := range all {
				*into = append(*into, fmt.Sprint(one))
			}
		case string: // from the environment: parted by commas
			*into = strings.FieldsFunc(all, func(r rune) bool { return r == ',' || r == ' ' })
		default:
			return wrong(v, "a list")
		}
		return nil
	}
}
