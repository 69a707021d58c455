package codes

import "slices"

// Languages in which every code has a sentence.
const (
	Chinese = "zh-CN"
	English = "en"
)

// Reason says why something was decided or how it came out. It is what rows
// of follow-ups and attempts hold.
type Reason string

// Scope is one thing an API key may do.
type Scope string

// Section groups codes by where they are used.
type Section string

// The sections, in the order of All.
const (
	Withheld Section = "withheld" // why a contact was deferred or denied
	Selected Section = "selected" // why a trigger did or didn't become a follow-up
	Ending   Section = "ending"   // how a follow-up ended
	Result   Section = "result"   // how an attempt came out
	Doubt    Section = "doubt"    // why an answer may not have been meant
	Fault    Section = "fault"    // what was wrong with a request, a document or the machine
	Right    Section = "right"    // what an API key may do
)

// Entry is one line of the registry.
type Entry struct {
	Code    string
	Section Section
	Chinese string
	English string
}

var table = slices.Concat(
	withheld, selected, endings, results, doubts,
	requestFaults, documentFaults, followUpFaults, channelFaults, measureFaults, machineFaults, vaultFaults, rights, vaultRights,
)

var byCode = index(table)

func index(entries []Entry) map[string]Entry {
	m := make(map[string]Entry, len(entries))
	for _, e := range entries {
		m[e.Code] = e
	}
	return m
}

// All returns every entry, section by section.
func All() []Entry { return slices.Clone(table) }

// In returns the entries of one section.
func In(s Section) []Entry {
	var found []Entry
	for _, e := range table {
		if e.Section == s {
			found = append(found, e)
		}
	}
	return found
}

// Known reports whether the registry holds the code.
func Known(code string) bool {
	_, known := byCode[code]
	return known
}

// Sentence gives the code in words. Every language but Chinese reads English.
// A code the registry doesn't hold (written by a newer version, or by hand) is
// shown as it stands, so that a person can still ask about it.
func Sentence(code, lang string) string {
	chinese := isChinese(lang)
	e, known := byCode[code]
	switch {
	case known && chinese:
		return e.Chinese
	case known:
		return e.English
	case chinese:
		return "代码 " + quoted(code) + "(本版本没有它的说明)"
	default:
		return "Code " + quoted(code) + " (this version has no words for it)"
	}
}

// Sentence gives the reason in words.
func (r Reason) Sentence(lang string) string { return Sentence(string(r), lang) }

// Sentence says in words what the scope allows.
func (s Scope) Sentence(lang string) string { return Sentence(string(s), lang) }

// Scopes returns every scope an API key may hold.
func Scopes() []Scope {
	entries := In(Right)
	scopes := make([]Scope, len(entries))
	for i, e := range entries {
		scopes[i] = Scope(e.Code)
	}
	return scopes
}

func isChinese(lang string) bool {
	return len(lang) >= 2 && (lang[:2] == "zh" || lang[:2] == "ZH") && (len(lang) == 2 || lang[2] == '-' || lang[2] == '_')
}

func quoted(code string) string {
	if code == "" {
		return `""`
	}
	return code
}
