package widget

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html/template"
	"net/http"
	"strings"

	"github.com/huiyin/huiyin/internal/platform/errs"
)

// ScriptBytesMax bounds the script: it is loaded on pages that are not ours.
const ScriptBytesMax = 20 << 10

const scriptAge = "max-age=3600"

//go:embed widget.js
var script []byte

//go:embed frame.html
var frameText string

var frameTemplate = template.Must(template.New("frame").Parse(frameText))

// Config says whose pages the widget serves.
type Config struct {
	Origins []string // of the wallet's web pages that may put the frame into themselves
}

// Handler serves /inapp/widget.js and /inapp/frame.
func Handler(c Config) (http.Handler, error) {
	var page strings.Builder
	if err := frameTemplate.Execute(&page, map[string]string{"Parents": strings.Join(c.Origins, " ")}); err != nil {
		return nil, errs.New(errs.Internal, string(errs.Internal), "the frame's page can't be made").Because(err)
	}
	ancestors := "'none'"
	if len(c.Origins) > 0 {
		ancestors = strings.Join(c.Origins, " ")
	}
	policy := "default-src 'none'; script-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors " + ancestors
	sum := sha256.Sum256(script)
	etag := `"` + base64.RawURLEncoding.EncodeToString(sum[:18]) + `"`
	packed, err := pack(script)
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /inapp/widget.js", func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Type", "text/javascript; charset=utf-8")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cross-Origin-Resource-Policy", "cross-origin")
		h.Set("Access-Control-Allow-Origin", "*") // it holds nothing of anybody; pages may check its integrity
		h.Set("Cache-Control", scriptAge)
		h.Set("ETag", etag)
		if r.Header.Get("If-None-Match") == etag {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		h.Add("Vary", "Accept-Encoding")
		body := script
		if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
			h.Set("Content-Encoding", "gzip")
			body = packed
		}
		_, _ = w.Write(body) // a reader who has gone needs nothing
	})
	mux.HandleFunc("GET /inapp/frame", func(w http.ResponseWriter, _ *http.Request) {
		h := w.Header()
		h.Set("Content-Type", "text/html; charset=utf-8")
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-store")
		h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=()")
		h.Set("X-Robots-Tag", "noindex, nofollow")
		_, _ = w.Write([]byte(page.String())) // likewise
	})
	return mux, nil
}

func pack(text []byte) ([]byte, error) {
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := z.Write(text); err != nil {
		return nil, err
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
