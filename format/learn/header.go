package learn

import (
	"bytes"

	"logctl/format/token"
)

// columnKind is what a column of the header holds.
type columnKind uint8

const (
	noColumn     columnKind = iota
	stampColumn             // a point in time, see stampPrefix; it may hold blanks
	levelColumn             // INFO, warn, …
	intColumn               // a number, as a process has
	wordColumn              // a run of non-blanks
	boxColumn               // [something], blanks allowed in it
	quotedColumn            // "something"
	tagColumn               // sshd[24200]: or dfs.DataNode: or kernel:, the last column
	textColumn              // anything up to a dash between blanks
	sepColumn               // - or |
)

// column is one column of the header.
type column struct {
	kind columnKind
	box  bool // it stands in brackets
}

// header is what the lines of a file have in front of the message, column by column, with blanks between them, or delim.
type header struct {
	columns []column
	delim   byte // parts the columns beside blanks; 0: nothing does
	anchor  int  // the first column that is a time or a level; a header has that
}

// piece is what stands at one place of a line.
type piece struct {
	column
	start, end int // of the value, without brackets
	next       int // where the next column begins
}

// hasBlanks tells whether what stands in a column that may hold blanks does, of a tag the name.
func (p *piece) hasBlanks(line []byte) bool {
	text := line[p.start:p.end]
	switch p.kind {
	case tagColumn:
		text = text[:max(0, bytes.IndexByte(text, '['))]
	case boxColumn, textColumn:
	default:
		return false
	}
	return bytes.IndexByte(bytes.TrimSpace(text), ' ') >= 0
}

// pieceAt tells what stands at a place, the most telling kind that fits.
func (h *header) pieceAt(line []byte, at int) piece {
	at = token.SkipBlanks(line, at)
	if at >= len(line) {
		return piece{}
	}
	rest := line[at:]
	if n := stampPrefix(rest); n > 0 && h.ends(line, at+n) {
		return h.piece(line, column{kind: stampColumn}, at, at+n)
	}
	switch c := rest[0]; {
	case c == '[' || c == '<' || c == '(':
		if n := boxLen(rest); n > 0 {
			return h.boxed(line, at, at+n)
		}
	case c == '"':
		if n := token.Quoted(rest); n > 0 && h.ends(line, at+n) {
			return h.piece(line, column{kind: quotedColumn}, at, at+n)
		}
	case (c == '-' || c == '|' || c == ':') && h.ends(line, at+1):
		return h.piece(line, column{kind: sepColumn}, at, at+1)
	}
	end := h.runEnd(line, at)
	word := line[at:end]
	switch {
	case isLevel(word):
		return h.piece(line, column{kind: levelColumn}, at, end)
	case token.IsInt(word):
		return h.piece(line, column{kind: intColumn}, at, end)
	}
	if n := tagLen(rest); n > 0 {
		return h.piece(line, column{kind: tagColumn}, at, at+n)
	}
	return h.piece(line, column{kind: wordColumn}, at, end)
}

func (h *header) piece(line []byte, c column, start, end int) piece {
	next := end
	if c.kind == stampColumn || c.kind == levelColumn {
		for next < len(line) && (line[next] == ',' || line[next] == ':') {
			next++
		}
	}
	next = token.SkipBlanks(line, next)
	if h.delim != 0 && next < len(line) && line[next] == h.delim {
		next = token.SkipBlanks(line, next+1)
	}
	return piece{c, start, end, next}
}

// boxed is what stands in brackets from start to end.
func (h *header) boxed(line []byte, start, end int) piece {
	inner := bytes.TrimSpace(line[start+1 : end-1])
	c := column{kind: boxColumn, box: true}
	switch n := stampPrefix(inner); {
	case n > 0 && n == len(inner):
		c.kind = stampColumn
	case isLevel(inner):
		c.kind = levelColumn
	}
	next := end
	for next < len(line) && (line[next] == ',' || line[next] == ':') {
		next++
	}
	p := h.piece(line, c, start, next)
	p.start, p.end = start+1, end-1
	return p
}

// ends tells whether a column may end at a place.
func (h *header) ends(line []byte, at int) bool {
	return at == len(line) || token.IsBlank(line[at]) || line[at] == ',' || line[at] == ':' || h.delim != 0 && line[at] == h.delim
}

