package api_test

import (
	"bytes"
	"net/http"
	"strings"
	"testing"

	"github.com/huiyin/huiyin/internal/platform/codes"
)

const visitSurvey = `kind: Questionnaire
name: visit-survey
languages: [en]
publish: {public: true, quota: 5}
questions:
  - {id: stars, type: rating, score: true, ask: {en: "How was it?"}}
---
kind: Questionnaire
name: private
languages: [en]
questions:
  - {id: stars, type: rating, ask: {en: "How was it?"}}
`

func TestAPublicQuestionnaireHasALinkACodeAndAReport(t *testing.T) {
	eachEngine(t, func(t *testing.T, s *site) {
		if got := s.ask(http.MethodPost, "/v1/documents", "application/yaml", []byte(visitSurvey)); got.StatusCode != http.StatusOK {
			t.Fatalf("applying gave %d %s", got.StatusCode, got.text)
		}
		var where struct{ Link string }
		s.json(http.MethodGet, "/v1/questionnaires/visit-survey/link", nil, http.StatusOK).read(t, &where)
		if !strings.HasSuffix(where.Link, "/p/visit-survey") {
			t.Errorf("the link is %q", where.Link)
		}
		for query, want := range map[string]struct{ kind, begins string }{
			"": {"image/svg+xml", "<svg "}, "?format=png&scale=3": {"image/png", "\x89PNG"},
		} {
			got := s.ask(http.MethodGet, "/v1/questionnaires/visit-survey/qr"+query, "", nil)
			if got.StatusCode != http.StatusOK || got.Header.Get("Content-Type") != want.kind || !bytes.HasPrefix([]byte(got.text), []byte(want.begins)) {
				t.Errorf("qr%s gave %d %v", query, got.StatusCode, got.Header)
			}
		}
		var report struct {
			Open     bool
			Quota    int64
			Complete int64
			Check    []string
		}
		s.json(http.MethodGet, "/v1/questionnaires/visit-survey/report", nil, http.StatusOK).read(t, &report)
		if !report.Open || report.Quota != 5 || report.Complete != 0 || len(report.Check) != 0 {
			t.Errorf("the report says %+v", report)
		}
		if p := s.json(http.MethodGet, "/v1/questionnaires/private/link", nil, http.StatusConflict).problem(t); p.Code != codes.QuestionnaireClosed {
			t.Errorf("one that isn't public: %s", p.Code)
		}
		if p := s.json(http.MethodGet, "/v1/questionnaires/nobody/qr", nil, http.StatusNotFound).problem(t); p.Code != codes.NotFound {
			t.Errorf("one that isn't there: %s", p.Code)
		}
	})
}
