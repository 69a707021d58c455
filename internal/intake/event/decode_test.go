package event

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/huiyin/huiyin/internal/platform/errs"
)

var now = time.Date(2026, 11, 22, 9, 30, 0, 0, time.UTC)

const good = `{"specversion":"1.0","id":"e-1","source":"/wallet/payments","type":"wallet.payment.failed","subject":"C100",` +
	`"time":"2026-11-22T17:29:00+08:00","datacontenttype":"application/json","traceparent":"00-x","data":{"order_id":"O-1","amount_minor":5000,` +
	`"currency":"CNY","merchant":"\u9762\u9986","reason":"insufficient-balance","charged":false}}`

func TestDecodeReadsOneEvent(t *testing.T) {
	items, err := Decode([]byte(good), "application/cloudevents+json; charset=UTF-8", Limits{Now: now})
	if err != nil || len(items) != 1 || items[0].Err != nil {
		t.Fatalf("%v %+v", err, items)
	}
	e := items[0].Event
	if e.ID != "e-1" || e.Source != "/wallet/payments" || e.Type != "wallet.payment.failed" || e.Subject != "C100" ||
		!e.At.Equal(time.Date(2026, 11, 22, 9, 29, 0, 0, time.UTC)) || !e.Received.Equal(now) || !strings.HasPrefix(string(e.Data), `{"order_id"`) {
		t.Errorf("read as %+v", e)
	}
	c := catalogue(t)
	if err := c.Check(&e); err != nil {
		t.Errorf("the catalogue refuses it: %v", err)
	}
}

