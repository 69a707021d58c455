package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/db"
)

func ann(address string) map[string]any {
	return map[string]any{
		"name": "安娜", "language": "zh-CN", "country": "CN", "zones": []string{"Asia/Shanghai"}, "has": []string{"app"},
		"points": []map[string]any{{"channel": "email", "address": address, "verified": true}},
	}
}

func TestACustomerWhoArrivesAfterTheirEventIsContactedThen(t *testing.T) {
	eachEngine(t, func(t *testing.T, s *site) {
		s.publish()
		taken(t, s.ask(http.MethodPost, "/v1/events", single, encode(t, failed("1", "ann"))))
		s.work()
		if len(s.wire.sent) != 0 {
			t.Fatal("an unknown customer was written to")
		}
		var story struct{ Moments []struct{ Reason string } }
		s.json(http.MethodGet, "/v1/programs/after-payment/explain?customer=ann", nil, http.StatusOK).read(t, &story)
		if n := len(story.Moments); n == 0 || story.Moments[n-1].Reason != string(codes.CustomerUnknown) {
			t.Errorf("%+v", story)
		}
		s.json(http.MethodPut, "/v1/customers/ann", ann("anna@example.com"), http.StatusOK)
		s.work()
		if len(s.wire.sent) != 1 || s.wire.sent[0].To != "anna@example.com" {
			t.Fatalf("%d were sent", len(s.wire.sent))
		}
		var report struct {
			Balanced bool
			Check    []string
			Triggers struct{ Total, Started int64 }
			Funnel   []struct{ Intended, Taken int64 }
		}
		s.json(http.MethodGet, "/v1/programs/after-payment/report", nil, http.StatusOK).read(t, &report)
		if !report.Balanced || report.Triggers.Total != 1 || len(report.Funnel) != 1 || report.Funnel[0].Taken != 1 {
			t.Errorf("%+v", report)
		}
	})
}

func TestWritingACustomerAgainChangesNothing(t *testing.T) {
	eachEngine(t, func(t *testing.T, s *site) {
		type answer struct {
			ID       string
			Revision int64
			Known    bool
			Points   []struct{ Channel, Address string }
		}
		var first, second, third answer
		s.json(http.MethodPut, "/v1/customers/ann", ann("Anna@Example.COM"), http.StatusOK).read(t, &first)
		s.json(http.MethodPut, "/v1/customers/ann", ann("Anna@Example.COM"), http.StatusOK).read(t, &second)
		s.json(http.MethodGet, "/v1/customers/ann", nil, http.StatusOK).read(t, &third)
		if first.ID != "ann" || !first.Known || first.Revision == 0 || second.Revision != first.Revision || third.Revision != first.Revision {
			t.Errorf("%+v, %+v, %+v", first, second, third)
		}
		if len(third.Points) != 2 || third.Points[0].Address != "A***@e***.com" && third.Points[1].Address != "A***@e***.com" {
			t.Errorf("%+v, want the address masked", third.Points)
		}
	})
}

func TestABadCustomerOfABatchCostsOnlyItself(t *testing.T) {
	eachEngine(t, func(t *testing.T, s *site) {
		body := `{"customers": [
			{"id": "a", "name": "A"},
			{"id": "b", "zones": ["Mars/Phobos"]},
			{"id": "c", "birth_year": "old"},
			{"id": "d", "adress": "x"},
			17,
			{"id": "e", "points": [{"channel": "email", "address": "e@example.com"}]}]}`
		got := s.ask(http.MethodPost, "/v1/customers/batch", "application/json", []byte(body))
		var out struct {
			Written, Unchanged int
			Refused            []struct {
				Index              int
				Code, Detail, Path string
			}
		}
		got.read(t, &out)
		if out.Written != 2 || len(out.Refused) != 4 {
			t.Fatalf("%s", got.text)
		}
		where := map[int]string{}
		for _, r := range out.Refused {
			where[r.Index] = r.Code + " " + r.Path
		}
		want := map[int]string{1: "field-invalid zones[0]", 2: "field-invalid birth_year", 3: "field-unknown adress", 4: "malformed-json "}
		for i, w := range want {
			if where[i] != w {
				t.Errorf("row %d: %q, want %q", i, where[i], w)
			}
		}
	})
}

