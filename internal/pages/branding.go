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
	// groupsMax is how many ranges of a scale can have reasons of their own.
	groupsMax = questionnaire.TagGroupsMax
)

// Branding is how the wallet shows itself.
type Branding struct {
	Name    document.Text
	Colour  string        // of buttons and marks, #rrggbb; "": a quiet blue
	Hotline document.Text // as people dial it; empty: none is shown
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
	on := "#ffffff"
	if contrast(colour, on) < contrastMin {
		on = "#000000" // of any colour, one of the two reads well
	}
	var tags strings.Builder
	for g := range groupsMax {
		fmt.Fprintf(&tags, ".g%d:checked~.t%d,", g, g)
	}
	css := strings.NewReplacer("ONBRAND", on, "BRAND", colour, "TAGRULES", strings.TrimSuffix(tags.String(), ",")+"{display:block}", "\n", "").Replace(styleText)
	sum := sha256.Sum256([]byte(css))
	return template.CSS(css), "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'", nil //nolint:gosec // our own file; the one value put in has been checked
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