func catalogue(t testing.TB, extra ...*Type) *Catalogue {
	t.Helper()
	c, err := NewCatalogue(extra...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func swap(old, new string) string { return strings.Replace(good, old, new, 1) }

func TestABadEventIsNamedAndCostsNoOther(t *testing.T) {
	for _, c := range []struct{ name, event, code, path, says string }{
		{"a number is no event", `17`, "malformed-json", "", "not a JSON object"},
		{"an id is needed", swap(`"id":"e-1",`, ``), "field-missing", "id", "never uses again"},
		{"an empty id is none", swap(`"e-1"`, `""`), "field-invalid", "id", "empty"},
		{"an id is text", swap(`"e-1"`, `1`), "field-invalid", "id", "string"},
		{"an id is given once", swap(`"id":"e-1"`, `"id":"e-1","id":"e-2"`), "field-invalid", "id", "twice"},
		{"an id holds no line break", swap(`e-1`, `e\n1`), "field-invalid", "id", "control"},
		{"an id is short", swap(`e-1`, strings.Repeat("x", 257)), "field-invalid", "id", "at most 256"},
		{"a subject is needed", swap(`"subject":"C100",`, ``), "subject-missing", "subject", "customer"},
		{"a subject is at most 128 characters", swap(`C100`, strings.Repeat("回", 129)), "field-invalid", "subject", "at most 128"},
		{"a source is needed", swap(`"source":"/wallet/payments",`, ``), "field-missing", "source", "who sends"},
		{"a type is needed", swap(`"type":"wallet.payment.failed",`, ``), "field-missing", "type", "kind of event"},
		{"a version is needed", swap(`"specversion":"1.0",`, ``), "field-missing", "specversion", `"1.0"`},
		{"version 0.3 is another form", swap(`"1.0"`, `"0.3"`), "spec-version-unknown", "specversion", `"0.3"`},
		{"a time is needed", swap(`"time":"2026-11-22T17:29:00+08:00",`, ``), "field-missing", "time", "when"},
		{"a time has a zone", swap(`17:29:00+08:00`, `17:29:00`), "field-invalid", "time", "2026-11-22T17:29:00"},
		{"1970 is too long ago", swap(`2026-11-22T17:29:00+08:00`, `1970-01-01T00:00:00Z`), "event-time-out-of-range", "time", "1970"},
		{"2100 is not yet", swap(`2026-11-22T17:29:00+08:00`, `2100-01-01T00:00:00Z`), "event-time-out-of-range", "time", "2100"},
		{"data is an object", swap(good[strings.Index(good, `{"order`):len(good)-1], `[1]`), "event-data-invalid", "data", "object"},
		{"data is not null", swap(good[strings.Index(good, `{"order`):len(good)-1], `null`), "event-data-invalid", "data", "object"},
		{"data is not base64", swap(`"datacontenttype"`, `"data_base64":"eA==","datacontenttype"`), "field-invalid", "data_base64", "JSON object"},
		{"data is JSON", swap(`application/json`, `text/xml`), "field-invalid", "datacontenttype", "application/json"},
		{"data is at most 64 KB", swap(`O-1`, strings.Repeat("x", DataBytesMax)), "event-too-large", "data", "at most 65536"},
		{"an event of 2 MB is refused alone", swap(`O-1`, strings.Repeat("x", 2<<20)), "event-too-large", "data", "at most 65536"},
		{"GBK is not UTF-8", swap(`\u9762\u9986`, "\xc3\xe6\xb9\xdd"), "encoding-unknown", "", "GBK"},
	} {
		t.Run(c.name, func(t *testing.T) {
			items, err := Decode([]byte("["+good+","+c.event+" , "+good+"]"), ContentBatch, Limits{Now: now})
			if err != nil || len(items) != 3 {
				t.Fatalf("%v, %d items", err, len(items))
			}
			if items[0].Err != nil || items[2].Err != nil {
				t.Errorf("it cost a good one: %v %v", items[0].Err, items[2].Err)
			}
			bad := items[1].Err
			if bad == nil || bad.Code != c.code || bad.Path != c.path || !strings.Contains(bad.Text, c.says) {
				t.Errorf("said %+v, want code %s at %s with %q", bad, c.code, c.path, c.says)
			}
		})
	}
}

func TestABodyThatIsBrokenIsRefusedAsAWhole(t *testing.T) {
	many := "[" + strings.Repeat("{},", BatchEventsMax) + "{}]"
	for _, c := range []struct{ name, body, content, code, path string }{
		{"nothing at all", ``, ContentBatch, "malformed-json", "byte 0"},
		{"an array cut off", `[` + good, ContentBatch, "malformed-json", fmt.Sprintf("byte %d", len(good)+1)},
		{"an event cut off inside", `[` + good + `,{"id":]`, ContentBatch, "malformed-json", fmt.Sprintf("byte %d", len(good)+9)},
		{"a comma too many", `[` + good + `,]`, ContentBatch, "malformed-json", fmt.Sprintf("byte %d", len(good)+3)},
		{"two values", good + good, ContentSingle, "malformed-json", fmt.Sprintf("byte %d", len(good)+1)},
		{"letters after the end", `[]x`, ContentBatch, "malformed-json", "byte 3"},
		{"a list sent as one", `[]`, ContentSingle, "malformed-json", ""},
		{"one sent as a list", good, ContentBatch, "malformed-json", ""},
		{"a plain content type", good, "application/json", "content-type-unknown", ""},
		{"another charset", good, ContentSingle + "; charset=gbk", "content-type-unknown", ""},
		{"10,001 events", many, ContentBatch, "batch-too-large", ""},
		{"17 MB", strings.Repeat(" ", BodyBytesMax+1), ContentBatch, "body-too-large", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			items, err := Decode([]byte(c.body), c.content, Limits{Now: now})
			e, ok := errs.As(err)
			if !ok || e.Code != c.code || e.Path != c.path || items != nil {
				t.Errorf("gave %d items and %+v, want %s at %q", len(items), err, c.code, c.path)
			}
		})
	}
}

func TestABatchOfTenThousandWithThreeBadKeepsTheOthers(t *testing.T) {
	events := make([]string, BatchEventsMax)
	for i := range events {
		events[i] = swap("e-1", fmt.Sprintf("e-%d", i))
	}
	events[0], events[5_000], events[9_999] = `{}`, swap(`"subject":"C100",`, ``), `"x"`
	items, err := Decode([]byte("["+strings.Join(events, ",")+"]"), ContentBatch, Limits{Now: now})
	if err != nil {
		t.Fatal(err)
	}
	var bad []int
	for _, it := range items {
		if it.Err != nil {
			bad = append(bad, it.Index)
		}
	}
	if fmt.Sprint(bad) != "[0 5000 9999]" || items[7_777].Event.ID != "e-7777" {
		t.Errorf("bad ones: %v", bad)
	}
}

func FuzzDecode(f *testing.F) {
	for _, s := range []string{good, "[" + good + "]", `[]`, `[{}]`, `{"data":{}}`, `[1,"x",null]`, "[" + good, swap("C100", "\\ud800"), "\xef\xbb\xbf[]"} {
		f.Add([]byte(s), true)
		f.Add([]byte(s), false)
	}
	c := catalogue(f)
	f.Fuzz(func(t *testing.T, body []byte, batch bool) {
		content := ContentSingle
		if batch {
			content = ContentBatch
		}
		items, err := Decode(body, content, Limits{Now: now, Events: 100, DataBytes: 1_000})
		if err != nil {
			if e, ok := errs.As(err); !ok || e.Text == "" || items != nil {
				t.Fatalf("an error without a sentence, or with items: %v", err)
			}
			return
		}
		for i, it := range items {
			if it.Index != i {
				t.Fatalf("item %d says it is %d", i, it.Index)
			}
			if it.Err == nil {
				checkSound(t, c, &it.Event)
			}
		}
	})
}

// checkSound asserts what everyone downstream relies on for an accepted event.
func checkSound(t *testing.T, c *Catalogue, e *Event) {
	t.Helper()
	if e.ID == "" || e.Source == "" || e.Type == "" || e.Subject == "" || len(e.Data) > 1_000 || e.Data[0] != '{' {
		t.Fatalf("accepted %+v", e)
	}
	if e.At.Before(now.Add(-PastMax)) || e.At.After(now.Add(AheadMax)) {
		t.Fatalf("accepted the time %s", e.At)
	}
	if err := c.Check(e); err != nil && errs.KindOf(err) != errs.Invalid {
		t.Fatalf("the catalogue says %v", err)
	}
}

func BenchmarkDecodeAndCheck(b *testing.B) {
	const n = 1_000
	body := []byte("[" + strings.TrimSuffix(strings.Repeat(good+",", n), ",") + "]")
	c := catalogue(b)
	b.SetBytes(int64(len(body) / n))
	b.ReportAllocs()
	b.ResetTimer()
	for done := 0; done < b.N; done += n {
		items, err := Decode(body, ContentBatch, Limits{Now: now})
		if err != nil {
			b.Fatal(err)
		}
		for i := range items {
			if items[i].Err != nil {
				b.Fatal(items[i].Err)
			}
			if err := c.Check(&items[i].Event); err != nil {
				b.Fatal(err)
			}
		}
	}
}