func TestAMisspeltFieldIsNamed(t *testing.T) {
	s := newSite(t, "sqlite::memory:", "")
	got := s.json(http.MethodPut, "/v1/customers/ann", map[string]any{"nmae": "A"}, http.StatusBadRequest)
	if p := got.problem(t); p.Code != codes.FieldUnknown || !strings.Contains(p.Path, "nmae") {
		t.Errorf("%s", got.text)
	}
	got = s.ask(http.MethodPut, "/v1/customers/ann", "application/json", []byte(`{"name": `))
	if p := got.problem(t); got.StatusCode != http.StatusBadRequest || p.Code != codes.MalformedJSON {
		t.Errorf("%s", got.text)
	}
	got = s.ask(http.MethodGet, "/v1/set-aside?limt=5", "", nil)
	if got.StatusCode != http.StatusBadRequest {
		t.Errorf("a misspelt parameter: %d %s", got.StatusCode, got.text)
	}
}

func TestARefusalHoldsAtOnceAndCanBeTakenBack(t *testing.T) {
	eachEngine(t, func(t *testing.T, s *site) {
		s.publish()
		may := func() string {
			var m struct{ Verdict, Reason string }
			s.json(http.MethodGet, "/v1/customers/ann/may-contact?channel=email&purpose=survey", nil, http.StatusOK).read(t, &m)
			return m.Verdict + " " + m.Reason
		}
		var made struct{ ID string }
		s.json(http.MethodPost, "/v1/customers/ann/refusals", map[string]any{"channel": "email", "source": "phone", "words": "别再发了"}, http.StatusCreated).read(t, &made)
		s.json(http.MethodPut, "/v1/customers/ann", ann("anna@example.com"), http.StatusOK)
		if got := may(); got != "deny refused-channel" {
			t.Errorf("refused before we knew them: %s", got)
		}
		taken(t, s.ask(http.MethodPost, "/v1/events", single, encode(t, failed("1", "ann"))))
		s.work()
		if len(s.wire.sent) != 0 {
			t.Fatal("somebody who refused was written to")
		}
		s.json(http.MethodDelete, "/v1/customers/ann/refusals/"+made.ID+"?why=asked+to+be+written+to+again", nil, http.StatusNoContent)
		if got := may(); got != "allow allowed" {
			t.Errorf("after it was taken back: %s", got)
		}
		var list struct {
			Refusals []struct {
				ID     string
				Lifted *time.Time
				Actor  string
			}
		}
		s.json(http.MethodGet, "/v1/customers/ann/refusals", nil, http.StatusOK).read(t, &list)
		if len(list.Refusals) != 1 || list.Refusals[0].Lifted == nil || list.Refusals[0].Actor != "key:all" {
			t.Errorf("%+v", list)
		}
	})
}

func TestMarketingNeedsAConsentWithItsProof(t *testing.T) {
	eachEngine(t, func(t *testing.T, s *site) {
		s.json(http.MethodPut, "/v1/customers/ann", ann("anna@example.com"), http.StatusOK)
		may := func() string {
			var m struct{ Verdict, Reason string }
			s.json(http.MethodGet, "/v1/customers/ann/may-contact?channel=inapp&purpose=marketing", nil, http.StatusOK).read(t, &m)
			return m.Reason
		}
		if got := may(); got != string(codes.ConsentMissing) {
			t.Errorf("before: %s", got)
		}
		s.json(http.MethodPut, "/v1/customers/ann/consents", map[string]any{"purpose": "marketing", "granted": true}, http.StatusBadRequest)
		s.json(http.MethodPut, "/v1/customers/ann/consents", map[string]any{"purpose": "marketing", "granted": true, "proof": "form 7, 2026-11-01"}, http.StatusNoContent)
		if got := may(); got == string(codes.ConsentMissing) {
			t.Errorf("after: %s", got)
		}
		s.json(http.MethodPut, "/v1/customers/ann/consents", map[string]any{"purpose": "marketing", "granted": false}, http.StatusNoContent)
		if got := may(); got != string(codes.ConsentWithdrawn) {
			t.Errorf("withdrawn: %s", got)
		}
	})
}

