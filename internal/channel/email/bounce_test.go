package email

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/huiyin/huiyin/internal/channel"
	"github.com/huiyin/huiyin/internal/platform/clock"
	"github.com/huiyin/huiyin/internal/platform/codes"
)

// report writes a report of delivery as a mail server would.
func report(to, fields, returned string) string {
	return crlf("From: MAILER-DAEMON@mx.example\nTo: " + to + "\nSubject: Undelivered Mail Returned to Sender\nMIME-Version: 1.0\n" +
		"Content-Type: multipart/report; report-type=delivery-status; boundary=\"b1\"\n\nThis is a MIME message.\n--b1\nContent-Type: text/plain\n\nI'm sorry.\n" +
		"--b1\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example\n\n" + fields + "\n--b1\nContent-Type: text/rfc822-headers\n\n" + returned + "\n--b1--\n")
}

func complaint(kind string) string {
	return crlf("From: feedback@isp.example\nTo: abuse@wallet.example\nMIME-Version: 1.0\nContent-Type: multipart/report; report-type=feedback-report; boundary=b2\n\n" +
		"--b2\nContent-Type: text/plain\n\nThis is a complaint.\n--b2\nContent-Type: message/feedback-report\n\nFeedback-Type: " + kind +
		"\nUser-Agent: SomeIsp/1.0\nVersion: 1\nOriginal-Mail-From: <bounces+abc123@wallet.example>\n\n--b2\nContent-Type: message/rfc822\n\nMessage-ID: <abc123@wallet.example>\nSubject: Hi\n\nbody\n--b2--\n")
}

