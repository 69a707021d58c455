package importer

import (
	"bufio"
	"bytes"
	"io"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"

	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/errs"
)

const (
	lineBytesMax = 1 << 20  // of one line; a longer one is refused and passed over
	peekBytes    = 64 << 10 // looked at to tell the encoding
)

// The encodings a file may be in.
const (
	UTF8    = "utf-8"
	GB18030 = "gb18030" // GBK and GB 2312 are parts of it
	UTF16   = "utf-16"
)

// Encodings lists what --encoding takes.
func Encodings() []string { return []string{UTF8, GB18030, UTF16} }

var utf8BOM = []byte("\xef\xbb\xbf")

// lines reads a text line by line, in UTF-8 whatever it was in.
type lines struct {
	in       *bufio.Reader
	encoding string // "" while every byte so far was ASCII
	fixed    bool   // somebody said which it is
	read     int64  // bytes
	buffer   []byte
}

// encodingNamed reads the name of an encoding as people write it.
func encodingNamed(name string) (string, error) {
	switch plain := strings.ToLower(strings.NewReplacer("-", "", "_", "").Replace(name)); plain {
	case "", "auto":
		return "", nil
	case "utf8":
		return UTF8, nil
	case "gbk", "gb2312", "gb18030", "cp936":
		return GB18030, nil
	case "utf16", "utf16le", "utf16be", "unicode":
		return UTF16, nil
	}
	return "", errs.New(errs.Invalid, codes.EncodingUnknown, "there is no encoding %.40q; write %s", name, strings.Join(Encodings(), ", "))
}

func newLines(r io.Reader, encoding string) *lines {
	in := bufio.NewReaderSize(r, peekBytes)
	head, _ := in.Peek(peekBytes) // an error shows again when it is read
	l := &lines{encoding: encoding, fixed: encoding != ""}
	switch {
	case bytes.HasPrefix(head, utf8BOM):
		_, _ = in.Discard(len(utf8BOM)) // it has just been peeked at
		l.read, l.encoding, l.fixed = int64(len(utf8BOM)), UTF8, true
	case encoding == UTF16 || bytes.HasPrefix(head, []byte("\xff\xfe")) || bytes.HasPrefix(head, []byte("\xfe\xff")):
		decoder := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewDecoder()
		in = bufio.NewReaderSize(transform.NewReader(in, decoder), peekBytes)
		l.encoding, l.fixed = UTF8, true
	case encoding == "":
		l.encoding = tell(head, len(head) < peekBytes)
	}
	l.in = in
	return l
}

// tell guesses the encoding from the beginning of a text; "" if it could be any.
func tell(head []byte, whole bool) string {
	if !whole { // the last character may be cut through
		for n := 0; n < utf8.UTFMax && len(head) > 0 && head[len(head)-1] >= 0x80; n++ {
			head = head[:len(head)-1]
		}
	}
	switch {
	case bytes.IndexFunc(head, func(r rune) bool { return r >= 0x80 }) < 0:
		return ""
	case utf8.Valid(head):
		return UTF8
	}
	// One broken line must not decide for the rest: count lines.
	gb, good := 0, 0
	for line := range bytes.Lines(head) {
		if isASCII(line) {
			continue
		}
		if utf8.Valid(line) {
			good++
		} else if _, ok := fromGB(line); ok {
			gb++
		}
	}
	if gb > good {
		return GB18030
	}
	return UTF8
}

func isASCII(b []byte) bool {
	for _, c := range b {
		if c >= 0x80 {
			return false
		}
	}
	return true
}

// fromGB decodes a line; ok is false if it is no GB 18030.
func fromGB(line []byte) (string, bool) {
	text, err := simplifiedchinese.GB18030.NewDecoder().Bytes(line)
	return string(text), err == nil && !bytes.ContainsRune(text, utf8.RuneError)
}

// next reads one line without its end. At the end of the text it gives io.EOF.
// A line that is too long, or in no encoding known, is passed over with an error of ours.
func (l *lines) next() (string, error) {
	raw, tooLong, err := l.raw()
	if err != nil {
		return "", err
	}
	if tooLong {
		return "", errs.New(errs.TooLarge, codes.RowInvalid, "the line is longer than %d KB; a quotation mark or an end of line may be missing", lineBytesMax>>10)
	}
	if bytes.IndexByte(raw, 0) >= 0 {
		return "", errs.New(errs.Invalid, codes.RowInvalid, "the line holds a NUL character; the file is damaged there, or is no text")
	}
	return l.decode(raw)
}

// raw reads the bytes of a line.
func (l *lines) raw() (line []byte, tooLong bool, err error) {
	l.buffer = l.buffer[:0]
	for {
		part, err := l.in.ReadSlice('\n')
		l.read += int64(len(part))
		if len(l.buffer)+len(part) > lineBytesMax {
			tooLong = true
		} else if !tooLong {
			l.buffer = append(l.buffer, part...)
		}
		switch {
		case err == bufio.ErrBufferFull: //nolint:errorlint // bufio returns it as it is
			continue
		case err == io.EOF && (len(l.buffer) > 0 || tooLong): //nolint:errorlint // likewise
			return bytes.TrimRight(l.buffer, "\r\n"), tooLong, nil
		case err != nil:
			return nil, false, err
		}
		return bytes.TrimRight(l.buffer, "\r\n"), tooLong, nil
	}
}

func (l *lines) decode(raw []byte) (string, error) {
	if isASCII(raw) {
		return string(raw), nil
	}
	switch {
	case l.encoding == UTF8 && utf8.Valid(raw):
		return string(raw), nil
	case l.encoding == GB18030:
		if text, ok := fromGB(raw); ok {
			return text, nil
		}
	case l.encoding == "" && utf8.Valid(raw):
		l.encoding = UTF8
		return string(raw), nil
	case l.encoding == "":
		if text, ok := fromGB(raw); ok {
			l.encoding = GB18030
			return text, nil
		}
	}
	read := l.encoding
	if read == "" {
		read = "any encoding known"
	}
	return "", errs.New(errs.Invalid, codes.EncodingUnknown, "the line is not text in %s; say with --encoding what the file is in, or mend the line", read)
}
