package sms

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/errs"
)

// Names that stand for a part of a message.
var messageNames = []string{
	"key", "attempt", "to", "to.digits", "to.national", "text", "text.body", "signature", "link", "language", "purpose",
	"template", "template.code", "template.params", "time.iso", "time.unix", "time.millis", "nonce", "receipts_url", "replies_url",
}

// Names a request's signature may be made from, beside the message's.
var signingNames = []string{"method", "host", "path", "parameters", "body", "signed"}

// lookUpNames is what is known when a provider is asked.
var lookUpNames = []string{"key", "ref", "time.iso", "time.unix", "time.millis", "nonce"}

// hookNames is what a webhook's signature may be made from; header.NAME as well.
var hookNames = []string{"url", "body", "fields"}

// gateway is a document ready for use.
type gateway struct {
	send     exchange
	lookUp   *exchange
	receipts *hook
	replies  *hook
}

type field struct {
	name  string
	value phrase
}

type exchange struct {
	method         string
	url            phrase
	query, headers []field
	form           []field
	isForm         bool
	json           any // leaves are phrases
	sign           signer
	answer         answer
}

type signer struct {
	kind        string
	token       phrase
	user, pass  phrase
	sha1        bool
	hex         bool
	key, text   phrase
	field       string
	header      string
	value       phrase
	stampHeader string
	tolerance   time.Duration
}

type answer struct {
	ref, detail string
	rules       []rule
}

type rule struct {
	Rule
	reason codes.Reason
}

// compiler reads the parts of a document and keeps the first thing that is wrong.
type compiler struct {
	settings map[string]Setting
	values   map[string]string // nil: only checking
	names    []string
	hook     bool
	err      *errs.Error
}

func (c *compiler) wrong(path, format string, a ...any) {
	if c.err == nil {
		c.err = invalid(path, format, a...)
	}
}

// with is the compiler with further names allowed.
func (c *compiler) with(names ...string) func() {
	was := c.names
	c.names = append(slices.Clone(c.names), names...)
	return func() { c.names = was }
}

func (c *compiler) phrase(path, text string) phrase {
	p, wrong := compilePhrase(text, func(name string) bool {
		_, isSetting := c.settings[name]
		return isSetting || slices.Contains(c.names, name) || c.hook && strings.HasPrefix(name, "header.")
	})
	if wrong != "" {
		c.wrong(path, "%s", wrong)
		return phrase{}
	}
	if c.values == nil {
		return p
	}
	var bound phrase
	for _, part := range p.parts {
		_, isSetting := c.settings[part.name]
		switch {
		case part.name == "":
			bound.add(part.literal)
		case isSetting:
			bound.add(phrase{parts: []phrasePart{part}}.fill(func(name string) string { return c.values[name] }, nil))
		default:
			bound.parts = append(bound.parts, part)
		}
	}
	return bound
}

func (c *compiler) fields(path string, in map[string]string) []field {
	if len(in) > fieldsMax {
		c.wrong(path, "%d fields are named; at most %d are possible", len(in), fieldsMax)
		return nil
	}
	out := make([]field, 0, len(in))
	for _, name := range slices.Sorted(maps.Keys(in)) {
		out = append(out, field{name, c.phrase(path+"."+name, in[name])})
	}
	return out
}

func (c *compiler) exchange(path string, e *Exchange) exchange {
	out := exchange{method: e.Method, isForm: e.Form != nil}
	if e.Method != "GET" && e.Method != "POST" {
		c.wrong(path+".method", "the method is %q; write GET or POST", e.Method)
	}
	if e.URL == "" {
		c.wrong(path+".url", "there is no url; write it as https://gateway.example/messages")
	}
	out.url = c.phrase(path+".url", e.URL)
	if e.Form != nil && e.JSON != nil || e.Method == "GET" && (e.Form != nil || e.JSON != nil) {
		c.wrong(path, "a request carries a form or JSON, not both, and a GET neither")
	}
	out.query, out.form = c.fields(path+".query", e.Query), c.fields(path+".form", e.Form)
	for name := range e.Headers {
		if !headerForm.MatchString(name) || slices.Contains(ownHeaders, strings.ToLower(name)) {
			c.wrong(path+".headers", "%q can't be set as a header here", name)
		}
	}
	out.headers = c.fields(path+".headers", e.Headers)
	if e.JSON != nil {
		out.json = c.json(path+".json", e.JSON, 0)
	}
	out.sign = c.signer(path+".sign", &e.Sign, signingNames)
	out.answer = c.answer(path+".answer", &e.Answer)
	return out
}

// ownHeaders are those a request has by itself.
var ownHeaders = []string{"host", "content-length", "transfer-encoding", "connection", "content-type", "expect", "trailer", "upgrade"}

// json compiles the texts in a tree of JSON.
func (c *compiler) json(path string, v any, depth int) any {
	if depth > depthMax {
		c.wrong(path, "it is nested deeper than %d levels", depthMax)
		return nil
	}
	switch in := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for _, name := range slices.Sorted(maps.Keys(in)) {
			out[name] = c.json(path+"."+name, in[name], depth+1)
		}
		return out
	case []any:
		out := make([]any, len(in))
		for i := range in {
			out[i] = c.json(fmt.Sprintf("%s[%d]", path, i), in[i], depth+1)
		}
		return out
	case string:
		return c.phrase(path, in)
	case int, float64, bool, nil:
		return in
	}
	c.wrong(path, "a value of this kind can't stand in JSON; write it in quotes")
	return nil
}

