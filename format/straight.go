package format

import (
	"bytes"
	"encoding/binary"
	"math/bits"

	"logctl/format/token"
)

// Most schemas are words of which each takes a run of non-blanks or a part of it, or something that ends by itself, such as a
// string in quotes; and most lines fit such a schema from their first run on. For these there is a shorter way than Match.run:
// one pass over the line finds where its runs begin and end, 64 bytes at a time, and whether anything in it needs an escape in
// JSON. A line that does not fit in this way is matched as any other.

// word is what a straight schema has between two blanks: a literal, what is taken, another literal; each may be absent.
type word struct {
	before, after []byte
	takes         bool
	slot          uint8 // noSlot: taken and dropped
	kind          kind
	empty         bool // it may take nothing
	prefix        bool // what it takes is told from its beginning and may hold blanks
	last          bool // nothing follows what it takes
	plain         bool // it takes all of the run, whatever it is
}

// noSlot is where the spans of what is dropped go.
const noSlot = maxCaptures

func slotOf(n *node) uint8 {
	if n.slot < 0 {
		return noSlot
	}
	return uint8(n.slot)
}

// straighten gives the words of a program, or nil if it is not straight.
func (p *program) straighten() []word {
	if p.whole || p.delimiter != 0 {
		return nil
	}
	words := []word{{slot: noSlot}}
	for n := p.start; ; n = p.nodes[n].next {
		nd, w := &p.nodes[n], &words[len(words)-1]
		switch nd.op {
		case opEnd:
			if p.blankAfter {
				return nil
			}
			for i := range words {
				w := &words[i]
				w.plain = w.takes && w.kind == kindRun && len(w.before)+len(w.after) == 0
			}
			return words
		case opBlank:
			if nd.soft {
				return nil
			}
			words = append(words, word{slot: noSlot})
		case opLiteral:
			if len(w.after) > 0 || bytes.ContainsFunc(nd.literal, func(r rune) bool { return r <= ' ' }) {
				return nil
			}
			if w.takes {
				w.after = nd.literal
			} else {
				w.before = nd.literal
			}
		case opRun, opUpTo:
			if w.takes || len(nd.follows) > 1 {
				return nil
			}
			w.takes, w.slot, w.kind, w.empty = true, slotOf(nd), nd.kind, nd.empty
		case opPrefix:
			if w.takes || nd.kind == kindJSON {
				return nil
			}
			w.takes, w.slot, w.kind, w.prefix, w.last = true, slotOf(nd), nd.kind, true, nd.last
		case opRest:
			if nd.kind != kindRest || w.takes || len(w.before) > 0 || len(words) == 1 {
				return nil
			}
			w.takes, w.slot, w.kind = true, slotOf(nd), kindRest
		default:
			return nil
		}
	}
}

// matchStraight tells whether the words fit the runs of the line from the first on. It gives up on a line with control
// characters.
func (p *program) matchStraight(m *Match, line []byte) bool {
	var edges uint64 // the places in the block at hand where a run begins or ends and that are still to come
	var special uint64
	m.elements.text = nil
	base, blank := -token.BlockSize, uint64(1) // where the block begins; whether the byte before the next one is a blank
	end := 0                                   // of the run at hand
	for i := range p.words {
		w := &p.words[i]
		if w.kind == kindRest {
			at := token.SkipBlanks(line, end)
			if at == end {
				return false
			}
			m.spans[w.slot] = span{uint32(at), uint32(len(line))}
			break
		}
		for edges == 0 {
			if base += token.BlockSize; base >= len(line) {
				return false
			}
			blanks, more := blockAt(line, base)
			special |= blockBit(base, more)
			edges, blank = blanks^(blanks<<1|blank), blanks>>(token.BlockSize-1)
		}
		start := base + bits.TrailingZeros64(edges)
		edges &= edges - 1
		for edges == 0 { // the line ends with a blank, as blockAt has it
			base += token.BlockSize
			blanks, more := blockAt(line, base)
			special |= blockBit(base, more)
			edges, blank = blanks^(blanks<<1|blank), blanks>>(token.BlockSize-1)
		}
		end = base + bits.TrailingZeros64(edges)
		edges &= edges - 1
		if w.plain {
			m.spans[w.slot] = span{uint32(start), uint32(end)}
		} else if w.prefix {
			if end = w.takePrefix(m, line, start); end < 0 {
				return false
			}
			if i == len(p.words)-1 {
				break
			}
			if end == len(line) || line[end] != ' ' {
				return false
			}
			for base+token.BlockSize <= end {
				base += token.BlockSize
				blanks, more := blockAt(line, base)
				special |= blockBit(base, more)
				edges, blank = blanks^(blanks<<1|blank), blanks>>(token.BlockSize-1)
			}
			edges &^= 1<<(end-base+1) - 1
		} else if !w.take(m, line, start, end, i == len(p.words)-1) {
			return false
		}
	}
	m.line, m.effort = line, effortBase
	m.special = special | ^uint64(1)<<min(base/token.BlockSize, lastBlock-1) // nobody has looked behind this block
	m.present, m.made, m.unquoted, m.stamp, m.arena = p.all, 0, 0, span{}, m.arena[:0]
	for ; special != 0; special &= special - 1 {
		block := bits.TrailingZeros64(special)
		start, end := block*token.BlockSize, len(line)
		if block < lastBlock {
			end = min(end, start+token.BlockSize)
		}
		if hasControl(line[start:end]) {
			return false
		}
	}
	return true
}

