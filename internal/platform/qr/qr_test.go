package qr

import (
	"bytes"
	"image/png"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/huiyin/huiyin/internal/platform/errs"
)

// read reads a code as a phone would once it has found the corners: by what is drawn alone, with
// tables of its own, and with a check that no codeword is damaged.
func read(t interface{ Fatalf(string, ...any) }, size int, dark func(x, y int) bool) string {
	version := (size - 17) / 4
	formats := map[int]int{0x5412: 0, 0x5125: 1, 0x5e7c: 2, 0x5b4b: 3, 0x45f9: 4, 0x40ce: 5, 0x4f97: 6, 0x4aa0: 7} // of level M, as the standard lists them
	format := 0
	for _, at := range [][2]int{{0, 8}, {1, 8}, {2, 8}, {3, 8}, {4, 8}, {5, 8}, {7, 8}, {8, 8}, {8, 7}, {8, 5}, {8, 4}, {8, 3}, {8, 2}, {8, 1}, {8, 0}} {
		format <<= 1
		if dark(at[0], at[1]) {
			format |= 1
		}
	}
	mask, known := formats[format]
	if !known {
		t.Fatalf("the format reads %015b", format)
	}
	var bits []bool
	for x, up := size-1, true; x > 0; x, up = x-2, !up {
		if x == 6 {
			x--
		}
		for i := range size {
			y := i
			if up {
				y = size - 1 - i
			}
			for _, x := range []int{x, x - 1} {
				if !reserved(version, size, x, y) {
					bits = append(bits, dark(x, y) != flipped(mask, x, y))
				}
			}
		}
	}
	words := make([]byte, len(bits)/8)
	for i := range words {
		for _, b := range bits[8*i : 8*i+8] {
			words[i] <<= 1
			if b {
				words[i] |= 1
			}
		}
	}
	return text(version, deal(t, version, words))
}

func reserved(version, size, x, y int) bool {
	if x == 6 || y == 6 || (x < 9 && y < 9) || (x < 9 && y >= size-8) || (x >= size-8 && y < 9) {
		return true
	}
	if version >= 7 && ((x < 6 && y >= size-11) || (y < 6 && x >= size-11)) {
		return true
	}
	for _, ax := range alignments[version] {
		for _, ay := range alignments[version] {
			corner := (ax == 6 && ay == 6) || (ax == 6 && ay == size-7) || (ay == 6 && ax == size-7)
			if !corner && x >= ax-2 && x <= ax+2 && y >= ay-2 && y <= ay+2 {
				return true
			}
		}
	}
	return false
}

func flipped(mask, x, y int) bool {
	switch mask {
	case 0:
		return (y+x)&1 == 0
	case 1:
		return y&1 == 0
	case 2:
		return x%3 == 0
	case 3:
		return (y+x)%3 == 0
	case 4:
		return (y>>1+x/3)&1 == 0
	case 5:
		return (y*x)&1+(y*x)%3 == 0
	case 6:
		return ((y*x)&1+(y*x)%3)&1 == 0
	}
	return ((y+x)&1+(y*x)%3)&1 == 0
}

// deal sorts codewords back into blocks, and fails if one of them isn't a multiple of its generator.
func deal(t interface{ Fatalf(string, ...any) }, version int, words []byte) []byte {
	total := []int{0, 26, 44, 70, 100, 134, 172, 196, 242, 292, 346}[version]
	blocks := []int{0, 1, 1, 1, 2, 2, 4, 4, 4, 5, 5}[version]
	checks := []int{0, 10, 16, 26, 18, 24, 16, 18, 22, 22, 26}[version]
	if len(words) != total {
		t.Fatalf("version %d holds %d codewords, want %d", version, len(words), total)
	}
	short := total/blocks - checks
	long := total % blocks
	parts := make([][]byte, blocks)
	i := 0
	for col := range short + 1 {
		for b := range blocks {
			if col < short || b >= blocks-long {
				parts[b] = append(parts[b], words[i])
				i++
			}
		}
	}
	var data []byte
	for b := range blocks {
		data = append(data, parts[b]...)
	}
	for range checks {
		for b := range blocks {
			parts[b] = append(parts[b], words[i])
			i++
		}
	}
	logs, powers := [256]int{}, [255]int{}
	for e, v := 0, 1; e < 255; e++ {
		powers[e], logs[v] = v, e
		if v *= 2; v > 255 {
			v ^= 0x11d
		}
	}
	for b, part := range parts {
		for root := range checks {
			sum := 0
			for _, w := range part { // Horner's rule at 2^root
				if sum != 0 {
					sum = powers[(logs[sum]+root)%255]
				}
				sum ^= int(w)
			}
			if sum != 0 {
				t.Fatalf("block %d of version %d is damaged", b, version)
			}
		}
	}
	return data
}

