package learn

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"

	"logctl/format/token"
)

// role says where in a line a slot stands.
type role uint8

const (
	messageRole role = iota // in the message
	unitRole                // a unit of size or time behind a number of the message
	listRole                // many words up to the end of the message
	jsonRole                // the message, a JSON object
	pairsRole               // the message, key=value and nothing else
	stampRole               // the header's time; it may hold blanks
	levelRole
	pidRole
	hostRole // a word before the program's name
	programRole
	boxRole // in brackets of the header
	quotedRole
	sourceRole    // any other word of the header before its time
	componentRole // or behind it
)

// slot is a place of a form that takes text.
type slot struct {
	span
	role   role
	column int // of the header
}

// unitMark stands for a unit in a key, so that a unit that is there in some lines only is not taken for a value.
const unitMark = 1

// isSlot tells whether a byte of a key stands for a slot.
func isSlot[T byte | rune](c T) bool { return c == wild || c == unitMark }

func countSlots(key string) int {
	return strings.Count(key, anyWord) + strings.Count(key, string(rune(unitMark)))
}

// former takes lines apart into literals and slots. Lines for which it gives the same key have the same form: one
// schema fits them all, but for the types of its captures.
type former struct {
	header *header
	masker masker
	line   []byte
	end    int    // of the line without blanks behind it
	key    []byte // the line with a blank for every run of blanks, and wild or unitMark for every slot
	slots  []slot
	pieces []piece
}

// take takes a line apart. words are those of the line's group, or nil if the line's shape has no place of values
// beyond its signature.
func (f *former) take(line []byte, words []string) {
	at := f.head(line)
	switch msg := line[at:]; {
	case isJSON(msg):
		f.slot(at, f.end, jsonRole)
	case isPairs(msg):
		f.slot(at, f.end, pairsRole)
	default:
		f.message(at, words)
	}
	f.key = bytes.TrimSuffix(f.key, []byte(" "))
}

// takeHeader takes the header of a line apart; what is behind it is one slot.
func (f *former) takeHeader(line []byte) {
	f.slot(f.head(line), f.end, listRole)
}

// head takes the header of a line apart and gives the place of the message.
func (f *former) head(line []byte) (message int) {
	f.line, f.key, f.slots = line, f.key[:0], f.slots[:0]
	f.end = len(bytes.TrimRight(line, " \t\r\v\f"))
	f.masker.keep = true
	f.pieces, message = f.header.parse(line, f.pieces[:0])
	at := 0
	for i, p := range f.pieces {
		f.literal(at, p.start)
		n := len(f.slots)
		f.column(p, f.roleOf(i))
		for k := range f.slots[n:] {
			f.slots[n+k].column = i
		}
		f.literal(p.end, p.next)
		at = p.next
	}
	return message
}

// roleOf is the role of the words of a column of the header.
func (f *former) roleOf(i int) role {
	columns := f.header.columns
	switch columns[i].kind {
	case stampColumn:
		return stampRole
	case levelColumn:
		return levelRole
	case intColumn:
		return pidRole
	case boxColumn:
		return boxRole
	case quotedColumn:
		return quotedRole
	case wordColumn:
		if i+1 < len(columns) && columns[i+1].kind == tagColumn && i > 0 && columns[i-1].kind == stampColumn {
			return hostRole
		}
	}
	for _, c := range columns[i:] {
		if c.kind == stampColumn {
			return sourceRole
		}
	}
	return componentRole
}

// column adds a piece of the header.
func (f *former) column(p piece, r role) {
	switch p.kind {
	case sepColumn:
		f.literal(p.start, p.end)
	case tagColumn:
		f.tag(p.start, p.end)
	default:
		start := min(token.SkipBlanks(f.line, p.start), p.end)
		end := start + len(bytes.TrimRight(f.line[start:p.end], " \t"))
		f.literal(p.start, start)
		f.slot(start, end, r)
		f.literal(end, p.end)
	}
}

// tag adds the name of a program, with its number if it has one.
func (f *former) tag(start, end int) {
	tag := f.line[start:end]
	open := bytes.IndexByte(tag, '[')
	if open <= 0 || open+1 >= len(tag) || !isDigit(tag[open+1]) {
		f.slot(start, end-1, programRole)
		f.literal(end-1, end)
		return
	}
	shut := start + open + boxLen(tag[open:])
	f.slot(start, start+open, programRole)
	f.literal(start+open, start+open+1)
	f.slot(start+open+1, shut-1, pidRole)
	f.literal(shut-1, shut)
	f.loose(shut, end)
}

