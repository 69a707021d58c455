package api_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/huiyin/huiyin/internal/platform/codes"
)

// entry is a line of the ledger as the API shows it.
type entry struct {
	Kind, Channel, Purpose, Value, Source, Wording, Proof, Actor string

	Text   map[string]string `json:"wording_text"`
	At     time.Time
	Ended  *time.Time
	Counts bool
}

func (s *site) ledger(ref string) (entries []entry) {
	s.t.Helper()
	var out struct{ Entries []entry }
	s.json(http.MethodGet, "/v1/customers/"+ref+"/consents", nil, http.StatusOK).read(s.t, &out)
	return out.Entries
}

func (e *entry) String() string {
	return fmt.Sprintf("%s %s/%s %s %v", e.Kind, e.Channel, e.Purpose, e.Value, e.Counts)
}

func wantEntries(t *testing.T, got []entry, want ...string) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d entries, not %d: %v", len(got), len(want), got)
	}
	for i := range got {
		if got[i].String() != want[i] {
			t.Errorf("entry %d is %q, not %q", i, got[i].String(), want[i])
		}
	}
}

func TestWishesToldByEventsTakeTheirPlaceByTheirOwnTime(t *testing.T) {
	eachEngine(t, func(t *testing.T, s *site) {
		base := time.Now().Add(-time.Hour).UTC()
		event := func(id, kind string, minute int, data map[string]any) map[string]any {
			return map[string]any{
				"specversion": "1.0", "id": id, "source": "/test", "type": "wallet.customer." + kind, "subject": "ann",
				"time": base.Add(time.Duration(minute) * time.Minute).Format(time.RFC3339), "data": data,
			}
		}
		for _, e := range []map[string]any{ // the last that was said comes first
			event("4", "consent-withdrawn", 4, map[string]any{"purpose": "marketing"}),
			event("2", "refusal-lifted", 2, map[string]any{"channel": "sms", "purpose": "*", "proof": "app screen 7"}),
			event("1", "refused", 1, map[string]any{"channel": "sms", "words": "别发短信"}),
			event("3", "consented", 3, map[string]any{"purpose": "marketing", "proof": "form 2", "wording": "huiyin:marketing@1"}),
			event("1", "refused", 1, map[string]any{"channel": "sms", "words": "别发短信"}), // told twice
		} {
			taken(t, s.ask(http.MethodPost, "/v1/events", single, encode(t, e)))
			s.work()
		}
		all := s.ledger("ann")
		wantEntries(t, all, "consent */marketing  false", "refusal sms/*  false", "lifted / sms * false", "withdrawal */marketing  true")
		if all[0].Text["en"] == "" || all[0].Proof != "form 2" || all[1].Ended == nil || all[1].Proof != "别发短信" {
			t.Errorf("%+v", all[:2])
		}
	})
}

func TestManyWishesComeAtOnceAndAWrongOneCostsItself(t *testing.T) {
	eachEngine(t, func(t *testing.T, s *site) {
		body := map[string]any{"entries": []map[string]any{
			{"customer": "ann", "kind": "consent", "purpose": "survey", "proof": "form 1", "wording": "huiyin:survey@1", "source": "app"},
			{"customer": "ann", "kind": "consent", "purpose": "survey", "source": "app"}, // no proof
			{"customer": "", "kind": "refusal"},                                                               // of nobody
			{"customer": "bob", "kind": "refusal", "channel": "sms"},                                          // whom we have not met
			{"customer": "ann", "kind": "lift", "channel": "sms"},                                             // no proof
			{"customer": "ann", "kind": "consent", "purpose": "survey", "proof": "x", "wording": "survey@99"}, // there is no such wording
			{"customer": "ann", "kind": "wish"},
			{"customer": "ann", "kind": "wrong-person"}, // of which number?
			{"customer": "ann", "kind": "refusal", "channel": "No Channel"},
		}}
		var out struct {
			Recorded int
			Refused  []struct {
				Index        int
				Detail, Path string
			}
		}
		s.json(http.MethodPost, "/v1/consents/batch", body, http.StatusOK).read(t, &out)
		if out.Recorded != 2 || len(out.Refused) != 7 {
			t.Fatalf("%+v", out)
		}
		for i, path := range []string{"proof", "customer", "proof", "wording", "kind", "channel", "channel"} {
			if r := out.Refused[i]; r.Path != path || r.Detail == "" {
				t.Errorf("refused %+v, want it at %s", r, path)
			}
		}
		wantEntries(t, s.ledger("ann"), "consent */survey  true")
		wantEntries(t, s.ledger("bob"), "refusal sms/*  true")
		if e := s.ledger("bob")[0]; e.Actor != "key:all" {
			t.Errorf("recorded by %q", e.Actor)
		}
		if got := s.askWith(s.newKey("reader", codes.CustomersRead), http.MethodPost, "/v1/consents/batch", "application/json", encode(t, body)); got.StatusCode != http.StatusForbidden {
			t.Errorf("a key that may only read got %d", got.StatusCode)
		}
	})
}

