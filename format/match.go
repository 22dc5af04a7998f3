package format

import (
	"bytes"
	"time"

	"logctl/format/kv"
	"logctl/format/token"
	"logctl/store/ejson"
)

// span is a part of a line, or of what a Match has made of it.
type span struct{ start, end uint32 }

// effort bounds the work on one line, in bytes looked at beyond the first pass: a line with very many places where a
// part of the schema could be does not hold up the others, it does not match.
const (
	effortBase    = 1 << 16
	effortPerByte = 64
)

// Match is what a schema took of one line, and the memory to find that out; it is to be reused. The zero Match is ready.
// It is not safe for concurrent use, and good until the next line and as long as the line is.
type Match struct {
	// Reference is when the line was written, or later: a time without a year is at most a day after it.
	Reference time.Time
	// Taken are more keys that an object has before AppendMembers writes to it, besides those of the Rules.
	Taken []string

	nodes    []node
	line     []byte
	effort   int
	present  uint64                // the slots that took something, be it empty
	spans    [maxCaptures + 1]span // in line, of those slots; the last is of none
	unquoted uint64                // the slots whose spans are in arena instead
	made     uint64                // the slots whose value is JSON
	values   [maxCaptures]span     // in arena, of those slots
	arena    []byte
	special  uint64 // the blocks of line in which something may need more than to be copied into JSON, see blockBit
	stamp    span   // in arena: the time as RFC 3339, empty if the line has none

	text, numbered []byte // scratch
	left           uint64 // the keys of the time that have been left out of the object
	keys           keySet // of the object that is written
	params         keySet // of an element of structured data in it
	elements       elements

	blankAfter bool // of the program, as
	whole      bool
	origin     int    // where the try at hand began
	stop       stop   // the furthest that a try came
	traced     bool   // keep path
	path       []step // of the try at hand
	farthest   []step // of the one that stop is of
}

// step is a node with what it took.
type step struct {
	node int32
	took span
}

// Bytes is what a capture took, and whether it took anything, even nothing at all (ruser=).
func (m *Match) Bytes(slot int) (text []byte, ok bool) {
	if m.present>>slot&1 == 0 {
		return nil, false
	}
	return m.bytes(slot), true
}

// HasTime tells whether the line has the time that the schema's rules ask for.
func (m *Match) HasTime() bool { return m.stamp.end > 0 }

func (m *Match) bytes(slot int) []byte {
	at := m.spans[slot]
	if m.unquoted>>slot&1 != 0 {
		return m.arena[at.start:at.end]
	}
	return m.line[at.start:at.end]
}

// match finds the leftmost place where the program fits.
func (p *program) match(m *Match, line []byte) bool {
	if p.words != nil && !m.traced && p.matchStraight(m, line) {
		return true
	}
	m.begin(p, line)
	if p.columns != nil {
		return p.matchColumns(m)
	}
	if p.whole {
		return m.try(p.start, token.SkipBlanks(line, 0))
	}
	if literal := p.first(); literal != nil {
		return p.matchFromLiteral(m, literal)
	}
	if p.startsAnywhere() {
		return m.try(p.start, 0)
	}
	for at := token.SkipBlanks(line, 0); at < len(line) && m.effort > 0; {
		if m.try(p.start, at) {
			return true
		}
		at = token.SkipBlanks(line, token.RunEnd(line, at))
	}
	return false
}

func (m *Match) begin(p *program, line []byte) {
	m.nodes, m.line, m.blankAfter, m.whole = p.nodes, line, p.blankAfter, p.whole
	m.effort = effortBase + effortPerByte*len(line)
	m.present, m.made, m.unquoted = 0, 0, 0
	m.arena, m.elements.text = m.arena[:0], nil
	m.stamp, m.special = span{}, ^uint64(0)
	m.stop = stop{reach: -1}
	m.path, m.farthest = m.path[:0], m.farthest[:0]
}

// matchFromLiteral tries every place where the literal that the schema begins with stands.
func (p *program) matchFromLiteral(m *Match, literal []byte) bool {
	for at := 0; m.effort > 0; at++ {
		i := bytes.Index(m.line[at:], literal)
		if i < 0 {
			return false
		}
		at += i
		if p.blankBefore && !isBoundary(m.line, at) {
			continue
		}
		if m.try(p.start, at) {
			return true
		}
	}
	return false
}

