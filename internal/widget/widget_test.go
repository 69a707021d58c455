package widget_test

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/huiyin/huiyin/internal/widget"
)

func serve(t *testing.T, path string, header http.Header, origins ...string) *httptest.ResponseRecorder {
	t.Helper()
	h, err := widget.Handler(widget.Config{Origins: origins})
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
	for k, v := range header {
		r.Header[k] = v
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestTheScriptIsSmallAndEvaluatesNothing(t *testing.T) {
	w := serve(t, "/inapp/widget.js", nil)
	text := w.Body.String()
	t.Logf("%d bytes", len(text))
	if w.Code != http.StatusOK || len(text) < 1000 || len(text) > widget.ScriptBytesMax {
		t.Errorf("%d, %d bytes, at most %d", w.Code, len(text), widget.ScriptBytesMax)
	}
	for _, never := range []string{"eval(", "new Function", "innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "localStorage", "document.cookie", `style="`, `postMessage(m, "*")`, `"*"`} {
		if strings.Contains(text, never) {
			t.Errorf("the script holds %s", never)
		}
	}
	if w.Header().Get("Cross-Origin-Resource-Policy") != "cross-origin" {
		t.Error("a page that isolates itself can't load the script")
	}
	again := serve(t, "/inapp/widget.js", http.Header{"If-None-Match": {w.Header().Get("ETag")}})
	if again.Code != http.StatusNotModified || again.Body.Len() != 0 {
		t.Errorf("asked again it is %d with %d bytes", again.Code, again.Body.Len())
	}
	packed := serve(t, "/inapp/widget.js", http.Header{"Accept-Encoding": {"gzip, br"}})
	t.Logf("%d bytes packed", packed.Body.Len())
	z, err := gzip.NewReader(packed.Body)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(z); err != nil || string(got) != text {
		t.Errorf("packed it is another: %v", err)
	}
}

func TestOnlyTheNamedSitesMayFrameTheInbox(t *testing.T) {
	w := serve(t, "/inapp/frame", nil, "https://shop.example", "https://app.example:8443")
	policy := w.Header().Get("Content-Security-Policy")
	if !strings.HasSuffix(policy, "frame-ancestors https://shop.example https://app.example:8443") || !strings.HasPrefix(policy, "default-src 'none'; script-src 'self'") {
		t.Error(policy)
	}
	if !strings.Contains(w.Body.String(), `parents="https://shop.example https://app.example:8443"`) {
		t.Error(w.Body.String())
	}
	if policy := serve(t, "/inapp/frame", nil).Header().Get("Content-Security-Policy"); !strings.HasSuffix(policy, "frame-ancestors 'none'") {
		t.Error(policy)
	}
}
