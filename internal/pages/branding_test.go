package pages

import (
	"bytes"
	"fmt"
	"image"
	"image/png"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// Whatever the wallet's colour is, its buttons stand out and can be read, by day and by night.
func TestAnyColourIsMadeLegible(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		colour := fmt.Sprintf("#%06x", rapid.IntRange(0, 0xffffff).Draw(t, "colour"))
		for card, towards := range map[string]float64{cardLight: 0, cardDark: 255} {
			shown, on := legible(colour, card, towards)
			if contrast(shown, card) < shapeContrastMin {
				t.Errorf("%s is shown as %s on %s: %.2f", colour, shown, card, contrast(shown, card))
			}
			if contrast(shown, on) < contrastMin {
				t.Errorf("%s on %s: %.2f", on, shown, contrast(shown, on))
			}
			if contrast(colour, card) >= shapeContrastMin && shown != colour {
				t.Errorf("%s needn't have become %s", colour, shown)
			}
		}
	})
}

func picture(t *testing.T, side int) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, side, side))); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestALogoIsAPictureAndNothingMore(t *testing.T) {
	const plain = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8"><circle cx="4" cy="4" r="3" fill="url(#g)"/></svg>`
	for name, c := range map[string]struct {
		data []byte
		says string
	}{
		"an SVG":                      {[]byte(plain), ""},
		"an SVG with its declaration": {[]byte("<?xml version=\"1.0\"?>\n<!-- drawn -->\n" + plain), ""},
		"a PNG":                       {picture(t, 64), ""},
		"a PNG beyond all size":       {picture(t, 1025), "larger than"},
		"too many bytes":              {bytes.Repeat([]byte(plain), 400), "bytes"},
		"a page":                      {[]byte("<html><svg></svg></html>"), "neither"},
		"nothing":                     {nil, "neither"},
		"a script":                    {[]byte(`<svg><script>alert(1)</script></svg>`), "scripts"},
		"a script in an attribute":    {[]byte("<svg\nonload='x()'></svg>"), "scripts"},
		"a picture from elsewhere":    {[]byte(`<svg><image href="https://tracker.example/x.png"/></svg>`), "elsewhere"},
		"a style from elsewhere":      {[]byte(`<svg><style>@import "x"</style></svg>`), "elsewhere"},
		"an entity":                   {[]byte("<?xml version='1.0'?><svg><!ENTITY a 'b'></svg>"), "scripts"},
		"a page inside":               {[]byte(`<svg><foreignObject/></svg>`), "scripts"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := NewLogo(c.data)
			if (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestALogoIsServedFromItsOwnPath(t *testing.T) {
	logo, err := NewLogo(picture(t, 32))
	if err != nil {
		t.Fatal(err)
	}
	h, err := Handler(Config{Branding: Branding{Logo: logo}})
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]int{logo.Path(): http.StatusOK, logoPath + "0000": http.StatusNotFound} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		if w.Code != want {
			t.Errorf("%s gave %d", path, w.Code)
		}
		if want == http.StatusOK && (w.Header().Get("Content-Type") != "image/png" || !strings.Contains(w.Header().Get("Content-Security-Policy"), "default-src 'none'") || w.Header().Get("X-Content-Type-Options") != "nosniff") {
			t.Errorf("its headers are %v", w.Header())
		}
	}
}

func FuzzLogo(f *testing.F) {
	f.Add([]byte("<svg></svg>"))
	f.Add([]byte("\x89PNG\r\n\x1a\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if l, err := NewLogo(data); err == nil && (l.kind == "" || l.Path() == logoPath) {
			t.Errorf("%q became %+v", data, l)
		}
	})
}
