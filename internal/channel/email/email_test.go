package email

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/huiyin/huiyin/internal/channel"
	"github.com/huiyin/huiyin/internal/channel/channeltest"
	"github.com/huiyin/huiyin/internal/platform/clock"
	"github.com/huiyin/huiyin/test/fake/mailsink"
)

// someDay is where the clock of the tests stands.
var someDay = time.Date(1999, 2, 3, 11, 12, 13, 0, time.FixedZone("", 2*60*60))

func letterTo(to string) channel.Message {
	return channel.Message{
		Key: "k-1", To: to, Language: "zh-CN", Purpose: "survey", Subject: "您对本次服务满意吗?",
		Text: "尊敬的客户:请点开下面的链接告诉我们。\nhttps://wallet.example/q/abc\n.\n谢谢。\n",
	}
}

// connect starts a sink and a channel that sends to it.
func connect(t testing.TB, o mailsink.Options, s Settings) (*Channel, *mailsink.Sink) {
	t.Helper()
	o.Address = "127.0.0.1:0"
	if o.Log == "" {
		o.Log = filepath.Join(t.TempDir(), "wire.jsonl")
	}
	sink, err := mailsink.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	s.Server = sink.Address()
	if s.Encryption == "" {
		s.Encryption = Plain
	}
	if s.From == "" {
		s.From = "示例钱包 <care@wallet.example>"
	}
	c, err := New(s, clock.NewVirtual(someDay))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.Close()
		if err := sink.Close(); err != nil {
			t.Error(err)
		}
	})
	return c, sink
}

var sinkModes = map[channeltest.Mode]mailsink.Mode{
	channeltest.Accept: mailsink.Accept, channeltest.Refuse: mailsink.Refuse, channeltest.Busy: mailsink.BusyAtEnd,
	channeltest.TakeThenHang: mailsink.TakeThenHang, channeltest.TakeThenDrop: mailsink.TakeThenDrop,
	channeltest.TakeThenFail: mailsink.TakeOddAnswer, channeltest.Hang: mailsink.Hang, channeltest.Drop: mailsink.Drop,
}

func TestEmailConformsToTheSuiteOfAllChannels(t *testing.T) {
	channeltest.Conformance(t, func(t *testing.T, s channeltest.Settings) *channeltest.Rig {
		c, sink := connect(t, mailsink.Options{}, Settings{InFlight: s.InFlight, SendTimeout: s.SendTimeout})
		return &channeltest.Rig{
			Channel: c, Message: letterTo("ann@example.com"),
			Force: func(m channeltest.Mode) { sink.Force(sinkModes[m]) },
			Wire: func() []channeltest.Line {
				seen, err := sink.Seen()
				if err != nil {
					t.Error(err)
				}
				lines := make([]channeltest.Line, len(seen))
				for i, one := range seen {
					lines[i] = channeltest.Line{Key: one.Key, Taken: one.Taken}
				}
				return lines
			},
			Stop: func() { _ = sink.Close() }, // closed again, without effect, at the end
		}
	})
}
