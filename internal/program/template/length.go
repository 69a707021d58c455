package template

import (
	"strings"

	"github.com/huiyin/huiyin/internal/program/document"
)

const (
	// TypicalValueChars stands for a value nobody knows beforehand: an amount, a merchant, a date.
	TypicalValueChars = 12
	filler            = "某"
	fillerLatin       = "n"
)

// LanguageFor is the language a customer with these wishes is written to in.
func (t *Template) LanguageFor(wishes ...string) string {
	return document.Choose(t.languages, wishes...)
}

// Longest writes the longest wording a message may have on a channel in a language, with
// every branch that can be taken, link in place of a link, and TypicalValueChars for each
// value that isn't known beforehand. What is sent may still be longer.
func (t *Template) Longest(channel, language, link string) string {
	value := strings.Repeat(filler, TypicalValueChars)
	if !strings.HasPrefix(language, "zh") {
		value = strings.Repeat(fillerLatin, TypicalValueChars)
	}
	longest := ""
	for i := range t.variants {
		if text := longestOf(t.variants[i].body[language], value, link); len(text) > len(longest) {
			longest = text
		}
	}
	if channel == channelSMS && len(t.signature) > 0 {
		longest = sign(t.signature.In(language), longest)
	}
	return longest
}

func longestOf(parts []part, value, link string) string {
	var b strings.Builder
	for _, p := range parts {
		switch p := p.(type) {
		case literal:
			b.WriteString(string(p))
		case output:
			if name := strings.TrimSpace(p.source); name == "link" || name == "unsubscribe" {
				b.WriteString(link)
			} else {
				b.WriteString(value)
			}
		case *choice:
			most := ""
			for _, one := range p.branches {
				if text := longestOf(one.body, value, link); len(text) > len(most) {
					most = text
				}
			}
			b.WriteString(most)
		case *loop:
			b.WriteString(strings.Repeat(longestOf(p.body, value, link), min(p.limit, loopsShown)))
		}
		if b.Len() > ResultBytesMax {
			break
		}
	}
	return b.String()
}

// loopsShown is how many items a list is taken to have.
const loopsShown = 5
