package demo

import (
	"context"
	"crypto/rand"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/huiyin/huiyin/internal/channel"
	"github.com/huiyin/huiyin/internal/channel/sms"
	"github.com/huiyin/huiyin/internal/platform/clock"
)

// connected is a gateway and the product's own channel to it.
func connected(t *testing.T) (*Texts, *sms.Channel) {
	t.Helper()
	texts, err := NewTexts(time.Now, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = texts.Serve() }()
	t.Cleanup(func() { _ = texts.Close() })
	plain, ready := sms.Named("plain")
	if !ready {
		t.Fatal("the document plain doesn't ship")
	}
	c, err := sms.New(sms.Settings{Gateway: plain, Values: texts.Values(), Clock: clock.System{}, Random: rand.Reader})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return texts, c
}

func TestATextIsKeptOncePerKey(t *testing.T) {
	texts, c := connected(t)
	for range 2 {
		o := c.Send(t.Context(), channel.Message{Key: "k1", To: "+8613800000001", Language: "zh-CN", Text: "您有一笔付款没有成功。"}, func(context.Context) error { return nil })
		if o.Result != channel.OK || o.Ref != "1" {
			t.Fatalf("%+v", o)
		}
	}
	got := texts.Thread("+8613800000001", 9)
	if len(got) != 1 || got[0].Body != "您有一笔付款没有成功。" || len(texts.Thread("+8613800000002", 9)) != 0 {
		t.Fatalf("%+v", got)
	}
	if o := c.LookUp(t.Context(), "k1", ""); o.Result != channel.OK {
		t.Errorf("what was taken: %+v", o)
	}
	if o := c.LookUp(t.Context(), "k2", ""); o.Result != channel.Rejected {
		t.Errorf("what never came: %+v", o)
	}
}

func TestAReplyIsReadAsTheCustomerWroteIt(t *testing.T) {
	texts, c := connected(t)
	var got []channel.Reply
	house := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err == nil {
			got, err = c.ReadReplies(r.Header, body)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusUnauthorized)
		}
	}))
	defer house.Close()
	if err := texts.reply(t.Context(), house.URL, "+8613800000001", "别再发了"); err != nil {
		t.Fatal(err)
	}
	if len(got) != 1 || got[0].From != "+8613800000001" || got[0].Text != "别再发了" || got[0].ID == "" {
		t.Fatalf("%+v", got)
	}
	if thread := texts.Thread("+8613800000001", 9); len(thread) != 1 || !thread[0].Reply {
		t.Errorf("%+v", thread)
	}
	texts.secret = "another"
	if err := texts.reply(t.Context(), house.URL, "+8613800000001", "TD"); err == nil {
		t.Error("a reply signed with another secret was taken")
	}
}
