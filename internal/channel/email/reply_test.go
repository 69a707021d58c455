package email

import (
	"bufio"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/huiyin/huiyin/internal/channel"
	"github.com/huiyin/huiyin/internal/platform/codes"
)

func replyFrom(text string) (reply, error) {
	return readReply(bufio.NewReader(strings.NewReader(text)))
}

func TestEveryAnswerOfAMailServerIsReadAsItIsMeant(t *testing.T) {
	for _, test := range []struct {
		answer string
		stage  stage
		want   channel.Result
		reason codes.Reason
		again  bool
	}{
		{"450 4.7.1 Greylisted", atRecipient, channel.Rejected, codes.ProviderBusy, true},
		{"452 4.2.2 Mailbox full", atRecipient, channel.Rejected, codes.MailboxFull, true},
		{"421 4.3.2 Shutting down", atSender, channel.Rejected, codes.ProviderBusy, true},
		{"451 4.3.0 Try later", atEnd, channel.Rejected, codes.ProviderBusy, true},
		{"550 5.1.1 No such user", atRecipient, channel.Rejected, codes.MailboxUnknown, false},
		{"550 No such user", atRecipient, channel.Rejected, codes.MailboxUnknown, false},
		{"550 Requested action not taken: User not found", atRecipient, channel.Rejected, codes.MailboxUnknown, false},
		{"551 User  unknown", atRecipient, channel.Rejected, codes.MailboxUnknown, false},
		{"550 用户不存在", atRecipient, channel.Rejected, codes.MailboxUnknown, false},
		{"550 Message rejected as spam", atRecipient, channel.Rejected, codes.ProviderRejected, false},
		{"550 Sender address does not exist", atRecipient, channel.Rejected, codes.ProviderRejected, false},
		{"550", atRecipient, channel.Rejected, codes.ProviderRejected, false},
		{"550 5.1.2 No such domain", atRecipient, channel.Rejected, codes.MailboxUnknown, false},
		{"550 5.2.1 Disabled", atRecipient, channel.Rejected, codes.MailboxUnknown, false},
		{"553 5.1.3 Bad address", atRecipient, channel.Rejected, codes.AddressInvalid, false},
		{"501 Syntax", atRecipient, channel.Rejected, codes.AddressInvalid, false},
		{"552 5.2.2 Over quota", atRecipient, channel.Rejected, codes.MailboxFull, false},
		{"552 5.3.4 Too big", atEnd, channel.Rejected, codes.MessageTooLarge, false},
		{"552 Too big", atSender, channel.Rejected, codes.MessageTooLarge, false},
		{"550 5.7.1 Relaying denied", atRecipient, channel.Rejected, codes.ProviderRejected, false},
		{"554 5.7.1 Spam", atEnd, channel.Rejected, codes.ContentRejected, false},
		{"554 Spam", atEnd, channel.Rejected, codes.ContentRejected, false},
		{"550 5.1.8 Bad sender", atSender, channel.Rejected, codes.SenderRejected, false},
		{"530 5.7.0 Authentication required", atSender, channel.Rejected, codes.LoginRefused, true},
		{"554 5.7.8 Bad credentials", atSender, channel.Rejected, codes.LoginRefused, true},
		{"250 2.0.0 OK where 354 was due", atData, channel.Rejected, codes.ProviderBusy, true},
		{"354 once more after the message", atEnd, channel.Unknown, codes.OutcomeUnknown, false},
	} {
		t.Run(test.answer, func(t *testing.T) {
			r, err := replyFrom(test.answer + "\r\n")
			if err != nil {
				t.Fatal(err)
			}
			o := judge(test.stage, r, "ann@example.com")
			if o.Result != test.want || o.Reason != test.reason || (o.RetryAfter > 0) != test.again {
				t.Errorf("got %+v", o)
			}
		})
	}
}

func TestAnswersOfSeveralLinesAreReadWhole(t *testing.T) {
	r, err := replyFrom("250-2.1.5 first\r\n250-2.1.5 second\r\n250 2.1.5 third\r\n")
	if err != nil || r.code != 250 || r.enhanced != [3]int{2, 1, 5} || r.text != "first second third" {
		t.Errorf("%+v, %v", r, err)
	}
	for name, bad := range map[string]string{
		"two codes":       "250-a\r\n550 b\r\n",
		"no code":         "hello\r\n",
		"a page":          "<html>\r\n",
		"an odd sign":     "250+a\r\n",
		"a code of 999":   "999 a\r\n",
		"an endless one":  strings.Repeat("250-a\r\n", replyLinesMost+1),
		"an endless line": "250 " + strings.Repeat("a", 10_000) + "\r\n",
	} {
		if _, err := replyFrom(bad); !errors.Is(err, errReply) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := replyFrom("250-a\r\n"); !errors.Is(err, io.EOF) {
		t.Errorf("one without its end: %v", err)
	}
}

func TestTheServersNameForAMessageIsFound(t *testing.T) {
	for text, want := range map[string]string{
		"Ok: queued as 4XkP9w2zQz": "4XkP9w2zQz", "OK: queued": "", "queued as <abc.def>.": "abc.def", "": "",
	} {
		if got := queueID(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

func FuzzReply(f *testing.F) {
	for _, seed := range []string{"250 OK\r\n", "250-2.0.0 a\r\n250 b\r\n", "550 5.1.1 <a@b>: no\r\n", "421\r\n", "354 go\n", "250 2.0.0 queued as \x00\r\n", "550 5.1\r\n", "550 5.999.999 x\r\n", "250"} {
		f.Add([]byte(seed), uint8(3))
	}
	f.Fuzz(func(t *testing.T, raw []byte, s uint8) {
		r, err := replyFrom(string(raw))
		if err != nil {
			return
		}
		if r.code < 200 || r.code > 599 || (r.enhanced != [3]int{} && r.enhanced[0] != r.code/100) {
			t.Fatalf("%+v", r)
		}
		if r.ok() {
			_ = queueID(r.text)
			return
		}
		o := judge(stage(s%4), r, "ann@example.com")
		if !codes.Known(string(o.Reason)) || o.Result == channel.OK || o.Result == channel.Withheld || strings.Contains(o.Detail, "ann@example.com") {
			t.Fatalf("%+v", o)
		}
		if (r.forNow() || r.forGood()) && o.Result != channel.Rejected {
			t.Fatalf("a plain no is called %+v", o)
		}
	})
}