func crlf(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") }

const (
	ours   = "bounces+abc123@wallet.example"
	itself = "Message-ID: <abc123@wallet.example>\nX-Huiyin-Key: abc123\nSubject: Hi\n"
)

func TestEveryReportMeansWhatItSays(t *testing.T) {
	c := plainChannel(t)
	status := func(action, status, diagnostic string) string {
		return "Final-Recipient: rfc822; ann@example.com\nAction: " + action + "\nStatus: " + status + "\nDiagnostic-Code: smtp; " + diagnostic + "\n"
	}
	encoded := strings.Replace(report(ours, "@", itself), "Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example\r\n\r\n@",
		"Content-Type: message/delivery-status\r\nContent-Transfer-Encoding: base64\r\n\r\n"+
			base64.StdEncoding.EncodeToString([]byte(crlf("Reporting-MTA: dns; mx.example\n\n"+status("failed", "5.1.1", "550 no")))), 1)
	cases := []struct {
		name, raw, to string
		kind          channel.BounceKind
		reason        codes.Reason
	}{
		{"no such mailbox", report(ours, status("failed", "5.1.1", "550 5.1.1 unknown"), itself), "", channel.NoSuchAddress, codes.MailboxUnknown},
		{"found by the returned headers alone", report("postmaster@wallet.example", status("failed", "5.1.1", "550 no"), itself), "", channel.NoSuchAddress, codes.MailboxUnknown},
		{"found by the recipient that the mail server tells", report("x@wallet.example", status("failed", "5.1.1", "550 no"), ""), ours, channel.NoSuchAddress, codes.MailboxUnknown},
		{"nothing but 5.0.0, and the server's words say more", report(ours, status("failed", "5.0.0", "550 5.1.1 unknown user"), itself), "", channel.NoSuchAddress, codes.MailboxUnknown},
		{"nothing but 5.0.0 and a plain 550 that names the mailbox", report(ours, status("failed", "5.0.0", "550 No such user here"), itself), "", channel.NoSuchAddress, codes.MailboxUnknown},
		{"nothing but 5.0.0 and a plain 550 that takes it for spam", report(ours, status("failed", "5.0.0", "550 Message rejected as spam"), itself), "", channel.Failed, codes.ProviderRejected},
		{"nothing but 5.0.0 and a plain 550 without a reason", report(ours, status("failed", "5.0.0", "550 who is that?"), itself), "", channel.Failed, codes.ProviderRejected},
		{"a comment after the action", report(ours, status("failed (bad destination mailbox)", "5.1.1 (bad)", "550 no"), itself), "", channel.NoSuchAddress, codes.MailboxUnknown},
		{"the part is in base64", encoded, "", channel.NoSuchAddress, codes.MailboxUnknown},
		{"mailbox full for good", report(ours, status("failed", "5.2.2", "552 full"), itself), "", channel.Failed, codes.MailboxFull},
		{"called spam by the server", report(ours, status("failed", "5.7.1", "550 5.7.1 policy"), itself), "", channel.Failed, codes.ProviderRejected},
		{"given up after days", report(ours, status("failed", "4.4.7", "delivery time expired"), itself), "", channel.Failed, codes.Undelivered},
		{"still being tried", report(ours, status("delayed", "4.4.1", "connection timed out"), itself), "", channel.Delayed, codes.ProviderBusy},
		{"arrived", report(ours, status("delivered", "2.0.0", "250 ok"), itself), "", channel.Arrived, codes.Delivered},
		{"of two recipients the worse counts", report(ours, status("delivered", "2.0.0", "250 ok")+"\n"+status("failed", "5.1.1", "550 no"), itself), "", channel.NoSuchAddress, codes.MailboxUnknown},
		{"marked as spam by the customer", complaint("abuse"), "", channel.Complained, codes.MarkedAsSpam},
		{"unsubscribed through their provider", complaint("opt-out"), "", channel.Complained, codes.MarkedAsSpam},
	}
	for _, x := range cases {
		t.Run(x.name, func(t *testing.T) {
			got, err := c.ReadBounce([]byte(x.raw), x.to)
			if err != nil || got.Kind != x.kind || got.Reason != x.reason || len(got.Keys) == 0 || got.Keys[0] != "abc123" {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
}

func TestWhatIsNoReportIsTakenForNone(t *testing.T) {
	c := plainChannel(t)
	cases := map[string]string{
		"a holiday note":         crlf("From: ann@example.com\nTo: " + ours + "\nAuto-Submitted: auto-replied\n\nI am away. 5.1.1\n"),
		"praise, not complaint":  complaint("not-spam"),
		"relayed, and no more":   report(ours, "Action: relayed\nStatus: 2.0.0\n", itself),
		"an empty report":        report(ours, "", itself),
		"no mail at all":         "{}",
		"nothing":                "",
		"a multipart of nothing": crlf("Content-Type: multipart/report; boundary=b\n\n"),
	}
	for name, raw := range cases {
		if got, err := c.ReadBounce([]byte(raw), ours); err == nil {
			t.Errorf("%s: taken for %+v", name, got)
		}
	}
	if _, err := c.ReadBounce(make([]byte, bounceBytesMost+1), ""); err == nil {
		t.Error("a mail without end was read")
	}
	deep := crlf("Content-Type: multipart/mixed; boundary=b\n\n") + strings.Repeat(crlf("--b\nContent-Type: multipart/mixed; boundary=b\n\n"), 1000)
	if _, err := c.ReadBounce([]byte(deep), ours); err == nil {
		t.Error("parts in parts without end were read")
	}
}

func plainChannel(t testing.TB) *Channel {
	t.Helper()
	c, err := New(Settings{Server: "127.0.0.1:25", From: "care@wallet.example", Encryption: Plain, ReturnPath: "bounces@wallet.example"}, clock.NewVirtual(someDay))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func FuzzReadBounce(f *testing.F) {
	c := plainChannel(f)
	f.Add([]byte(report(ours, "Action: failed\nStatus: 5.1.1\n", itself)), ours)
	f.Add([]byte(complaint("abuse")), "")
	f.Add([]byte("a: b\r\n\r\n"), "@")
	f.Fuzz(func(t *testing.T, raw []byte, to string) {
		b, err := c.ReadBounce(raw, to)
		if err == nil && b.Kind == channel.NoBounce || len(b.Keys) > keysMost {
			t.Fatalf("%+v", b)
		}
		for _, k := range b.Keys {
			if !isToken(k) {
				t.Fatalf("the key %q", k)
			}
		}
	})
}
