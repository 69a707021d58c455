package email

import (
	"bufio"
	"bytes"
	"mime"
	"net/mail"
	"net/textproto"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestAHeaderReadsAsItWasWritten(t *testing.T) {
	text := rapid.OneOf(
		rapid.StringMatching(`[ -~]{0,300}`), rapid.StringMatching(`(a{1,100} {1,3}){0,10}`),
		rapid.StringMatching(`([一-龥]{1,40} ?[a-z=?]{0,9}){0,12}`), rapid.SampledFrom([]string{"", "=?UTF-8?B?5L2g?=", "=?", "a =?utf-8?q?b?= c"}),
	)
	rapid.Check(t, func(t *rapid.T) {
		want := strings.TrimSpace(text.Draw(t, "text"))
		var b bytes.Buffer
		header(&b, "Subject", words(want))
		for line := range strings.SplitSeq(strings.TrimSuffix(b.String(), "\r\n"), "\r\n") {
			// Blanks at a line's end stay there: on a line of their own they would end the headers.
			if line := strings.TrimRight(line, " "); len(line) > foldChars && strings.Count(strings.TrimSpace(strings.TrimPrefix(line, "Subject:")), " ") > 0 {
				t.Fatalf("a line of %d characters could have been folded: %q", len(line), line)
			}
			if strings.TrimSpace(line) == "" {
				t.Fatalf("an empty line ends the headers: %q", b.String())
			}
		}
		got, err := textproto.NewReader(bufio.NewReader(strings.NewReader(b.String() + "\r\n"))).ReadMIMEHeader()
		if err != nil || len(got) != 1 {
			t.Fatalf("%v, %v", got, err)
		}
		read, err := new(mime.WordDecoder).DecodeHeader(got.Get("Subject"))
		// The reader of headers takes several blanks at a fold for one.
		if err != nil || strings.Join(strings.Fields(read), " ") != strings.Join(strings.Fields(want), " ") {
			t.Fatalf("got %q (%v), want %q", read, err, want)
		}
	})
}

func TestANameInAnyScriptStandsBeforeItsAddress(t *testing.T) {
	for _, name := range []string{"", "Care", "Care, Inc. \"x\"", "示例钱包", strings.Repeat("示例钱包", 20), "=?utf-8?q?x?="} {
		got, err := mail.ParseAddress(addressHeader(&mail.Address{Name: name, Address: "care@wallet.example"}))
		if err != nil || got.Name != name || got.Address != "care@wallet.example" {
			t.Errorf("%q became %v (%v)", name, got, err)
		}
	}
}