func TestAWordingOfTheHouseTakesThePlaceOfTheKits(t *testing.T) {
	eachEngine(t, func(t *testing.T, s *site) {
		wordings := func() map[string]string {
			var out struct {
				Wordings []struct{ Ref, Purpose string }
			}
			s.json(http.MethodGet, "/v1/wordings", nil, http.StatusOK).read(t, &out)
			refs := map[string]string{}
			for _, w := range out.Wordings {
				refs[w.Purpose] = w.Ref
			}
			return refs
		}
		if got := wordings(); got["survey"] != "huiyin:survey@1" || len(got) != 5 {
			t.Fatalf("the kit: %v", got)
		}
		for _, text := range []string{"first", "second"} {
			doc := "kind: Wording\nname: survey\ntitle: {zh-CN: 问卷, en: Surveys}\ntext: {zh-CN: 我同意, en: " + text + "}\n"
			if got := s.ask(http.MethodPost, "/v1/documents", "application/yaml", []byte(doc)); got.StatusCode != http.StatusOK {
				t.Fatalf("%d: %s", got.StatusCode, got.text)
			}
		}
		if got := wordings(); got["survey"] != "survey@2" || got["marketing"] != "huiyin:marketing@1" {
			t.Errorf("afterwards: %v", got)
		}
		s.json(http.MethodPut, "/v1/customers/ann/consents", map[string]any{"purpose": "survey", "granted": true, "proof": "form", "wording": "survey@1"}, http.StatusNoContent)
		if e := s.ledger("ann")[0]; e.Text["en"] != "first" {
			t.Errorf("years later the consent shows %v", e.Text)
		}
		s.json(http.MethodPut, "/v1/customers/ann/consents", map[string]any{"purpose": "survey", "granted": false}, http.StatusNoContent) // nothing more is asked for
		wantEntries(t, s.ledger("ann"), "withdrawal */survey  true", "consent */survey  false")
	})
}

func TestStaffSayThatANumberIsSomebodyElses(t *testing.T) {
	eachEngine(t, func(t *testing.T, s *site) {
		s.json(http.MethodPut, "/v1/customers/ann", ann("anna@example.com"), http.StatusOK)
		s.json(http.MethodPost, "/v1/customers/ann/wrong-person", map[string]any{"channel": "email", "source": "phone", "words": "不是本人"}, http.StatusNoContent)
		var c struct{ Points []struct{ Channel string } }
		s.json(http.MethodGet, "/v1/customers/ann", nil, http.StatusOK).read(t, &c)
		for _, p := range c.Points {
			if p.Channel == "email" {
				t.Errorf("the address is still there: %+v", c.Points)
			}
		}
		wantEntries(t, s.ledger("ann"), "not-theirs / email false")
		s.json(http.MethodPost, "/v1/customers/ann/wrong-person", map[string]any{"channel": "*"}, http.StatusBadRequest)
	})
}
