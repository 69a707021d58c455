package api_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/huiyin/huiyin/internal/intake/event"
	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/db"
)

const (
	single = event.ContentSingle
	batch  = event.ContentBatch
)

func encode(t *testing.T, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// logged counts the events in the log.
func (s *site) logged() (n int) {
	s.t.Helper()
	if err := s.app.DB.Read(s.t.Context(), func(tx *db.Tx) error { return tx.QueryRow(`SELECT COUNT(*) FROM event_log`).Scan(&n) }); err != nil {
		s.t.Fatal(err)
	}
	return n
}

func taken(t *testing.T, r *reply) event.Result {
	t.Helper()
	if r.StatusCode != http.StatusAccepted {
		t.Fatalf("%d: %s", r.StatusCode, r.text)
	}
	var res event.Result
	r.read(t, &res)
	if res.Rejected == nil {
		t.Errorf("rejected is not a list in %s", r.text)
	}
	return res
}

func TestAnEventIsTakenOnceHoweverOftenItIsSent(t *testing.T) {
	eachEngine(t, func(t *testing.T, s *site) {
		body := encode(t, failed("1", "ann"))
		if res := taken(t, s.ask(http.MethodPost, "/v1/events", single, body)); res.Accepted != 1 || res.Duplicate != 0 {
			t.Errorf("%+v", res)
		}
		if res := taken(t, s.ask(http.MethodPost, "/v1/events", single, body)); res.Accepted != 0 || res.Duplicate != 1 {
			t.Errorf("again: %+v", res)
		}
		if n := s.logged(); n != 1 {
			t.Errorf("%d in the log", n)
		}
	})
}

func TestABatchOfTenThousandWithThreeBadOnesLosesThose(t *testing.T) {
	eachEngine(t, func(t *testing.T, s *site) {
		all := make([]map[string]any, 10_000)
		for i := range all {
			all[i] = failed(fmt.Sprint(i), fmt.Sprint("c", i%500))
		}
		delete(all[17], "subject")
		all[4_000]["type"] = "wallet.payment.faild"
		all[9_999]["data"].(map[string]any)["amount_minor"] = "twelve"
		res := taken(t, s.ask(http.MethodPost, "/v1/events", batch, encode(t, all)))
		if res.Accepted != 9_997 || len(res.Rejected) != 3 {
			t.Fatalf("accepted %d, rejected %v", res.Accepted, res.Rejected)
		}
		want := []event.Rejection{{Index: 17, Code: codes.SubjectMissing}, {Index: 4_000, Code: codes.EventTypeUnknown}, {Index: 9_999, Code: codes.EventDataInvalid}}
		for i, w := range want {
			if got := res.Rejected[i]; got.Index != w.Index || got.Code != w.Code || got.Detail == "" {
				t.Errorf("%+v, want %+v", got, w)
			}
		}
		if !strings.Contains(res.Rejected[1].Detail, "wallet.payment.failed") {
			t.Errorf("the nearest type is not named: %s", res.Rejected[1].Detail)
		}
		if n := s.logged(); n != 9_997 {
			t.Errorf("%d in the log", n)
		}
	})
}

func TestABodyThatCanNotBeRightIsRefusedWholeAndNothingOfItKept(t *testing.T) {
	s := newSite(t, "sqlite::memory:", "")
	many := make([]map[string]any, 10_001)
	for i := range many {
		many[i] = failed(fmt.Sprint(i), "ann")
	}
	good := encode(t, failed("1", "ann"))
	for _, c := range []struct {
		name, contentType string
		body              []byte
		status            int
		code              string
	}{
		{"JSON that breaks off", single, good[:len(good)-3], http.StatusBadRequest, codes.MalformedJSON},
		{"a batch that breaks off after a good event", batch, []byte("[" + string(good) + ","), http.StatusBadRequest, codes.MalformedJSON},
		{"nothing", single, nil, http.StatusBadRequest, codes.MalformedJSON},
		{"a list sent as one event", single, []byte("[" + string(good) + "]"), http.StatusBadRequest, codes.MalformedJSON},
		{"another content type", "application/json", good, http.StatusBadRequest, codes.ContentTypeUnknown},
		{"no content type", "", good, http.StatusBadRequest, codes.ContentTypeUnknown},
		{"10,001 events", batch, encode(t, many), http.StatusRequestEntityTooLarge, codes.BatchTooLarge},
		{"more than 16 MB", batch, bytes.Repeat([]byte(" "), 16<<20+1), http.StatusRequestEntityTooLarge, codes.BodyTooLarge},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := s.ask(http.MethodPost, "/v1/events", c.contentType, c.body)
			if got.StatusCode != c.status || got.problem(t).Code != c.code {
				t.Errorf("%d %s", got.StatusCode, got.text)
			}
		})
	}
	if n := s.logged(); n != 0 {
		t.Errorf("%d in the log", n)
	}
}

