package format

import (
	"bytes"
	"errors"
	"strings"

	"logctl/format/kv"
	"logctl/format/timefmt"
	"logctl/format/token"
)

// column is what a schema says of one column, where a character separates columns.
type column struct {
	node  int32 // an opLiteral has to be equal to it, an opTake takes it, an opRest takes it and all behind it
	maybe bool  // the line may end before it
}

// ParseDelimiter is the character between columns that a text names: itself, or "tab".
func ParseDelimiter(text string) (byte, error) {
	switch {
	case text == "tab" || text == `\t`:
		return '\t', nil
	case len(text) != 1 || text[0] < ' ' && text[0] != '\t' || text[0] >= 0x7f || strings.Contains(`"$\_?`, text) || token.IsAlnum(text[0]):
		return 0, errors.New("a delimiter is one character that is no letter, digit, quote, $, \\, _ or ?, or the word tab")
	}
	return text[0], nil
}

// readColumns makes columns of the items of a schema. Between two stands the delimiter, or blanks, or both.
func (prog *program) readColumns(p *parser, items []item) error {
	at := 0
	if items[0].op == opBlank {
		at = 1
	}
	for at < len(items) {
		start := at
		for at < len(items) && items[at].op != opBlank && items[at].op != opDelimiter {
			at++
		}
		if err := prog.addColumn(p, items[start:at]); err != nil {
			return err
		}
		for delimiters := 0; at < len(items); at++ {
			if items[at].op == opDelimiter {
				delimiters++
			}
			if delimiters > 1 || items[at].op != opBlank && items[at].op != opDelimiter {
				break
			}
		}
	}
	return nil
}

// addColumn adds what stands between two delimiters. Nothing there is a column that is not kept.
func (prog *program) addColumn(p *parser, items []item) error {
	it := item{op: opTake, slot: -1}
	c := column{}
	switch {
	case len(items) == 1:
		it = items[0]
	case len(items) > 1:
		return p.fail(items[1].from, "a column is one $name, one _ or one text; a delimiter goes between two")
	}
	if it.op == opGroup {
		if len(it.inner) != 1 || it.inner[0].op == opGroup {
			return p.fail(it.from, "a column that may be absent is one $name? or _?")
		}
		it, c.maybe = it.inner[0], true
	}
	if n := len(prog.columns); n > 0 && prog.nodes[prog.columns[n-1].node].op == opRest {
		return p.fail(it.from, "nothing may follow a capture of the rest of the line")
	}
	if it.kind == kindRest {
		it.spread = true // an opRest
	}
	c.node = prog.add(it, 0)
	prog.columns = append(prog.columns, c)
	return nil
}

// matchColumns tells whether the line's columns are those of the schema; there may be more of them.
func (prog *program) matchColumns(m *Match) bool {
	at := 0
	for _, c := range prog.columns {
		nd := &m.nodes[c.node]
		if at > len(m.line) {
			if c.maybe {
				continue
			}
			return m.fail(c.node, len(m.line)) >= 0
		}
		if nd.op == opRest {
			return m.rest(nd, m.columnStart(at, prog.delimiter)) || m.fail(c.node, at) >= 0
		}
		end, ok := m.column(nd, at, prog.delimiter)
		if !ok {
			return m.fail(c.node, at) >= 0
		}
		if m.traced {
			m.path = append(m.path, step{c.node, span{uint32(at), uint32(end)}})
		}
		at = end + 1
	}
	return true
}

// column lets a node take the column that begins at a place, and gives the place of the delimiter behind it. Blanks around it
// are not part of it, and neither are quotes, between which a delimiter is none and "" is one quote.
func (m *Match) column(nd *node, at int, delimiter byte) (end int, ok bool) {
	start := m.columnStart(at, delimiter)
	if size := quotedColumn(m.line[start:]); size > 0 {
		end = m.columnStart(start+size, delimiter)
		if end == len(m.line) || m.line[end] == delimiter {
			return end, m.unquote(nd, start+1, start+size-1)
		}
	}
	end = len(m.line)
	if i := bytes.IndexByte(m.line[at:], delimiter); i >= 0 {
		end = at + i
	}
	start = min(start, end)
	return end, m.takeColumn(nd, start, trimmedEnd(m.line, start, end), false)
}

// columnStart is where what the column at a place holds begins: behind blanks, unless these separate columns.
func (m *Match) columnStart(at int, delimiter byte) int {
	if token.IsBlank(delimiter) {
		return at
	}
	return token.SkipBlanks(m.line, at)
}

// trimmedEnd is where line[start:end] ends without blanks.
func trimmedEnd(line []byte, start, end int) int {
	for end > start && token.IsBlank(line[end-1]) {
		end--
	}
	return end
}

// quotedColumn is the length of the string in double quotes that b begins with, or 0.
func quotedColumn(b []byte) int {
	if len(b) < 2 || b[0] != '"' {
		return 0
	}
	for i := 1; i < len(b); i++ {
		if b[i] != '"' {
			continue
		}
		if i+1 == len(b) || b[i+1] != '"' {
			return i + 1
		}
		i++
	}
	return 0
}

// unquote lets a node take line[start:end], which stands between quotes.
func (m *Match) unquote(nd *node, start, end int) bool {
	text := m.line[start:end]
	if bytes.IndexByte(text, '"') < 0 {
		return m.takeColumn(nd, start, end, false)
	}
	from := len(m.arena)
	for len(text) > 0 {
		i := bytes.IndexByte(text, '"')
		if i < 0 {
			break
		}
		m.arena = append(m.arena, text[:i+1]...)
		text = text[i+2:]
	}
	m.arena = append(m.arena, text...)
	return m.takeColumn(nd, from, len(m.arena), true)
}

// takeColumn lets a node take a part of the line, or of the arena if it is unquoted. Of an empty column nothing is taken.
func (m *Match) takeColumn(nd *node, start, end int, unquoted bool) bool {
	text := m.line
	if unquoted {
		text = m.arena
	}
	text = text[start:end]
	if nd.op == opLiteral {
		return bytes.Equal(text, nd.literal)
	}
	if nd.slot < 0 || len(text) == 0 {
		return true
	}
	if !nd.kind.fitsColumn(text) {
		return false
	}
	if nd.kind == kindJSON {
		value, ok := m.compact(text, true)
		if !ok {
			return false
		}
		m.made |= 1 << nd.slot
		m.values[nd.slot] = value
	}
	m.take(nd.slot, start, end)
	if unquoted {
		m.unquoted |= 1 << nd.slot
	}
	return true
}

// fitsColumn tells whether a column is of the kind; whether it is JSON is not for it to say.
func (k kind) fitsColumn(b []byte) bool {
	switch k {
	case kindDate:
		return token.IsDate(b) || token.DatePrefix(b) == len(b)
	case kindStamp:
		return timefmt.Prefix(b) == len(b)
	case kindKV:
		return kv.Prefix(b, true) == len(b)
	}
	return k.fits(b)
}
