package wording_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/huiyin/huiyin/internal/platform/errs"
	"github.com/huiyin/huiyin/internal/program/document"
	"github.com/huiyin/huiyin/internal/program/template"
	"github.com/huiyin/huiyin/internal/program/wording"
)

func TestTheKitSpeaksOfEveryPurposeInBothLanguages(t *testing.T) {
	all := wording.Builtin()
	if len(all) != len(wording.Purposes) {
		t.Fatalf("%d wordings for %d purposes", len(all), len(wording.Purposes))
	}
	for i := range all {
		w := &all[i]
		for _, language := range []string{document.ZhCN, document.En} {
			text := w.Text[language]
			if w.Title[language] == "" || utf8.RuneCountInString(text) < 20 {
				t.Errorf("%s says %q and %q in %s", w, w.Title[language], text, language)
			}
			if err := template.Lint(text); err != nil {
				t.Errorf("%s in %s: %v", w, language, err)
			}
		}
		purpose, version, ours, ok := wording.ParseRef(w.Ref())
		found, there := wording.Find(purpose, version)
		if !ok || !ours || !there || found.Text[document.En] != w.Text[document.En] {
			t.Errorf("%s can't be found by its reference", w)
		}
	}
}

func TestAWordingOfTheHouseIsChecked(t *testing.T) {
	both := document.Text{document.ZhCN: "同意", document.En: "I agree"}
	for name, c := range map[string]struct {
		name string
		def  wording.Definition
		want string
	}{
		"right":                  {"marketing", wording.Definition{Title: both, Text: both}, ""},
		"a purpose there isn't":  {"marketting", wording.Definition{Title: both, Text: both}, "did you mean `marketing`"},
		"without a text":         {"survey", wording.Definition{Title: both}, "text"},
		"a text of blanks alone": {"survey", wording.Definition{Title: both, Text: document.Text{document.ZhCN: "  ", document.En: "I agree"}}, "characters"},
		"a text far too long":    {"survey", wording.Definition{Title: both, Text: document.Text{document.En: strings.Repeat("x", 501)}}, "501 characters"},
	} {
		t.Run(name, func(t *testing.T) {
			w, err := wording.Compile(c.name, 3, &c.def)
			switch {
			case c.want == "" && (err != nil || w.Ref() != "marketing@3"):
				t.Errorf("%s, %v", w.Ref(), err)
			case c.want != "" && (errs.KindOf(err) != errs.Invalid || !strings.Contains(err.Error(), c.want)):
				t.Errorf("%v does not say %q", err, c.want)
			}
		})
	}
}

func FuzzParseRef(f *testing.F) {
	for _, s := range []string{"marketing@1", "huiyin:survey@12", "survey@0", "@", "survey@99999999999999"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		purpose, version, _, ok := wording.ParseRef(text)
		if ok && (purpose == "" || version < 1 || !strings.Contains(text, "@")) {
			t.Fatalf("%q was read as %s, %d", text, purpose, version)
		}
	})
}
