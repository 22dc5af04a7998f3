package format

import (
	"bytes"

	"logctl/format/token"
)

// span is where a capture's bytes are in the line.
type span struct{ start, end uint32 }

// effort bounds the work on one line, in bytes looked at beyond the first pass: a line with very many places where a
// literal of the schema could be does not hold up the others, it does not match.
const (
	effortBase    = 1 << 16
	effortPerByte = 64
)

// matcher is the state of matching one line.
type matcher struct {
	words  []word
	line   []byte
	effort int
	last   bool // the word at hand is the schema's last, and no blank follows it
	spans  [maxCaptures]span
}

// match finds the leftmost place where the program fits and fills in m.spans.
func (p *program) match(m *matcher, line []byte) bool {
	m.words, m.line = p.words, line
	m.effort = effortBase + effortPerByte*len(line)
	first := &p.words[0][0]
	switch {
	case first.literal != nil:
		return p.matchFromLiteral(m, first.literal)
	case first.kind == kindRest:
		return p.matchAt(m, 0)
	}
	for at := token.SkipBlanks(line, 0); at < len(line) && m.effort > 0; {
		if p.matchAt(m, at) {
			return true
		}
		at = token.SkipBlanks(line, token.RunEnd(line, at))
	}
	return false
}

// matchFromLiteral tries every place where the literal that the schema begins with stands.
func (p *program) matchFromLiteral(m *matcher, literal []byte) bool {
	for at := 0; m.effort > 0; at++ {
		i := bytes.Index(m.line[at:], literal)
		if i < 0 {
			return false
		}
		at += i
		if p.blankBefore && at > 0 && !token.IsBlank(m.line[at-1]) {
			continue
		}
		if p.matchAt(m, at) {
			return true
		}
	}
	return false
}

// matchAt tells whether the program fits from a place on: word by word, each of which, but for the type of what it takes,
// has its own run of non-blanks, so that there is nothing to take back across words.
func (p *program) matchAt(m *matcher, at int) bool {
	for i, w := range m.words {
		if i > 0 {
			next := token.SkipBlanks(m.line, at)
			if next == at {
				return false
			}
			at = next
		}
		if len(w) == 1 && w[0].kind == kindRun && w[0].literal == nil { // $name or _: most words are
			end := token.RunEnd(m.line, at)
			if end == at {
				return false
			}
			m.set(&w[0], at, end)
			at = end
			continue
		}
		m.last = i == len(m.words)-1 && !p.blankAfter
		if at = m.matchWord(w, at); at < 0 {
			return false
		}
	}
	return true
}

// matchWord gives the place behind what the word's pieces take from a place on, or -1.
func (m *matcher) matchWord(w word, at int) int {
	if len(w) == 0 {
		if m.last || at == len(m.line) || token.IsBlank(m.line[at]) {
			return at
		}
		return -1
	}
	pc := &w[0]
	switch {
	case pc.literal != nil:
		if !bytes.HasPrefix(m.line[at:], pc.literal) {
			return -1
		}
		return m.matchWord(w[1:], at+len(pc.literal))
	case pc.kind == kindRest:
		m.set(pc, at, len(m.line))
		return len(m.line)
	case pc.kind == kindQuoted:
		n := token.Quoted(m.line[at:])
		if n == 0 {
			m.effort -= len(m.line) - at
			return -1
		}
		m.effort -= n
		m.set(pc, at+1, at+n-1)
		return m.matchWord(w[1:], at+n)
	case pc.kind == kindDate:
		if n := token.DatePrefix(m.line[at:]); n > 0 {
			m.set(pc, at, at+n)
			return m.matchWord(w[1:], at+n)
		}
	}
	end := token.RunEnd(m.line, at)
	m.effort -= end - at
	if len(w) > 1 {
		return m.matchUpTo(w, at, end)
	}
	if end == at && !pc.empty || !isKind(pc.kind, m.line[at:end]) {
		return -1
	}
	m.set(pc, at, end)
	return end
}

// matchUpTo lets w[0] take the longest part of the run line[at:end] that the literal w[1] follows and with which the
// rest of the word fits.
func (m *matcher) matchUpTo(w word, at, end int) int {
	pc, literal := &w[0], w[1].literal
	from := at
	if !pc.empty {
		from++
	}
	to := min(end+len(literal), len(m.line)) // an escaped blank may begin the literal
	for m.effort > 0 && from <= to {
		i := bytes.LastIndex(m.line[from:to], literal)
		if i < 0 {
			return -1
		}
		cut := from + i
		if isKind(pc.kind, m.line[at:cut]) {
			if behind := m.matchWord(w[2:], cut+len(literal)); behind >= 0 {
				m.set(pc, at, cut)
				return behind
			}
		}
		to = cut + len(literal) - 1
		m.effort -= len(literal)
	}
	return -1
}

func (m *matcher) set(pc *piece, start, end int) {
	if pc.slot >= 0 {
		m.spans[pc.slot] = span{uint32(start), uint32(end)}
	}
}

// isKind tells whether b is what a capture of that type takes from one run.
func isKind(k kind, b []byte) bool {
	switch k {
	case kindIP:
		return token.IsIP(b)
	case kindInt:
		return token.IsInt(b)
	case kindFloat:
		return token.IsFloat(b)
	case kindDate:
		return token.IsDate(b)
	}
	return true
}