func TestDocumentsGoInAndComeBackUnchanged(t *testing.T) {
	eachEngine(t, func(t *testing.T, s *site) {
		got := s.ask(http.MethodPost, "/v1/documents?dry_run=true&publish=true", "application/yaml", []byte(documents))
		if got.StatusCode != http.StatusOK || !strings.Contains(string(got.text), `"after-payment"`) {
			t.Fatalf("%d %s", got.StatusCode, got.text)
		}
		var listed struct {
			Programs []struct{ Name, State string }
		}
		s.json(http.MethodGet, "/v1/programs", nil, http.StatusOK).read(t, &listed)
		if len(listed.Programs) != 0 {
			t.Fatalf("a dry run left %+v", listed)
		}
		s.publish()
		s.json(http.MethodGet, "/v1/programs", nil, http.StatusOK).read(t, &listed)
		if len(listed.Programs) != 2 || listed.Programs[0].State != "running" {
			t.Errorf("%+v", listed)
		}
		back := s.ask(http.MethodGet, "/v1/documents/programs/after-payment", "", nil)
		if back.Header.Get("Content-Type") != "application/yaml" || !strings.Contains(string(back.text), "amount_minor >= 100") {
			t.Errorf("%s: %s", back.Header.Get("Content-Type"), back.text)
		}
		again := s.ask(http.MethodPost, "/v1/documents", "application/yaml", back.text)
		if !strings.Contains(string(again.text), `"unchanged"`) {
			t.Errorf("%s", again.text)
		}
		wrong := strings.Replace(documents, "deadline: 48h", "dedline: 48h", 1)
		got = s.ask(http.MethodPost, "/v1/documents", "application/yaml", []byte(wrong))
		if p := got.problem(t); got.StatusCode != http.StatusBadRequest || !strings.Contains(p.Detail+fmt.Sprint(p.Errors), "deadline") {
			t.Errorf("%d %s", got.StatusCode, got.text)
		}
	})
}

func TestAPausedProgramHoldsItsCustomersUntilItIsResumed(t *testing.T) {
	eachEngine(t, func(t *testing.T, s *site) {
		s.publish()
		s.json(http.MethodPut, "/v1/customers/ann", ann("anna@example.com"), http.StatusOK)
		s.json(http.MethodPost, "/v1/programs/after-payment/pause", nil, http.StatusNoContent)
		taken(t, s.ask(http.MethodPost, "/v1/events", single, encode(t, failed("1", "ann"))))
		s.work()
		if len(s.wire.sent) != 0 {
			t.Fatal("a paused program wrote to somebody")
		}
		s.json(http.MethodPost, "/v1/programs/after-payment/resume", nil, http.StatusNoContent)
		s.work()
		if len(s.wire.sent) != 1 {
			t.Fatalf("%d were sent after resuming", len(s.wire.sent))
		}
		s.json(http.MethodPost, "/v1/programs/after-payment/stop", nil, http.StatusNoContent)
		s.json(http.MethodPost, "/v1/programs/after-payment/resume", nil, http.StatusConflict)
		s.json(http.MethodPost, "/v1/programs/nobody/pause", nil, http.StatusNotFound)
	})
}

func TestAListStartsEachOfItsCustomersOnce(t *testing.T) {
	eachEngine(t, func(t *testing.T, s *site) {
		s.publish()
		s.json(http.MethodPut, "/v1/customers/ann", ann("anna@example.com"), http.StatusOK)
		s.json(http.MethodPut, "/v1/customers/bob", ann("bob@example.com"), http.StatusOK)
		body := map[string]any{"list": "november", "customers": []map[string]any{{"customer": "ann", "data": map[string]any{"points": 12}}, {"customer": "bob"}, {"customer": ""}}}
		var out struct {
			Taken, Again int
			Refused      []struct{ Index int }
		}
		s.json(http.MethodPost, "/v1/programs/called-up/list", body, http.StatusAccepted).read(t, &out)
		if out.Taken != 2 || len(out.Refused) != 1 || out.Refused[0].Index != 2 {
			t.Fatalf("%+v", out)
		}
		s.work()
		s.json(http.MethodPost, "/v1/programs/called-up/list", body, http.StatusAccepted).read(t, &out)
		if out.Taken != 0 || out.Again != 2 {
			t.Errorf("again: %+v", out)
		}
		s.work()
		if len(s.wire.sent) != 2 {
			t.Errorf("%d were sent", len(s.wire.sent))
		}
		s.json(http.MethodPost, "/v1/programs/after-payment/list", body, http.StatusConflict)
		forged := failed("x", "ann")
		forged["type"] = "huiyin.list.called-up"
		if res := taken(t, s.ask(http.MethodPost, "/v1/events", single, encode(t, forged))); len(res.Rejected) != 1 {
			t.Errorf("a forged row of a list was taken: %+v", res)
		}
	})
}