// lastBlock is the number of the block from which on all share a bit.
const lastBlock = 63

// blockBit is the bit of the block of a line that begins at base, if there is something special in it.
func blockBit(base int, special uint64) uint64 {
	if special == 0 {
		return 0
	}
	return 1 << min(base/token.BlockSize, lastBlock)
}

// isClean tells whether there is nothing special in the blocks of a part of the line.
func (m *Match) isClean(at span) bool {
	first, last := min(at.start/token.BlockSize, lastBlock), min(at.end/token.BlockSize, lastBlock)
	return m.special>>first<<(63-last+first) == 0
}

// hasControl tells whether b has a control character; to most of them a blank is none.
func hasControl(b []byte) bool {
	const low, high = 0x0101010101010101, 0x8080808080808080
	for ; len(b) >= 8; b = b[8:] {
		if w := binary.LittleEndian.Uint64(b); (w-low*' ')&^w&high != 0 {
			return true
		}
	}
	for _, c := range b {
		if c < ' ' {
			return true
		}
	}
	return false
}

// takePrefix lets the word take what begins at a place, and gives the place behind it, or -1.
func (w *word) takePrefix(m *Match, line []byte, at int) int {
	if !bytes.HasPrefix(line[at:], w.before) {
		return -1
	}
	at += len(w.before)
	size := m.prefix(w.kind, line[at:], w.last)
	if size == 0 || !bytes.HasPrefix(line[at+size:], w.after) {
		return -1
	}
	quote := 0
	if w.kind == kindQuoted {
		quote = 1
	}
	m.spans[w.slot] = span{uint32(at + quote), uint32(at + size - quote)}
	return at + size + len(w.after)
}

// take lets the word take its part of a run, and tells whether it fits. The last word need not reach the run's end.
func (w *word) take(m *Match, line []byte, start, end int, last bool) bool {
	run := line[start:end]
	if len(w.before) > 0 && (run[0] != w.before[0] || !bytes.HasPrefix(run, w.before)) {
		return false
	}
	start += len(w.before)
	run = run[len(w.before):]
	if !w.takes {
		return last || len(run) == 0
	}
	if len(w.after) > 0 {
		cut := len(run) - len(w.after)
		if last {
			cut = bytes.LastIndex(run, w.after)
		} else if !bytes.HasSuffix(run, w.after) {
			return false
		}
		if cut < 0 {
			return false
		}
		run = run[:cut]
	}
	if len(run) == 0 && !w.empty || w.kind == kindDate && token.DatePrefix(line[start:]) > 0 || !w.kind.fits(run) {
		return false
	}
	m.spans[w.slot] = span{uint32(start), uint32(start + len(run))}
	return true
}

// blockAt is token.ScanBlock of the block of the line that begins at a place. Behind the line's end there are blanks.
func blockAt(line []byte, at int) (blanks, special uint64) {
	left := len(line) - at
	switch {
	case left >= token.BlockSize:
		return token.ScanBlock((*[token.BlockSize]byte)(line[at:]))
	case left <= 0:
		return ^uint64(0), 0
	case at > 0: // the last block of the line, less what it shares with the one before
		blanks, special = token.ScanBlock((*[token.BlockSize]byte)(line[len(line)-token.BlockSize:]))
		return blanks>>(token.BlockSize-left) | ^uint64(0)<<left, special
	}
	short := [token.BlockSize]byte(blankBlock)
	copy(short[:], line)
	return token.ScanBlock(&short)
}

var blankBlock = bytes.Repeat([]byte{' '}, token.BlockSize)
