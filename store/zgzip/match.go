package zgzip

const (
	windowLen = 1 << 15 // how far back a match may begin, about
	minMatch  = 3
	maxMatch  = 258
	// ahead is how many bytes must be at hand before a match is looked for, unless the end is near.
	ahead   = maxMatch + minMatch + 1
	maxDist = windowLen - ahead

	// Level 8: how much effort a match is worth.
	goodLen  = 32   // with a match of that length at hand, look for a better one only a quarter as long
	lazyLen  = 128  // with a match of that length at hand, don't look for a better one
	maxChain = 1024 // how many candidates to look at
	tooFar   = 4096 // a match of three bytes is not worth more distance

	hashBits  = 15
	hashShift = 5
	hashMask  = 1<<hashBits - 1
)

// compressor finds matches in a window of two lengths: the current position stays in the upper one but at the beginning,
// and what lies a length behind slides out.
type compressor struct {
	window [2 * windowLen]byte
	head   [1 << hashBits]uint16 // the latest position of each hash of three bytes, 0: none
	prev   [windowLen]uint16     // the position before with the same hash, by position modulo windowLen

	pos, left  int // the current position and how many bytes there are from it on
	blockStart int // where the block begins; below zero when it has slid out

	// The match at the position before the current one.
	matchLen, matchPos int
	pending            bool // the byte before the current one is neither written nor part of a match

	block block
	bits  bitWriter
}

func (c *compressor) reset() {
	clear(c.head[:])
	c.pos, c.left, c.blockStart = 0, 0, 0
	c.matchLen, c.matchPos, c.pending = minMatch-1, 0, false
	c.block.reset()
	c.bits = bitWriter{out: c.bits.out[:0]}
}

// fill takes what of p has room in the window.
func (c *compressor) fill(p []byte) int {
	if c.pos >= windowLen+maxDist {
		c.slide()
	}
	n := copy(c.window[c.pos+c.left:], p)
	c.left += n
	return n
}

func (c *compressor) slide() {
	copy(c.window[:], c.window[windowLen:])
	c.pos -= windowLen
	c.matchPos -= windowLen
	c.blockStart -= windowLen
	for i, p := range c.head {
		c.head[i] = slid(p)
	}
	for i, p := range c.prev {
		c.prev[i] = slid(p)
	}
}

func slid(p uint16) uint16 {
	if p < windowLen {
		return 0
	}
	return p - windowLen
}

// insert notes the three bytes at pos and gives the position where they, or others with their hash, were seen last.
func (c *compressor) insert(pos int) int {
	w := c.window[pos : pos+minMatch]
	h := (int(w[0])<<(2*hashShift) ^ int(w[1])<<hashShift ^ int(w[2])) & hashMask
	before := c.head[h]
	c.prev[pos%windowLen] = before
	c.head[h] = uint16(pos)
	return int(before)
}

// compress goes on while there is enough at hand; at the end, to the last byte.
func (c *compressor) compress(end bool) {
	for c.left >= ahead || end && c.left > 0 {
		before := 0
		if c.left >= minMatch {
			before = c.insert(c.pos)
		}
		prevLen, prevPos := c.matchLen, c.matchPos
		c.matchLen = minMatch - 1
		if before != 0 && prevLen < lazyLen && c.pos-before <= maxDist {
			c.longest(before, prevLen)
			if c.matchLen == minMatch && c.pos-c.matchPos > tooFar {
				c.matchLen = minMatch - 1
			}
		}
		switch {
		case prevLen >= minMatch && c.matchLen <= prevLen:
			c.take(prevLen, prevPos)
		case c.pending:
			full := c.block.literal(c.window[c.pos-1])
			if full {
				c.endBlock(false)
			}
			c.pos++
			c.left--
		default:
			c.pending = true
			c.pos++
			c.left--
		}
	}
	if end {
		if c.pending {
			c.block.literal(c.window[c.pos-1])
		}
		c.endBlock(true)
	}
}

// take writes the match at the position before the current one.
func (c *compressor) take(length, at int) {
	lastInsert := c.pos + c.left - minMatch
	full := c.block.match(c.pos-1-at, length)
	c.left -= length - 1
	for range length - 2 {
		if c.pos++; c.pos <= lastInsert {
			c.insert(c.pos)
		}
	}
	c.pending, c.matchLen = false, minMatch-1
	c.pos++
	if full {
		c.endBlock(false)
	}
}

// longest looks along the chain that begins at candidate for a match at the current position that is longer than best, and
// sets matchLen and, where it found one, matchPos.
func (c *compressor) longest(candidate, best int) {
	chain, nice := maxChain, min(maxMatch, c.left)
	if best >= goodLen {
		chain /= 4
	}
	limit := max(0, c.pos-maxDist)
	scan := c.window[c.pos:]
	scan = scan[:min(len(scan), maxMatch)]
	for {
		there := c.window[candidate:]
		if best < len(scan) && there[best] == scan[best] && there[best-1] == scan[best-1] {
			n := 0
			for n < len(scan) && there[n] == scan[n] {
				n++
			}
			if n > best {
				c.matchPos, best = candidate, n
				if n >= nice {
					break
				}
			}
		}
		candidate = int(c.prev[candidate%windowLen])
		if chain--; chain == 0 || candidate <= limit {
			break
		}
	}
	c.matchLen = min(best, c.left)
}

func (c *compressor) endBlock(last bool) {
	var raw []byte // what the block stands for, if it is still at hand
	if c.blockStart >= 0 {
		raw = c.window[c.blockStart:c.pos]
	}
	c.block.write(&c.bits, raw, c.blockStart >= 0, c.pos-c.blockStart, last)
	c.blockStart = c.pos
}
