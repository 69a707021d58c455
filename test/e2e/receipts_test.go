package e2e

import (
	"encoding/json"
	"net"
	"net/http"
	"path/filepath"
	"testing"

	"github.com/huiyin/huiyin/test/fake/process"
)

const receiptSecret = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3"

// freePort finds a port nobody listens on.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }() // it was only asked for
	return l.Addr().String()
}

func TestWhatAProviderReportsLateTwiceAndOutOfOrderIsCountedOnce(t *testing.T) {
	eachEngine(t, func(t *testing.T, p *place) {
		const people = 20
		address := freePort(t)
		gate, err := process.Start(fakeGateway, "-log", filepath.Join(p.folder, "gateway.jsonl"), "-durable=false",
			"-receipts", "http://"+address+"/v1/receipts/webhook", "-receipts-secret", receiptSecret, "-receipts-doubled", "0.5", "-receipts-out-of-order", "0.5")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := gate.Stop(); err != nil {
				t.Error(err)
			}
		})
		p.settings(map[string]string{"webhook": "{adapter: webhook, url: \"" + gate.Line + "\", receipt_secrets: [" + receiptSecret + "]}"})
		p.publish("webhook")
		p.feed(customers(people), "import", "customers", "-")
		s := p.serve("--listen", address)
		s.key = p.keyFor("events-write,reports-read")
		var all []any
		for i := range people {
			all = append(all, failed(string(rune('a'+i)), "c"+string(rune('0'+i%10))))
		}
		if status, answer, _ := s.do(http.MethodPost, "/v1/events", "application/cloudevents-batch+json", encode(t, all)); status != http.StatusAccepted {
			t.Fatalf("%d %s", status, answer)
		}
		type stage struct{ Intended, Delivered, Seen, Undelivered int64 }
		var r struct {
			Balanced bool
			Check    []string
			Funnel   []stage
		}
		until(t, "every message is seen", func() bool {
			status, answer, _ := s.do(http.MethodGet, "/v1/programs/failed-payment/report", "", nil)
			if err := json.Unmarshal(answer, &r); status != http.StatusOK || err != nil {
				t.Fatalf("%d %s", status, answer)
			}
			return len(r.Funnel) == 2 && r.Funnel[0].Seen == people && r.Funnel[1].Seen == people
		})
		if !r.Balanced || r.Funnel[0].Intended != people || r.Funnel[1].Intended != people {
			t.Errorf("%+v", r)
		}
		s.key = ""
		if status, answer, _ := s.do(http.MethodPost, "/v1/receipts/webhook", "application/json", []byte(`{"type":"message.seen"}`)); status != http.StatusUnauthorized && status != http.StatusBadRequest && status != http.StatusForbidden {
			t.Errorf("an unsigned report: %d %s", status, answer)
		}
	})
}