// message adds what follows the header.
func (f *former) message(at int, words []string) {
	msg := f.line[at:]
	sig := f.masker.signature(msg)
	spans := f.masker.spans
	end := 0   // of what is done, in msg
	plain := 0 // where literal text before that begins
	k := 0
	for i := 0; i < len(sig); {
		n, isValue := 1, sig[i] == wild
		if isSigWord(sig[i]) && (i == 0 || !isSigWord(sig[i-1])) {
			if words != nil && words[k] == anyWord {
				n, isValue = sigWordLen(sig[i:]), true
			}
			k++
		}
		start := spans[i].start
		if isValue || start > end {
			f.literal(at+plain, at+end)
			f.loose(at+end, at+start)
			plain = start
		}
		end = spans[i+n-1].end
		if isValue {
			f.value(at+start, at+end)
			plain = end
		}
		i += n
	}
	f.literal(at+plain, at+end)
	f.loose(at+end, len(f.line))
}

// maxList is the number of words of a list at the end of a message that are captured one by one.
const maxList = 4

func countRuns(b []byte) int {
	n := 0
	for at := token.SkipBlanks(b, 0); at < len(b); at = token.SkipBlanks(b, token.RunEnd(b, at)) {
		n++
	}
	return n
}

// value adds the slots of a value: one for each run of non-blanks in it.
func (f *former) value(start, end int) {
	if end == f.end && countRuns(f.line[start:end]) > maxList {
		f.slot(start, end, listRole)
		return
	}
	for at := start; at < end; {
		next := min(token.SkipBlanks(f.line, at), end)
		f.literal(at, next)
		run := min(token.RunEnd(f.line, next), end)
		at = run
		for run < end && run > next+1 && bytes.IndexByte([]byte(",:;"), f.line[run-1]) >= 0 {
			run--
		}
		r := messageRole
		if next > start+1 && isDigit(f.line[next-2]) && unit(f.line[next-1:run]) == run-next+1 {
			r = unitRole
		}
		f.slot(next, run, r)
		f.literal(run, at)
	}
}

// loose adds a part of the line that the signature leaves out: numbers in it are slots.
func (f *former) loose(start, end int) {
	for at := start; at < end; {
		n := digitsAt(f.line[:end], at)
		if n == 0 {
			f.literal(at, at+1)
			at++
			continue
		}
		if at+n+1 < end && f.line[at+n] == '.' && isDigit(f.line[at+n+1]) {
			n += 1 + digitsAt(f.line[:end], at+n+1)
		}
		f.slot(at, at+n, messageRole)
		at += n
		if u := unit(f.line[at:end]); u > 0 {
			f.literal(at, at+1)
			f.slot(at+1, at+u, unitRole)
			at += u
		}
	}
}

// literal adds a part of the line as it is. Characters that nobody can see or type are slots.
func (f *former) literal(start, end int) {
	for i := start; i < end; {
		c, size := utf8.DecodeRune(f.line[i:end])
		n := len(f.key)
		switch {
		case token.IsBlank(f.line[i]):
			if n > 0 && f.key[n-1] != ' ' {
				f.key = append(f.key, ' ')
			}
		case !unicode.IsGraphic(c) || c == utf8.RuneError:
			f.slot(i, i+size, messageRole)
		default:
			f.key = append(f.key, f.line[i:i+size]...)
		}
		i += size
	}
}

// slot adds a part of the line as a slot. One that follows another directly is part of it, since there is nothing in a
// schema that could part them.
func (f *former) slot(start, end int, r role) {
	if start >= end {
		return
	}
	if n := len(f.key); n > 0 && isSlot(f.key[n-1]) {
		f.slots[len(f.slots)-1].end = end
		return
	}
	mark := byte(wild)
	if r == unitRole {
		mark = unitMark
	}
	f.key = append(f.key, mark)
	f.slots = append(f.slots, slot{span: span{start, end}, role: r})
}

// holdsBlanks tells whether what stands in the header in this role may have blanks in it.
func (r role) holdsBlanks() bool {
	return r == boxRole || r == programRole || r == componentRole
}
