package replay

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/huiyin/huiyin/internal/channel"
	"github.com/huiyin/huiyin/internal/platform/clock"
)

type plainChannel struct{ got channel.Message }

func (p *plainChannel) Abilities() channel.Abilities { return channel.Abilities{InFlight: 3} }

func (p *plainChannel) Send(_ context.Context, m channel.Message, _ channel.LastLook) channel.Outcome {
	p.got = m
	return channel.Outcome{Result: channel.OK}
}

type asking struct{ *plainChannel }

func (asking) LookUp(context.Context, string, string) channel.Outcome { return channel.Outcome{} }

type hearing struct{ *plainChannel }

func (hearing) ReadReceipts(http.Header, []byte) ([]channel.Receipt, error) { return nil, nil }

type both struct {
	asking
	hearing
}

func (both) Abilities() channel.Abilities { return channel.Abilities{} }

func (both) Send(context.Context, channel.Message, channel.LastLook) channel.Outcome {
	return channel.Outcome{}
}

func TestAStampTellsTheStreamsTimeAndChangesNothingElse(t *testing.T) {
	at := time.Date(1999, 2, 1, 9, 0, 0, 0, time.FixedZone("", 2*3600))
	p := &plainChannel{}
	m := channel.Message{Key: "k", Headers: map[string]string{"A": "b"}}
	if o := Stamp(p, clock.NewVirtual(at)).Send(context.Background(), m, nil); o.Result != channel.OK {
		t.Fatal(o)
	}
	if p.got.Key != "k" || p.got.Headers["A"] != "b" || p.got.Headers[HeaderAt] != "1999-02-01T07:00:00Z" || len(m.Headers) != 1 {
		t.Fatalf("sent %+v, the caller's %v", p.got, m.Headers)
	}
}

func TestAStampedChannelCanDoWhatItCould(t *testing.T) {
	p := &plainChannel{}
	for _, c := range []struct {
		channel   channel.Channel
		ask, hear bool
	}{{p, false, false}, {asking{p}, true, false}, {hearing{p}, false, true}, {both{asking{p}, hearing{p}}, true, true}} {
		s := Stamp(c.channel, clock.NewVirtual(time.Unix(0, 0)))
		_, ask := s.(channel.LookUper)
		_, hear := s.(channel.ReceiptReader)
		if ask != c.ask || hear != c.hear {
			t.Errorf("%T: asks %v, hears %v", c.channel, ask, hear)
		}
	}
	if Stamp(p, clock.NewVirtual(time.Unix(0, 0))).Abilities().InFlight != 3 {
		t.Error("the abilities changed")
	}
}