func (c *compiler) signer(path string, s *Sign, names []string) signer {
	out := signer{kind: s.Kind, field: s.Field, header: s.Header, stampHeader: s.Timestamp.Header, tolerance: time.Duration(s.Timestamp.Tolerance)}
	if out.kind == "" {
		out.kind = "none"
	}
	switch out.kind {
	case "none":
	case "bearer":
		out.token = c.phrase(path+".token", s.Token)
		if s.Token == "" {
			c.wrong(path+".token", "bearer needs a token; name a setting, such as \"{token}\"")
		}
	case "basic":
		out.user, out.pass = c.phrase(path+".user", s.User), c.phrase(path+".password", s.Password)
		if s.User == "" || s.Password == "" {
			c.wrong(path+".user", "basic needs a user and a password; name settings")
		}
	case "hmac":
		c.hmac(path, s, names, &out)
	default:
		c.wrong(path+".kind", "there is no kind %q; there are none, bearer, basic and hmac", s.Kind)
	}
	return out
}

func (c *compiler) hmac(path string, s *Sign, names []string, out *signer) {
	defer c.with(names...)()
	out.sha1, out.hex = s.Hash == "sha1", s.Encoding == "hex"
	switch {
	case s.Hash != "sha1" && s.Hash != "sha256":
		c.wrong(path+".hash", "the hash is %q; write sha1 or sha256", s.Hash)
	case s.Encoding != "base64" && s.Encoding != "hex":
		c.wrong(path+".encoding", "the encoding is %q; write base64 or hex", s.Encoding)
	case s.Key == "" || s.Text == "":
		c.wrong(path, "hmac needs a key and the text that is signed")
	case c.hook && s.Header == "":
		c.wrong(path+".header", "say which header brings the signature")
	case !c.hook && (s.Header == "") == (s.Field == ""):
		c.wrong(path, "say where the signature goes: a field of the form or query, or a header")
	case s.Header != "" && (!headerForm.MatchString(s.Header) || slices.Contains(ownHeaders, strings.ToLower(s.Header))):
		c.wrong(path+".header", "%q can't carry a signature", s.Header)
	}
	out.key, out.text = c.phrase(path+".key", s.Key), c.phrase(path+".text", s.Text)
	out.value = c.phrase(path+".value", s.Value)
}

// outcomes are what a rule may say.
var outcomes = []string{"ok", "rejected", "transient", "unknown", "not-found"}

// ruleReasons are the reasons a document may give for how an attempt came out.
var ruleReasons = []codes.Reason{
	codes.MailboxUnknown, codes.MailboxFull, codes.AddressInvalid, codes.ContentRejected, codes.SenderRejected, codes.MessageTooLarge,
	codes.ProviderRejected, codes.ProviderBusy, codes.LoginRefused, codes.Undelivered, codes.RefusedChannel, codes.TemplateNotApproved,
}

func (c *compiler) answer(path string, a *Answer) answer {
	out := answer{ref: a.Ref, detail: a.Detail}
	if len(a.Rules) == 0 || len(a.Rules) > rulesMax {
		c.wrong(path+".rules", "there are %d rules; between 1 and %d say what answers mean", len(a.Rules), rulesMax)
		return out
	}
	taken := false
	for i, r := range a.Rules {
		at := fmt.Sprintf("%s.rules[%d]", path, i)
		c.rule(at, &r)
		taken = taken || r.Is == "ok"
		one := rule{Rule: r, reason: codes.Reason(r.Reason)}
		if one.reason == "" {
			one.reason = map[string]codes.Reason{"rejected": codes.ProviderRejected, "transient": codes.ProviderBusy}[r.Is]
		}
		out.rules = append(out.rules, one)
	}
	if !taken {
		c.wrong(path+".rules", "no rule says ok, so that nothing would ever count as taken")
	}
	return out
}

func (c *compiler) rule(path string, r *Rule) {
	switch {
	case !slices.Contains(outcomes, r.Is):
		c.wrong(path+".is", "%q is no outcome; there are %s", r.Is, strings.Join(outcomes, ", "))
	case (r.Path == "") != (len(r.Values) == 0) || len(r.Values) > valuesMax:
		c.wrong(path, "a path and the values at it belong together, at most %d of them", valuesMax)
	case r.Path == "" && len(r.Status) == 0:
		c.wrong(path, "the rule asks for nothing; give a status, or a path and its values")
	case r.Is == "ok" && r.Path == "":
		c.wrong(path, "a status alone doesn't prove that a message was taken: a page of a proxy may come with 200; give a path and the values that say so")
	case r.Is == "not-found" && r.Path == "":
		c.wrong(path, "a status alone doesn't prove that the gateway doesn't know a message: any 404 may be somebody's on the way; give a path and the values that say so")
	case r.Is == "ok" && slices.ContainsFunc(r.Status, func(s string) bool { return !strings.HasPrefix(s, "2") }):
		c.wrong(path+".status", "ok is said with 2xx only")
	case r.Reason != "" && !slices.Contains(ruleReasons, codes.Reason(r.Reason)):
		c.wrong(path+".reason", "%q is no reason a document may give; there are %s", r.Reason, joined(ruleReasons))
	}
	for _, s := range r.Status {
		if len(s) != 3 || s[0] < '2' || s[0] > '5' || s[1:] != "xx" && strings.Trim(s[1:], "0123456789") != "" {
			c.wrong(path+".status", "%q is no status; write it as 200 or 4xx", s)
		}
	}
}

func joined(reasons []codes.Reason) string {
	words := make([]string, len(reasons))
	for i, r := range reasons {
		words[i] = string(r)
	}
	return strings.Join(words, ", ")
}
