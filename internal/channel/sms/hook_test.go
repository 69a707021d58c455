package sms

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/huiyin/huiyin/internal/channel"
	"github.com/huiyin/huiyin/internal/platform/clock"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/errs"
	"github.com/huiyin/huiyin/test/fake/smsgateway"
)

// ours is a channel of a shape that is connected to nothing.
func ours(t testing.TB, shape smsgateway.Shape) *Channel {
	t.Helper()
	c, err := New(settingsFor(t, shape, "http://127.0.0.1:1"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func TestReceiptsOfEveryShapeAreRead(t *testing.T) {
	for _, shape := range shapes {
		t.Run(string(shape), func(t *testing.T) {
			c, h := ours(t, shape), hooksFor(shape)
			for _, delivered := range []bool{true, false} {
				post := h.Receipt(shape, "k-1", "ref-1", "+8613800000000", delivered)
				got, err := c.ReadReceipts(post.Header, post.Body)
				if err != nil || len(got) != 1 {
					t.Fatal(got, err)
				}
				status, reason := channel.Delivered, codes.Delivered
				if !delivered {
					status, reason = channel.Undelivered, codes.MailboxUnknown
				}
				r := got[0]
				if r.Ref != "ref-1" || r.Status != status || r.Reason != reason || !r.At.Equal(someDay) || shape != smsgateway.Twilio && r.Key != "k-1" {
					t.Errorf("%+v", r)
				}
			}
		})
	}
}

func TestRepliesOfEveryShapeAreRead(t *testing.T) {
	for _, shape := range shapes {
		t.Run(string(shape), func(t *testing.T) {
			c, h := ours(t, shape), hooksFor(shape)
			post := h.Reply(shape, "m-7", "+8613800000000", "退订 & 5")
			got, err := c.ReadReplies(post.Header, post.Body)
			if err != nil || len(got) != 1 {
				t.Fatal(got, err)
			}
			if r := got[0]; r.ID != "m-7" || r.From != "+8613800000000" || r.Text != "退订 & 5" || !r.At.Equal(someDay) || r.To == "" {
				t.Errorf("%+v", r)
			}
		})
	}
}

func TestWhatIsNotTheProvidersIsNotBelieved(t *testing.T) {
	for _, shape := range shapes {
		c, h := ours(t, shape), hooksFor(shape)
		forged := h
		forged.Secret += "x"
		stale := h
		stale.Now = clock.NewVirtual(someDay.Add(-time.Hour)).Now
		elsewhere := h
		elsewhere.Receipts += "?x=1"
		for name, post := range map[string]smsgateway.Post{
			"signed with another secret": forged.Receipt(shape, "k", "r", "+1", true),
			"signed an hour ago":         stale.Receipt(shape, "k", "r", "+1", true),
			"meant for another address":  elsewhere.Receipt(shape, "k", "r", "+1", true),
			"unsigned":                   {Body: h.Receipt(shape, "k", "r", "+1", true).Body},
			"changed on the way": func() smsgateway.Post {
				p := h.Receipt(shape, "k", "r", "+1", true)
				p.Body = []byte(strings.Replace(string(p.Body), "elivered", "elivereD", 1))
				return p
			}(),
		} {
			stamped := shape == smsgateway.Plain
			proves := shape == smsgateway.CNCloud && (name == "changed on the way" || name == "meant for another address" || name == "signed an hour ago") || // a password proves the sender alone
				name == "signed an hour ago" && !stamped || name == "meant for another address" && shape != smsgateway.Twilio
			if post.Header == nil {
				post.Header = http.Header{}
			}
			_, err := c.ReadReceipts(post.Header, post.Body)
			if (errs.KindOf(err) == errs.Unauthorized) == proves {
				t.Errorf("%s, %s: %v", shape, name, err)
			}
		}
	}
}

func TestWhatCantBeReadIsRefused(t *testing.T) {
	c, h := ours(t, smsgateway.CNCloud), hooksFor(smsgateway.CNCloud)
	header := h.Receipt(smsgateway.CNCloud, "k", "r", "+1", true).Header
	for name, test := range map[string]struct{ body, code string }{
		"no JSON":                 {"<html>", codes.MalformedJSON},
		"half of it":              {`[{"success":true`, codes.MalformedJSON},
		"a number":                {`7`, codes.MalformedJSON},
		"a receipt of no message": {`[{"success":true}]`, codes.FieldMissing},
		"too long a reference":    {`[{"success":true,"biz_id":"` + strings.Repeat("x", 300) + `"}]`, codes.FieldMissing},
		"too much":                {strings.Repeat(" ", hookBytesMax+1), codes.BodyTooLarge},
		"too many":                {"[" + strings.Repeat("0,", hookItemsMax) + "0]", codes.BatchTooLarge},
	} {
		if _, err := c.ReadReceipts(header, []byte(test.body)); errs.CodeOf(err) != test.code {
			t.Errorf("%s: %v", name, err)
		}
	}
	got, err := c.ReadReceipts(header, []byte(`[{"success":"perhaps","out_id":"k"},{"success":true,"out_id":"k2"}]`))
	if err != nil || len(got) != 1 || got[0].Key != "k2" {
		t.Errorf("a status of theirs alone costs the others: %v, %v", got, err)
	}
	long, err := c.ReadReplies(header, []byte(`[{"sequence_id":"1","phone_number":"8613800000000","content":"退订`+strings.Repeat("长", 20_000)+`"}]`))
	if err != nil || len(long) != 1 || !strings.HasPrefix(long[0].Text, "退订") || len(long[0].Text) > hookTextBytesMax || long[0].From != "+8613800000000" {
		t.Errorf("a long reply: %v", err)
	}
}

func TestWhatCantBeReadCostsNothingBesideIt(t *testing.T) {
	c, h := ours(t, smsgateway.CNCloud), hooksFor(smsgateway.CNCloud)
	header := h.Receipt(smsgateway.CNCloud, "k", "r", "+1", true).Header
	long := strings.Repeat("x", 300)
	receipts, err := c.ReadReceipts(header, []byte(`[{"success":true},7,{"success":true,"out_id":"k1","report_time":"soon"},
		{"success":true,"out_id":"k2","biz_id":"`+long+`"},{"success":true,"biz_id":"`+long+`"}]`))
	if err != nil || len(receipts) != 2 || receipts[0].Key != "k1" || !receipts[0].At.Equal(someDay) || receipts[1].Key != "k2" || receipts[1].Ref != "" {
		t.Errorf("%+v, %v", receipts, err)
	}
	replies, err := c.ReadReplies(header, []byte(`[{"phone_number":"8613800000001","content":"退订"},null,
		{"sequence_id":"2","phone_number":"8613800000002","content":"退订","send_time":"soon"},{"sequence_id":"3","content":"退订"},
		{"sequence_id":"`+long+`","phone_number":"8613800000004","content":"退订"},
		{"sequence_id":"5","phone_number":"8613800000005","content":"退订","dest_code":"`+long+`"}]`))
	if err != nil || len(replies) != 2 || replies[0].From != "+8613800000002" || !replies[0].At.Equal(someDay) || replies[1].ID != "5" || replies[1].To != "" {
		t.Errorf("%+v, %v", replies, err)
	}
	if _, err := c.ReadReplies(header, []byte(`[{"phone_number":"8613800000001","content":"退订"}]`)); errs.CodeOf(err) != codes.FieldMissing {
		t.Errorf("a post of which nothing can be read: %v", err)
	}
	if none, err := c.ReadReplies(header, []byte(`[]`)); err != nil || len(none) != 0 {
		t.Errorf("an empty post: %v", err)
	}
}

func TestTheNumberOfAReplyIsWrittenWhole(t *testing.T) {
	c := ours(t, smsgateway.Plain)
	document := *c.doc
	c.doc = &document
	for _, test := range []struct{ codes, from, want string }{
		{"", "8613800000002", "+8613800000002"},
		{"", "+8613800000002", "+8613800000002"},
		{"", "008613800000002", "+8613800000002"},
		{"", "15551234567", "+15551234567"},
		{"", "+86 138-0000-0002", "+8613800000002"},
		{"", "10086", "10086"},
		{"", "Wallet", "Wallet"},
		{"86", "13800000002", "+8613800000002"},
		{"86", "8613800000002", "+8613800000002"},
		{"86", "008613800000002", "+8613800000002"},
		{"86", "013800000002", "+8613800000002"},
		{"86", "14152345678", "+8614152345678"},
		{"86", "10086", "10086"},
		{"1", "15551234567", "+15551234567"},
		{"1", "4155552671", "+14155552671"},
		{"65", "6591234567", "+6591234567"},
		{"65", "91234567", "+6591234567"},
		{"65", "65912345", "+6565912345"},
		{"852", "85291234567", "+85291234567"},
		{"852", "91234567", "+85291234567"},
		{"44", "07911123456", "+447911123456"},
		{"44", "447911123456", "+447911123456"},
		{"86 852", "8613800000002", "+8613800000002"},
		{"86 852", "85291234567", "+85291234567"},
		{"86 1", "14155552671", "+14155552671"},
		{"86 852", "13800000002", "+8613800000002"},
	} {
		c.doc.Numbers.CountryCodes = strings.Fields(test.codes)
		if got := c.international(test.from); got != test.want {
			t.Errorf("[%s] %s: %s, want %s", test.codes, test.from, got, test.want)
		}
	}
}

func TestWhatTheProviderWantsToHear(t *testing.T) {
	if kind, body := ours(t, smsgateway.Twilio).Acknowledge(true); kind != "text/xml" || !strings.Contains(string(body), "<Response>") {
		t.Errorf("%s: %s", kind, body)
	}
	if kind, body := ours(t, smsgateway.CNCloud).Acknowledge(false); kind != "application/json" || string(body) != `{"code":0,"msg":"ok"}` {
		t.Errorf("%s: %s", kind, body)
	}
	if kind, body := ours(t, smsgateway.Plain).Acknowledge(false); kind != "" || len(body) != 0 {
		t.Errorf("%s: %s", kind, body)
	}
}
