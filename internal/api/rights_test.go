package api_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/huiyin/huiyin/internal/api"
	"github.com/huiyin/huiyin/internal/platform/codes"
)

// concrete fills the wildcards of a pattern.
func concrete(pattern string) (method, path string) {
	method, path, _ = strings.Cut(pattern, " ")
	return method, strings.NewReplacer("{ref}", "ann", "{id}", "1", "{kind}", "Program", "{name}", "after-payment", "{channel}", "email", "{card}", "1", "{question}", "stars").Replace(path)
}

func TestEveryRouteAsksForItsScopeOrSaysWhyNot(t *testing.T) {
	eachEngine(t, func(t *testing.T, s *site) {
		other := s.newKey("other", codes.KeysWrite) // no route asks for this one
		public := 0
		for _, r := range api.Routes() {
			method, path := concrete(r.Pattern)
			if r.Public != "" {
				public++
				if got := s.askWith("", method, path, "", nil); got.StatusCode == http.StatusUnauthorized || got.StatusCode == http.StatusForbidden {
					t.Errorf("%s is public and answers %d", r.Pattern, got.StatusCode)
				}
				continue
			}
			if r.Customer {
				for _, key := range []string{"", other, s.key} { // no key opens what is a customer's, not even one that may do everything
					if got := s.askWith(key, method, path, "application/json", []byte("{}")); got.StatusCode != http.StatusUnauthorized || got.problem(t).Code != codes.CustomerToken {
						t.Errorf("%s with a key: %d %s", r.Pattern, got.StatusCode, got.text)
					}
				}
				continue
			}
			if r.Scope == "" || !codes.Known(string(r.Scope)) {
				t.Errorf("%s asks for the scope %q", r.Pattern, r.Scope)
			}
			for _, c := range []struct {
				name, key string
				status    int
				code      string
			}{
				{"no key", "", http.StatusUnauthorized, codes.Unauthorized},
				{"a made-up key", "hy_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", http.StatusUnauthorized, codes.Unauthorized},
				{"a key without the scope", other, http.StatusForbidden, codes.Forbidden},
			} {
				got := s.askWith(c.key, method, path, "application/json", []byte("{}"))
				if got.StatusCode != c.status {
					t.Errorf("%s with %s: %d, want %d", r.Pattern, c.name, got.StatusCode, c.status)
					continue
				}
				if p := got.problem(t); p.Code != c.code {
					t.Errorf("%s with %s: %s", r.Pattern, c.name, p.Code)
				}
			}
			with := s.newKey("with", r.Scope)
			if got := s.askWith(with, method, path, "application/json", []byte("{}")); got.StatusCode == http.StatusUnauthorized || got.StatusCode == http.StatusForbidden {
				t.Errorf("%s with its scope %s: %d %s", r.Pattern, r.Scope, got.StatusCode, got.text)
			}
		}
		if public != 3 {
			t.Errorf("%d routes are public; receipts, replies and the description are", public)
		}
	})
}

func TestTheDescriptionNamesEveryRouteAndItsScope(t *testing.T) {
	s := newSite(t, "sqlite::memory:", "")
	got := s.askWith("", http.MethodGet, "/openapi.json", "", nil)
	var spec struct {
		OpenAPI string
		Paths   map[string]map[string]json.RawMessage
	}
	got.read(t, &spec)
	if !strings.HasPrefix(spec.OpenAPI, "3.1") {
		t.Errorf("OpenAPI %s", spec.OpenAPI)
	}
	described := 0
	for _, r := range api.Routes() {
		method, path, _ := strings.Cut(r.Pattern, " ")
		raw, ok := spec.Paths[path][strings.ToLower(method)]
		if path == "/openapi.json" {
			continue
		}
		if !ok {
			t.Errorf("%s is not described", r.Pattern)
			continue
		}
		described++
		var op struct {
			Summary  string
			Security []map[string][]string
		}
		if err := json.Unmarshal(raw, &op); err != nil || op.Summary == "" {
			t.Errorf("%s: %v, summary %q", r.Pattern, err, op.Summary)
		}
		if r.Scope != "" && (len(op.Security) != 1 || len(op.Security[0]["key"]) != 1 || op.Security[0]["key"][0] != string(r.Scope)) {
			t.Errorf("%s asks for %s and is described with %v", r.Pattern, r.Scope, op.Security)
		}
		if r.Customer && (len(op.Security) != 1 || op.Security[0]["customer"] == nil) {
			t.Errorf("%s takes a customer's token and is described with %v", r.Pattern, op.Security)
		}
	}
	total := 0
	for _, methods := range spec.Paths {
		total += len(methods)
	}
	if total != described || described < 20 {
		t.Errorf("%d operations described, %d of them routes", total, described)
	}
}

func TestWhatIsNotThereAndWhatIsNotForThisMethodAreProblemsToo(t *testing.T) {
	s := newSite(t, "sqlite::memory:", "")
	if got := s.ask(http.MethodGet, "/v1/nothing", "", nil); got.StatusCode != http.StatusNotFound || got.problem(t).Code != codes.NotFound {
		t.Errorf("%d %s", got.StatusCode, got.text)
	}
	got := s.ask(http.MethodDelete, "/v1/events", "", nil)
	if got.StatusCode != http.StatusMethodNotAllowed || got.problem(t).Code != codes.MethodNotAllowed || got.Header.Get("Allow") != "POST" {
		t.Errorf("%d %s, allow %q", got.StatusCode, got.text, got.Header.Get("Allow"))
	}
}

func TestAPageOfAnotherSiteCanNotPostWhereNoKeyIsAsked(t *testing.T) {
	s := newSite(t, "sqlite::memory:", "")
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.server.URL+"/v1/receipts/email", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Origin", "https://evil.example")
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	got, err := s.server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = got.Body.Close()
	if got.StatusCode != http.StatusForbidden {
		t.Errorf("%d", got.StatusCode)
	}
}

func TestARevokedKeyIsRefused(t *testing.T) {
	eachEngine(t, func(t *testing.T, s *site) {
		key := s.newKey("gone", codes.DocumentsRead)
		if got := s.askWith(key, http.MethodGet, "/v1/programs", "", nil); got.StatusCode != http.StatusOK {
			t.Fatalf("%d %s", got.StatusCode, got.text)
		}
		all, err := s.app.House.ListKeys(t.Context(), 0, 100)
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range all {
			if k.Name == "gone" {
				if err := s.app.House.RevokeKey(t.Context(), "test", k.ID); err != nil {
					t.Fatal(err)
				}
			}
		}
		got := s.askWith(key, http.MethodGet, "/v1/programs", "", nil)
		if got.StatusCode != http.StatusUnauthorized || got.problem(t).Code != codes.KeyExpired {
			t.Errorf("%d %s", got.StatusCode, got.text)
		}
	})
}
