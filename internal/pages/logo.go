package pages

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"image/png"
	"net/http"
	"regexp"
	"strconv"

	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/errs"
)

const (
	logoBytesMax  = 32 << 10
	logoPixelsMax = 1024
	logoPath      = "/p/-/" // no questionnaire's name begins so
)

// Logo is the wallet's, as a picture of a few kilobytes.
type Logo struct {
	kind string
	data []byte
	path string
}

var (
	svgForm = regexp.MustCompile(`^(?s)\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*<svg[\s>]`)
	// what an SVG could do more than be looked at; a browser doesn't let it in a picture, and we don't take it
	svgActive = regexp.MustCompile(`(?i)<script|<foreignobject|<iframe|<!entity|<!doctype|\son[a-z]+\s*=|javascript:|href\s*=\s*["']?\s*(?:https?:|//|data:)|@import|url\(\s*["']?\s*(?:https?:|//|data:)`)
)

// NewLogo takes an SVG or a PNG.
func NewLogo(data []byte) (*Logo, error) {
	if len(data) > logoBytesMax {
		return nil, errs.New(errs.TooLarge, codes.SettingInvalid, "the logo has %d bytes, and %d are allowed; customers load it on slow phones", len(data), logoBytesMax)
	}
	l := &Logo{data: data}
	if picture, err := png.DecodeConfig(bytes.NewReader(data)); err == nil {
		if picture.Width > logoPixelsMax || picture.Height > logoPixelsMax {
			return nil, errs.New(errs.TooLarge, codes.SettingInvalid, "the logo is larger than %d pixels; it is shown 32 high", logoPixelsMax)
		}
		l.kind = "image/png"
	} else if svgForm.Match(data) {
		if svgActive.Match(data) {
			return nil, errs.New(errs.Invalid, codes.SettingInvalid, "the logo holds scripts, or loads something from elsewhere; save it as plain SVG, or as PNG")
		}
		l.kind = "image/svg+xml"
	} else {
		return nil, errs.New(errs.Invalid, codes.SettingInvalid, "the logo is neither an SVG nor a PNG")
	}
	sum := sha256.Sum256(data)
	l.path = logoPath + hex.EncodeToString(sum[:8])
	return l, nil
}

// Path is where the logo is; it changes when the logo does.
func (l *Logo) Path() string { return l.path }

func (h *house) logo(w http.ResponseWriter, r *http.Request) {
	l := h.Branding.Logo
	if l == nil || r.URL.Path != l.path {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", l.kind)
	w.Header().Set("Content-Length", strconv.Itoa(len(l.data)))
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	_, _ = w.Write(l.data) // a reader who has gone needs no logo
}
