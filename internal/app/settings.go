package app

import (
	"slices"
	"strings"

	"github.com/huiyin/huiyin/internal/channel/email"
	"github.com/huiyin/huiyin/internal/channel/webhook"
	"github.com/huiyin/huiyin/internal/platform/errs"
	"github.com/huiyin/huiyin/internal/program/document"

	"github.com/huiyin/huiyin/internal/channel"
)

// channelNames are the channels settings may speak of. Phone has no adapter yet.
var channelNames = []string{"email", "sms", "inapp", "push", "im", "webhook"}

func smtpFields(s *email.Settings) map[string]setter {
	return map[string]setter{
		"server": text(&s.Server), "encryption": func(v any) error { return word(v, func(w string) { s.Encryption = email.Encryption(w) }) },
		"user": text(&s.User), "password": text(&s.Password), "from": text(&s.From), "reply_to": text(&s.ReplyTo),
		"hello": text(&s.Hello), "id_domain": text(&s.IDDomain),
		"in_flight": number(&s.InFlight), "send_timeout": span(&s.SendTimeout), "idle_timeout": span(&s.IdleTimeout),
		"messages_per_connection": number(&s.MessagesPerConnection),
		"return_path":             text(&s.ReturnPath), "domain_in_flight": number(&s.DomainInFlight), "messages_per_minute": number(&s.MessagesPerMinute),
	}
}

func webhookFields(s *webhook.Settings) map[string]setter {
	return map[string]setter{
		"url": text(&s.URL), "lookup_url": text(&s.LookUpURL), "token": text(&s.Token),
		"signing_secret": text(&s.SigningSecret), "receipt_secrets": list(&s.ReceiptSecrets),
		"idempotency": span(&s.Idempotency), "in_flight": number(&s.InFlight),
		"send_timeout": span(&s.SendTimeout), "idle_timeout": span(&s.IdleTimeout), "text_limit": number(&s.TextLimit),
	}
}

// keyOfVariable gives the setting a variable of the environment stands for.
func keyOfVariable(name string) (string, bool) {
	key := strings.ToLower(strings.ReplaceAll(strings.TrimPrefix(name, envPrefix), envDeep, "."))
	key = strings.Replace(key, "name.zh_cn", "name.zh-CN", 1)
	if channelName, inner, ok := cutChannel(key); ok {
		return key, channelName != "" && inner != ""
	}
	_, known := new(Config).settings()[key]
	return key, known
}

// notSetting knows variables of ours that settle other things: where settings are, and
// what tests and the build need.
func notSetting(name string) bool {
	rest := strings.TrimPrefix(name, envPrefix)
	return rest == "CONFIG" || rest == "DATA" || strings.HasPrefix(rest, "TEST_") || strings.HasPrefix(rest, "POSTGRES_")
}

// nearVariable ends a sentence about a variable that is no setting.
func nearVariable(name string) string {
	var all []string
	for key := range new(Config).settings() {
		all = append(all, envPrefix+strings.ToUpper(strings.NewReplacer(".", envDeep, "-", "_").Replace(key)))
	}
	slices.Sort(all) // of two as near, always the same
	if near := document.Nearest(name, all); near != "" {
		return "; did you mean " + near + "?"
	}
	return ""
}

// closer is a channel that keeps connections.
type closer interface {
	channel.Channel
	Close()
}

// connect makes the channel of a name from its settings.
func (a *App) connect(name string, c Channel) (closer, error) {
	var made closer
	var err error
	switch c.Adapter {
	case adapterSMTP:
		made, err = email.New(c.SMTP, a.Clock)
	case adapterWebhook:
		s := c.Webhook
		s.Name = name
		made, err = webhook.New(s, a.Clock)
	case adapterSMS:
		made, err = connectSMS(c.SMS, name, a.Config.PublicURL, a.Clock, a.Options.Random)
	case adapterInbox:
		return a.connectInbox(c.Inbox)
	}
	if e, ours := errs.As(err); ours {
		return nil, e.At("channels." + name)
	}
	return made, err
}
