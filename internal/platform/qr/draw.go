package qr

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"strings"
)

const (
	border   = 4 // modules left white around a code, as its standard asks
	scaleMax = 64
)

// SVG draws the code as a picture without a size of its own.
func (c *Code) SVG() []byte {
	var path strings.Builder
	for y := range c.size {
		for x := 0; x < c.size; x++ {
			n := 0
			for c.Dark(x+n, y) {
				n++
			}
			if n > 0 {
				fmt.Fprintf(&path, "M%d %dh%dv1h-%dz", x+border, y+border, n, n)
				x += n
			}
		}
	}
	side := c.size + 2*border
	return fmt.Appendf(nil, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" shape-rendering="crispEdges">`+
		`<rect width="%d" height="%d" fill="#fff"/><path fill="#000" d="%s"/></svg>`+"\n", side, side, side, side, path.String())
}

// PNG draws the code with so many pixels to a module, between 1 and 64.
func (c *Code) PNG(scale int) ([]byte, error) {
	scale = min(max(scale, 1), scaleMax)
	side := (c.size + 2*border) * scale
	picture := image.NewPaletted(image.Rect(0, 0, side, side), color.Palette{color.White, color.Black})
	for y := range side {
		for x := range side {
			if c.Dark(x/scale-border, y/scale-border) {
				picture.SetColorIndex(x, y, 1)
			}
		}
	}
	var b bytes.Buffer
	err := png.Encode(&b, picture)
	return b.Bytes(), err
}
