package app

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/huiyin/huiyin/internal/channel/sms"
	"github.com/huiyin/huiyin/internal/platform/clock"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/errs"
	"github.com/huiyin/huiyin/internal/program/document"
)

const adapterSMS = "sms"

// SMS is how an SMS gateway is chosen and used.
type SMS struct {
	Gateway  string // one of the ready ones, or
	Document string // the path of a document of one's own
	sms.Settings
}

// smsField gives what a key of the channel's settings sets. What isn't every gateway's own is
// one of the chosen document's, which is asked when the channel is connected.
func smsField(s *SMS, key string) setter {
	own := map[string]setter{
		"gateway": text(&s.Gateway), "document": text(&s.Document), "templates": approvals(&s.Templates), "confirm": yesNo(&s.Confirm), "sender": text(&s.Signature),
		"in_flight": number(&s.InFlight), "send_timeout": span(&s.SendTimeout), "idle_timeout": span(&s.IdleTimeout),
	}
	if set, ok := own[key]; ok {
		return set
	}
	return func(v any) error {
		return word(v, func(text string) {
			if s.Values == nil {
				s.Values = map[string]string{}
			}
			s.Values[key] = text
		})
	}
}

func yesNo(into *bool) setter {
	return func(v any) error {
		switch fmt.Sprint(v) {
		case "true", "yes", "1":
			*into = true
		case "false", "no", "0":
			*into = false
		default:
			return wrong(v, "true or false")
		}
		return nil
	}
}

// approvals reads the list of what a provider says of templates.
func approvals(into *[]sms.Approval) setter {
	return func(v any) error {
		all, ok := v.([]any)
		if !ok {
			return wrong(v, "a list such as [{template: refund, language: zh-CN, code: SMS_1, state: approved}]")
		}
		*into = nil
		for i, one := range all {
			fields, ok := one.(map[string]any)
			if !ok {
				return wrong(one, "an entry such as {template: refund, language: zh-CN, code: SMS_1, state: approved}")
			}
			var a sms.Approval
			places := map[string]*string{"template": &a.Template, "language": &a.Language, "code": &a.Code, "state": &a.State, "wording": &a.Wording}
			for key, value := range fields {
				place, known := places[key]
				if !known {
					return errs.New(errs.Invalid, codes.SettingInvalid, "entry %d has a key `%s`; there are template, language, code, state and wording", i, key)
				}
				*place = fmt.Sprint(value)
			}
			*into = append(*into, a)
		}
		return nil
	}
}

// connectSMS makes the channel of a gateway.
func connectSMS(s SMS, name, publicURL string, clk clock.Clock, random io.Reader) (*sms.Channel, error) {
	d, err := gatewayDocument(s)
	if err != nil {
		return nil, err
	}
	given := s.Settings
	given.Gateway, given.Clock, given.Random = d, clk, random
	given.ReceiptsURL, given.RepliesURL = publicURL+"/v1/receipts/"+name, publicURL+"/v1/replies/"+name
	return sms.New(given)
}

func gatewayDocument(s SMS) (*sms.Document, error) {
	switch {
	case (s.Gateway == "") == (s.Document == ""):
		return nil, errs.New(errs.Invalid, codes.SettingInvalid, "say which gateway it is: `gateway:` with one of %s, or `document:` with the path of your own", strings.Join(sms.Ready(), ", ")).At("gateway")
	case s.Gateway != "":
		d, ok := sms.Named(s.Gateway)
		if !ok {
			return nil, errs.New(errs.Invalid, codes.SettingInvalid, "there is no gateway `%s`%s", s.Gateway, document.DidYouMean(s.Gateway, sms.Ready())).At("gateway")
		}
		return d, nil
	}
	return ReadGateway(s.Document)
}

// ReadGateway reads a gateway document from a file.
func ReadGateway(path string) (*sms.Document, error) {
	f, err := os.Open(path)
	if err != nil {
		text := "the gateway document %s can't be read; check that you may read it"
		if errors.Is(err, fs.ErrNotExist) {
			text = "there is no gateway document %s; give its path, or a ready gateway by `gateway:`"
		}
		return nil, errs.New(errs.Invalid, codes.FileUnreadable, text, path).Because(err)
	}
	defer func() { _ = f.Close() }() // only read from
	body, err := io.ReadAll(io.LimitReader(f, sms.DocumentBytesMax+1))
	if err != nil {
		return nil, errs.New(errs.Invalid, codes.FileUnreadable, "the gateway document %s can't be read to its end", path).Because(err)
	}
	d, err := sms.Parse(body)
	if e, ours := errs.As(err); ours {
		return nil, &errs.Error{Kind: e.Kind, Code: e.Code, Text: e.Text, Path: strings.TrimSuffix(path+": "+e.Path, ": "), Err: e.Err}
	}
	return d, err
}

// smsCheck tells how templates stand with an SMS channel's provider.
func (a *App) smsCheck(name string) []Finding {
	c, ok := a.Channels.Get(name)
	if !ok {
		return nil
	}
	gateway, ok := c.(*sms.Channel)
	if !ok {
		return nil
	}
	check := "channel " + name + " templates"
	waiting := gateway.Unapproved()
	slices.Sort(waiting)
	if len(waiting) > 0 {
		return []Finding{finding(check, Warn, "not approved by the provider: "+strings.Join(waiting, ", "), "have them approved, and write their state into the channel's templates")}
	}
	return []Finding{finding(check, OK, "none listed waits for the provider's approval", "")}
}