func (m *Match) try(start int32, at int) bool {
	m.origin = at
	m.undo(0, 0)
	return m.run(start, at) >= 0
}

// run gives the place behind what the nodes from n on take from a place on, or -1. It goes on by itself as long as there is one
// way to go on.
func (m *Match) run(n int32, at int) int {
	for {
		nd := &m.nodes[n]
		start := at
		switch nd.op {
		case opLiteral:
			if !bytes.HasPrefix(m.line[at:], nd.literal) {
				return m.fail(n, at)
			}
			at += len(nd.literal)
		case opBlank:
			at = token.SkipBlanks(m.line, at)
			if at == start && !(nd.soft && (at == m.origin || isBoundary(m.line, at))) {
				return m.fail(n, at)
			}
			m.effort--
		case opEnd:
			if m.blankAfter && at < len(m.line) && !token.IsBlank(m.line[at]) {
				return m.fail(n, at)
			}
			if m.whole && token.SkipBlanks(m.line, at) < len(m.line) {
				return m.fail(n, at)
			}
			return at
		case opRun, opUpTo:
			end := token.RunEnd(m.line, at)
			m.effort -= end - at
			if nd.kind == kindDate {
				if n := token.DatePrefix(m.line[at:]); n > 0 {
					at += n
					m.take(nd.slot, start, at)
					break
				}
			}
			if nd.op == opUpTo {
				return m.upTo(n, at, end)
			}
			if end == at && !nd.empty || !nd.kind.fits(m.line[at:end]) {
				return m.fail(n, at)
			}
			at = end
			m.take(nd.slot, start, at)
		case opText:
			return m.shortest(n, at)
		case opPrefix:
			size := m.prefix(nd.kind, m.line[at:], nd.last)
			if size == 0 || !m.valid(nd, at, at+size) {
				m.effort -= len(m.line) - at
				return m.fail(n, at)
			}
			m.effort -= size
			at += size
			if nd.kind == kindQuoted {
				m.take(nd.slot, start+1, at-1)
			} else {
				m.take(nd.slot, start, at)
			}
		case opRest:
			if !m.rest(nd, at) {
				return m.fail(n, at)
			}
			at = len(m.line)
		case opGroup:
			m.effort--
			if m.effort < 0 {
				return -1
			}
			path, arena := len(m.path), len(m.arena)
			if end := m.run(nd.inner, at); end >= 0 {
				return end
			}
			m.undo(path, arena)
			m.present &^= nd.absent
		}
		if m.traced {
			m.path = append(m.path, step{n, span{uint32(start), uint32(at)}})
		}
		n = nd.next
	}
}

// upTo lets a node take the longest part of the run line[at:end] with which the rest fits; what may follow it is tried in order.
func (m *Match) upTo(n int32, at, end int) int {
	nd := &m.nodes[n]
	from := at
	if !nd.empty {
		from++
	}
	for _, f := range nd.follows {
		next := &m.nodes[f.node]
		m.present &^= f.absent
		if next.op != opLiteral {
			if end >= from && nd.kind.fits(m.line[at:end]) {
				if behind := m.cut(n, f.node, at, end); behind >= 0 {
					return behind
				}
			}
			continue
		}
		to := min(end+len(next.literal), len(m.line)) // an escaped blank may begin the literal
		for m.effort > 0 && from <= to {
			i := bytes.LastIndex(m.line[from:to], next.literal)
			if i < 0 {
				m.fail(f.node, end)
				break
			}
			cut := from + i
			if nd.kind.fits(m.line[at:cut]) {
				if behind := m.cut(n, f.node, at, cut); behind >= 0 {
					return behind
				}
			}
			to = cut + len(next.literal) - 1
			m.effort -= len(next.literal)
		}
	}
	return m.fail(n, at)
}