func TestAssignmentsNeverChange(t *testing.T) {
	eachEngine(t, func(t *testing.T, s *site) {
		s.publish()
		at := time.Now().UTC().Format(time.RFC3339)
		row := func(who, arm string, control bool) map[string]any {
			return map[string]any{"customer": who, "arm": arm, "control": control, "at": at}
		}
		var out struct {
			New, Same int
			Refused   []struct {
				Index int
				Code  string
			}
		}
		s.json(http.MethodPost, "/v1/assignments", map[string]any{"program": "called-up", "rows": []any{row("ann", "letter", false), row("bob", "none", true)}}, http.StatusOK).read(t, &out)
		if out.New != 2 {
			t.Fatalf("%+v", out)
		}
		s.json(http.MethodPost, "/v1/assignments", map[string]any{"program": "called-up", "rows": []any{row("ann", "letter", false), row("bob", "letter", false)}}, http.StatusOK).read(t, &out)
		if out.New != 0 || out.Same != 1 || len(out.Refused) != 1 || out.Refused[0].Code != codes.AssignmentFixed {
			t.Errorf("%+v", out)
		}
		s.json(http.MethodPost, "/v1/assignments", map[string]any{"program": "after-payment", "rows": []any{row("ann", "x", false)}}, http.StatusConflict)
	})
}

func TestAPersonSettlesWhatWasSetAsideAndTheTrailSaysSo(t *testing.T) {
	eachEngine(t, func(t *testing.T, s *site) {
		s.publish()
		s.wire.unknown = true
		for i, who := range []string{"ann", "bob", "cleo"} {
			s.json(http.MethodPut, "/v1/customers/"+who, ann(who+"@example.com"), http.StatusOK)
			taken(t, s.ask(http.MethodPost, "/v1/events", single, encode(t, failed(fmt.Sprint(i), who))))
		}
		s.work()
		type aside struct{ ID, Program, Customer, Reason, Attempt string }
		var all []aside
		for after := ""; ; {
			var page struct {
				SetAside []aside `json:"set_aside"`
				Next     string
			}
			s.json(http.MethodGet, "/v1/set-aside?limit=2&after="+after, nil, http.StatusOK).read(t, &page)
			all = append(all, page.SetAside...)
			if after = page.Next; after == "" {
				break
			}
		}
		if len(all) != 3 || all[0].Program != "after-payment" || all[0].Reason != string(codes.OutcomeUnknown) || all[0].Attempt == "" {
			t.Fatalf("%+v", all)
		}
		s.json(http.MethodPost, "/v1/set-aside/"+all[0].ID, map[string]any{"verdict": "arrived"}, http.StatusBadRequest)
		for i, verdict := range []string{"arrived", "not-arrived", "end"} {
			s.json(http.MethodPost, "/v1/set-aside/"+all[i].ID, map[string]any{"verdict": verdict, "reason": "asked the provider"}, http.StatusNoContent)
		}
		s.json(http.MethodPost, "/v1/set-aside/"+all[0].ID, map[string]any{"verdict": "end", "reason": "again"}, http.StatusConflict)
		s.wire.unknown, s.wire.sent = false, nil
		s.work()
		if len(s.wire.sent) != 1 || !strings.HasPrefix(s.wire.sent[0].To, all[1].Customer) {
			t.Errorf("sent again: %+v", s.wire.sent)
		}
		var trail struct {
			Entries []struct{ Actor, Act, Detail string }
		}
		s.json(http.MethodGet, "/v1/audit?limit=3", nil, http.StatusOK).read(t, &trail)
		if e := trail.Entries; len(e) != 3 || e[0].Act != "set-aside.end" || e[0].Actor != "key:all" || !strings.Contains(e[0].Detail, "asked the provider") {
			t.Errorf("%+v", trail)
		}
		var verified struct {
			Entries int64
			Head    string
		}
		s.json(http.MethodGet, "/v1/audit/verify", nil, http.StatusOK).read(t, &verified)
		if verified.Entries < 6 || len(verified.Head) != 64 {
			t.Errorf("%+v", verified)
		}
		if err := s.app.DB.Write(t.Context(), db.Count, "tamper", func(tx *db.Tx) error {
			_, err := tx.Exec(`UPDATE audit_entry SET detail = 'nothing happened' WHERE act = 'set-aside.end' AND detail LIKE 'arrived%'`)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if got := s.ask(http.MethodGet, "/v1/audit/verify", "", nil); got.StatusCode != http.StatusConflict || got.problem(t).Code != "audit-chain-broken" {
			t.Errorf("tampered with: %d %s", got.StatusCode, got.text)
		}
	})
}

func TestReceiptsAreForChannelsThatTakeThem(t *testing.T) {
	s := newSite(t, "sqlite::memory:", "")
	got := s.askWith("", http.MethodPost, "/v1/receipts/email", "application/json", []byte("{}"))
	if got.StatusCode != http.StatusNotFound || got.problem(t).Code != codes.ChannelUnknown {
		t.Errorf("%d %s", got.StatusCode, got.text)
	}
}
