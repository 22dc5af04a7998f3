package learn

import (
	"bytes"
	"slices"
)

// Shares of the lines that must have a column, in percent.
const (
	nearlyAll = 90
	most      = 70
)

const (
	maxColumns = 24
	lookAhead  = 8 // columns that may stand before a time or a level
)

// scout walks over the header of many lines at once.
type scout struct {
	h     *header
	lines [][]byte
	at    []int // where each line's next column begins
}

// findHeader finds the header that nearly all lines have.
func findHeader(lines [][]byte) *header {
	s := &scout{h: &header{}, lines: lines, at: make([]int, len(lines))}
	if len(lines) == 0 {
		return s.h
	}
	bars := s.bars()
	for len(s.h.columns) < maxColumns && (s.strong() || s.more(bars)) {
	}
	for len(s.h.columns) < maxColumns && s.trailing() {
	}
	s.h.anchor = max(0, slices.IndexFunc(s.h.columns, func(c column) bool { return c.kind == stampColumn || c.kind == levelColumn }))
	return s.h
}

// bars finds out whether the lines begin with columns that a bar parts, and how many.
func (s *scout) bars() int {
	counts := map[int]int{}
	for _, line := range s.lines {
		n := bytes.Count(line[:min(len(line), maxTag)], []byte("|"))
		if i := bytes.IndexByte(line, '|'); i < 0 || i > 60 || bytes.Contains(line, []byte("||")) {
			n = 0
		}
		counts[n]++
	}
	bars, have := 0, 0
	for n := 10; n >= 2; n-- {
		if have += counts[n]; s.share(have) >= nearlyAll {
			bars = n
			break
		}
	}
	if bars > 0 {
		s.h.delim = '|'
	}
	return bars
}

func (s *scout) share(n int) int { return n * 100 / len(s.lines) }

// more takes one more of the columns that a bar parts.
func (s *scout) more(bars int) bool {
	if len(s.h.columns) >= bars {
		return false
	}
	kind, _ := s.majority(s.at)
	if kind.kind == noColumn {
		return false
	}
	s.take(kind)
	return true
}

// strong takes the columns up to the next time or level that nearly all lines have, if it is near.
func (s *scout) strong() bool {
	at := slices.Clone(s.at)
	var before []column
	for range lookAhead {
		c, n := s.majority(at)
		if s.share(n) >= nearlyAll && (c.kind == stampColumn || c.kind == levelColumn && (len(before) == 0 || s.loud(at))) {
			for _, b := range before {
				s.take(b)
			}
			s.take(c)
			return true
		}
		if c.kind == noColumn || c.kind == quotedColumn {
			return false
		}
		if c.kind == tagColumn || n < len(s.lines) {
			c = column{kind: wordColumn} // which takes whatever stands there
		}
		before = append(before, c)
		for i, line := range s.lines {
			at[i] = s.h.step(line, at[i], c).next
		}
	}
	return false
}

// loud tells whether the levels at these places are written as levels are, and not as words in a sentence.
func (s *scout) loud(at []int) bool {
	lower := 0
	for i, line := range s.lines {
		if p := s.h.pieceAt(line, at[i]); p.kind == levelColumn && !p.box && line[p.start] >= 'a' {
			lower++
		}
	}
	return s.share(lower) < 10
}

// majority is the commonest column at these places, and in how many lines it stands there.
func (s *scout) majority(at []int) (column, int) {
	counts := map[column]int{}
	for i, line := range s.lines {
		counts[s.h.pieceAt(line, at[i]).column]++
	}
	best, most := column{}, 0
	for c, n := range counts {
		if c.kind != noColumn && (n > most || n == most && (c.kind < best.kind || c.kind == best.kind && c.box)) {
			best, most = c, n
		}
	}
	return best, most
}

// quotes tells whether a column is quoted.
func (h *header) quotes() bool {
	return slices.ContainsFunc(h.columns, func(c column) bool { return c.kind == quotedColumn })
}

// dashes is the number of lines that have a dash at hand.
func (s *scout) dashes() int {
	return s.count(func(line []byte, p piece) bool { return p.kind == sepColumn && line[p.start] == '-' })
}

func (s *scout) numbers() int {
	return s.count(func(_ []byte, p piece) bool { return p.kind == intColumn })
}

func (s *scout) count(is func([]byte, piece) bool) int {
	n := 0
	for i, line := range s.lines {
		if is(line, s.h.pieceAt(line, s.at[i])) {
			n++
		}
	}
	return n
}

// plainTags is the number of lines that have a tag without blanks at these places.
func (s *scout) plainTags(at []int) int {
	n := 0
	for i, line := range s.lines {
		if p := s.h.pieceAt(line, at[i]); p.kind == tagColumn && bytes.IndexByte(line[p.start:p.end], ' ') < 0 {
			n++
		}
	}
	return n
}

// take makes a column one of the header's and goes behind it in each line that has it.
func (s *scout) take(c column) {
	s.h.columns = append(s.h.columns, c)
	for i, line := range s.lines {
		s.at[i] = s.h.step(line, s.at[i], c).next
	}
}

// trailing takes the next column behind the last time or level, if it belongs to the header.
func (s *scout) trailing() bool {
	n := len(s.h.columns)
	if n == 0 || s.h.columns[n-1].kind == tagColumn {
		return false
	}
	c := s.plainColumn()
	if c.kind == noColumn {
		c = s.wordBefore(s.h.columns[n-1].kind)
	}
	if c.kind == noColumn && s.textShare() >= nearlyAll {
		c.kind = textColumn
	}
	if c.kind == noColumn {
		return false
	}
	s.take(c)
	return true
}

// plainColumn is the column at hand, if its looks alone tell that it belongs to the header.
func (s *scout) plainColumn() column {
	c, n := s.majority(s.at)
	enough := s.share(n) >= nearlyAll
	switch c.kind {
	case tagColumn:
		if s.share(s.plainTags(s.at)) >= most {
			return c
		}
	case boxColumn, quotedColumn:
		if enough {
			return c
		}
	case intColumn, sepColumn:
		if s.h.quotes() && s.numbers()+s.dashes() == len(s.lines) && s.numbers() > 0 && s.dashes() > 0 {
			return column{kind: wordColumn} // a number or, where there is none, a dash
		}
		if enough {
			return c
		}
	}
	return column{}
}

// wordBefore is a word column, if the word at hand belongs to the header since what follows it does: a host before a
// program's name, a class before brackets, a word padded with blanks.
func (s *scout) wordBefore(last columnKind) column {
	word := column{kind: wordColumn}
	at := make([]int, len(s.lines))
	padded := 0
	for i, line := range s.lines {
		p := s.h.step(line, s.at[i], word)
		at[i] = p.next
		if p.next > p.end+1 && p.end > p.start && line[p.end] == ' ' {
			padded++
		}
	}
	next, n := s.majority(at)
	host := (last == stampColumn || last == boxColumn) && s.share(s.plainTags(at)) >= most
	marked := next.kind == boxColumn && s.share(n) >= nearlyAll || next.kind == sepColumn && s.share(n) >= max(nearlyAll, s.textShare())
	if host || marked || s.share(padded) >= nearlyAll {
		return word
	}
	return column{}
}

// textShare is the share of the lines that have a dash between blanks not far from here.
func (s *scout) textShare() int {
	n := 0
	for i, line := range s.lines {
		if s.h.step(line, s.at[i], column{kind: textColumn}).end > 0 {
			n++
		}
	}
	return s.share(n)
}