// shortest lets a node take the least of the line from a place on with which the rest fits.
func (m *Match) shortest(n int32, at int) int {
	nd := &m.nodes[n]
	cut := at
	if !nd.empty {
		cut++
	}
	literal := m.nodes[nd.follows[0].node].literal
	for ; cut <= len(m.line) && m.effort > 0; cut++ {
		if len(nd.follows) == 1 && literal != nil {
			i := bytes.Index(m.line[cut:], literal)
			if i < 0 {
				break
			}
			cut += i
			m.effort -= i
		}
		m.effort--
		for _, f := range nd.follows {
			if !m.mayStand(f.node, cut) {
				continue
			}
			m.present &^= f.absent
			if behind := m.cut(n, f.node, at, cut); behind >= 0 {
				return behind
			}
		}
	}
	return m.fail(n, at)
}

// mayStand tells whether a node that follows text may be at a place. Text does not end with a blank, and reaches to the end of the
// line if nothing follows it.
func (m *Match) mayStand(n int32, at int) bool {
	switch nd := &m.nodes[n]; nd.op {
	case opLiteral:
		return bytes.HasPrefix(m.line[at:], nd.literal)
	case opBlank:
		return at < len(m.line) && token.IsBlank(m.line[at]) && (at == 0 || !token.IsBlank(m.line[at-1]))
	}
	return token.SkipBlanks(m.line, at) == len(m.line)
}

// cut lets a node take line[at:cut] and goes on behind it.
func (m *Match) cut(n, next int32, at, cut int) int {
	m.take(m.nodes[n].slot, at, cut)
	path, arena := len(m.path), len(m.arena)
	if m.traced {
		m.path = append(m.path, step{n, span{uint32(at), uint32(cut)}})
	}
	behind := m.run(next, cut)
	if behind < 0 {
		m.undo(path, arena)
	}
	return behind
}

// undo forgets what a way that led nowhere has left.
func (m *Match) undo(path, arena int) {
	m.path, m.arena = m.path[:path], m.arena[:arena]
}

// fail notes where the way at hand ends, if none came farther.
func (m *Match) fail(n int32, at int) int {
	if reach := at - m.origin; reach > m.stop.reach {
		m.stop = stop{reach: reach, node: n, at: at}
		if m.traced {
			m.farthest = append(m.farthest[:0], m.path...)
		}
	}
	return -1
}

func (m *Match) take(slot int8, start, end int) {
	if slot >= 0 {
		m.present |= 1 << slot
		m.spans[slot] = span{uint32(start), uint32(end)}
	}
}

// rest lets a node take the rest of the line.
func (m *Match) rest(nd *node, at int) bool {
	switch nd.kind {
	case kindKV:
		at = kv.SkipGap(m.line, at)
	case kindJSON:
		at = token.SkipBlanks(m.line, at)
	}
	switch {
	case nd.kind == kindRest:
	case nd.kind == kindKV && at < len(m.line) && m.pairs(m.line[at:], true) == 0:
		return false
	case nd.kind == kindJSON && (at == len(m.line) || m.line[at] != '{' || !m.valid(nd, at, len(m.line))):
		return false
	}
	m.take(nd.slot, at, len(m.line))
	return true
}

// valid tells whether line[start:end] is what the node takes, where its kind alone does not tell, and keeps JSON in the form
// that the stores keep.
func (m *Match) valid(nd *node, start, end int) bool {
	if nd.kind != kindJSON || nd.slot < 0 {
		return true
	}
	m.effort -= end - start
	value, ok := m.compact(m.line[start:end], nd.op != opRest)
	if ok {
		m.made |= 1 << nd.slot
		m.values[nd.slot] = value
	}
	return ok
}

// compact appends the stored form of JSON text to the arena: of a member, or of an object whose members become those of the
// line's. Bytes that are not UTF-8 become U+FFFD.
func (m *Match) compact(text []byte, member bool) (span, bool) {
	form := ejson.Compact
	if member {
		form = ejson.CompactMember
	}
	start := len(m.arena)
	var err error
	m.arena, err = form(m.arena, text)
	if err != nil {
		m.text = appendRepaired(m.text[:0], text)
		if len(m.text) == len(text) {
			return span{}, false
		}
		if m.arena, err = form(m.arena, m.text); err != nil {
			return span{}, false
		}
	}
	return span{uint32(start), uint32(len(m.arena))}, true
}

// value is what stands in place of a slot's bytes.
func (m *Match) value(slot int) []byte {
	at := m.values[slot]
	return m.arena[at.start:at.end]
}