func text(version int, data []byte) string {
	at := 0
	bits := func(n int) (v int) {
		for range n {
			v = v<<1 | int(data[at/8]>>(7-at%8)&1)
			at++
		}
		return v
	}
	if bits(4) != 4 {
		return "not in bytes"
	}
	n := bits(8)
	if version > 9 {
		n = n<<8 | bits(8)
	}
	out := make([]byte, n)
	for i := range out {
		out[i] = byte(bits(8))
	}
	return string(out)
}

func TestWhatIsDrawnIsRead(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := string(rapid.SliceOfN(rapid.Byte(), 0, BytesMax).Draw(t, "text"))
		c, err := Encode(want)
		if err != nil {
			t.Fatal(err)
		}
		if got := read(t, c.Size(), c.Dark); got != want {
			t.Fatalf("%q reads %q", want, got)
		}
	})
}

func TestEveryVersionIsUsedAndNoneIsTooSmall(t *testing.T) {
	sizes := map[int]bool{}
	for n := range BytesMax + 1 {
		c, err := Encode(strings.Repeat("x", n))
		if err != nil {
			t.Fatal(n, err)
		}
		sizes[c.Size()] = true
	}
	if len(sizes) != versionMax {
		t.Errorf("%d sizes are used", len(sizes))
	}
	if _, err := Encode(strings.Repeat("x", BytesMax+1)); errs.KindOf(err) != errs.TooLarge {
		t.Errorf("one byte more: %v", err)
	}
}

func TestThePicturesShowTheCode(t *testing.T) {
	const link = "https://follow.example.com/p/visit-survey"
	c, err := Encode(link)
	if err != nil {
		t.Fatal(err)
	}
	for _, scale := range []int{-1, 3, 1_000_000} {
		b, err := c.PNG(scale)
		if err != nil {
			t.Fatal(err)
		}
		picture, err := png.Decode(bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		scale = min(max(scale, 1), scaleMax)
		dark := func(x, y int) bool {
			r, _, _, _ := picture.At((x+4)*scale+scale/2, (y+4)*scale+scale/2).RGBA()
			return r == 0
		}
		if side := picture.Bounds().Dx(); side != (c.Size()+8)*scale || dark(-1, 0) || dark(0, -4) {
			t.Errorf("a picture of %d pixels has no border", side)
		}
		if got := read(t, c.Size(), dark); got != link {
			t.Errorf("the picture reads %q", got)
		}
	}
	svg := string(c.SVG())
	if !strings.HasPrefix(svg, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 37 37"`) || strings.Contains(svg, "<script") {
		t.Errorf("the SVG is %s", svg)
	}
	dark := map[[2]int]bool{}
	for _, run := range regexp.MustCompile(`M(\d+) (\d+)h(\d+)v1`).FindAllStringSubmatch(svg, -1) {
		x, _ := strconv.Atoi(run[1])
		y, _ := strconv.Atoi(run[2])
		n, _ := strconv.Atoi(run[3])
		for i := range n {
			dark[[2]int{x + i - border, y - border}] = true
		}
	}
	if got := read(t, c.Size(), func(x, y int) bool { return dark[[2]int{x, y}] }); got != link {
		t.Errorf("the SVG reads %q", got)
	}
}

func FuzzEncode(f *testing.F) {
	f.Add("")
	f.Add("https://x.example/p/a")
	f.Add("扫码评价")
	f.Fuzz(func(t *testing.T, s string) {
		c, err := Encode(s)
		if err != nil {
			if len(s) <= BytesMax {
				t.Error(err)
			}
			return
		}
		if got := read(t, c.Size(), c.Dark); got != s {
			t.Errorf("%q reads %q", s, got)
		}
	})
}
