package importer

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"unicode/utf16"

	"golang.org/x/text/encoding/simplifiedchinese"

	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/errs"
)

// rows reads a whole file: each row's fields joined by |, or its code.
func rows(t *testing.T, text string, o Options) []string {
	t.Helper()
	r, err := NewReader(strings.NewReader(text), o)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for {
		row, err := r.Next()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		what := strings.Join(row.Fields, "|") + string(row.JSON)
		if row.Err != nil {
			what = row.Err.Code
		}
		all = append(all, fmt.Sprintf("%d:%s", row.Line, what))
	}
}

func gbk(t *testing.T, text string) string {
	t.Helper()
	b, err := simplifiedchinese.GBK.NewEncoder().String(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func utf16le(text string) string {
	out := []byte{0xff, 0xfe}
	for _, u := range utf16.Encode([]rune(text)) {
		out = append(out, byte(u), byte(u>>8))
	}
	return string(out)
}

func TestFilesAreReadAsPeopleSaveThem(t *testing.T) {
	const plain = "id,姓名\nu1,张三\nu2,李四\n"
	want := "2:u1|张三 3:u2|李四"
	for _, c := range []struct {
		name, text, want string
		o                Options
	}{
		{"UTF-8", plain, want, Options{}},
		{"UTF-8 with a byte order mark", "\xef\xbb\xbf" + plain, want, Options{}},
		{"GBK, told from the text", gbk(t, plain), want, Options{}},
		{"GBK, said so", gbk(t, plain), want, Options{Encoding: "GBK"}},
		{"GBK that begins only after 70 KB of ASCII", "id,name\n" + strings.Repeat("a,b\n", 18_000) + gbk(t, "u1,张三\n"), "18002:u1|张三", Options{}},
		{"UTF-16 as Excel writes it", utf16le(strings.ReplaceAll(plain, ",", "\t")), want, Options{}},
		{"Windows line ends", strings.ReplaceAll(plain, "\n", "\r\n"), want, Options{}},
		{"semicolons", strings.ReplaceAll(plain, ",", ";"), want, Options{}},
		{"tabs", strings.ReplaceAll(plain, ",", "\t"), want, Options{}},
		{"empty lines and no end of line at the end", "\n\nid,姓名\n\nu1,张三\n  \nu2,李四", "5:u1|张三 7:u2|李四", Options{}},
		{"quotation marks", "id,n\n\"u\"\"1\",\"a,b\"\n", "2:u\"1|a,b", Options{}},
		{"an end of line inside a field", "id,n\nu1,\"a\nb\"\nu2,c\n", "2:u1|a\nb 4:u2|c", Options{}},
		{"empty fields", "id,n,m\nu1,,\n,,x\n", "2:u1|| 3:||x", Options{}},
		{"NDJSON by its first character", " \n{\"a\":1}\n{\"a\":2}\n", "2:{\"a\":1} 3:{\"a\":2}", Options{}},
		{"NDJSON by its name", "[1]\n", "1:[1]", Options{Name: "x.jsonl"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			all := rows(t, c.text, c.o)
			if strings.HasPrefix(c.name, "GBK that begins") {
				all = all[len(all)-1:]
			}
			if got := strings.Join(all, " "); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

func TestABrokenRowCostsOnlyItself(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"a field too few", "a,b\n1,2\n3\n5,6\n", "2:1|2 3:row-invalid 4:5|6"},
		{"a field too many", "a,b\n1,2\n3,4,5\n5,6\n", "2:1|2 3:row-invalid 4:5|6"},
		{"a quotation mark never closed", "a,b\n1,\"2\n3,4\n5,6\n", "2:row-invalid 3:3|4 4:5|6"},
		{"one that another closes in the wrong place", "a,b\n1,\"2\n3,\"4\"\n5,6\n", "2:row-invalid 3:3|4 4:5|6"},
		{"a mark in the middle of a quoted field", "a,b\n1,\"2\"x\n3,4\n", "2:row-invalid 3:3|4"},
		{"a line in no encoding", "a,b\n1,\xff\xff\n3,四\n", "2:encoding-unknown 3:3|四"},
		{"a GBK line among UTF-8 ones", "a,b\n1,一\n2," + gbk(t, "坏") + "\n3,三\n", "2:1|一 3:encoding-unknown 4:3|三"},
		{"a NUL", "a,b\n1,\x002\n3,4\n", "2:row-invalid 3:3|4"},
		{"a line of two megabytes", "a,b\n1," + strings.Repeat("x", 2<<20) + "\n3,4\n", "2:row-invalid 3:3|4"},
		{"a mark open over 200 lines", "a,b\n\"" + strings.Repeat("1,2\n", 200), "2:row-invalid 3:1|2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			all := rows(t, c.text, Options{})
			if strings.HasPrefix(c.name, "a mark open") {
				if len(all) != 200 {
					t.Fatalf("%d rows", len(all))
				}
				all = all[:2]
			}
			if got := strings.Join(all, " "); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

func TestAFileThatIsNoneIsRefusedWithWhatToDo(t *testing.T) {
	for _, c := range []struct {
		name, text, code string
		o                Options
	}{
		{"an empty file", "", codes.FileUnreadable, Options{}},
		{"a workbook", "PK\x03\x04", codes.FileUnreadable, Options{Name: "customers.xlsx"}},
		{"an unknown encoding", "a,b\n", codes.EncodingUnknown, Options{Encoding: "klingon"}},
		{"an unknown format", "a,b\n", codes.UsageInvalid, Options{Format: "xml"}},
		{"headings with a mark open", "a,\"b\n1,2\n", codes.RowInvalid, Options{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := NewReader(strings.NewReader(c.text), c.o); errs.CodeOf(err) != c.code {
				t.Errorf("%v", err)
			}
		})
	}
}

// million gives a CSV of n rows with a quotation mark left open in the middle, made as it is read.
type million struct {
	n, row int
	left   bytes.Buffer
}

func (m *million) Read(p []byte) (int, error) {
	for m.left.Len() < len(p) && m.row <= m.n {
		switch m.row {
		case 0:
			m.left.WriteString("id,name,email\n")
		case m.n / 2:
			fmt.Fprintf(&m.left, "u%d,\"broken,u%d@example.com\n", m.row, m.row)
		default:
			fmt.Fprintf(&m.left, "u%d,张三,u%d@example.com\n", m.row, m.row)
		}
		m.row++
	}
	return m.left.Read(p)
}

func TestABrokenRowInTheMiddleOfAMillionCostsOnlyItselfInBoundedMemory(t *testing.T) {
	const n = 1_000_000
	r, err := NewReader(&million{n: n}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	var before, now runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	good, bad, most := 0, []int(nil), uint64(0)
	for {
		row, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if row.Err != nil {
			bad = append(bad, row.Line)
			continue
		}
		if good++; good%100_000 == 0 {
			runtime.GC()
			runtime.ReadMemStats(&now)
			most = max(most, now.HeapAlloc)
		}
	}
	if good != n-1 || len(bad) != 1 || bad[0] != n/2+1 {
		t.Errorf("%d good rows, bad ones at %v", good, bad)
	}
	if grown := int64(most) - int64(before.HeapAlloc); grown > 8<<20 {
		t.Errorf("the heap grew by %d KB", grown>>10)
	}
}

func FuzzReader(f *testing.F) {
	f.Add([]byte("a,b\n1,2\n"))
	f.Add([]byte("\xef\xbb\xbfa;b\n\"1\n2\";3\n"))
	f.Add([]byte("\xff\xfea\x00,\x00b\x00\n\x00"))
	f.Add([]byte("a,b\n1,\"2\n3,4\n\xd5\xc5\xc8\xfd,5\n"))
	f.Add([]byte("{\"a\":1}\n\n{"))
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := NewReader(bytes.NewReader(text), Options{})
		if err != nil {
			if _, ours := errs.As(err); !ours {
				t.Fatalf("%v is none of our errors", err)
			}
			return
		}
		last := 0
		for range len(text) + 2 {
			row, err := r.Next()
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				if _, ours := errs.As(err); ours {
					t.Fatal("an error about one row ended the file")
				}
				return // of the reader beneath
			}
			if row.Line <= last {
				t.Fatalf("line %d after %d", row.Line, last)
			}
			last = row.Line
			if row.Err == nil && r.Format == CSV && len(row.Fields) != len(r.Headings) {
				t.Fatalf("%d fields under %d headings", len(row.Fields), len(r.Headings))
			}
		}
		t.Fatal("the file has no end")
	})
}
