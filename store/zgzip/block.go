package zgzip

import "math/bits"

const (
	maxSymbols = 1<<14 - 1 // of a block
	literals   = 256
	endOfBlock = 256
	litCodes   = literals + 1 + 29
	distCodes  = 30
)

// The kinds of blocks, as they are written.
const (
	storedBlock  = 0
	fixedBlock   = 1
	dynamicBlock = 2
)

// block holds the symbols of a block until it is written.
type block struct {
	dist   [maxSymbols]uint16 // of a match, 0: a literal
	length [maxSymbols]uint8  // of a match less minMatch, or the literal
	n      int
	lit    tree
	dst    tree
	lens   tree // of the lengths of the codes of the other two
}

func (b *block) reset() {
	b.n = 0
	b.lit.reset(litShape)
	b.dst.reset(distShape)
	b.lens.reset(lensShape)
	b.lit.freq[endOfBlock] = 1
}

// literal adds a byte and tells whether the block is full.
func (b *block) literal(c byte) bool {
	b.dist[b.n], b.length[b.n] = 0, c
	b.n++
	b.lit.freq[c]++
	return b.n == maxSymbols
}

// match adds a match and tells whether the block is full.
func (b *block) match(dist, length int) bool {
	b.dist[b.n], b.length[b.n] = uint16(dist), uint8(length-minMatch)
	b.n++
	code, _, _ := lengthCode(length - minMatch)
	b.lit.freq[code]++
	code, _, _ = distCode(dist - 1)
	b.dst.freq[code]++
	return b.n == maxSymbols
}

// lengthCode is the code of a length less minMatch, and what follows it: so many bits, with that value.
func lengthCode(n int) (code int, extra uint, value uint32) {
	switch {
	case n == maxMatch-minMatch:
		return literals + 29, 0, 0
	case n < 8:
		return literals + 1 + n, 0, 0
	}
	extra = uint(bits.Len(uint(n))) - 3
	return literals + 1 + int(extra)<<2 + n>>extra, extra, uint32(n) & (1<<extra - 1)
}

// distCode is the same for a distance less one.
func distCode(n int) (code int, extra uint, value uint32) {
	if n < 4 {
		return n, 0, 0
	}
	extra = uint(bits.Len(uint(n))) - 2
	return int(extra)<<1 + n>>extra, extra, uint32(n) & (1<<extra - 1)
}

// write writes the block in the way that takes the fewest bytes, and begins the next one. raw are the size bytes that it
// stands for, if they are at hand.
func (b *block) write(w *bitWriter, raw []byte, hasRaw bool, size int, last bool) {
	b.lit.build()
	b.dst.build()
	order := b.countLengths()
	dynamic := (b.lit.bits + b.dst.bits + b.lens.bits + 3*order + 5 + 5 + 4 + 3 + 7) / 8
	fixed := (b.lit.fixedBits + b.dst.fixedBits + 3 + 7) / 8
	best := min(dynamic, fixed)
	final := uint32(0)
	if last {
		final = 1
	}
	switch {
	case hasRaw && size+4 <= best:
		w.put(storedBlock<<1|final, 3)
		w.align()
		w.out = append(w.out, byte(size), byte(size>>8), ^byte(size), ^byte(size>>8))
		w.out = append(w.out, raw...)
	case fixed == best:
		w.put(fixedBlock<<1|final, 3)
		b.writeSymbols(w, &fixedLit, &fixedDist)
	default:
		w.put(dynamicBlock<<1|final, 3)
		b.writeTrees(w, order)
		b.writeSymbols(w, &b.lit.code, &b.dst.code)
	}
	if last {
		w.align()
	}
	b.reset()
}

func (b *block) writeSymbols(w *bitWriter, lit, dst *codes) {
	for i := range b.n {
		d, n := int(b.dist[i]), int(b.length[i])
		if d == 0 {
			lit.put(w, n)
			continue
		}
		code, extra, value := lengthCode(n)
		lit.put(w, code)
		w.put(value, extra)
		code, extra, value = distCode(d - 1)
		dst.put(w, code)
		w.put(value, extra)
	}
	lit.put(w, endOfBlock)
}

// lensOrder is the order in which the lengths of the third tree are written: the least likely last.
var lensOrder = [...]int{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}

// countLengths makes the tree of the lengths of the other trees' codes and tells how many of its own have to be written.
func (b *block) countLengths() int {
	count := func(code int, _ uint32, _ uint) { b.lens.freq[code]++ }
	b.lit.lengths(count)
	b.dst.lengths(count)
	b.lens.build()
	n := len(lensOrder)
	for n > 4 && b.lens.code[lensOrder[n-1]].n == 0 {
		n--
	}
	return n
}

func (b *block) writeTrees(w *bitWriter, order int) {
	w.put(uint32(b.lit.max+1-257), 5)
	w.put(uint32(b.dst.max), 5)
	w.put(uint32(order-4), 4)
	for _, code := range lensOrder[:order] {
		w.put(uint32(b.lens.code[code].n), 3)
	}
	put := func(code int, value uint32, extra uint) {
		b.lens.code.put(w, code)
		w.put(value, extra)
	}
	b.lit.lengths(put)
	b.dst.lengths(put)
}
