package api_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/huiyin/huiyin/internal/channel"
	"github.com/huiyin/huiyin/internal/platform/codes"
)

// ReadBounce takes the first word for what became of a message and the second for its key.
func (w *wire) ReadBounce(raw []byte, _ string) (channel.Bounce, error) {
	kind, key, _ := strings.Cut(string(raw), " ")
	kinds := map[string]channel.BounceKind{"gone": channel.NoSuchAddress, "spam": channel.Complained, "delayed": channel.Delayed}
	return channel.Bounce{Kind: kinds[kind], Reason: codes.MailboxUnknown, Keys: []string{"made-up", key}}, nil
}

func TestWhatComesBackClosesTheAddressAComplaintThePurposesAndAForgeryNothing(t *testing.T) {
	eachEngine(t, func(t *testing.T, s *site) {
		s.publish()
		who := map[string]any{"id": "c1", "language": "en", "country": "CN", "zones": []string{"Asia/Shanghai"}, "points": []any{map[string]any{"channel": "email", "address": "ann@example.com", "verified": true}}}
		s.json(http.MethodPut, "/v1/customers/c1", who, http.StatusOK)
		if got := s.ask(http.MethodPost, "/v1/events", "application/cloudevents+json", encode(t, failed("a", "c1"))); got.StatusCode != http.StatusAccepted {
			t.Fatalf("%d %s", got.StatusCode, got.text)
		}
		s.work()
		if len(s.wire.sent) != 1 {
			t.Fatalf("%d messages were sent", len(s.wire.sent))
		}
		key := s.wire.sent[0].Key
		bounce := func(body string, want int) string {
			t.Helper()
			got := s.ask(http.MethodPost, "/v1/channels/email/bounces", "message/rfc822", []byte(body))
			if got.StatusCode != want {
				t.Errorf("%s: %d %s", body, got.StatusCode, got.text)
			}
			return string(got.text)
		}
		may := func(purpose string) string {
			return string(s.ask(http.MethodGet, "/v1/customers/c1/may-contact?channel=email&purpose="+purpose, "", nil).text)
		}
		if got := bounce("gone "+strings.Repeat("a", len(key)), http.StatusBadRequest); !strings.Contains(got, "bounce-not-ours") {
			t.Errorf("a forged bounce: %s", got)
		}
		bounce("delayed "+key, http.StatusOK)
		if got := may("survey"); strings.Contains(got, "no-contact-point") || strings.Contains(got, "refused") {
			t.Fatalf("before anything came back: %s", got)
		}
		for range 2 {
			bounce("spam "+key, http.StatusOK)
		}
		var all struct {
			Refusals []struct{ Channel, Purpose, Source string }
		}
		list := s.ask(http.MethodGet, "/v1/customers/c1/refusals", "", nil)
		list.read(t, &all)
		if len(all.Refusals) != 2 || all.Refusals[0].Source != "complaint" || all.Refusals[0].Channel != "email" {
			t.Errorf("a complaint that came twice: %s", list.text)
		}
		if got := may("survey"); !strings.Contains(got, "refused") {
			t.Errorf("after a complaint: %s", got)
		}
		if got := may("notice"); strings.Contains(got, "refused") || strings.Contains(got, "no-contact-point") {
			t.Errorf("notices after a complaint: %s", got)
		}
		bounce("gone "+key, http.StatusOK)
		who["name"] = "Ann" // a wallet sends its customers every night
		s.json(http.MethodPut, "/v1/customers/c1", who, http.StatusOK)
		if got := may("notice"); !strings.Contains(got, "no-contact-point") {
			t.Errorf("after the address bounced: %s", got)
		}
		weak := s.newKey("weak", codes.EventsWrite)
		if got := s.askWith(weak, http.MethodPost, "/v1/channels/email/bounces", "message/rfc822", []byte("gone "+key)); got.StatusCode != http.StatusForbidden {
			t.Errorf("without the scope: %d", got.StatusCode)
		}
		s.json(http.MethodPost, "/v1/customers/c1/points/confirm", map[string]any{"channel": "email", "address": "ANN@example.com"}, http.StatusNoContent)
		if got := may("notice"); strings.Contains(got, "no-contact-point") {
			t.Errorf("after it was confirmed: %s", got)
		}
	})
}
