package sms

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/errs"
)

// The states of a template with a provider.
const (
	Approved = "approved"
	Pending  = "pending"
	Declined = "rejected"
)

const (
	approvalsMax      = 500
	wordingCharsMax   = 1_000
	approvalCodeBytes = 100
	placesMax         = 20
)

// Approval is what a provider says of one template in one language.
type Approval struct {
	Template, Language string
	Code               string // the provider's name for it
	State              string // approved, pending, rejected
	Wording            string // as approved, its variables in braces: 您的{amount}已退回,请评价 {link}
}

// approval is one ready for use.
type approval struct {
	Approval
	wording *regexp.Regexp // nil: no parameters
}

type approvalKey struct{ template, language string }

var placeForm = regexp.MustCompile(`\{([a-zA-Z][a-zA-Z0-9_]{0,31})\}`)

func readApprovals(list []Approval) (map[approvalKey]*approval, error) {
	if len(list) > approvalsMax {
		return nil, invalid("templates", "%d templates are listed; at most %d are possible", len(list), approvalsMax)
	}
	out := map[approvalKey]*approval{}
	for i, a := range list {
		path := fmt.Sprintf("templates[%d]", i)
		key := approvalKey{a.Template, a.Language}
		switch {
		case a.Template == "" || a.Language == "":
			return nil, invalid(path, "say which template and which language it is, such as `{template: refund, language: zh-CN, code: …, state: approved}`")
		case out[key] != nil:
			return nil, invalid(path, "%s in %s is listed twice", a.Template, a.Language)
		case a.State != Approved && a.State != Pending && a.State != Declined:
			return nil, invalid(path+".state", "the state is %q; write approved, pending or rejected", a.State)
		case len(a.Code) > approvalCodeBytes || len([]rune(a.Wording)) > wordingCharsMax:
			return nil, invalid(path, "the code or the wording is too long")
		}
		one := &approval{Approval: a}
		if a.Wording != "" {
			form, err := wordingForm(a.Wording)
			if err != nil {
				return nil, err.At(path + ".wording")
			}
			one.wording = form
		}
		out[key] = one
	}
	return out, nil
}

// wordingForm makes an approved wording into a form that finds its variables in a text.
func wordingForm(wording string) (*regexp.Regexp, *errs.Error) {
	places := placeForm.FindAllStringSubmatchIndex(wording, -1)
	if len(places) > placesMax {
		return nil, invalid("", "the wording has %d variables; at most %d are possible", len(places), placesMax)
	}
	var b strings.Builder
	b.WriteString(`(?s)^`)
	from := 0
	met := map[string]bool{}
	for _, p := range places {
		name := wording[p[2]:p[3]]
		if met[name] {
			return nil, invalid("", "the variable {%s} stands twice; give the second another name", name)
		}
		met[name] = true
		b.WriteString(regexp.QuoteMeta(wording[from:p[0]]) + `(?P<` + name + `>.*?)`)
		from = p[1]
	}
	b.WriteString(regexp.QuoteMeta(wording[from:]) + `$`)
	form, err := regexp.Compile(b.String())
	if err != nil {
		return nil, invalid("", "the wording can't be read").Because(err)
	}
	return form, nil
}

// Approval says why a template may not be sent in a language; empty: it may.
func (c *Channel) Approval(template, language string) codes.Reason {
	a := c.approvals[approvalKey{template, language}]
	if a == nil && c.doc.Limits.Approval == required || a != nil && a.State != Approved {
		return codes.TemplateNotApproved
	}
	return ""
}

// Unapproved lists the templates that may not be sent yet, as template (language).
func (c *Channel) Unapproved() []string {
	var all []string
	for key, a := range c.approvals {
		if a.State != Approved {
			all = append(all, key.template+" ("+key.language+", "+a.State+")")
		}
	}
	return all
}

// parameters gives the values of an approved wording's variables in a text, as JSON; ok is
// false if the text isn't of that wording.
func (a *approval) parameters(body string) (text string, ok bool) {
	if a == nil || a.wording == nil {
		return "", true
	}
	found := a.wording.FindStringSubmatch(body)
	if found == nil {
		return "", false
	}
	values := map[string]string{}
	for i, name := range a.wording.SubexpNames() {
		if name != "" {
			values[name] = found[i]
		}
	}
	return compactJSON(values), true
}

// compactJSON writes values in the order of their names, as gateways sign them.
func compactJSON(values map[string]string) string {
	var b strings.Builder
	b.WriteByte('{')
	for i, name := range slices.Sorted(maps.Keys(values)) {
		if i > 0 {
			b.WriteByte(',')
		}
		b.Write(quoted(name))
		b.WriteByte(':')
		b.Write(quoted(values[name]))
	}
	b.WriteByte('}')
	return b.String()
}

func quoted(text string) []byte {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(text) // a text always encodes
	return []byte(strings.TrimSuffix(b.String(), "\n"))
}
