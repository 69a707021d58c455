package webhook

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/huiyin/huiyin/internal/channel"
	"github.com/huiyin/huiyin/internal/platform/clock"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/errs"
	"github.com/huiyin/huiyin/test/fake/gateway"
)

const otherSecret = "whsec_ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA="

func hasPath(err error, path string) bool {
	var e *errs.Error
	return errors.As(err, &e) && e.Path == path
}

func reader(t testing.TB, secrets ...string) *Channel {
	t.Helper()
	c, err := New(Settings{Name: "sms", URL: "http://127.0.0.1:1/", ReceiptSecrets: secrets}, clock.NewVirtual(someDay))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestOnlyReceiptsSignedByTheGatewayAndFreshAreBelieved(t *testing.T) {
	body := []byte(`[{"key":"k-1","status":"delivered","at":"2026-11-22T07:59:00Z"}]`)
	signed := func(secret string, at time.Time) http.Header {
		h := http.Header{}
		gateway.Sign(h, secret, "id-1", at, body)
		return h
	}
	with := func(h http.Header, name, value string) http.Header {
		h.Set(name, value)
		return h
	}
	for name, test := range map[string]struct {
		header   http.Header
		body     []byte
		secrets  []string
		believed bool
	}{
		"signed just now":                  {signed(someSecret, someDay), body, []string{someSecret}, true},
		"signed five minutes ago":          {signed(someSecret, someDay.Add(-5*time.Minute)), body, []string{someSecret}, true},
		"signed a second earlier":          {signed(someSecret, someDay.Add(-5*time.Minute-time.Second)), body, []string{someSecret}, false},
		"signed too far in the future":     {signed(someSecret, someDay.Add(5*time.Minute+time.Second)), body, []string{someSecret}, false},
		"signed with the secret to come":   {signed(otherSecret, someDay), body, []string{someSecret, otherSecret}, true},
		"signed with another secret":       {signed(otherSecret, someDay), body, []string{someSecret}, false},
		"with one good signature of two":   {with(signed(someSecret, someDay), headerSignature, "v1,AAAA "+signed(someSecret, someDay).Get(headerSignature)), body, []string{someSecret}, true},
		"with a signature of another kind": {with(signed(someSecret, someDay), headerSignature, "v1a"+signed(someSecret, someDay).Get(headerSignature)[2:]), body, []string{someSecret}, false},
		"with another body":                {signed(someSecret, someDay), []byte(`[{"key":"k-2","status":"delivered"}]`), []string{someSecret}, false},
		"with another id":                  {with(signed(someSecret, someDay), headerID, "id-2"), body, []string{someSecret}, false},
		"with another time":                {with(signed(someSecret, someDay), headerStamp, strconv.FormatInt(someDay.Unix()+1, 10)), body, []string{someSecret}, false},
		"with a time beyond all reckoning": {with(signed(someSecret, someDay), headerStamp, "9223372036854775807"), body, []string{someSecret}, false},
		"with a time before all reckoning": {with(signed(someSecret, someDay), headerStamp, "-9223372036854775808"), body, []string{someSecret}, false},
		"unsigned":                         {http.Header{}, body, []string{someSecret}, false},
		"for a channel that expects none":  {signed(someSecret, someDay), body, nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			receipts, err := reader(t, test.secrets...).ReadReceipts(test.header, test.body)
			if believed := err == nil; believed != test.believed {
				t.Errorf("believed: %v, want %v (%v)", believed, test.believed, err)
			}
			if err != nil && (errs.KindOf(err) != errs.Unauthorized || receipts != nil) {
				t.Errorf("got %v and %v", receipts, err)
			}
		})
	}
}

