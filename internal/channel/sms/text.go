package sms

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"regexp"
	"strings"
)

// textBytesMax bounds a text of a document.
const textBytesMax = 4 << 10

// phrase is a text of a document with names in braces: {key}, {to.digits},
// {parameters|percent}. A brace is written twice to stand for itself.
type phrase struct{ parts []phrasePart }

type phrasePart struct {
	literal string
	name    string // empty: a literal
	filters []string
}

var phraseNameForm = regexp.MustCompile(`^[a-z][a-zA-Z0-9_.-]*$`)

var filters = map[string]func(string) string{
	"percent": percent,
	"sha256":  func(s string) string { sum := sha256.Sum256([]byte(s)); return hex.EncodeToString(sum[:]) },
	"base64":  func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) },
	"lower":   strings.ToLower,
}

// compilePhrase reads a text; wrong says what is wrong with it, empty if nothing is.
func compilePhrase(text string, known func(name string) bool) (p phrase, wrong string) {
	if len(text) > textBytesMax {
		return p, "it is longer than 4 KB"
	}
	for text != "" {
		at := strings.IndexAny(text, "{}")
		if at < 0 {
			p.add(text)
			break
		}
		p.add(text[:at])
		if strings.HasPrefix(text[at:], "{{") || strings.HasPrefix(text[at:], "}}") {
			p.add(text[at : at+1])
			text = text[at+2:]
			continue
		}
		end := strings.IndexByte(text[at:], '}')
		if text[at] == '}' || end < 0 {
			return p, "a brace stands alone; write it twice, {{ or }}, where it stands for itself"
		}
		inner := strings.Split(text[at+1:at+end], "|")
		if name := inner[0]; !phraseNameForm.MatchString(name) || !known(name) {
			return p, "{" + name + "} names neither a setting nor a part of the message"
		}
		for _, f := range inner[1:] {
			if filters[f] == nil {
				return p, "there is no filter " + f + "; there are percent, sha256, base64 and lower"
			}
		}
		p.parts = append(p.parts, phrasePart{name: inner[0], filters: inner[1:]})
		text = text[at+end+1:]
	}
	return p, ""
}

func (p *phrase) add(literal string) {
	if literal != "" {
		p.parts = append(p.parts, phrasePart{literal: literal})
	}
}

// uses says whether a name stands in the text.
func (p phrase) uses(name string) bool {
	for _, part := range p.parts {
		if part.name == name {
			return true
		}
	}
	return false
}

// fill writes the text; each value goes through escape.
func (p phrase) fill(value func(name string) string, escape func(string) string) string {
	if len(p.parts) == 1 && p.parts[0].name == "" {
		return p.parts[0].literal
	}
	var b strings.Builder
	for _, part := range p.parts {
		if part.name == "" {
			b.WriteString(part.literal)
			continue
		}
		v := value(part.name)
		for _, f := range part.filters {
			v = filters[f](v)
		}
		if escape != nil {
			v = escape(v)
		}
		b.WriteString(v)
	}
	return b.String()
}

const upperHex = "0123456789ABCDEF"

// percent encodes as RFC 3986 does, which is what gateways sign: a space is %20, and only
// letters, digits and - . _ ~ stay.
func percent(s string) string {
	plain := 0
	for i := range len(s) {
		if unreserved(s[i]) {
			plain++
		}
	}
	if plain == len(s) {
		return s
	}
	var b strings.Builder
	b.Grow(len(s) + 2*(len(s)-plain))
	for i := range len(s) {
		c := s[i]
		if unreserved(c) {
			b.WriteByte(c)
			continue
		}
		b.WriteByte('%')
		b.WriteByte(upperHex[c>>4])
		b.WriteByte(upperHex[c&15])
	}
	return b.String()
}

func unreserved(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '.' || c == '_' || c == '~'
}