func (h *header) runEnd(line []byte, at int) int {
	end := token.RunEnd(line, at)
	if h.delim != 0 {
		if i := bytes.IndexByte(line[at:end], h.delim); i >= 0 {
			end = at + i
		}
	}
	for end > at+1 && line[end-1] == ',' {
		end--
	}
	return end
}

const maxBox = 200

// boxLen is the length of brackets with what is in them, nested ones too.
func boxLen(b []byte) int {
	open, shut := b[0], b[0]+2
	if open == '(' {
		shut = ')'
	}
	depth := 0
	for i, c := range b[:min(len(b), maxBox)] {
		switch c {
		case open:
			depth++
		case shut:
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return 0
}

const maxTag = 120

// tagLen is the length of the name of a program or a class with the colon behind it: sshd[24200]: or kernel: . Only one
// that has a number in brackets may hold a blank: Microsoft Word[14463]: .
func tagLen(b []byte) int {
	blanks := 0
	for i := 0; i < len(b) && i < maxTag; i++ {
		switch c := b[i]; {
		case c == '[' && i > 0 && b[i-1] != ' ':
			n := boxLen(b[i:])
			if n < 3 || !isDigit(b[i+1]) {
				return 0
			}
			i += n
			if i+1 < len(b) && b[i] == ' ' && b[i+1] == '(' { // launchd[1] (com.apple.quicklook[500]):
				i += 1 + boxLen(b[i+1:])
			}
			if i < len(b) && b[i] == ':' && (i+1 == len(b) || token.IsBlank(b[i+1])) {
				return i + 1
			}
			return 0
		case c == ':':
			if i > 0 && blanks == 0 && (i+1 == len(b) || token.IsBlank(b[i+1])) {
				return i + 1
			}
			if i+1 < len(b) && token.IsBlank(b[i+1]) {
				return 0
			}
		case c == ' ':
			if blanks++; blanks > 3 {
				return 0
			}
		case c == '=' || c == ',' || c == '"' || c == '{' || c == ';':
			return 0
		}
	}
	return 0
}

// isLevel tells whether b is the name of a level, in any of the three usual cases.
func isLevel(b []byte) bool {
	if len(b) > 0 && b[0] == '<' || len(b) > 9 {
		return false
	}
	var low [9]byte
	for i, c := range b {
		if !isLetter(c) {
			return false
		}
		low[i] = c | 0x20
	}
	switch string(low[:len(b)]) {
	case "trace", "debug", "info", "notice", "warn", "warning", "error", "err", "crit", "critical", "alert", "emerg", "fatal", "severe",
		"panic", "failure", "verbose", "fine", "finer", "finest", "config":
		return true
	}
	return len(b) == 1 && bytes.IndexByte([]byte("VDIWEFT"), b[0]) >= 0
}

// step is the piece of the given kind at a place; its end is 0 if there is none, and next is then the place itself.
func (h *header) step(line []byte, at int, c column) piece {
	none := piece{next: at}
	at = token.SkipBlanks(line, at)
	if at >= len(line) {
		return none
	}
	switch c.kind {
	case wordColumn:
		return h.piece(line, c, at, h.runEnd(line, at))
	case textColumn:
		i := bytes.Index(line[at:min(len(line), at+60)], []byte(" - "))
		if i < 1 {
			return none
		}
		p := h.piece(line, c, at, at+i+2)
		p.end = at + i
		return p
	case tagColumn:
		if n := tagLen(line[at:]); n > 0 {
			return h.piece(line, c, at, at+n)
		}
		return none
	}
	if p := h.pieceAt(line, at); p.column == c {
		return p
	}
	return none
}

// parse adds the pieces of a line's header to pieces and gives the place of its message. A line that lacks a column
// lacks all that follow it; one that does not come to the first time or level has no header at all.
func (h *header) parse(line []byte, pieces []piece) (_ []piece, message int) {
	at := 0
	for _, c := range h.columns {
		p := h.step(line, at, c)
		if p.end == 0 {
			break
		}
		pieces = append(pieces, p)
		at = p.next
	}
	if len(pieces) <= h.anchor {
		return pieces[:0], 0
	}
	return pieces, at
}
