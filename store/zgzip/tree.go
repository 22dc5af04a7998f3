package zgzip

import "math/bits"

const (
	maxBits   = 15
	heapLen   = 2*litCodes + 1
	repeat3   = 16 // the length before, 3 to 6 times
	zeros3    = 17 // 3 to 10 zeros
	zeros11   = 18 // 11 to 138 zeros
	lensCodes = 19
)

// codes are the codes of an alphabet: so many bits, the first the lowest.
type codes [litCodes + 2]struct {
	bits uint16
	n    uint8
}

func (c *codes) put(w *bitWriter, symbol int) { w.put(uint32(c[symbol].bits), uint(c[symbol].n)) }

// assign gives the codes of the lengths of the first n symbols their bits: shorter ones first, those of one length in order.
func (c *codes) assign(n int) {
	var count, next [maxBits + 1]uint16
	for i := range n {
		count[c[i].n]++
	}
	count[0] = 0
	for l := 1; l <= maxBits; l++ {
		next[l] = (next[l-1] + count[l-1]) << 1
	}
	for i := range n {
		if l := c[i].n; l > 0 {
			c[i].bits = bits.Reverse16(next[l]) >> (16 - l)
			next[l]++
		}
	}
}

// The codes of a block without trees of its own.
var fixedLit, fixedDist = fixedCodes()

func fixedCodes() (lit, dist codes) {
	for i := range litCodes + 2 {
		switch {
		case i < 144, i >= 280:
			lit[i].n = 8
		case i < 256:
			lit[i].n = 9
		default:
			lit[i].n = 7
		}
	}
	lit.assign(litCodes + 2)
	for i := range distCodes {
		dist[i].n = 5
	}
	dist.assign(distCodes)
	return lit, dist
}

// shape is what the trees of one kind have in common.
type shape struct {
	symbols int
	maxLen  int                  // of a code
	extra   func(symbol int) int // bits that follow the symbol
	fixed   *codes               // nil: the kind has no fixed codes
}

var (
	litShape = &shape{litCodes, maxBits, func(s int) int {
		if s < literals+1+8 || s == litCodes-1 {
			return 0
		}
		return (s-literals-1)/4 - 1
	}, &fixedLit}
	distShape = &shape{distCodes, maxBits, func(s int) int { return max(0, s/2-1) }, &fixedDist}
	lensShape = &shape{lensCodes, 7, func(s int) int { return [...]int{repeat3: 2, zeros3: 3, zeros11: 7}[s] }, nil}
)

// tree makes the Huffman code of an alphabet from how often each symbol stands.
type tree struct {
	*shape
	freq [heapLen]int // of symbols, then of inner nodes
	code codes
	max  int // the greatest symbol that has a code

	bits, fixedBits int // what all symbols take, with what follows them

	dad, length, depth [heapLen]int
	heap               [heapLen]int // from 1 on: nodes, the rarest first; from the end down: those that were taken
	size, taken        int
}

func (t *tree) reset(s *shape) {
	t.shape = s
	clear(t.freq[:])
}

// less orders nodes: the rarer one first, of equals the one with the lower subtree.
func (t *tree) less(a, b int) bool {
	return t.freq[a] < t.freq[b] || t.freq[a] == t.freq[b] && t.depth[a] <= t.depth[b]
}

// sink moves the node at k down to where it belongs.
func (t *tree) sink(k int) {
	v := t.heap[k]
	for j := 2 * k; j <= t.size; j *= 2 {
		if j < t.size && t.less(t.heap[j+1], t.heap[j]) {
			j++
		}
		if t.less(v, t.heap[j]) {
			break
		}
		t.heap[k] = t.heap[j]
		k = j
	}
	t.heap[k] = v
}

