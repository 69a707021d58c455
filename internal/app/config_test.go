package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/huiyin/huiyin/internal/platform/errs"
)

func loadText(t *testing.T, text string, environ ...string) (Config, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "huiyin.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return Load(path, environ)
}

func TestWithoutAnySettingThereIsAWorkingHouse(t *testing.T) {
	c, err := Load("", nil)
	if err != nil {
		t.Fatal(err)
	}
	if c.Database != "sqlite:huiyin.db" || c.KeysFile != "huiyin.db.keys" || c.Listen != "127.0.0.1:8080" || c.PublicURL != "http://127.0.0.1:8080" || len(c.Wallet.Name) != 2 {
		t.Errorf("%+v", c)
	}
}

func TestTheEnvironmentStandsAboveTheFileAndTheCommandLineAboveBoth(t *testing.T) {
	c, err := loadText(t, `
database: sqlite:/data/a.db
public_url: https://follow.example.com/
wallet: {hotline: 95511, country: CN}
channels:
  email: {adapter: smtp, server: "mail.example.com:587", from: a@example.com, send_timeout: 10s, in_flight: 4}
  sms: {adapter: webhook, url: "https://gw.example.com/m", receipt_secrets: [one, two], idempotency: 3d}
`, "HUIYIN_WALLET__HOTLINE=4000", "HUIYIN_WALLET__NAME__ZH_CN=某某钱包", "HUIYIN_CHANNELS__EMAIL__PASSWORD=secret", "HUIYIN_CHANNELS__SMS__IN_FLIGHT=7", "OTHER=x")
	if err != nil {
		t.Fatal(err)
	}
	email, sms := c.Channels["email"].SMTP, c.Channels["sms"].Webhook
	switch {
	case c.Wallet.Hotline != "4000" || c.Wallet.Name["zh-CN"] != "某某钱包":
		t.Errorf("%+v", c.Wallet)
	case c.PublicURL != "https://follow.example.com":
		t.Errorf("%s", c.PublicURL)
	case email.Password != "secret" || email.SendTimeout != 10*time.Second || email.InFlight != 4:
		t.Errorf("%+v", email)
	case sms.InFlight != 7 || sms.Idempotency != 72*time.Hour || strings.Join(sms.ReceiptSecrets, " ") != "one two":
		t.Errorf("%+v", sms)
	}
	if err := c.Use("sqlite:b.db", "127.0.0.1:9"); err != nil || c.KeysFile != "b.db.keys" || c.Listen != "127.0.0.1:9" || c.PublicURL != "https://follow.example.com" {
		t.Errorf("%v %+v", err, c)
	}
}

func TestASettingThatCanNotBeRightIsNamedWithTheNearestRightOne(t *testing.T) {
	for _, c := range []struct{ name, text, path, want string }{
		{"a misspelt key", "databse: x", "databse", "`database`"},
		{"a misspelt key inside", "wallet: {hotlin: x}", "wallet.hotlin", "`wallet.hotline`"},
		{"a misspelt key of a channel", "channels: {email: {adapter: smtp, sever: x}}", "channels.email.sever", "`server`"},
		{"a key of another adapter", "channels: {email: {adapter: smtp, url: x}}", "channels.email.url", "known"},
		{"an unknown channel", "channels: {emial: {adapter: smtp}}", "channels.emial.adapter", "`email`"},
		{"an unknown adapter", "channels: {email: {adapter: smpt}}", "channels.email.adapter", "`smtp`"},
		{"a channel without an adapter", "channels: {email: {server: x}}", "channels.email.server", "adapter"},
		{"a number in words", "channels: {email: {adapter: smtp, in_flight: four}}", "channels.email.in_flight", "whole number"},
		{"a duration without a unit", "channels: {email: {adapter: smtp, send_timeout: 10}}", "channels.email.send_timeout", "duration"},
		{"an address without a port", "listen: localhost", "listen", "host:port"},
		{"an address customers can't open", "public_url: follow.example.com", "public_url", "https://"},
		{"a country in words", "wallet: {country: China}", "wallet.country", "two capitals"},
		{"a list where a text should be", "database: [a, b]", "database", "text"},
		{"no YAML", "a: [", "", "YAML"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := loadText(t, c.text)
			e, ours := errs.As(err)
			if !ours || !strings.HasSuffix(e.Path, c.path) || !strings.Contains(e.Text, c.want) {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestAVariableThatMeansNothingIsPassedOverAndTold(t *testing.T) {
	c, err := Load("", []string{"HUIYIN_LISTN=x", "HUIYIN_TEST_POSTGRES=x", "HUIYIN_DATA=x", "HUIYIN_CONFIG=x"})
	if err != nil || len(c.Notes) != 1 || !strings.Contains(c.Notes[0], "HUIYIN_LISTEN") {
		t.Errorf("%v %v", err, c.Notes)
	}
}

func TestOnPostgresTheKeyFileMustBeNamed(t *testing.T) {
	c, err := Load("", []string{"HUIYIN_DATABASE=postgres://u:p@h/d"})
	if err != nil || c.KeysFile != "" {
		t.Errorf("%v %q", err, c.KeysFile)
	}
}
