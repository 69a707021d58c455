package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/huiyin/huiyin/internal/channel/sms"
	"github.com/huiyin/huiyin/internal/platform/errs"
)

func settingsFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "huiyin.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestAnSMSGatewayIsChosenAndFilledInBySettings(t *testing.T) {
	path := settingsFile(t, `
database: "sqlite::memory:"
public_url: https://follow.example
channels:
  sms:
    adapter: sms
    gateway: cn-cloud
    access_key_id: AK1
    confirm: true
    in_flight: 7
    send_timeout: 9s
    templates:
      - {template: refund, language: zh-CN, code: SMS_1, state: approved, wording: "您的退款{amount}"}
      - {template: notice, language: zh-CN, code: SMS_2, state: pending}
`)
	cfg, err := Load(path, []string{"HUIYIN_CHANNELS__SMS__ACCESS_KEY_SECRET=s3cret", "HUIYIN_CHANNELS__SMS__CALLBACK_PASSWORD=pass"})
	if err != nil {
		t.Fatal(err)
	}
	a, err := New(t.Context(), cfg, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	}()
	c, _ := a.Channels.Get("sms")
	gateway, ok := c.(*sms.Channel)
	if !ok {
		t.Fatalf("the channel is %T", c)
	}
	if can := gateway.Abilities(); can.InFlight != 7 || can.SendTimeout != 9*time.Second || !can.Receipts || !gateway.Confirms() {
		t.Errorf("%+v, confirms: %v", can, gateway.Confirms())
	}
	if gateway.Address() != "dysmsapi.aliyuncs.com:443" || strings.Join(gateway.Unapproved(), " ") != "notice (zh-CN, pending)" {
		t.Errorf("%s, %v", gateway.Address(), gateway.Unapproved())
	}
	if found := a.smsCheck("sms"); len(found) != 1 || found[0].Health != Warn || !strings.Contains(found[0].Found, "notice") {
		t.Errorf("the doctor says %+v", found)
	}
}

func TestWhatIsWrongWithAnSMSChannelIsSaid(t *testing.T) {
	good := settingsFile(t, "kind: SMSGateway\nname: own\n")
	for name, test := range map[string]struct{ channel, path, says string }{
		"no gateway":            {"{adapter: sms}", "channels.sms.gateway", "plain"},
		"a gateway misspelt":    {"{adapter: sms, gateway: twillio}", "channels.sms.gateway", "twilio"},
		"a secret left out":     {"{adapter: sms, gateway: plain, endpoint: http://x, callback_secret: y}", "channels.sms.token", "token"},
		"a setting it lacks":    {"{adapter: sms, gateway: plain, endpoint: http://x, tokn: y}", "channels.sms.tokn", "no setting"},
		"a document not there":  {"{adapter: sms, document: /nowhere.yaml}", "channels.sms", "/nowhere.yaml"},
		"a document not whole":  {"{adapter: sms, document: " + good + "}", "channels.sms." + good + ": title", "title"},
		"templates not a list":  {"{adapter: sms, gateway: plain, templates: x}", "", "a list"},
		"a template's odd key":  {"{adapter: sms, gateway: plain, templates: [{templat: x}]}", "", "templat"},
		"a switch neither of 2": {"{adapter: sms, gateway: plain, confirm: maybe}", "", "true or false"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg, err := Load(settingsFile(t, "database: \"sqlite::memory:\"\nchannels:\n  sms: "+test.channel+"\n"), nil)
			if err == nil {
				var a *App
				if a, err = New(t.Context(), cfg, Options{}); err == nil {
					_ = a.Close()
				}
			}
			e, ours := errs.As(err)
			if !ours || !strings.Contains(e.Text, test.says) || test.path != "" && e.Path != test.path {
				t.Errorf("%v", err)
			}
		})
	}
}