func TestReceiptsThatMakeNoSenseAreRefusedWithTheirPlace(t *testing.T) {
	for name, test := range map[string]struct{ body, path string }{
		"no list":           {`{"key":"k"}`, ""},
		"a nameless one":    {`[{"key":"k","status":"seen"},{"status":"seen"}]`, "[1]"},
		"an unknown status": {`[{"key":"k","status":"read"}]`, "[0].status"},
		"an endless name":   {`[{"key":"` + strings.Repeat("k", 201) + `","status":"seen"}]`, "[0]"},
		"too many":          {`[` + strings.Repeat(`{"key":"k","status":"seen"},`, receiptsMost) + `{"key":"k","status":"seen"}]`, ""},
		"too large a body":  {strings.Repeat(" ", receiptsLimitBytes+1), ""},
	} {
		t.Run(name, func(t *testing.T) {
			h := http.Header{}
			gateway.Sign(h, someSecret, "id", someDay, []byte(test.body))
			_, err := reader(t, someSecret).ReadReceipts(h, []byte(test.body))
			if err == nil || !hasPath(err, test.path) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestAnUndeliveredReceiptKeepsOnlyReasonsWeKnow(t *testing.T) {
	body := []byte(`[{"ref":"r","status":"undelivered","reason":"mailbox-full"},{"ref":"r","status":"undelivered","reason":"E-1234"}]`)
	h := http.Header{}
	gateway.Sign(h, someSecret, "id", someDay, body)
	receipts, err := reader(t, someSecret).ReadReceipts(h, body)
	if err != nil || receipts[0].Reason != codes.MailboxFull || receipts[1].Reason != codes.Undelivered {
		t.Errorf("got %v, %v", receipts, err)
	}
}

// The fake's receipts, doubled and out of order, over HTTP.
func TestReceiptsOfARunningGatewayAreRead(t *testing.T) {
	c := reader(t, someSecret)
	var mu sync.Mutex
	var got []channel.Receipt
	inbox := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		receipts, err := c.ReadReceipts(r.Header, body)
		if err != nil {
			t.Error(err)
		}
		mu.Lock()
		got = append(got, receipts...)
		mu.Unlock()
	}))
	defer inbox.Close()
	now := clock.NewVirtual(someDay)
	sender, _ := connect(t, gateway.Options{Now: now.Now, Receipts: gateway.Receipts{URL: inbox.URL, Secret: someSecret, Doubled: 1, OutOfOrder: 1}}, Settings{})
	sender.Send(t.Context(), message(), yes)
	deadline := time.Now().Add(10 * time.Second)
	for {
		mu.Lock()
		n := len(got)
		mu.Unlock()
		if n >= 4 || time.Now().After(deadline) {
			break
		}
		time.Sleep(time.Millisecond)
	}
	mu.Lock()
	defer mu.Unlock()
	var order []channel.Status
	for _, r := range got {
		order = append(order, r.Status)
		if r.Key != "k-1" || r.Ref != "ref-k-1" || !r.At.Equal(someDay) {
			t.Errorf("%+v", r)
		}
	}
	if len(order) != 4 || order[0] != channel.Seen || order[1] != channel.Seen || order[2] != channel.Delivered || order[3] != channel.Delivered {
		t.Errorf("got %v, want seen and delivered twice each, seen first", order)
	}
}

func FuzzReadReceipts(f *testing.F) {
	f.Add([]byte(`[{"key":"k-1","ref":"r","status":"delivered","at":"2026-11-22T07:59:00Z"}]`), "id", "1795334400", "v1,AAAA")
	f.Add([]byte(`[{"ref":"r","status":"undelivered","reason":"mailbox-full"}]`), "", "x", "v1,AAAA v1a,BBBB ,")
	f.Add([]byte(`{}`), "id", "-9223372036854775808", "")
	f.Fuzz(func(t *testing.T, body []byte, id, stamp, sign string) {
		c := reader(t, someSecret)
		forged := http.Header{headerIDKey: {id}, headerStampKey: {stamp}, headerSignatureKey: {sign}}
		if receipts, err := c.ReadReceipts(forged, body); err == nil || receipts != nil {
			t.Fatalf("a signature nobody made was believed: %q", sign)
		}
		h := http.Header{}
		gateway.Sign(h, someSecret, "id", someDay, body)
		receipts, err := c.ReadReceipts(h, body)
		if errs.KindOf(err) == errs.Unauthorized && err != nil {
			t.Fatalf("a good signature was not believed: %v", err)
		}
		for _, r := range receipts {
			known := r.Status == channel.Delivered || r.Status == channel.Seen || r.Status == channel.Undelivered
			if !known || (r.Key == "" && r.Ref == "") || !codes.Known(string(r.Reason)) {
				t.Fatalf("%+v", r)
			}
		}
	})
}
