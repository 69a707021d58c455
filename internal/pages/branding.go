package pages

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"math"
	"regexp"
	"strconv"
	"strings"

	"github.com/huiyin/huiyin/internal/platform/codes"
	"github.com/huiyin/huiyin/internal/platform/errs"
	"github.com/huiyin/huiyin/internal/program/document"
	"github.com/huiyin/huiyin/internal/program/questionnaire"
)

const (
	defaultColour = "#0b5cad"
	// contrastMin is what WCAG AA asks between text and what lies behind it.
	contrastMin = 4.5
	// shapeContrastMin is what it asks between a button and what lies behind it.
	shapeContrastMin = 3
	legibleSteps     = 20
	// what lies behind, as style.css has it
	cardLight, cardDark = "#ffffff", "#1e2025"
	// groupsMax is how many ranges of a scale can have reasons of their own.
	groupsMax = questionnaire.TagGroupsMax
)

// Branding is how the wallet shows itself.
type Branding struct {
	Name    document.Text
	Colour  string        // of buttons and marks, #rrggbb; "": a quiet blue
	Hotline document.Text // as people dial it; empty: none is shown
	Logo    *Logo         // nil: a mark in the colour
}

//go:embed style.css
var styleText string

var colourForm = regexp.MustCompile(`^#[0-9a-fA-F]{6}$`)

// style gives the one style sheet in the wallet's colour and the source that a
// content security policy allows it by.
func style(colour string) (template.CSS, string, error) {
	if colour == "" {
		colour = defaultColour
	}
	if !colourForm.MatchString(colour) {
		return "", "", errs.New(errs.Invalid, codes.SettingInvalid, "%q isn't a colour; write #rrggbb, such as %s", colour, defaultColour)
	}
	light, onLight := legible(colour, cardLight, 0)
	dark, onDark := legible(colour, cardDark, 255)
	var tags strings.Builder
	for g := range groupsMax {
		fmt.Fprintf(&tags, ".g%d:checked~.t%d,", g, g)
	}
	css := strings.NewReplacer("ONBRAND", onLight, "ONDARK", onDark, "DARKBRAND", dark, "BRAND", light, "TAGRULES", strings.TrimSuffix(tags.String(), ",")+"{display:block}", "\n", "").Replace(styleText)
	sum := sha256.Sum256([]byte(css))
	return template.CSS(css), "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'", nil //nolint:gosec // our own file; the one value put in has been checked
}

// legible moves a colour towards black or white until it stands out from the card, and says
// whether black or white reads better on it: of any colour, one of the two does.
func legible(colour, card string, towards float64) (shown, on string) {
	shown = colour
	for step := 1; contrast(shown, card) < shapeContrastMin && step <= legibleSteps; step++ {
		shown = "#"
		for i := range 3 {
			n, err := strconv.ParseUint(colour[1+2*i:3+2*i], 16, 8)
			if err != nil {
				return colour, "#000000"
			}
			part := float64(step) / legibleSteps
			shown += fmt.Sprintf("%02x", int(math.Round(float64(n)*(1-part)+towards*part)))
		}
	}
	if contrast(shown, "#ffffff") >= contrastMin {
		return shown, "#ffffff"
	}
	return shown, "#000000"
}

// contrast is the contrast ratio of two colours as WCAG 2.2 defines it.
func contrast(a, b string) float64 {
	x, y := luminance(a), luminance(b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

func luminance(colour string) float64 {
	weights := [3]float64{0.2126, 0.7152, 0.0722}
	sum := 0.0
	for i, w := range weights {
		n, err := strconv.ParseUint(colour[1+2*i:3+2*i], 16, 8)
		if err != nil {
			return 0
		}
		c := float64(n) / 255
		if c <= 0.04045 {
			c /= 12.92
		} else {
			c = math.Pow((c+0.055)/1.055, 2.4)
		}
		sum += w * c
	}
	return sum
}
