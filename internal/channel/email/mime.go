package email

import (
	"bytes"
	"encoding/base64"
	"mime/quotedprintable"
	"net/mail"
	"strings"
	"unicode/utf8"
)

const (
	foldChars      = 76 // a header is folded at the blank before it gets longer
	wordBytes      = 45 // of text in an encoded word: 72 characters with all around it
	base64Line     = 57 // bytes of text in a line of 76 characters
	encodedWordUTF = "=?UTF-8?B?"
)

// header writes one header, folded at blanks.
func header(b *bytes.Buffer, name, value string) {
	b.WriteString(name)
	b.WriteByte(':')
	used := len(name) + 1
	for value != "" {
		word, rest := value, ""
		if i := strings.IndexByte(value[1:], ' '); i >= 0 {
			word, rest = value[:i+1], value[i+1:]
		}
		if used > len(name)+1 { // not the first: its blank is its own
			if used+len(word) > foldChars && strings.Trim(word, " ") != "" {
				b.WriteString("\r\n")
				used = 0
			}
		} else {
			b.WriteByte(' ')
			used++
		}
		b.WriteString(word)
		used += len(word)
		value = rest
	}
	b.WriteString("\r\n")
}

// words writes a text as a header can hold it: as it is, or as encoded words (RFC 2047)
// where it isn't plain, or looks as if it were encoded already.
func words(text string) string {
	plain := !strings.Contains(text, "=?")
	for i := 0; plain && i < len(text); i++ {
		plain = text[i] >= ' ' && text[i] < 0x7f
	}
	if plain {
		return text
	}
	var s strings.Builder
	s.Grow(len(text)/wordBytes*(foldChars+1) + foldChars)
	for text != "" {
		n := min(len(text), wordBytes)
		for n < len(text) && n > 1 && !utf8.RuneStart(text[n]) {
			n--
		}
		if s.Len() > 0 {
			s.WriteByte(' ')
		}
		s.WriteString(encodedWordUTF + base64.StdEncoding.EncodeToString([]byte(text[:n])) + "?=")
		text = text[n:]
	}
	return s.String()
}

// addressHeader writes a name and an address as a header holds them.
func addressHeader(a *mail.Address) string {
	if name := words(a.Name); name != a.Name {
		return name + " <" + a.Address + ">"
	}
	return a.String()
}

// part writes the headers and the content of a part, in the shorter of the two encodings.
func part(b *bytes.Buffer, kind, text string) {
	text = lineFeeds(text)
	header(b, "Content-Type", kind+"; charset=UTF-8")
	if mostlyForeign(text) {
		header(b, "Content-Transfer-Encoding", "base64")
		b.WriteString("\r\n")
		writeBase64(b, text)
		return
	}
	header(b, "Content-Transfer-Encoding", "quoted-printable")
	b.WriteString("\r\n")
	w := quotedprintable.NewWriter(b)
	_, _ = w.Write([]byte(text)) // a buffer takes everything
	_ = w.Close()
}

// writeBase64 writes a text in lines, with the line breaks mail has.
func writeBase64(b *bytes.Buffer, text string) {
	text = strings.ReplaceAll(text, "\n", "\r\n")
	b.Grow(len(text)*4/3 + len(text)/base64Line*2 + 8)
	for text != "" {
		n := min(len(text), base64Line)
		b.Write(base64.StdEncoding.AppendEncode(b.AvailableBuffer(), []byte(text[:n])))
		b.WriteString("\r\n")
		text = text[n:]
	}
}
