package sms

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/huiyin/huiyin/internal/platform/errs"
)

// check looks a document over without any setting filled in.
func (d *Document) check() error {
	if err := d.checkHead(); err != nil {
		return err
	}
	if _, err := d.compile(nil); err != nil {
		return err
	}
	return nil
}

func (d *Document) checkHead() error {
	switch {
	case d.Kind != Kind:
		return invalid("kind", "the kind is %q; a gateway document begins with `kind: %s`", d.Kind, Kind)
	case !nameForm.MatchString(d.Name):
		return invalid("name", "the name is %q; write it in small letters, digits and dashes", d.Name)
	case d.Title["zh-CN"] == "" || d.Title["en"] == "":
		return invalid("title", "give the title in zh-CN and en")
	case len(d.Settings) > fieldsMax:
		return invalid("settings", "%d settings are named; at most %d are possible", len(d.Settings), fieldsMax)
	case d.Limits.Segments < 0 || d.Limits.Segments > segmentsMost:
		return invalid("limits.segments", "%d segments are not possible; choose from 1 to %d, or leave it out for %d", d.Limits.Segments, segmentsMost, segmentsDefault)
	case d.Limits.Alphabet != "" && d.Limits.Alphabet != "auto" && d.Limits.Alphabet != "ucs2":
		return invalid("limits.alphabet", "the alphabet is %q; write auto or ucs2", d.Limits.Alphabet)
	case d.Limits.Signature != "" && d.Limits.Signature != required:
		return invalid("limits.signature", "write `signature: required`, or leave it out")
	case d.Limits.Approval != "" && d.Limits.Approval != required:
		return invalid("limits.approval", "write `approval: required`, or leave it out")
	}
	for _, code := range d.Numbers.CountryCodes {
		if !codeForm.MatchString(code) {
			return invalid("numbers.country_codes", "%q is no country's calling code; write it as \"86\"", code)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(d.Settings)) {
		s := d.Settings[name]
		switch {
		case !settingForm.MatchString(name) || slices.Contains(messageNames, name) || slices.Contains(signingNames, name) ||
			slices.Contains(lookUpNames, name) || slices.Contains(hookNames, name) || slices.Contains(OwnSettings, name):
			return invalid("settings."+name, "a setting can't be called %q; choose another name in small letters and underscores", name)
		case s.About["zh-CN"] == "" || s.About["en"] == "":
			return invalid("settings."+name+".about", "say in zh-CN and en what the setting is")
		case s.Secret && s.Default != "":
			return invalid("settings."+name+".default", "a secret has no default")
		}
	}
	return nil
}

const required = "required"

// OwnSettings are settings every gateway has, whatever its document; see Settings.
var OwnSettings = []string{
	"adapter", "gateway", "document", "in_flight", "send_timeout", "idle_timeout", "templates", "confirm", "sender",
}

// compile makes the document ready for use with these settings; without any it is only checked.
func (d *Document) compile(values map[string]string) (*gateway, error) {
	c := &compiler{settings: d.Settings, values: values, names: messageNames}
	g := &gateway{send: c.exchange("send", &d.Send)}
	if d.Send.Method == http.MethodGet {
		c.wrong("send.method", "what stands between here and the gateway may ask a GET twice, and the customer would get two messages; write POST")
	}
	d.checkKeys(c)
	if d.LookUp != nil {
		c.names = lookUpNames
		one := c.exchange("lookup", d.LookUp)
		g.lookUp = &one
		if d.LookUp.Method != "GET" && d.LookUp.Method != "POST" || !g.lookUp.mentions("key", "ref") {
			c.wrong("lookup", "the question names no message; put {key} or {ref} into it")
		}
		for i, r := range d.LookUp.Answer.Rules {
			if r.Is == "transient" {
				c.wrong(fmt.Sprintf("lookup.answer.rules[%d].is", i), "an answer that puts the question off says nothing of the message; write unknown, and it is asked again")
			}
		}
	}
	c.names, c.hook = hookNames, true
	g.receipts, g.replies = c.receipts(d.Receipts), c.replies(d.Replies)
	if c.err != nil {
		return nil, c.err
	}
	return g, nil
}

// checkKeys asks that what is claimed of keys can be true.
func (d *Document) checkKeys(c *compiler) {
	probe := compiler{settings: d.Settings, names: messageNames}
	send := probe.exchange("send", &d.Send)
	if probe.err != nil {
		return // said already
	}
	switch {
	case d.Idempotency > 0 && !send.mentions("key"):
		c.wrong("idempotency", "the gateway is said to honour keys, but no part of `send` carries {key}")
	case !send.mentions("to", "to.digits", "to.national"):
		c.wrong("send", "the request doesn't say whom it is for; put {to}, {to.digits} or {to.national} into it")
	case !send.mentions("text", "text.body", "template.params"):
		c.wrong("send", "the request carries no text; put {text}, {text.body} or {template.params} into it")
	case (send.mentions("to.national") || send.sign.uses("to.national")) && len(d.Numbers.CountryCodes) != 1:
		c.wrong("numbers.country_codes", "{to.national} needs exactly one country's calling code")
	}
}

// uses says whether a name goes into the signature or the login.
func (s *signer) uses(name string) bool {
	return slices.ContainsFunc([]phrase{s.token, s.user, s.pass, s.key, s.text, s.value}, func(p phrase) bool { return p.uses(name) })
}

// mentions says whether a name stands anywhere in the request, its signature aside: what is
// only signed doesn't reach the provider.
func (e *exchange) mentions(names ...string) bool {
	for _, name := range names {
		if e.url.uses(name) || jsonMentions(e.json, name) {
			return true
		}
		for _, list := range [][]field{e.query, e.headers, e.form} {
			if slices.ContainsFunc(list, func(f field) bool { return f.value.uses(name) }) {
				return true
			}
		}
	}
	return false
}

func jsonMentions(v any, name string) bool {
	switch in := v.(type) {
	case phrase:
		return in.uses(name)
	case map[string]any:
		for _, one := range in {
			if jsonMentions(one, name) {
				return true
			}
		}
	case []any:
		return slices.ContainsFunc(in, func(one any) bool { return jsonMentions(one, name) })
	}
	return false
}

// fill checks the settings given for a document and adds its defaults.
func (d *Document) fill(given map[string]string) (map[string]string, error) {
	values := map[string]string{}
	for name, s := range d.Settings {
		values[name] = s.Default
	}
	for name, value := range given {
		if _, ok := d.Settings[name]; !ok {
			return nil, missing(name, "the gateway %s has no setting `%s`; it has %s", d.Name, name, strings.Join(slices.Sorted(maps.Keys(d.Settings)), ", "))
		}
		if strings.ContainsAny(value, "\r\n\x00") {
			return nil, missing(name, "the value holds a line break: copy it again")
		}
		values[name] = value
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if values[name] == "" && !d.Settings[name].Optional {
			return nil, missing(name, "the gateway %s needs `%s`: %s", d.Name, name, d.Settings[name].About["en"])
		}
	}
	return values, nil
}

func missing(name, format string, a ...any) *errs.Error {
	e := invalid(name, format, a...)
	return e
}