func (t *tree) build() {
	t.gather()
	for k := t.size / 2; k >= 1; k-- {
		t.sink(k)
	}
	node := t.symbols
	for t.size >= 2 {
		a := t.heap[1]
		t.heap[1] = t.heap[t.size]
		t.size--
		t.sink(1)
		b := t.heap[1]
		t.taken -= 2
		t.heap[t.taken+1], t.heap[t.taken] = a, b
		t.freq[node] = t.freq[a] + t.freq[b]
		t.depth[node] = max(t.depth[a], t.depth[b]) + 1
		t.dad[a], t.dad[b] = node, node
		t.heap[1] = node
		node++
		t.sink(1)
	}
	t.taken--
	t.heap[t.taken] = t.heap[1]
	t.measure()
	for i := range t.symbols {
		t.code[i].n = 0
		if i <= t.max {
			t.code[i].n = uint8(t.length[i])
		}
	}
	t.code.assign(t.symbols)
}

// gather puts the symbols that stand into the heap. The format wants two codes at least: where there are fewer, low symbols
// are made up, which cost nothing.
func (t *tree) gather() {
	t.size, t.taken, t.max, t.bits, t.fixedBits = 0, heapLen, -1, 0, 0
	for i := range t.symbols {
		t.length[i], t.depth[i] = 0, 0
		if t.freq[i] > 0 {
			t.size++
			t.heap[t.size] = i
			t.max = i
		}
	}
	for t.size < 2 {
		symbol := 0
		if t.max < 2 {
			t.max++
			symbol = t.max
		}
		t.size++
		t.heap[t.size] = symbol
		t.freq[symbol] = 1
		t.bits--
		if t.fixed != nil {
			t.fixedBits -= int(t.fixed[symbol].n)
		}
	}
}

// measure gives each symbol the length of its code, none above the maximum, and adds up what all take.
func (t *tree) measure() {
	var count [maxBits + 1]int
	over := 0
	t.length[t.heap[t.taken]] = 0
	for _, n := range t.heap[t.taken+1:] {
		l := t.length[t.dad[n]] + 1
		if l > t.maxLen {
			l = t.maxLen
			over++
		}
		t.length[n] = l
		if n > t.max {
			continue // an inner node
		}
		count[l]++
		extra := t.extra(n)
		t.bits += t.freq[n] * (l + extra)
		if t.fixed != nil {
			t.fixedBits += t.freq[n] * (int(t.fixed[n].n) + extra)
		}
	}
	if over > 0 {
		t.shorten(&count, over)
	}
}

// shorten makes room for over nodes that were too deep: it moves leaves down and gives the lengths out anew, the longest to
// the rarest.
func (t *tree) shorten(count *[maxBits + 1]int, over int) {
	for ; over > 0; over -= 2 {
		l := t.maxLen - 1
		for count[l] == 0 {
			l--
		}
		count[l]--
		count[l+1] += 2
		count[t.maxLen]--
	}
	h := heapLen
	for l := t.maxLen; l > 0; l-- {
		for n := count[l]; n > 0; {
			h--
			m := t.heap[h]
			if m > t.max {
				continue
			}
			t.bits += (l - t.length[m]) * t.freq[m]
			t.length[m] = l
			n--
		}
	}
}

// lengths gives the lengths of the codes up to the greatest as symbols of the third tree: lengths, and repetitions with a
// count in extra bits.
func (t *tree) lengths(give func(symbol int, value uint32, extra uint)) {
	before := -1
	for i := 0; i <= t.max; {
		l := int(t.code[i].n)
		run := 1
		for i+run <= t.max && int(t.code[i+run].n) == l {
			run++
		}
		i += run
		for run > 0 {
			n := t.giveRun(l, before, run, give)
			run -= n
			before = l
		}
	}
}

// giveRun gives the beginning of a run of equal lengths and tells how many of them.
func (t *tree) giveRun(l, before, run int, give func(symbol int, value uint32, extra uint)) int {
	most, least := 7, 4
	switch {
	case l == 0:
		most, least = 138, 3
	case l == before:
		most, least = 6, 3
	}
	n := min(run, most)
	switch {
	case n < least:
		for range n {
			give(l, 0, 0)
		}
	case l != 0:
		again := n
		if l != before {
			give(l, 0, 0)
			again--
		}
		give(repeat3, uint32(again-3), 2)
	case n <= 10:
		give(zeros3, uint32(n-3), 3)
	default:
		give(zeros11, uint32(n-11), 7)
	}
	return n
}
