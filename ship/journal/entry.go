package journal

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"logctl/store"
)

// entry is what the journal says of one event. Names and values are parts of text.
type entry struct {
	text   []byte
	fields []field
	cut    bool // not all of it is here
}

// field is a member of an entry: places in its text.
type field struct{ name, nameEnd, end int }

func (e *entry) nameOf(f field) []byte  { return e.text[f.name:f.nameEnd] }
func (e *entry) valueOf(f field) []byte { return e.text[f.nameEnd:f.end] }

// cursor is the entry's, "" if it has none.
func (e *entry) cursor() string {
	for _, f := range e.fields {
		if string(e.nameOf(f)) == "__CURSOR" {
			return string(e.valueOf(f))
		}
	}
	return ""
}

// errExport is about bytes that are not in the export format.
var errExport = errors.New("journalctl wrote what is not in the journal's export format")

// What an entry may have at most; journald takes names of 64 bytes and 1024 fields.
const (
	maxName   = 1 << 10
	maxFields = 1 << 13
)

// entries reads the export format.
type entries struct {
	in  *bufio.Reader
	max int // bytes of an entry that are kept
}

func newEntries(r io.Reader, max int) *entries {
	return &entries{in: bufio.NewReaderSize(r, 64<<10), max: max}
}

// next reads an entry. It is io.EOF at the end, also behind an entry that is not whole.
func (es *entries) next(e *entry) error {
	e.text, e.fields, e.cut = e.text[:0], e.fields[:0], false
	for {
		start := len(e.text)
		name, end, err := es.name(e)
		switch {
		case err != nil:
			return err
		case end == '\n' && name == 0 && len(e.fields) > 0:
			return nil
		case end == '\n' && name == 0: // entries may be further apart
			continue
		case len(e.fields) == maxFields:
			return errExport
		}
		f, full := field{name: start, nameEnd: len(e.text)}, e.cut
		if end == '=' {
			err = es.line(e)
		} else {
			err = es.counted(e)
		}
		if err != nil {
			return err
		}
		f.end = len(e.text)
		if full { // nothing of what is behind a cut
			e.text = e.text[:start]
			continue
		}
		e.fields = append(e.fields, f)
	}
}

// name reads a name, and what ends it: the sign that the value follows, or a line feed.
func (es *entries) name(e *entry) (length int, end byte, err error) {
	for {
		c, err := es.in.ReadByte()
		switch {
		case err != nil:
			return 0, 0, err
		case c == '=' || c == '\n':
			return length, c, nil
		case length == maxName:
			return 0, 0, errExport
		}
		e.text = append(e.text, c)
		length++
	}
}

// line reads a value that is text.
func (es *entries) line(e *entry) error {
	for {
		part, err := es.in.ReadSlice('\n')
		if err == nil {
			part = part[:len(part)-1]
		}
		es.keep(e, part)
		if !errors.Is(err, bufio.ErrBufferFull) {
			return err
		}
	}
}

// counted reads a value of any bytes: how many, they, and a line feed.
func (es *entries) counted(e *entry) error {
	var size [8]byte
	if _, err := io.ReadFull(es.in, size[:]); err != nil {
		return short(err)
	}
	for left := binary.LittleEndian.Uint64(size[:]); left > 0; {
		part, err := es.in.Peek(int(min(left, uint64(es.in.Size()))))
		if len(part) == 0 {
			return short(err)
		}
		es.keep(e, part)
		left -= uint64(len(part))
		_, _ = es.in.Discard(len(part)) // they are there
	}
	c, err := es.in.ReadByte()
	if err == nil && c != '\n' {
		err = errExport
	}
	return short(err)
}

// short is err, where an end within an entry is an end.
func short(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return io.EOF
	}
	return err
}

// keep appends what there is room for.
func (es *entries) keep(e *entry, part []byte) {
	room := max(0, es.max-len(e.text))
	if len(part) > room {
		part, e.cut = wholeRunes(part[:room]), true
	}
	e.text = append(e.text, part...)
}

// wholeRunes is b without the beginning of a character at its end.
func wholeRunes(b []byte) []byte {
	for i := 1; i < utf8.UTFMax && i <= len(b); i++ {
		if last := b[len(b)-i:]; utf8.RuneStart(last[0]) {
			if !utf8.FullRune(last) {
				return b[:len(b)-i]
			}
			break
		}
	}
	return b
}

// appendJSON appends the entry as a line: the journal's own members first, then the program's, each by name.
func (e *entry) appendJSON(dst []byte) []byte {
	slices.SortStableFunc(e.fields, func(a, b field) int { return compareNames(e.nameOf(a), e.nameOf(b)) })
	dst = append(dst, '{')
	for i := 0; i < len(e.fields); {
		name, n := e.nameOf(e.fields[i]), 1
		for i+n < len(e.fields) && bytes.Equal(e.nameOf(e.fields[i+n]), name) {
			n++
		}
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(store.AppendJSONString(dst, name), ':')
		if n > 1 {
			dst = append(dst, '[')
		}
		for j := range n {
			if j > 0 {
				dst = append(dst, ',')
			}
			dst = appendValue(dst, e.valueOf(e.fields[i+j]))
		}
		if n > 1 {
			dst = append(dst, ']')
		}
		i += n
	}
	return append(dst, '}')
}

// compareNames puts names with underscores in front first, the more the earlier.
func compareNames(a, b []byte) int {
	if d := cmp.Compare(underscores(b), underscores(a)); d != 0 {
		return d
	}
	return bytes.Compare(a, b)
}

func underscores(name []byte) int { return len(name) - len(bytes.TrimLeft(name, "_")) }

// appendValue appends text as a string, other bytes as an array of numbers.
func appendValue(dst, value []byte) []byte {
	if utf8.Valid(value) {
		return store.AppendJSONString(dst, value)
	}
	dst = append(dst, '[')
	for i, c := range value {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = strconv.AppendUint(dst, uint64(c), 10)
	}
	return append(dst, ']')
}

// A GoneError says that the journal does not have the entry any more that was read last: it, and maybe some behind it that were
// never read, have been removed.
type GoneError struct {
	// Unread is how many entries were removed behind it; 0: none, or not known.
	Unread int64
}

func (e *GoneError) Error() string {
	if e.Unread > 0 {
		return fmt.Sprintf("the journal does not have the entry any more that was read last, nor the %d behind it: entries were removed before they were read", e.Unread)
	}
	return "the journal does not have the entry any more that was read last; entries may have been removed before they were read"
}

// cursorParts is a cursor taken apart, as far as it is of use here: s=SEQUENCE;i=NUMBER;b=…
type cursorParts struct {
	sequence string
	number   uint64
	rest     string // boot, times, and a hash of the entry
}

func (c *cursorParts) parse(cursor string) bool {
	s, rest, ok := strings.Cut(cursor, ";i=")
	number, rest, ok2 := strings.Cut(rest, ";")
	n, err := strconv.ParseUint(number, 16, 62)
	*c = cursorParts{s, n, rest}
	return ok && ok2 && err == nil
}

// sameEntry tells whether two cursors are of one entry. It may stand in several of the journal's files, each with numbers of its own.
func sameEntry(a, b string) bool {
	var x, y cursorParts
	return a == b || x.parse(a) && y.parse(b) && x.rest == y.rest && strings.Contains(x.rest, "x=")
}
