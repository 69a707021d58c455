package qr

// masks are the eight patterns, one of which is laid over the data so that no large areas are alike.
var masks = [8]func(x, y int) bool{
	func(x, y int) bool { return (x+y)%2 == 0 },
	func(_, y int) bool { return y%2 == 0 },
	func(x, _ int) bool { return x%3 == 0 },
	func(x, y int) bool { return (x+y)%3 == 0 },
	func(x, y int) bool { return (x/3+y/2)%2 == 0 },
	func(x, y int) bool { return x*y%2+x*y%3 == 0 },
	func(x, y int) bool { return (x*y%2+x*y%3)%2 == 0 },
	func(x, y int) bool { return ((x+y)%2+x*y%3)%2 == 0 },
}

// blank draws the patterns that every code of a version has.
func blank(version int) *Code {
	size := 17 + 4*version
	c := &Code{size: size, version: version, dark: make([]bool, size*size), fixed: make([]bool, size*size)}
	for i := range size {
		c.fix(i, 6, i%2 == 0)
		c.fix(6, i, i%2 == 0)
	}
	for _, corner := range [][2]int{{3, 3}, {size - 4, 3}, {3, size - 4}} {
		c.rings(corner[0], corner[1], 4, []bool{true, true, false, true, false})
	}
	at := alignments[version]
	for i, x := range at {
		for j, y := range at {
			if last := len(at) - 1; (i == 0 && (j == 0 || j == last)) || (i == last && j == 0) {
				continue // a corner stands there
			}
			c.rings(x, y, 2, []bool{true, false, true})
		}
	}
	c.format(0) // keeps its place
	if version >= 7 {
		c.versionBits()
	}
	return c
}

func (c *Code) fix(x, y int, dark bool) {
	if x < 0 || y < 0 || x >= c.size || y >= c.size {
		return
	}
	c.dark[y*c.size+x], c.fixed[y*c.size+x] = dark, true
}

// rings draws squares within squares, dark or not by their distance from the middle.
func (c *Code) rings(x, y, radius int, dark []bool) {
	for dy := -radius; dy <= radius; dy++ {
		for dx := -radius; dx <= radius; dx++ {
			c.fix(x+dx, y+dy, dark[max(dx, -dx, dy, -dy)])
		}
	}
}

// protected appends to a value the bits by which it survives damage.
func protected(value, generator uint32, bits int) uint32 {
	rest := value
	for range bits {
		rest <<= 1
		if rest>>bits&1 == 1 {
			rest ^= generator
		}
	}
	return value<<bits | rest
}

// format writes the correction level and the mask, twice.
func (c *Code) format(mask int) {
	const levelM, generator, blur = 0, 0x537, 0x5412
	word := protected(levelM<<3|uint32(mask), generator, 10) ^ blur
	bit := func(i int) bool { return word>>i&1 == 1 }
	for i := range 15 {
		switch {
		case i < 6:
			c.fix(8, i, bit(i))
		case i < 8:
			c.fix(8, i+1, bit(i))
		case i == 8:
			c.fix(7, 8, bit(i))
		default:
			c.fix(14-i, 8, bit(i))
		}
		if i < 8 {
			c.fix(c.size-1-i, 8, bit(i))
		} else {
			c.fix(8, c.size-15+i, bit(i))
		}
	}
	c.fix(8, c.size-8, true)
}

func (c *Code) versionBits() {
	const generator = 0x1f25
	word := protected(uint32(c.version), generator, 12)
	for i := range 18 {
		dark := word>>i&1 == 1
		c.fix(c.size-11+i%3, i/3, dark)
		c.fix(i/3, c.size-11+i%3, dark)
	}
}

// fill lays the codewords in pairs of columns, up and down from the right, under a mask.
func (c *Code) fill(words []byte, mask int) {
	c.format(mask)
	i := 0
	up := true
	for right := c.size - 1; right > 0; right -= 2 {
		if right == 6 {
			right-- // the column of the clock pattern counts for none
		}
		for step := range c.size {
			y := step
			if up {
				y = c.size - 1 - step
			}
			for _, x := range []int{right, right - 1} {
				if c.fixed[y*c.size+x] {
					continue
				}
				dark := i < 8*len(words) && words[i/8]>>(7-i%8)&1 == 1
				c.dark[y*c.size+x] = dark != masks[mask](x, y)
				i++
			}
		}
		up = !up
	}
}

// penalty is how hard a code is to read: long runs, blocks, what looks like a corner, an imbalance.
func (c *Code) penalty() int {
	total, count := 0, 0
	for a := range c.size {
		total += c.runs(func(b int) bool { return c.dark[a*c.size+b] })
		total += c.runs(func(b int) bool { return c.dark[b*c.size+a] })
		for b := range c.size {
			d := c.dark[a*c.size+b]
			if d {
				count++
			}
			if a > 0 && b > 0 && d == c.dark[(a-1)*c.size+b] && d == c.dark[a*c.size+b-1] && d == c.dark[(a-1)*c.size+b-1] {
				total += 3
			}
		}
	}
	off := 20*count - 10*c.size*c.size
	return total + max(off, -off)/(c.size*c.size)*10
}

// runs judges one row or column.
func (c *Code) runs(dark func(i int) bool) int {
	total, length := 0, 0
	window := 0
	for i := range c.size {
		if i > 0 && dark(i) == dark(i-1) {
			length++
		} else {
			length = 1
		}
		switch {
		case length == 5:
			total += 3
		case length > 5:
			total++
		}
		if window = window << 1 & 0x7ff; dark(i) {
			window |= 1
		}
		if i >= 10 && (window == 0b10111010000 || window == 0b00001011101) {
			total += 40
		}
	}
	return total
}