func TestAnEventThatCanNotBeRightIsRejectedWithItsReason(t *testing.T) {
	eachEngine(t, func(t *testing.T, s *site) {
		for _, c := range []struct {
			name, code string
			spoil      func(e map[string]any)
		}{
			{"two megabytes of data", codes.EventTooLarge, func(e map[string]any) { e["data"].(map[string]any)["merchant"] = strings.Repeat("茶", 700_000) }},
			{"1970", codes.EventTimeOutOfRange, func(e map[string]any) { e["time"] = "1970-01-01T00:00:00Z" }},
			{"2100", codes.EventTimeOutOfRange, func(e map[string]any) { e["time"] = "2100-01-01T00:00:00Z" }},
			{"no time", codes.FieldMissing, func(e map[string]any) { delete(e, "time") }},
			{"another specversion", codes.SpecVersionUnknown, func(e map[string]any) { e["specversion"] = "0.3" }},
		} {
			t.Run(c.name, func(t *testing.T) {
				e := failed(c.name, "ann")
				c.spoil(e)
				res := taken(t, s.ask(http.MethodPost, "/v1/events", single, encode(t, e)))
				if res.Accepted != 0 || len(res.Rejected) != 1 || res.Rejected[0].Code != c.code {
					t.Errorf("%.300v", res)
				}
			})
		}
		if n := s.logged(); n != 0 {
			t.Errorf("%d in the log", n)
		}
	})
}

func TestABacklogIsRefusedBeforeAnythingIsTaken(t *testing.T) {
	eachEngine(t, func(t *testing.T, s *site) {
		in := event.NewIntake(s.app.DB, s.app.Clock, s.app.Intake.Catalogue(), event.IntakeOptions{LagEvents: 5})
		s.app.API.Intake = in
		for i := range 3 {
			all := []map[string]any{failed(fmt.Sprint(i, "a"), "ann"), failed(fmt.Sprint(i, "b"), "bob")}
			got := s.ask(http.MethodPost, "/v1/events", batch, encode(t, all))
			if got.StatusCode != http.StatusAccepted {
				t.Fatalf("%d %s", got.StatusCode, got.text)
			}
		}
		got := s.ask(http.MethodPost, "/v1/events", single, encode(t, failed("late", "ann")))
		if got.StatusCode != http.StatusTooManyRequests || got.problem(t).Code != codes.BacklogTooLong {
			t.Fatalf("%d %s", got.StatusCode, got.text)
		}
		if after, err := time.ParseDuration(got.Header.Get("Retry-After") + "s"); err != nil || after < time.Second {
			t.Errorf("Retry-After %q", got.Header.Get("Retry-After"))
		}
		if n := s.logged(); n != 6 {
			t.Errorf("%d in the log", n)
		}
	})
}

func TestWhatIsTakenIsCountedForTheMetrics(t *testing.T) {
	s := newSite(t, "sqlite::memory:", "")
	bad := failed("2", "ann")
	delete(bad, "subject")
	body := encode(t, []map[string]any{failed("1", "ann"), bad})
	taken(t, s.ask(http.MethodPost, "/v1/events", batch, body))
	taken(t, s.ask(http.MethodPost, "/v1/events", batch, body))
	if c := s.app.API.Counts(); c.Accepted != 1 || c.Duplicate != 1 || c.Rejected != 2 {
		t.Errorf("%+v", c)
	}
}
