package demo

import (
	"context"
	"testing"
	"time"

	"github.com/huiyin/huiyin/internal/channel"
	"github.com/huiyin/huiyin/internal/channel/email"
	"github.com/huiyin/huiyin/internal/platform/clock"
)

func TestAMailIsReadAsItWasWritten(t *testing.T) {
	box, err := NewMailbox(time.Now)
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = box.Serve() }()
	defer func() { _ = box.Close() }()
	c, err := email.New(email.Settings{Server: box.Address(), Encryption: email.Plain, From: "示例钱包 <service@wallet.example>"}, clock.System{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, html := range []string{"", "<p>您好</p>"} {
		o := c.Send(t.Context(), channel.Message{
			Key: "k1", To: "wang@example.com", Language: "zh-CN", Subject: "您有一笔付款没有成功", Text: "您好:\n\n链接 https://x.example/q/abc\n", HTML: html,
			Unsubscribe: "https://x.example/u/abc",
		}, func(context.Context) error { return nil })
		if o.Result != channel.OK {
			t.Fatalf("%+v", o)
		}
		got := box.Mails("WANG@example.com", 1)
		if len(got) != 1 || got[0].Subject != "您有一笔付款没有成功" || got[0].Unsubscribe != "https://x.example/u/abc" {
			t.Fatalf("%+v", got)
		}
		if want := "您好:\n\n链接 https://x.example/q/abc"; got[0].Text[:len(want)] != want {
			t.Fatalf("text %q", got[0].Text)
		}
	}
}

func TestALostAcknowledgementLeavesTheMailAndAnUnknownOutcome(t *testing.T) {
	box, err := NewMailbox(time.Now)
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = box.Serve() }()
	defer func() { _ = box.Close() }()
	c, err := email.New(email.Settings{Server: box.Address(), Encryption: email.Plain, From: "service@wallet.example"}, clock.System{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	send := func(key string) channel.Result {
		return c.Send(t.Context(), channel.Message{Key: key, To: "a@example.com", Subject: "s", Text: "t"}, func(context.Context) error { return nil }).Result
	}
	box.LoseNext()
	if got := send("k1"); got != channel.Unknown || len(box.Mails("", 9)) != 1 {
		t.Fatalf("outcome %v and %d mails, want unknown and one", got, len(box.Mails("", 9)))
	}
	if got := send("k2"); got != channel.OK || box.Losing() || len(box.Mails("", 9)) != 2 {
		t.Fatalf("the next outcome is %v with %d mails, want OK and two", got, len(box.Mails("", 9)))
	}
}
