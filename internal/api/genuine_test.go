package api_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/huiyin/huiyin/internal/platform/codes"
)

// checked is what the API says of a message.
type checked struct {
	Verdict, Purpose, Channel string
	At                        *time.Time
	Title                     map[string]string
}

func (s *site) check(ref, reference string) (c checked) {
	s.t.Helper()
	s.json(http.MethodPost, "/v1/contacts/check", map[string]any{"customer": ref, "reference": reference}, http.StatusOK).read(s.t, &c)
	return c
}

func TestAMessageIsConfirmedToWhomItWasSentAlone(t *testing.T) {
	eachEngine(t, func(t *testing.T, s *site) {
		s.publish()
		s.json(http.MethodPut, "/v1/customers/ann", ann("anna@example.com"), http.StatusOK)
		s.json(http.MethodPut, "/v1/customers/bob", ann("bob@example.com"), http.StatusOK)
		taken(t, s.ask(http.MethodPost, "/v1/events", single, encode(t, failed("1", "ann"))))
		s.work()
		if len(s.wire.sent) != 1 {
			t.Fatalf("%d were sent", len(s.wire.sent))
		}
		m := s.wire.sent[0]
		if m.Reference == "" || !strings.Contains(m.Text, m.Reference) {
			t.Fatalf("the message does not say its reference %q: %s", m.Reference, m.Text)
		}
		got := s.check("ann", strings.ToLower(m.Reference[:4])+" "+m.Reference[4:])
		if got.Verdict != "genuine" || got.Channel != "email" || got.Purpose == "" || got.At == nil || got.Title["en"] == "" {
			t.Errorf("to whom it was sent: %+v", got)
		}
		for _, who := range []string{"bob", "nobody-we-met"} {
			if got := s.check(who, m.Reference); got.Verdict != "not-yours" || got.At != nil || got.Channel+got.Purpose != "" || got.Title != nil {
				t.Errorf("to %s: %+v", who, got)
			}
		}
		if got := s.check("ann", "BCDF2345"); got.Verdict != "unknown" {
			t.Errorf("one that was made up: %+v", got)
		}
		if got := s.check("ann", "验证码"); got.Verdict != "unknown" {
			t.Errorf("no reference at all: %+v", got)
		}
		var log struct {
			Entries []struct{ Act, Detail, Object string }
		}
		s.json(http.MethodGet, "/v1/audit", nil, http.StatusOK).read(t, &log)
		asked := 0
		for _, e := range log.Entries {
			if e.Act == "contact.check" {
				asked++
			}
			if strings.Contains(e.Detail+e.Object, m.Reference) {
				t.Errorf("the audit trail gives the reference away: %+v", e)
			}
		}
		if asked != 5 {
			t.Errorf("%d of 5 questions are in the audit trail", asked)
		}
	})
}

func TestWhoGuessesReferencesIsHeldUp(t *testing.T) {
	eachEngine(t, func(t *testing.T, s *site) {
		for range 10 {
			s.check("mallory", "BCDF2345")
		}
		got := s.json(http.MethodPost, "/v1/contacts/check", map[string]any{"customer": "mallory", "reference": "BCDF2345"}, http.StatusTooManyRequests)
		if p := got.problem(t); p.Code != codes.Busy || got.Header.Get("Retry-After") == "" {
			t.Errorf("%+v, Retry-After %q", p, got.Header.Get("Retry-After"))
		}
		s.check("ann", "BCDF2345") // others may ask
		checker := s.newKey("app-backend", codes.ContactsCheck)
		if got := s.askWith(checker, http.MethodGet, "/v1/customers/ann", "", nil); got.StatusCode != http.StatusForbidden {
			t.Errorf("a key that may ask of messages reads customers: %d", got.StatusCode)
		}
		if got := s.askWith(s.newKey("events", codes.EventsWrite), http.MethodPost, "/v1/contacts/check", "application/json", []byte(`{"customer":"ann","reference":"BCDF2345"}`)); got.StatusCode != http.StatusForbidden {
			t.Errorf("a key for events asked of messages: %d", got.StatusCode)
		}
	})
}
